//! A gate that SQL waits at: an advisory lock the test holds, so that the program can be stopped inside a migration.

use std::time::{Duration, Instant};

use postgres::Client;

use super::database::Database;

/// While it is held, `SELECT pg_advisory_xact_lock_shared(4711)` waits.
pub struct Gate {
    holder: Client,
    watcher: Client,
    database: String,
}

/// The SQL that waits at the gate, for longer than a tenant's `lock_timeout`.
pub const WAIT: &str = "SET LOCAL lock_timeout = 0;\nSELECT pg_advisory_xact_lock_shared(4711);\n";

impl Gate {
    /// Shuts the gate of a database.
    pub fn shut(database: &Database) -> Self {
        let mut holder = database.admin();
        holder
            .batch_execute("SELECT pg_advisory_lock(4711)")
            .expect("the gate is free");
        Self {
            holder,
            watcher: database.admin(),
            database: database.name.clone(),
        }
    }

    /// Opens it for good.
    pub fn open(mut self) {
        self.holder
            .batch_execute("SELECT pg_advisory_unlock(4711)")
            .expect("it was shut");
    }

    /// How many wait now.
    pub fn waiting(&mut self) -> i64 {
        let sql = "SELECT count(*) FROM pg_locks l JOIN pg_database d ON d.oid = l.database \
                   WHERE d.datname = $1 AND l.locktype = 'advisory' AND l.objid = 4711 AND NOT l.granted";
        self.watcher
            .query_one(sql, &[&self.database])
            .expect("locks can be read")
            .get(0)
    }

    /// Returns once so many wait.
    #[track_caller]
    pub fn until_waiting(&mut self, wanted: i64) {
        let gate = std::panic::AssertUnwindSafe(|| self.waiting() >= wanted);
        until(&format!("{wanted} wait at the gate"), gate.0);
    }
}

/// Asks again and again until it is so; a minute is for ever.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let since = Instant::now();
    while !is_so() {
        assert!(
            since.elapsed() < Duration::from_mins(1),
            "waited a minute until {what}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}
