//! A worker panics, output goes nowhere, the server warns: the database is right all the same, and it is told.

use std::fs::{self, File};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::cli;
use crate::support::fleet::{Fleet, outcome};
use crate::support::gate::{Gate, WAIT};

#[test]
fn a_panic_is_one_tenants_failure() {
    let mut fleet = Fleet::small(&["acme", "globex", "hooli"]);
    fleet.env = vec![("TENANTRY_PANIC_AT".into(), "globex".into())];
    let report = fleet.apply(3);
    assert_eq!(report["summary"]["applied"], 2);
    let failed = outcome(&report, "globex");
    assert_eq!(failed["status"], "failed");
    let message = failed["error"]["message"].as_str().expect("text");
    assert!(message.contains("failed inside tenantry"), "{message}");
    assert_eq!(fleet.database.schemas(), ["t_acme", "t_hooli", "tenantry"]);

    fleet.env.clear();
    assert_eq!(fleet.apply(0)["summary"]["applied"], 1);
    fleet.expect_no_changes();
}

/// Ends with this code while its stdout goes there, with all work done.
#[track_caller]
fn applies_into(fleet: &Fleet, mut command: Command, stdout: Stdio, code: i32) -> String {
    let output = command.stdout(stdout).output().expect("the program starts");
    let stderr = String::from_utf8(output.stderr).expect("stderr is UTF-8");
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
    assert_eq!(fleet.database.schemas(), ["t_acme", "t_globex", "tenantry"]);
    fleet.expect_no_changes();
    stderr
}

const FORMATS: [&str; 3] = ["human", "json", "ndjson"];

#[test]
fn a_reader_that_has_gone_away_stops_nothing() {
    for format in FORMATS {
        let fleet = Fleet::small(&["acme", "globex"]);
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let command = fleet.command(["apply", "--auto-approve", "--format", format]);
        applies_into(&fleet, command, writer.into(), 0);
    }
}

#[test]
fn a_full_disk_behind_stdout_stops_nothing_and_is_told() {
    // Events that couldn't be written aren't told again.
    let told = ["Applied: 2 tenants", "\"applied\": 2", ""];
    for (format, told) in FORMATS.into_iter().zip(told) {
        let fleet = Fleet::small(&["acme", "globex"]);
        let full = File::options().write(true).open("/dev/full");
        let command = fleet.command(["apply", "--auto-approve", "--format", format]);
        let stderr = applies_into(&fleet, command, full.expect("Linux has it").into(), 3);
        assert!(stderr.contains("writing to stdout"), "{stderr}");
        assert!(stderr.contains(told), "{told}: {stderr}");
    }
}

#[test]
fn an_output_that_cannot_be_written_is_refused_before_anything_is_changed() {
    let fleet = Fleet::small(&["acme"]);
    let args = ["apply", "--auto-approve", "--output", "missing/report.json"];
    let run = fleet.run(args).expect(1);
    assert!(run.stderr.contains("missing/report.json"), "{}", run.stderr);
    assert_eq!(fleet.database.schemas(), [""; 0]);
}

#[test]
fn a_report_that_cannot_be_written_any_more_goes_to_stderr() {
    let fleet = Fleet::small(&["acme"]);
    fleet.migration("V1__wait.sql", WAIT);
    fs::create_dir(fleet.path("out")).expect("a fresh folder");
    let mut gate = Gate::shut(&fleet.database);
    let output = ["--output", "out/report.json", "--format", "json"];
    let running = fleet.start(["apply", "--auto-approve"].iter().chain(&output));
    gate.until_waiting(1);
    fs::remove_dir_all(fleet.path("out")).expect("it is the test's");
    gate.open();

    let run = running.end().expect(3);
    assert_eq!(run.stdout, "");
    assert!(run.stderr.contains("writing"), "{}", run.stderr);
    let report = run.stderr.find("{\n").expect("the report");
    let mut documents = serde_json::Deserializer::from_str(&run.stderr[report..]).into_iter();
    let report: Value = documents.next().expect("one").expect("JSON");
    assert_eq!(outcome(&report, "acme")["status"], "applied");
    fleet.expect_no_changes();
}

#[test]
fn a_name_that_would_be_cut_fails_its_tenant() {
    let name = "x".repeat(64);
    let fleet = Fleet::new(&format!(
        "CREATE TABLE one (n int);\nCREATE TABLE {name} (n int);\n"
    ));
    let mut fleet = fleet;
    fleet.add(&["acme"]);
    let report = fleet.apply(3);
    let failed = outcome(&report, "acme");
    assert_eq!(failed["status"], "failed", "{failed:#}");
    assert_eq!(failed["error"]["sqlstate"], "42622");
    let message = failed["error"]["message"].as_str().expect("text");
    assert!(message.contains("will be truncated"), "{message}");
    assert_eq!(fleet.database.schemas(), ["tenantry"], "rolled back");
}

#[test]
fn notices_are_shown_for_each_tenant() {
    let fleet = Fleet::small(&["acme", "globex"]);
    fleet.apply(0);
    fleet.migration(
        "V1__notice.sql",
        "DO $$ BEGIN RAISE WARNING 'this is %', current_schema(); END $$;\nDO $$ BEGIN RAISE NOTICE 'and so on'; END $$;\n",
    );
    let run = fleet.run(["apply", "--auto-approve"]).expect(0);
    for words in [
        "WARNING: this is t_acme",
        "WARNING: this is t_globex",
        "NOTICE: and so on",
    ] {
        assert!(run.stdout.contains(words), "{}", run.stdout);
    }

    let other = Fleet::small(&["acme"]);
    other.migration(
        "V1__notice.sql",
        "DO $$ BEGIN RAISE WARNING 'this is %', current_schema(); END $$;\n",
    );
    let report = other.apply(0);
    assert_eq!(
        outcome(&report, "acme")["notices"],
        json!(["WARNING: this is t_acme"])
    );
}

/// Two tenants whose second migration fails in its third line; the error that is reported.
fn failing(second: &str) -> (Fleet, Value) {
    let fleet = Fleet::small(&["acme", "globex"]);
    fleet.apply(0);
    fleet.migration(
        "V1__fine.sql",
        "ALTER TABLE note ADD COLUMN tag text UNIQUE;\n",
    );
    fleet.migration("V2__broken.sql", second);
    let report = fleet.apply(1);
    assert_eq!(report["summary"]["failed"], 2);
    let history = "SELECT count(*) FROM t_acme.history";
    assert_eq!(fleet.database.count(history), 0, "the first is undone too");
    let error = outcome(&report, "acme")["error"].clone();
    (fleet, error)
}

/// The place in the report, and the same for people.
#[track_caller]
fn expect_place(
    fleet: &Fleet,
    error: &Value,
    (sqlstate, line, column): (&str, u64, u64),
    excerpt: &str,
) {
    assert_eq!(error["sqlstate"], sqlstate, "{error:#}");
    let file = error["file"].as_str().unwrap_or_default();
    assert!(file.ends_with("V2__broken.sql"), "{error:#}");
    assert_eq!(error["line"], line, "{error:#}");
    assert_eq!(error["column"], column, "{error:#}");
    assert_eq!(error["excerpt"], excerpt);
    let human = cli::run(fleet.command(["apply", "--auto-approve"])).expect(1);
    let place = format!("V2__broken.sql:{line}:{column}");
    assert!(human.stdout.contains(&place), "{}", human.stdout);
    assert!(human.stdout.contains(excerpt.trim()), "{}", human.stdout);
}

#[test]
fn an_error_with_a_position_is_shown_where_it_stands() {
    let (fleet, error) = failing("-- é\nSELECT 1;\nUPDATE note SET tag = 'é', missing = 1;\n");
    expect_place(
        &fleet,
        &error,
        ("42703", 3, 28),
        "UPDATE note SET tag = 'é', missing = 1;",
    );
}

#[test]
fn an_error_without_a_position_is_found_by_its_statement() {
    let (fleet, error) = failing(
        "-- é\nINSERT INTO note (tag) VALUES ('é');\n  INSERT INTO note (tag) SELECT 'é';\nSELECT 1;\n",
    );
    expect_place(
        &fleet,
        &error,
        ("23505", 3, 3),
        "  INSERT INTO note (tag) SELECT 'é';",
    );
}

#[test]
fn a_constraint_that_is_checked_at_the_end_of_its_file_names_it() {
    let (fleet, _) = failing("SELECT 1/0;\n");
    fleet.migration(
        "V2__broken.sql",
        "ALTER TABLE note ADD COLUMN parent bigint REFERENCES note DEFERRABLE INITIALLY DEFERRED;\n\
         INSERT INTO note (parent) VALUES (99);\n",
    );
    fleet.migration("V3__fine.sql", "ALTER TABLE note ADD COLUMN fine text;\n");
    let report = fleet.apply(1);
    let error = &outcome(&report, "acme")["error"];
    assert_eq!(error["sqlstate"], "23503", "{error:#}");
    let file = error["file"].as_str().unwrap_or_default();
    assert!(file.ends_with("V2__broken.sql"), "{error:#}");
}

#[test]
fn a_constraint_that_is_checked_at_the_end_fails_its_tenants() {
    let (fleet, error) = failing(
        "ALTER TABLE note ADD COLUMN parent bigint REFERENCES note DEFERRABLE INITIALLY DEFERRED;\n\
         INSERT INTO note (parent) VALUES (99);\n",
    );
    assert_eq!(error["sqlstate"], "23503", "{error:#}");
    let message = error["message"].as_str().expect("text");
    assert!(message.contains("note_parent_fkey"), "{message}");
    assert_eq!(fleet.database.count("SELECT count(*) FROM t_acme.note"), 0);
    let file = error["file"].as_str().unwrap_or_default();
    assert!(file.ends_with("V2__broken.sql"), "{error:#}");
}
