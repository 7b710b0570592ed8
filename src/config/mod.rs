//! Reads the desired state: YAML files, templates and migrations into `Desired`, or every problem at once.
//!
//! `files` and `folders` read; `parse` makes a tree of each text, `shape` checks its structure and fills the
//! environment in, `document` types what passed, and `resolve` makes one fleet of it all. What is broken is left
//! out on the way, so that one problem doesn't hide another.

mod backups;
mod clusters;
mod defaults;
mod document;
mod extensions;
mod files;
mod folders;
mod json_schema;
mod judge;
mod migration_name;
mod misfit;
mod once;
mod parse;
mod placeholders;
mod resolve;
mod shape;
mod source;
mod templates;
mod tenants;
#[cfg(test)]
mod tests;
mod tree;
mod values;

use std::fmt;
use std::path::{Path, PathBuf};

pub use json_schema::json_schema;

use self::source::Sources;
use self::tree::Mark;
use crate::model::desired::Desired;
use crate::model::env::Env;

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub file: PathBuf,
    /// 1-based; 1 when it is about the whole file.
    pub line: usize,
    /// 1-based, in characters; 1 when it is about the whole line or file.
    pub column: usize,
    pub message: String,
    /// One imperative sentence.
    pub hint: Option<String>,
}

impl Problem {
    fn new(file: &Path, at: Mark, message: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: at.line as usize,
            column: at.column as usize,
            message: message.into(),
            hint: None,
        }
    }

    fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file.display(),
            self.line,
            self.column,
            self.message
        )
    }
}

/// Reads the desired state from a file, or from every `*.yaml` and `*.yml` of a folder.
///
/// # Errors
/// Every problem of every file, sorted by place.
pub fn load(path: &Path, env: Env<'_>) -> Result<Desired, Vec<Problem>> {
    let mut problems = Vec::new();
    let (texts, all_read) = files::yaml_texts(path, &mut problems);
    let mut sources = Sources::read(texts, env, &mut problems);
    sources.complete &= all_read;
    let folders = templates::read_folders(&sources, &mut problems);
    let desired = resolve::resolve(&sources, &folders, &mut problems);
    problems.sort();
    problems.dedup();
    match desired {
        Some(desired) if problems.is_empty() => Ok(desired),
        _ => Err(problems),
    }
}
