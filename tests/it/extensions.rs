//! Extensions: database-wide, before any tenant, and told about before anything is changed.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::database::Database;
use crate::support::fleet::Fleet;
use crate::support::server::DEPLOY;

/// What PostgreSQL's own contrib package brings and fleets ask for most.
const CONTRIB: [&str; 6] = [
    "uuid-ossp",
    "pgcrypto",
    "btree_gin",
    "btree_gist",
    "citext",
    "pg_trgm",
];

fn with_extensions(list: &str) -> Fleet {
    let mut fleet = Fleet::small(&["acme", "globex"]);
    fleet.extra = format!("extensions: {list}\n");
    fleet
}

/// Which of these the server has packages of.
fn available(database: &Database, wanted: &[&str]) -> BTreeSet<String> {
    let all = database.texts("SELECT name FROM pg_available_extensions");
    all.into_iter()
        .filter(|name| wanted.contains(&name.as_str()))
        .collect()
}

/// Whether the server can install this extension in this version.
fn offers(database: &Database, name: &str, version: &str) -> bool {
    database.count(&format!(
        "SELECT count(*) FROM pg_available_extension_versions WHERE name = '{name}' AND version = '{version}'"
    )) > 0
}

/// `name version schema owner` of every installed extension but PL/pgSQL.
fn installed(database: &Database) -> Vec<String> {
    database.texts(
        "SELECT concat_ws(' ', extname, extversion, nspname, pg_get_userbyid(extowner)) \
         FROM pg_extension JOIN pg_namespace n ON n.oid = extnamespace WHERE extname <> 'plpgsql' ORDER BY 1",
    )
}

fn blocked_codes(plan: &Value) -> Vec<&str> {
    let blocked = plan["blocked"].as_array().expect("a list");
    blocked
        .iter()
        .map(|one| one["code"].as_str().expect("a word"))
        .collect()
}

/// The message of the one notice with this code.
#[track_caller]
fn notice<'a>(plan: &'a Value, code: &str) -> &'a str {
    let notices = plan["notices"].as_array().expect("a list");
    let found: Vec<&Value> = notices.iter().filter(|one| one["code"] == code).collect();
    assert_eq!(found.len(), 1, "one {code} in {notices:#?}");
    found[0]["message"].as_str().expect("text")
}

#[test]
fn the_six_of_contrib_are_installed_together_by_a_plain_role() {
    let fleet = with_extensions(&format!("[{}]", CONTRIB.join(", ")));
    let available = available(&fleet.database, &CONTRIB);
    let lacking: Vec<&str> = CONTRIB
        .into_iter()
        .filter(|name| !available.contains(*name))
        .collect();
    if !lacking.is_empty() {
        let plan = fleet.plan();
        assert_eq!(blocked_codes(&plan), ["extension_missing"; 2]);
        for name in lacking {
            let message = plan["blocked"][0]["message"].as_str().expect("text");
            assert!(message.contains(name), "{message}");
        }
        fleet.run(["apply", "--auto-approve"]).expect(4);
        assert_eq!(fleet.database.schemas(), [""; 0]);
        return;
    }
    let plan = fleet.plan();
    assert_eq!(plan["summary"]["extensions"], 6);
    assert_eq!(plan["notices"], json!([]), "all six are trusted");
    fleet.apply(0);
    let found = installed(&fleet.database);
    assert_eq!(found.len(), 6);
    for name in CONTRIB {
        let line = found
            .iter()
            .find(|line| line.starts_with(&format!("{name} ")));
        let line = line.unwrap_or_else(|| panic!("{name} isn't in {found:?}"));
        assert!(line.ends_with(&format!(" extensions {DEPLOY}")), "{line}");
    }
    fleet.expect_no_changes();
}

#[test]
fn nobody_may_add_to_the_schema_of_extensions() {
    let fleet = with_extensions("[citext]");
    fleet.apply(0);
    let may = |privilege: &str| {
        fleet.database.count(&format!(
            "SELECT has_schema_privilege('app_owner', 'extensions', '{privilege}')::int::bigint"
        ))
    };
    assert_eq!((may("USAGE"), may("CREATE")), (1, 0));
}

#[test]
fn a_version_that_isnt_offered_blocks_before_anything_is_changed() {
    let fleet = with_extensions("[citext, { name: pg_trgm, version: '9.9' }]");
    let plan = fleet.plan();
    assert_eq!(blocked_codes(&plan), ["extension_missing"; 2]);
    let message = plan["blocked"][0]["message"].as_str().expect("text");
    assert!(
        message.contains("pg_trgm isn't available in version 9.9"),
        "{message}"
    );
    assert!(message.contains("the server offers"), "{message}");
    assert_eq!(plan["steps"], json!([]));
    assert_eq!(plan["applyable"], false);
    fleet.run(["plan", "--detailed-exitcode"]).expect(2);
    fleet.run(["apply", "--auto-approve"]).expect(4);
    assert_eq!(fleet.database.schemas(), [""; 0]);
    assert_eq!(
        installed(&fleet.database),
        [""; 0],
        "citext could have been had"
    );
}

#[test]
fn an_unknown_required_extension_is_refused_before_anything_is_changed() {
    let fleet = with_extensions("[no_such_extension]");
    let run = fleet
        .run(["apply", "--auto-approve", "--format", "json"])
        .expect(4);
    assert!(
        run.stderr
            .contains("extension no_such_extension isn't available on the server"),
        "{}",
        run.stderr
    );
    assert_eq!(fleet.database.schemas(), [""; 0]);
}

#[test]
fn an_unknown_optional_extension_is_a_notice() {
    let fleet = with_extensions("[citext, { name: no_such_extension, optional: true }]");
    let plan = fleet.plan();
    assert!(
        notice(&plan, "extension_unavailable").contains("no_such_extension"),
        "{plan:#}"
    );
    assert_eq!(plan["summary"]["extensions"], 1);
    fleet.apply(0);
    fleet.expect_no_changes();
    assert_eq!(installed(&fleet.database).len(), 1);
}

#[test]
fn a_pinned_version_is_installed_and_then_updated() {
    for (name, old, new) in [("pg_trgm", "1.5", "1.6"), ("citext", "1.5", "1.6")] {
        let mut fleet = with_extensions(&format!("[{{ name: {name}, version: '{old}' }}]"));
        if !offers(&fleet.database, name, old) || !offers(&fleet.database, name, new) {
            let plan = fleet.plan();
            assert_eq!(
                blocked_codes(&plan).is_empty(),
                offers(&fleet.database, name, old)
            );
            continue;
        }
        fleet.apply(0);
        let line = |version: &str| vec![format!("{name} {version} extensions {DEPLOY}")];
        assert_eq!(installed(&fleet.database), line(old));

        fleet.extra = format!("extensions: [{{ name: {name}, version: '{new}' }}]\n");
        let plan = fleet.plan();
        assert_eq!(
            plan["steps"],
            json!([{ "cluster": "default", "action": "update_extension", "name": name, "from": old, "to": new }])
        );
        fleet.run(["plan", "--detailed-exitcode"]).expect(2);
        let report = fleet.apply(0);
        assert_eq!(
            report["databases"][0]["step"],
            format!("update extension {name} from {old} to {new}")
        );
        assert_eq!(installed(&fleet.database), line(new));
        fleet.expect_no_changes();

        // There is no way back.
        fleet.extra = format!("extensions: [{{ name: {name}, version: '{old}' }}]\n");
        let plan = fleet.plan();
        assert_eq!(blocked_codes(&plan), ["extension_missing"; 2]);
        let message = plan["blocked"][0]["message"].as_str().expect("text");
        assert!(message.contains("no update path leads"), "{message}");
        fleet.run(["apply", "--auto-approve"]).expect(4);
        assert_eq!(installed(&fleet.database), line(new));
    }
}

#[test]
fn without_a_pin_an_older_version_stays() {
    let mut fleet = with_extensions("[{ name: citext, version: '1.5' }]");
    if !offers(&fleet.database, "citext", "1.5") {
        return assert_eq!(blocked_codes(&fleet.plan()), ["extension_missing"; 2]);
    }
    fleet.apply(0);
    fleet.extra = "extensions: [citext]\n".to_owned();
    fleet.expect_no_changes();
}

#[test]
fn what_an_extension_requires_comes_before_it() {
    let fleet = with_extensions("[earthdistance]");
    let both = ["cube", "earthdistance"];
    if available(&fleet.database, &both).len() < 2 {
        return assert_eq!(blocked_codes(&fleet.plan()), ["extension_missing"; 2]);
    }
    let plan = fleet.plan();
    let steps = plan["steps"].as_array().expect("a list");
    let names: Vec<&Value> = steps.iter().filter_map(|step| step.get("name")).collect();
    assert_eq!(names, both);
    // `earthdistance` isn't trusted, so a superuser does what the plan says; the plan is then empty.
    fleet.database.run(
        "CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC; \
         CREATE EXTENSION earthdistance SCHEMA extensions CASCADE",
    );
    let plan = fleet.plan();
    assert_eq!(plan["summary"]["extensions"], 0);
    fleet.apply(0);
    fleet.expect_no_changes();
}

#[test]
fn a_superuser_installs_what_an_extension_requires() {
    let fleet = with_extensions("[earthdistance]");
    if available(&fleet.database, &["cube", "earthdistance"]).len() < 2 {
        return assert_eq!(blocked_codes(&fleet.plan()), ["extension_missing"; 2]);
    }
    let superuser = fleet.database.superuser_url();
    let run = fleet.run(["apply", "--auto-approve", "--database-url", &superuser]);
    run.expect(0);
    let found = installed(&fleet.database);
    assert!(
        found[0].starts_with("cube ") && found[1].starts_with("earthdistance "),
        "{found:?}"
    );
    assert!(
        found.iter().all(|line| line.contains(" extensions ")),
        "{found:?}"
    );
}

#[test]
fn an_untrusted_extension_is_warned_of_and_its_refusal_stops_the_run() {
    let fleet = with_extensions("[citext, pageinspect]");
    if available(&fleet.database, &["pageinspect"]).is_empty() {
        return assert_eq!(blocked_codes(&fleet.plan()), ["extension_missing"; 2]);
    }
    let plan = fleet.plan();
    let message = notice(&plan, "extension_untrusted");
    for word in [
        "pageinspect",
        "rds.allowed_extensions",
        "cloudsqlsuperuser",
        "azure.extensions",
    ] {
        assert!(message.contains(word), "{word} isn't in {message}");
    }
    assert_eq!(plan["blocked"], json!([]), "a managed service may allow it");

    let report = fleet.apply(1);
    let refused = report["databases"]
        .as_array()
        .expect("a list")
        .last()
        .expect("a step");
    assert_eq!(
        refused["step"],
        "install extension pageinspect in schema extensions"
    );
    assert_eq!(refused["status"], "failed");
    assert_eq!(refused["error"]["sqlstate"], "42501");
    for outcome in report["outcomes"].as_array().expect("a list") {
        assert_eq!(outcome["status"], "skipped", "{outcome:#}");
    }
    assert_eq!(
        fleet.database.schemas(),
        [""; 0],
        "not even the control schema"
    );
    assert_eq!(
        installed(&fleet.database),
        [""; 0],
        "nor citext, which came first"
    );
}

#[test]
fn an_untrusted_optional_extension_keeps_nobody_from_anything() {
    let fleet = with_extensions("[citext, { name: pageinspect, optional: true }]");
    fleet.apply(0);
    let found = installed(&fleet.database);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(
        fleet.database.schemas(),
        ["extensions", "t_acme", "t_globex", "tenantry"]
    );
}

#[test]
fn an_extension_in_another_schema_is_left_there() {
    let fleet = with_extensions("[citext]");
    fleet
        .database
        .run("CREATE SCHEMA elsewhere; CREATE EXTENSION citext SCHEMA elsewhere");
    let plan = fleet.plan();
    assert!(
        notice(&plan, "extension_elsewhere").contains("elsewhere"),
        "{plan:#}"
    );
    fleet.apply(0);
    assert!(installed(&fleet.database)[0].contains(" elsewhere "));
}
