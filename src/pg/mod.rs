//! Connections to PostgreSQL, and what a database says of itself.

pub mod catalog;
pub mod clients;
pub mod descriptors;
pub mod error;
pub mod history;
mod line;
mod patience;
pub mod pooling;
pub mod runner;
pub mod settings;
pub mod shape;
mod stack;
pub mod tenants_from;
#[cfg(test)]
mod tests;
pub mod wire;
