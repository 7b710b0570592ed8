//! The plan: everything that would bring the live fleet to the desired state, as a value.
//!
//! Its serialised form is the public JSON (`format_version` 1.0: a minor version adds keys, a major one breaks).
//! Making one is pure: [`diff`] compares and folds, [`rollout`] orders.

pub mod action;
mod cohort;
pub mod diff;
pub mod digest;
mod draft;
mod extension;
mod ground;
mod guard;
pub mod hazard;
mod notice;
mod obstacle;
mod pattern;
pub mod rollout;
pub mod saved;
pub mod selection;
mod shapes;
#[cfg(test)]
pub(crate) mod tests;
mod unmanaged;
mod verdict;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::desired::Desired;
use crate::model::name::{ClusterName, FleetName, SchemaName, TenantId};
use crate::model::observed::{LiveDatabase, Observed};
use crate::model::template::ContentHash;
use action::{DatabaseStep, Hazard, HazardNote, Precondition, TenantAction};

/// The version of the plan's JSON form.
pub const FORMAT_VERSION: &str = "1.0";

/// The newest version of the control schema that this program knows.
pub const CONTROL_VERSION: i64 = 1;

/// What would be done, and what can't be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    pub format_version: String,
    pub tool_version: String,
    pub fleet: FleetName,
    /// SHA-256 over this document with this field empty.
    pub digest: ContentHash,
    /// SHA-256 over the resolved tenants, values, templates and migrations; not over URLs or environment.
    pub desired_digest: ContentHash,
    /// Whether every database answered.
    pub complete: bool,
    /// Whether `apply` would have something to do.
    pub applyable: bool,
    pub summary: Summary,
    /// Database-wide steps, carried out before any tenant.
    pub steps: Vec<DatabaseStep>,
    pub cohorts: Vec<Cohort>,
    pub blocked: Vec<Blocked>,
    pub withheld: Vec<Withheld>,
    pub unmanaged: Vec<Unmanaged>,
    pub notices: Vec<Notice>,
}

/// How many tenants (`extensions`: steps) of each kind a plan holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    pub create: usize,
    pub migrate: usize,
    pub restore: usize,
    pub suspend: usize,
    pub resume: usize,
    pub drop: usize,
    pub backup: usize,
    pub prune: usize,
    pub extensions: usize,
    pub blocked: usize,
    pub withheld: usize,
    pub unmanaged: usize,
    pub unchanged: usize,
}

/// Tenants that are in the same place and have the same way to go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Cohort {
    /// The first twelve characters of the hash of what its tenants share.
    pub id: String,
    /// Sorted.
    pub tenants: Vec<TenantId>,
    /// What each tenant is checked against under its lock.
    pub expects: Precondition,
    /// Carried out in one transaction a tenant.
    pub actions: Vec<TenantAction>,
    pub hazards: Vec<HazardNote>,
}

/// A tenant that can't be planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Blocked {
    pub tenant: TenantId,
    pub code: BlockedCode,
    pub message: String,
    pub hint: String,
}

/// Why a tenant is blocked; a closed list.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum BlockedCode {
    Diverged,
    Missing,
    Late,
    HistoryUnreadable,
    ForeignHistory,
    SchemaExists,
    SchemaMissing,
    Moved,
    SchemaChanged,
    TemplateChanged,
    HistoryTableChanged,
    ExtensionMissing,
    Unreachable,
    Unsupported,
    BackupsExist,
    RepositoryUnreadable,
    Drifted,
}

impl BlockedCode {
    /// The code as it stands in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Diverged => "diverged",
            Self::Missing => "missing",
            Self::Late => "late",
            Self::HistoryUnreadable => "history_unreadable",
            Self::ForeignHistory => "foreign_history",
            Self::SchemaExists => "schema_exists",
            Self::SchemaMissing => "schema_missing",
            Self::Moved => "moved",
            Self::SchemaChanged => "schema_changed",
            Self::TemplateChanged => "template_changed",
            Self::HistoryTableChanged => "history_table_changed",
            Self::ExtensionMissing => "extension_missing",
            Self::Unreachable => "unreachable",
            Self::Unsupported => "unsupported",
            Self::BackupsExist => "backups_exist",
            Self::RepositoryUnreadable => "repository_unreadable",
            Self::Drifted => "drifted",
        }
    }
}

/// Destruction that nobody allowed; shown, never done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Withheld {
    pub tenant: TenantId,
    pub hazard: Hazard,
    pub message: String,
    pub hint: String,
}

/// A live schema that the desired state doesn't name; never touched.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unmanaged {
    pub cluster: ClusterName,
    pub schema: SchemaName,
    /// The tenant its control row names; none for a schema that only fits the naming pattern.
    pub tenant: Option<TenantId>,
    pub reason: UnmanagedReason,
}

/// Why a schema counts as unmanaged.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum UnmanagedReason {
    RemovedFromFile,
    Pattern,
}

/// Something worth knowing that changes nothing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// A stable word, such as `template_outdated`.
    pub code: String,
    pub cluster: Option<ClusterName>,
    /// Sorted; empty when it is about a database.
    pub tenants: Vec<TenantId>,
    pub message: String,
}

/// Live schemas that the desired state doesn't name.
#[must_use]
pub fn unmanaged(desired: &Desired, observed: &Observed) -> Vec<Unmanaged> {
    unmanaged::find(desired, observed)
}

/// What a database lacks of the declared extensions, in sentences: the required ones, then the optional ones.
#[must_use]
pub fn lacking_extensions(desired: &Desired, live: &LiveDatabase) -> (Vec<String>, Vec<String>) {
    let found = extension::plan(&desired.extensions, live);
    let optional = found.notices.into_iter().map(|(_, message)| message);
    (found.missing, optional.collect())
}

impl Plan {
    /// The plan with these notices too, all in order.
    #[must_use]
    pub fn noticing(mut self, notices: Vec<Notice>) -> Self {
        self.notices.extend(notices);
        self.notices.sort_by(|a, b| {
            (&a.code, &a.cluster, &a.tenants, &a.message)
                .cmp(&(&b.code, &b.cluster, &b.tenants, &b.message))
        });
        self
    }

    /// Whether something would be changed or can't be.
    #[must_use]
    pub fn differs(&self) -> bool {
        !self.steps.is_empty() || !self.cohorts.is_empty() || !self.blocked.is_empty()
    }

    /// Whether there is anything to carry out.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        !self.steps.is_empty() || !self.cohorts.is_empty()
    }

    /// The hash over everything but the digest itself.
    #[must_use]
    pub fn compute_digest(&self) -> ContentHash {
        let mut bare = self.clone();
        bare.digest = ContentHash(String::new());
        ContentHash::of(&serde_json::to_string(&bare).expect("a plan holds only text and numbers"))
    }

    /// Seals the plan with its digest.
    #[must_use]
    pub fn sealed(mut self) -> Self {
        self.digest = self.compute_digest();
        self
    }
}
