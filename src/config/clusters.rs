//! `clusters:`: where databases are; what connects to them is resolved when it is used.

use std::collections::BTreeMap;

use super::defaults::IMPLIED_CLUSTER;
use super::document::ClusterEntry;
use super::judge::Judge;
use crate::model::conninfo;
use crate::model::desired::Cluster;
use crate::model::env::expand;
use crate::model::name::ClusterName;

/// All clusters; the implied one when none is declared.
pub(super) fn resolve(judge: &mut Judge<'_>) -> BTreeMap<ClusterName, Cluster> {
    judge.keys(&["clusters"], ClusterName::new);
    let declared = judge.sources.merged(|document| document.clusters.as_ref());
    for (name, (_, entry)) in &declared {
        password_command(judge, name, entry);
    }
    let mut clusters: BTreeMap<ClusterName, Cluster> = declared
        .into_iter()
        .filter_map(|(name, (_, entry))| Some((ClusterName::new(name).ok()?, cluster(entry))))
        .collect();
    if judge.sources.names(&["clusters"]).is_empty() {
        clusters.extend(ClusterName::new(IMPLIED_CLUSTER).map(|name| (name, Cluster::default())));
    }
    clusters
}

fn cluster(entry: &ClusterEntry) -> Cluster {
    let argv = entry.password_command.as_ref();
    Cluster {
        url: entry.url.clone(),
        direct_url: entry.direct_url.clone(),
        password_command: argv.map(|argv| argv.iter().map(|word| word.0.clone()).collect()),
        parallel: entry.parallel,
    }
}

/// It names a program, and no URL beside it holds a password that is in sight.
fn password_command(judge: &mut Judge<'_>, cluster: &str, entry: &ClusterEntry) {
    let Some(argv) = &entry.password_command else {
        return;
    };
    let place = judge
        .sources
        .place(&["clusters", cluster, "password_command"]);
    if argv.first().is_none_or(|program| program.0.is_empty()) {
        let problem = place.problem("`password_command` names no program");
        let hint = "Write it as a list: [program, argument, …].";
        judge.problems.push(problem.with_hint(hint));
    }
    for (key, text) in [("url", &entry.url), ("direct_url", &entry.direct_url)] {
        if text.as_deref().is_some_and(holds_password) {
            let other = judge.sources.place(&["clusters", cluster, key]);
            let message = format!(
                "`{key}` holds a password, and `password_command` prints another; that is at {place}"
            );
            let problem = other.problem(message).with_hint("Keep one of them.");
            judge.problems.push(problem);
        }
    }
}

/// Whatever its variables stand for.
fn holds_password(text: &str) -> bool {
    let expanded = expand(text, &|_| Some("1".to_owned())).unwrap_or_default();
    conninfo::parse(&expanded)
        .is_ok_and(|keywords| keywords.get("password").is_some_and(|it| !it.is_empty()))
}
