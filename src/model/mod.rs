//! Plain data: what is wanted, what is there, and the names both are told apart by.
//!
//! Nothing here knows a database, a file, a clock or a terminal.

pub mod desired;
pub mod migration;
pub mod name;
pub mod observed;
pub mod template;
