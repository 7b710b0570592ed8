//! Connections against a throwaway server.

use std::sync::{Arc, Barrier, Mutex, Weak};
use std::time::{Duration, Instant};

use crate::model::desired::{Cluster, Timeouts};
use crate::server::{Server, for_tests};

use super::catalog;
use super::clients::{Clients, PATIENCE};
use super::error::PgError;
use super::settings::{Target, resolve};
use super::wire::{Wire, begin_reading, guards};

fn target(url: &str) -> Target {
    let cluster = Cluster {
        url: Some(url.to_owned()),
        ..Cluster::default()
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
    let none = Cluster::default();
    let declared = Cluster {
        url: Some("${URL}".to_owned()),
        ..Cluster::default()
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
    let beside = clients.with(|_| Ok::<_, PgError>(backend())).unwrap();
    assert_ne!(beside, second);
}

fn backend(wire: &mut Wire) -> String {
    text(wire, "SELECT pg_backend_pid()")
}

#[test]
fn a_connection_that_has_served_long_is_given_up() {
    let (_server, clients) = started();
    let served = || {
        clients
            .with(|wire| Ok::<_, PgError>(backend(wire)))
            .unwrap()
    };
    let first = served();
    let served: Vec<String> = (1..=200).map(|_| served()).collect();
    assert!(served[..199].iter().all(|backend| *backend == first));
    assert_ne!(served[199], first);
}

/// A server that has two connections for anyone but a superuser, and who may have them.
fn crowded() -> (Server, Target) {
    let settings = [
        ("max_connections", "6"),
        ("superuser_reserved_connections", "4"),
    ];
    let server = for_tests(&settings);
    let admin = clients_of(&server);
    admin
        .with(|wire| wire.run("CREATE ROLE anyone LOGIN"))
        .unwrap();
    let target = target(&server.url("anyone", "postgres"));
    (server, target)
}

#[test]
fn who_finds_no_connection_free_waits_for_one() {
    let (_server, target) = crowded();
    let clients = Clients::new(target);
    let own = clients.connect().unwrap();
    std::thread::scope(|scope| {
        let worker = || clients.with(|wire| wire.run("SELECT pg_sleep(0.05)"));
        let workers: Vec<_> = (0..6).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            worker.join().unwrap().unwrap();
        }
    });
    // Once there is room, more are made.
    drop(own);
    let both = Barrier::new(2);
    let meet = || {
        clients.with(|wire| {
            both.wait();
            Ok::<_, PgError>(backend(wire))
        })
    };
    std::thread::scope(|scope| {
        let other = scope.spawn(meet);
        assert_ne!(meet().unwrap(), other.join().unwrap().unwrap());
    });
}

#[test]
fn a_server_that_stays_full_is_an_error_after_a_while() {
    let (_server, target) = crowded();
    let others = Clients::new(target.clone());
    let _others = [others.connect().unwrap(), others.connect().unwrap()];
    let clients = Clients::new(target);
    let since = Instant::now();
    std::thread::scope(|scope| {
        let worker = || clients.with(|wire| wire.run("SELECT")).unwrap_err();
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        for worker in workers {
            let error = worker.join().unwrap();
            assert_eq!(error.sqlstate.as_deref(), Some("53300"), "{error}");
        }
    });
    let took = since.elapsed();
    assert!(took >= PATIENCE && took < PATIENCE * 2, "{took:?}");
}

#[test]
fn waits_can_be_ended() {
    let (_server, target) = crowded();
    let clients = Clients::new(target);
    let _own = clients.connect().unwrap();
    let (begun, end) = (Barrier::new(2), Barrier::new(2));
    let hold = || {
        clients.with(|wire| {
            begun.wait();
            end.wait();
            wire.run("SELECT")
        })
    };
    std::thread::scope(|scope| {
        scope.spawn(hold);
        begun.wait();
        let waiter = scope.spawn(|| clients.with(|wire| wire.run("SELECT")));
        until("it gives up", || {
            clients.end_waits();
            waiter.is_finished()
        });
        end.wait();
        let error = waiter.join().unwrap().unwrap_err();
        assert_eq!(error.message, "ended before a connection was free");
    });
}

#[test]
fn a_panic_leaves_nothing_busy_and_the_clients_of_use() {
    let (_server, clients) = started();
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        clients.with(|_| -> Result<(), PgError> { panic!("asked to") })
    }));
    assert!(panicked.is_err());
    assert!(format!("{clients:?}").contains("out: 0"), "{clients:?}");
    clients.with(|wire| wire.run("SELECT")).unwrap();
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
    let idle = |_: &mut Wire| Ok::<_, PgError>(());
    let two = |_: &mut Wire| clients.with(idle);
    clients.with(|_| clients.with(two)).unwrap();
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
    let schemas = catalog::schemas(&mut reader, &["history".to_owned()], None).unwrap();
    let named = schemas
        .iter()
        .find(|row| row.schema.as_str() == "short_lived");
    assert!(!named.unwrap().usable);
    other.run("DROP ROLE reader").unwrap();
}
