//! Connections against a throwaway server.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

use crate::model::desired::{Cluster, Timeouts};
use crate::server::{Server, for_tests};

use super::catalog;
use super::clients::Clients;
use super::error::PgError;
use super::settings::{Target, resolve};
use super::wire::{Wire, begin_reading, guards};

fn target(url: &str) -> Target {
    let cluster = Cluster {
        url: Some(url.to_owned()),
        parallel: None,
    };
    resolve(None, &cluster, &|_| None).unwrap()
}

/// Starts a server, or shares the one that other tests use at the moment.
fn shared() -> Arc<Server> {
    static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap();
    shared.upgrade().unwrap_or_else(|| {
        let server = Arc::new(for_tests(&[]));
        *shared = Arc::downgrade(&server);
        server
    })
}

pub(super) fn started() -> (Arc<Server>, Clients) {
    let server = shared();
    let clients = clients_of(&server);
    (server, clients)
}

fn clients_of(server: &Server) -> Clients {
    Clients::new(target(&server.url("postgres", "postgres")))
}

pub(super) fn text(wire: &mut Wire, sql: &str) -> String {
    let sets = wire.simple(sql).unwrap();
    sets.last().unwrap().rows[0].get(0).unwrap().to_owned()
}

fn until(what: &str, mut done: impl FnMut() -> bool) {
    let since = Instant::now();
    while !done() {
        assert!(since.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Flag, cluster and environment.
type Case<'a> = (Option<&'a str>, &'a Cluster, &'a [(&'a str, &'a str)]);

#[test]
fn every_source_of_settings_leads_to_the_server() {
    let server = shared();
    let url = server.url("postgres", "postgres");
    let socket = server.socket_folder().to_str().unwrap().to_owned();
    let keywords = format!("host={socket} user=postgres dbname=postgres");
    let none = Cluster {
        url: None,
        parallel: None,
    };
    let declared = Cluster {
        url: Some("${URL}".to_owned()),
        parallel: None,
    };
    let cases: [Case; 6] = [
        (Some(&url), &none, &[]),
        (
            Some(&keywords),
            &declared,
            &[("URL", "postgres://elsewhere")],
        ),
        (None, &declared, &[("URL", &url)]),
        (None, &none, &[("TENANTRY_DATABASE_URL", &url)]),
        (None, &none, &[("DATABASE_URL", &url)]),
        (None, &none, &[("PGHOST", &socket), ("PGUSER", "postgres")]),
    ];
    for (flag, cluster, env) in cases {
        let lookup = |name: &str| {
            let found = env.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let target = resolve(flag, cluster, &lookup).unwrap();
        assert_eq!(
            target.place(),
            format!("{socket}:5432/postgres as postgres")
        );
        let mut wire = Wire::connect(&target).unwrap();
        assert_eq!(text(&mut wire, "SHOW application_name"), "tenantry");
    }
}

#[test]
fn a_connection_is_used_again_and_a_doubtful_one_is_not() {
    let (_server, clients) = started();
    let backend = || {
        clients
            .with(|wire| Ok::<_, PgError>(text(wire, "SELECT pg_backend_pid()")))
            .unwrap()
    };
    let first = backend();
    assert_eq!(backend(), first);
    let error = clients.with(|wire| wire.run("SELECT 1/0")).unwrap_err();
    assert_eq!(error.sqlstate.as_deref(), Some("22012"));
    assert!(!error.closed);
    let second = backend();
    assert_ne!(second, first);
    let wire = clients.connect().unwrap();
    clients.put_back(wire);
    assert_ne!(backend(), second);
}

#[test]
fn a_panic_leaves_nothing_busy_and_the_clients_of_use() {
    let (_server, clients) = started();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        clients.with(|_| -> Result<(), PgError> { panic!("asked to") })
    }));
    assert!(panicked.is_err());
    assert!(format!("{clients:?}").contains("0 busy"), "{clients:?}");
    clients.with(|wire| wire.run("SELECT")).unwrap();
}

#[test]
fn all_that_runs_is_cancelled_and_nothing_else() {
    let (_server, clients) = started();
    let mut own = clients.connect().unwrap();
    let mut watch = clients.connect().unwrap();
    own.run("BEGIN").unwrap();
    let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
    std::thread::scope(|scope| {
        let sleep = || {
            clients
                .with(|wire| wire.run("SELECT pg_sleep(60)"))
                .unwrap_err()
        };
        let sleepers = [scope.spawn(sleep), scope.spawn(sleep)];
        until("both sleep", || text(&mut watch, asleep) == "2");
        clients.cancel_all();
        for sleeper in sleepers {
            let error = sleeper.join().unwrap();
            assert_eq!(error.sqlstate.as_deref(), Some("57014"));
        }
    });
    own.run("COMMIT").unwrap();
}

#[test]
fn notices_belong_to_their_connection() {
    let (_server, clients) = started();
    let mut first = clients.connect().unwrap();
    let mut second = clients.connect().unwrap();
    first
        .run("DO $$BEGIN RAISE NOTICE 'one'; RAISE WARNING USING MESSAGE = 'two', ERRCODE = '01000'; END$$")
        .unwrap();
    let heard: Vec<_> = first
        .take_notices()
        .iter()
        .map(|notice| format!("{} {} {}", notice.severity, notice.sqlstate, notice.message))
        .collect();
    assert_eq!(heard, ["NOTICE 00000 one", "WARNING 01000 two"]);
    assert_eq!(first.take_notices(), []);
    assert_eq!(second.take_notices(), []);
}

#[test]
fn nul_is_refused_before_anything_is_sent() {
    let (_server, clients) = started();
    let mut wire = clients.connect().unwrap();
    let error = wire.run("SELECT '\0'").unwrap_err();
    assert!(!error.closed, "{error:?}");
    assert_eq!(error.sqlstate, None);
    wire.run("SELECT").unwrap();
}

#[test]
fn lost_connections_say_so_and_take_the_idle_ones_along() {
    let mut server = for_tests(&[]);
    let clients = clients_of(&server);
    let mut killed = clients.connect().unwrap();
    let error = killed
        .run("SELECT pg_terminate_backend(pg_backend_pid())")
        .unwrap_err();
    // When the end of the stream is read together with the server's last words, the driver may keep only the end.
    assert!(
        matches!(error.sqlstate.as_deref(), None | Some("57P01")),
        "{error:?}"
    );
    assert!(error.closed, "{error:?}");
    for _ in 0..3 {
        clients.put_back(clients.connect().unwrap());
    }
    server.restart_immediate().unwrap();
    let error = clients.with(|wire| wire.run("SELECT")).unwrap_err();
    assert!(error.closed, "{error:?}");
    clients.with(|wire| wire.run("SELECT")).unwrap();
}

#[test]
fn a_connection_that_was_never_there_is_not_lost() {
    let server = shared();
    let absent = target(&server.url("postgres", "absent"));
    let error = Wire::connect(&absent).unwrap_err();
    assert_eq!(error.sqlstate.as_deref(), Some("3D000"));
    assert!(!error.closed);
    let nowhere = target("postgres://postgres@%2Fnone/postgres");
    let error = Wire::connect(&nowhere).unwrap_err();
    assert_eq!((error.sqlstate, error.closed), (None, false));
}

#[test]
fn guards_hold_within_their_transaction() {
    let (_server, clients) = started();
    let mut wire = clients.connect().unwrap();
    let names = [
        "lock_timeout",
        "statement_timeout",
        "idle_in_transaction_session_timeout",
        "client_connection_check_interval",
    ];
    let mut values = |opening: &str| {
        wire.run(opening).unwrap();
        names.map(|name| text(&mut wire, &format!("SHOW {name}")))
    };
    let opening = format!("BEGIN; {}", guards(Timeouts::default()));
    assert_eq!(values(&opening), ["5s", "10min", "1min", "500ms"]);
    assert_eq!(values("COMMIT"), ["0", "0", "0", "0"]);
}

/// A server that speaks TLS, for a certificate that says `localhost` and was signed by a CA of our own.
struct Secure {
    _server: Server,
    folder: tempfile::TempDir,
    port: u16,
}

impl Secure {
    fn start() -> Self {
        let folder = tempfile::tempdir_in("/tmp").unwrap();
        let (certificate, key) = sign(&folder.path().join("ca.pem"));
        sign(&folder.path().join("other.pem"));
        let files = [("server.pem", certificate), ("server.key", key)].map(|(name, text)| {
            let file = folder.path().join(name);
            std::fs::write(&file, text).unwrap();
            file
        });
        give_to_the_servers_account(folder.path(), &files);
        let port = TcpListener::bind("127.0.0.1:0")
            .unwrap()
            .local_addr()
            .unwrap()
            .port();
        let settings = [
            ("listen_addresses", "127.0.0.1"),
            ("port", &port.to_string()),
            ("ssl", "on"),
            ("ssl_cert_file", files[0].to_str().unwrap()),
            ("ssl_key_file", files[1].to_str().unwrap()),
        ];
        Self {
            _server: for_tests(&settings),
            folder,
            port,
        }
    }

    /// Whether a connection is encrypted.
    fn connect(&self, host: &str, parameters: &str) -> Result<bool, PgError> {
        let ca = self.folder.path().join("ca.pem");
        let other = self.folder.path().join("other.pem");
        let parameters = parameters
            .replace("CA", ca.to_str().unwrap())
            .replace("OTHER", other.to_str().unwrap());
        let url = format!(
            "postgres://postgres@{host}:{}/postgres?{parameters}",
            self.port
        );
        let mut wire = Wire::connect(&target(&url))?;
        let sql = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        Ok(text(&mut wire, sql) == "t")
    }
}

/// Writes a new CA's certificate to a file; returns a certificate it signed for `localhost`, and its key.
fn sign(ca_file: &Path) -> (String, String) {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    std::fs::write(ca_file, ca.self_signed(&ca_key).unwrap().pem()).unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["localhost".to_owned()])
        .unwrap()
        .signed_by(&key, &Issuer::new(ca, ca_key))
        .unwrap();
    (certificate.pem(), key.serialize_pem())
}

/// The server accepts a key that nobody else can read.
fn give_to_the_servers_account(folder: &Path, files: &[PathBuf; 2]) {
    let private = std::fs::Permissions::from_mode(0o600);
    std::fs::set_permissions(&files[1], private).unwrap();
    let passable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder, passable).unwrap();
    if let Some(account) = crate::server::account::to_run_as().unwrap() {
        std::os::unix::fs::chown(&files[1], Some(account.uid), Some(account.gid)).unwrap();
    }
}

/// Whether the server was built with TLS; the one that is fetched wasn't, and then says so when it is to use it.
fn has_tls() -> bool {
    let (server, clients) = started();
    let library = text(&mut clients.connect().unwrap(), "SHOW ssl_library");
    if library.is_empty() {
        eprintln!(
            "not tested: TLS, which {} lacks",
            server.bin_folder().display()
        );
        let error = Server::start_or_fetch(&[("ssl", "on")], &|_| {}).unwrap_err();
        assert!(
            error.message.contains("SSL is not supported by this build"),
            "{error}"
        );
    }
    !library.is_empty()
}

#[test]
fn tls_modes_are_those_of_libpq() {
    if !has_tls() {
        return;
    }
    let secure = Secure::start();
    let cases = [
        ("127.0.0.1", "", Ok(true)),
        ("127.0.0.1", "sslmode=disable", Ok(false)),
        ("127.0.0.1", "sslmode=allow", Ok(true)),
        ("127.0.0.1", "sslmode=require", Ok(true)),
        ("127.0.0.1", "sslmode=require&sslrootcert=CA", Ok(true)),
        (
            "127.0.0.1",
            "sslmode=require&sslrootcert=OTHER",
            Err("invalid peer certificate: BadSignature"),
        ),
        ("127.0.0.1", "sslmode=verify-ca&sslrootcert=CA", Ok(true)),
        (
            "127.0.0.1",
            "sslmode=verify-ca&sslrootcert=OTHER",
            Err("invalid peer certificate: BadSignature"),
        ),
        ("localhost", "sslmode=verify-full&sslrootcert=CA", Ok(true)),
        (
            "127.0.0.1",
            "sslmode=verify-full&sslrootcert=CA",
            Err("not valid for name"),
        ),
        (
            "localhost",
            "sslmode=verify-full&sslrootcert=OTHER",
            Err("invalid peer certificate: BadSignature"),
        ),
        (
            "localhost",
            "sslmode=verify-full&sslrootcert=CA&hostaddr=127.0.0.1",
            Ok(true),
        ),
    ];
    for (host, parameters, expected) in cases {
        let found = secure.connect(host, parameters);
        match (expected, found) {
            (Ok(encrypted), Ok(found)) => assert_eq!(found, encrypted, "{host} {parameters}"),
            (Err(words), Err(error)) => {
                assert!(
                    error.message.contains(words),
                    "{host} {parameters}: {error}"
                );
            }
            (_, found) => panic!("{host} {parameters}: {found:?}"),
        }
    }
}

#[test]
fn a_server_without_tls_is_reached_in_plain_text_only_if_that_is_allowed() {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let settings = [
        ("listen_addresses", "127.0.0.1"),
        ("port", &port.to_string()),
    ];
    let _server = for_tests(&settings);
    let url = |mode| format!("postgres://postgres@127.0.0.1:{port}/postgres?sslmode={mode}");
    Wire::connect(&target(&url("prefer"))).unwrap();
    let error = Wire::connect(&target(&url("require"))).unwrap_err();
    assert!(error.message.contains("does not support TLS"), "{error}");
}

#[test]
fn cancelling_is_encrypted_too() {
    if !has_tls() {
        return;
    }
    let secure = Secure::start();
    let url = format!(
        "postgres://postgres@127.0.0.1:{}/postgres?sslmode=require",
        secure.port
    );
    let clients = Clients::new(target(&url));
    let mut own = clients.connect().unwrap();
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| clients.with(|wire| wire.run("SELECT pg_sleep(60)")));
        let asleep = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        until("it sleeps", || text(&mut own, asleep) == "1");
        clients.cancel_all();
        let error = sleeper.join().unwrap().unwrap_err();
        assert_eq!(error.sqlstate.as_deref(), Some("57014"));
    });
}

#[test]
fn schemas_that_are_dropped_while_they_are_read_are_no_panic() {
    let (server, clients) = started();
    let mut other = clients.connect().unwrap();
    let made = "CREATE ROLE reader LOGIN; CREATE SCHEMA short_lived; \
                GRANT USAGE ON SCHEMA short_lived TO reader; CREATE TABLE short_lived.history (x int)";
    other.run(made).unwrap();
    // From 16 on a superuser has every right even on what is gone.
    let mut reader = Wire::connect(&target(&server.url("reader", "postgres"))).unwrap();
    reader.run(&begin_reading()).unwrap();
    text(&mut reader, "SELECT 1");
    other.run("DROP SCHEMA short_lived CASCADE").unwrap();
    let schemas = catalog::schemas(&mut reader, &["history".to_owned()]).unwrap();
    let named = schemas
        .iter()
        .find(|row| row.schema.as_str() == "short_lived");
    assert!(!named.unwrap().usable);
    other.run("DROP ROLE reader").unwrap();
}
