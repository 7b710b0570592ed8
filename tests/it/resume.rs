//! `apply --resume` and `--only-failed`: what a run has left, and nobody else.

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::clusters::{set, two};
use crate::support::fleet::{Fleet, outcome};
use crate::support::gate::{Gate, until};
use crate::support::statements;
use crate::support::terminal;

/// Fails where a note has no body.
const NOT_NULL: &str = "ALTER TABLE note ALTER body SET NOT NULL;\n";

fn no_body(fleet: &Fleet, tenant: &str) {
    fleet
        .database
        .run(&format!("INSERT INTO t_{tenant}.note (body) VALUES (NULL)"));
}

fn mend(fleet: &Fleet, tenant: &str) {
    fleet
        .database
        .run(&format!("UPDATE t_{tenant}.note SET body = ''"));
}

fn newest(fleet: &Fleet) -> String {
    fleet
        .database
        .texts("SELECT run FROM tenantry.run ORDER BY started_at DESC LIMIT 1")[0]
        .clone()
}

/// Applies with these arguments; the report.
#[track_caller]
fn apply(fleet: &Fleet, code: i32, args: &[&str]) -> Value {
    let all = [&["apply", "--auto-approve", "--format", "json"], args].concat();
    fleet.run(all).expect(code).json()
}

fn tenants(report: &Value) -> Vec<&str> {
    let outcomes = report["outcomes"].as_array().expect("a list").iter();
    outcomes
        .map(|one| one["tenant"].as_str().expect("an id"))
        .collect()
}

/// The tenants that a run has changed, by the ledger.
fn changed(fleet: &Fleet, run: &str) -> Vec<String> {
    fleet.database.texts(&format!(
        "SELECT DISTINCT t.id FROM tenantry.ledger l JOIN tenantry.tenant t ON t.uid = l.tenant_uid \
         WHERE l.run = '{run}' ORDER BY 1"
    ))
}

/// t3, a canary, has failed and the rest wasn't tried; t1, the other canary, was applied.
fn stopped() -> Fleet {
    let mut fleet = Fleet::small(&["t2", "t4"]);
    fleet
        .extra
        .push_str("rollout: { canary: { tags: [canary] } }\n");
    fleet.tenant("t1", "{ tags: [canary] }");
    fleet.tenant("t3", "{ tags: [canary] }");
    fleet.apply(0);
    no_body(&fleet, "t3");
    fleet.migration("V1__not_null.sql", NOT_NULL);
    let report = apply(&fleet, 3, &["--parallel", "1"]);
    assert_eq!(report["resumable"], true);
    let counts = (
        &report["summary"]["applied"],
        &report["summary"]["failed"],
        &report["summary"]["skipped"],
    );
    assert_eq!(counts, (&json!(1), &json!(1), &json!(2)));
    fleet
}

#[test]
fn only_the_failed_tenant_is_tried_again() {
    let fleet = stopped();
    let run = newest(&fleet);
    mend(&fleet, "t3");
    let before = statements::of(&fleet.database).map(|all| all.len());
    let report = apply(&fleet, 0, &["--resume", &run, "--only-failed"]);
    assert_eq!(tenants(&report), ["t3"]);
    assert_eq!(outcome(&report, "t3")["status"], "applied");
    let second = newest(&fleet);
    assert_ne!(second, run);
    assert_eq!(changed(&fleet, &second), ["t3"]);
    let resumes = format!("SELECT resumes FROM tenantry.run WHERE run = '{second}'");
    assert_eq!(fleet.database.texts(&resumes), [run.as_str()]);
    let planned = format!("SELECT planned FROM tenantry.run WHERE run = '{second}'");
    assert_eq!(fleet.database.texts(&planned), ["{t3}"]);
    if let (Some(before), Some(sent)) = (before, statements::of(&fleet.database)) {
        let altered: Vec<&String> = sent[before..]
            .iter()
            .filter(|sql| sql.contains("SET NOT NULL"))
            .collect();
        assert!(!altered.is_empty(), "the log shows what was sent");
        assert!(
            altered.iter().all(|sql| sql.contains("\"t_t3\"")),
            "{altered:?}"
        );
    }
    let shown = fleet.run(["runs", "show", &second]).expect(0).stdout;
    assert!(shown.contains(&format!("  resumes run {run}\n")), "{shown}");

    // The rest of the first run, which is mended no more.
    let report = apply(&fleet, 0, &["--resume", &run[..8]]);
    assert_eq!(tenants(&report), ["t2", "t4"]);
    assert_eq!(changed(&fleet, &newest(&fleet)), ["t2", "t4"]);
    fleet.expect_no_changes();
}

#[test]
fn only_failed_alone_goes_by_the_last_outcome() {
    let fleet = stopped();
    mend(&fleet, "t3");
    let report = apply(&fleet, 0, &["--only-failed"]);
    assert_eq!(tenants(&report), ["t3"]);
    let resumes = "SELECT resumes FROM tenantry.run ORDER BY started_at DESC LIMIT 1";
    assert_eq!(fleet.database.texts(resumes), ["NULL"]);
    // Now it has succeeded last, though it failed before.
    let run = fleet
        .run(["apply", "--auto-approve", "--only-failed"])
        .expect(0);
    assert!(
        run.stderr
            .contains("No tenant's last outcome is a failure."),
        "{}",
        run.stderr
    );
    assert!(run.stdout.contains("No changes."), "{}", run.stdout);
    assert_eq!(changed(&fleet, &newest(&fleet)), ["t3"], "no run was begun");
}

#[test]
fn a_killed_run_is_resumed() {
    let mut fleet = Fleet::small(&["acme", "globex", "hooli", "initech"]);
    fleet.apply(0);
    let waits = "DO $$ BEGIN IF current_schema() = 't_globex' THEN \
                 SET LOCAL lock_timeout = 0; PERFORM pg_advisory_xact_lock_shared(4711); END IF; END $$;\n";
    fleet.migration(
        "V1__tag.sql",
        &format!("ALTER TABLE note ADD COLUMN tag text;\n{waits}"),
    );
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start_apply(&["--parallel", "1"]);
    gate.until_waiting(1);
    let run = newest(&fleet);
    let refused = fleet
        .run(["apply", "--auto-approve", "--resume", &run])
        .expect(5);
    let holder = format!("application tenantry/{}", run.replace('-', ""));
    assert!(
        refused.stderr.contains("is locked by another run: pid ")
            && refused.stderr.contains(&holder),
        "{}",
        refused.stderr
    );

    running.signal(Signal::KILL);
    running.end();
    until("its sessions are gone", || fleet.database.is_quiet());
    gate.open();
    let state = "SELECT state FROM tenantry.run ORDER BY started_at DESC LIMIT 1";
    assert_eq!(fleet.database.texts(state), ["running"]);
    assert_eq!(changed(&fleet, &run), ["acme"]);
    // What came up since then is no part of it.
    fleet.add(&["newcomer"]);
    let report = apply(&fleet, 0, &["--resume", &run[..8]]);
    assert_eq!(tenants(&report), ["globex", "hooli", "initech"]);
    assert_eq!(
        changed(&fleet, &newest(&fleet)),
        ["globex", "hooli", "initech"]
    );
    assert_eq!(
        fleet.database.schemas(),
        ["t_acme", "t_globex", "t_hooli", "t_initech", "tenantry"]
    );
    // Twice is no harm.
    let begun = "SELECT count(*) FROM tenantry.run";
    let before = fleet.database.count(begun);
    let report = apply(&fleet, 0, &["--resume", &run]);
    assert_eq!(
        (tenants(&report).len(), fleet.database.count(begun)),
        (0, before)
    );
    fleet.apply(0);
    fleet.expect_no_changes();
}

#[test]
fn a_run_killed_before_it_reached_a_database_is_resumed_there_too() {
    let (fleet, other) = two();
    fleet.apply(0);
    fleet.migration("V1__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    let mut blocker = other.admin();
    let mut lock = blocker.transaction().expect("a transaction");
    lock.batch_execute("LOCK TABLE tenantry.run IN SHARE ROW EXCLUSIVE MODE")
        .expect("nobody uses it");
    let running = fleet.start_apply(&[]);
    until("the run waits for its row in the second database", || {
        let waits = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'tenantry.run'::regclass";
        other.count(waits) == 1
    });
    running.signal(Signal::KILL);
    running.end();
    lock.rollback().expect("it was open");
    until("its sessions are gone", || {
        fleet.database.is_quiet() && other.is_quiet()
    });
    let run = newest(&fleet);
    let rows = format!("SELECT count(*) FROM tenantry.run WHERE run = '{run}'");
    assert_eq!((fleet.database.count(&rows), other.count(&rows)), (1, 0));

    let report = apply(&fleet, 0, &["--resume", &run]);
    assert_eq!(tenants(&report), ["acme", "globex", "hooli", "initech"]);
    let second = newest(&fleet);
    let resumes = format!("SELECT resumes FROM tenantry.run WHERE run = '{second}'");
    assert_eq!(other.texts(&resumes), [run.as_str()]);
    fleet.expect_no_changes();
}

#[test]
fn failures_on_two_clusters_are_resumed_in_one_run() {
    let (mut fleet, other) = two();
    fleet.apply(0);
    no_body(&fleet, "globex");
    other.run("INSERT INTO t_hooli.note (body) VALUES (NULL)");
    fleet.migration("V1__not_null.sql", NOT_NULL);
    fleet.apply(3);
    let run = newest(&fleet);
    mend(&fleet, "globex");
    other.run("UPDATE t_hooli.note SET body = ''");
    // A database that doesn't answer is said; its tenants are blocked, not forgotten.
    let url = other.url();
    set(&mut fleet, "TWO", crate::clusters::nowhere());
    let half = fleet
        .run([
            "apply",
            "--auto-approve",
            "--format",
            "json",
            "--resume",
            &run,
        ])
        .expect(3);
    assert!(
        half.stderr
            .contains("What this journal says isn't known: cluster two"),
        "{}",
        half.stderr
    );
    assert_eq!(tenants(&half.json()), ["globex"]);
    set(&mut fleet, "TWO", url);
    let report = apply(&fleet, 0, &["--resume", &run, "--only-failed"]);
    assert_eq!(tenants(&report), ["hooli"]);
    fleet.expect_no_changes();
}

#[test]
fn an_interrupted_run_is_resumed_by_the_command_it_prints() {
    let fleet = Fleet::small(&["acme", "globex", "hooli"]);
    fleet.apply(0);
    let sql = format!(
        "ALTER TABLE note ADD COLUMN tag text;\n{}",
        crate::support::gate::WAIT
    );
    fleet.migration("V1__tag.sql", &sql);
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start(["apply", "--auto-approve", "--parallel", "1"]);
    gate.until_waiting(1);
    running.signal(Signal::INT);
    running.until_err("Interrupted: running tenants finish");
    gate.open();
    let said = running.end().expect(130).stdout;
    let (_, command) = said
        .split_once("Go on with `tenantry ")
        .expect("it says how");
    let (command, _) = command.split_once('`').expect("in backticks");
    assert_eq!(command, format!("apply --resume {}", &newest(&fleet)[..8]));
    let words = command
        .split(' ')
        .chain(["--auto-approve", "--format", "json"]);
    let report = fleet.run(words).expect(0).json();
    assert_eq!(tenants(&report), ["globex", "hooli"]);
    fleet.expect_no_changes();
}

#[test]
fn a_run_that_ended_well_has_nothing_left() {
    let fleet = Fleet::small(&["acme", "globex"]);
    fleet.apply(0);
    let run = newest(&fleet);
    // Other work that is pending is no part of it.
    fleet.migration("V1__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    let said = fleet.run(["apply", "--resume", &run]).expect(0);
    let words = format!(
        "Nothing is left of run {}, which was about 2 tenants.",
        &run[..8]
    );
    assert!(said.stderr.contains(&words), "{}", said.stderr);
    let said = fleet
        .run(["apply", "--resume", &run, "--only-failed"])
        .expect(0);
    assert!(said.stderr.contains("No tenant of run"), "{}", said.stderr);
    let report = apply(&fleet, 0, &["--resume", &run]);
    assert_eq!(
        (&report["exit"], &report["outcomes"]),
        (&json!(0), &json!([]))
    );
    assert_eq!(newest(&fleet), run);
}

#[test]
fn what_cannot_be_resumed_is_refused_with_its_reason() {
    let fleet = stopped();
    let run = newest(&fleet);
    fleet.run(["plan", "--out", "plan.json"]).expect(0);
    for (code, args, words) in [
        (4, &["--resume", "abcdefabcdef"][..], run.as_str()),
        (64, &["--resume", "abc"], "4 or more of its first digits"),
        (64, &["--resume", &run, "plan.json"], "cannot be used with"),
        (64, &["--only-failed", "plan.json"], "cannot be used with"),
        (64, &["--resume", &run], "--auto-approve"),
        (
            64,
            &["--resume", &run, "--tenant", "nobody"],
            "matches no tenant",
        ),
    ] {
        let said = fleet.run([&["apply"], args].concat()).expect(code);
        assert!(said.stderr.contains(words), "{args:?}: {}", said.stderr);
    }
    assert_eq!(newest(&fleet), run, "nothing was begun");
    let declined = terminal::run(fleet.command(["apply", "--resume", &run]), "no\n").expect(4);
    assert!(
        declined.stdout.contains("3 tenants to migrate"),
        "{}",
        declined.stdout
    );
    assert_eq!(newest(&fleet), run);
}

#[test]
fn filters_narrow_what_is_resumed() {
    let fleet = stopped();
    let run = newest(&fleet);
    let report = apply(
        &fleet,
        0,
        &["--resume", &run, "--exclude", "t3", "--tenant", "t2"],
    );
    assert_eq!(tenants(&report), ["t2"]);
}

#[test]
fn tenants_that_left_the_file_are_left_as_they_are() {
    let mut fleet = stopped();
    let run = newest(&fleet);
    fleet.remove("t4");
    mend(&fleet, "t3");
    let args = [
        "apply",
        "--auto-approve",
        "--format",
        "json",
        "--resume",
        &run,
    ];
    let said = fleet.run(args).expect(0);
    assert!(
        said.stderr
            .contains("No longer in the file, so left as they are: `t4`."),
        "{}",
        said.stderr
    );
    assert_eq!(tenants(&said.json()), ["t2", "t3"]);
}

#[test]
fn a_run_that_could_not_begin_is_not_named_for_resuming() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    fleet.add(&["globex"]);
    fleet
        .database
        .run("REVOKE INSERT ON tenantry.run FROM tenantry_deploy");
    let run = fleet.run(["apply", "--auto-approve"]).expect(1);
    assert!(
        run.stdout.contains("o on with `tenantry apply`"),
        "{}",
        run.stdout
    );
    assert_eq!(apply(&fleet, 1, &[])["resumable"], false);
}
