//! Where a connection leads to: URL, `PG*` variables and TLS modes, resolved in one place.

use std::fmt;

use crate::error::Error;
use crate::model::desired::Cluster;

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

    /// The password connections are made with.
    #[must_use]
    pub fn password(&self) -> Option<&str> {
        std::str::from_utf8(self.0.get_password()?).ok()
    }
}

/// Where a cluster is: `--database-url`, its `url`, the environment's URLs, then `PG*`.
///
/// # Errors
/// Settings that make no sense.
pub fn resolve(
    flag: Option<&str>,
    cluster: &Cluster,
    env: &dyn Fn(&str) -> Option<String>,
) -> Result<Target, Error> {
    let url = flag
        .map(str::to_owned)
        .or_else(|| cluster.url.clone())
        .or_else(|| env("TENANTRY_DATABASE_URL"))
        .or_else(|| env("DATABASE_URL"))
        .unwrap_or_default();
    let config = url
        .parse()
        .map_err(|error| Error::failed(format!("{error}")))?;
    Ok(Target(config))
}
