//! Runs as the journals keep them: the document of `runs show`, and what is left of a run.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::name::{ClusterName, FleetName, TenantId};
use crate::report::{Failure, Status};

/// The version of the document's JSON form.
pub const FORMAT_VERSION: &str = "1.0";

/// The newest runs, or one run with its steps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Runs {
    pub format_version: String,
    pub tool_version: String,
    pub fleet: FleetName,
    /// Newest first.
    pub runs: Vec<Run>,
    /// What became of each step; there when one run was asked for.
    pub steps: Option<Vec<RunStep>>,
    /// Tenants the run set out to change and of which no journal knows more; there when one run was asked for.
    pub unrecorded: Option<Vec<String>>,
    /// Journals that couldn't be read.
    pub unread: Vec<Unread>,
}

/// One run, over all of its databases.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    pub run: Uuid,
    pub command: String,
    pub state: RunState,
    /// Who holds the run lock, while the run lives.
    pub holder: Option<String>,
    /// The code the program ended with.
    pub exit: Option<u8>,
    /// The run that it carried on.
    pub resumes: Option<Uuid>,
    /// The saved plan that it carried out.
    pub plan_id: Option<Uuid>,
    pub tool_version: String,
    /// The role that connected.
    pub actor: String,
    /// RFC 3339, by the server's clock.
    pub started_at: String,
    pub finished_at: Option<String>,
    /// Where the run is recorded.
    pub clusters: BTreeSet<ClusterName>,
    /// How many tenants it set out to change.
    pub tenants: usize,
    pub counts: RunCounts,
    /// Since its start, by the server's clock.
    #[serde(skip)]
    pub age: Duration,
    #[serde(skip)]
    pub took: Option<Duration>,
}

impl Run {
    /// Tenants of which no journal that was read knows more.
    #[must_use]
    pub fn unrecorded(&self) -> usize {
        self.tenants.saturating_sub(self.counts.sum())
    }

    /// Puts another database's record of the same run to this one.
    fn merge(&mut self, other: Self) {
        let graver = |run: &Self| (run.state.weight(), run.holder.is_some());
        if graver(&other) > graver(self) {
            self.state = other.state;
            self.holder = other.holder;
        }
        self.exit = self.exit.or(other.exit);
        if other.started_at < self.started_at {
            self.started_at = other.started_at;
            self.age = other.age;
        }
        self.finished_at = self.finished_at.take().max(other.finished_at);
        self.took = self.took.max(other.took);
        self.clusters.extend(other.clusters);
        self.counts.add(&other.counts);
    }
}

/// How a run ended, if it did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// It holds its lock.
    Running,
    Done,
    Partial,
    Failed,
    Interrupted,
    /// Its end was never recorded, and its lock is free.
    Killed,
}

impl RunState {
    /// The word as it stands in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Interrupted => "interrupted",
            Self::Killed => "killed",
        }
    }

    /// Of two databases' words the weightier is the run's: one that couldn't record the end knows less.
    fn weight(self) -> u8 {
        match self {
            Self::Killed => 0,
            Self::Done | Self::Partial | Self::Failed | Self::Interrupted => 1,
            Self::Running => 2,
        }
    }
}

/// How many tenants of a run are recorded in each status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunCounts {
    pub applied: usize,
    pub unchanged: usize,
    pub stale: usize,
    pub failed: usize,
    pub skipped: usize,
    pub unknown: usize,
}

impl RunCounts {
    /// The number of a status.
    pub fn of(&mut self, status: Status) -> &mut usize {
        match status {
            Status::Applied => &mut self.applied,
            Status::Unchanged => &mut self.unchanged,
            Status::Stale => &mut self.stale,
            Status::Failed => &mut self.failed,
            Status::Skipped => &mut self.skipped,
            Status::Unknown => &mut self.unknown,
        }
    }

    /// How many tenants are recorded.
    #[must_use]
    pub fn sum(&self) -> usize {
        self.applied + self.unchanged + self.stale + self.failed + self.skipped + self.unknown
    }

    fn add(&mut self, other: &Self) {
        self.applied += other.applied;
        self.unchanged += other.unchanged;
        self.stale += other.stale;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.unknown += other.unknown;
    }
}

/// What became of one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RunStep {
    pub cluster: ClusterName,
    /// None for a database-wide step.
    pub tenant: Option<TenantId>,
    /// What was done, such as `V20250120000001__add_audit_columns`; empty when nothing was.
    pub action: String,
    pub status: Status,
    /// RFC 3339, by the server's clock.
    pub at: String,
    pub took_ms: Option<u64>,
    pub error: Option<Failure>,
}

/// A database whose journal couldn't be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unread {
    pub cluster: ClusterName,
    pub message: String,
    pub hint: Option<String>,
}

/// The runs of all databases, each once, newest first.
#[must_use]
pub fn merge(recorded: impl IntoIterator<Item = Run>) -> Vec<Run> {
    let mut runs: BTreeMap<Uuid, Run> = BTreeMap::new();
    for run in recorded {
        match runs.get_mut(&run.run) {
            Some(known) => known.merge(run),
            None => {
                runs.insert(run.run, run);
            }
        }
    }
    let mut runs: Vec<Run> = runs.into_values().collect();
    runs.sort_by(|a, b| (&b.started_at, b.run).cmp(&(&a.started_at, a.run)));
    runs
}

/// The tenants a run set out to change of which no step is recorded.
#[must_use]
pub fn unrecorded(planned: &BTreeSet<String>, steps: &[RunStep]) -> Vec<String> {
    let recorded: BTreeSet<&str> = steps
        .iter()
        .filter_map(|step| Some(step.tenant.as_ref()?.as_str()))
        .collect();
    let missing = planned.iter().filter(|id| !recorded.contains(id.as_str()));
    missing.cloned().collect()
}

/// What is left of a run: its tenants that weren't applied or found unchanged, those of whom nothing is recorded
/// among them; with `only_failed`, the failed and the unknown ones.
#[must_use]
pub fn left(
    planned: &BTreeSet<String>,
    steps: &[RunStep],
    only_failed: bool,
) -> BTreeSet<TenantId> {
    let with = |wanted: &dyn Fn(Status) -> bool| -> BTreeSet<&TenantId> {
        let steps = steps.iter().filter(|step| wanted(step.status));
        steps.filter_map(|step| step.tenant.as_ref()).collect()
    };
    // A tenant that is recorded as unknown may be recorded as applied too: then its transaction was committed.
    let done = with(&|status| matches!(status, Status::Applied | Status::Unchanged));
    let failed = with(&is_failed);
    let tenants = planned.iter().filter_map(|id| TenantId::new(id).ok());
    tenants
        .filter(|id| !done.contains(id) && (!only_failed || failed.contains(id)))
        .collect()
}

/// Whether a tenant in this status is one of `--only-failed`.
#[must_use]
pub fn is_failed(status: Status) -> bool {
    matches!(status, Status::Failed | Status::Unknown)
}

/// The beginning of a run's id, as people write it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunPrefix(String);

impl RunPrefix {
    /// Hexadecimal digits in lower case, without dashes.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

impl FromStr for RunPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.replace('-', "").to_ascii_lowercase();
        let is_hex = digits.chars().all(|c| c.is_ascii_hexdigit());
        if is_hex && (4..=32).contains(&digits.len()) {
            Ok(Self(digits))
        } else {
            Err("a run is named by its id, or by 4 or more of its first digits".to_owned())
        }
    }
}

impl fmt::Display for RunPrefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests;
