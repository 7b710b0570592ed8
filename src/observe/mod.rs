//! Reads all databases side by side into [`Observed`]; one that doesn't answer is a value, not an abort.

pub mod look;
mod outdated;
pub mod settled;
pub mod shapes;

use std::collections::{BTreeMap, BTreeSet};

use crate::error::Error;
use crate::model::desired::{Desired, TenantState};
use crate::model::name::{ClusterName, FleetName, SchemaName, TableName, TenantId};
use crate::model::observed::{
    ControlState, ControlTenant, LiveDatabase, LiveHistory, LiveSchema, Observed, Unreachable,
};
use crate::pg::catalog::{self, ControlTables, SchemaRow};
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::history::{self, Source};
use crate::pg::pooling::ONE_MORE;
use crate::pg::settings::Target;
use crate::pg::wire::{Wire, begin_reading};

/// Where each cluster is; one whose settings make no sense is reported like one that doesn't answer.
pub type Targets = BTreeMap<ClusterName, Result<Target, Error>>;

/// Reads what every cluster of the desired state holds, but for shapes.
///
/// Nothing is left behind: every transaction is READ ONLY.
#[must_use]
pub fn observe(desired: &Desired, targets: &Targets) -> Observed {
    let databases = side_by_side(targets, |cluster, wire| read(desired, cluster, wire, None));
    Observed { databases }
}

/// Reads something of every database, all at once.
pub fn side_by_side<T: Send>(
    targets: &Targets,
    read: impl Fn(&ClusterName, &mut Wire) -> Result<T, PgError> + Sync,
) -> BTreeMap<ClusterName, Result<T, Unreachable>> {
    databases(targets, |cluster, clients| {
        clients.with(|wire| read(cluster, wire))
    })
}

/// As [`side_by_side`], with as many connections to each as are needed.
fn databases<T: Send>(
    targets: &Targets,
    read: impl Fn(&ClusterName, &Clients) -> Result<T, PgError> + Sync,
) -> BTreeMap<ClusterName, Result<T, Unreachable>> {
    let read = &read;
    std::thread::scope(|scope| {
        let readers: Vec<_> = targets
            .iter()
            .map(|(cluster, target)| {
                let work = move || database(target, |clients| read(cluster, clients));
                (cluster, scope.spawn(work))
            })
            .collect();
        readers
            .into_iter()
            .map(|(cluster, reader)| {
                let result = reader.join().unwrap_or_else(|_| Err(panicked()));
                (cluster.clone(), result)
            })
            .collect()
    })
}

fn panicked() -> Unreachable {
    Unreachable {
        message: "reading the database failed inside tenantry".to_owned(),
        hint: Some("Report this as a bug, with the output of -v.".to_owned()),
    }
}

fn database<T>(
    target: &Result<Target, Error>,
    read: impl FnOnce(&Clients) -> Result<T, PgError>,
) -> Result<T, Unreachable> {
    let target = target.as_ref().map_err(|error| Unreachable {
        message: error.message.clone(),
        hint: error.hint.clone(),
    })?;
    read(&Clients::new(target.clone())).map_err(|error: PgError| {
        let sent_away = error.closed && !error.silent && error.hint.is_none();
        let hint = if sent_away {
            ONE_MORE.to_owned()
        } else {
            error.connection_hint()
        };
        Unreachable {
            message: format!("{}: {error}", target.place()),
            hint: Some(hint),
        }
    })
}

/// `only` these tenants and their schemas, or all.
fn read(
    desired: &Desired,
    cluster: &ClusterName,
    wire: &mut Wire,
    only: Option<&[String]>,
) -> Result<LiveDatabase, PgError> {
    wire.run(&begin_reading())?;
    let server = catalog::server(wire)?;
    let (control, tenants) = control_or_words(wire, only)?;
    let history_tables: BTreeSet<&TableName> = tenants
        .values()
        .map(|tenant| &tenant.history_table)
        .collect();
    let history_tables: Vec<String> = history_tables
        .iter()
        .map(|table| table.as_str().to_owned())
        .collect();
    let recorded = tenants.values().map(|tenant| tenant.schema.to_string());
    let only: Option<Vec<String>> = only.map(|_| recorded.collect());
    let rows = catalog::schemas(wire, &history_tables, only.as_deref())?;
    let extensions = catalog::extensions(wire)?;
    let available = if desired.extensions.is_empty() {
        BTreeMap::new()
    } else {
        available(desired, wire)?
    };
    wire.run("COMMIT")?;
    let schemas = live_schemas(desired, cluster, &tenants, rows, wire)?;
    Ok(LiveDatabase {
        server,
        control,
        extensions,
        available,
        tenants,
        schemas,
        shapes: None,
        template_changes: BTreeMap::new(),
    })
}

type Tenants = BTreeMap<TenantId, ControlTenant>;

/// Tables of our names that are another's, or that hold what we can't use, don't hide the rest of the database.
fn control_or_words(
    wire: &mut Wire,
    only: Option<&[String]>,
) -> Result<(ControlState, Tenants), PgError> {
    match control(wire, only) {
        Err(error) if !error.closed => {
            wire.run("ROLLBACK")?;
            wire.run(&begin_reading())?;
            Ok((ControlState::Unreadable(error.to_string()), Tenants::new()))
        }
        read => read,
    }
}

fn control(wire: &mut Wire, only: Option<&[String]>) -> Result<(ControlState, Tenants), PgError> {
    match catalog::control_tables(wire)? {
        ControlTables::Absent | ControlTables::Prepared { .. } => {
            return Ok((ControlState::Absent, Tenants::new()));
        }
        ControlTables::Unreadable(words) => {
            return Ok((ControlState::Unreadable(words), Tenants::new()));
        }
        ControlTables::Readable => {}
    }
    let Some(row) = catalog::fleet(wire)? else {
        let words = "table tenantry.fleet is empty".to_owned();
        return Ok((ControlState::Unreadable(words), Tenants::new()));
    };
    let version = row.version;
    match FleetName::new(row.fleet) {
        Err(error) => Ok((ControlState::Unreadable(error.to_string()), Tenants::new())),
        Ok(fleet) => {
            let state = ControlState::Present {
                version,
                fleet,
                repository: row.repository,
                readers: row.readers,
            };
            // A newer format may have other columns; the plan refuses it by its version.
            let tenants = if version > crate::control::VERSION {
                Tenants::new()
            } else {
                let mut tenants = catalog::tenants(wire, only)?;
                catalog::applied(wire, only, &mut tenants)?;
                tenants
            };
            Ok((state, tenants))
        }
    }
}

fn available(
    desired: &Desired,
    wire: &mut Wire,
) -> Result<
    BTreeMap<crate::model::name::ExtensionName, crate::model::observed::AvailableExtension>,
    PgError,
> {
    let mut available = catalog::available(wire)?;
    let pinned: Vec<String> = desired
        .extensions
        .iter()
        .filter(|(_, extension)| extension.version.is_some())
        .map(|(name, _)| name.as_str().to_owned())
        .collect();
    if !pinned.is_empty() {
        for (name, targets) in catalog::update_targets(wire, &pinned)? {
            available.entry(name).or_default().update_targets = targets;
        }
    }
    Ok(available)
}

/// Schemas by name, with the histories of the tenants this file declares.
fn live_schemas(
    desired: &Desired,
    cluster: &ClusterName,
    tenants: &Tenants,
    rows: Vec<SchemaRow>,
    wire: &mut Wire,
) -> Result<BTreeMap<SchemaName, LiveSchema>, PgError> {
    let wanted: BTreeMap<&SchemaName, &TableName> = tenants
        .iter()
        .filter(|(id, _)| is_declared(desired, cluster, id))
        .map(|(_, tenant)| (&tenant.schema, &tenant.history_table))
        .collect();
    let mut schemas = BTreeMap::new();
    let mut to_read = Vec::new();
    for mut row in rows {
        let table = wanted.get(&row.schema).copied();
        // The schema may hold a table with another tenant's history name too.
        row.history = row
            .history
            .filter(|found| table.is_some_and(|table| table.as_str() == found.name));
        let history = match table {
            None => LiveHistory::NotRead,
            Some(table) => history::unfit(&row).unwrap_or_else(|| {
                to_read.push(Source::of(&row, table));
                LiveHistory::NotRead
            }),
        };
        merge(&mut schemas, row, history);
    }
    for (schema, history) in history::read(wire, &to_read)? {
        if let Some(live) = schemas.get_mut(&schema) {
            live.history = history;
        }
    }
    Ok(schemas)
}

/// A schema with several tables of history names comes as several rows; the one that fits its tenant counts.
fn merge(schemas: &mut BTreeMap<SchemaName, LiveSchema>, row: SchemaRow, history: LiveHistory) {
    let live = LiveSchema {
        oid: row.oid,
        owner: row.owner,
        history,
    };
    match schemas.get_mut(&row.schema) {
        Some(known) if live.history == LiveHistory::Absent => known.oid = live.oid,
        Some(known) => *known = live,
        None => {
            schemas.insert(row.schema, live);
        }
    }
}

fn is_declared(desired: &Desired, cluster: &ClusterName, id: &TenantId) -> bool {
    desired
        .tenants
        .get(id)
        .is_some_and(|tenant| &tenant.cluster == cluster && tenant.state != TenantState::Absent)
}
