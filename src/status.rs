//! Where every tenant stands: the document of `status`, made of the plan, what was observed, and the journals.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::desired::{Desired, TenantState};
use crate::model::name::{ClusterName, FleetName, SchemaName, TenantId};
use crate::model::observed::{ControlState, LiveHistory, Observed};
use crate::plan::action::{MigrationRef, TenantAction};
use crate::plan::{Blocked, BlockedCode, Cohort, Plan, Unmanaged};
use crate::report::{Failure, Status};
use crate::runs::{self, Run, Unread};

/// The version of the document's JSON form.
pub const FORMAT_VERSION: &str = "1.0";

/// How many of the newest runs are shown.
pub const RUNS_SHOWN: usize = 3;

/// Where the fleet stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FleetStatus {
    pub format_version: String,
    pub tool_version: String,
    pub fleet: FleetName,
    /// Whether every database and journal could be read.
    pub complete: bool,
    pub summary: StatusSummary,
    /// By id; schemas that no control row names come last.
    pub tenants: Vec<Standing>,
    /// The newest, newest first.
    pub runs: Vec<Run>,
    /// Journals that couldn't be read.
    pub unread: Vec<Unread>,
}

/// Where one tenant stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// None for an unmanaged schema that no control row names.
    pub tenant: Option<TenantId>,
    pub cluster: ClusterName,
    pub schema: SchemaName,
    pub state: StandingState,
    /// The newest migration that is recorded; none where no history was read.
    pub version: Option<i64>,
    /// Migrations that are due, such as `V20250120000001__add_audit_columns`.
    pub pending: Vec<String>,
    pub blocked: Option<Block>,
    /// What became of it in the last run it was part of.
    pub last: Option<Last>,
}

/// What a tenant is, compared to the desired state.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum StandingState {
    UpToDate,
    /// Migrations are due.
    Pending,
    /// To be created.
    New,
    Blocked,
    /// `absent` in the file, and still there.
    Withheld,
    /// `absent` in the file, and gone.
    Absent,
    Suspended,
    /// Live, and not in the file.
    Unmanaged,
}

/// Why a tenant can't be planned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Block {
    pub code: BlockedCode,
    pub message: String,
    pub hint: String,
}

/// The last outcome of a tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Last {
    pub status: Status,
    /// RFC 3339, by the server's clock.
    pub at: String,
    pub run: Uuid,
    pub error: Option<Failure>,
    /// Since then, by the server's clock.
    #[serde(skip)]
    pub age: Duration,
}

/// How many tenants stand in each state, and how many of all have failed last.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StatusSummary {
    pub up_to_date: usize,
    pub pending: usize,
    pub new: usize,
    pub blocked: usize,
    pub withheld: usize,
    pub absent: usize,
    pub suspended: usize,
    pub unmanaged: usize,
    /// Whose last outcome is `failed` or `unknown`.
    pub failed: usize,
}

impl StatusSummary {
    /// Whether nothing is to be done or looked at.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.pending + self.new + self.blocked + self.failed == 0
    }
}

/// What one database's journal says.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    /// The newest.
    pub runs: Vec<Run>,
    pub last: BTreeMap<TenantId, Last>,
}

/// Everything that a status is made of.
#[derive(Clone, Copy, Debug)]
pub struct Sources<'a> {
    pub desired: &'a Desired,
    pub observed: &'a Observed,
    /// Of the selected tenants.
    pub plan: &'a Plan,
    pub selected: &'a BTreeSet<TenantId>,
    /// Of the databases that answered.
    pub journals: &'a BTreeMap<ClusterName, Journal>,
    pub unread: &'a [Unread],
}

/// Puts the status together. Unmanaged schemas are part of it when all tenants are selected.
#[must_use]
pub fn of(sources: &Sources<'_>) -> FleetStatus {
    let (desired, plan) = (sources.desired, sources.plan);
    let whole = sources.selected.len() == desired.tenants.len();
    let unmanaged = plan.unmanaged.iter().filter(|_| whole);
    let mut tenants: Vec<Standing> = sources
        .declared()
        .chain(unmanaged.map(|one| sources.unmanaged(one)))
        .collect();
    tenants.sort_by(|a, b| key(a).cmp(&key(b)));
    let mut runs = runs::merge(sources.journals.values().flat_map(|one| one.runs.clone()));
    runs.truncate(RUNS_SHOWN);
    FleetStatus {
        format_version: FORMAT_VERSION.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        fleet: desired.fleet.clone(),
        complete: plan.complete && sources.unread.is_empty(),
        summary: summary(&tenants),
        tenants,
        runs,
        unread: sources.unread.to_vec(),
    }
}

/// Whether anything could be read at all.
#[must_use]
pub fn is_anything_readable(observed: &Observed) -> bool {
    let mut databases = observed.databases.values();
    databases.any(|one| {
        one.as_ref()
            .is_ok_and(|live| !matches!(live.control, ControlState::Unreadable(_)))
    })
}

fn key(standing: &Standing) -> (bool, Option<&TenantId>, &ClusterName, &SchemaName) {
    let id = standing.tenant.as_ref();
    (id.is_none(), id, &standing.cluster, &standing.schema)
}

impl<'a> Sources<'a> {
    fn declared(&self) -> impl Iterator<Item = Standing> + use<'a> {
        let plan = self.plan;
        let cohorts: BTreeMap<&TenantId, &Cohort> = plan
            .cohorts
            .iter()
            .flat_map(|cohort| cohort.tenants.iter().map(move |id| (id, cohort)))
            .collect();
        let blocked: BTreeMap<&TenantId, &Blocked> =
            plan.blocked.iter().map(|one| (&one.tenant, one)).collect();
        let withheld: BTreeSet<&TenantId> = plan.withheld.iter().map(|one| &one.tenant).collect();
        let sources = *self;
        self.selected.iter().filter_map(move |id| {
            let tenant = sources.desired.tenants.get(id)?;
            let cohort = cohorts.get(id).copied();
            let blocked = blocked.get(id).copied();
            Some(Standing {
                tenant: Some(id.clone()),
                cluster: tenant.cluster.clone(),
                schema: tenant.schema.clone(),
                state: match (blocked, cohort, tenant.state) {
                    (Some(_), ..) => StandingState::Blocked,
                    (_, Some(cohort), _) => state_of(cohort),
                    _ if withheld.contains(id) => StandingState::Withheld,
                    (.., TenantState::Absent) => StandingState::Absent,
                    (.., TenantState::Suspended) => StandingState::Suspended,
                    (.., TenantState::Present) => StandingState::UpToDate,
                },
                version: sources.version(&tenant.cluster, id),
                pending: cohort.map(pending).unwrap_or_default(),
                blocked: blocked.map(block),
                last: sources.last(&tenant.cluster, id),
            })
        })
    }

    fn unmanaged(&self, one: &Unmanaged) -> Standing {
        let id = one.tenant.as_ref();
        Standing {
            tenant: one.tenant.clone(),
            cluster: one.cluster.clone(),
            schema: one.schema.clone(),
            state: StandingState::Unmanaged,
            version: None,
            pending: Vec::new(),
            blocked: None,
            last: id.and_then(|id| self.last(&one.cluster, id)),
        }
    }

    fn version(&self, cluster: &ClusterName, id: &TenantId) -> Option<i64> {
        let live = self.observed.databases.get(cluster)?.as_ref().ok()?;
        let schema = &live.tenants.get(id)?.schema;
        match &live.schemas.get(schema)?.history {
            LiveHistory::Rows(history) => history.iter().map(|row| row.version).max(),
            _ => None,
        }
    }

    fn last(&self, cluster: &ClusterName, id: &TenantId) -> Option<Last> {
        self.journals.get(cluster)?.last.get(id).cloned()
    }
}

fn state_of(cohort: &Cohort) -> StandingState {
    let creates = |action: &TenantAction| matches!(action, TenantAction::CreateTenant { .. });
    if cohort.actions.iter().any(creates) {
        StandingState::New
    } else {
        StandingState::Pending
    }
}

fn pending(cohort: &Cohort) -> Vec<String> {
    let migrations = cohort.actions.iter().flat_map(|action| match action {
        TenantAction::CreateTenant { migrations, .. }
        | TenantAction::Migrate { migrations, .. } => migrations,
    });
    let name = |one: &MigrationRef| format!("V{}__{}", one.version, one.name);
    migrations.map(name).collect()
}

fn block(blocked: &Blocked) -> Block {
    Block {
        code: blocked.code,
        message: blocked.message.clone(),
        hint: blocked.hint.clone(),
    }
}

fn summary(tenants: &[Standing]) -> StatusSummary {
    let mut summary = StatusSummary::default();
    for standing in tenants {
        *match standing.state {
            StandingState::UpToDate => &mut summary.up_to_date,
            StandingState::Pending => &mut summary.pending,
            StandingState::New => &mut summary.new,
            StandingState::Blocked => &mut summary.blocked,
            StandingState::Withheld => &mut summary.withheld,
            StandingState::Absent => &mut summary.absent,
            StandingState::Suspended => &mut summary.suspended,
            StandingState::Unmanaged => &mut summary.unmanaged,
        } += 1;
        let last = standing.last.as_ref();
        summary.failed += usize::from(last.is_some_and(|last| runs::is_failed(last.status)));
    }
    summary
}
