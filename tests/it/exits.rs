//! Each exit code once end to end, consent, and the flags that people mistype.

use crate::support::cli;
use crate::support::fleet::{Fleet, outcome, project};
use crate::support::terminal;

const DROP: &str = "ALTER TABLE note DROP COLUMN body;\n";

/// A live tenant.
fn live(tenants: &[&str]) -> Fleet {
    let fleet = Fleet::small(tenants);
    fleet.apply(0);
    fleet
}

fn columns(fleet: &Fleet, tenant: &str) -> Vec<String> {
    fleet.database.texts(&format!(
        "SELECT attname FROM pg_attribute WHERE attrelid = 't_{tenant}.note'::regclass AND attnum > 0 \
         AND NOT attisdropped ORDER BY attnum"
    ))
}

#[test]
fn nothing_to_do_is_0_and_asks_nobody() {
    let fleet = live(&["acme"]);
    let run = fleet.run(["apply"]).expect(0);
    assert!(
        run.stdout.contains("No changes. 1 tenant matches"),
        "{}",
        run.stdout
    );
    fleet.run(["plan"]).expect(0);
    fleet.run(["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn a_failure_that_changed_nothing_is_1() {
    let fleet = live(&["acme"]);
    fleet.migration(
        "V1__fails.sql",
        "ALTER TABLE note ADD COLUMN x int;\nSELECT 1 / 0;\n",
    );
    let report = fleet.apply(1);
    assert_eq!(report["exit"], 1);
    assert_eq!(outcome(&report, "acme")["status"], "failed");
    assert_eq!(columns(&fleet, "acme"), ["id", "body"]);
}

#[test]
fn a_difference_is_2_for_those_who_ask() {
    let fleet = Fleet::small(&["acme"]);
    fleet.run(["plan"]).expect(0);
    fleet.run(["plan", "--detailed-exitcode"]).expect(2);
    fleet.apply(0);
    fleet.database.run("DROP SCHEMA t_acme CASCADE");
    fleet.run(["plan", "--detailed-exitcode"]).expect(2);
}

#[test]
fn something_done_and_something_not_is_3() {
    let fleet = live(&["acme", "globex"]);
    fleet
        .database
        .run("INSERT INTO t_globex.note (body) VALUES (NULL)");
    fleet.migration(
        "V1__not_null.sql",
        "ALTER TABLE note ALTER body SET NOT NULL;\n",
    );
    let report = fleet.apply(3);
    assert_eq!(report["exit"], 3);
    assert_eq!(outcome(&report, "acme")["status"], "applied");
    assert_eq!(outcome(&report, "globex")["status"], "failed");
    let state =
        "SELECT state || ' ' || exit_code FROM tenantry.run ORDER BY started_at DESC LIMIT 1";
    assert_eq!(fleet.database.texts(state), ["partial 3"]);
    fleet.database.run("UPDATE t_globex.note SET body = ''");
    let again = fleet.apply(0);
    assert_eq!(
        again["outcomes"].as_array().map(Vec::len),
        Some(1),
        "only the rest"
    );
}

#[test]
fn all_blocked_is_4() {
    let fleet = live(&["acme"]);
    fleet.database.run("DROP SCHEMA t_acme CASCADE");
    let run = fleet.run(["apply", "--auto-approve", "-q"]).expect(4);
    let why = "nothing was changed: every tenant that differs is blocked";
    assert!(run.stderr.contains(why), "{}", run.stderr);
}

#[test]
fn all_blocked_by_silence_is_4_with_a_plan() {
    let fleet = Fleet::small(&["acme"]);
    let nowhere = ["--database-url", "postgres:///x?host=/nowhere"];
    let plan = fleet
        .run([&["plan", "--format", "json"][..], &nowhere].concat())
        .expect(1)
        .json();
    assert_eq!(plan["complete"], false);
    fleet
        .run([&["apply", "--auto-approve"][..], &nowhere].concat())
        .expect(4);
}

#[test]
fn without_a_terminal_consent_must_be_given() {
    let fleet = Fleet::small(&["acme"]);
    for format in ["human", "json", "ndjson"] {
        let run = fleet.run(["apply", "--format", format]).expect(64);
        assert!(run.stderr.contains("--auto-approve"), "{}", run.stderr);
    }
    // No variable stands for consent.
    let mut command = fleet.command(["apply"]);
    for name in ["TENANTRY_AUTO_APPROVE", "AUTO_APPROVE", "CI"] {
        command.env(name, "true");
    }
    cli::run(command).expect(64);
    assert_eq!(fleet.database.schemas(), [""; 0]);
}

#[test]
fn on_a_terminal_only_yes_is_a_yes() {
    let fleet = Fleet::small(&["acme"]);
    for typed in ["no\n", "\n", "y\n", "YES\n", "yes please\n", "\u{4}"] {
        let run = terminal::run(fleet.command(["apply"]), typed).expect(4);
        assert!(
            run.stderr.contains("Carry this plan out?"),
            "{}",
            run.stderr
        );
        assert!(run.stderr.contains("declined"), "{}", run.stderr);
        assert_eq!(fleet.database.schemas(), [""; 0], "{typed:?}");
    }
    let run = terminal::run(fleet.command(["apply"]), "yes\n").expect(0);
    assert!(
        run.stdout.contains("1 to create"),
        "the plan was shown: {}",
        run.stdout
    );
    assert_eq!(fleet.database.schemas(), ["t_acme", "tenantry"]);
}

#[test]
fn a_hazard_is_refused_with_the_flag_to_paste() {
    let mut fleet = live(&["acme"]);
    fleet.migration("V1__drop.sql", DROP);
    let refused = fleet.run(["apply", "--auto-approve"]).expect(4);
    for words in ["V1__drop.sql:1", "DROP COLUMN", "--allow DELETES_DATA@acme"] {
        assert!(
            refused.stderr.contains(words),
            "{words}: {}",
            refused.stderr
        );
    }
    // Asking comes after; a yes on a terminal allows no hazard.
    terminal::run(fleet.command(["apply"]), "yes\n").expect(4);
    let plan = fleet.plan();
    assert_eq!(plan["cohorts"][0]["hazards"][0]["hazard"], "DELETES_DATA");

    fleet.add(&["globex"]);
    fleet
        .run(["apply", "--auto-approve", "--allow", "DELETES_DATA@globex"])
        .expect(4);
    fleet
        .run(["apply", "--auto-approve", "--allow", "DROPS_TENANT"])
        .expect(4);
    assert_eq!(columns(&fleet, "acme"), ["id", "body"]);
    assert_eq!(
        fleet.database.schemas(),
        ["t_acme", "tenantry"],
        "nobody was tried"
    );

    fleet
        .run([
            "apply",
            "--auto-approve",
            "--allow",
            "DELETES_DATA@acme",
            "--allow",
            "DELETES_DATA@globex",
        ])
        .expect(0);
    assert_eq!(columns(&fleet, "acme"), ["id"]);
    fleet.expect_no_changes();
}

#[test]
fn a_refused_apply_is_reported_too() {
    let fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    fleet.migration("V1__drop.sql", DROP);
    let report = fleet.apply(4);
    assert_eq!(report["exit"], 4);
    let said = report["error"]["message"].as_str().expect("it says why");
    assert!(said.contains("DELETES_DATA isn't allowed"), "{said}");
    assert_eq!(outcome(&report, "acme")["status"], "skipped");

    let events = fleet
        .run(["apply", "--auto-approve", "--format", "ndjson"])
        .expect(4)
        .stdout;
    assert!(events.contains(r#""event":"refused""#), "{events}");
    let run = fleet
        .run([
            "apply",
            "--auto-approve",
            "--format",
            "json",
            "--output",
            "report.json",
        ])
        .expect(4);
    assert_eq!(run.stdout, "");
    let kept = std::fs::read_to_string(fleet.path("report.json")).expect("the report was written");
    assert!(kept.contains("DELETES_DATA isn't allowed"), "{kept}");
}

#[test]
fn a_file_allows_its_own_hazard() {
    let fleet = live(&["acme"]);
    fleet.migration(
        "V1__drop.sql",
        &format!("-- tenantry: allow DELETES_DATA\n{DROP}"),
    );
    let plan = fleet.plan();
    assert_eq!(plan["cohorts"][0]["hazards"][0]["allowed_by_file"], true);
    fleet.apply(0);
    assert_eq!(columns(&fleet, "acme"), ["id"]);
    // It speaks for itself only.
    fleet.migration("V2__truncate.sql", "TRUNCATE note;\n");
    let run = fleet.run(["apply", "--auto-approve"]).expect(4);
    assert!(run.stderr.contains("V2__truncate.sql:1"), "{}", run.stderr);
    assert!(!run.stderr.contains("V1__drop"), "{}", run.stderr);
}

#[test]
fn slips_in_flags_are_64_and_ask_no_database() {
    let fleet = Fleet::small(&["acme", "acme-eu", "globex"]);
    let cases: &[(&[&str], &str)] = &[
        (&["apply", "--allow", "DELETES_DATE"], "DELETES_DATA"),
        (&["apply", "--allow", "deletes_data"], "DELETES_DATA"),
        (&["apply", "--allow", ""], "DELETES_DATA"),
        (&["apply", "--allow", "DELETES_DATA@["], "--allow"),
        (&["plan", "--tenant", "acm"], "acme"),
        (&["plan", "--tenant", "globx"], "globex"),
        (&["plan", "--tenant", "acme", "--tenant", "globx"], "globex"),
        (&["plan", "--tenant", "zzz"], "zzz"),
        (&["plan", "--tenant", ""], "--tenant"),
        (&["plan", "--tenant", "a["], "--tenant"),
        (&["plan", "--exclude", "globx"], "globex"),
        (&["plan", "--exclude", "*"], "leave no tenant"),
        (&["plan", "--tag", "canary"], "canary"),
        (&["plan", "--provision-empty", "globx"], "globex"),
        (&["plan", "--provision-empty", "Bad Id"], "Bad Id"),
        (&["plan", "--parallel", "0"], "one worker"),
        (&["plan", "--parallel", "-1"], "-1"),
        (&["plan", "--parallel", "many"], "many"),
        (&["plan", "--format", "yaml"], "yaml"),
        (&["plan", "--format", "ndjson"], "ndjson"),
        (&["plan", "--sql", "--format", "json"], "--sql"),
        (&["apply", "--lock-wait", "soon"], "soon"),
        (&["apply", "--yes"], "--yes"),
        (&["deploy"], "deploy"),
        (&["schema", "desire"], "desire"),
        (&[], "Usage"),
    ];
    for (args, words) in cases {
        let nowhere = ["--database-url", "postgres:///x?host=/nowhere"];
        let run = fleet.run([args, &nowhere[..]].concat()).expect(64);
        assert!(run.stderr.contains(words), "{args:?}: {}", run.stderr);
        assert!(!run.stderr.contains("nowhere"), "{args:?}: {}", run.stderr);
        assert_eq!(run.stdout, "", "{args:?}");
    }
}

#[test]
fn near_names_are_named() {
    let fleet = Fleet::small(&["acme", "acme-eu", "globex"]);
    let run = fleet.run(["plan", "--tenant", "acme-ue"]).expect(64);
    assert!(run.stderr.contains("acme-eu"), "{}", run.stderr);
    assert!(!run.stderr.contains("globex"), "{}", run.stderr);
}

#[test]
fn wrong_files_are_65_before_anything_else() {
    let fleet = Fleet::small(&["acme"]);
    fleet.migration("notes.sql", "");
    for command in [
        &["validate"][..],
        &["plan"],
        &["apply", "--auto-approve"],
        &["plan", "--tenant", "zzz"],
    ] {
        fleet.run(command).expect(65);
    }
    let nowhere = cli::tenantry(project(), ["plan", "-f", "no-such-folder"]);
    let run = cli::run(nowhere).expect(65);
    assert!(run.stderr.contains("no-such-folder"), "{}", run.stderr);
}

#[test]
fn help_and_version_are_results() {
    for args in [
        &["--help"][..],
        &["--version"],
        &["plan", "--help"],
        &["help", "apply"],
        &["completions", "bash"],
    ] {
        let run = cli::run(cli::tenantry(project(), args)).expect(0);
        assert!(!run.stdout.is_empty(), "{args:?}");
        assert_eq!(run.stderr, "", "{args:?}");
    }
}

#[test]
fn an_apply_that_comes_to_no_plan_reports_too() {
    let fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    fleet.write("other.json", "{}");
    for what in [&["--resume", "deadbeef"][..], &["other.json"]] {
        let args = ["apply", "--auto-approve", "--format", "json"];
        let run = fleet.run(args.iter().chain(what)).expect(4);
        let report = run.json();
        assert_eq!(report["exit"], 4, "{report:#}");
        let message = report["error"]["message"].as_str().expect("a message");
        assert!(run.stderr.contains(message), "{}", run.stderr);
        assert_eq!(run.stderr.matches("error: ").count(), 1, "{}", run.stderr);
        let args = ["apply", "--auto-approve", "--format", "github"];
        let told = fleet.run(args.iter().chain(what)).expect(4).stdout;
        assert!(told.starts_with("::error title=tenantry::"), "{told}");
        assert_eq!(told.lines().count(), 1, "no run is named: {told}");
    }
}

#[test]
fn an_apply_whose_tenants_cannot_be_asked_for_reports_too() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.extra = "tenants_from: { query: 'SELECT id FROM nowhere' }\n".into();
    let args = ["apply", "--auto-approve", "--format", "json"];
    let report = fleet.run(args).expect(1).json();
    assert_eq!(report["exit"], 1);
    let message = report["error"]["message"].as_str().expect("a message");
    assert!(message.contains("\"nowhere\" does not exist"), "{message}");
}

#[test]
fn a_database_that_is_not_there_is_hinted_at() {
    let fleet = Fleet::small(&["acme"]);
    let url = fleet.database.direct_url();
    let absent = url.replace(&fleet.database.name, "absent");
    let plan = ["plan", "--format", "json", "--database-url", &absent];
    let plan = fleet.run(plan).expect(1).json();
    let hint = &plan["blocked"][0]["hint"];
    assert_eq!(hint, "Correct the database's name, or create the database.");
}
