//! Connections to PostgreSQL, and what a database says of itself.

pub mod catalog;
pub mod clients;
mod conninfo;
pub mod error;
pub mod headroom;
pub mod history;
mod passfile;
pub mod runner;
pub mod settings;
pub mod tenants_from;
#[cfg(test)]
mod tests;
mod tls;
pub mod wire;
