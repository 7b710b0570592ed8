//! Plain data: what is wanted, what is there, and the names both are told apart by.
//!
//! Nothing here knows a database, a file, a clock or a terminal.

pub mod conninfo;
pub mod desired;
pub mod duration;
pub mod env;
pub mod membership;
pub mod migration;
pub mod name;
pub mod near;
pub mod observed;
pub mod outdated;
pub mod reference;
pub mod shape;
pub mod standing;
pub mod template;
pub mod tenant_source;
pub mod words;

/// `1 tenant`, `2 tenants`: a number with its noun.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
