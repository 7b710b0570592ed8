//! Drift.
mod accept;
pub mod compare;
mod parts;
mod text;
