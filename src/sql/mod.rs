//! SQL as text: lexer, statement splitter, directives, refusals, placeholders, data-loss rules. Pure.
//!
//! Everything here decides by tokens alone. What tokens can't tell (a function that ends the transaction, a
//! `set_config` that outlives it) is caught by the server or by the checks of the transaction itself.

mod data_loss;
mod directive;
mod enum_conflict;
mod lexer;
mod own_name;
mod place;
mod placeholder;
mod problem;
mod query;
mod read;
mod refuse;
mod split;
mod value;

pub use enum_conflict::{EnumConflict, enum_conflict};
pub use own_name::{neutral_code, neutral_settings};
pub use place::{Place, locate};
pub use placeholder::{Origin, Rendered, render};
pub use problem::Problem;
pub use query::query;
pub use read::read;
pub use split::{Statement, statements};

#[cfg(test)]
mod tests;
