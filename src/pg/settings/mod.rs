//! Where a connection leads to: one resolver with libpq's rules for every place that connection settings stand in.
//!
//! A connection string comes first; the section of a service file fills what it leaves open, the `PG*` variables
//! what that leaves open, libpq's defaults the rest, and a password at last the password file. `options` decides on
//! every keyword and variable of libpq. A password is nowhere in what is displayed, logged or said in an error.

mod driver;
mod failure;
mod options;
mod passfile;
mod password_command;
mod route;
mod service;
mod session;
mod source;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod values;

use crate::error::Error;
use crate::model::desired::Cluster;
use crate::model::env::Env;

use password_command::PasswordCommand;
use source::Source;
pub use target::Target;
use values::{Values, fault};

/// Resolves a cluster's target; of these the first wins: `--database-url`, the cluster's `url`,
/// `TENANTRY_DATABASE_URL`, `DATABASE_URL`, none.
///
/// `application_name` is always ours, so that whoever meets a lock of ours sees whose it is.
///
/// # Errors
/// A setting is malformed, unknown or unsupported; the message says where it comes from.
pub fn resolve(flag: Option<&str>, cluster: &Cluster, env: Env<'_>) -> Result<Target, Error> {
    let source = source::find(flag, "`url`", cluster.url.as_deref(), env)?;
    settle(&source, cluster, env)
}

/// Resolves the target that a flag of its own names, such as `--reference-url`, filled as every other.
///
/// # Errors
/// As those of [`resolve`].
pub fn resolve_named(origin: &'static str, text: &str, env: Env<'_>) -> Result<Target, Error> {
    let text = text.to_owned();
    settle(&Source { origin, text }, &Cluster::default(), env)
}

/// Resolves the target for what needs a session: the cluster's `direct_url`, past a pooling proxy. Without one, or
/// with `--database-url`, which may lead elsewhere altogether, it is that of [`resolve`].
///
/// # Errors
/// As those of [`resolve`].
pub fn resolve_direct(
    flag: Option<&str>,
    cluster: &Cluster,
    env: Env<'_>,
) -> Result<Target, Error> {
    if cluster.direct_url.is_none() {
        return resolve(flag, cluster, env);
    }
    let source = source::find(flag, "`direct_url`", cluster.direct_url.as_deref(), env)?;
    settle(&source, cluster, env)
}

fn settle(source: &Source, cluster: &Cluster, env: Env<'_>) -> Result<Target, Error> {
    let mut values = Values::parse(&source.text, source.origin)?;
    let command = command(source, &values, cluster, env)?;
    service::fill(&mut values, env)?;
    source::fill_from_variables(&mut values, env)?;
    values.judge()?;
    Target::new(&values, command, source.origin, env)
}

/// What prints the password; `--database-url` may bring another.
fn command(
    source: &Source,
    values: &Values,
    cluster: &Cluster,
    env: Env<'_>,
) -> Result<Option<PasswordCommand>, Error> {
    let Some(argv) = &cluster.password_command else {
        return Ok(None);
    };
    if values.get("password").is_none() {
        let command = PasswordCommand::new(argv, env);
        return command.map(Some).map_err(|problem| {
            fault("`password_command`", problem).hint("Set the variables that it names.")
        });
    }
    if source.origin == source::FLAG {
        return Ok(None);
    }
    let problem = "a password stands there, and the cluster has a `password_command` too";
    Err(fault(source.origin, problem).hint("Keep one of them."))
}
