//! The only door through which messages go to a server.
//!
//! Each method is one message and one round trip, with a crash point on either side. Nothing is prepared by name,
//! so a connection may be another server process after every transaction. No message waits for ever for its answer.

use std::fmt;
use std::sync::mpsc::RecvTimeoutError;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::BytesMut;
use postgres::error::DbError;
use postgres::types::{IsNull, ToSql, Type, to_sql_checked};
use postgres::{Client, Row, SimpleQueryMessage, SimpleQueryRow};

use crate::crash;
use crate::model::desired::Timeouts;

use super::error::{PgError, severity};
use super::line::Line;
use super::patience::{self, Silence};
use super::settings::Target;

/// An open connection.
pub struct Wire {
    line: Line,
    target: Target,
    notices: Arc<Mutex<Vec<PgNotice>>>,
    /// How long the next message may take.
    limit: Duration,
    closed: bool,
    /// Why it was given up, if it was.
    silence: Option<Silence>,
}

/// How long a statement of ours may take where nothing else is said, as in [`begin_reading`] and [`guards`].
const STATEMENT: Duration = Duration::from_mins(10);

/// What a message may take beyond the server's own timeouts.
const GRACE: Duration = Duration::from_secs(10);

/// How long a message may take whose statements take so long by the server's own timeouts.
#[must_use]
pub fn limit(statements: Duration) -> Duration {
    statements.saturating_add(GRACE)
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
        let server = target.clone();
        let connect = move || {
            server.connect(move |notice| {
                let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
                heard.push(PgNotice::from(&notice));
            })
        };
        crash::point("before connecting");
        let connected = Self::open(target, connect);
        crash::point("after connecting");
        let line = connected.map_err(|error| PgError {
            closed: false,
            ..error
        })?;
        Ok(Self {
            line,
            target: target.clone(),
            notices,
            limit: limit(STATEMENT),
            closed: false,
            silence: None,
        })
    }

    fn open(
        target: &Target,
        connect: impl FnOnce() -> Result<Client, PgError> + Send + 'static,
    ) -> Result<Line, PgError> {
        let started = Line::open(connect);
        let (mut line, opened) =
            started.map_err(|error| PgError::own(format!("starting a thread: {error}")))?;
        let limit = target.connecting();
        match opened.recv_timeout(limit) {
            // One attempt that took too long is no reason to give the server up.
            Ok(connected) => connected.map(|()| line).map_err(|error| PgError {
                silent: false,
                ..error
            }),
            Err(RecvTimeoutError::Disconnected) => Err(Silence::Gone.into()),
            Err(RecvTimeoutError::Timeout) => {
                line.abandon();
                Err(Silence::Server(limit).into())
            }
        }
    }

    /// Says how long the next message may take, and it alone.
    pub fn within(&mut self, limit: Duration) -> &mut Self {
        self.limit = limit;
        self
    }

    /// Runs statements whose rows don't matter. Without BEGIN they are one transaction.
    pub fn run(&mut self, sql: &str) -> Result<(), PgError> {
        let sql = sql.to_owned();
        self.message(move |client| client.batch_execute(&sql))
    }

    /// Runs statements and returns the rows of each that has some to return.
    pub fn simple(&mut self, sql: &str) -> Result<Vec<ResultSet>, PgError> {
        let sql = sql.to_owned();
        let messages = self.message(move |client| client.simple_query(&sql))?;
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
        let sql = sql.to_owned();
        let params: Vec<(Encoded, Type)> = params
            .iter()
            .map(|(value, of)| Ok((Encoded::new(*value, of)?, of.clone())))
            .collect::<Result<_, PgError>>()?;
        self.message(move |client| {
            let params: Vec<(&(dyn ToSql + Sync), Type)> = params
                .iter()
                .map(|(value, of)| (value as &(dyn ToSql + Sync), of.clone()))
                .collect();
            client.query_typed(&sql, &params)
        })
    }

    fn message<T: Send + 'static>(
        &mut self,
        send: impl FnOnce(&mut Client) -> Result<T, postgres::Error> + Send + 'static,
    ) -> Result<T, PgError> {
        crash::point("before message");
        let answer = self.ask(send);
        crash::point("after message");
        answer
    }

    fn ask<T: Send + 'static>(
        &mut self,
        send: impl FnOnce(&mut Client) -> Result<T, postgres::Error> + Send + 'static,
    ) -> Result<T, PgError> {
        if let Some(silence) = self.silence {
            return Err(silence.into());
        }
        let limit = std::mem::replace(&mut self.limit, limit(STATEMENT));
        let answer = self.line.ask(move |client| {
            let answer = send(client);
            (answer, client.is_closed())
        });
        match patience::wait(&answer, limit, &self.target) {
            Ok((answer, closed)) => {
                self.closed = closed;
                Ok(answer?)
            }
            Err(silence) => {
                self.closed = true;
                self.silence = Some(silence);
                self.line.abandon();
                Err(silence.into())
            }
        }
    }

    /// The notices since the last call.
    pub fn take_notices(&mut self) -> Vec<PgNotice> {
        std::mem::take(&mut self.notices.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Whether the connection is known to be gone, or was given up; one that died while idle shows at the next
    /// message only.
    pub fn is_closed(&self) -> bool {
        self.closed
    }
}

/// A parameter in the form it is sent in, so that it can go to the connection's thread.
#[derive(Debug)]
struct Encoded(Option<BytesMut>);

impl Encoded {
    fn new(value: &(dyn ToSql + Sync), of: &Type) -> Result<Self, PgError> {
        let mut bytes = BytesMut::new();
        match value.to_sql_checked(of, &mut bytes) {
            Ok(IsNull::Yes) => Ok(Self(None)),
            Ok(IsNull::No) => Ok(Self(Some(bytes))),
            Err(error) => Err(PgError::own(format!("a parameter of type {of}: {error}"))),
        }
    }
}

impl ToSql for Encoded {
    fn to_sql(
        &self,
        _of: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match &self.0 {
            None => IsNull::Yes,
            Some(bytes) => {
                out.extend_from_slice(bytes);
                IsNull::No
            }
        })
    }

    /// It was checked when it was encoded.
    fn accepts(_of: &Type) -> bool {
        true
    }

    to_sql_checked!();
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
         SET LOCAL standard_conforming_strings = on; SET LOCAL jit = off; SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '5min'; \
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
        let asked = wire.message(move |client| client.query_typed_raw(many, no_params).map(drop));
        asked.unwrap();
        kill_process(backend, Signal::STOP).unwrap();
        let since = Instant::now();
        drop(wire);
        let took = since.elapsed();
        kill_process(backend, Signal::CONT).unwrap();
        assert!(took < Duration::from_secs(5), "{took:?}");
    }
}
