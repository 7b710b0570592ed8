//! Random desired states under random faults: ends at any point, cut lines, restarts, other runs at the same time.
//!
//! After every round no tenant is half there or lost, histories are what was done, what isn't ours is untouched,
//! nobody holds a session or a lock, and reports and plans tell the truth. `TENANTRY_RANDOM_RUNS=300` tries more
//! seeds, and `TENANTRY_RANDOM_SEED=17` one again.

mod dice;
mod judge;
mod storm;
mod world;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use crate::support::server::OwnServer;

use judge::Live;
use world::World;

const RUNS: u64 = 60;
const ROUNDS: usize = 3;
/// Each has a server of its own, as some seeds restart it.
const WORKERS: usize = 4;

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{variable} is a number")),
    )
}

#[test]
fn random_fleets_survive_random_faults() {
    let seeds: Vec<u64> = match number("TENANTRY_RANDOM_SEED") {
        Some(seed) => vec![seed],
        None => (1..=number("TENANTRY_RANDOM_RUNS").unwrap_or(RUNS)).collect(),
    };
    let since = Instant::now();
    let failed = play_all(&seeds);
    println!("{} seeds in {:?}", seeds.len(), since.elapsed());
    let again: Vec<String> = failed
        .iter()
        .map(|seed| format!("TENANTRY_RANDOM_SEED={seed} cargo test --test it random::"))
        .collect();
    assert!(failed.is_empty(), "to see it again:\n{}", again.join("\n"));
}

/// Plays seeds side by side; those that failed.
fn play_all(seeds: &[u64]) -> Vec<u64> {
    let left = Mutex::new(seeds.iter());
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS.min(seeds.len()) {
            scope.spawn(|| {
                let server = OwnServer::start();
                loop {
                    let next = left.lock().expect("nobody panics with it").next();
                    let Some(seed) = next else { return };
                    if catch_unwind(AssertUnwindSafe(|| play(*seed, server))).is_err() {
                        eprintln!("seed {seed} failed");
                        failed.lock().expect("nobody panics with it").push(*seed);
                    }
                }
            });
        }
    });
    let mut failed = failed.into_inner().expect("nobody panics with it");
    failed.sort_unstable();
    failed
}

/// A few rounds; then what failed is repaired, and a plain apply ends it all.
fn play(seed: u64, server: &'static OwnServer) {
    let mut world = World::new(seed, &server.server);
    world.write();
    let mut live = Live::read(&world);
    for round in 0..ROUNDS {
        if round > 0 {
            world.change(&live.ids());
            live = Live::read(&world);
        }
        let ended = storm::apply(&mut world, server);
        live = judge::check(&world, &live, &ended);
    }
    world.repair(&live.ids());
    world.write();
    world.fleet.run(["apply", "--auto-approve"]).expect(0);
    world.fleet.expect_no_changes();
    let end = Live::read(&world);
    for (id, tenant) in world.tenants.iter().filter(|(_, tenant)| tenant.in_file) {
        let history = &end.histories[id];
        assert_eq!(*history, world.target(tenant, history), "{id}, in the end");
    }
}
