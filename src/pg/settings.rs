//! Where a connection leads to: URL, `PG*` variables and TLS modes, resolved in one place.

use std::fmt;

/// A connection target, ready to be connected to.
#[derive(Clone)]
pub struct Target(pub postgres::Config);

impl fmt::Debug for Target {
    /// Shows no password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place())
    }
}

impl Target {
    /// Host, port and database for messages; no password.
    #[must_use]
    pub fn place(&self) -> String {
        String::new()
    }
}
