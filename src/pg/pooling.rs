//! Whether a transaction-pooling proxy stands before the server.

use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use super::clients::Clients;
use super::error::PgError;
use super::wire::Wire;

/// What to do when a connection is closed before it was of any use: of a pooler with a single connection to the
/// server, the run lock has it.
pub const ONE_MORE: &str = "If a pooler stands before the server, let it have a connection for the run lock and one \
                            for each worker (PgBouncer's default_pool_size).";

/// How often it is looked, since other clients of a proxy may put things by chance as they would be without one.
const ROUNDS: usize = 3;

/// How long one connection is waited for while the other may hold the only server process there is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Whether two transactions of a connection may land in different server processes.
///
/// Makes two connections of its own. What needs a session, such as `pg_dump` or a statement outside of a
/// transaction, can't be done where it is so.
///
/// # Errors
/// What the server or the network said.
pub fn is_pooled(clients: &Clients) -> Result<bool, PgError> {
    let (mut one, mut other) = (clients.connect()?, clients.connect()?);
    for _ in 0..ROUNDS {
        if gives_itself_away(&mut one, &mut other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// A server process belongs to one connection for good unless a proxy hands it on: then it changes from one
/// transaction to the next, or is the same for both connections, or has changed when the other's is taken.
fn gives_itself_away(one: &mut Wire, other: &mut Wire) -> Result<bool, PgError> {
    let first = process(one, "")?;
    if process(one, "")? != first {
        return Ok(true);
    }
    if process(other, "BEGIN READ ONLY; ")? == first {
        other.run("ROLLBACK")?;
        return Ok(true);
    }
    Ok(while_other_is_busy(one, other)? != first)
}

/// The other's transaction ends at the latest when the patience does, so that this comes to an end too.
fn while_other_is_busy(one: &mut Wire, other: &mut Wire) -> Result<i64, PgError> {
    thread::scope(|scope| {
        let (done, read) = channel();
        let reader = scope.spawn(move || {
            let process = process(one, "");
            // Nobody listens any more if it took too long.
            let _ = done.send(());
            process
        });
        let _ = read.recv_timeout(PATIENCE);
        other.run("ROLLBACK")?;
        reader
            .join()
            .unwrap_or_else(|_| Err(PgError::own("reading the server process failed")))
    })
}

fn process(wire: &mut Wire, before: &str) -> Result<i64, PgError> {
    let sets = wire.simple(&format!("{before}SELECT pg_catalog.pg_backend_pid()"))?;
    let cell = sets.first().and_then(|set| set.rows.first()?.get(0));
    cell.and_then(|text| text.parse().ok())
        .ok_or_else(|| PgError::own("the server doesn't say which process it is"))
}
