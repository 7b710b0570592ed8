//! The program is killed or interrupted while a migration's statement runs.

use rustix::process::Signal;

use crate::support::fleet::{Fleet, outcome};
use crate::support::gate::{Gate, WAIT, until};
use crate::support::proxy::Proxy;
use crate::support::server::url_through;

/// Tenants that are there, and a migration that adds a column and then waits at the gate.
fn migrating(tenants: &[&str]) -> Fleet {
    let fleet = Fleet::small(tenants);
    fleet.apply(0);
    let sql = format!("ALTER TABLE note ADD COLUMN title text;\n{WAIT}");
    fleet.migration("V1__add_title.sql", &sql);
    fleet
}

/// How many tenants have what the migration adds, and its history row.
fn migrated(fleet: &Fleet, tenants: &[&str]) -> Vec<(i64, i64)> {
    let of = |tenant: &&str| {
        let columns = format!(
            "SELECT count(*) FROM pg_attribute WHERE attrelid = 't_{tenant}.note'::regclass AND attname = 'title'"
        );
        let rows = format!("SELECT count(*) FROM t_{tenant}.history");
        (fleet.database.count(&columns), fleet.database.count(&rows))
    };
    tenants.iter().map(of).collect()
}

#[test]
fn the_server_rolls_back_what_a_killed_program_has_begun() {
    let fleet = migrating(&["acme", "globex"]);
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start_apply(&["--parallel", "2"]);
    gate.until_waiting(2);

    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None, "killed");
    // The gate stays shut: only the server's own look at the connection can end the statement.
    until("the killed program's sessions are gone", || {
        fleet.database.is_quiet()
    });
    let locks = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid <> 4711 \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())";
    assert_eq!(fleet.database.count(locks), 0);
    assert_eq!(migrated(&fleet, &["acme", "globex"]), [(0, 0), (0, 0)]);

    gate.open();
    let report = fleet.apply(0);
    assert_eq!(report["summary"]["applied"], 2);
    assert_eq!(migrated(&fleet, &["acme", "globex"]), [(1, 1), (1, 1)]);
    fleet.expect_no_changes();
}

#[test]
fn a_rerun_waits_for_an_orphan_and_names_it() {
    let mut fleet = migrating(&["acme"]);
    let mut gate = Gate::shut(&fleet.database);
    let proxy = Proxy::keeping_orphans();
    let direct = fleet.database.url();
    let url = url_through(proxy.port, &fleet.database.name);
    fleet.env.push(("TENANTRY_DATABASE_URL".into(), url));
    let killed = fleet.start_apply(&[]);
    gate.until_waiting(1);
    killed.signal(Signal::KILL);
    killed.end();
    fleet.env = vec![("TENANTRY_DATABASE_URL".into(), direct)];

    let orphan = |tenants: &str| {
        let sql = format!(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() \
             AND application_name ~ '^tenantry/[0-9a-f]{{32}}{tenants}$'"
        );
        fleet.database.texts(&sql)[0].clone()
    };
    let end = |pid: &str| {
        let sql = format!("SELECT count(pg_terminate_backend({pid}))");
        fleet.database.count(&sql);
    };
    // The run lock has an orphan of its own.
    let locker = orphan("");
    let refused = fleet.run(["apply", "--auto-approve"]).expect(5);
    assert!(
        refused.stderr.contains(&format!("pid {locker}")),
        "{}",
        refused.stderr
    );
    end(&locker);

    let worker = orphan("/acme");
    let rerun = fleet.start_apply(&["--lock-wait", "1min"]);
    rerun.until_out(&format!("the tenant's lock is held by pid {worker}"));
    gate.open();
    end(&worker);
    let rerun = rerun.end().expect(0);
    assert!(rerun.stdout.contains("\"status\":\"applied\""));
    assert_eq!(migrated(&fleet, &["acme"]), [(1, 1)]);
}

#[test]
fn an_interrupt_lets_running_tenants_finish() {
    let tenants = ["acme", "globex", "hooli", "initech"];
    let fleet = migrating(&tenants);
    let mut gate = Gate::shut(&fleet.database);
    let args = ["apply", "--auto-approve", "--format", "json"];
    let running = fleet.start(args.iter().chain(&["--parallel", "2"]));
    gate.until_waiting(2);
    let at_work = fleet.database.tenants_at_work();

    running.signal(Signal::INT);
    running.until_err("Interrupted: running tenants finish");
    gate.open();
    let report = running.end().expect(130).json();
    assert_eq!(report["cancelled"], "interrupt");
    assert_eq!(report["exit"], 130);
    for tenant in tenants {
        let (status, expected) = if at_work.iter().any(|one| one == tenant) {
            ("applied", (1, 1))
        } else {
            ("skipped", (0, 0))
        };
        assert_eq!(outcome(&report, tenant)["status"], status, "{tenant}");
        assert_eq!(migrated(&fleet, &[tenant]), [expected], "{tenant}");
    }
    assert_eq!(
        fleet
            .database
            .texts("SELECT state FROM tenantry.run ORDER BY started_at DESC LIMIT 1"),
        ["interrupted"]
    );
    let rest = fleet.apply(0);
    assert_eq!(rest["summary"]["applied"], 2);
}

#[test]
fn a_second_interrupt_cancels_what_runs() {
    let tenants = ["acme", "globex", "hooli"];
    let fleet = migrating(&tenants);
    let mut gate = Gate::shut(&fleet.database);
    let args = ["apply", "--auto-approve", "--format", "json"];
    let running = fleet.start(args.iter().chain(&["--parallel", "2"]));
    gate.until_waiting(2);

    running.signal(Signal::INT);
    running.until_err("Interrupted: running tenants finish");
    running.signal(Signal::TERM);
    // The gate stays shut until the program has ended.
    let report = running.end().expect(130).json();
    assert_eq!(report["cancelled"], "second_interrupt");
    assert_eq!(report["summary"]["failed"], 2);
    assert_eq!(report["summary"]["skipped"], 1);
    let outcomes = report["outcomes"].as_array().expect("a list");
    for cancelled in outcomes.iter().filter(|one| one["status"] == "failed") {
        let hint = cancelled["error"]["hint"].as_str().expect("a hint");
        assert!(
            hint.contains("second interrupt"),
            "no timeout did it: {cancelled:#}"
        );
    }
    assert_eq!(migrated(&fleet, &tenants), [(0, 0); 3]);
    until("its sessions are gone", || fleet.database.is_quiet());

    gate.open();
    assert_eq!(fleet.apply(0)["summary"]["applied"], 3);
}
