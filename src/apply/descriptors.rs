//! How many files this process may still open.

use std::fs;

use rustix::process::{Resource, getrlimit};

use crate::error::Error;

/// The first worker and what comes up besides need as many at least.
const FEWEST: usize = 8;

/// The file descriptors that are left.
///
/// # Errors
/// Too few to work with.
pub fn free() -> Result<usize, Error> {
    let Some(limit) = getrlimit(Resource::Nofile).current else {
        return Ok(usize::MAX);
    };
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    // Where they can't be counted there is none left to count them with.
    let used = fs::read_dir("/dev/fd").map_or(limit, Iterator::count);
    let free = limit.saturating_sub(used);
    if free < FEWEST {
        return Err(Error::failed(format!(
            "this process may open {limit} files at once, and {used} are open already"
        ))
        .hint(format!(
            "Raise the limit: `ulimit -n {}` or more.",
            limit + FEWEST.max(256)
        )));
    }
    Ok(free)
}
