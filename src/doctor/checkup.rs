//! What was found, as a value. Its serialised form is public JSON (`format_version` 1.0). Pure.

use serde::Serialize;

use crate::model::name::{ClusterName, FleetName};

/// The version of the JSON form.
pub const FORMAT_VERSION: &str = "1.0";

/// All checks, by cluster, and at the end those of this machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Checkup {
    pub format_version: &'static str,
    pub tool_version: &'static str,
    pub fleet: FleetName,
    pub checks: Vec<Check>,
    pub summary: Summary,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// None when it is about this machine, or all clusters.
    pub cluster: Option<ClusterName>,
    /// A stable word, such as `owners`.
    pub check: &'static str,
    pub status: Status,
    pub message: String,
    /// One imperative line; ready-to-run SQL where a right is missing.
    pub hint: Option<String>,
}

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Ok,
    /// Works, and should be looked at.
    Warning,
    /// An apply would be refused, or fail.
    Failed,
    /// Couldn't be found out.
    Unknown,
}

/// How many checks ended how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub ok: usize,
    pub warning: usize,
    pub failed: usize,
    pub unknown: usize,
}

/// A check's outcome that doesn't know its place yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    pub status: Status,
    pub message: String,
    pub hint: Option<String>,
}

impl Finding {
    /// All is well.
    pub fn ok(message: impl Into<String>) -> Self {
        Self {
            status: Status::Ok,
            message: message.into(),
            hint: None,
        }
    }

    /// Works, and should be looked at.
    pub fn warning(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            status: Status::Warning,
            message: message.into(),
            hint: Some(hint.into()),
        }
    }

    /// Doesn't work.
    pub fn failed(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            status: Status::Failed,
            ..Self::warning(message, hint)
        }
    }

    /// Couldn't be found out.
    pub fn unknown(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self {
            status: Status::Unknown,
            ..Self::warning(message, hint)
        }
    }
}

impl Check {
    /// A finding in its place.
    #[must_use]
    pub fn new(cluster: Option<&ClusterName>, check: &'static str, finding: Finding) -> Self {
        Self {
            cluster: cluster.cloned(),
            check,
            status: finding.status,
            message: finding.message,
            hint: finding.hint,
        }
    }
}

impl Checkup {
    /// Counts the checks.
    #[must_use]
    pub fn new(fleet: &FleetName, checks: Vec<Check>) -> Self {
        let count = |status| checks.iter().filter(|check| check.status == status).count();
        Self {
            format_version: FORMAT_VERSION,
            tool_version: env!("CARGO_PKG_VERSION"),
            fleet: fleet.clone(),
            summary: Summary {
                ok: count(Status::Ok),
                warning: count(Status::Warning),
                failed: count(Status::Failed),
                unknown: count(Status::Unknown),
            },
            checks,
        }
    }

    /// Adds what was found before any database was looked at.
    #[must_use]
    pub fn with(mut self, check: Check) -> Self {
        self.checks.insert(0, check);
        Self::new(&self.fleet, self.checks)
    }
}
