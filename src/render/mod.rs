//! Plan, report, status, runs and errors as text, JSON, Markdown and annotations. Pure: strings out, nobody printed to.
//!
//! Text carries ANSI colours; whoever prints it takes them out where they aren't wanted.

pub mod diagnosis;
pub mod doctor;
mod entry;
pub mod github;
pub mod json;
pub mod markdown;
mod page;
pub mod plan;
pub mod report;
pub mod runs;
pub mod sql;
pub mod status;
pub mod style;
mod time;
