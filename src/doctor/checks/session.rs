//! The session itself: where it leads, how it is encrypted, what server and role it is.

use super::Scene;
use crate::doctor::checkup::Finding;
use crate::doctor::facts::Way;

/// Major versions that the program is tested with.
const TESTED: std::ops::RangeInclusive<i32> = 14..=18;

/// How far clocks may be apart, in seconds, before it is worth a word.
const CLOCKS_APART: f64 = 60.0;

pub(super) fn connection(scene: &Scene<'_>) -> Vec<Finding> {
    let facts = scene.facts;
    let way = &facts.way;
    let password = match way.password {
        Some(source) => format!("with a password of {source}"),
        None => "without a password".to_owned(),
    };
    let (place, origin) = (&way.place, way.origin);
    let mut found = vec![Finding::ok(format!("{place}, from {origin}, {password}"))];
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
    let facts = scene.facts;
    let (protocol, client) = (facts.encryption.as_deref(), facts.client.as_deref());
    // What the server says is then of the pooler's own connection.
    vec![if let Ok(true) = facts.pooler.is_pooled {
        as_far_as_the_pooler(&facts.way)
    } else {
        as_far_as_the_server(protocol, client, facts.way.verifies)
    }]
}

/// `client` is our address, as the server sees it.
fn as_far_as_the_server(protocol: Option<&str>, client: Option<&str>, verifies: bool) -> Finding {
    let is_local = |address: &str| address == "::1" || address.starts_with("127.");
    match (protocol, client) {
        (Some(protocol), Some(address)) if !verifies && !is_local(address) => unverified(protocol),
        (Some(protocol), _) => Finding::ok(protocol),
        (None, None) => Finding::ok("none, by a socket of this machine"),
        (None, Some(address)) if is_local(address) => Finding::ok("none, within this machine"),
        (None, Some(_)) => plain("the connection leaves this machine in plain text"),
    }
}

fn as_far_as_the_pooler(way: &Way) -> Finding {
    match (way.is_local, way.encrypts, way.verifies) {
        (true, _, _) => Finding::ok("none needed, the pooler is on this machine"),
        (_, true, true) => Finding::ok("as far as the pooler"),
        (_, true, false) => unverified("to the pooler"),
        (_, false, _) => plain("the connection to the pooler may be in plain text"),
    }
}

fn unverified(what: &str) -> Finding {
    Finding::warning(
        format!("{what}, but whoever answers is taken for the server: no certificate is verified"),
        "Give sslmode=verify-full and sslrootcert=<file of the CA>, or sslrootcert=system.",
    )
}

fn plain(message: &str) -> Finding {
    let hint = "Give sslmode=verify-full; `prefer` falls back to plain text.";
    Finding::warning(message, hint)
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::checkup::Status;

    #[test]
    fn what_leaves_this_machine_is_encrypted_and_for_the_server_alone() {
        let tls = Some("TLSv1.3");
        for (protocol, client, verifies, expected) in [
            (tls, Some("10.0.0.7"), true, Ok("TLSv1.3")),
            (
                tls,
                Some("10.0.0.7"),
                false,
                Err("TLSv1.3, but whoever answers"),
            ),
            (tls, Some("127.0.0.1"), false, Ok("TLSv1.3")),
            (tls, Some("::1"), false, Ok("TLSv1.3")),
            (None, Some("10.0.0.7"), false, Err("in plain text")),
            (None, Some("127.0.0.1"), false, Ok("within this machine")),
            (None, None, false, Ok("by a socket")),
        ] {
            expect(&as_far_as_the_server(protocol, client, verifies), expected);
        }
    }

    #[test]
    fn a_server_knows_nothing_of_the_way_to_its_pooler() {
        for (is_local, encrypts, verifies, expected) in [
            (true, false, false, Ok("on this machine")),
            (false, true, true, Ok("as far as the pooler")),
            (false, true, false, Err("whoever answers")),
            (false, false, true, Err("may be in plain text")),
        ] {
            let way = Way {
                place: String::new(),
                origin: "DATABASE_URL",
                password: None,
                is_local,
                encrypts,
                verifies,
            };
            expect(&as_far_as_the_pooler(&way), expected);
        }
    }

    #[track_caller]
    fn expect(found: &Finding, expected: Result<&str, &str>) {
        let (status, words) = match expected {
            Ok(words) => (Status::Ok, words),
            Err(words) => (Status::Warning, words),
        };
        assert_eq!(found.status, status, "{found:?}");
        assert!(found.message.contains(words), "{found:?}");
        let hint = found.hint.as_deref().unwrap_or("verify-full");
        assert!(hint.contains("verify-full"), "{hint}");
    }
}
