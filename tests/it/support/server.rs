//! The one server of a test run, and the two roles that every test's program runs with.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::OnceLock;

use postgres::config::Host;
use postgres::{Client, Config, NoTls};
use tenantry::server::Server;

/// The role the program connects as: no superuser, CREATE on its database, member of [`OWNER`].
pub const DEPLOY: &str = "tenantry_deploy";

/// The role that owns tenants' schemas.
pub const OWNER: &str = "tenantry_owner";

/// Of [`DEPLOY`], for servers that ask.
const PASSWORD: &str = "tests-only";

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

/// A throwaway server, fetched where none is installed.
pub fn start(settings: &[(&str, &str)]) -> Server {
    let tell = |line: &str| writeln!(std::io::stderr(), "{line}").expect("stderr takes a line");
    Server::start_or_fetch(settings, &tell).unwrap_or_else(|error| {
        panic!(
            "the tests need a PostgreSQL: {error}. {}",
            error.hint.as_deref().unwrap_or_default()
        )
    })
}

impl TestServer {
    fn find() -> Self {
        if let Ok(url) = std::env::var("TENANTRY_TEST_DATABASE_URL") {
            let admin = url
                .parse()
                .expect("TENANTRY_TEST_DATABASE_URL is a connection URL");
            return Self { admin, own: None };
        }
        let own = start(SETTINGS);
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

    /// The URL the program gets for a database.
    pub fn url(&self, database: &str) -> String {
        let port = self.admin.get_ports().first().copied().unwrap_or(5432);
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
        self.url(database).replacen(
            &format!("{DEPLOY}:{PASSWORD}"),
            &format!("{user}:{password}"),
            1,
        )
    }

    /// Where a proxy connects to.
    pub fn upstream(&self) -> Upstream {
        let port = self.admin.get_ports().first().copied().unwrap_or(5432);
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
