//! What the server was sent, read from its log.

use super::database::Database;
use super::server::server;

/// Every statement the program sent to this database so far; none when a server was given, whose log isn't ours.
pub fn of(database: &Database) -> Option<Vec<String>> {
    let own = server().own()?;
    let log = std::fs::read(own.socket_folder().join("server.log")).expect("the log can be read");
    let log = String::from_utf8_lossy(&log);
    let place = format!("|{}|LOG:  ", database.name);
    let mut entries: Vec<String> = Vec::new();
    let mut ours = false;
    for line in log.lines() {
        if let Some(more) = line.strip_prefix('\t') {
            if let (true, Some(entry)) = (ours, entries.last_mut()) {
                entry.push('\n');
                entry.push_str(more);
            }
            continue;
        }
        let entry = line
            .strip_prefix("tenantry")
            .and_then(|rest| rest.split_once(&place));
        ours = entry.is_some();
        entries.extend(entry.map(|(_, text)| text.to_owned()));
    }
    assert!(!entries.is_empty(), "the program sent something");
    Some(entries)
}
