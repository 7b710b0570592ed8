//! The one server of a test run, and the two roles that every test's program runs with.

use std::io::Write as _;
use std::path::PathBuf;
use std::sync::{Mutex, OnceLock};

use postgres::config::Host;
use postgres::{Client, Config, NoTls};
use rustix::process::{Pid, Signal, kill_process};
use tenantry::error::Error;
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
    /// By all tests; a pooler stands before this one alone.
    is_shared: bool,
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
/// A server of a test's own, to be frozen or ended. It goes when the tests' process does.
pub struct OwnServer {
    pub server: TestServer,
    process: Mutex<Server>,
}

impl OwnServer {
    pub fn new() -> &'static Self {
        let process = start(SETTINGS);
        let server = TestServer {
            admin: admin_of(&process),
            own: None,
            is_shared: false,
        };
        server.make_roles();
        // Databases refer to it, and there are few of its kind.
        Box::leak(Box::new(Self {
            server,
            process: Mutex::new(process),
        }))
    }

    /// Ends it as a crash would and starts it again on the same data.
    pub fn restart(&self) {
        let mut process = self.process.lock().expect("nobody panics with it");
        process.restart_immediate().expect("it comes up again");
    }

    /// Sends a signal to the postmaster and to all of its processes.
    pub fn signal(&self, signal: Signal) {
        let postmaster = self.process.lock().expect("nobody panics with it").pid();
        let pid =
            |number: u32| Pid::from_raw(i32::try_from(number).expect("a pid")).expect("a pid");
        for child in children_of(postmaster) {
            // It may have ended by now.
            let _ = kill_process(pid(child), signal);
        }
        kill_process(pid(postmaster), signal).expect("the postmaster is there");
    }
}

/// The processes that a process has started.
fn children_of(parent: u32) -> Vec<u32> {
    let processes = std::fs::read_dir("/proc").expect("Linux");
    let names = processes.filter_map(|one| one.ok()?.file_name().into_string().ok());
    let pids = names.filter_map(|name| name.parse().ok());
    pids.filter(|pid| parent_of(*pid) == Some(parent)).collect()
}

/// `/proc/<pid>/stat` holds the pid, the name in brackets, the state and the parent.
fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(')')?
        .1
        .split_whitespace()
        .nth(1)?
        .parse()
        .ok()
}

/// A throwaway server, fetched where none is installed.
pub fn start(settings: &[(&str, &str)]) -> Server {
    try_start(settings).unwrap_or_else(|error| {
        panic!(
            "the tests need a PostgreSQL: {error}. {}",
            error.hint.as_deref().unwrap_or_default()
        )
    })
}

/// The same, for settings that not every build knows.
pub fn try_start(settings: &[(&str, &str)]) -> Result<Server, Error> {
    let tell = |line: &str| writeln!(std::io::stderr(), "{line}").expect("stderr takes a line");
    Server::start_or_fetch(settings, &tell)
}

fn admin_of(server: &Server) -> Config {
    let url = server.url("postgres", "postgres");
    url.parse().expect("the server gives a URL")
}

impl TestServer {
    fn find() -> Self {
        if let Ok(url) = std::env::var("TENANTRY_TEST_DATABASE_URL") {
            let admin = url
                .parse()
                .expect("TENANTRY_TEST_DATABASE_URL is a connection URL");
            return Self {
                admin,
                own: None,
                is_shared: true,
            };
        }
        let own = start(SETTINGS);
        Self {
            admin: admin_of(&own),
            own: Some(own),
            is_shared: true,
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
        let pooler = pooler().filter(|_| self.is_shared);
        pooler.map_or_else(|| self.direct_url(database), |pooler| pooler.url(database))
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
