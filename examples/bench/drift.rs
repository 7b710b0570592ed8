//! Which tenants are alike: the product's keys against one query by hand that hashes the same.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use postgres::types::Type;
use postgres::{Client, NoTls};

use crate::Failure;
use crate::product;
use crate::workload::Workload;

/// A template full of objects that name objects of their own schema.
const NESTED: &str = include_str!("../../tests/it/groups/template.sql");

const BY_HAND: &str = include_str!("fleet_hash.sql");

/// The text of one schema, to be prepared once.
const CANONICAL: &str = include_str!("canonical.sql");

/// The templates that fleets are made of, and what they are called.
pub fn templates(work: &Workload) -> [(&'static str, Workload); 2] {
    let nested = Workload {
        template: vec![("010_nested.sql".to_owned(), NESTED.to_owned())],
        migrations: Vec::new(),
        later: work.later.clone(),
    };
    [
        ("the workload", work.clone()),
        ("a template of nested objects", nested),
    ]
}

/// A fleet whose tenants are all alike, looked at by hand.
pub struct Alike {
    url: String,
    schemas: Vec<u32>,
    /// For the second of two times, which is no longer the first on its connection.
    warm: RefCell<Client>,
}

impl Alike {
    pub fn find(url: &str, tenants: usize) -> Result<Self, Failure> {
        let mut client = Client::connect(url, NoTls)?;
        let names = product::schemas(tenants);
        let rows = client.query(
            "SELECT oid FROM pg_namespace WHERE nspname = ANY ($1)",
            &[&names],
        )?;
        Ok(Self {
            url: url.to_owned(),
            schemas: rows.iter().map(|row| row.get(0)).collect(),
            warm: RefCell::new(client),
        })
    }

    /// By hand, over a fresh connection.
    pub fn by_hand_cold(&self) -> Result<Duration, Failure> {
        let started = Instant::now();
        self.by_hand(&mut Client::connect(&self.url, NoTls)?)?;
        Ok(started.elapsed())
    }

    /// By hand, over a connection that did it before.
    pub fn by_hand_warm(&self) -> Result<Duration, Failure> {
        let started = Instant::now();
        self.by_hand(&mut self.warm.borrow_mut())?;
        Ok(started.elapsed())
    }

    fn by_hand(&self, client: &mut Client) -> Result<(), Failure> {
        client.batch_execute(
            "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL search_path = ''; SET LOCAL jit = off; \
             SET LOCAL enable_sort = off; SET LOCAL work_mem = '256MB'; SET LOCAL max_parallel_workers_per_gather = 0; \
             SET LOCAL lock_timeout = '5s'",
        )?;
        let rows = client.query_typed(BY_HAND, &[(&self.schemas, Type::OID_ARRAY)])?;
        client.batch_execute("COMMIT")?;
        let groups: BTreeSet<(i64, i64)> =
            rows.iter().map(|row| (row.get(4), row.get(5))).collect();
        self.check(rows.len(), groups.len())
    }

    fn check(&self, schemas: usize, groups: usize) -> Result<(), Failure> {
        if (schemas, groups) == (self.schemas.len(), 1) {
            Ok(())
        } else {
            Err(format!("{schemas} schemas in {groups} groups; all should be alike").into())
        }
    }

    /// Runs SQL that names a tenant's schema and number, on every so manieth of them.
    pub fn change(&self, every: usize, sql: impl Fn(&str, usize) -> String) -> Result<(), Failure> {
        let mut client = Client::connect(&self.url, NoTls)?;
        let schemas = product::schemas(self.schemas.len());
        for (number, schema) in schemas.iter().enumerate().step_by(every) {
            client.batch_execute(&sql(schema, number))?;
        }
        Ok(())
    }

    /// Has every reference built anew.
    pub fn forget(&self) -> Result<(), Failure> {
        let mut client = Client::connect(&self.url, NoTls)?;
        Ok(client.batch_execute("DELETE FROM tenantry.reference")?)
    }
}

/// Reads the text of each schema by a cached plan, over two connections.
pub fn canonical(url: &str, tenants: usize) -> Result<Duration, Failure> {
    let schemas = product::schemas(tenants);
    let half = |schemas: &[String]| -> Result<(), Failure> {
        let mut client = Client::connect(url, NoTls)?;
        client.batch_execute("SET plan_cache_mode = force_generic_plan; SET jit = off")?;
        let canonical = client.prepare(CANONICAL)?;
        for schema in schemas {
            client.query_one(&canonical, &[schema])?;
        }
        Ok(())
    };
    let started = Instant::now();
    let (first, second) = schemas.split_at(tenants / 2);
    thread::scope(|scope| {
        let other = scope.spawn(|| half(second));
        half(first)?;
        other.join().map_err(|_| "a reader panicked")?
    })?;
    Ok(started.elapsed())
}

/// The most memory in KiB that any of the product's server processes needs during this work, without what they share.
pub fn memory(url: &str, work: impl FnOnce() -> Result<(), Failure>) -> Result<u64, Failure> {
    let mut watcher = Client::connect(url, NoTls)?;
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let watching = scope.spawn(|| {
            let mut most = 0;
            while !done.load(Ordering::Relaxed) {
                most = most.max(largest(&mut watcher)?);
                thread::sleep(Duration::from_millis(10));
            }
            Ok(most)
        });
        let worked = work();
        done.store(true, Ordering::Relaxed);
        worked?;
        watching.join().map_err(|_| "the watcher panicked")?
    })
}

fn largest(watcher: &mut Client) -> Result<u64, Failure> {
    let sql = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'tenantry/%'";
    let rows = watcher.query(sql, &[])?;
    Ok(rows
        .iter()
        .map(|row| own_memory(row.get(0)))
        .max()
        .unwrap_or(0))
}

/// None where it has ended, or where the server isn't on this machine.
fn own_memory(pid: i32) -> u64 {
    let rollup = std::fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let kib = |line: &str| -> Option<u64> {
        let (name, number) = line.split_once(':')?;
        let is_own = ["Pss_Anon", "Pss_File"].contains(&name);
        number
            .split_whitespace()
            .next()?
            .parse()
            .ok()
            .filter(|_| is_own)
    };
    rollup.lines().filter_map(kib).sum()
}
