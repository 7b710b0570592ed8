//! Two runs at once, lost and held locks, and tenants that are changed by hand meanwhile.

use rustix::process::Signal;

use crate::support::fleet::{Fleet, outcome};
use crate::support::gate::{Gate, WAIT, until};
use crate::support::running::Running;
use crate::support::terminal::Terminal;

/// A migration that must never run twice on a tenant.
const COUNT_UP: &str = "UPDATE counter SET n = n + 1;\n";

fn counting(tenants: &[&str]) -> Fleet {
    let mut fleet = Fleet::new("CREATE TABLE counter AS SELECT 0 AS n;\n");
    fleet.add(tenants);
    fleet
}

fn counter(fleet: &Fleet, tenant: &str) -> Vec<String> {
    fleet
        .database
        .texts(&format!("SELECT n FROM t_{tenant}.counter"))
}

/// The session that holds the run lock.
fn locker(fleet: &Fleet) -> String {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
               AND application_name ~ '^tenantry/[0-9a-f]{32}$' AND state = 'idle in transaction'";
    let pids = fleet.database.texts(sql);
    assert_eq!(pids.len(), 1, "{pids:?}");
    pids[0].clone()
}

#[test]
fn a_second_apply_is_refused_and_told_whom_it_met() {
    let fleet = counting(&["acme"]);
    fleet.migration("V1__count.sql", &format!("{COUNT_UP}{WAIT}"));
    let mut gate = Gate::shut(&fleet.database);
    let first = fleet.start_apply(&[]);
    gate.until_waiting(1);

    let second = fleet.run(["apply", "--auto-approve"]).expect(5);
    let report = fleet.apply(5);
    assert_eq!(report["exit"], 5, "a report is written on every exit path");
    assert_eq!(
        report["error"]["message"]
            .as_str()
            .map(|text| text.contains("pid ")),
        Some(true)
    );
    let pid = locker(&fleet);
    for words in [
        "locked by another run",
        &format!("pid {pid}"),
        "user tenantry_deploy",
        "application tenantry/",
        "since 20",
        "--lock-wait",
    ] {
        assert!(second.stderr.contains(words), "{words}: {}", second.stderr);
    }
    gate.open();
    first.end().expect(0);
    assert_eq!(counter(&fleet, "acme"), ["1"]);
    fleet.expect_no_changes();
}

#[test]
fn a_second_apply_can_wait_and_plans_what_is_left() {
    let fleet = counting(&["acme", "globex"]);
    fleet.migration("V1__count.sql", &format!("{COUNT_UP}{WAIT}"));
    let mut gate = Gate::shut(&fleet.database);
    let first = fleet.start_apply(&["--tenant", "acme"]);
    gate.until_waiting(1);
    let pid = locker(&fleet);
    let other = fleet.start_apply(&["--lock-wait", "1min"]);
    let same = fleet.start_apply(&["--tenant", "acme", "--lock-wait", "1min"]);
    for waiting in [&other, &same] {
        waiting.until_out(&format!(
            "\"event\":\"waiting\",\"cluster\":\"default\",\"holder\":\"pid {pid}"
        ));
    }
    gate.open();
    first.end().expect(0);
    let other = other.end().expect(0);
    assert!(other.stderr.contains("1 to create"), "{}", other.stderr);
    let same = same.end().expect(0);
    assert!(same.stderr.contains("No changes."), "{}", same.stderr);
    assert_eq!(counter(&fleet, "acme"), ["1"]);
    assert_eq!(counter(&fleet, "globex"), ["1"]);
    fleet.expect_no_changes();
}

#[test]
fn waiting_for_another_run_can_be_interrupted() {
    let fleet = counting(&["acme"]);
    fleet.migration("V1__count.sql", &format!("{COUNT_UP}{WAIT}"));
    let mut gate = Gate::shut(&fleet.database);
    let first = fleet.start_apply(&[]);
    gate.until_waiting(1);
    let second = fleet.start_apply(&["--lock-wait", "1h"]);
    second.until_out("\"event\":\"waiting\"");
    second.signal(Signal::INT);
    let second = second.end().expect(130);
    assert!(
        second.stdout.contains("\"event\":\"refused\",\"exit\":130"),
        "{}",
        second.stdout
    );
    gate.open();
    first.end().expect(0);
    assert_eq!(counter(&fleet, "acme"), ["1"]);
}

#[test]
fn the_lock_is_held_while_the_plan_is_asked_about() {
    let fleet = counting(&["acme"]);
    let mut asking = fleet.command(["apply"]);
    let terminal = Terminal::of(&mut asking);
    let asking = Running::start(asking);
    asking.until_out("1 to create");
    let refused = fleet.run(["apply", "--auto-approve"]).expect(5);
    assert_eq!(refused.stdout, "", "it ends before planning");
    // Nothing has begun: a signal ends the question at once.
    asking.signal(Signal::INT);
    assert_eq!(asking.end().code, None);
    drop(terminal);
    until("the lock is free", || fleet.database.is_quiet());
    fleet.apply(0);
    assert_eq!(counter(&fleet, "acme"), ["0"]);
}

#[test]
fn a_lost_run_lock_stops_the_handing_out_of_work() {
    let fleet = counting(&["acme", "globex", "hooli"]);
    fleet.apply(0);
    fleet.migration("V1__count.sql", &format!("{COUNT_UP}{WAIT}"));
    let mut gate = Gate::shut(&fleet.database);
    let args = ["apply", "--auto-approve", "--format", "json"];
    let running = fleet.start(args.iter().chain(&["--parallel", "1"]));
    gate.until_waiting(1);
    let begun = fleet.database.tenants_at_work();
    fleet.database.count(&format!(
        "SELECT count(pg_terminate_backend({}))",
        locker(&fleet)
    ));
    // The lock is looked after every two seconds.
    until("the lock is due to be looked after", || {
        let sql = "SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'tenantry/%/%' \
                   AND datname = current_database() AND clock_timestamp() - xact_start > '2.1 s'";
        fleet.database.count(sql) == 1
    });
    gate.open();

    let report = running.end().expect(3).json();
    assert_eq!(report["cancelled"], "lock_lost");
    assert_eq!(report["summary"]["applied"], 1);
    assert_eq!(report["summary"]["skipped"], 2);
    assert_eq!(outcome(&report, &begun[0])["status"], "applied");
    assert_eq!(counter(&fleet, &begun[0]), ["1"]);
    assert_eq!(fleet.apply(0)["summary"]["applied"], 2);
    for tenant in ["acme", "globex", "hooli"] {
        assert_eq!(counter(&fleet, tenant), ["1"]);
    }
}

#[test]
fn a_locked_table_is_tried_again() {
    let mut fleet = counting(&["acme", "globex"]);
    fleet.extra = "timeouts: { lock: 50ms }\n".into();
    fleet.apply(0);
    fleet.migration("V1__count.sql", COUNT_UP);
    let mut holder = fleet.database.admin();
    holder
        .batch_execute("BEGIN; LOCK TABLE t_acme.counter IN ACCESS EXCLUSIVE MODE")
        .expect("nobody else holds it");
    let running = fleet.start_apply(&[]);
    running.until_out("\"event\":\"retrying\"");
    holder.batch_execute("ROLLBACK").expect("a transaction");

    let events = running.end().expect(0).events();
    let retrying = events
        .iter()
        .find(|event| event["event"] == "retrying")
        .expect("one");
    assert_eq!(retrying["tenant"], "acme");
    let reason = retrying["reason"].as_str().expect("text");
    assert!(reason.contains("55P03"), "{reason}");
    let acme = events
        .iter()
        .find(|event| event["event"] == "tenant_finished" && event["tenant"] == "acme")
        .expect("one");
    assert_eq!(acme["status"], "applied");
    assert!(acme["retries"].as_u64() >= Some(1));
    assert_eq!(counter(&fleet, "acme"), ["1"]);
    assert_eq!(counter(&fleet, "globex"), ["1"]);
}

#[test]
fn tenants_that_are_changed_by_hand_meanwhile_are_stale() {
    let mut fleet = counting(&["dropped", "changed", "bare", "fine"]);
    fleet.tenant("canary", "{ tags: [canary] }");
    fleet.extra = "rollout: { canary: { tags: [canary] } }\n".into();
    fleet.apply(0);
    fleet.migration("V1__count.sql", &format!("{COUNT_UP}{WAIT}"));
    let mut gate = Gate::shut(&fleet.database);
    let args = ["apply", "--auto-approve", "--format", "json"];
    let running = fleet.start(args);
    gate.until_waiting(1);
    fleet.database.run(
        "DROP SCHEMA t_dropped CASCADE; DROP TABLE t_bare.history; \
         INSERT INTO t_changed.history VALUES (7, 'by_hand', now()::text, '1')",
    );
    gate.open();

    let report = running.end().expect(3).json();
    for (tenant, status, words) in [
        ("canary", "applied", ""),
        ("fine", "applied", ""),
        ("dropped", "stale", "history can't be read any more"),
        ("bare", "stale", "history can't be read any more"),
        (
            "changed",
            "stale",
            "its history has changed: 1 migration now",
        ),
    ] {
        let outcome = outcome(&report, tenant);
        assert_eq!(outcome["status"], status, "{outcome:#}");
        let message = outcome["error"]["message"].as_str().unwrap_or_default();
        assert!(message.contains(words), "{message}");
    }
    assert_eq!(counter(&fleet, "fine"), ["1"]);
    assert_eq!(counter(&fleet, "bare"), ["0"]);
    assert_eq!(counter(&fleet, "changed"), ["0"]);
    assert!(!fleet.database.schemas().contains(&"t_dropped".to_owned()));
}
