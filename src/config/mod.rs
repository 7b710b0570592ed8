//! Reads the desired state: YAML files, templates and migrations into `Desired`, or every problem at once.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::model::desired::Desired;

/// One thing that is wrong with a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    pub file: PathBuf,
    /// 1-based; 0 when it is about the whole file.
    pub line: usize,
    /// 1-based, in characters; 0 when it is about the whole line or file.
    pub column: usize,
    pub message: String,
    /// One imperative sentence.
    pub hint: Option<String>,
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

/// Looks an environment variable up.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads the desired state from a file, or from every `*.yaml` and `*.yml` of a folder.
///
/// # Errors
/// Every problem of every file, sorted by place.
pub fn load(_path: &Path, _env: Env<'_>) -> Result<Desired, Vec<Problem>> {
    Err(Vec::new())
}

/// The JSON Schema of the desired state's YAML.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    serde_json::Value::Null
}
