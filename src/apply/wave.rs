//! Waves of tenants: one after the other, inside each all clusters side by side, inside each cluster its workers.

use std::sync::{Mutex, PoisonError};
use std::thread;

use rayon::prelude::*;
use uuid::Uuid;

use crate::error::Error;
use crate::model::name::ClusterName;
use crate::plan::rollout::{self, Wave, WaveTenant};
use crate::report::{CancelReason, Event, Outcome, Reporter, Status};

use super::breaker::Breaker;
use super::cancel::Cancel;
use super::databases::{Database, Databases};
use super::tenant::{self, Shop};
use super::watcher::Watcher;
use super::work::Work;
use super::{Request, stop};

/// Runs every wave of the plan. Tenants that weren't tried are in the outcomes too.
pub(super) fn run_all(
    request: &Request<'_>,
    run: Uuid,
    databases: &Databases,
    cancel: &Cancel,
    reporter: &dyn Reporter,
) -> Vec<Outcome> {
    let watcher = Watcher {
        run,
        databases,
        cancel,
    };
    watcher.beside(|| {
        let waves = rollout::waves(request.plan, request.desired);
        let floor = Floor {
            request,
            run,
            databases,
            cancel,
            reporter,
        };
        waves.iter().flat_map(|wave| floor.run(wave)).collect()
    })
}

/// The outcomes of a plan of which no tenant is tried.
pub(super) fn skip_all(request: &Request<'_>, run: Uuid, why: &str) -> Vec<Outcome> {
    rollout::waves(request.plan, request.desired)
        .iter()
        .flat_map(|wave| &wave.tenants)
        .filter_map(|tenant| work(request, run, tenant))
        .map(|work| tenant::skipped(&work, why))
        .collect()
}

fn work<'a>(request: &Request<'a>, run: Uuid, tenant: &WaveTenant<'a>) -> Option<Work<'a>> {
    Some(Work {
        run,
        plan_id: request.plan_id,
        desired: request.desired,
        id: tenant.id,
        tenant: tenant.tenant,
        template: request.desired.templates.get(&tenant.tenant.template)?,
        cohort: tenant.cohort,
    })
}

/// Where waves run.
struct Floor<'a> {
    request: &'a Request<'a>,
    run: Uuid,
    databases: &'a Databases,
    cancel: &'a Cancel,
    reporter: &'a dyn Reporter,
}

/// How the tenants of one wave end, over all clusters.
struct Toll<'w> {
    wave: &'w Wave<'w>,
    count: Mutex<Count>,
}

#[derive(Default)]
struct Count {
    failed: usize,
    breaker: Breaker,
}

impl Toll<'_> {
    /// Why no more work is to be handed out after this outcome, if so.
    fn judge(&self, outcome: &Outcome) -> Option<CancelReason> {
        let mut count = self.count.lock().unwrap_or_else(PoisonError::into_inner);
        if count.breaker.trips(outcome) {
            return Some(CancelReason::RepeatedFailure);
        }
        if !matches!(outcome.status, Status::Failed | Status::Unknown) {
            return None;
        }
        count.failed += 1;
        if count.failed <= self.wave.max_failures {
            None
        } else if self.wave.name == rollout::CANARY {
            Some(CancelReason::CanaryFailed)
        } else {
            Some(CancelReason::TooManyFailures)
        }
    }
}

impl Floor<'_> {
    fn run(&self, wave: &Wave<'_>) -> Vec<Outcome> {
        if self.cancel.reason().is_none() {
            self.reporter.event(&Event::WaveStarted {
                wave: wave.name,
                tenants: wave.tenants.len(),
            });
        }
        let toll = Toll {
            wave,
            count: Mutex::default(),
        };
        thread::scope(|scope| {
            let clusters: Vec<_> = self
                .databases
                .0
                .iter()
                .map(|(cluster, database)| {
                    let toll = &toll;
                    scope.spawn(move || self.cluster(cluster, database, toll))
                })
                .collect();
            clusters
                .into_iter()
                .flat_map(|cluster| cluster.join().unwrap_or_default())
                .collect()
        })
    }

    fn cluster(&self, cluster: &ClusterName, database: &Database, toll: &Toll<'_>) -> Vec<Outcome> {
        let works: Vec<Work<'_>> = toll
            .wave
            .tenants
            .iter()
            .filter(|tenant| tenant.tenant.cluster == *cluster)
            .filter_map(|tenant| work(self.request, self.run, tenant))
            .collect();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(database.parallel.min(works.len()).max(1))
            .thread_name(|index| format!("worker-{index}"))
            .build();
        match pool {
            Ok(pool) => pool.install(|| {
                let turns = works.par_iter().with_max_len(1);
                turns.map(|work| self.turn(work, database, toll)).collect()
            }),
            Err(error) => {
                log::error!(
                    "cluster {cluster}: {}",
                    Error::failed(format!("starting workers: {error}"))
                );
                stop(self.cancel, self.reporter, CancelReason::Systemic);
                works
                    .iter()
                    .map(|work| tenant::skipped(work, "its workers couldn't be started"))
                    .collect()
            }
        }
    }

    /// A tenant's turn. No connection is held but by a worker that is at work.
    fn turn(&self, work: &Work<'_>, database: &Database, toll: &Toll<'_>) -> Outcome {
        if self.cancel.reason().is_none() && !database.lock.is_held() {
            stop(self.cancel, self.reporter, CancelReason::LockLost);
        }
        if let Some(reason) = self.cancel.reason() {
            return tenant::skipped(work, reason.why());
        }
        let shop = Shop {
            clients: &database.clients,
            account: &database.account,
            server: database.server.version_num,
            lock_hint: &database.lock_hint,
            cancel: self.cancel,
            reporter: self.reporter,
        };
        let outcome = tenant::run(&shop, work);
        if let Some(reason) = toll.judge(&outcome) {
            stop(self.cancel, self.reporter, reason);
        }
        outcome
    }
}
