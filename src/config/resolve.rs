//! Documents, environment and loaded files into `Desired`: defaults, names, references and what must be unique.

use std::collections::BTreeSet;

use super::defaults::FleetWide;
use super::document::{DriftedWord, FailuresEntry, TimeoutsEntry};
use super::folders::Folders;
use super::judge::Judge;
use super::rows::Rows;
use super::source::Sources;
use super::{
    Problem, backups, clusters, extensions, once, placeholders, templates, tenants, tenants_from,
    values, waivers,
};
use crate::model::desired::{
    Desired, IdleTimeout, LockTimeout, MaxFailures, OnDrift, Rollout, StatementTimeout, Timeouts,
};
use crate::model::name::{FleetName, SchemaName, TableName};
use crate::model::tenant_source::TenantSource;

/// The fleet and the query that names more of its tenants; `None` where so much is wrong that there is none.
/// `rows` are what the query returned, once it was asked.
pub(super) fn resolve(
    sources: &Sources,
    folders: &Folders,
    rows: Option<&Rows>,
    problems: &mut Vec<Problem>,
) -> Option<(Desired, Option<TenantSource>)> {
    once::check(sources, problems);
    let judge = &mut Judge {
        sources,
        rows,
        problems,
    };
    required(judge);
    let fleet = sources
        .once(|document| document.fleet.as_ref())
        .and_then(|name| judge.name(&["fleet"], name, FleetName::new));
    let clusters = clusters::resolve(judge);
    let templates = templates::resolve(judge, folders);
    let backups = backups::resolve(judge);
    let search_path = search_path(judge);
    let extensions = extensions::resolve(judge);
    let shared: Vec<SchemaName> = search_path
        .iter()
        .chain(extensions.values().map(|extension| &extension.schema))
        .cloned()
        .collect();
    let timeouts = sources
        .once(|document| document.timeouts.as_ref())
        .map_or_else(Timeouts::default, |entry| {
            timeouts(judge, &["timeouts"], entry, Timeouts::default())
        });
    let fleet_wide = FleetWide::read(judge, shared, timeouts);
    let tenants_from = tenants_from::resolve(judge, &fleet_wide);
    let tenants = tenants::resolve(judge, &fleet_wide);
    placeholders::check(&templates, &tenants, judge);
    let history_table = sources
        .once(|document| document.history_table.as_ref())
        .map_or_else(
            || TableName::new("refinery_schema_history").ok(),
            |name| judge.name(&["history_table"], name, TableName::new),
        );
    let rollout = rollout(judge);
    let waivers = waivers::resolve(judge);
    let desired = Desired {
        fleet: fleet?,
        clusters,
        templates,
        extensions,
        tenants,
        search_path,
        history_table: history_table?,
        rollout,
        backups,
        schema_pattern: fleet_wide.schema_pattern,
        secrets: secrets(sources),
        waivers,
    };
    Some((desired, tenants_from))
}

/// What a whole desired state must say, so that an emptied file can't read as an empty fleet.
fn required(judge: &mut Judge<'_>) {
    if !judge.sources.complete {
        return;
    }
    let start = judge.sources.start();
    if !judge.sources.has(&["fleet"]) {
        judge.problems.push(
            start
                .problem("`fleet` is missing")
                .with_hint("Add `fleet: <name>`."),
        );
    }
    if !judge.sources.has(&["tenants"]) && !judge.sources.has(&["tenants_from"]) {
        judge.problems.push(
            start
                .problem("`tenants` is missing")
                .with_hint("Add `tenants:`; an empty fleet says `tenants: {}`."),
        );
    }
}

fn search_path(judge: &mut Judge<'_>) -> Vec<SchemaName> {
    let Some(names) = judge.sources.once(|document| document.search_path.as_ref()) else {
        return Vec::new();
    };
    let places = judge.sources.item_places(&["search_path"]);
    let mut schemas: Vec<SchemaName> = Vec::new();
    for (name, place) in names.iter().zip(places) {
        if name == "$user" {
            let message = "`$user` in search_path would be another schema for every role";
            let problem = place.problem(message).with_hint("Name the schema itself.");
            judge.problems.push(problem);
            continue;
        }
        match SchemaName::new(name) {
            Ok(schema) => schemas.push(schema),
            Err(bad) => judge
                .problems
                .push(place.problem(bad.0).with_hint("Choose another name.")),
        }
    }
    schemas
}

/// Timeouts as `entry` says, and `base` where it says nothing.
pub(super) fn timeouts(
    judge: &mut Judge<'_>,
    path: &[&str],
    entry: &TimeoutsEntry,
    base: Timeouts,
) -> Timeouts {
    let mut read = |key: &str, text: &Option<String>| {
        let place = [path, &[key]].concat();
        let text = text.as_ref()?;
        judge.value(
            &place,
            text,
            values::timeout,
            "Write it like `5s` or `10min`.",
        )
    };
    Timeouts {
        lock: read("lock", &entry.lock).map_or(base.lock, LockTimeout),
        statement: read("statement", &entry.statement).map_or(base.statement, StatementTimeout),
        idle: read("idle", &entry.idle).map_or(base.idle, IdleTimeout),
    }
}

fn rollout(judge: &mut Judge<'_>) -> Rollout {
    let entry = judge.sources.once(|document| document.rollout.as_ref());
    let canary = entry.and_then(|entry| entry.canary.as_ref());
    let max_failures = match entry.and_then(|entry| entry.max_failures.as_ref()) {
        Some(FailuresEntry::Count(count)) => Some(MaxFailures::Count(*count)),
        Some(FailuresEntry::Percent(text)) => {
            let path = ["rollout", "max_failures"];
            judge.value(
                &path,
                text,
                values::percent,
                "Write a number without quotes, or per cent such as `5%`.",
            )
        }
        None => None,
    };
    Rollout {
        canary_tags: canary
            .map(|canary| canary.tags.iter().cloned().collect())
            .unwrap_or_default(),
        max_failures: max_failures.unwrap_or(MaxFailures::Percent(5)),
        drifted: match entry.and_then(|entry| entry.drifted.as_ref()) {
            Some(DriftedWord::Block) => OnDrift::Block,
            Some(DriftedWord::Warn) | None => OnDrift::Warn,
        },
    }
}

fn secrets(sources: &Sources) -> BTreeSet<String> {
    sources
        .once(|document| document.secrets.as_ref())
        .map(|names| names.iter().cloned().collect())
        .unwrap_or_default()
}
