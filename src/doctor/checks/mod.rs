//! The checks of a database, each a function from facts to findings. Pure.

mod pooler;
mod rights;
mod room;
mod session;

use std::collections::BTreeMap;

use super::Request;
use super::checkup::Finding;
use super::facts::Facts;
use super::tools::Tools;
use crate::apply::DEFAULT_PARALLEL;
use crate::model::desired::Desired;
use crate::model::name::{ClusterName, SqlName, quote_ident_visibly};
use crate::model::observed::{LiveDatabase, Observed};

/// One database, and everything that is known of it.
pub(super) struct Scene<'a> {
    desired: &'a Desired,
    cluster: &'a ClusterName,
    live: &'a LiveDatabase,
    facts: &'a Facts,
    tools: &'a Tools,
    parallel: usize,
}

type Look = fn(&Scene<'_>) -> Vec<Finding>;

/// Every check of a database, in the order they are told.
const CHECKS: [(&str, Look); 16] = [
    ("connection", session::connection),
    ("pooler", pooler::pooler),
    ("encryption", session::encryption),
    ("server_version", session::server_version),
    ("writable", session::writable),
    ("role", session::role),
    ("create", rights::create),
    ("owners", rights::reach_owners),
    ("search_path", rights::search_path),
    ("control_schema", rights::control_schema),
    ("histories", rights::histories),
    ("extensions", room::extensions),
    ("connections", room::connections),
    ("locks", room::locks),
    ("client_tools", room::client_tools),
    ("clock", session::clock),
];

impl<'a> Scene<'a> {
    pub(super) fn new(
        request: &Request<'a>,
        cluster: &'a ClusterName,
        live: &'a LiveDatabase,
        facts: &'a Facts,
        tools: &'a Tools,
    ) -> Self {
        let declared = request.desired.clusters.get(cluster);
        let declared = declared.and_then(|cluster| cluster.parallel);
        let parallel = request.parallel.or(declared).unwrap_or(DEFAULT_PARALLEL);
        Self {
            desired: request.desired,
            cluster,
            live,
            facts,
            tools,
            parallel,
        }
    }

    /// What the checks find, each with its word.
    pub(super) fn look(&self) -> Vec<(&'static str, Finding)> {
        CHECKS
            .iter()
            .flat_map(|(check, look)| look(self).into_iter().map(move |found| (*check, found)))
            .collect()
    }

    fn role(&self) -> String {
        quoted(&self.live.server.role)
    }

    fn database(&self) -> String {
        quote_ident_visibly(&self.live.server.database)
    }
}

fn quoted(name: &impl SqlName) -> String {
    quote_ident_visibly(name.as_str())
}

/// Two clusters on one database would each plan the other's tenants.
pub(super) fn one_database_each(observed: &Observed) -> Vec<(&'static str, Finding)> {
    let mut seen = BTreeMap::new();
    let mut found = Vec::new();
    for (cluster, live) in &observed.databases {
        let Ok(LiveDatabase { server, .. }) = live else {
            continue;
        };
        if server.system_identifier.is_empty() {
            let message =
                format!("cluster {cluster}: the server hides its identity from this role");
            let hint = "GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO the role, where the service lets you.";
            found.push(("identity", Finding::unknown(message, hint)));
            continue;
        }
        let identity = (&server.system_identifier, server.database_oid);
        if let Some(first) = seen.insert(identity, cluster) {
            let message = format!("clusters {first} and {cluster} lead to one database");
            let hint = "Keep one of the two clusters and declare its tenants there.";
            found.push(("identity", Finding::failed(message, hint)));
        }
    }
    found
}
