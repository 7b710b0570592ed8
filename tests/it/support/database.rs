//! A database of its own for each test, gone with it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use postgres::{Client, Row};

use super::server::{DEPLOY, TestServer, Upstream, is_pooled, server};

/// A fresh database that [`DEPLOY`] may create schemas in.
pub struct Database {
    pub name: String,
    server: &'static TestServer,
}

impl Database {
    pub fn new() -> Self {
        Self::on(server())
    }

    /// On another server than the shared one.
    pub fn on(server: &'static TestServer) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let name = format!("t_{}_{number}", std::process::id());
        server
            .admin("postgres")
            .batch_execute(&format!("CREATE DATABASE {name}"))
            .expect("a database can be made");
        let database = Self { name, server };
        database.run(&format!(
            "GRANT CREATE ON DATABASE {} TO {DEPLOY}",
            database.name
        ));
        database
    }

    /// A copy of a database that nobody is connected to but perhaps a pooler.
    pub fn copy_of(original: &Self) -> Self {
        static COPYING: Mutex<()> = Mutex::new(());
        let copy = Self::on(original.server);
        let (from, to) = (&original.name, &copy.name);
        // One at a time: two that copy the same database would end each other's sessions.
        let _turn = COPYING.lock().unwrap_or_else(PoisonError::into_inner);
        original.run(
            "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
             WHERE datname = current_database() AND usename = 'tenantry_deploy' AND state = 'idle'",
        );
        let mut admin = copy.server.admin("postgres");
        admin
            .batch_execute(&format!("DROP DATABASE {to}"))
            .expect("it is empty");
        admin
            .batch_execute(&format!("CREATE DATABASE {to} TEMPLATE {from}"))
            .expect("nobody uses it");
        copy.run(&format!("GRANT CREATE ON DATABASE {to} TO {DEPLOY}"));
        copy
    }

    /// The URL the program gets.
    pub fn url(&self) -> String {
        self.server.url(&self.name)
    }

    /// The URL the program gets for what a pooler makes impossible; say why where it is used.
    pub fn direct_url(&self) -> String {
        self.server.direct_url(&self.name)
    }

    /// The URL of a superuser.
    pub fn superuser_url(&self) -> String {
        self.server.superuser_url(&self.name)
    }

    /// Where a proxy in front of it connects to.
    pub fn upstream(&self) -> Upstream {
        self.server.upstream()
    }

    /// A superuser's connection.
    pub fn admin(&self) -> Client {
        self.server.admin(&self.name)
    }

    /// Runs SQL as a superuser.
    pub fn run(&self, sql: &str) {
        self.admin()
            .batch_execute(sql)
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }

    /// Reads rows as a superuser.
    pub fn query(&self, sql: &str) -> Vec<Row> {
        self.admin()
            .query(sql, &[])
            .unwrap_or_else(|error| panic!("{sql}: {error:?}"))
    }

    /// The first column of every row, as text.
    pub fn texts(&self, sql: &str) -> Vec<String> {
        let sql = format!("SELECT x::text FROM ({sql}) AS q (x)");
        self.query(&sql)
            .iter()
            .map(|row| row.get::<_, Option<String>>(0).unwrap_or("NULL".into()))
            .collect()
    }

    /// One number.
    pub fn count(&self, sql: &str) -> i64 {
        self.query(sql)[0].get(0)
    }

    /// The names of the program's sessions that are in a transaction, such as `tenantry/<run>/acme`.
    pub fn sessions(&self) -> Vec<String> {
        self.texts(
            "SELECT application_name FROM pg_stat_activity WHERE datname = current_database() \
             AND pid <> pg_backend_pid() AND application_name LIKE 'tenantry/%' ORDER BY 1",
        )
    }

    /// The tenants among the program's sessions that are in a transaction.
    pub fn tenants_at_work(&self) -> Vec<String> {
        let named = |name: &String| name.split('/').nth(2).map(str::to_owned);
        self.sessions().iter().filter_map(named).collect()
    }

    /// Whether nobody but the test holds a session, and so nothing a lock; what a pooler keeps open doesn't count.
    pub fn is_quiet(&self) -> bool {
        let counted = if is_pooled() {
            "state <> 'idle'"
        } else {
            "true"
        };
        let sql = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND usename = '{DEPLOY}' AND {counted}"
        );
        self.count(&sql) == 0
    }

    /// The schemas that aren't PostgreSQL's.
    pub fn schemas(&self) -> Vec<String> {
        self.texts(
            "SELECT nspname FROM pg_namespace \
             WHERE nspname !~ '^pg_' AND nspname NOT IN ('information_schema', 'public') ORDER BY nspname COLLATE \"C\"",
        )
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // A test that failed may have left sessions; the server goes away with the run anyway.
        let _ = self.server.admin("postgres").batch_execute(&format!(
            "DROP DATABASE IF EXISTS {} WITH (FORCE)",
            self.name
        ));
    }
}
