//! Keeps the references of the tenants that a run changes, so that the next plan needn't build them.
//!
//! The worker that is done with the first tenant of a cohort builds what the others will most likely have too, while
//! they are at work; what is left, by other values, comes last.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use uuid::Uuid;

use crate::model::name::{ClusterName, TenantId};
use crate::model::reference::Recipe;
use crate::pg::catalog;
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::wire::begin_reading;
use crate::reference::{self, Site};
use crate::report::{CancelReason, Outcome, Status};

use super::Request;
use super::cancel::Cancel;
use super::databases::{Database, Databases};
use super::watcher::Watcher;
use super::work::Work;

/// Keeps references while a run goes on, each once.
pub(super) struct Keeper<'a> {
    request: &'a Request<'a>,
    run: Uuid,
    cancel: &'a Cancel,
    application_name: String,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    /// By cluster and cohort, which of them had a tenant done.
    begun: BTreeSet<(ClusterName, String)>,
    /// What was built or found, or couldn't be.
    tried: BTreeSet<(ClusterName, Recipe)>,
    /// What went wrong, which is nobody's failure.
    words: Vec<String>,
}

impl<'a> Keeper<'a> {
    pub fn new(request: &'a Request<'a>, run: Uuid, cancel: &'a Cancel) -> Self {
        Self {
            request,
            run,
            cancel,
            application_name: format!("tenantry/{}/reference", run.simple()),
            kept: Mutex::default(),
        }
    }

    /// Keeps the reference of a tenant that was just changed, if it is the first of its cohort there.
    pub fn after(&self, work: &Work<'_>, database: &Database) {
        let cluster = &work.tenant.cluster;
        let cohort = (cluster.clone(), work.cohort.id.clone());
        let is_first = self.kept().begun.insert(cohort);
        if is_first {
            self.keep(cluster, database, &[work.id]);
        }
    }

    /// Keeps what is left; what went wrong in all.
    pub fn finish(self, databases: &Databases, outcomes: &[Outcome]) -> Vec<String> {
        let watcher = Watcher {
            run: self.run,
            databases,
            cancel: self.cancel,
        };
        watcher.beside(|| {
            for (cluster, database) in &databases.0 {
                self.keep(cluster, database, &changed(cluster, outcomes));
            }
        });
        std::mem::take(&mut self.kept().words)
    }

    fn keep(&self, cluster: &ClusterName, database: &Database, changed: &[&TenantId]) {
        // Where only some tenants are in trouble the others' references are worth keeping.
        let go_on =
            || self.cancel.reason() < Some(CancelReason::Systemic) && database.lock.is_held();
        if changed.is_empty() || !go_on() {
            return;
        }
        let words = match self.read(&database.clients, changed) {
            Ok(recipes) => {
                let untried = self.untried(cluster, recipes);
                reference::keep(&self.site(database), &untried, &go_on)
            }
            Err(error) => vec![format!("reading what the tenants are made from: {error}")],
        };
        let words = words.into_iter();
        let words = words.map(|words| format!("cluster {cluster}: {words}"));
        self.kept().words.extend(words);
    }

    /// What the tenants are made from by now.
    fn read(&self, clients: &Clients, changed: &[&TenantId]) -> Result<BTreeSet<Recipe>, PgError> {
        let changed: Vec<String> = changed.iter().map(ToString::to_string).collect();
        clients.with(|wire| {
            wire.run(&begin_reading())?;
            let mut tenants = catalog::tenants(wire, Some(&changed))?;
            catalog::applied(wire, Some(&changed), &mut tenants)?;
            wire.run("COMMIT")?;
            let search_path = &self.request.desired.search_path;
            let recipes = tenants.values();
            let recipes = recipes.filter_map(|row| Recipe::of(row, None, search_path));
            Ok(recipes.collect())
        })
    }

    /// Those that nobody has tried before, who are tried now.
    fn untried(&self, cluster: &ClusterName, recipes: BTreeSet<Recipe>) -> BTreeSet<Recipe> {
        let mut kept = self.kept();
        let is_new = |recipe: &Recipe| kept.tried.insert((cluster.clone(), recipe.clone()));
        recipes.into_iter().filter(is_new).collect()
    }

    fn site<'s>(&'s self, database: &'s Database) -> Site<'s> {
        Site {
            clients: &database.clients,
            server: &database.server,
            history_table: &self.request.desired.history_table,
            elsewhere: None,
            application_name: &self.application_name,
            today: &reference::NO_TEMPLATES,
        }
    }

    /// Nothing panics while it is held.
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The tenants that the run has changed there.
fn changed<'o>(cluster: &ClusterName, outcomes: &'o [Outcome]) -> Vec<&'o TenantId> {
    let changed = outcomes
        .iter()
        .filter(|outcome| outcome.cluster == *cluster && outcome.status == Status::Applied);
    changed.map(|outcome| &outcome.tenant).collect()
}
