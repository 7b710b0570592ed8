//! The program is ended at every one of its crash points, one after the other; nothing is ever half done.
//!
//! The points stand before and after each message to the server and each file operation.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use crate::support::database::Database;
use crate::support::fleet::Fleet;
use crate::support::gate::until;

const TENANTS: [&str; 3] = ["acme", "globex", "hooli"];

/// What one tenant has in each of the places that must agree.
#[derive(Clone, Debug, PartialEq, Eq)]
struct State {
    schema: bool,
    /// The columns of the template's table; each migration adds one.
    columns: Vec<String>,
    history: Vec<String>,
    control_rows: i64,
    ledger: i64,
    steps_applied: i64,
}

impl State {
    fn of(database: &Database, tenant: &str) -> Self {
        let id = format!("'{tenant}'");
        let there = |relation: &str| {
            let sql = format!("SELECT count(to_regclass('{relation}'))");
            database.count(&sql) == 1
        };
        let control = |sql: &str| {
            if there("tenantry.tenant") {
                database.count(sql)
            } else {
                0
            }
        };
        let history = format!("t_{tenant}.history");
        Self {
            schema: database.schemas().contains(&format!("t_{tenant}")),
            columns: database.texts(&format!(
                "SELECT attname FROM pg_attribute WHERE attnum > 0 AND attrelid = to_regclass('t_{tenant}.note') ORDER BY attnum"
            )),
            history: if there(&history) {
                database.texts(&format!("SELECT version FROM {history} ORDER BY version"))
            } else {
                Vec::new()
            },
            control_rows: control(&format!("SELECT count(*) FROM tenantry.tenant WHERE id = {id}")),
            ledger: control(&format!(
                "SELECT count(*) FROM tenantry.ledger l JOIN tenantry.tenant t ON t.uid = l.tenant_uid WHERE t.id = {id}"
            )),
            steps_applied: control(&format!(
                "SELECT count(*) FROM tenantry.step WHERE tenant = {id} AND status = 'applied'"
            )),
        }
    }

    fn absent() -> Self {
        Self {
            schema: false,
            columns: Vec::new(),
            history: Vec::new(),
            control_rows: 0,
            ledger: 0,
            steps_applied: 0,
        }
    }

    /// A tenant with so many migrations, made by so many steps.
    fn at(migrations: usize, steps: i64) -> Self {
        let texts = |of: &dyn Fn(usize) -> String| (1..=migrations).map(of).collect::<Vec<_>>();
        let own = ["id", "body"].map(str::to_owned);
        Self {
            schema: true,
            columns: [own.to_vec(), texts(&|n| format!("c{n}"))].concat(),
            history: texts(&|n| n.to_string()),
            control_rows: 1,
            ledger: 1 + i64::try_from(migrations).expect("few"),
            steps_applied: steps,
        }
    }
}

fn add_migration(fleet: &Fleet, number: usize) {
    let name = format!("V{number}__add_c{number}.sql");
    let sql = format!("ALTER TABLE note ADD COLUMN c{number} text;\n");
    fleet.migration(&name, &sql);
}

/// How a fleet stands before and after an apply.
struct Expected {
    before: State,
    after: State,
}

impl Expected {
    /// Every tenant is at one of both; how many still have to be applied.
    fn left(&self, fleet: &Fleet, when: &str) -> usize {
        let mut left = 0;
        for tenant in TENANTS {
            let state = State::of(&fleet.database, tenant);
            if state == self.before {
                left += 1;
            } else {
                assert_eq!(state, self.after, "{tenant}, {when}");
            }
        }
        left
    }

    /// What a crash has left, and that a plain apply goes on from there.
    fn check(&self, fleet: &Fleet, when: &str) {
        until(&format!("nobody holds a session or lock, {when}"), || {
            fleet.database.is_quiet()
        });
        let left = self.left(fleet, when);
        let summary = &fleet.plan()["summary"];
        let planned = [&summary["create"], &summary["migrate"]];
        let planned: u64 = planned.iter().filter_map(|number| number.as_u64()).sum();
        assert_eq!(planned, left as u64, "the plan is the truth, {when}");
        assert_eq!(summary["blocked"], 0, "{when}");
        fleet.apply(0);
        assert_eq!(self.left(fleet, when), 0, "{when}");
        fleet.expect_no_changes();
    }
}

/// Ends a run at its nth point; whether it got that far.
fn crashes(fleet: &Fleet, args: &[&str], n: usize) -> bool {
    let mut command = fleet.command(args);
    command
        .env("TENANTRY_CRASH_AT", n.to_string())
        .env("TENANTRY_CRASH_LOG", fleet.path("points.log"));
    let output = command.output().expect("the program starts");
    let crashed = output.status.signal() == Some(6);
    assert!(
        crashed || output.status.success(),
        "point {n}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    crashed
}

/// The points of the last run by name, with how often each was passed.
fn points(fleet: &Fleet) -> BTreeMap<String, usize> {
    let log = fs::read_to_string(fleet.path("points.log")).expect("a log");
    fs::remove_file(fleet.path("points.log")).expect("it is there");
    let mut points = BTreeMap::new();
    for line in log.lines() {
        let (_, name) = line.split_once(' ').expect("a number and a name");
        *points.entry(name.to_owned()).or_default() += 1;
    }
    points
}

/// Tries every point, two at a time, each from what `fresh` makes; how many there are.
fn enumerate<F>(
    what: &str,
    fresh: impl Fn() -> F + Sync,
    one: impl Fn(&F, usize) -> bool + Sync,
) -> usize {
    let next = AtomicUsize::new(1);
    let over = AtomicBool::new(false);
    let crashed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        let worker = || {
            while !over.load(Ordering::SeqCst) {
                let n = next.fetch_add(1, Ordering::SeqCst);
                if one(&fresh(), n) {
                    crashed.lock().expect("no worker panicked").push(n);
                } else {
                    over.store(true, Ordering::SeqCst);
                }
            }
        };
        scope.spawn(worker);
        scope.spawn(worker);
    });
    let crashed = crashed.into_inner().expect("no worker panicked");
    println!("{what}: {} crash points", crashed.len());
    crashed.len()
}

fn provisioning() -> Fleet {
    let fleet = Fleet::small(&TENANTS);
    (1..=3).for_each(|number| add_migration(&fleet, number));
    fleet
}

const APPLY: [&str; 7] = [
    "apply",
    "--auto-approve",
    "--parallel",
    "2",
    "--output",
    "report.json",
    "--format=json",
];

/// A file appears whole or not at all.
fn check_file(fleet: &Fleet, name: &str, when: &str) {
    if let Ok(text) = fs::read_to_string(fleet.path(name)) {
        let parsed: Result<serde_json::Value, _> = serde_json::from_str(&text);
        parsed.unwrap_or_else(|error| panic!("{name}, {when}: {error}"));
    }
}

#[test]
fn provisioning_can_be_ended_anywhere() {
    let expected = Expected {
        before: State::absent(),
        after: State::at(3, 1),
    };
    let found = Mutex::new(BTreeMap::new());
    let number = enumerate("provisioning", provisioning, |fleet, n| {
        let when = format!("after a crash at point {n}");
        let crashed = crashes(fleet, &APPLY, n);
        let passed = points(fleet);
        if crashed {
            check_file(fleet, "report.json", &when);
            expected.check(fleet, &when);
        } else {
            assert_eq!(expected.left(fleet, "after a whole run"), 0);
            *found.lock().expect("no worker panicked") = passed;
        }
        crashed
    });
    let found = found.into_inner().expect("no worker panicked");
    println!("{found:#?}");
    assert!(number >= 60, "{number} points are too few");
    for name in [
        "before message",
        "before connecting",
        "before making a file",
        "before renaming a file",
    ] {
        assert!(found.contains_key(name), "{name}: {found:#?}");
    }
}

#[test]
fn a_migration_can_be_ended_anywhere() {
    let template = provisioning();
    template.apply(0);
    add_migration(&template, 4);
    let expected = Expected {
        before: State::at(3, 1),
        after: State::at(4, 2),
    };
    let fresh = || {
        let mut fleet = provisioning();
        add_migration(&fleet, 4);
        fleet.database = Database::copy_of(&template.database);
        fleet
    };
    let number = enumerate("migrating", fresh, |fleet, n| {
        let when = format!("after a crash at point {n}");
        let crashed = crashes(fleet, &APPLY, n);
        if crashed {
            expected.check(fleet, &when);
        }
        crashed
    });
    assert!(number >= 50, "{number} points are too few");
}

#[test]
fn saving_a_plan_can_be_ended_anywhere() {
    let number = enumerate("saving a plan", provisioning, |fleet, n| {
        let crashed = crashes(fleet, &["plan", "--out", "plan.json"], n);
        check_file(fleet, "plan.json", &format!("after a crash at point {n}"));
        assert_eq!(fleet.database.schemas(), [""; 0]);
        crashed
    });
    assert!(number >= 15, "{number} points are too few");
}
