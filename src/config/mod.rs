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
mod rows;
mod shape;
mod source;
mod templates;
mod tenants;
mod tenants_from;
#[cfg(test)]
mod tests;
mod tree;
mod values;
mod waivers;

use std::fmt;
use std::path::{Path, PathBuf};

pub use files::beside;
pub use json_schema::json_schema;

use self::folders::Folders;
use self::source::Sources;
use self::tree::Mark;
use crate::model::desired::Desired;
use crate::model::env::Env;
use crate::model::tenant_source::TenantSource;

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub file: PathBuf,
    /// 1-based; 1 when it is about the whole file.
    pub line: usize,
    /// 1-based, in characters; 1 when it is about the whole line or file.
    pub column: usize,
    /// Of the query of `tenants_from`, 1-based; the message says it too.
    pub row: Option<usize>,
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
            row: None,
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

/// What the files say; where a query names tenants, its rows are still to come.
#[derive(Debug)]
pub struct Loaded {
    /// Its tenants are those that the files name.
    fleet: Desired,
    tenants_from: Option<TenantSource>,
    sources: Sources,
    folders: Folders,
}

impl Loaded {
    /// The fleet as the files alone describe it; of its tenants those that they name and describe in full.
    #[must_use]
    pub fn fleet(&self) -> &Desired {
        &self.fleet
    }

    /// The query that names more tenants, if there is one.
    #[must_use]
    pub fn tenants_from(&self) -> Option<&TenantSource> {
        self.tenants_from.as_ref()
    }

    /// The whole desired state. `rows` are what the query returned, each as a JSON object; without a query there
    /// are none.
    ///
    /// # Errors
    /// Every problem of the rows, by row.
    pub fn desired(self, rows: &[String]) -> Result<Desired, Vec<Problem>> {
        let Some(source) = &self.tenants_from else {
            return Ok(self.fleet);
        };
        let mut problems = Vec::new();
        let rows = rows::read(rows, source.min, &self.sources, &mut problems);
        let resolved = resolve::resolve(&self.sources, &self.folders, Some(&rows), &mut problems);
        all_or_problems(resolved.map(|(desired, _)| desired), problems)
    }
}

/// Reads the desired state from a file, or from every `*.yaml` and `*.yml` of a folder.
///
/// # Errors
/// Every problem of every file, sorted by place.
pub fn load(path: &Path, env: Env<'_>) -> Result<Loaded, Vec<Problem>> {
    let mut problems = Vec::new();
    let (texts, all_read) = files::yaml_texts(path, &mut problems);
    let mut sources = Sources::read(texts, env, &mut problems);
    sources.complete &= all_read;
    let folders = templates::read_folders(&sources, &mut problems);
    let resolved = resolve::resolve(&sources, &folders, None, &mut problems);
    let (fleet, tenants_from) = all_or_problems(resolved, problems)?;
    Ok(Loaded {
        fleet,
        tenants_from,
        sources,
        folders,
    })
}

fn all_or_problems<T>(found: Option<T>, mut problems: Vec<Problem>) -> Result<T, Vec<Problem>> {
    problems.sort();
    problems.dedup();
    match found {
        Some(found) if problems.is_empty() => Ok(found),
        _ => Err(problems),
    }
}
