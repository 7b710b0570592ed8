//! What stands between a fleet and its next apply: every database is looked at, nothing is changed.
//!
//! A check is a function from facts to findings, and stands in one list, that of `checks`. What an apply would find out
//! itself is read by [`observe`]; `facts` reads the rest.

mod checks;
pub mod checkup;
mod facts;
mod folder;
pub mod grants;
mod pooler;
mod tools;

use std::path::Path;

use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::name::ClusterName;
use crate::model::observed::{LiveDatabase, Unreachable};
use crate::observe::{self, Targets};
use crate::pg::error::CHECK_CONNECTION;
use crate::pg::settings::Target;

use checks::Scene;
use checkup::{Check, Checkup, Finding};
use facts::{Facts, Place};
use tools::Tools;

/// What is looked at, and as which machine sees it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    pub desired: &'a Desired,
    pub targets: &'a Targets,
    /// Of the clusters whose `direct_url` is in use.
    pub direct: &'a Targets,
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
        let found = match live {
            Ok(live) => database(request, cluster, live, &tools),
            Err(why) => Err(why.clone()),
        };
        let found = found.unwrap_or_else(|why| vec![("connection", unreachable(why))]);
        checks.extend(placed(Some(cluster), found));
    }
    checks.extend(placed(None, checks::one_database_each(&observed)));
    let folder = request.backups.map(folder::look);
    checks.extend(folder.map(|found| Check::new(None, "backup_folder", found)));
    Checkup::new(&request.desired.fleet, checks)
}

fn placed(
    cluster: Option<&ClusterName>,
    found: Vec<(&'static str, Finding)>,
) -> impl Iterator<Item = Check> {
    let found = found.into_iter();
    found.map(move |(check, finding)| Check::new(cluster, check, finding))
}

fn database(
    request: &Request<'_>,
    cluster: &ClusterName,
    live: &LiveDatabase,
    tools: &Tools,
) -> Result<Vec<(&'static str, Finding)>, Unreachable> {
    let facts = facts(request, cluster, live)?;
    Ok(Scene::new(request, cluster, live, &facts, tools).look())
}

fn unreachable(why: Unreachable) -> Finding {
    let hint = why.hint.unwrap_or_else(|| CHECK_CONNECTION.to_owned());
    Finding::failed(why.message, hint)
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
    let place = Place {
        cluster,
        target,
        direct: request.direct.get(cluster),
    };
    facts::read(request.desired, live, &place).map_err(|error| Unreachable {
        message: format!("{}: {error}", target.place()),
        hint: Some(error.connection_hint()),
    })
}

fn target<'a>(targets: &'a Targets, cluster: &ClusterName) -> Result<&'a Target, Error> {
    match targets.get(cluster) {
        Some(target) => target.as_ref().map_err(Clone::clone),
        None => Err(Error::failed(format!("cluster {cluster} isn't declared"))),
    }
}
