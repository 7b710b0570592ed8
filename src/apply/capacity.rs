//! How many tenants may be at work at once: as many as connections, lock table and file descriptors bear. Pure.

use crate::pg::catalog::Capacity;
use crate::pg::descriptors::EACH;

/// Connections that are left to others.
const SPARE_CONNECTIONS: i64 = 3;

/// File descriptors that are left for everything else.
const SPARE_DESCRIPTORS: usize = 8;

/// A number of workers, and what is in its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bound {
    pub workers: usize,
    /// Why they are no more, and how there can be more.
    pub why: Option<String>,
}

/// What one cluster's workers have to share.
#[derive(Clone, Copy, Debug)]
pub struct Room<'a> {
    pub capacity: &'a Capacity,
    /// A tenant needs so many entries of the lock table.
    pub locks: usize,
    /// File descriptors that are free.
    pub descriptors: usize,
}

/// As many workers as are wanted and there is room for, at least one.
#[must_use]
pub fn workers(wanted: usize, room: Room<'_>) -> Bound {
    let bounds = [connections(room.capacity), locks(room), descriptors(room)];
    let tightest = bounds.into_iter().min_by_key(|bound| bound.workers);
    match tightest {
        Some(bound) if bound.workers < wanted => bound,
        _ => Bound {
            workers: wanted.max(1),
            why: None,
        },
    }
}

/// What `max_locks_per_transaction` has to be for so many workers.
#[must_use]
pub fn needed_locks(workers: usize, room: Room<'_>) -> u64 {
    let entries = 2 * positive(workers) * positive(room.locks);
    entries.div_ceil(room.capacity.lock_holders.max(1).unsigned_abs())
}

fn positive(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

fn at_least_one(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0).max(1)
}

/// As many as find a connection; three are left to others, but of a role's own limit none.
#[must_use]
pub fn connections(capacity: &Capacity) -> Bound {
    let server = ("the server has", capacity.free - SPARE_CONNECTIONS);
    let database = capacity.free_in_database.map(|free| {
        let words = "the database's CONNECTION LIMIT has";
        (words, free - SPARE_CONNECTIONS)
    });
    let role = capacity.free_of_role;
    let role = role.map(|free| ("the connecting role's CONNECTION LIMIT has", free));
    let all = [Some(server), database, role];
    let least = all.into_iter().flatten().min_by_key(|(_, free)| *free);
    let (words, free) = least.unwrap_or(server);
    Bound {
        workers: at_least_one(free),
        why: Some(format!(
            "{words} room for {} beside what is in use and left to others; close connections or raise the limit",
            free.max(0)
        )),
    }
}

/// As many as fit into half of the lock table; the other half is left to others.
#[must_use]
pub fn locks(room: Room<'_>) -> Bound {
    let capacity = room.capacity;
    let half = capacity.max_locks * capacity.lock_holders / 2;
    let each = i64::try_from(room.locks).unwrap_or(i64::MAX).max(1);
    Bound {
        workers: at_least_one(half / each),
        why: Some(format!(
            "a tenant takes about {each} locks, and half of the server's lock table is {half}; \
             raise max_locks_per_transaction, now {}",
            capacity.max_locks
        )),
    }
}

fn descriptors(room: Room<'_>) -> Bound {
    let free = room.descriptors.saturating_sub(SPARE_DESCRIPTORS);
    // The first worker's connection is there already.
    let workers = free / EACH + 1;
    Bound {
        workers,
        why: Some(format!(
            "this process may open {} more files, and a connection takes {EACH}; raise `ulimit -n`",
            room.descriptors
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PostgreSQL's defaults, with nobody else connected.
    const DEFAULTS: Capacity = Capacity {
        free: 97,
        free_of_role: None,
        free_in_database: None,
        max_locks: 64,
        lock_holders: 100,
    };

    fn bound(wanted: usize, capacity: &Capacity, locks: usize, descriptors: usize) -> Bound {
        workers(
            wanted,
            Room {
                capacity,
                locks,
                descriptors,
            },
        )
    }

    #[test]
    fn what_fits_is_taken_as_it_is() {
        for (wanted, expected) in [(8, 8), (1, 1), (0, 1), (94, 94)] {
            let bound = bound(wanted, &DEFAULTS, 30, 1000);
            assert_eq!((bound.workers, bound.why), (expected, None), "{wanted}");
        }
    }

    /// Capacity, locks, descriptors; workers, and a word of the reason.
    type Case = (Capacity, usize, usize, usize, &'static str);

    #[test]
    fn the_tightest_bound_counts_and_is_never_below_one() {
        let cases: [Case; 11] = [
            (DEFAULTS, 30, 1000, 94, "the server"),
            (
                Capacity {
                    free: 7,
                    ..DEFAULTS
                },
                30,
                1000,
                4,
                "room for 4",
            ),
            (
                Capacity {
                    free: 3,
                    ..DEFAULTS
                },
                30,
                1000,
                1,
                "room for 0",
            ),
            (
                Capacity {
                    free: -5,
                    ..DEFAULTS
                },
                30,
                1000,
                1,
                "room for 0",
            ),
            (
                Capacity {
                    free_of_role: Some(5),
                    ..DEFAULTS
                },
                30,
                1000,
                5,
                "role's CONNECTION LIMIT",
            ),
            (
                Capacity {
                    free_in_database: Some(5),
                    ..DEFAULTS
                },
                30,
                1000,
                2,
                "database's CONNECTION LIMIT",
            ),
            (DEFAULTS, 240, 1000, 13, "max_locks_per_transaction, now 64"),
            (DEFAULTS, 3200, 1000, 1, "max_locks_per_transaction"),
            (DEFAULTS, 4000, 1000, 1, "max_locks_per_transaction"),
            (DEFAULTS, 30, 20, 4, "ulimit -n"),
            (DEFAULTS, 30, 3, 1, "ulimit -n"),
        ];
        for (capacity, locks, descriptors, workers, reason) in cases {
            let bound = bound(500, &capacity, locks, descriptors);
            assert_eq!(bound.workers, workers, "{bound:?}");
            let why = bound.why.unwrap_or_default();
            assert!(why.contains(reason), "{why}");
        }
    }

    fn workers_by_locks(max_locks: u64, locks: usize) -> usize {
        let capacity = Capacity {
            max_locks: max_locks.try_into().unwrap(),
            ..DEFAULTS
        };
        bound(500, &capacity, locks, 10_000).workers
    }

    #[test]
    fn the_needed_setting_is_the_least_that_fits_the_workers() {
        for (wanted, locks) in [(2, 3620), (8, 240), (3, 700)] {
            let room = Room {
                capacity: &DEFAULTS,
                locks,
                descriptors: 10_000,
            };
            let needed = needed_locks(wanted, room);
            assert_eq!(workers_by_locks(needed, locks), wanted, "{needed}");
            assert_eq!(workers_by_locks(needed - 1, locks), wanted - 1, "{needed}");
        }
    }
}
