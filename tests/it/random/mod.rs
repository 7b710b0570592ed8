//! Random desired states under random faults: ends at any point, cut lines, restarts, other runs at the same time.
//!
//! After every round no tenant is half there or lost, histories are what was done, what isn't ours is untouched,
//! nobody holds a session or a lock, and reports and plans tell the truth. `TENANTRY_RANDOM_RUNS=300` tries more
//! seeds, and `TENANTRY_RANDOM_SEED=17` one again.

pub mod dice;
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

pub fn number(variable: &str) -> Option<u64> {
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
    let failures = play_all(&seeds);
    println!("{} seeds in {:?}", seeds.len(), since.elapsed());
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Plays seeds side by side; what became of those that failed.
fn play_all(seeds: &[u64]) -> Vec<String> {
    let left = Mutex::new(seeds.iter());
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..WORKERS.min(seeds.len()) {
            scope.spawn(|| {
                let server = OwnServer::new();
                loop {
                    let next = left.lock().expect("nobody panics with it").next();
                    let Some(seed) = next else { return };
                    if let Err(failure) = survives(*seed, server) {
                        let mut failures = failures.lock().expect("nobody panics with it");
                        failures.push(failure);
                    }
                }
            });
        }
    });
    failures.into_inner().expect("nobody panics with it")
}

/// Plays a seed; how it failed, and how to see it again.
fn survives(seed: u64, server: &'static OwnServer) -> Result<(), String> {
    let mut world = World::new(seed, &server.server);
    catch_unwind(AssertUnwindSafe(|| play(&mut world, server))).map_err(|_| {
        let happened = world.log.join("\n  ");
        format!("TENANTRY_RANDOM_SEED={seed} cargo test --test it random::\n  {happened}")
    })
}

/// A few rounds; then what failed is repaired, and a plain apply ends it all.
fn play(world: &mut World, server: &OwnServer) {
    world.write();
    let mut live = Live::read(world);
    for round in 0..ROUNDS {
        if round > 0 {
            world.change(&live.ids());
            live = Live::read(world);
        }
        let ended = storm::apply(world, server);
        live = judge::check(world, &live, &ended);
    }
    world.repair(&live.ids());
    world.write();
    world.fleet.run(["apply", "--auto-approve"]).expect(0);
    world.fleet.expect_no_changes();
    let end = Live::read(world);
    for (id, tenant) in world.tenants.iter().filter(|(_, tenant)| tenant.in_file) {
        let history = &end.histories[id];
        assert_eq!(*history, world.target(tenant, history), "{id}, in the end");
    }
}
