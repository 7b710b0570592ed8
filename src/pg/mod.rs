//! Connections to PostgreSQL, and what a database says of itself.

pub mod catalog;
pub mod clients;
mod conninfo;
pub mod descriptors;
pub mod error;
pub mod history;
mod passfile;
pub mod pooling;
pub mod runner;
pub mod settings;
mod stack;
#[cfg(test)]
mod tests;
mod tls;
pub mod wire;
