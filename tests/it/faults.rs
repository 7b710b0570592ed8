//! Servers that restart, statements that take too long or meet another's, other tools at the same work, copied
//! databases, and clocks that are wrong.

use std::process::Command;
use std::thread;

use postgres::{Client, NoTls};
use refinery::{Migration, Runner};

use crate::support::database::Database;
use crate::support::fleet::{Fleet, blocked, outcome};
use crate::support::gate::{Gate, WAIT, until};
use crate::support::server::{OWNER, OwnServer};

/// A migration that must never run twice on a tenant.
const COUNT_UP: &str = "UPDATE counter SET n = n + 1;\n";

fn counting(tenants: &[&str]) -> Fleet {
    let mut fleet =
        Fleet::new("CREATE TABLE counter AS SELECT 0 AS n;\nCREATE TABLE other (n int);\n");
    fleet.add(tenants);
    fleet
}

#[test]
fn a_server_that_restarts_costs_a_retry() {
    let own = OwnServer::new();
    let tenants = ["acme", "globex", "hooli", "initech"];
    let mut fleet = counting(&tenants);
    fleet.database = Database::on(&own.server);
    fleet.apply(0);
    fleet.migration("V1__count.sql", &format!("{COUNT_UP}{WAIT}"));
    let mut gate = Gate::shut(&fleet.database);
    let args = ["apply", "--auto-approve", "--format", "json"];
    let running = fleet.start(args.iter().chain(&["--parallel", "2"]));
    gate.until_waiting(2);
    let at_work = fleet.database.tenants_at_work();
    // The gate's lock goes with its session.
    own.restart();
    let run = running.end();
    assert!(matches!(run.code, Some(0 | 3)), "{run:?}");
    let report = run.json();
    for tenant in tenants {
        let outcome = outcome(&report, tenant);
        let (status, retries) = (&outcome["status"], outcome["retries"].as_u64());
        if at_work.iter().any(|one| one == tenant) {
            assert_eq!(
                (status.as_str(), retries >= Some(1)),
                (Some("applied"), true),
                "{outcome:#}"
            );
        } else {
            // The run lock went too, and with it the right to begin others, once that is noticed.
            let fine =
                status == "applied" || status == "skipped" && report["cancelled"] == "lock_lost";
            assert!(fine, "{report:#}");
        }
    }
    fleet.run(["apply", "--auto-approve"]).expect(0);
    assert_eq!(fleet.counters(&tenants), ["1"; 4]);
    fleet.expect_no_changes();
}

#[test]
fn a_statement_that_takes_too_long_is_rolled_back_and_shown() {
    let mut fleet = counting(&["acme"]);
    fleet.extra = "timeouts: { statement: 300ms }\n".into();
    fleet.apply(0);
    fleet.migration(
        "V1__slow.sql",
        "-- a comment\nUPDATE counter SET n = n + 1 WHERE pg_sleep(60) IS NOT NULL;\n",
    );
    let report = fleet.apply(1);
    let failed = outcome(&report, "acme");
    assert_eq!(failed["status"], "failed");
    assert_eq!(failed["retries"], 0, "it would take as long again");
    let error = &failed["error"];
    assert_eq!(error["sqlstate"], "57014");
    assert_eq!(
        (&error["line"], &error["column"]),
        (&2.into(), &1.into()),
        "{error:#}"
    );
    assert!(
        error["file"]
            .as_str()
            .is_some_and(|file| file.ends_with("V1__slow.sql")),
        "{error:#}"
    );
    assert!(
        error["hint"]
            .as_str()
            .is_some_and(|hint| hint.contains("timeout statement=")),
        "{error:#}"
    );
    assert_eq!(fleet.counters(&["acme"]), ["0"]);
    assert_eq!(
        fleet.database.count("SELECT count(*) FROM t_acme.history"),
        0
    );
    // The file may be given the time it takes.
    fleet.migration(
        "V1__slow.sql",
        &format!("-- tenantry: timeout statement=1min\nSELECT pg_sleep(0.5);\n{COUNT_UP}"),
    );
    fleet.apply(0);
    assert_eq!(fleet.counters(&["acme"]), ["1"]);
}

#[test]
fn a_deadlock_is_tried_again() {
    let fleet = counting(&["acme"]);
    fleet.apply(0);
    fleet.migration(
        "V1__count.sql",
        &format!("{COUNT_UP}{WAIT}LOCK TABLE other;\n"),
    );
    let mut gate = Gate::shut(&fleet.database);
    // The other session leaves it to ours to find the deadlock out.
    let mut other = fleet.database.admin();
    other
        .batch_execute("SET deadlock_timeout = '1min'; BEGIN; LOCK TABLE t_acme.other")
        .expect("nobody else holds it");
    let running = fleet.start_apply(&[]);
    gate.until_waiting(1);
    let crossing = thread::spawn(move || {
        other
            .batch_execute("LOCK TABLE t_acme.counter; ROLLBACK")
            .expect("it isn't the one that gives way");
    });
    until("the other session waits", || {
        let sql = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 't_acme.counter'::regclass";
        fleet.database.count(sql) == 1
    });
    gate.open();
    crossing.join().expect("it got its locks");
    let events = running.end().expect(0).events();
    let retrying: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "retrying")
        .collect();
    assert!((1..=6).contains(&retrying.len()), "{retrying:?}");
    assert!(
        retrying[0]["reason"].to_string().contains("40P01"),
        "{retrying:?}"
    );
    assert_eq!(fleet.counters(&["acme"]), ["1"]);
    fleet.expect_no_changes();
}

/// refinery's own runner on a tenant's schema; whether it went well.
fn refinery(client: &mut Client, name: &str, grouped: bool) -> bool {
    let migration = Migration::unapplied(name, COUNT_UP).expect("a good name");
    let mut runner = Runner::new(&[migration])
        .set_grouped(grouped)
        .set_abort_missing(false);
    runner.set_migration_table_name("history");
    runner
        .run(client)
        .is_ok_and(|report| !report.applied_migrations().is_empty())
}

/// tenantry and refinery's runner migrate one schema at the same time, again and again. `grouped` makes refinery
/// commit a migration together with its history row, which it doesn't by itself.
fn race(grouped: bool, rounds: u64) {
    let mut fleet = counting(&["acme"]);
    fleet.extra = "timeouts: { lock: 5s }\n".into();
    fleet.apply(0);
    let mut client = Client::connect(&fleet.database.superuser_url(), NoTls).expect("a superuser");
    client
        .batch_execute(&format!("SET ROLE {OWNER}; SET search_path = t_acme"))
        .expect("the schema is there");
    let (mut ours, mut theirs) = (0, 0);
    for round in 1..=rounds {
        let name = format!("V{round}__count_{round}");
        fleet.migration(&format!("{name}.sql"), COUNT_UP);
        let before: i64 = fleet.counters(&["acme"])[0].parse().expect("a number");
        let running = fleet.start_apply(&[]);
        // The two meet at ever other points.
        match round % 4 {
            0 => {}
            1 => running.until_out("run_started"),
            2 => running.until_out("wave_started"),
            _ => running.until_out("tenant_started"),
        }
        let by_refinery = refinery(&mut client, &name, grouped);
        let run = running.end();
        let when = format!("round {round}: {run:?}");
        let events = run.events();
        let finished = events
            .iter()
            .find(|event| event["event"] == "tenant_finished");
        let status = finished.and_then(|event| event["status"].as_str());
        match (run.code, status) {
            // It lost cleanly, or had nothing to do any more.
            (Some(1), Some("failed"))
            | (Some(4), Some("stale"))
            | (Some(0), None | Some("applied")) => {}
            _ => panic!("{when}"),
        }
        let by_us = status == Some("applied");
        (ours, theirs) = (ours + i64::from(by_us), theirs + i64::from(by_refinery));
        let rows = format!("SELECT count(*) FROM t_acme.history WHERE version = {round}");
        assert_eq!(fleet.database.count(&rows), 1, "recorded once, {when}");
        let after: i64 = fleet.counters(&["acme"])[0].parse().expect("a number");
        if grouped {
            assert_eq!((after - before, by_us), (1, !by_refinery), "{when}");
        } else {
            // Its SQL may be in before its history row is refused. Ours never is.
            let alone = after - before - i64::from(by_us);
            assert!((0..=1).contains(&alone) && after > before, "{when}");
        }
        let steps =
            "SELECT count(*) FROM tenantry.step WHERE tenant = 'acme' AND status = 'applied'";
        assert_eq!(fleet.database.count(steps), ours + 1, "{when}");
    }
    assert!(ours > 0 && theirs > 0, "both win at times");
    fleet.expect_no_changes();
}

#[test]
fn a_race_with_refinery_is_won_or_lost_cleanly() {
    thread::scope(|scope| {
        scope.spawn(|| race(true, 50));
        scope.spawn(|| race(false, 50));
    });
}

#[test]
fn a_copied_database_is_the_same_fleets_and_stands_alone() {
    let mut fleet = counting(&["acme"]);
    fleet.apply(0);
    fleet.run(["plan", "--out", "plan.json"]).expect(0);
    let original = std::mem::replace(&mut fleet.database, Database::new());
    fleet.database = Database::copy_of(&original);
    // As for a staging system: what guards is the fleet's name, and the copy has it.
    fleet.expect_no_changes();
    fleet.migration("V1__count.sql", COUNT_UP);
    fleet.apply(0);
    assert_eq!(fleet.counters(&["acme"]), ["1"]);
    assert_eq!(original.texts("SELECT n FROM t_acme.counter"), ["0"]);
    let renamed = fleet
        .run_edited("fleet: shop", "fleet: staging", &["plan"])
        .expect(4);
    assert!(
        renamed.stderr.contains("belongs to fleet shop"),
        "{}",
        renamed.stderr
    );
}

#[test]
fn a_tenant_that_two_databases_record_is_blocked() {
    let mut fleet = counting(&["acme"]);
    fleet.defaults.push_str("  cluster: one\n");
    fleet.extra = "clusters:\n  one: { url: '${ONE}' }\n  two: { url: '${TWO}' }\n".into();
    let url = fleet.database.url();
    fleet.env = vec![
        ("ONE".into(), url.clone()),
        ("TWO".into(), "postgres://x@%2Fno%2Fwhere/x".into()),
    ];
    fleet.apply(0);
    let copy = Database::copy_of(&fleet.database);
    fleet.env = vec![("ONE".into(), url), ("TWO".into(), copy.url())];
    fleet.migration("V1__count.sql", COUNT_UP);
    // Which of the two is the tenant can't be known, so neither is touched.
    assert_eq!(blocked(&fleet.plan()), ["acme moved"]);
    fleet.apply(4);
    assert_eq!(fleet.counters(&["acme"]), ["0"]);
    assert_eq!(copy.texts("SELECT n FROM t_acme.counter"), ["0"]);
}

/// What makes the program believe that it is another day.
fn wrong_clock(days: i32) -> [(String, String); 2] {
    let found = Command::new("faketime")
        .args(["-f", "+1d", "printenv", "LD_PRELOAD"])
        .output()
        .expect("the tests need faketime; install it with: apt-get install faketime");
    let library = String::from_utf8(found.stdout).expect("a path");
    [
        ("LD_PRELOAD".to_owned(), library.trim().to_owned()),
        ("FAKETIME".to_owned(), format!("{days:+}d")),
    ]
}

#[test]
fn the_clock_that_counts_is_the_servers() {
    for days in [-400, 400] {
        let mut fleet = counting(&["acme", "globex"]);
        fleet.env.extend(wrong_clock(days));
        let saved = fleet
            .run(["plan", "--out", "plan.json", "--format", "json"])
            .expect(0);
        assert_eq!(saved.json()["summary"]["create"], 2);
        fleet
            .run(["apply", "--auto-approve", "plan.json"])
            .expect(0);
        fleet.migration("V1__count.sql", COUNT_UP);
        fleet.apply(0);
        fleet.expect_no_changes();
        assert_eq!(fleet.counters(&["acme", "globex"]), ["1", "1"]);
        let now = "now() - interval '1 hour' AND now()";
        for (table, times) in [
            ("run", &["started_at", "finished_at"][..]),
            ("step", &["at"]),
            ("ledger", &["at"]),
            ("tenant", &["created_at", "changed_at"]),
            ("content", &["added_at"]),
            ("fleet", &["created_at"]),
        ] {
            for time in times {
                let sql = format!(
                    "SELECT count(*) FROM tenantry.{table} WHERE {time} IS NULL OR NOT {time} BETWEEN {now}"
                );
                assert_eq!(fleet.database.count(&sql), 0, "{table}.{time}, {days} days");
            }
        }
    }
}
