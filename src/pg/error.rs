//! An error of the server or the connection, in the server's own words.

use std::error::Error as _;
use std::fmt;

use postgres::error::{DbError, ErrorPosition};

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
    /// The connection is gone.
    pub closed: bool,
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
            severity: Some(db.severity().to_owned()),
            message: db.message().to_owned(),
            detail: db.detail().map(str::to_owned),
            hint: db.hint().map(str::to_owned),
            position,
            context: db.where_().map(str::to_owned),
            constraint: db.constraint().map(str::to_owned),
            closed: matches!(db.severity(), "FATAL" | "PANIC"),
        }
    }
}

impl From<postgres::Error> for PgError {
    fn from(error: postgres::Error) -> Self {
        if let Some(db) = error.as_db_error() {
            return Self::from(db);
        }
        let words = error.source().map(|source| format!("{error}: {source}"));
        Self {
            closed: error.is_closed() || words.is_some(),
            ..Self::own(words.unwrap_or_else(|| error.to_string()))
        }
    }
}
