//! Keeps the references of the tenants that a run has changed, so that the next plan needn't build them.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::model::name::ClusterName;
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

/// Keeps them on every database of the run; what went wrong, which is nobody's failure.
pub(super) fn keep(
    request: &Request<'_>,
    run: Uuid,
    databases: &Databases,
    cancel: &Cancel,
    outcomes: &[Outcome],
) -> Vec<String> {
    let watcher = Watcher {
        run,
        databases,
        cancel,
    };
    let on_all = || {
        let on_one = |(cluster, database): (&ClusterName, &Database)| {
            let changed = changed(cluster, outcomes);
            if changed.is_empty() {
                return Vec::new();
            }
            let words = on_database(request, run, database, cancel, &changed);
            let words = words.into_iter();
            words
                .map(|words| format!("cluster {cluster}: {words}"))
                .collect()
        };
        databases.0.iter().flat_map(on_one).collect()
    };
    watcher.beside(on_all)
}

/// The tenants that the run has changed there.
fn changed(cluster: &ClusterName, outcomes: &[Outcome]) -> Vec<String> {
    let changed = outcomes
        .iter()
        .filter(|outcome| outcome.cluster == *cluster && outcome.status == Status::Applied);
    changed.map(|outcome| outcome.tenant.to_string()).collect()
}

fn on_database(
    request: &Request<'_>,
    run: Uuid,
    database: &Database,
    cancel: &Cancel,
    changed: &[String],
) -> Vec<String> {
    // Where only some tenants are in trouble the others' references are worth keeping.
    let go_on = || cancel.reason() < Some(CancelReason::Systemic) && database.lock.is_held();
    if !go_on() {
        return Vec::new();
    }
    let recipes = match read(request, &database.clients, changed) {
        Ok(read) => read,
        Err(error) => return vec![format!("reading what the tenants are made from: {error}")],
    };
    let site = Site {
        clients: &database.clients,
        server: &database.server,
        history_table: &request.desired.history_table,
        elsewhere: None,
        application_name: &format!("tenantry/{}/reference", run.simple()),
        today: &reference::NO_TEMPLATES,
    };
    reference::keep(&site, &recipes, &go_on)
}

/// What the tenants are made from by now.
fn read(
    request: &Request<'_>,
    clients: &Clients,
    changed: &[String],
) -> Result<BTreeSet<Recipe>, PgError> {
    clients.with(|wire| {
        wire.run(&begin_reading())?;
        let mut tenants = catalog::tenants(wire, Some(changed))?;
        catalog::applied(wire, Some(changed), &mut tenants)?;
        wire.run("COMMIT")?;
        let search_path = &request.desired.search_path;
        let recipes = tenants.values();
        let recipes = recipes.filter_map(|row| Recipe::of(row, None, search_path));
        Ok(recipes.collect())
    })
}
