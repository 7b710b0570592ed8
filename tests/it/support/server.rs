//! The one server of a test run, and the two roles that every test's program runs with.

use std::path::PathBuf;
use std::sync::OnceLock;

use postgres::config::Host;
use postgres::{Client, Config, NoTls};
use tenantry::server::Server;

use super::pooler::{Pooler, Pooling};

/// The role the program connects as: no superuser, CREATE on its database, member of [`OWNER`].
pub const DEPLOY: &str = "tenantry_deploy";

/// The role that owns tenants' schemas.
pub const OWNER: &str = "tenantry_owner";

/// Of [`DEPLOY`], for servers that ask.
pub const PASSWORD: &str = "tests-only";

/// Small on purpose, so that tests meet limits early; every statement is logged.
const SETTINGS: &[(&str, &str)] = &[
    ("max_connections", "100"),
    ("deadlock_timeout", "100ms"),
    ("log_statement", "all"),
    ("log_line_prefix", "%a|%d|"),
];

/// Where the tests' databases are made.
pub struct TestServer {
    admin: Config,
    /// None when a server was given.
    own: Option<Server>,
}

/// The shared server, started when it is first asked for.
pub fn server() -> &'static TestServer {
    static SERVER: OnceLock<TestServer> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = TestServer::find();
        server.make_roles();
        server
    })
}

/// The PgBouncer that all tests' programs go through, if this is to be.
fn pooler() -> Option<&'static Pooler> {
    static POOLER: OnceLock<Option<Pooler>> = OnceLock::new();
    let wanted = || std::env::var_os("TENANTRY_TEST_POOLED").is_some_and(|value| value == "1");
    let start = || wanted().then(|| Pooler::start(POOLING));
    POOLER.get_or_init(start).as_ref()
}

/// Whether the program goes through PgBouncer.
pub fn is_pooled() -> bool {
    pooler().is_some()
}

/// Enough for the workers of any one test and the run lock, and fewer than all clients of the suite.
const POOLING: Pooling<'_> = Pooling::of(10);

impl TestServer {
    fn find() -> Self {
        if let Ok(url) = std::env::var("TENANTRY_TEST_DATABASE_URL") {
            let admin = url
                .parse()
                .expect("TENANTRY_TEST_DATABASE_URL is a connection URL");
            return Self { admin, own: None };
        }
        let own = Server::start(SETTINGS).unwrap_or_else(|error| {
            panic!(
                "the tests need a PostgreSQL: {error}. {}",
                error.hint.as_deref().unwrap_or_default()
            )
        });
        let admin = own
            .url("postgres", "postgres")
            .parse()
            .expect("the server gives a URL");
        Self {
            admin,
            own: Some(own),
        }
    }

    /// The tests share one server, and a role belongs to all of its databases.
    fn make_roles(&self) {
        let mut admin = self.admin("postgres");
        for role in [OWNER, DEPLOY, "app_owner"] {
            let login = if role == DEPLOY {
                format!("LOGIN PASSWORD '{PASSWORD}'")
            } else {
                String::new()
            };
            admin
                .batch_execute(&format!(
                    "DO $$ BEGIN CREATE ROLE {role} NOSUPERUSER NOBYPASSRLS {login}; \
                     EXCEPTION WHEN duplicate_object THEN NULL; END $$"
                ))
                .expect("roles can be made");
        }
        admin
            .batch_execute(&format!("GRANT {OWNER}, app_owner TO {DEPLOY}"))
            .expect("the connecting role is a member of the owners");
    }

    /// A superuser's connection: prepares and judges.
    pub fn admin(&self, database: &str) -> Client {
        let mut config = self.admin.clone();
        config.dbname(database);
        config.connect(NoTls).expect("a superuser can connect")
    }

    /// The URL the program gets for a database; with `TENANTRY_TEST_POOLED` it leads through PgBouncer.
    pub fn url(&self, database: &str) -> String {
        pooler().map_or_else(|| self.direct_url(database), |pooler| pooler.url(database))
    }

    /// The URL without anything between, for what a pooler makes impossible.
    pub fn direct_url(&self, database: &str) -> String {
        let port = self.port();
        let host = match self.admin.get_hosts().first() {
            Some(Host::Tcp(name)) => name.clone(),
            Some(Host::Unix(folder)) => folder.display().to_string().replace('/', "%2F"),
            None => panic!("the server's URL names no host"),
        };
        format!("postgres://{DEPLOY}:{PASSWORD}@{host}:{port}/{database}?sslmode=disable")
    }

    /// A superuser's URL, for the few things that need one.
    pub fn superuser_url(&self, database: &str) -> String {
        let user = self.admin.get_user().unwrap_or("postgres");
        let password = self.admin.get_password().unwrap_or_default();
        let password = String::from_utf8_lossy(password);
        self.direct_url(database).replacen(
            &format!("{DEPLOY}:{PASSWORD}"),
            &format!("{user}:{password}"),
            1,
        )
    }

    pub fn port(&self) -> u16 {
        self.admin.get_ports().first().copied().unwrap_or(5432)
    }

    /// Where a proxy connects to.
    pub fn upstream(&self) -> Upstream {
        let port = self.port();
        match self.admin.get_hosts().first() {
            Some(Host::Tcp(name)) => Upstream::Tcp(name.clone(), port),
            Some(Host::Unix(folder)) => Upstream::Unix(folder.join(format!(".s.PGSQL.{port}"))),
            None => panic!("the server's URL names no host"),
        }
    }

    /// The throwaway server itself, for tests that need its files; none when a server was given.
    pub fn own(&self) -> Option<&Server> {
        self.own.as_ref()
    }
}

/// The URL a program gets that goes through a proxy on this port.
pub fn url_through(port: u16, database: &str) -> String {
    format!("postgres://{DEPLOY}:{PASSWORD}@127.0.0.1:{port}/{database}?sslmode=disable")
}

/// A server's address.
#[derive(Clone, Debug)]
pub enum Upstream {
    Tcp(String, u16),
    Unix(PathBuf),
}
