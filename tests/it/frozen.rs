//! The server, or one of its processes, stops answering without a word: the program ends all the same, and says what
//! it knows.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::database::Database;
use crate::support::fleet::{Fleet, outcome};
use crate::support::gate::{Gate, WAIT};
use crate::support::server::OwnServer;

/// Patience of a second or so, so that a test needs not wait for long.
fn impatient(url: &str) -> String {
    format!("{url}&connect_timeout=1")
}

fn counting(tenants: &[&str]) -> Fleet {
    let mut fleet = Fleet::new("CREATE TABLE counter AS SELECT 0 AS n;\n");
    fleet.extra = "timeouts: { statement: 1s, lock: 1s }\n".into();
    fleet.add(tenants);
    fleet
}

/// Stopped processes, which go on when this is dropped.
struct Stopped(Vec<Pid>);

impl Stopped {
    fn new(pids: &[String]) -> Self {
        let pid = |text: &String| Pid::from_raw(text.parse().expect("a pid")).expect("a pid");
        let stopped = Self(pids.iter().map(pid).collect());
        stopped.signal(Signal::STOP);
        stopped
    }

    fn signal(&self, signal: Signal) {
        for pid in &self.0 {
            kill_process(*pid, signal).expect("the process is there and ours");
        }
    }
}

impl Drop for Stopped {
    fn drop(&mut self) {
        self.signal(Signal::CONT);
    }
}

#[test]
fn a_stopped_backend_makes_its_tenant_unknown_and_ends_the_run() {
    let tenants = ["acme", "globex"];
    let fleet = counting(&tenants);
    fleet.apply(0);
    let file = format!("-- tenantry: timeout statement=2s\nUPDATE counter SET n = n + 1;\n{WAIT}");
    fleet.migration("V1__count.sql", &file);
    let mut gate = Gate::shut(&fleet.database);
    let args = [
        "apply",
        "--auto-approve",
        "--format",
        "json",
        "--parallel",
        "1",
    ];
    let running = fleet.start(args);
    gate.until_waiting(1);
    let begun = fleet.database.tenants_at_work();
    let backend = fleet.database.texts(
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'tenantry/%/%'",
    );
    let stopped = Stopped::new(&backend);
    let since = Instant::now();

    let report = running.end().expect(3).json();
    assert!(
        since.elapsed() < Duration::from_secs(45),
        "{:?}",
        since.elapsed()
    );
    assert_eq!(report["cancelled"], "server_silent");
    let unknown = outcome(&report, &begun[0]);
    assert_eq!(unknown["status"], "unknown", "{unknown:#}");
    let message = unknown["error"]["message"].as_str().expect("words");
    assert!(
        message.contains("longer than the timeouts allow"),
        "{message}"
    );
    assert!(message.contains("COMMIT wasn't sent"), "{message}");
    assert_eq!(report["summary"]["skipped"], 1, "{report:#}");
    // The others of the server's processes go on, and so does the journal.
    let journal = "SELECT state FROM tenantry.run ORDER BY started_at DESC LIMIT 1";
    assert_eq!(fleet.database.texts(journal), ["partial"]);

    drop(stopped);
    gate.open();
    fleet.apply(0);
    assert_eq!(fleet.counters(&tenants), ["1", "1"]);
    fleet.expect_no_changes();
}

#[test]
fn a_statement_that_takes_its_time_is_waited_for() {
    let mut fleet = counting(&["acme"]);
    let url = format!("{}&connect_timeout=3", fleet.database.url());
    fleet.env.push(("TENANTRY_DATABASE_URL".into(), url));
    // Longer than a silent server would be waited for.
    let file = "-- tenantry: timeout statement=1min\nSELECT pg_sleep(12);\n";
    fleet.migration("V1__slow.sql", file);
    let report = fleet.apply(0);
    assert_eq!(outcome(&report, "acme")["retries"], 0);
    fleet.expect_no_changes();
}

/// A fleet on a server of its own.
fn on_own_server(own: &'static OwnServer, tenants: &[&str]) -> Fleet {
    let mut fleet = counting(tenants);
    fleet.database = Database::on(&own.server);
    let url = impatient(&fleet.database.url());
    fleet.env.push(("TENANTRY_DATABASE_URL".into(), url));
    fleet
}

/// The whole server goes on when this is dropped.
struct Frozen(&'static OwnServer);

impl Frozen {
    fn new(own: &'static OwnServer) -> Self {
        own.signal(Signal::STOP);
        Self(own)
    }
}

impl Drop for Frozen {
    fn drop(&mut self) {
        self.0.signal(Signal::CONT);
    }
}

#[test]
fn a_stopped_server_ends_plan_and_apply() {
    let own = OwnServer::new();
    let tenants = ["acme", "globex", "hooli"];
    let fleet = on_own_server(own, &tenants);
    fleet.apply(0);
    let file = format!("-- tenantry: timeout statement=1h\nUPDATE counter SET n = n + 1;\n{WAIT}");
    fleet.migration("V1__count.sql", &file);
    let mut gate = Gate::shut(&fleet.database);
    let args = [
        "apply",
        "--auto-approve",
        "--format",
        "json",
        "--parallel",
        "2",
    ];
    let running = fleet.start(args);
    gate.until_waiting(2);
    let frozen = Frozen::new(own);
    let since = Instant::now();

    let report = running.end().expect(3).json();
    assert!(
        since.elapsed() < Duration::from_secs(20),
        "{:?}",
        since.elapsed()
    );
    assert_eq!(report["cancelled"], "server_silent", "{report:#}");
    assert_eq!(report["summary"]["unknown"], 2, "{report:#}");
    assert_eq!(report["summary"]["skipped"], 1, "{report:#}");
    let message = report["outcomes"].to_string();
    assert!(
        message.contains("the server stopped answering"),
        "{message}"
    );

    let plan = fleet.run(["plan", "--detailed-exitcode"]).expect(1);
    assert!(
        plan.stdout.contains("the server stopped answering"),
        "{}",
        plan.stdout
    );
    let apply = fleet.run(["apply", "--auto-approve"]);
    assert!(matches!(apply.code, Some(1 | 4)), "{apply:?}");

    drop(frozen);
    gate.open();
    fleet.apply(0);
    assert_eq!(fleet.counters(&tenants), ["1", "1", "1"]);
    fleet.expect_no_changes();
}
