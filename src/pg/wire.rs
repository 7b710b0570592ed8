//! The only door through which messages go to a server.
//!
//! Each method is one message and one round trip, with a crash point on either side. Nothing is prepared by name,
//! so a connection may be another server process after every transaction.

use std::fmt;
use std::sync::mpsc::channel;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use postgres::error::DbError;
use postgres::types::{ToSql, Type};
use postgres::{Client, Row, SimpleQueryMessage, SimpleQueryRow};

use crate::crash;
use crate::model::desired::Timeouts;

use super::error::{PgError, severity};
use super::settings::Target;

/// An open connection.
pub struct Wire {
    /// There until dropped.
    client: Option<Client>,
    notices: Arc<Mutex<Vec<PgNotice>>>,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wire")
    }
}

/// What a server says beside its answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PgNotice {
    pub severity: String,
    pub sqlstate: String,
    pub message: String,
}

impl From<&DbError> for PgNotice {
    fn from(db: &DbError) -> Self {
        Self {
            severity: severity(db).to_owned(),
            sqlstate: db.code().code().to_owned(),
            message: db.message().to_owned(),
        }
    }
}

/// The rows of one statement of a message.
#[derive(Debug, Default)]
pub struct ResultSet {
    pub rows: Vec<TextRow>,
}

/// A row in text form.
#[derive(Debug)]
pub struct TextRow(SimpleQueryRow);

impl TextRow {
    /// A column's text; `None` for NULL and for columns that aren't there.
    pub fn get(&self, index: usize) -> Option<&str> {
        self.0.try_get(index).ok().flatten()
    }
}

impl Wire {
    /// Connects.
    ///
    /// # Errors
    /// What the server or the network said. `closed` is false: nothing was open that could have been lost.
    pub fn connect(target: &Target) -> Result<Self, PgError> {
        let notices = Arc::<Mutex<Vec<PgNotice>>>::default();
        let heard = Arc::clone(&notices);
        crash::point("before connecting");
        let connected = target.connect(move |notice| {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push(PgNotice::from(&notice));
        });
        crash::point("after connecting");
        let client = connected.map_err(|error| PgError {
            closed: false,
            ..error
        })?;
        Ok(Self {
            client: Some(client),
            notices,
        })
    }

    /// Runs statements whose rows don't matter. Without BEGIN they are one transaction.
    pub fn run(&mut self, sql: &str) -> Result<(), PgError> {
        self.message(|client| client.batch_execute(sql))
    }

    /// Runs statements and returns the rows of each that has some to return.
    pub fn simple(&mut self, sql: &str) -> Result<Vec<ResultSet>, PgError> {
        let messages = self.message(|client| client.simple_query(sql))?;
        let mut sets: Vec<ResultSet> = Vec::new();
        for message in messages {
            match message {
                SimpleQueryMessage::RowDescription(_) => sets.push(ResultSet::default()),
                SimpleQueryMessage::Row(row) => {
                    // A description comes before its rows.
                    if let Some(set) = sets.last_mut() {
                        set.rows.push(TextRow(row));
                    }
                }
                _ => {}
            }
        }
        Ok(sets)
    }

    /// Runs one statement with `$1`… of the types given, as an unnamed statement.
    pub fn typed(
        &mut self,
        sql: &str,
        params: &[(&(dyn ToSql + Sync), Type)],
    ) -> Result<Vec<Row>, PgError> {
        self.message(|client| client.query_typed(sql, params))
    }

    fn message<T>(
        &mut self,
        send: impl FnOnce(&mut Client) -> Result<T, postgres::Error>,
    ) -> Result<T, PgError> {
        crash::point("before message");
        let answer = send(self.client.as_mut().expect(OPEN));
        crash::point("after message");
        Ok(answer?)
    }

    /// The notices since the last call.
    pub fn take_notices(&mut self) -> Vec<PgNotice> {
        std::mem::take(&mut self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the connection is known to be gone; one that died while idle shows at the next message only.
    pub fn is_closed(&self) -> bool {
        self.client.as_ref().expect(OPEN).is_closed()
    }
}

const OPEN: &str = "a connection is given up when dropped only";

/// How long a server may take to see a connection off.
const FAREWELL: Duration = Duration::from_millis(500);

impl Drop for Wire {
    /// The driver's client waits for every answer that is still due, for ever if the server is frozen
    /// (sfackler/rust-postgres#755), so it goes on a thread of its own and is waited for a short time only.
    fn drop(&mut self) {
        let Some(client) = self.client.take() else {
            return;
        };
        let (done, gone) = channel();
        let leave = move || {
            drop(client);
            // Nobody listens any more if it took too long.
            let _ = done.send(());
        };
        if thread::Builder::new().spawn(leave).is_ok() {
            let _ = gone.recv_timeout(FAREWELL);
        }
    }
}

/// Who our own statements run as, and what they may see: no role and no path that a file, a role or a database has
/// set as its default.
pub const OWN_PATH: &str = "SET LOCAL ROLE NONE; SET LOCAL search_path = pg_catalog, pg_temp";

/// Begins a transaction whose every statement sees what was committed before it, whatever the default: what is read
/// after a lock was got must not be older than the lock.
///
/// Nothing is set that the role and the database don't set: behind a pooler the session may be one in which another
/// client has.
pub const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED; RESET SESSION AUTHORIZATION; RESET ALL; SET client_encoding = 'UTF8'";

/// Makes it an error to read a table of which a policy hides rows, where too few rows would come otherwise.
pub const SEE_ALL: &str = "SET LOCAL row_security = off";

/// Begins a transaction that only reads: our own names only, nothing compiled, nothing waited for.
pub fn begin_reading() -> String {
    format!(
        "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; {OWN_PATH}; {SEE_ALL}; \
         SET LOCAL jit = off; SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '5min'; \
         SET LOCAL application_name = 'tenantry/observe';"
    )
}

/// The settings that bound every changing transaction, for its first message.
///
/// `client_connection_check_interval` ends the statement of a client that was killed; half a second, in ms.
pub fn guards(timeouts: Timeouts) -> String {
    format!(
        "SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {}; \
         SET LOCAL idle_in_transaction_session_timeout = {}; SET LOCAL client_connection_check_interval = 500;",
        timeouts.lock.0.as_millis(),
        timeouts.statement.0.as_millis(),
        timeouts.idle.0.as_millis()
    )
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use rustix::process::{Pid, Signal, kill_process};

    use super::super::tests::{started, text};
    use super::*;

    #[test]
    fn a_frozen_server_does_not_hold_a_dropped_connection() {
        let (_server, clients) = started();
        let mut wire = clients.connect().unwrap();
        let pid = text(&mut wire, "SELECT pg_backend_pid()").parse().unwrap();
        let backend = Pid::from_raw(pid).unwrap();
        // More rows than fit into the socket, and nobody reads them.
        let many = "SELECT generate_series(1, 10000000)";
        let no_params: [(i32, Type); 0] = [];
        let rows = wire.client.as_mut().unwrap();
        drop(rows.query_typed_raw(many, no_params).unwrap());
        kill_process(backend, Signal::STOP).unwrap();
        let since = Instant::now();
        drop(wire);
        let took = since.elapsed();
        kill_process(backend, Signal::CONT).unwrap();
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}
