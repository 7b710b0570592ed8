//! Why a tenant can't be planned, in words: what, where, and what to do.

use super::verdict::Case;
use super::{Blocked, BlockedCode};
use crate::model::migration::{AppliedMigration, Comparison};
use crate::model::name::{ClusterName, RoleName, SqlName as _, TenantId};
use crate::model::observed::{ControlTenant, LiveHistory, Unreachable};
use crate::model::standing::Compared;
use crate::model::words::a_few;
use crate::sql::EnumConflict;

/// A [`Blocked`] that doesn't know its tenant yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Obstacle {
    pub(super) code: BlockedCode,
    pub(super) message: String,
    pub(super) hint: String,
}

impl Obstacle {
    pub(super) fn new(
        code: BlockedCode,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            code,
            message: message.into(),
            hint: hint.into(),
        }
    }

    pub(super) fn blocks(self, tenant: &TenantId) -> Blocked {
        Blocked {
            tenant: tenant.clone(),
            code: self.code,
            message: self.message,
            hint: self.hint,
        }
    }
}

pub(super) fn unreachable(cluster: &ClusterName, why: Option<&Unreachable>) -> Obstacle {
    let words = why.map_or("it wasn't asked", |why| why.message.as_str());
    let hint = why.and_then(|why| why.hint.clone());
    Obstacle::new(
        BlockedCode::Unreachable,
        format!("cluster {cluster} can't be reached: {words}"),
        hint.unwrap_or_else(|| "Check with `tenantry doctor` what stands in the way.".into()),
    )
}

pub(super) fn control_unreadable(cluster: &ClusterName, words: &str) -> Obstacle {
    Obstacle::new(
        BlockedCode::HistoryUnreadable,
        format!("the schema \"tenantry\" in cluster {cluster} can't be read: {words}"),
        "Run the SQL that `tenantry doctor --grants` prints, or rename a schema that isn't tenantry's.",
    )
}

/// A change of `state:` that can't be made; `recorded` is none for a tenant that isn't there.
pub(super) fn suspended(case: &Case<'_>, recorded: Option<&str>) -> Obstacle {
    let wanted = case.tenant.state.as_str();
    let (is, now) = match recorded {
        Some(state) => (state, state),
        None => ("not made yet", "present"),
    };
    Obstacle::new(
        BlockedCode::Unsupported,
        format!(
            "{} is {is} and should be {wanted}; this change isn't supported yet",
            case.place()
        ),
        format!("Set the tenant's `state:` to {now}."),
    )
}

pub(super) fn moved(case: &Case<'_>, there: &ClusterName) -> Obstacle {
    let here = &case.tenant.cluster;
    Obstacle::new(
        BlockedCode::Moved,
        format!(
            "tenant {} is declared on cluster {here} and recorded on cluster {there}",
            case.id
        ),
        format!("Set the tenant's `cluster:` back to {there}; moving isn't supported yet."),
    )
}

pub(super) fn schema_changed(case: &Case<'_>, row: &ControlTenant) -> Obstacle {
    let (is, wanted) = (row.schema.as_str(), case.schema());
    Obstacle::new(
        BlockedCode::SchemaChanged,
        format!(
            "{} lives in schema {is:?}; the file says {wanted:?}",
            case.place()
        ),
        format!("Set the tenant's `schema:` back to {is:?}; renaming isn't supported yet."),
    )
}

pub(super) fn template_changed(case: &Case<'_>, row: &ControlTenant) -> Obstacle {
    let (is, wanted) = (&row.template, &case.tenant.template);
    Obstacle::new(
        BlockedCode::TemplateChanged,
        format!(
            "{} was made from template {is}; the file says {wanted}",
            case.place()
        ),
        format!("Set the tenant's `template:` back to {is}, and bring changes by a migration."),
    )
}

pub(super) fn history_table_changed(case: &Case<'_>, row: &ControlTenant) -> Obstacle {
    let (is, wanted) = (row.history_table.as_str(), case.history_table.as_str());
    Obstacle::new(
        BlockedCode::HistoryTableChanged,
        format!(
            "{} keeps its history in table {is:?}; the file says {wanted:?}",
            case.place()
        ),
        format!("Set `history_table:` back to {is:?}."),
    )
}

pub(super) fn owner_differs(case: &Case<'_>, is: &RoleName, wanted: &RoleName) -> Obstacle {
    let (is, wanted) = (is.quoted(), wanted.quoted());
    Obstacle::new(
        BlockedCode::Unsupported,
        format!(
            "{} is owned by role {is}, not by {wanted}, and has migrations to run; changing the owner isn't supported yet",
            case.place()
        ),
        format!("Set `owner:` to {is}, or give schema and objects to {wanted} by hand."),
    )
}

pub(super) fn drifted(case: &Case<'_>, shape: &Compared) -> Obstacle {
    Obstacle::new(
        BlockedCode::Drifted,
        format!(
            "{} has migrations to run, and has drifted: {}",
            case.place(),
            a_few(&shape.differences)
        ),
        "Mend it, or waive what differs under `waivers:`, or set `rollout: { drifted: warn }`; `tenantry drift` shows it.",
    )
}

pub(super) fn schema_missing(case: &Case<'_>) -> Obstacle {
    Obstacle::new(
        BlockedCode::SchemaMissing,
        format!(
            "{} is recorded, but its schema {:?} is gone",
            case.place(),
            case.schema()
        ),
        format!(
            "Restore it from a backup, or pass `--provision-empty {}` to make it anew without data.",
            case.id
        ),
    )
}

pub(super) fn schema_held(case: &Case<'_>, holder: &TenantId) -> Obstacle {
    Obstacle::new(
        BlockedCode::SchemaExists,
        format!(
            "schema {:?} of {} is recorded as tenant {holder}'s",
            case.schema(),
            case.place()
        ),
        "Give the tenant another `schema:`, or its recorded id back.",
    )
}

pub(super) fn schema_exists(case: &Case<'_>) -> Obstacle {
    Obstacle::new(
        BlockedCode::SchemaExists,
        format!(
            "schema {:?} of {} exists, and no control row says whose it is",
            case.schema(),
            case.place()
        ),
        "Rename or drop that schema, or give the tenant another `schema:`.",
    )
}

/// What a history is that isn't rows.
pub(super) fn history(case: &Case<'_>, found: &LiveHistory) -> Obstacle {
    let table = format!("{:?}.{:?}", case.schema(), case.history_table.as_str());
    let (code, what, hint) = match found {
        LiveHistory::Foreign(differs) => (
            BlockedCode::ForeignHistory,
            format!("isn't of refinery's format: {differs}"),
            "Set `history_table:` to a name that no other tool uses.",
        ),
        LiveHistory::Unreadable(words) => (
            BlockedCode::HistoryUnreadable,
            format!("can't be read: {words}"),
            "Run the SQL that `tenantry doctor --grants` prints, or repair the row that is named.",
        ),
        LiveHistory::Absent => (
            BlockedCode::HistoryUnreadable,
            "is gone".to_owned(),
            "Restore the tenant or its history table from a backup.",
        ),
        LiveHistory::NotRead | LiveHistory::Rows(_) => (
            BlockedCode::HistoryUnreadable,
            "wasn't read".to_owned(),
            "Plan again.",
        ),
    };
    Obstacle::new(
        code,
        format!("the history {table} of {} {what}", case.place()),
        hint,
    )
}

/// What keeps a history from going on with the files; none when it can.
pub(super) fn comparison(case: &Case<'_>, found: &Comparison) -> Option<Obstacle> {
    match found {
        Comparison::Due(_) => None,
        Comparison::Diverged { recorded, file } => Some(diverged(case, recorded, file)),
        Comparison::Missing(recorded) => Some(Obstacle::new(
            BlockedCode::Missing,
            format!(
                "{} records {recorded}, which has no file in template {}",
                case.place(),
                case.tenant.template
            ),
            format!("Put {recorded}.sql back as it was applied."),
        )),
        Comparison::Late { file, newest } => Some(late(case, *file, *newest)),
    }
}

fn diverged(case: &Case<'_>, recorded: &AppliedMigration, file: &AppliedMigration) -> Obstacle {
    Obstacle::new(
        BlockedCode::Diverged,
        format!(
            "{} records {recorded} with checksum {}; the file {file}.sql has checksum {}",
            case.place(),
            recorded.checksum,
            file.checksum
        ),
        format!(
            "Put {recorded}.sql back as it was applied, and bring the change by a new migration."
        ),
    )
}

fn late(case: &Case<'_>, version: i64, newest: i64) -> Obstacle {
    let name = case
        .template
        .migrations
        .0
        .get(&version)
        .map_or_else(|| format!("V{version}"), |file| file.up.name.clone());
    Obstacle::new(
        BlockedCode::Late,
        format!(
            "{name} isn't recorded by {}, whose newest migration is V{newest}",
            case.place()
        ),
        format!("Give {name} a version above {newest}."),
    )
}

/// What blocks a database's tenants when extensions can't be had; none when none is missing.
pub(super) fn extension_missing(cluster: &ClusterName, missing: &[String]) -> Option<Obstacle> {
    if missing.is_empty() {
        return None;
    }
    Some(Obstacle::new(
        BlockedCode::ExtensionMissing,
        format!("cluster {cluster}: {}", missing.join("; ")),
        "Install the extension's package on the server, pin a version that it offers, or declare it `optional: true`.",
    ))
}

/// What blocks tenants whose files can't run in one transaction.
pub(super) fn enum_conflict(found: &EnumConflict) -> Obstacle {
    let EnumConflict {
        adds,
        uses,
        value,
        type_name,
    } = found;
    let hint = if adds == uses {
        format!("Move the use from {adds} to a later file, and add that when {adds} is applied.")
    } else {
        format!("Apply {adds} before {uses} is added.")
    };
    Obstacle::new(
        BlockedCode::Unsupported,
        format!(
            "{adds} adds the value {value:?} to enum {type_name} and {uses} uses it: PostgreSQL refuses \
             both in one transaction (55P04)"
        ),
        hint,
    )
}
