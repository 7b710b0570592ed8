//! How many tenants run at once, in which order, and when failures stop the run.

use serde_json::Value;

use crate::support::fleet::{Fleet, outcome};
use crate::support::gate::{Gate, WAIT};

/// Every tenant counts the tenants that run beside it, itself included.
const COUNT: &str = "CREATE TABLE seen AS SELECT count(*) AS at_work FROM pg_stat_activity \
    WHERE datname = current_database() AND application_name ~ '^tenantry/[0-9a-f]{32}/.';\n";

fn most_at_work(fleet: &Fleet, tenants: &[&str]) -> i64 {
    let of = |tenant: &&str| {
        let sql = format!("SELECT at_work FROM t_{tenant}.seen");
        fleet.database.count(&sql)
    };
    tenants.iter().map(of).max().unwrap_or_default()
}

#[test]
fn as_many_tenants_as_asked_for_run_side_by_side() {
    let tenants = ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8"];
    let fleet = Fleet::small(&tenants);
    fleet.migration(
        "V1__wait.sql",
        &format!("{COUNT}{WAIT}{COUNT}").replacen("seen", "before", 1),
    );
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start_apply(&["--parallel", "3"]);
    gate.until_waiting(3);
    assert_eq!(gate.waiting(), 3);
    let sessions = fleet.database.sessions();
    let run = sessions[0].clone();
    let named: Vec<String> = fleet
        .database
        .tenants_at_work()
        .iter()
        .map(|tenant| format!("{run}/{tenant}"))
        .collect();
    assert_eq!(named.len(), 3, "{sessions:?}");
    assert_eq!(sessions[1..], named, "all of one run, each a tenant's");
    gate.open();

    let run = running.end().expect(0);
    assert_eq!(finished(&run.events()).len(), 8);
    assert_eq!(most_at_work(&fleet, &tenants), 3, "never more");
}

/// The tenants in the order they finished.
fn finished(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .filter(|event| event["event"] == "tenant_finished")
        .filter_map(|event| event["tenant"].as_str())
        .collect()
}

#[test]
fn canaries_run_first_and_alone() {
    let mut fleet = Fleet::small(&["acme", "globex", "hooli"]);
    fleet.tenant("initech", "{ tags: [canary] }");
    fleet.extra = "rollout: { canary: { tags: [canary] } }\n".into();
    fleet.migration("V1__wait.sql", &format!("{COUNT}{WAIT}"));
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start_apply(&["--parallel", "4"]);
    gate.until_waiting(1);
    assert_eq!(fleet.database.tenants_at_work(), ["initech"]);
    gate.open();

    let events = running.end().expect(0).events();
    assert_eq!(finished(&events)[0], "initech");
    assert_eq!(most_at_work(&fleet, &["initech"]), 1);
    let waves: Vec<&Value> = events
        .iter()
        .filter(|event| event["event"] == "wave_started")
        .map(|event| &event["wave"])
        .collect();
    assert_eq!(waves, ["canary", "rest"]);
}

/// Tenants that are there, and a migration that only works on tenants without duplicates.
fn with_a_unique_index(fleet: &Fleet, spoiled: &[&str]) {
    fleet.apply(0);
    for tenant in spoiled {
        let sql = format!("INSERT INTO t_{tenant}.note (body) VALUES ('twice'), ('twice')");
        fleet.database.run(&sql);
    }
    fleet.migration(
        "V1__unique_body.sql",
        "ALTER TABLE note ADD COLUMN tag text;\nCREATE UNIQUE INDEX note_body_idx ON note (body);\n",
    );
}

#[test]
fn a_tenant_that_fails_is_rolled_back_and_the_others_go_on() {
    let tenants = ["t1", "t2", "t3", "t4", "t5"];
    let fleet = Fleet::small(&tenants);
    with_a_unique_index(&fleet, &["t3"]);

    let report = fleet.apply(3);
    assert_eq!(report["summary"]["applied"], 4);
    let failed = outcome(&report, "t3");
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["error"]["sqlstate"], "23505");
    let tag = "SELECT count(*) FROM pg_attribute a WHERE a.attname = 'tag' AND a.attrelid = 't_t3.note'::regclass";
    assert_eq!(fleet.database.count(tag), 0, "wholly rolled back");
    assert_eq!(fleet.database.count("SELECT count(*) FROM t_t3.history"), 0);

    fleet.database.run("DELETE FROM t_t3.note");
    let rerun = fleet.apply(0);
    let outcomes = rerun["outcomes"].as_array().expect("a list");
    assert_eq!(outcomes.len(), 1, "the rest is done: {rerun:#}");
    assert_eq!(outcome(&rerun, "t3")["status"], "applied");
    fleet.expect_no_changes();
}

#[test]
fn too_many_failures_stop_the_run() {
    let tenants = [
        "t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9", "t10", "t11", "t12",
    ];
    let mut fleet = Fleet::small(&tenants);
    fleet.extra = "rollout: { max_failures: 2 }\n".into();
    with_a_unique_index(&fleet, &tenants);
    let args = ["apply", "--auto-approve", "--format", "json"];
    let report = fleet
        .run(args.iter().chain(&["--parallel", "2"]))
        .expect(1)
        .json();
    assert_eq!(report["cancelled"], "too_many_failures");
    let tried = report["summary"]["failed"].as_u64().expect("a number");
    assert!((3..=2 + 2).contains(&tried), "{tried} tried");
    assert_eq!(report["summary"]["skipped"], 12 - tried);
    let message = report["outcomes"]
        .as_array()
        .expect("a list")
        .iter()
        .find(|outcome| outcome["status"] == "skipped")
        .map(|outcome| &outcome["error"]["message"]);
    assert_eq!(message.expect("one"), "not tried: too many tenants failed");
}

#[test]
fn the_same_failure_again_and_again_stops_the_run() {
    let tenants: Vec<String> = (1..=200).map(|number| format!("t{number:03}")).collect();
    let mut fleet = Fleet::new("CREATE TABLE note (id int);\nSELECT 1 / 0;\n");
    fleet.add(&tenants.iter().map(String::as_str).collect::<Vec<_>>());
    fleet.extra = "rollout: { max_failures: 100% }\n".into();
    let run = fleet
        .run([
            "apply",
            "--auto-approve",
            "--format",
            "ndjson",
            "--parallel",
            "4",
        ])
        .expect(3);
    let events = run.events();
    let tried = events
        .iter()
        .filter(|event| event["event"] == "tenant_finished")
        .count();
    assert!((5..5 + 4).contains(&tried), "{tried} tried");
    let cancelled = events.iter().find(|event| event["event"] == "cancelled");
    assert_eq!(cancelled.expect("one")["reason"], "repeated_failure");

    let run = fleet.run(["apply", "--auto-approve"]).expect(1);
    let words = "Stopped: one tenant after the other failed with the same error.";
    assert!(run.stdout.contains(words), "{}", run.stdout);
}

#[test]
fn failures_with_successes_between_them_stop_nothing() {
    let tenants = ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9"];
    let mut fleet = Fleet::small(&tenants);
    fleet.extra = "rollout: { max_failures: 100% }\n".into();
    with_a_unique_index(&fleet, &["t1", "t2", "t3", "t4", "t6", "t7", "t8", "t9"]);
    let report = fleet
        .run([
            "apply",
            "--auto-approve",
            "--format",
            "json",
            "--parallel",
            "1",
        ])
        .expect(3)
        .json();
    assert_eq!(report["cancelled"], Value::Null);
    assert_eq!(report["summary"]["failed"], 8);
}

#[test]
fn failures_within_the_budget_stop_nothing() {
    let tenants = ["t1", "t2", "t3", "t4", "t5", "t6"];
    let mut fleet = Fleet::small(&tenants);
    fleet.extra = "rollout: { max_failures: 2 }\n".into();
    with_a_unique_index(&fleet, &["t1", "t2"]);
    let report = fleet.apply(3);
    assert_eq!(report["cancelled"], Value::Null);
    assert_eq!(report["summary"]["failed"], 2);
    assert_eq!(report["summary"]["applied"], 4);
}

#[test]
fn a_failed_canary_ends_the_run() {
    let mut fleet = Fleet::small(&["acme", "globex"]);
    fleet.tenant("initech", "{ tags: [canary] }");
    fleet.extra = "rollout: { canary: { tags: [canary] }, max_failures: 50% }\n".into();
    with_a_unique_index(&fleet, &["initech"]);
    let report = fleet.apply(1);
    assert_eq!(report["cancelled"], "canary_failed");
    assert_eq!(outcome(&report, "initech")["status"], "failed");
    assert_eq!(outcome(&report, "acme")["status"], "skipped");
    assert_eq!(outcome(&report, "globex")["status"], "skipped");
    assert_eq!(
        fleet.database.count("SELECT count(*) FROM t_acme.history"),
        0
    );
}
