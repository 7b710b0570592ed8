//! `runs show`: what runs have done, as the databases have it.

use serde_json::{Value, json};

use crate::clusters::{nowhere, set, two};
use crate::support::fleet::Fleet;
use crate::support::gate::{Gate, until};
use crate::support::json_schema;

/// A migration that fails where a note has no body.
const NOT_NULL: &str = "ALTER TABLE note ALTER body SET NOT NULL;\n";

/// Two runs: one that made everyone, one that failed on globex.
fn partial() -> Fleet {
    let fleet = Fleet::small(&["acme", "globex", "hooli"]);
    fleet.apply(0);
    fleet.migration("V1__not_null.sql", NOT_NULL);
    fleet
        .database
        .run("INSERT INTO t_globex.note (body) VALUES (NULL)");
    fleet.apply(3);
    fleet
}

/// Newest first, as the server has them.
fn ids(fleet: &Fleet) -> Vec<String> {
    fleet
        .database
        .texts("SELECT run FROM tenantry.run ORDER BY started_at DESC")
}

fn show(fleet: &Fleet, args: &[&str]) -> Value {
    let all = [&["runs", "show", "--format", "json"], args].concat();
    fleet.run(all).expect(0).json()
}

#[test]
fn the_newest_runs_come_first_with_their_numbers() {
    let fleet = partial();
    let all = show(&fleet, &[]);
    let ids = ids(&fleet);
    assert_eq!(
        (&all["runs"][0]["run"], &all["runs"][1]["run"]),
        (&json!(ids[0]), &json!(ids[1]))
    );
    let newest = &all["runs"][0];
    assert_eq!(
        (
            &newest["command"],
            &newest["state"],
            &newest["exit"],
            &newest["tenants"]
        ),
        (&json!("apply"), &json!("partial"), &json!(3), &json!(3))
    );
    assert_eq!(
        newest["counts"],
        json!({ "applied": 2, "unchanged": 0, "stale": 0, "failed": 1, "skipped": 0, "unknown": 0 })
    );
    assert_eq!(newest["actor"], "tenantry_deploy");
    assert_eq!(
        (&all["steps"], &all["unrecorded"]),
        (&Value::Null, &Value::Null)
    );
    let planned = "SELECT planned FROM tenantry.run ORDER BY started_at DESC LIMIT 1";
    assert_eq!(fleet.database.texts(planned), ["{acme,globex,hooli}"]);

    assert_eq!(
        show(&fleet, &["--limit", "1"])["runs"]
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    let table = fleet.run(["runs", "show"]).expect(0).stdout;
    let mut lines = table.lines();
    let heading: Vec<&str> = lines
        .next()
        .expect("a heading")
        .split_whitespace()
        .collect();
    assert_eq!(heading[..4], ["run", "command", "state", "exit"]);
    let first: Vec<&str> = lines.next().expect("a run").split_whitespace().collect();
    assert_eq!(first[..4], [&ids[0][..8], "apply", "partial", "3"]);
    assert!(table.contains("  2/3  "), "{table}");
    assert_eq!(table.lines().count(), 3);
}

#[test]
fn one_run_tells_what_became_of_each_tenant() {
    let fleet = partial();
    let id = &ids(&fleet)[0];
    let one = show(&fleet, &[&id[..8]]);
    assert_eq!(one["runs"].as_array().map(Vec::len), Some(1));
    let steps: Vec<[&Value; 3]> = one["steps"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|step| [&step["tenant"], &step["status"], &step["action"]])
        .collect();
    assert_eq!(
        json!(steps),
        json!([
            ["acme", "applied", "V1__not_null"],
            ["globex", "failed", ""],
            ["hooli", "applied", "V1__not_null"]
        ])
    );
    assert_eq!(one["steps"][1]["error"]["sqlstate"], "23502");
    assert_eq!(one["steps"][1]["error"]["line"], 1);
    assert_eq!(one["unrecorded"], json!([]));

    let text = fleet.run(["runs", "show", id]).expect(0).stdout;
    for words in [
        &format!("Run {id}: apply, partial, exit 3\n"),
        "Applied\n  2 tenants\n    acme, hooli\n    V1__not_null\n",
        "Failed\n  globex\n    running migrations/V1__not_null.sql: ",
        "--> migrations/V1__not_null.sql:1:1\n",
        ": 2 of 3 applied, 1 failed.\n",
        &format!("Go on with `tenantry apply --resume {}`.\n", &id[..8]),
    ] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
    let first = fleet
        .run(["runs", "show", &ids(&fleet)[1]])
        .expect(0)
        .stdout;
    assert!(
        first.contains("applied: cluster default: create control schema"),
        "{first}"
    );
    assert!(!first.contains("--resume"), "{first}");
}

#[test]
fn both_forms_fit_the_schema_and_stay_the_same() {
    let fleet = partial();
    let schema = fleet.run(["schema", "runs"]).expect(0).json();
    let id = &ids(&fleet)[0][..8];
    for args in [&[][..], &[id]] {
        let document = show(&fleet, args);
        assert_eq!(json_schema::problems(&schema, &document), [""; 0]);
        assert_eq!(document["format_version"], "1.0");
        assert_eq!(document, show(&fleet, args));
    }
}

#[test]
fn slips_are_told_with_runs_that_come_near() {
    let fleet = partial();
    let ids = ids(&fleet);
    let unknown = if ids.iter().any(|id| id.starts_with("abcd")) {
        "dcba"
    } else {
        "abcd"
    };
    let run = fleet.run(["runs", "show", unknown]).expect(1);
    for id in &ids {
        assert!(run.stderr.contains(id), "{}", run.stderr);
    }
    let twin = format!("{}ffff-ffff-ffff-ffff-ffffffffffff", &ids[0][..4]);
    fleet.database.run(&format!(
        "INSERT INTO tenantry.run SELECT '{twin}', command, plan_id, plan_digest, planned, resumes, state, exit_code, \
         tool_version, actor, started_at, finished_at FROM tenantry.run WHERE run = '{}'",
        ids[0]
    ));
    let run = fleet.run(["runs", "show", &ids[0][..4]]).expect(1);
    for words in ["several runs begin with", &ids[0], &twin] {
        assert!(run.stderr.contains(words), "{words}: {}", run.stderr);
    }
    fleet.run(["runs", "show", &ids[0]]).expect(0);
    fleet
        .run(["runs", "show", &ids[0].to_uppercase().replace('-', "")])
        .expect(0);
    for wrong in ["abc", "xyzw", "%%%%", ""] {
        fleet.run(["runs", "show", wrong]).expect(64);
    }
    fleet.run(["runs", "show", "--limit", "0"]).expect(64);
    fleet
        .run(["runs", "show", &ids[0], "--limit", "3"])
        .expect(64);
    fleet.run(["runs"]).expect(64);
}

#[test]
fn a_run_over_two_databases_is_one() {
    let (mut fleet, other) = two();
    fleet.migration("V1__not_null.sql", NOT_NULL);
    fleet.apply(0);
    let all = show(&fleet, &[]);
    assert_eq!(all["runs"].as_array().map(Vec::len), Some(1));
    assert_eq!(all["runs"][0]["clusters"], json!(["one", "two"]));
    assert_eq!(all["runs"][0]["counts"]["applied"], 4);
    let id = all["runs"][0]["run"].as_str().expect("an id").to_owned();
    let planned = "SELECT planned FROM tenantry.run";
    assert_eq!(
        fleet.database.texts(planned),
        ["{acme,globex,hooli,initech}"]
    );
    assert_eq!(
        other.texts(planned),
        ["{acme,globex,hooli,initech}"],
        "each knows the whole run"
    );

    set(&mut fleet, "TWO", nowhere());
    let one = show(&fleet, &[&id]);
    assert_eq!(one["unread"][0]["cluster"], "two");
    assert_eq!(one["unrecorded"], json!(["hooli", "initech"]));
    let text = fleet.run(["runs", "show", &id]).expect(0).stdout;
    assert!(
        text.contains("Unreadable journals\n  cluster two: "),
        "{text}"
    );
    set(&mut fleet, "ONE", nowhere());
    let run = fleet.run(["runs", "show"]).expect(1);
    assert!(
        run.stderr
            .contains("no database of the fleet could be read"),
        "{}",
        run.stderr
    );
    let run = fleet.run(["runs", "show", &id]).expect(1);
    assert!(
        run.stderr.contains("cluster one couldn't be read"),
        "{}",
        run.stderr
    );
}

#[test]
fn nothing_recorded_is_no_error_and_another_fleets_journal_is_not_read() {
    let fleet = Fleet::small(&["acme"]);
    let said = fleet.run(["runs", "show"]).expect(0).stdout;
    assert_eq!(said, "No run of fleet shop is recorded.\n");
    assert_eq!(show(&fleet, &[])["runs"], json!([]));
    fleet.apply(0);
    let run = fleet
        .run_edited("fleet: shop", "fleet: bank", &["runs", "show"])
        .expect(1);
    assert!(
        run.stdout.contains("belongs to fleet shop"),
        "{}",
        run.stdout
    );
    assert!(!run.stdout.contains(&ids(&fleet)[0][..8]), "{}", run.stdout);
}

#[test]
fn a_run_that_has_only_begun_lives() {
    // Its row is there before its first tenant's turn, and its lock is held.
    let fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    let sql = format!("SELECT 1;\n{}", crate::support::gate::WAIT);
    fleet.migration("V1__waits.sql", &sql);
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start_apply(&[]);
    gate.until_waiting(1);
    let id = ids(&fleet)[0].clone();
    let one = show(&fleet, &[&id]);
    assert_eq!(one["runs"][0]["state"], "running");
    assert_eq!(one["unrecorded"], json!(["acme"]));
    gate.open();
    running.end().expect(0);
    until("the run's end is seen", || {
        show(&fleet, &[&id])["runs"][0]["state"] == "done"
    });
}

#[test]
fn flags_that_pick_tenants_are_refused_as_nothing_heeds_them() {
    let fleet = Fleet::small(&["acme"]);
    let run = fleet.run(["runs", "show", "--tenant", "acme"]).expect(64);
    assert!(run.stderr.contains("the whole fleet"), "{}", run.stderr);
}
