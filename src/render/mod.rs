//! Plan, report, status, runs, drift and errors as text, JSON, Markdown, JUnit and annotations. Pure: strings out,
//! nobody printed to.
//!
//! Text carries ANSI colours; whoever prints it takes them out where they aren't wanted.

pub mod diagnosis;
pub mod doctor;
pub mod drift;
mod entry;
pub mod github;
pub mod json;
pub mod junit;
pub mod markdown;
mod page;
pub mod plan;
pub mod report;
pub mod runs;
pub mod sql;
pub mod status;
pub mod style;
mod time;
