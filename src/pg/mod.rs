//! Connections to PostgreSQL, and what a database says of itself.

pub mod catalog;
pub mod clients;
pub mod descriptors;
pub mod error;
pub mod files;
pub mod fleet_hash;
pub mod history;
mod line;
pub mod locate;
mod patience;
pub mod pooling;
pub mod runner;
pub mod settings;
pub mod shape;
mod stack;
pub mod stage;
pub mod tenants_from;
#[cfg(test)]
mod tests;
pub mod wire;
