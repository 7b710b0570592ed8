//! The raw side: the same SQL over the driver alone. It shares nothing with the product but the SQL.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use postgres::types::Type;
use postgres::{Client, NoTls, SimpleQueryMessage};

use crate::Failure;
use crate::workload::File;

/// Connections that are open before the clock starts.
pub struct Raw {
    clients: Vec<Client>,
}

impl Raw {
    /// Opens as many connections as there are workers.
    pub fn connect(url: &str, workers: usize) -> Result<Self, Failure> {
        let clients = (0..workers).map(|_| Client::connect(url, NoTls));
        Ok(Self {
            clients: clients.collect::<Result<_, _>>()?,
        })
    }

    /// Makes these schemas: one transaction each, its files and history in one message.
    pub fn provision(
        &mut self,
        schemas: &[String],
        template: &[File],
        migrations: &[File],
    ) -> Result<Duration, Failure> {
        let template: String = template.iter().map(|(_, text)| text.as_str()).collect();
        let sql = template + HISTORY + &recorded(migrations);
        self.run(schemas, &sql, |schema| format!("CREATE SCHEMA {schema};"))
    }

    /// Runs a migration in each of these schemas, likewise.
    pub fn migrate(&mut self, schemas: &[String], migration: &File) -> Result<Duration, Failure> {
        let sql = recorded(std::slice::from_ref(migration));
        self.run(schemas, &sql, |_| String::new())
    }

    fn run(
        &mut self,
        schemas: &[String],
        sql: &str,
        before: impl Fn(&str) -> String + Sync,
    ) -> Result<Duration, Failure> {
        // One text for all, so that its statements start at the same offsets.
        let files = format!("{sql}COMMIT");
        let open = |schema: &str| {
            let schema = format!("\"{schema}\"");
            let before = before(&schema);
            format!("BEGIN; {before} SET LOCAL search_path = {schema}, pg_temp")
        };
        self.each(schemas, |client, schema| {
            client.batch_execute(&open(schema))?;
            Ok(client.batch_execute(&files)?)
        })
    }

    /// Hands the tenants out to the connections.
    fn each(
        &mut self,
        tenants: &[String],
        work: impl Fn(&mut Client, &str) -> Result<(), Failure> + Sync,
    ) -> Result<Duration, Failure> {
        let next = AtomicUsize::new(0);
        let one_by_one = |client: &mut Client| -> Result<(), Failure> {
            while let Some(tenant) = tenants.get(next.fetch_add(1, Ordering::Relaxed)) {
                work(client, tenant)?;
            }
            Ok(())
        };
        let started = Instant::now();
        std::thread::scope(|scope| {
            let workers: Vec<_> = self
                .clients
                .iter_mut()
                .map(|client| scope.spawn(|| one_by_one(client)))
                .collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().map_err(|_| "a raw worker panicked")?)
        })?;
        Ok(started.elapsed())
    }

    /// Runs a migration in each of these tenants' schemas as a tool must that keeps its word: under the tenant's lock,
    /// after a look at what it stands on, bounded in time, and with the rows of ledger, journal and tenant. The fewest
    /// messages and statements that do it.
    pub fn migrate_safely(
        &mut self,
        ids: &[String],
        migration: &File,
    ) -> Result<Duration, Failure> {
        let client = self.clients.first_mut().ok_or("no connection")?;
        let known = client.query_one(
            "SELECT (SELECT run FROM tenantry.run LIMIT 1)::text, \
             (SELECT sha256 FROM tenantry.content WHERE kind = 'migration' LIMIT 1)",
            &[],
        )?;
        let (run, sha256): (String, String) = (known.get(0), known.get(1));
        let files = recorded(std::slice::from_ref(migration));
        self.each(ids, |client, id| {
            let opened = client.simple_query(&opening(id))?;
            let uid = opened.iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.try_get("uid").ok().flatten(),
                _ => None,
            });
            let uid = uid.ok_or("no such tenant")?;
            Ok(client.batch_execute(&format!("{files}{}", rows(uid, id, &run, &sha256)))?)
        })
    }

    /// Asks by hand what a no-op plan asks; the number of history rows.
    pub fn observe(&mut self) -> Result<(Duration, usize), Failure> {
        let client = self.clients.first_mut().ok_or("no connection")?;
        let started = Instant::now();
        let rows = observe(client)?;
        Ok((started.elapsed(), rows))
    }
}

/// The lock, the tenant's row and history, and what bounds the transaction.
fn opening(id: &str) -> String {
    format!(
        "BEGIN; SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL lock_timeout = 5000; \
         SET LOCAL statement_timeout = 600000; SET LOCAL idle_in_transaction_session_timeout = 60000; \
         SET LOCAL client_connection_check_interval = 500; SET LOCAL application_name = 'by hand/{id}'; \
         SELECT pg_try_advisory_xact_lock(hashtextextended('tenantry/tenant/{id}', 0)); \
         SELECT uid, schema_name, template, history_table, state FROM tenantry.tenant WHERE id = '{id}'; \
         SELECT version, name, checksum FROM \"tenant_{id}\".refinery_schema_history ORDER BY version; \
         SET LOCAL search_path = \"tenant_{id}\", pg_temp"
    )
}

/// What is recorded with the work, and its end.
fn rows(uid: &str, id: &str, run: &str, sha256: &str) -> String {
    format!(
        "INSERT INTO tenantry.ledger (tenant_uid, run, sha256, direction, version, name) \
         VALUES ('{uid}', '{run}', '{sha256}', 'up', 5, 'later'); \
         INSERT INTO tenantry.step (run, tenant, action, status, took_ms) \
         VALUES ('{run}', '{id}', 'migrate by hand', 'applied', 1); \
         UPDATE tenantry.tenant SET changed_at = clock_timestamp() WHERE uid = '{uid}'; COMMIT"
    )
}

/// The name of the table below.
const HISTORY_TABLE: &str = "refinery_schema_history";

/// refinery's history table, which a stock runner makes in every schema too.
const HISTORY: &str = "CREATE TABLE IF NOT EXISTS refinery_schema_history(\
     version INT8 PRIMARY KEY, name VARCHAR(255), applied_on VARCHAR(255), checksum VARCHAR(255));\n";

/// Migrations, each with its row of the history.
fn recorded(migrations: &[File]) -> String {
    let one = |(name, text): &File| {
        let name = name.trim_start_matches('V').trim_end_matches(".sql");
        let (version, name) = name.split_once("__").unwrap_or((name, ""));
        format!(
            "{text}INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
             VALUES ({version}, '{name}', '2026-01-01T00:00:00.000000000Z', '12345678901234567890');\n"
        )
    };
    migrations.iter().map(one).collect()
}

/// Histories a message, as the product reads them.
const PER_MESSAGE: usize = 100;

fn observe(client: &mut Client) -> Result<usize, Failure> {
    client.batch_execute(
        "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; \
         SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL jit = off",
    )?;
    client.query_typed(include_str!("../../src/pg/queries/server.sql"), &[])?;
    let tables = ["fleet", "schema_history", "tenant"]
        .map(str::to_owned)
        .to_vec();
    client.query_typed(
        include_str!("../../src/pg/queries/control_state.sql"),
        &[(&tables, Type::TEXT_ARRAY)],
    )?;
    client.query_typed(include_str!("../../src/pg/queries/fleet.sql"), &[])?;
    let tenants = client.query_typed(include_str!("../../src/pg/queries/tenants.sql"), &[])?;
    let histories = vec![HISTORY_TABLE.to_owned()];
    client.query_typed(
        include_str!("../../src/pg/queries/schemas.sql"),
        &[(&histories, Type::TEXT_ARRAY)],
    )?;
    client.query_typed(include_str!("../../src/pg/queries/extensions.sql"), &[])?;
    client.batch_execute("COMMIT")?;
    let schemas: Vec<String> = tenants.iter().map(|row| row.get(2)).collect();
    schemas
        .chunks(PER_MESSAGE)
        .map(|chunk| histories_of(client, chunk))
        .sum()
}

fn histories_of(client: &mut Client, schemas: &[String]) -> Result<usize, Failure> {
    let selects: Vec<String> = schemas
        .iter()
        .map(|schema| {
            format!(
                "SELECT version, name, checksum FROM \"{schema}\".refinery_schema_history ORDER BY version;"
            )
        })
        .collect();
    let messages = client.simple_query(&format!("BEGIN READ ONLY;{}COMMIT", selects.concat()))?;
    let is_row = |message: &&SimpleQueryMessage| matches!(message, SimpleQueryMessage::Row(_));
    Ok(messages.iter().filter(is_row).count())
}
