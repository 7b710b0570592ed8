//! Random changes to a schema: its shape changes if and only if what PostgreSQL's own `pg_dump` says of it does.
//!
//! Both sides are compared at the dump's fixed point: dumped, restored and dumped again, as deparsed text changes
//! once on that way. `TENANTRY_RANDOM_DDL=1000` makes more changes, and `TENANTRY_RANDOM_SEED=17` starts at that
//! seed; each change has a seed of its own, which follows that of the change before.

mod batch;
mod dumped;
mod grammar;

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use batch::{Batch, Change};

use crate::random::number;

const CHANGES: usize = 200;
/// So many schemas are dumped at once; each table of theirs takes a lock.
const BATCH: usize = 50;
const WORKERS: usize = 2;

#[test]
fn a_shape_changes_if_and_only_if_its_dump_does() {
    let first = number("TENANTRY_RANDOM_SEED").unwrap_or(1);
    let count = number("TENANTRY_RANDOM_DDL").map_or(CHANGES, |n| n.try_into().expect("it fits"));
    let seeds: Vec<u64> = (first..).take(count).collect();
    let since = Instant::now();
    let changes = play_all(&seeds);
    let judged = changes.iter().filter(|change| change.is_judged()).count();
    let in_dump = changes
        .iter()
        .filter(|change| change.dump_differs())
        .count();
    println!(
        "{count} changes from seed {first}, {judged} of them judged, {in_dump} seen in the dump, in {:?}",
        since.elapsed()
    );
    if count > 4 * grammar::rules().len() {
        println!("never done:\n{}", never_done(&changes).join("\n"));
    }
    let failures: Vec<String> = changes.iter().filter_map(Change::mismatch).collect();
    assert!(
        failures.is_empty(),
        "{} of {count} changes:\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
    let enough = count / 20;
    assert!(in_dump >= enough && judged - in_dump >= enough);
    assert!(count - judged <= enough);
}

fn play_all(seeds: &[u64]) -> Vec<Change> {
    let left = Mutex::new(seeds.chunks(BATCH));
    let done = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let next = left.lock().expect("nobody panics with it").next();
                    let Some(seeds) = next else { return };
                    let changes = Batch::new(seeds).play();
                    done.lock().expect("nobody panics with it").extend(changes);
                }
            });
        }
    });
    done.into_inner().expect("nobody panics with it")
}

/// The lines of the grammar that the server never took.
fn never_done(changes: &[Change]) -> Vec<&'static str> {
    let done: BTreeSet<&str> = changes.iter().flat_map(|one| one.rules.clone()).collect();
    let rules = grammar::rules().into_iter();
    rules.filter(|rule| !done.contains(rule)).collect()
}
