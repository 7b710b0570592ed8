//! What server and machine must have: extensions, connections, locks, programs.

use super::Scene;
use crate::apply::capacity::{self, Room};
use crate::apply::locks_needed::locks_of_a_new_tenant;
use crate::doctor::checkup::Finding;
use crate::doctor::facts::tenants_on;
use crate::model::count;
use crate::plan::lacking_extensions;

pub(super) fn extensions(scene: &Scene<'_>) -> Vec<Finding> {
    let (missing, doubtful) = lacking_extensions(scene.desired, scene.live);
    let hint = "Install the extension's package on the server, pin a version that it offers, or declare it `optional: true`.";
    let missing = missing.into_iter().map(|why| Finding::failed(why, hint));
    let doubtful = doubtful
        .into_iter()
        .map(|why| Finding::warning(why, "Let a superuser install it, or declare where it is."));
    let found: Vec<Finding> = missing.chain(doubtful).collect();
    if !found.is_empty() {
        return found;
    }
    let declared = scene.desired.extensions.len();
    vec![Finding::ok(format!(
        "{} there or available",
        count(declared, "extension")
    ))]
}

pub(super) fn connections(scene: &Scene<'_>) -> Vec<Finding> {
    let room = capacity::connections(&scene.facts.capacity).workers;
    let wanted = scene.parallel;
    vec![if room >= wanted {
        Finding::ok(format!("room for {room} workers, {wanted} wanted"))
    } else {
        Finding::warning(
            format!(
                "room for {room} workers, {wanted} wanted: connections are in use, reserved or limited"
            ),
            format!(
                "Close connections, raise max_connections or the role's CONNECTION LIMIT, or give --parallel {room}."
            ),
        )
    }]
}

pub(super) fn locks(scene: &Scene<'_>) -> Vec<Finding> {
    let templates = tenants_on(scene.desired, scene.cluster)
        .filter_map(|tenant| scene.desired.templates.get(&tenant.template));
    let Some(each) = templates.map(locks_of_a_new_tenant).max() else {
        return vec![Finding::ok("no tenant needs any")];
    };
    let table = Room {
        capacity: &scene.facts.capacity,
        locks: each,
        descriptors: usize::MAX,
    };
    let (room, wanted) = (capacity::locks(table).workers, scene.parallel);
    vec![if room >= wanted {
        Finding::ok(format!(
            "a new tenant takes about {each}: room for {room} workers, {wanted} wanted"
        ))
    } else {
        Finding::warning(
            format!(
                "a new tenant takes about {each}, and half of the lock table bears {room} workers, {wanted} wanted"
            ),
            format!(
                "ALTER SYSTEM SET max_locks_per_transaction = {}; and restart the server, or give --parallel {room}.",
                capacity::needed_locks(wanted, table)
            ),
        )
    }]
}

pub(super) fn client_tools(scene: &Scene<'_>) -> Vec<Finding> {
    let server = scene.live.server.major();
    let hint = format!(
        "apt-get install postgresql-client-{server}, or name its folder in TENANTRY_PG_BIN."
    );
    let needed = scene.desired.backups.is_some();
    let judge = |(program, major): &(&str, Option<i32>)| match major {
        Some(major) if *major >= server => None,
        Some(major) => {
            let message = format!(
                "{program} {major} is older than the server, {server}: it can't back it up"
            );
            Some(if needed {
                Finding::failed(message, &hint)
            } else {
                Finding::warning(message, &hint)
            })
        }
        None => Some(Finding::warning(
            format!("{program} isn't found; backups need it"),
            &hint,
        )),
    };
    let found: Vec<Finding> = scene.tools.0.iter().filter_map(judge).collect();
    if found.is_empty() {
        let versions = scene.tools.0.iter();
        let versions: Vec<String> = versions
            .map(|(program, major)| format!("{program} {}", major.unwrap_or_default()))
            .collect();
        return vec![Finding::ok(versions.join(", "))];
    }
    found
}
