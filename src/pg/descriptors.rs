//! How many files this process may still open: the driver panics where it can't open its own.

use std::fs;

use rustix::process::{Resource, getrlimit};

use super::error::PgError;

/// What a connection takes: its socket, and what the driver waits on it with.
pub const EACH: usize = 4;

/// The file descriptors that are left.
#[must_use]
pub fn free() -> usize {
    let (limit, used) = of_process();
    limit.saturating_sub(used)
}

/// Whether there are enough for a connection.
pub(super) fn check() -> Result<(), PgError> {
    let (limit, used) = of_process();
    if limit.saturating_sub(used) > EACH {
        return Ok(());
    }
    Err(PgError::own(format!(
        "this process may open {limit} files at once, of which {used} are open, and a connection takes {EACH} more; \
         raise `ulimit -n`"
    )))
}

/// How many there may be, and how many there are.
fn of_process() -> (usize, usize) {
    let limit = getrlimit(Resource::Nofile).current;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    let limit = limit.unwrap_or(usize::MAX);
    // Where they can't be counted there is none left to count them with.
    (
        limit,
        fs::read_dir("/dev/fd").map_or(limit, Iterator::count),
    )
}
