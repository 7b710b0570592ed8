//! An error of the server or the connection, in the server's own words.

use crate::model::observed::Unreadable;
use std::error::Error as _;
use std::fmt;
use std::io;

use postgres::error::{DbError, ErrorPosition, Severity};

use super::patience::Silence;

/// What the server or the connection said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PgError {
    pub sqlstate: Option<String>,
    pub severity: Option<String>,
    pub message: String,
    pub detail: Option<String>,
    pub hint: Option<String>,
    /// 1-based, in characters of the text that was sent.
    pub position: Option<usize>,
    pub context: Option<String>,
    pub constraint: Option<String>,
    /// The connection was there and is gone.
    pub closed: bool,
    /// It was given up because no answer came. The server may still be at work.
    pub silent: bool,
}

impl From<&PgError> for Unreadable {
    fn from(error: &PgError) -> Self {
        Self {
            message: error.to_string(),
            is_locked: error.sqlstate.as_deref() == Some("55P03"),
        }
    }
}

impl PgError {
    /// An error of ours about what a server answered.
    #[must_use]
    pub fn own(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            ..Self::default()
        }
    }

    /// Whether the server, or PgBouncer before it, takes no more connections.
    #[must_use]
    pub fn is_full(&self) -> bool {
        match self.sqlstate.as_deref() {
            Some("53300") => true,
            // Some versions have one SQLSTATE for everything.
            Some("08P01") => self.message.contains("no more connections allowed"),
            _ => false,
        }
    }
}

/// What to look at when a database isn't reached and nothing more is known.
pub const CHECK_CONNECTION: &str = "Check that the server runs, and where --database-url, the cluster's `url`, \
     TENANTRY_DATABASE_URL, DATABASE_URL or PG* lead.";

impl PgError {
    /// What a person can do about a database that wasn't reached, or couldn't be read to the end.
    #[must_use]
    pub fn connection_hint(&self) -> String {
        let hint = match self.sqlstate.as_deref() {
            Some("28P01" | "28000") => {
                "Correct the user or the password, or let the role in by the server's pg_hba.conf."
            }
            None if self.message.contains("password missing") => {
                "Give a password: in PGPASSWORD, ~/.pgpass (mode 0600) or the cluster's `password_command`."
            }
            Some("3D000") => "Correct the database's name, or create the database.",
            Some("42501") if self.severity.as_deref() == Some("FATAL") => {
                "GRANT CONNECT ON DATABASE … TO … as a superuser, with the names above."
            }
            _ => CHECK_CONNECTION,
        };
        self.hint.clone().unwrap_or_else(|| hint.to_owned())
    }
}

impl From<Silence> for PgError {
    fn from(silence: Silence) -> Self {
        Self {
            closed: true,
            silent: silence != Silence::Gone,
            ..Self::own(silence.to_string())
        }
    }
}

impl fmt::Display for PgError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        if let Some(code) = &self.sqlstate {
            write!(f, ", SQLSTATE {code}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PgError {}

impl From<&DbError> for PgError {
    fn from(db: &DbError) -> Self {
        let position = match db.position() {
            Some(ErrorPosition::Original(position)) => usize::try_from(*position).ok(),
            _ => None,
        };
        Self {
            sqlstate: Some(db.code().code().to_owned()),
            severity: Some(severity(db).to_owned()),
            message: db.message().to_owned(),
            detail: db.detail().map(str::to_owned),
            hint: db.hint().map(str::to_owned),
            position,
            context: db.where_().map(str::to_owned),
            constraint: db.constraint().map(str::to_owned),
            // The server says no more after these, though the driver's client takes itself for open.
            closed: matches!(severity(db), "FATAL" | "PANIC"),
            silent: false,
        }
    }
}

/// In English, whatever the server's `lc_messages`.
pub(super) fn severity(db: &DbError) -> &str {
    match db.parsed_severity() {
        Some(Severity::Panic) => "PANIC",
        Some(Severity::Fatal) => "FATAL",
        Some(Severity::Error) => "ERROR",
        Some(Severity::Warning) => "WARNING",
        Some(Severity::Notice) => "NOTICE",
        Some(Severity::Debug) => "DEBUG",
        Some(Severity::Info) => "INFO",
        Some(Severity::Log) => "LOG",
        None => db.severity(),
    }
}

impl From<postgres::Error> for PgError {
    fn from(error: postgres::Error) -> Self {
        if let Some(db) = error.as_db_error() {
            return Self::from(db);
        }
        let source = error.source();
        let words = source.map_or_else(|| error.to_string(), |source| format!("{error}: {source}"));
        let source: Option<&io::Error> = source.and_then(|source| source.downcast_ref());
        Self {
            closed: error.is_closed() || source.is_some_and(is_broken),
            silent: source.is_some_and(|source| source.kind() == io::ErrorKind::TimedOut),
            ..Self::own(words)
        }
    }
}

/// Whether an error of input or output ends the connection. A message that can't be written as such, because a
/// text holds NUL, is refused before anything is sent.
fn is_broken(error: &io::Error) -> bool {
    error.kind() != io::ErrorKind::InvalidInput
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hint(sqlstate: Option<&str>, severity: &str, message: &str) -> String {
        PgError {
            sqlstate: sqlstate.map(str::to_owned),
            severity: Some(severity.to_owned()),
            ..PgError::own(message)
        }
        .connection_hint()
    }

    #[test]
    fn a_hint_fits_what_kept_us_out() {
        assert!(hint(Some("28P01"), "FATAL", "x").contains("password"));
        assert!(hint(None, "", "invalid configuration: password missing").contains("PGPASSWORD"));
        assert!(hint(Some("42501"), "FATAL", "x").starts_with("GRANT CONNECT"));
        // A table that may not be read is no matter of the connection.
        assert_eq!(hint(Some("42501"), "ERROR", "x"), CHECK_CONNECTION);
        let own = PgError {
            hint: Some("Do this.".to_owned()),
            ..PgError::own("x")
        };
        assert_eq!(own.connection_hint(), "Do this.");
    }
}
