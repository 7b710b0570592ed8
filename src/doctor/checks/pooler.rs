//! Whether sessions are shared between transactions, and whether `direct_url` leads to one that isn't.

use super::rights::unreachable_owner;
use super::{Scene, quoted};
use crate::doctor::checkup::Finding;
use crate::doctor::pooler::Direct;
use crate::error::Error;
use crate::model::name::quote_ident_visibly;
use crate::model::observed::ServerFacts;
use crate::pg::error::PgError;

pub(super) fn pooler(scene: &Scene<'_>) -> Vec<Finding> {
    let found = &scene.facts.pooler;
    let direct = match &found.direct {
        None => return vec![without_direct_url(scene, &found.is_pooled)],
        Some(direct) => direct_url(scene, direct),
    };
    match (&found.is_pooled, direct) {
        (Err(error), Ok(_)) => vec![unknown(error)],
        (Err(error), Err(bad)) => [vec![unknown(error)], bad].concat(),
        (Ok(_), Err(bad)) => bad,
        (Ok(true), Ok(place)) => vec![Finding::ok(format!(
            "sessions are pooled; `direct_url` leads past it, to {place}"
        ))],
        (Ok(false), Ok(place)) => vec![Finding::ok(format!(
            "none; `direct_url` leads to the same database, {place}"
        ))],
    }
}

fn without_direct_url(scene: &Scene<'_>, is_pooled: &Result<bool, PgError>) -> Finding {
    match is_pooled {
        Ok(false) => Finding::ok("none"),
        Err(error) => unknown(error),
        Ok(true) => Finding::warning(
            "a transaction-pooling proxy: tenants are made and migrated through it, but backups and statements \
             outside of a transaction need a session",
            remedy(scene),
        ),
    }
}

fn remedy(scene: &Scene<'_>) -> String {
    let cluster = scene.desired.clusters.get(scene.cluster);
    if cluster.is_some_and(|cluster| cluster.direct_url.is_some()) {
        return "Leave --database-url out, which goes before the cluster's `direct_url:`."
            .to_owned();
    }
    format!(
        "Set `direct_url:` of cluster {}, under `clusters:`, to the server's own host and port.",
        scene.cluster
    )
}

fn unknown(error: &PgError) -> Finding {
    Finding::unknown(
        format!("the two connections that would show whether there is one failed: {error}"),
        "Let the connecting role make two more connections.",
    )
}

/// Where it leads, or what is wrong with it.
fn direct_url<'a>(
    scene: &Scene<'_>,
    direct: &'a Result<Direct, Error>,
) -> Result<&'a str, Vec<Finding>> {
    let direct = direct.as_ref().map_err(|error| vec![unreachable(error)])?;
    let (here, there) = (&scene.live.server, &direct.server);
    let mut found = Vec::new();
    if direct.is_pooled {
        found.push(Finding::failed(
            format!(
                "`direct_url` leads to a transaction-pooling proxy too, {}",
                direct.place
            ),
            "Name the server's own host and port in it.",
        ));
    }
    match place(here, there) {
        Some(elsewhere) => found.push(elsewhere),
        None => found.extend(kind_of_role(here, direct)),
    }
    if found.is_empty() {
        return Ok(&direct.place);
    }
    Err(found)
}

fn unreachable(error: &Error) -> Finding {
    let hint = "Correct `direct_url:`, or let the connecting role in there.";
    Finding::failed(
        format!("`direct_url` leads nowhere: {}", error.message),
        error.hint.as_deref().unwrap_or(hint),
    )
}

/// What is wrong with where `there` is.
fn place(here: &ServerFacts, there: &ServerFacts) -> Option<Finding> {
    let database = |server: &ServerFacts| quote_ident_visibly(&server.database);
    if tells_itself(here) != tells_itself(there) {
        return Some(Finding::unknown(
            "the server hides its identity from one of the two roles, so that `direct_url` may lead anywhere",
            "GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO the role, where the service lets you.",
        ));
    }
    let what = if here.system_identifier != there.system_identifier {
        "another server".to_owned()
    } else if here.database_oid != there.database_oid {
        format!(
            "another database, {}, not to {}",
            database(there),
            database(here)
        )
    } else if there.read_only && !here.read_only {
        "a standby, or to where default_transaction_read_only is on".to_owned()
    } else {
        return None;
    };
    Some(Finding::failed(
        format!("`direct_url` leads to {what}"),
        "Have `direct_url:` lead to the same database as the cluster's other connections.",
    ))
}

/// Whom the server doesn't tell its identifier is told when it started.
fn tells_itself(server: &ServerFacts) -> bool {
    server
        .system_identifier
        .bytes()
        .all(|byte| byte.is_ascii_digit())
}

/// Another role will do if it can become the same owners and is no superuser.
fn kind_of_role(here: &ServerFacts, direct: &Direct) -> Vec<Finding> {
    let there = &direct.server;
    let owners = direct
        .owners
        .iter()
        .filter(|owner| owner.exists && !owner.reachable);
    // Of the same role, the check of owners tells it.
    let owners = owners.filter(|_| here.role != there.role);
    let mut found: Vec<Finding> = owners
        .map(|owner| unreachable_owner(owner, there))
        .collect();
    if there.superuser && !here.superuser {
        found.push(Finding::warning(
            format!(
                "`direct_url` connects as {}, a superuser",
                quoted(&there.role)
            ),
            format!("Connect as {} there too.", quoted(&here.role)),
        ));
    }
    found
}
