//! What stands between a fleet and its next apply: every database is looked at, nothing is changed.
//!
//! A check is a function from facts to findings, and stands in one list, [`checks`]'s. What an apply would find out
//! itself is read by [`observe`](crate::observe); [`facts`] reads the rest.

mod checks;
pub mod checkup;
mod facts;
mod folder;
pub mod grants;
mod tools;

use std::path::Path;

use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::name::ClusterName;
use crate::model::observed::{LiveDatabase, Unreachable};
use crate::observe::{self, Targets};
use crate::pg::settings::Target;

use checks::Scene;
use checkup::{Check, Checkup, Finding};
use facts::Facts;

/// What is looked at, and as which machine sees it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub desired: &'a Desired,
    pub targets: &'a Targets,
    /// Overrides every cluster's own.
    pub parallel: Option<usize>,
    /// Where client programs are looked for first.
    pub bin: Option<&'a Path>,
    /// The backup repository's folder, or why it isn't known.
    pub backups: Option<&'a Result<std::path::PathBuf, String>>,
}

/// Looks at every database, and at what this machine needs.
#[must_use]
pub fn examine(request: &Request<'_>) -> Checkup {
    let observed = observe::observe(request.desired, request.targets);
    let tools = tools::find(request.bin);
    let mut checks = Vec::new();
    for (cluster, live) in &observed.databases {
        let found = match live.as_ref().map_err(Clone::clone).and_then(|live| {
            let facts = facts(request, cluster, live)?;
            Ok(Scene::new(request, cluster, live, &facts, &tools).look())
        }) {
            Ok(found) => found,
            Err(Unreachable { message, hint }) => {
                vec![("connection", Finding::failed(message, hint_or(hint)))]
            }
        };
        checks.extend(
            found
                .into_iter()
                .map(|(check, finding)| Check::new(Some(cluster), check, finding)),
        );
    }
    let own = checks::one_database_each(&observed).into_iter();
    let own = own.chain(
        request
            .backups
            .map(|path| ("backup_folder", folder::look(path))),
    );
    checks.extend(own.map(|(check, finding)| Check::new(None, check, finding)));
    Checkup::new(&request.desired.fleet, checks)
}

fn hint_or(hint: Option<String>) -> String {
    hint.unwrap_or_else(|| {
        "Check that the server runs, and --database-url, the cluster's `url`, DATABASE_URL or PG*."
            .to_owned()
    })
}

fn facts(
    request: &Request<'_>,
    cluster: &ClusterName,
    live: &LiveDatabase,
) -> Result<Facts, Unreachable> {
    let target = target(request.targets, cluster).map_err(|error| Unreachable {
        message: error.message,
        hint: error.hint,
    })?;
    facts::read(request.desired, cluster, live, target).map_err(|error| Unreachable {
        message: format!("{}: {error}", target.place()),
        hint: error.hint,
    })
}

fn target<'a>(targets: &'a Targets, cluster: &ClusterName) -> Result<&'a Target, Error> {
    match targets.get(cluster) {
        Some(target) => target.as_ref().map_err(Clone::clone),
        None => Err(Error::failed(format!("cluster {cluster} isn't declared"))),
    }
}
