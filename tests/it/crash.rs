//! The program is ended at every one of its crash points, one after the other; nothing is ever half done.
//!
//! The points stand before and after each message to the server and each file operation.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use postgres::Client;

use crate::support::database::Database;
use crate::support::every;
use crate::support::fleet::Fleet;
use crate::support::gate::until;

const TENANTS: [&str; 3] = ["acme", "globex", "hooli"];

/// What one tenant has in each of the places that must agree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    schema: Vec<String>,
    /// The columns of the template's table; each migration adds one.
    columns: Vec<String>,
    history: Vec<String>,
    control: Vec<String>,
    /// Versions, and `template`.
    ledger: Vec<String>,
    /// What the journal says was done, a text for each run that did something.
    steps: Vec<String>,
}

impl State {
    fn of(admin: &mut Client, tenant: &str) -> Self {
        let (table, history) = (format!("t_{tenant}.note"), format!("t_{tenant}.history"));
        let of_this = format!("(SELECT uid FROM tenantry.tenant WHERE id = '{tenant}')");
        let mut texts = |relation: &str, sql: &str| -> Vec<String> {
            let there = "SELECT to_regclass($1::text) IS NOT NULL";
            let there = admin.query_one(there, &[&relation]).expect("the catalog");
            if !there.get::<_, bool>(0) {
                return Vec::new();
            }
            let rows = admin.query(sql, &[]).expect("it is there");
            rows.iter().map(|row| row.get(0)).collect()
        };
        Self {
            schema: texts(
                "pg_namespace",
                &format!("SELECT nspname::text FROM pg_namespace WHERE nspname = 't_{tenant}'"),
            ),
            columns: texts(
                &table,
                &format!(
                    "SELECT attname::text FROM pg_attribute \
                     WHERE attnum > 0 AND attrelid = '{table}'::regclass ORDER BY attnum"
                ),
            ),
            history: texts(
                &history,
                &format!("SELECT version::text FROM {history} ORDER BY version"),
            ),
            control: texts(
                "tenantry.tenant",
                &format!("SELECT schema_name FROM tenantry.tenant WHERE id = '{tenant}'"),
            ),
            ledger: texts(
                "tenantry.ledger",
                &format!(
                    "SELECT coalesce(version::text, name) FROM tenantry.ledger \
                     WHERE tenant_uid = {of_this} ORDER BY entry"
                ),
            ),
            steps: texts(
                "tenantry.step",
                &format!(
                    "SELECT action FROM tenantry.step \
                     WHERE tenant = '{tenant}' AND status = 'applied' ORDER BY at"
                ),
            ),
        }
    }

    /// A tenant with so many migrations, made by these steps.
    fn at(tenant: &str, migrations: usize, steps: &[String]) -> Self {
        let texts = |of: &dyn Fn(usize) -> String| (1..=migrations).map(of).collect::<Vec<_>>();
        let own = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        let schema = vec![format!("t_{tenant}")];
        Self {
            control: schema.clone(),
            columns: [own(&["id", "body"]), texts(&|n| format!("c{n}"))].concat(),
            history: texts(&|n| n.to_string()),
            ledger: [own(&["template"]), texts(&|n| n.to_string())].concat(),
            steps: steps.to_vec(),
            schema,
        }
    }

    fn absent(_tenant: &str) -> Self {
        Self::default()
    }

    fn provisioned(tenant: &str) -> Self {
        let migrations = "V1__add_c1, V2__add_c2, V3__add_c3";
        let step = format!("create schema t_{tenant}, template base, {migrations}");
        Self::at(tenant, 3, &[step])
    }

    fn migrated(tenant: &str) -> Self {
        let steps = [
            Self::provisioned(tenant).steps,
            vec!["V4__add_c4".to_owned()],
        ]
        .concat();
        Self::at(tenant, 4, &steps)
    }
}

fn add_migration(fleet: &Fleet, number: usize) {
    let name = format!("V{number}__add_c{number}.sql");
    let sql = format!("ALTER TABLE note ADD COLUMN c{number} text;\n");
    fleet.migration(&name, &sql);
}

/// How a fleet stands before and after an apply.
struct Expected {
    before: fn(&str) -> State,
    after: fn(&str) -> State,
}

impl Expected {
    /// Every tenant is at one of both; how many still have to be applied.
    fn left(&self, fleet: &Fleet, when: &str) -> usize {
        let mut left = 0;
        let mut admin = fleet.database.admin();
        for tenant in TENANTS {
            let state = State::of(&mut admin, tenant);
            if state == (self.before)(tenant) {
                left += 1;
            } else {
                assert_eq!(state, (self.after)(tenant), "{tenant}, {when}");
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

/// Tries every point, two at a time, each from what `fresh` makes; about how many there are.
fn enumerate<F>(fresh: impl Fn() -> F + Sync, one: impl Fn(&F, usize) -> bool + Sync) -> usize {
    let next = AtomicUsize::new(1);
    let over = AtomicBool::new(false);
    let crashed = AtomicUsize::new(0);
    thread::scope(|scope| {
        let worker = || {
            while !over.load(Ordering::SeqCst) {
                let n = next.fetch_add(every(), Ordering::SeqCst);
                if one(&fresh(), n) {
                    crashed.fetch_add(1, Ordering::SeqCst);
                } else {
                    over.store(true, Ordering::SeqCst);
                }
            }
        };
        scope.spawn(worker);
        scope.spawn(worker);
    });
    crashed.into_inner() * every()
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
        before: State::absent,
        after: State::provisioned,
    };
    let found = Mutex::new(BTreeMap::new());
    let number = enumerate(provisioning, |fleet, n| {
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
    println!("provisioning: {number} crash points {found:#?}");
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
        before: State::provisioned,
        after: State::migrated,
    };
    let fresh = || {
        let mut fleet = provisioning();
        add_migration(&fleet, 4);
        fleet.database = Database::copy_of(&template.database);
        fleet
    };
    let number = enumerate(fresh, |fleet, n| {
        let when = format!("after a crash at point {n}");
        let crashed = crashes(fleet, &APPLY, n);
        if crashed {
            expected.check(fleet, &when);
        }
        crashed
    });
    println!("migrating: {number} crash points");
    assert!(number >= 50, "{number} points are too few");
}

#[test]
fn saving_a_plan_can_be_ended_anywhere() {
    let number = enumerate(provisioning, |fleet, n| {
        let crashed = crashes(fleet, &["plan", "--out", "plan.json"], n);
        check_file(fleet, "plan.json", &format!("after a crash at point {n}"));
        assert_eq!(fleet.database.schemas(), [""; 0]);
        crashed
    });
    println!("saving a plan: {number} crash points");
    assert!(number >= 15, "{number} points are too few");
}
