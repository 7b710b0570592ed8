//! The desired state: what the YAML asks for, with defaults and environment resolved.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use jiff::civil::Date;

use super::name::{
    ClusterName, ExtensionName, FleetName, PolicyName, RoleName, SchemaName, TableName,
    TemplateName, TenantId,
};
use super::template::Template;

/// The fleet as its operator wants it.
#[derive(Clone, Debug)]
pub struct Desired {
    pub fleet: FleetName,
    /// Never empty: without `clusters:` there is one named `default`.
    pub clusters: BTreeMap<ClusterName, Cluster>,
    pub templates: BTreeMap<TemplateName, Template>,
    pub extensions: BTreeMap<ExtensionName, Extension>,
    pub tenants: BTreeMap<TenantId, Tenant>,
    /// What follows a tenant's own schema in `search_path`; `pg_temp` comes after it.
    pub search_path: Vec<SchemaName>,
    pub history_table: TableName,
    pub rollout: Rollout,
    pub backups: Option<Backups>,
    /// The naming convention's fixed parts, to find schemas that only look like tenants.
    pub schema_pattern: SchemaPattern,
    /// Names of environment variables whose values never appear in output.
    pub secrets: BTreeSet<String>,
    /// In the order they are declared in.
    pub waivers: Vec<Waiver>,
}

/// Differences of live tenants that somebody answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// A glob over tenant ids.
    pub tenants: String,
    /// A glob over objects with their kind before them, such as `index merchants_*`.
    pub object: String,
    pub reason: String,
    pub owner: String,
    /// The last day that it holds on, in UTC.
    pub expires: Option<Date>,
}

/// A connection target. All of it is resolved when it is used, so `validate` needs no environment; texts are as
/// written, `${NAME}` unresolved.
#[derive(Clone, Debug, Default)]
pub struct Cluster {
    /// `None` means the connection settings of the command.
    pub url: Option<String>,
    /// Past a pooling proxy, for what needs a session of its own.
    pub direct_url: Option<String>,
    /// A program and its arguments that print the password of each new connection.
    pub password_command: Option<Vec<String>>,
    pub parallel: Option<usize>,
}

/// An extension that every database of the fleet must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    pub schema: SchemaName,
    pub version: Option<String>,
    pub optional: bool,
}

/// One customer's schema.
#[derive(Clone, Debug)]
pub struct Tenant {
    pub cluster: ClusterName,
    pub schema: SchemaName,
    pub template: TemplateName,
    /// `None` means the connecting role.
    pub owner: Option<RoleName>,
    pub state: TenantState,
    pub tags: BTreeSet<String>,
    pub vars: BTreeMap<String, String>,
    pub backup: Option<PolicyName>,
    pub timeouts: Timeouts,
}

/// What a tenant's `state:` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TenantState {
    Present,
    Suspended,
    Absent,
}

impl TenantState {
    /// The word as it stands in YAML and in the control schema.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Present => "present",
            Self::Suspended => "suspended",
            Self::Absent => "absent",
        }
    }
}

/// Limits of a tenant's transaction, sent as `SET LOCAL`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    pub lock: LockTimeout,
    pub statement: StatementTimeout,
    pub idle: IdleTimeout,
}

/// `lock_timeout`: how long a statement waits for a lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockTimeout(pub Duration);

/// `statement_timeout`: how long one statement may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementTimeout(pub Duration);

/// `idle_in_transaction_session_timeout`: how long an open transaction may wait for us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdleTimeout(pub Duration);

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            lock: LockTimeout(Duration::from_secs(5)),
            statement: StatementTimeout(Duration::from_mins(10)),
            idle: IdleTimeout(Duration::from_mins(1)),
        }
    }
}

/// In what order tenants are changed, and when to stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rollout {
    pub canary_tags: BTreeSet<String>,
    pub max_failures: MaxFailures,
    pub drifted: OnDrift,
}

/// What a plan does with a drifted tenant that has something due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDrift {
    #[default]
    Warn,
    Block,
}

/// How many failed tenants end a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaxFailures {
    Count(usize),
    /// Per cent of the run's tenants, rounded up; at least three.
    Percent(u8),
}

impl MaxFailures {
    /// How many failures a run of `tenants` tenants bears; one more stops it.
    #[must_use]
    pub fn of(self, tenants: usize) -> usize {
        match self {
            Self::Count(count) => count,
            Self::Percent(percent) => (tenants * usize::from(percent)).div_ceil(100).max(3),
        }
    }
}

/// The naming convention `schema: "acq_{tenant}"`, split at `{tenant}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaPattern {
    pub prefix: String,
    pub suffix: String,
}

impl SchemaPattern {
    /// Whether a schema of this name looks like a tenant's. A bare `{tenant}` matches nothing:
    /// every schema of the database would.
    #[must_use]
    pub fn matches(&self, schema: &SchemaName) -> bool {
        let bare = self.prefix.is_empty() && self.suffix.is_empty();
        let name = schema.as_str();
        !bare
            && name.len() > self.prefix.len() + self.suffix.len()
            && name.starts_with(&self.prefix)
            && name.ends_with(&self.suffix)
    }
}

/// Backup policies: parsed and checked.
#[derive(Clone, Debug)]
pub struct Backups {
    /// As written, `${NAME}` unresolved.
    pub path: Option<String>,
    pub parallel: Option<usize>,
    pub repository: Option<String>,
    pub policies: BTreeMap<PolicyName, BackupPolicy>,
    /// The file that names `path`, which relative paths count from.
    pub declared_in: PathBuf,
}

/// When a tenant is backed up and how long the sets are kept.
#[derive(Clone, Debug)]
pub struct BackupPolicy {
    pub schedule: String,
    pub timezone: String,
    pub keep: Keep,
    pub verify: VerifyLevel,
}

/// Retention rules; at least one is set.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keep {
    pub within: Option<Duration>,
    pub last: Option<u32>,
    pub hourly: Option<u32>,
    pub daily: Option<u32>,
    pub weekly: Option<u32>,
    pub monthly: Option<u32>,
    pub yearly: Option<u32>,
    pub min_good: Option<u32>,
}

/// How far a fresh backup is proven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VerifyLevel {
    Checksum,
    Archive,
    Restore,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(prefix: &str, suffix: &str) -> SchemaPattern {
        SchemaPattern {
            prefix: prefix.to_owned(),
            suffix: suffix.to_owned(),
        }
    }

    #[test]
    fn a_pattern_needs_something_between_its_ends() {
        let matches =
            |pattern: &SchemaPattern, name: &str| pattern.matches(&SchemaName::new(name).unwrap());
        let both = pattern("acq_", "_x");
        assert!(matches(&both, "acq_acme_x"));
        for name in ["acq__x", "acq_x", "acq_acme", "acme_x", "ACQ_acme_x"] {
            assert!(!matches(&both, name), "{name}");
        }
        assert!(!matches(&pattern("", ""), "anything"));
    }

    #[test]
    fn failures_borne() {
        let cases = [
            (MaxFailures::Percent(5), 0, 3),
            (MaxFailures::Percent(5), 61, 4),
            (MaxFailures::Percent(0), 1000, 3),
            (MaxFailures::Percent(100), 7, 7),
            (MaxFailures::Count(0), 1000, 0),
            (MaxFailures::Count(2), 1, 2),
        ];
        for (limit, tenants, expected) in cases {
            assert_eq!(limit.of(tenants), expected, "{limit:?} of {tenants}");
        }
    }
}
