//! Reads the journal: runs, their steps, and every tenant's last outcome.
//!
//! READ ONLY transactions, no locks, and as many queries for one tenant as for thousands.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use postgres::Row;
use postgres::types::Type;
use uuid::Uuid;

use super::RUN_LOCK;
use crate::model::name::{ClusterName, FleetName, TenantId};
use crate::pg::catalog::{self, ControlTables, FleetRow, LockHolder};
use crate::pg::error::PgError;
use crate::pg::wire::{Wire, begin_reading};
use crate::report::{Failure, Status};
use crate::runs::{Run, RunCounts, RunPrefix, RunState, RunStep};
use crate::status::{Journal, Last};

/// Which database a journal is read of.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    pub cluster: &'a ClusterName,
    /// Another fleet's journal is an error.
    pub fleet: &'a FleetName,
}

/// A run as one database knows it, with its steps there.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Every tenant the run set out to change, in other databases too.
    pub planned: BTreeSet<String>,
    pub steps: Vec<RunStep>,
}

/// The newest runs, or those whose ids begin with `prefix`; at most `limit`.
pub fn runs(
    wire: &mut Wire,
    source: Source<'_>,
    prefix: Option<&RunPrefix>,
    limit: usize,
) -> Result<Vec<Run>, PgError> {
    reading(wire, source, |wire, living| {
        read_runs(wire, source, living, prefix, limit)
    })
}

/// The newest runs, at most `limit`, and every tenant's last outcome.
pub fn journal(wire: &mut Wire, source: Source<'_>, limit: usize) -> Result<Journal, PgError> {
    reading(wire, source, |wire, living| {
        Ok(Journal {
            runs: read_runs(wire, source, living, None, limit)?,
            last: last_outcomes(wire)?,
        })
    })
}

/// A run's planned tenants and its steps; empty where the run isn't recorded.
pub fn record(wire: &mut Wire, source: Source<'_>, run: Uuid) -> Result<Record, PgError> {
    reading(wire, source, |wire, _| {
        let planned = "SELECT planned FROM tenantry.run WHERE run = $1";
        let rows = wire.typed(planned, &[(&run, Type::UUID)])?;
        let planned = rows.iter().flat_map(|row| row.get::<_, Vec<String>>(0));
        let planned = planned.collect();
        let steps = include_str!("../pg/queries/run_steps.sql");
        let rows = wire.typed(steps, &[(&run, Type::UUID)])?;
        let steps = rows.iter().map(|row| step(source.cluster, row));
        Ok(Record {
            planned,
            steps: steps.collect::<Result<_, _>>()?,
        })
    })
}

/// Reads in one transaction, begun after a look at who runs; the default without a control schema.
fn reading<T: Default>(
    wire: &mut Wire,
    source: Source<'_>,
    read: impl FnOnce(&mut Wire, &Living) -> Result<T, PgError>,
) -> Result<T, PgError> {
    let all = || {
        let Some(living) = Living::look(wire, source)? else {
            return Ok(T::default());
        };
        wire.run(&begin_reading())?;
        let value = read(wire, &living)?;
        wire.run("COMMIT")?;
        Ok(value)
    };
    all().map_err(|error: PgError| match error.sqlstate.as_deref() {
        Some("42501") => ungranted(error),
        _ => error,
    })
}

fn ungranted(error: PgError) -> PgError {
    PgError {
        hint: Some("Run the SQL that `tenantry doctor --grants` prints.".to_owned()),
        ..error
    }
}

/// Whether there is a control schema; an error when it isn't one that can be read.
fn is_there(wire: &mut Wire, source: Source<'_>) -> Result<bool, PgError> {
    match catalog::control_tables(wire)? {
        ControlTables::Absent | ControlTables::Prepared { .. } => return Ok(false),
        ControlTables::Unreadable(words) => return Err(ungranted(PgError::own(words))),
        ControlTables::Readable => {}
    }
    match catalog::fleet(wire)? {
        Some(FleetRow { fleet, .. }) if fleet != source.fleet.as_str() => {
            Err(PgError::own(format!(
                "the database belongs to fleet {fleet}, not to {}",
                source.fleet
            )))
        }
        Some(FleetRow { version, .. }) if version > super::VERSION => Err(PgError::own(format!(
            "the control schema has version {version}; this tenantry knows versions up to {}",
            super::VERSION
        ))),
        _ => Ok(true),
    }
}

/// What tells a living run from one that was killed: both are recorded as running.
struct Living {
    /// Recorded as running before the lock was looked at.
    running: BTreeSet<Uuid>,
    holder: Option<LockHolder>,
}

impl Living {
    /// Looks who runs; `None` without a control schema. Runs must be read after this, in another transaction: a run
    /// whose lock was free in between, and that is recorded as running before and after, has been killed.
    fn look(wire: &mut Wire, source: Source<'_>) -> Result<Option<Self>, PgError> {
        wire.run(&begin_reading())?;
        let is_there = is_there(wire, source)?;
        let rows = if is_there {
            wire.typed("SELECT run FROM tenantry.run WHERE state = 'running'", &[])?
        } else {
            Vec::new()
        };
        wire.run("COMMIT")?;
        if !is_there {
            return Ok(None);
        }
        Ok(Some(Self {
            running: rows.iter().map(|row| row.get(0)).collect(),
            holder: catalog::lock_holder(wire, RUN_LOCK)?,
        }))
    }

    /// The state of a run that is recorded as running, and who holds its lock.
    fn judge(&self, run: Uuid) -> (RunState, Option<String>) {
        let application = format!("tenantry/{}", run.simple());
        let holder = self.holder.as_ref();
        let holder = holder.filter(|holder| holder.application.as_ref() == Some(&application));
        let state = if holder.is_some() || !self.running.contains(&run) {
            RunState::Running
        } else {
            RunState::Killed
        };
        (state, holder.map(ToString::to_string))
    }
}

fn read_runs(
    wire: &mut Wire,
    source: Source<'_>,
    living: &Living,
    prefix: Option<&RunPrefix>,
    limit: usize,
) -> Result<Vec<Run>, PgError> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let prefix = prefix.map(RunPrefix::digits);
    let rows = wire.typed(
        include_str!("../pg/queries/runs.sql"),
        &[(&limit, Type::INT8), (&prefix, Type::TEXT)],
    )?;
    let ids: Vec<Uuid> = rows.iter().map(|row| row.get(0)).collect();
    let mut counts = counts(wire, &ids)?;
    rows.iter()
        .map(|row| {
            let counts = counts.remove(&row.get(0)).unwrap_or_default();
            run(source, living, row, counts)
        })
        .collect()
}

fn run(source: Source<'_>, living: &Living, row: &Row, counts: RunCounts) -> Result<Run, PgError> {
    let id: Uuid = row.get(0);
    let (state, holder) = match row.get(2) {
        "running" => living.judge(id),
        ended => (word("run.state", ended)?, None),
    };
    let exit: Option<i32> = row.get(3);
    Ok(Run {
        run: id,
        command: row.get(1),
        state,
        holder,
        exit: exit.and_then(|code| u8::try_from(code).ok()),
        resumes: row.get(4),
        plan_id: row.get(5),
        tool_version: row.get(6),
        actor: row.get(7),
        started_at: row.get(8),
        finished_at: row.get(9),
        clusters: BTreeSet::from([source.cluster.clone()]),
        tenants: usize::try_from(row.get::<_, i32>(10)).unwrap_or_default(),
        counts,
        age: seconds(row.get(11)),
        took: row.get::<_, Option<f64>>(12).map(seconds),
    })
}

fn counts(wire: &mut Wire, runs: &[Uuid]) -> Result<BTreeMap<Uuid, RunCounts>, PgError> {
    let runs = runs.to_vec();
    let rows = wire.typed(
        include_str!("../pg/queries/run_counts.sql"),
        &[(&runs, Type::UUID_ARRAY)],
    )?;
    let mut counts: BTreeMap<Uuid, RunCounts> = BTreeMap::new();
    for row in &rows {
        let number = usize::try_from(row.get::<_, i64>(2)).unwrap_or_default();
        let status = word("step.status", row.get(1))?;
        *counts.entry(row.get(0)).or_default().of(status) += number;
    }
    Ok(counts)
}

fn last_outcomes(wire: &mut Wire) -> Result<BTreeMap<TenantId, Last>, PgError> {
    let rows = wire.typed(include_str!("../pg/queries/last_outcomes.sql"), &[])?;
    rows.iter()
        .map(|row| {
            let last = Last {
                run: row.get(1),
                status: word::<Status>("step.status", row.get(2))?,
                at: row.get(3),
                error: row.get::<_, Option<&str>>(5).map(failure),
                age: seconds(row.get(4)),
            };
            Ok((tenant(row.get(0))?, last))
        })
        .collect()
}

fn step(cluster: &ClusterName, row: &Row) -> Result<RunStep, PgError> {
    let id = Some(row.get::<_, &str>(0)).filter(|id| !id.is_empty());
    let took: Option<i64> = row.get(4);
    Ok(RunStep {
        cluster: cluster.clone(),
        tenant: id.map(tenant).transpose()?,
        action: row.get(1),
        status: word("step.status", row.get(2))?,
        at: row.get(3),
        took_ms: took.and_then(|took| u64::try_from(took).ok()),
        error: row.get::<_, Option<&str>>(5).map(failure),
    })
}

/// The value that a word of the journal stands for.
fn word<T: serde::de::DeserializeOwned>(column: &str, word: &str) -> Result<T, PgError> {
    serde_json::from_value(word.into()).map_err(|_| {
        PgError::own(format!(
            "tenantry.{column} holds {word:?}, which makes no sense"
        ))
    })
}

fn tenant(id: &str) -> Result<TenantId, PgError> {
    TenantId::new(id).map_err(|error| PgError::own(format!("tenantry.step.tenant: {error}")))
}

/// Whatever stands in the column: what isn't ours is shown as it is.
fn failure(json: &str) -> Failure {
    serde_json::from_str(json).unwrap_or_else(|_| Failure {
        message: json.to_owned(),
        ..Failure::default()
    })
}

/// A clock that was set back makes no time negative.
fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or_default()
}
