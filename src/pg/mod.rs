//! Connections to PostgreSQL, and what a database says of itself.

pub mod catalog;
pub mod clients;
pub mod error;
pub mod history;
pub mod runner;
pub mod settings;
#[cfg(test)]
mod tests;
pub mod wire;
