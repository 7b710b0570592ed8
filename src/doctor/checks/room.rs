//! What server and machine must have: extensions, connections, locks, programs.

use super::Scene;
use crate::doctor::checkup::Finding;
use crate::doctor::facts::tenants_on;
use crate::model::count;
use crate::pg::headroom;
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
    let (room, wanted) = (scene.facts.headroom.by_connections(), scene.parallel);
    vec![if room >= wanted {
        Finding::ok(format!("room for {room} workers, {wanted} wanted"))
    } else {
        Finding::warning(
            format!(
                "room for {room} workers, {wanted} wanted: connections are in use, reserved or limited"
            ),
            format!(
                "Close connections, raise max_connections or the role's CONNECTION LIMIT, or give --parallel {}.",
                room.max(1)
            ),
        )
    }]
}

pub(super) fn locks(scene: &Scene<'_>) -> Vec<Finding> {
    let files = |name| {
        let template = scene.desired.templates.get(name)?;
        let due = template
            .migrations
            .0
            .values()
            .map(|migration| &migration.up);
        let files = template.files.iter().chain(due);
        Some(headroom::locks_of(files.map(|file| file.text.as_str())))
    };
    let used =
        tenants_on(scene.desired, scene.cluster).filter_map(|tenant| files(&tenant.template));
    let Some(each) = used.max() else {
        return vec![Finding::ok("no tenant needs any")];
    };
    let (headroom, wanted) = (&scene.facts.headroom, scene.parallel);
    let room = headroom.by_locks(each);
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
                "ALTER SYSTEM SET max_locks_per_transaction = {}; and restart the server, or give --parallel {}.",
                headroom.locks_needed(wanted, each),
                room.max(1)
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
