//! The raw side: the same SQL over the driver alone. It shares nothing with the product but the SQL.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use postgres::types::Type;
use postgres::{Client, NoTls};

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
        let next = AtomicUsize::new(0);
        let started = Instant::now();
        std::thread::scope(|scope| {
            let workers: Vec<_> = self
                .clients
                .iter_mut()
                .map(|client| scope.spawn(|| work(client, schemas, &next, &before, &files)))
                .collect();
            workers
                .into_iter()
                .try_for_each(|worker| worker.join().map_err(|_| "a raw worker panicked")?)
        })?;
        Ok(started.elapsed())
    }

    /// Asks by hand what a no-op plan asks; the number of history rows.
    pub fn observe(&mut self) -> Result<(Duration, usize), Failure> {
        let client = self.clients.first_mut().ok_or("no connection")?;
        let started = Instant::now();
        let rows = observe(client)?;
        Ok((started.elapsed(), rows))
    }
}

fn work(
    client: &mut Client,
    schemas: &[String],
    next: &AtomicUsize,
    before: &(impl Fn(&str) -> String + Sync),
    files: &str,
) -> Result<(), Failure> {
    while let Some(schema) = schemas.get(next.fetch_add(1, Ordering::Relaxed)) {
        let schema = format!("\"{schema}\"");
        let open = format!(
            "BEGIN; {} SET LOCAL search_path = {schema}, pg_temp",
            before(&schema)
        );
        client.batch_execute(&open)?;
        client.batch_execute(files)?;
    }
    Ok(())
}

/// The name of the table below.
pub const HISTORY_TABLE: &str = "refinery_schema_history";

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
    let is_row = |message: &&postgres::SimpleQueryMessage| {
        matches!(message, postgres::SimpleQueryMessage::Row(_))
    };
    Ok(messages.iter().filter(is_row).count())
}
