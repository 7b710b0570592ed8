//! The databases of a run: locked, checked, prepared, and told at the end how it went.

use std::collections::{BTreeMap, BTreeSet};

use uuid::Uuid;

use crate::control::journal::{self, RunStart, StepRow};
use crate::error::{Error, Exit};
use crate::model::count;
use crate::model::desired::{Tenant, Timeouts};
use crate::model::name::{ClusterName, RoleName, TemplateName};
use crate::model::observed::ServerFacts;
use crate::pg::clients::Clients;
use crate::pg::descriptors;
use crate::pg::error::PgError;
use crate::pg::wire::{BEGIN, OWN_PATH, Wire, guards};
use crate::plan::Cohort;
use crate::plan::action::DatabaseAction;
use crate::report::{DatabaseOutcome, Event, Report, Reporter, Status};

use super::cancel::Cancel;
use super::capacity::{self, Room};
use super::check;
use super::locks::{Locked, Locks, Taking};
use super::locks_needed::locks_of_a_tenant;
use super::prepare::{self, Preparation};
use super::run_lock::RunLock;
use super::work::Account;
use super::{DEFAULT_PARALLEL, Request, clusters_of, has_failed, planned};

/// A database of the run: its connections, its lock, and who we are there.
#[derive(Debug)]
pub(super) struct Database {
    pub clients: Clients,
    pub lock: RunLock,
    pub account: Account,
    pub server: ServerFacts,
    pub parallel: usize,
    /// What to do when the lock table is too small.
    pub lock_hint: String,
    /// Whether the run's row was written.
    pub recorded: bool,
}

#[derive(Debug)]
pub(super) struct Databases(pub BTreeMap<ClusterName, Database>);

impl Databases {
    /// Locks every database of the run, in cluster-name order, and checks each before anything is changed.
    pub fn open(
        request: &Request<'_>,
        mut locks: Locks,
        taking: &Taking<'_>,
    ) -> Result<Self, Error> {
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

    pub fn prepare(
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
            let readers = &mut database.account.readers;
            let made = prepare::prepare(&database.clients, &preparation, cancel, readers);
            database.recorded = !has_failed(&made);
            for outcome in &made {
                reporter.event(&Event::DatabaseStep(outcome));
            }
            outcomes.extend(made);
        }
        outcomes
    }

    /// Whether a journal knows the run.
    pub fn is_recorded(&self) -> bool {
        self.0.values().any(|database| database.recorded)
    }

    /// Writes down how the run ended. The report is the truth already; a database that is gone is only logged.
    pub fn finish(self, report: &Report, exit: Exit) {
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
            Ok(check::check(wire, cluster, fleet, plan_id, &owners))
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
                role: facts.role.clone(),
                readers: Vec::new(),
            },
            server: facts,
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
