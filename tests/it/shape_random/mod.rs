//! Random changes to a schema: its shape changes if and only if what PostgreSQL's own `pg_dump` says of it does.
//!
//! Both sides are compared at the dump's fixed point: dumped, restored and dumped again, as deparsed text changes
//! once on that way. `TENANTRY_RANDOM_DDL=1000` makes more changes, and `TENANTRY_RANDOM_SEED=17` starts at that
//! seed; each change has a seed of its own, which follows that of the change before.

mod batch;
mod dumped;
mod grammar;

use std::collections::BTreeMap;
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
    let changed = changes
        .iter()
        .filter(|change| change.dump_differs())
        .count();
    println!(
        "{count} changes from seed {first}, {judged} of them judged, {changed} seen in the dump, in {:?}",
        since.elapsed()
    );
    print_rules(&changes);
    let failures: Vec<String> = changes.iter().filter_map(Change::mismatch).collect();
    assert!(
        failures.is_empty(),
        "{} of {count} changes:\n\n{}",
        failures.len(),
        failures.join("\n\n")
    );
    let enough = count / 20;
    assert!(changed >= enough && judged - changed >= enough);
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

/// Says which lines of the grammar were never used, where there was room for all.
fn print_rules(changes: &[Change]) {
    let mut used: BTreeMap<&str, usize> = grammar::rules().iter().map(|rule| (*rule, 0)).collect();
    for rule in changes.iter().flat_map(|change| &change.rules) {
        *used.entry(rule).or_default() += 1;
    }
    if changes.len() > 4 * used.len() {
        for (rule, _) in used.iter().filter(|(_, times)| **times == 0) {
            println!("never used: {rule}");
        }
    }
}
