//! A throwaway PostgreSQL for `demo` and the tests.

use std::path::Path;

use crate::error::Error;

/// A running server, reachable by a socket in its own folder only; gone when dropped.
#[derive(Debug)]
pub struct Server {}

impl Server {
    /// Starts a server with an installed `initdb` and `postgres`; `settings` are further `-c` settings.
    ///
    /// # Errors
    /// No server is installed, or it doesn't start.
    pub fn start(_settings: &[(&str, &str)]) -> Result<Self, Error> {
        Err(Error::failed("stub"))
    }

    /// The folder of its socket.
    pub fn socket_folder(&self) -> &Path {
        Path::new("")
    }

    /// The folder of its programs: `psql`, `pg_dump` and others may be there.
    pub fn bin_folder(&self) -> &Path {
        Path::new("")
    }

    /// A connection URL; the superuser is `postgres`.
    pub fn url(&self, _user: &str, _database: &str) -> String {
        String::new()
    }
}
