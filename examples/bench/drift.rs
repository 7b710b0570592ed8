//! Which tenants are alike: the product's keys against one query by hand that hashes the same.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use postgres::types::Type;
use postgres::{Client, NoTls};
use tenantry::model::desired::Cluster;
use tenantry::pg::clients::Clients;
use tenantry::pg::fleet_hash;
use tenantry::pg::settings;

use crate::Failure;
use crate::product;
use crate::raw::{HISTORY_TABLE, Raw};
use crate::workload::{File, Workload};

/// A template full of objects that name objects of their own schema.
const NESTED: &str = include_str!("../../tests/it/groups/template.sql");

const BY_HAND: &str = include_str!("fleet_hash.sql");

/// What both sides are to find alike, and what it is called.
pub fn templates(work: &Workload) -> [(&'static str, Vec<File>, &[File]); 2] {
    let nested = vec![("nested.sql".to_owned(), NESTED.to_owned())];
    [
        ("the workload", work.template.clone(), &work.migrations),
        ("a template of nested objects", nested, &[]),
    ]
}

/// Makes a fleet by raw SQL.
pub fn make(
    url: &str,
    tenants: usize,
    template: &[File],
    migrations: &[File],
) -> Result<(), Failure> {
    let mut raw = Raw::connect(url, 2)?;
    raw.provision(&product::schemas(tenants), template, migrations)?;
    Ok(())
}

/// A fleet whose tenants are all alike.
pub struct Alike {
    url: String,
    schemas: Vec<u32>,
    histories: Vec<String>,
    server: i32,
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
        let version =
            client.query_one("SELECT current_setting('server_version_num')::int4", &[])?;
        Ok(Self {
            url: url.to_owned(),
            schemas: rows.iter().map(|row| row.get(0)).collect(),
            histories: vec![HISTORY_TABLE.to_owned(); tenants],
            server: version.get(0),
            warm: RefCell::new(client),
        })
    }

    /// The product's way, over fresh connections.
    pub fn keys(&self) -> Result<Duration, Failure> {
        let target = settings::resolve(Some(&self.url), &Cluster::default(), &|_| None)?;
        let started = Instant::now();
        let clients = Clients::new(target);
        let keys = fleet_hash::keys(&clients, &self.schemas, &[], &self.histories, self.server)?;
        let took = started.elapsed();
        let groups: BTreeSet<u128> = keys.by_schema.values().copied().collect();
        self.check(keys.by_schema.len(), groups.len())
            .map(|()| took)
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

    /// The most memory in KiB that any of the product's server processes needed, without what they share.
    pub fn memory(&self) -> Result<u64, Failure> {
        let mut watcher = Client::connect(&self.url, NoTls)?;
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
            let keys = self.keys();
            done.store(true, Ordering::Relaxed);
            keys?;
            watching.join().map_err(|_| "the watcher panicked")?
        })
    }
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
