//! What a failed attempt to connect means for the next one, as libpq sees it.

use std::error::Error as _;
use std::io;

use postgres::config::SslMode;

use crate::pg::error::PgError;

use super::route::Route;

/// Why a route didn't lead to a session.
pub struct Failure {
    pub error: PgError,
    /// Whether another address or host is tried; a server's refusal is final.
    pub go_on: bool,
}

/// Whether nobody was reached who could say no: the network's fault, or a server that is starting or stopping.
pub fn is_unreachable(error: &postgres::Error) -> bool {
    if let Some(db) = error.as_db_error() {
        return db.code().code() == "57P03";
    }
    // The driver tells its kinds apart by these words only.
    let words = error.to_string();
    words.starts_with("error connecting") || words.starts_with("timeout")
}

/// Whether libpq tries the other way after this. A password that was refused is not sent again in plain text.
pub fn falls_back(mode: SslMode, error: &postgres::Error) -> bool {
    let code = error.as_db_error().map(|db| db.code().code());
    match mode {
        SslMode::Prefer => code == Some("28000") || is_handshake(error),
        SslMode::Disable => code.is_some_and(|code| code.starts_with("28")),
        _ => false,
    }
}

fn is_handshake(error: &postgres::Error) -> bool {
    let cause = error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>());
    cause
        .and_then(io::Error::get_ref)
        .is_some_and(<dyn std::error::Error + Send + Sync>::is::<rustls::Error>)
}

/// The last error, with the words of those before it.
pub fn joined(mut errors: Vec<PgError>) -> PgError {
    let last = errors.pop().unwrap_or_default();
    let mut words: Vec<String> = errors.into_iter().map(|error| error.message).collect();
    words.push(last.message);
    words.dedup();
    PgError {
        message: words.join("; "),
        ..last
    }
}

/// What was said of every host; of one alone without its name, which the place tells.
pub fn together(mut errors: Vec<(Route, PgError)>) -> PgError {
    if errors.len() > 1 {
        for (route, error) in &mut errors {
            error.message = format!("{route}: {}", error.message);
        }
    }
    joined(errors.into_iter().map(|(_, error)| error).collect())
}
