//! The password file, with libpq's rules (manual, 34.16).
//!
//! No message holds a piece of the file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::model::env::Env;

/// Whom a password is looked up for.
#[derive(Clone, Copy, Debug)]
pub struct Login<'a> {
    /// `localhost` for the server's usual socket folders.
    pub host: &'a str,
    pub port: &'a str,
    pub database: &'a str,
    pub user: &'a str,
}

/// The text of the file that `passfile` or `PGPASSFILE` names, else of `~/.pgpass`; none if it is missing or unfit.
///
/// One that others can read is passed over with a warning, as with libpq.
pub fn read(named: Option<&str>, env: Env<'_>) -> Option<String> {
    let path = match named {
        Some(path) => PathBuf::from(path),
        None => Path::new(&env("HOME").filter(|home| !home.is_empty())?).join(".pgpass"),
    };
    let metadata = fs::metadata(&path).ok()?;
    let place = path.display();
    if !metadata.is_file() {
        log::warn!("password file {place} isn't a plain file, and is passed over");
        return None;
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        log::warn!(
            "password file {place} can be read by others, and is passed over; chmod 0600 it"
        );
        return None;
    }
    fs::read_to_string(&path)
        .map_err(|error| log::warn!("password file {place}: {error}"))
        .ok()
}

/// The password of the first line that fits: `host:port:database:user:password`, each but the last may be `*`.
pub fn password(text: &str, login: Login<'_>) -> Option<String> {
    let wanted = [login.host, login.port, login.database, login.user];
    let mut lines = text.lines().filter(|line| !line.starts_with('#'));
    let rest = lines.find_map(|line| {
        wanted
            .iter()
            .try_fold(line, |rest, wanted| after(rest, wanted))
    })?;
    Some(field(rest).0).filter(|password| !password.is_empty())
}

/// What follows a field that fits; `\*` is a star and no wildcard.
fn after<'a>(line: &'a str, wanted: &str) -> Option<&'a str> {
    line.strip_prefix("*:").or_else(|| {
        let (found, rest) = field(line);
        rest.filter(|_| found == wanted)
    })
}

/// A line's first field and what follows its `:`; `\` takes the next character as it is.
fn field(line: &str) -> (String, Option<&str>) {
    let mut field = String::new();
    let mut characters = line.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            ':' => return (field, Some(&line[at + 1..])),
            '\\' => field.push(characters.next().map_or('\\', |(_, escaped)| escaped)),
            _ => field.push(character),
        }
    }
    (field, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOGIN: Login<'_> = Login {
        host: "db",
        port: "5432",
        database: "app",
        user: "deploy",
    };

    #[test]
    fn the_first_line_that_fits_counts() {
        let cases = [
            ("db:5432:app:deploy:hush", Some("hush")),
            ("*:*:*:*:hush", Some("hush")),
            (
                "#db:5432:app:deploy:no\ndb:5432:app:deploy:hush",
                Some("hush"),
            ),
            ("db:5433:app:deploy:no\r\n*:*:app:*:a\n*:*:*:*:b", Some("a")),
            (r"db:5432:app:deploy:a\:b\\c", Some(r"a:b\c")),
            ("db:5432:app:deploy:hush:more", Some("hush")),
            (r"\*:*:*:*:no", None),
            (r"d\b:5432:app:deploy:hush\", Some(r"hush\")),
            ("db:5432:app:deploy:", None),
            ("db:5432:app:deploy:\n*:*:*:*:no", None),
            ("db:5432:app:deploy", None),
            ("other:5432:app:deploy:no", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(password(text, LOGIN).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_file_that_others_can_read_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".pgpass");
        fs::write(&path, "*:*:*:*:hush\n").unwrap();
        let chmod = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        let home = folder.path().to_str().unwrap();
        let at_home = |name: &str| (name == "HOME").then(|| home.to_owned());
        chmod(0o644);
        assert_eq!(read(None, &at_home), None);
        chmod(0o600);
        assert!(read(None, &at_home).is_some());
        assert_eq!(
            read(Some("/nowhere"), &at_home),
            None,
            "the named one counts"
        );
        assert!(read(path.to_str(), &|_| None).is_some());
    }
}
