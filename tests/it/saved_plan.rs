//! Saved plans: carried out as they were read, once, or not at all.

use std::fs;

use serde_json::Value;

use crate::support::cli;
use crate::support::fleet::{Fleet, outcome};
use crate::support::gate::Gate;

const APPLY: [&str; 5] = ["apply", "plan.json", "--auto-approve", "--format", "json"];

/// Three tenants that are to be made, and the plan that says so.
fn planned() -> Fleet {
    let fleet = Fleet::small(&["acme", "globex", "hooli"]);
    fleet.migration("V1__title.sql", "ALTER TABLE note ADD COLUMN title text;\n");
    save(&fleet);
    fleet
}

fn save(fleet: &Fleet) {
    fleet.run(["plan", "--out", "plan.json"]).expect(0);
}

fn saved(fleet: &Fleet) -> Value {
    let text = fs::read_to_string(fleet.path("plan.json")).expect("it was written");
    serde_json::from_str(&text).expect("it is JSON")
}

/// What the database holds: schemas, histories, control rows.
fn state(fleet: &Fleet) -> Vec<String> {
    let mut lines = fleet.database.schemas();
    for schema in lines.clone() {
        let sql = match schema.as_str() {
            "tenantry" => "SELECT t::text FROM tenantry.tenant AS t ORDER BY 1".to_owned(),
            tenant => format!("SELECT h::text FROM {tenant}.history AS h ORDER BY 1"),
        };
        lines.extend(fleet.database.texts(&sql));
    }
    lines
}

/// Ends the test unless the saved plan is refused in these words, with nothing changed.
#[track_caller]
fn expect_refused(fleet: &Fleet, words: &str) {
    let before = state(fleet);
    let run = fleet.run(APPLY).expect(4);
    assert!(run.stderr.contains(words), "{}", run.stderr);
    // A plan that was read is reported on; one that couldn't be isn't.
    if !run.stdout.is_empty() {
        assert_eq!(run.json()["summary"]["applied"], 0);
    }
    assert_eq!(state(fleet), before);
}

#[test]
fn a_saved_plan_is_carried_out_once() {
    let fleet = planned();
    let report = fleet.run(APPLY).expect(0).json();
    assert_eq!(report["plan"], saved(&fleet)["digest"]);
    assert_eq!(report["summary"]["applied"], 3);
    let recorded = fleet.database.texts("SELECT plan_id FROM tenantry.run");
    assert_eq!(
        recorded[0],
        saved(&fleet)["plan_id"].as_str().expect("text")
    );
    fleet.expect_no_changes();
    expect_refused(&fleet, "carried out");
}

#[test]
fn two_saved_plans_of_one_state_differ_in_their_names_only() {
    let fleet = planned();
    let first = saved(&fleet);
    save(&fleet);
    let second = saved(&fleet);
    assert_ne!(first["plan_id"], second["plan_id"]);
    assert_eq!(first["digest"], second["digest"]);
    let printed = fleet.plan();
    assert_eq!(printed["digest"], first["digest"]);
    assert!(printed.get("plan_id").is_none());
}

#[test]
fn another_desired_state_refuses_the_plan() {
    type Change = (&'static str, fn(&mut Fleet));
    let changes: [Change; 8] = [
        ("a new tenant", |fleet| fleet.add(&["initech"])),
        ("one tenant less", |fleet| fleet.remove("acme")),
        ("a value", |fleet| {
            fleet.tenant("acme", "{ vars: { x: y } }");
        }),
        ("a tag", |fleet| fleet.tenant("acme", "{ tags: [x] }")),
        ("a schema", |fleet| {
            fleet.tenant("acme", "{ schema: other }");
        }),
        ("an extension", |fleet| {
            fleet.extra = "extensions: [citext]\n".to_owned();
        }),
        ("a new migration", |fleet| {
            fleet.migration("V2__x.sql", "SELECT 1;\n");
        }),
        ("an edited template", |fleet| {
            fleet.write("template/010_base.sql", "CREATE TABLE note (id int);\n");
        }),
    ];
    for (what, change) in changes {
        let mut fleet = planned();
        change(&mut fleet);
        let run = fleet.run(APPLY).expect(4);
        assert!(
            run.stderr.contains("another desired state"),
            "{what}: {}",
            run.stderr
        );
        assert_eq!(fleet.database.schemas(), [""; 0], "{what}");
    }
}

#[test]
fn what_decides_no_work_may_change() {
    let mut fleet = planned();
    fleet.extra = "# A comment, and another order of work.\nrollout: { max_failures: 1 }\nclusters: { default: { parallel: 1 } }\n".to_owned();
    fleet.write(
        "migrations/V1__title.sql",
        "ALTER TABLE note ADD COLUMN title text;\r\n",
    );
    fleet.run(APPLY).expect(0);
}

#[test]
fn an_edited_byte_refuses_the_plan() {
    let fleet = planned();
    let text = fs::read(fleet.path("plan.json")).expect("it was written");
    let digest = text
        .windows(8)
        .position(|w| w == b"\"digest\"")
        .expect("it has one");
    let places = (0..text.len())
        .step_by(text.len() / 60)
        .chain(digest..digest + 80);
    for at in places {
        let mut edited = text.clone();
        edited[at] = if edited[at] == b'0' { b'1' } else { b'0' };
        fs::write(fleet.path("plan.json"), edited).expect("it can be written");
        let run = fleet.run(APPLY);
        assert_eq!(run.code, Some(4), "byte {at}: {run:?}");
    }
    let text = String::from_utf8(text).expect("JSON is UTF-8");
    for edited in [
        String::new(),
        "{}".to_owned(),
        "null\n".to_owned(),
        text[..text.len() / 2].to_owned(),
        format!("{text}\n"),
        format!(" {text}"),
        text.replace("\n  ", "\n   "),
        text.replacen("\"acme\",", "\"acme\", \"acme\",", 1),
        text.replacen("{\n", "{\n  \"extra\": 1,\n", 1),
        text.replace("\"acme\"", "\"globex\""),
    ] {
        assert_ne!(edited, text);
        fs::write(fleet.path("plan.json"), edited).expect("it can be written");
        expect_refused(&fleet, "plan.json: ");
    }
    assert_eq!(fleet.database.schemas(), [""; 0]);
}

#[test]
fn another_format_or_no_text_is_refused() {
    let fleet = planned();
    let text = fs::read_to_string(fleet.path("plan.json")).expect("it was written");
    let old = text.replace("\"format_version\": \"1.0\"", "\"format_version\": \"0.9\"");
    fleet.write("plan.json", &old);
    expect_refused(&fleet, "format \"0.9\"");
    fs::write(fleet.path("plan.json"), [0xff, 0xfe, 0]).expect("it can be written");
    expect_refused(&fleet, "isn't a saved plan");
    fs::remove_file(fleet.path("plan.json")).expect("it is there");
    let run = fleet.run(APPLY).expect(64);
    assert!(
        run.stderr.contains("reading the plan plan.json"),
        "{}",
        run.stderr
    );
}

#[test]
fn another_fleets_plan_is_refused() {
    let (fleet, other) = (planned(), planned());
    let yaml = other.yaml().replace("fleet: shop", "fleet: bank");
    other.write("bank.yaml", &yaml);
    other
        .run(["-f", "bank.yaml", "plan", "--out", "plan.json"])
        .expect(0);
    fs::copy(other.path("plan.json"), fleet.path("plan.json")).expect("a copy");
    expect_refused(&fleet, "fleet bank");
}

#[test]
fn filters_belong_to_the_plan() {
    let fleet = planned();
    for filter in [
        ["--tenant", "acme"],
        ["--exclude", "acme"],
        ["--provision-empty", "acme"],
    ] {
        let run = fleet.run([&APPLY[..], &filter].concat()).expect(64);
        assert!(
            run.stderr.contains("a saved plan says itself"),
            "{}",
            run.stderr
        );
    }
    fleet
        .run(["plan", "--tenant", "acme", "--out", "plan.json"])
        .expect(0);
    fleet.run(APPLY).expect(0);
    assert_eq!(fleet.database.schemas(), ["t_acme", "tenantry"]);
}

#[test]
fn a_tenant_that_moved_since_is_stale_and_the_others_go_on() {
    let fleet = planned();
    fleet
        .run(["apply", "--auto-approve", "--tenant", "acme"])
        .expect(0);
    fleet.migration("V2__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    save(&fleet);
    // Someone else's row: acme's history isn't what was planned with.
    fleet
        .run(["apply", "--auto-approve", "--tenant", "acme"])
        .expect(0);
    let before = fleet.database.texts("SELECT xmin FROM t_acme.history");
    let report = fleet.run(APPLY).expect(3).json();
    assert_eq!(outcome(&report, "acme")["status"], "stale");
    assert_eq!(outcome(&report, "globex")["status"], "applied");
    assert_eq!(
        fleet.database.texts("SELECT xmin FROM t_acme.history"),
        before
    );
    fleet.expect_no_changes();
}

#[test]
fn when_everyone_moved_nothing_is_done() {
    let fleet = planned();
    fleet.apply(0);
    let before = state(&fleet);
    let report = fleet.run(APPLY).expect(4).json();
    for tenant in ["acme", "globex", "hooli"] {
        assert_eq!(outcome(&report, tenant)["status"], "stale");
    }
    assert_eq!(state(&fleet), before);
}

#[test]
fn a_schema_that_appeared_since_is_stale() {
    let fleet = planned();
    fleet
        .database
        .run("CREATE SCHEMA t_globex; CREATE TABLE t_globex.mine (id int)");
    let report = fleet.run(APPLY).expect(3).json();
    assert_eq!(outcome(&report, "globex")["status"], "stale");
    assert_eq!(outcome(&report, "acme")["status"], "applied");
    let tables = "SELECT relname FROM pg_class WHERE relnamespace = 't_globex'::regnamespace";
    assert_eq!(fleet.database.texts(tables), ["mine"]);
}

#[test]
fn a_partly_applied_plan_goes_on() {
    let fleet = planned();
    fleet.apply(0);
    fleet
        .database
        .run("INSERT INTO t_globex.note (body) VALUES (NULL)");
    fleet.migration(
        "V2__not_null.sql",
        "ALTER TABLE note ALTER body SET NOT NULL;\n",
    );
    save(&fleet);
    let report = fleet.run(APPLY).expect(3).json();
    assert_eq!(outcome(&report, "globex")["error"]["sqlstate"], "23502");
    assert_eq!(report["summary"]["applied"], 2);

    fleet.database.run("UPDATE t_globex.note SET body = ''");
    let report = fleet.run(APPLY).expect(0).json();
    assert_eq!(outcome(&report, "globex")["status"], "applied");
    assert_eq!(outcome(&report, "acme")["status"], "unchanged");
    fleet.expect_no_changes();
    expect_refused(&fleet, "carried out");
}

#[test]
fn a_killed_plan_goes_on() {
    let mut fleet = Fleet::small(&["acme", "globex", "hooli"]);
    fleet.extra = "timeouts: { lock: 1min }\n".to_owned();
    fleet.migration(
        "V1__wait.sql",
        "DO $$ BEGIN IF current_schema() = 't_globex' THEN PERFORM pg_advisory_xact_lock_shared(4711); END IF; END $$;\n",
    );
    save(&fleet);
    let mut gate = Gate::shut(&fleet.database);
    let mut child = fleet
        .command([&APPLY[..], &["--parallel", "1"]].concat())
        .spawn()
        .expect("the program starts");
    gate.until_waiting(1);
    child.kill().expect("it runs");
    cli::wait(child);
    gate.open();
    assert!(fleet.database.schemas().contains(&"t_acme".to_owned()));
    assert_eq!(
        fleet.database.texts("SELECT state FROM tenantry.run"),
        ["running"]
    );

    let report = fleet
        .run([&APPLY[..], &["--lock-wait", "1min"]].concat())
        .expect(0)
        .json();
    assert_eq!(outcome(&report, "acme")["status"], "unchanged");
    for tenant in ["globex", "hooli"] {
        assert_eq!(outcome(&report, tenant)["status"], "applied");
    }
    fleet.expect_no_changes();
}

#[test]
fn hazards_of_a_saved_plan_are_allowed_when_it_is_carried_out() {
    let fleet = planned();
    fleet.apply(0);
    fleet.migration("V2__drop.sql", "ALTER TABLE note DROP COLUMN title;\n");
    save(&fleet);
    expect_refused(&fleet, "--allow DELETES_DATA");
    fleet
        .run([&APPLY[..], &["--allow", "DELETES_DATA"]].concat())
        .expect(0);
    fleet.expect_no_changes();
}

#[test]
fn a_plan_is_saved_whole_or_not_at_all() {
    let fleet = planned();
    for place in ["no/such/folder/plan.json", "template"] {
        let run = fleet.run(["plan", "--out", place]).expect(1);
        assert!(run.stderr.contains(place), "{}", run.stderr);
        assert_eq!(run.stdout, "", "told before the work");
    }
    save(&fleet);
    let names = fs::read_dir(fleet.folder.path()).expect("it is there");
    let left = names.filter(|entry| {
        let name = entry.as_ref().expect("readable").file_name();
        name.to_string_lossy().starts_with(".tenantry")
    });
    assert_eq!(left.count(), 0);
}

#[test]
fn a_saved_plan_is_told_of_and_shares_its_file_with_nothing() {
    let fleet = planned();
    let run = fleet.run(["plan", "--out", "plan.json"]).expect(0);
    assert_eq!(
        run.stderr,
        "The plan is saved: `tenantry apply plan.json` carries it out.\n"
    );
    let quiet = fleet.run(["plan", "-q", "--out", "plan.json"]).expect(0);
    assert_eq!(quiet.stderr, "");
    for (out, output) in [("plan.json", "./plan.json"), ("new.json", "new.json")] {
        let run = fleet
            .run(["plan", "--out", out, "--output", output])
            .expect(64);
        assert!(run.stderr.contains("the same file"), "{}", run.stderr);
    }
}

#[test]
fn saving_goes_with_every_form_of_output() {
    let fleet = planned();
    let first = saved(&fleet);
    let json = fleet
        .run(["plan", "--format", "json", "--out", "plan.json"])
        .expect(0);
    assert_eq!(json.json()["digest"], first["digest"]);
    let run = fleet
        .run(["plan", "--detailed-exitcode", "--out", "plan.json", "--sql"])
        .expect(2);
    assert!(run.stdout.contains("CREATE SCHEMA"), "{}", run.stdout);
    assert_eq!(saved(&fleet)["digest"], first["digest"]);
    fleet
        .run([
            "apply",
            "plan.json",
            "--auto-approve",
            "--output",
            "report.txt",
        ])
        .expect(0);
    let report = fs::read_to_string(fleet.path("report.txt")).expect("it was written");
    assert!(report.contains("Applied: 3 tenants"), "{report}");
}
