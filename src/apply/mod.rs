//! Carries a plan out: run locks, database-wide steps, then waves of tenants in parallel, and a report of it all.

mod breaker;
pub mod cancel;
pub mod capacity;
mod check;
mod databases;
pub mod locks;
pub mod locks_needed;
pub mod prepare;
mod references;
mod reporting;
mod retry;
mod run_lock;
mod shape;
mod step;
mod tenant;
mod watcher;
mod wave;
pub mod work;

use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::name::{ClusterName, TenantId};
use crate::observe::Targets;
use crate::plan::Plan;
use crate::report::{CancelReason, DatabaseOutcome, Event, Report, Reporter, Status};

use cancel::Cancel;
use databases::Databases;
use locks::{Locks, Taking};
pub use reporting::{unplanned, untried};

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
    let (mut report, exit) = reporting::report(request, run, cancel, prepared, outcomes);
    report.notices = references::keep(request, run, &databases, cancel, &report.outcomes);
    report.resumable = databases.is_recorded() && report.summary.is_left();
    databases.finish(&report, exit);
    reporter.event(&Event::RunFinished {
        run,
        exit: report.exit,
        summary: &report.summary,
        notices: &report.notices,
    });
    Ok(report)
}

/// Stops the handing out of work, saying so once.
fn stop(cancel: &Cancel, reporter: &dyn Reporter, reason: CancelReason) {
    if cancel.stop(reason) {
        reporter.event(&Event::Cancelled { reason });
    }
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
