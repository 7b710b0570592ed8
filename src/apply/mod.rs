//! Carries a plan out: run locks, database-wide steps, then waves of tenants in parallel, and a report of it all.

mod breaker;
pub mod cancel;
pub mod capacity;
mod locate;
pub mod locks;
pub mod locks_needed;
pub mod prepare;
mod retry;
mod run_lock;
mod step;
mod tenant;
mod watcher;
mod wave;
pub mod work;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use uuid::Uuid;

use crate::control::journal::{self, RunStart, StepRow};
use crate::error::{Error, Exit};
use crate::model::count;
use crate::model::desired::{Desired, Tenant, Timeouts};
use crate::model::name::{ClusterName, FleetName, RoleName, TemplateName, TenantId};
use crate::model::template::ContentHash;
use crate::observe::Targets;
use crate::pg::catalog;
use crate::pg::clients::Clients;
use crate::pg::descriptors;
use crate::pg::error::PgError;
use crate::pg::wire::{BEGIN, OWN_PATH, Wire, begin_reading, guards};
use crate::plan::action::DatabaseAction;
use crate::plan::{Cohort, Plan};
use crate::report::{
    CancelReason, DatabaseOutcome, Event, FORMAT_VERSION, Failure, Outcome, Report, ReportSummary,
    Reporter, Status, has_changed,
};

use cancel::Cancel;
use capacity::Room;
use locks::{Locked, Locks, Taking};
use locks_needed::locks_of_a_tenant;
use prepare::Preparation;
use run_lock::RunLock;
use work::Account;

/// A plan and where to carry it out.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub desired: &'a Desired,
    pub plan: &'a Plan,
    /// Of a saved plan; one that was carried out to its end is refused.
    pub plan_id: Option<Uuid>,
    /// The run that this one carries on.
    pub resumes: Option<Uuid>,
    pub targets: &'a Targets,
    /// Overrides every cluster's own.
    pub parallel: Option<usize>,
    /// How long to wait for another run, where its lock isn't held yet.
    pub lock_wait: Duration,
}

/// Workers of a cluster that says nothing else.
pub const DEFAULT_PARALLEL: usize = 8;

/// Carries the plan out. Locks that are still missing are taken first.
///
/// # Errors
/// Only before anything was changed: a lock held by another run (5), a refusal (4), no connection (1).
/// From then on everything is in the report.
pub fn apply(
    request: &Request<'_>,
    locks: Locks,
    cancel: &Cancel,
    reporter: &dyn Reporter,
) -> Result<Report, Error> {
    let run = locks.run;
    let taking = Taking {
        targets: request.targets,
        patience: request.lock_wait,
        cancel,
        reporter,
    };
    let mut databases = Databases::open(request, locks, &taking)?;
    reporter.event(&Event::RunStarted {
        run,
        tenants: planned(request).count(),
        databases: databases.0.len(),
    });
    let prepared = databases.prepare(request, run, cancel, reporter);
    let outcomes = if has_failed(&prepared) {
        stop(cancel, reporter, CancelReason::Systemic);
        wave::skip_all(request, run, "a database-wide step failed")
    } else {
        wave::run_all(request, run, &databases, cancel, reporter)
    };
    let (mut report, exit) = report(request, run, cancel, prepared, outcomes);
    report.resumable = databases.is_recorded() && report.summary.is_left();
    databases.finish(&report, exit);
    reporter.event(&Event::RunFinished {
        run,
        exit: report.exit,
        summary: &report.summary,
    });
    Ok(report)
}

/// The report of an apply that `error` ended before anything was tried.
#[must_use]
pub fn untried(request: &Request<'_>, error: &Error) -> Report {
    let run = Uuid::new_v4();
    let outcomes = wave::skip_all(request, run, "the apply ended before anything was tried");
    let (report, _) = report(request, run, &Cancel::default(), Vec::new(), outcomes);
    ended(report, error)
}

/// The report of an apply that `error` ended before there was a plan.
#[must_use]
pub fn unplanned(fleet: &FleetName, error: &Error) -> Report {
    let report = Report {
        format_version: FORMAT_VERSION.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        run: Uuid::new_v4(),
        fleet: fleet.clone(),
        plan: ContentHash(String::new()),
        exit: error.exit as u8,
        cancelled: None,
        error: None,
        resumable: false,
        databases: Vec::new(),
        outcomes: Vec::new(),
        summary: ReportSummary::default(),
    };
    ended(report, error)
}

fn ended(report: Report, error: &Error) -> Report {
    Report {
        exit: error.exit as u8,
        error: Some(Failure {
            message: error.message.clone(),
            hint: error.hint.clone(),
            ..Failure::default()
        }),
        ..report
    }
}

/// Stops the handing out of work, saying so once.
fn stop(cancel: &Cancel, reporter: &dyn Reporter, reason: CancelReason) {
    if cancel.stop(reason) {
        reporter.event(&Event::Cancelled { reason });
    }
}

/// Who reads histories; known only now, since the control schema may be new. Without an answer nobody does, which
/// a later GRANT mends.
fn readers(clients: &Clients, cluster: &ClusterName) -> Vec<RoleName> {
    let read = clients.with(|wire| {
        wire.run(&begin_reading())?;
        let row = catalog::fleet(wire)?;
        wire.run("COMMIT")?;
        Ok::<_, PgError>(row)
    });
    match read {
        Ok(row) => row.map(|row| row.readers).unwrap_or_default(),
        Err(error) => {
            log::warn!("cluster {cluster}: who may read histories isn't known: {error}");
            Vec::new()
        }
    }
}

/// A database of the run: its connections, its lock, and who we are there.
#[derive(Debug)]
struct Database {
    clients: Clients,
    lock: RunLock,
    account: Account,
    parallel: usize,
    /// What to do when the lock table is too small.
    lock_hint: String,
    /// Whether the run's row was written.
    recorded: bool,
}

#[derive(Debug)]
struct Databases(BTreeMap<ClusterName, Database>);

impl Databases {
    /// Locks every database of the run, in cluster-name order, and checks each before anything is changed.
    fn open(request: &Request<'_>, mut locks: Locks, taking: &Taking<'_>) -> Result<Self, Error> {
        let mut databases = BTreeMap::new();
        for cluster in clusters_of(request) {
            let locked = locks.remove(cluster, taking)?;
            let database = Database::open(request, cluster, locked)?;
            databases.insert(cluster.clone(), database);
        }
        // Those that the run turned out not to need.
        drop(locks);
        Ok(Self(databases))
    }

    fn prepare(
        &mut self,
        request: &Request<'_>,
        run: Uuid,
        cancel: &Cancel,
        reporter: &dyn Reporter,
    ) -> Vec<DatabaseOutcome> {
        let mut outcomes = Vec::new();
        for (cluster, database) in &mut self.0 {
            if has_failed(&outcomes) || cancel.reason().is_some() {
                break;
            }
            let preparation = preparation(request, cluster, run);
            let made = prepare::prepare(&database.clients, &preparation, cancel);
            database.recorded = !has_failed(&made);
            if database.recorded {
                database.account.readers = readers(&database.clients, cluster);
            }
            for outcome in &made {
                reporter.event(&Event::DatabaseStep(outcome));
            }
            outcomes.extend(made);
        }
        outcomes
    }

    /// Whether a journal knows the run.
    fn is_recorded(&self) -> bool {
        self.0.values().any(|database| database.recorded)
    }

    /// Writes down how the run ended. The report is the truth already; a database that is gone is only logged.
    fn finish(self, report: &Report, exit: Exit) {
        for (cluster, database) in self.0 {
            if database.recorded
                && let Err(error) = database
                    .clients
                    .with(|wire| finish(wire, &cluster, report, exit))
            {
                log::warn!(
                    "cluster {cluster}: the end of run {} wasn't recorded: {error}",
                    report.run
                );
            }
            database.lock.free();
        }
    }
}

impl Database {
    fn open(request: &Request<'_>, cluster: &ClusterName, locked: Locked) -> Result<Self, Error> {
        let Locked { clients, lock } = locked;
        let fault = |error: PgError| Error::failed(format!("cluster {cluster}: {error}"));
        let (fleet, owners) = (&request.desired.fleet, owners(request, cluster));
        let checked = clients.with(|wire| {
            let plan_id = request.plan_id;
            Ok(prepare::check(wire, cluster, fleet, plan_id, &owners))
        });
        let (facts, capacity) = checked.map_err(fault)??;
        let room = Room {
            capacity: &capacity,
            locks: locks_of_a_tenant(request.desired, cohorts_of(request, cluster)),
            descriptors: descriptors::free() / clusters_of(request).len(),
        };
        let parallel = workers(request, cluster, room);
        Ok(Self {
            clients,
            lock,
            account: Account {
                role: facts.role,
                readers: Vec::new(),
            },
            parallel,
            lock_hint: lock_hint(parallel, room),
            recorded: false,
        })
    }
}

/// What was asked for is lowered with a warning, what nobody asked for without.
fn workers(request: &Request<'_>, cluster: &ClusterName, room: Room<'_>) -> usize {
    let declared = request.desired.clusters.get(cluster);
    let declared = declared.and_then(|cluster| cluster.parallel);
    let asked = request.parallel.or(declared);
    let wanted = asked.unwrap_or(DEFAULT_PARALLEL);
    let bound = capacity::workers(wanted, room);
    if let Some(why) = bound.why {
        let level = if asked.is_some() {
            log::Level::Warn
        } else {
            log::Level::Info
        };
        log::log!(
            level,
            "cluster {cluster}: {} at work at once instead of {wanted}: {why}",
            count(bound.workers, "tenant")
        );
    }
    bound.workers
}

fn lock_hint(workers: usize, room: Room<'_>) -> String {
    format!(
        "Raise max_locks_per_transaction on the server to {} or more: a tenant takes about {} locks, \
         with {workers} at work at once and half of the lock table left to others.",
        capacity::needed_locks(workers, room),
        room.locks
    )
}

/// Whether a database wasn't prepared, or may not have been.
fn has_failed(outcomes: &[DatabaseOutcome]) -> bool {
    outcomes
        .iter()
        .any(|outcome| matches!(outcome.status, Status::Failed | Status::Unknown))
}

/// The clusters that something happens on.
fn clusters_of<'a>(request: &Request<'a>) -> BTreeSet<&'a ClusterName> {
    let steps = request.plan.steps.iter().map(|step| &step.cluster);
    steps
        .chain(planned(request).filter_map(|id| {
            request
                .desired
                .tenants
                .get(id)
                .map(|tenant| &tenant.cluster)
        }))
        .collect()
}

/// Every tenant the plan would change.
fn planned<'a>(request: &Request<'a>) -> impl Iterator<Item = &'a TenantId> + use<'a> {
    let cohorts = request.plan.cohorts.iter();
    cohorts.flat_map(|cohort| &cohort.tenants)
}

/// The tenants of the plan that live on a cluster.
fn tenants_of<'a>(
    request: &Request<'a>,
    cluster: &'a ClusterName,
) -> impl Iterator<Item = &'a Tenant> {
    let desired = request.desired;
    planned(request)
        .filter_map(|id| desired.tenants.get(id))
        .filter(move |tenant| tenant.cluster == *cluster)
}

/// The cohorts of a cluster's tenants, each with one of them.
fn cohorts_of<'a>(
    request: &Request<'a>,
    cluster: &'a ClusterName,
) -> impl Iterator<Item = (&'a Cohort, &'a Tenant)> {
    let desired = request.desired;
    request.plan.cohorts.iter().filter_map(move |cohort| {
        let mut tenants = cohort
            .tenants
            .iter()
            .filter_map(|id| desired.tenants.get(id));
        Some((cohort, tenants.find(|tenant| tenant.cluster == *cluster)?))
    })
}

/// The roles that are to own them, each once.
fn owners(request: &Request<'_>, cluster: &ClusterName) -> Vec<String> {
    let owners = tenants_of(request, cluster).filter_map(|tenant| tenant.owner.as_ref());
    let owners: BTreeSet<&RoleName> = owners.collect();
    owners.into_iter().map(ToString::to_string).collect()
}

fn preparation<'a>(request: &Request<'a>, cluster: &'a ClusterName, run: Uuid) -> Preparation<'a> {
    let tenants: Vec<_> = tenants_of(request, cluster).collect();
    let templates: BTreeSet<&TemplateName> =
        tenants.iter().map(|tenant| &tenant.template).collect();
    let actions: Vec<&DatabaseAction> = request
        .plan
        .steps
        .iter()
        .filter(|step| step.cluster == *cluster)
        .map(|step| &step.action)
        .collect();
    Preparation {
        cluster,
        desired: request.desired,
        actions,
        contents: prepare::contents(request.desired, &templates),
        run: RunStart {
            run,
            plan_id: request.plan_id,
            plan_digest: request.plan.digest.clone(),
            planned: planned(request).map(ToString::to_string).collect(),
            resumes: request.resumes,
        },
    }
}

fn finish(
    wire: &mut Wire,
    cluster: &ClusterName,
    report: &Report,
    exit: Exit,
) -> Result<(), PgError> {
    let rows: Vec<StepRow> = report
        .outcomes
        .iter()
        .filter(|outcome| outcome.cluster == *cluster && outcome.status != Status::Applied)
        .map(|outcome| StepRow {
            tenant: outcome.tenant.to_string(),
            action: outcome.steps.join(", "),
            status: outcome.status,
            error: outcome.error.clone(),
            took_ms: outcome.took_ms,
        })
        .collect();
    wire.run(&format!(
        "{BEGIN}; {OWN_PATH}; {}",
        guards(Timeouts::default())
    ))?;
    if !rows.is_empty() {
        journal::steps(wire, report.run, &rows)?;
    }
    journal::finish(wire, report.run, exit)?;
    wire.run("COMMIT")
}

fn report(
    request: &Request<'_>,
    run: Uuid,
    cancel: &Cancel,
    databases: Vec<DatabaseOutcome>,
    mut outcomes: Vec<Outcome>,
) -> (Report, Exit) {
    outcomes.sort_by(|a, b| a.tenant.cmp(&b.tenant));
    let summary = summary(&outcomes, request.plan.blocked.len());
    let cancelled = cancel.reason();
    let exit = exit(&summary, &databases, cancelled);
    let report = Report {
        format_version: FORMAT_VERSION.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        run,
        fleet: request.desired.fleet.clone(),
        plan: request.plan.digest.clone(),
        exit: exit as u8,
        resumable: false,
        cancelled,
        error: None,
        databases,
        outcomes,
        summary,
    };
    (report, exit)
}

fn summary(outcomes: &[Outcome], blocked: usize) -> ReportSummary {
    let count = |status: Status| {
        outcomes
            .iter()
            .filter(|outcome| outcome.status == status)
            .count()
    };
    ReportSummary {
        applied: count(Status::Applied),
        unchanged: count(Status::Unchanged),
        stale: count(Status::Stale),
        failed: count(Status::Failed),
        skipped: count(Status::Skipped),
        unknown: count(Status::Unknown),
        blocked,
    }
}

/// The exit code: 130 outranks 3, 3 outranks 4 and 1.
fn exit(
    summary: &ReportSummary,
    databases: &[DatabaseOutcome],
    cancelled: Option<CancelReason>,
) -> Exit {
    if cancelled >= Some(CancelReason::Interrupt) {
        return Exit::Interrupted;
    }
    let changed = has_changed(summary, databases);
    let failed = summary.failed + summary.unknown > 0 || has_failed(databases);
    let left = failed || summary.stale + summary.skipped + summary.blocked > 0;
    match (changed, left, failed) {
        (_, false, _) => Exit::Done,
        (true, true, _) => Exit::Partial,
        (false, true, true) => Exit::Failed,
        (false, true, false) => Exit::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(applied: usize, failed: usize, stale: usize, blocked: usize) -> ReportSummary {
        ReportSummary {
            applied,
            stale,
            failed,
            blocked,
            ..ReportSummary::default()
        }
    }

    #[test]
    fn exit_codes() {
        let cases = [
            (counts(0, 0, 0, 0), None, Exit::Done),
            (counts(5, 0, 0, 0), None, Exit::Done),
            (counts(5, 1, 0, 0), None, Exit::Partial),
            (counts(5, 0, 1, 0), None, Exit::Partial),
            (counts(5, 0, 0, 1), None, Exit::Partial),
            (counts(0, 1, 0, 0), None, Exit::Failed),
            (counts(0, 0, 2, 0), None, Exit::Refused),
            (counts(0, 0, 0, 2), None, Exit::Refused),
            (
                counts(5, 1, 0, 0),
                Some(CancelReason::Interrupt),
                Exit::Interrupted,
            ),
            (
                counts(5, 1, 0, 0),
                Some(CancelReason::TooManyFailures),
                Exit::Partial,
            ),
        ];
        for (summary, cancelled, expected) in cases {
            assert_eq!(
                exit(&summary, &[], cancelled),
                expected,
                "{summary:?} {cancelled:?}"
            );
        }
    }
}
