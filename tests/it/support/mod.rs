//! What the tests stand on: a server, a database each, fleets written to disk, and the program itself.

pub mod byte_proxy;
pub mod cli;
pub mod database;
pub mod dump;
pub mod fleet;
pub mod gate;
pub mod json_schema;
pub mod pooler;
pub mod proxy;
pub mod psql;
pub mod running;
pub mod secure;
pub mod server;
pub mod shapes;
pub mod statements;
pub mod terminal;

/// Of what enumerations go through, each so manieth is tried: `TENANTRY_TEST_EVERY=5` is five times as quick.
pub fn every() -> usize {
    let asked = std::env::var("TENANTRY_TEST_EVERY").ok();
    asked.map_or(1, |text| text.parse().expect("a number"))
}
