//! The session itself: where it leads, how it is encrypted, what server and role it is.

use super::Scene;
use crate::doctor::checkup::Finding;

/// Major versions that the program is tested with.
const TESTED: std::ops::RangeInclusive<i32> = 14..=18;

/// How far clocks may be apart, in seconds, before it is worth a word.
const CLOCKS_APART: f64 = 60.0;

pub(super) fn connection(scene: &Scene<'_>) -> Vec<Finding> {
    let facts = scene.facts;
    let password = if facts.has_password {
        "with"
    } else {
        "without"
    };
    let mut found = vec![Finding::ok(format!(
        "{}, {password} a password",
        facts.place
    ))];
    if let Some(words) = &facts.cannot_watch {
        let message =
            format!("the server can't watch whether its clients are still there: {words}");
        let hint =
            "Run the server on a system with client_connection_check_interval, such as Linux.";
        found.push(Finding::failed(message, hint));
    }
    found
}

pub(super) fn encryption(scene: &Scene<'_>) -> Vec<Finding> {
    let is_local = |address: &str| address == "::1" || address.starts_with("127.");
    vec![match (&scene.facts.encryption, &scene.facts.client) {
        (Some(protocol), _) => Finding::ok(protocol.clone()),
        (None, None) => Finding::ok("none, by a socket of this machine"),
        (None, Some(address)) if is_local(address) => Finding::ok("none, within this machine"),
        (None, Some(_)) => Finding::warning(
            "the connection leaves this machine in plain text",
            "Give sslmode=verify-full; `prefer` falls back to plain text.",
        ),
    }]
}

pub(super) fn server_version(scene: &Scene<'_>) -> Vec<Finding> {
    let (major, version) = (scene.live.server.major(), &scene.facts.version);
    let (first, last) = (TESTED.start(), TESTED.end());
    vec![match major {
        major if major < *first => Finding::failed(
            format!("PostgreSQL {version} isn't supported"),
            format!("Upgrade the server to PostgreSQL {first} or later."),
        ),
        major if major > *last => Finding::warning(
            format!("PostgreSQL {version} is newer than this tenantry was tested with"),
            format!("Try it on a copy first; {first} to {last} are tested."),
        ),
        _ => Finding::ok(format!("PostgreSQL {version}")),
    }]
}

pub(super) fn writable(scene: &Scene<'_>) -> Vec<Finding> {
    vec![
        match (scene.facts.in_recovery, scene.live.server.read_only) {
            (true, _) => Finding::failed(
                "the server is a standby: it can be planned for, not changed",
                "Connect to the primary, or give target_session_attrs=read-write.",
            ),
            (_, true) => Finding::failed(
                "default_transaction_read_only is on: it can be planned for, not changed",
                format!(
                    "BEGIN READ WRITE; ALTER ROLE {} IN DATABASE {} SET default_transaction_read_only = off; COMMIT;",
                    scene.role(),
                    scene.database()
                ),
            ),
            _ => Finding::ok("transactions may write"),
        },
    ]
}

pub(super) fn role(scene: &Scene<'_>) -> Vec<Finding> {
    let role = scene.role();
    let too_much = match (scene.live.server.superuser, scene.facts.bypasses_rls) {
        (true, _) => "a superuser",
        (_, true) => "BYPASSRLS",
        _ => return vec![Finding::ok(format!("{role} is no superuser"))],
    };
    vec![Finding::warning(
        format!("role {role} is {too_much}, which is more than tenantry needs"),
        "Connect as the role that `tenantry doctor --grants` makes.",
    )]
}

pub(super) fn clock(scene: &Scene<'_>) -> Vec<Finding> {
    let ahead = scene.facts.clock_ahead;
    let message = match ahead {
        -1.0..=1.0 => "the server's and this machine's tell the same time".to_owned(),
        _ if ahead > 0.0 => format!("the server's is {ahead:.0} s ahead of this machine's"),
        _ => format!("the server's is {:.0} s behind this machine's", -ahead),
    };
    vec![if ahead.abs() < CLOCKS_APART {
        Finding::ok(message)
    } else {
        Finding::warning(message, "Let both take their time from one source (NTP).")
    }]
}
