//! The line to the server is cut, half closed or stalled at every message of a small run and at many bytes between:
//! no double apply, no false success, no false failure.

use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use serde_json::Value;

use crate::support::byte_proxy::{At, ByteProxy, Harm, Way};
use crate::support::cli::{self, Run};
use crate::support::every;
use crate::support::fleet::Fleet;
use crate::support::gate::until;
use crate::support::server::url_through;

const TENANTS: [&str; 2] = ["acme", "globex"];

/// Two tenants with a migration that must never run twice.
fn counting() -> Fleet {
    let mut fleet = Fleet::new("CREATE TABLE counter AS SELECT 0 AS n;\n");
    fleet.extra = "timeouts: { statement: 2s, lock: 1s }\n".into();
    fleet.add(&TENANTS);
    fleet.migration("V1__count.sql", "UPDATE counter SET n = n + 1;\n");
    fleet
}

/// Applies through a proxy that may take so many seconds to let somebody in.
fn through(proxy: &ByteProxy, fleet: &Fleet, patience: u8) -> Run {
    let args = [
        "apply",
        "--auto-approve",
        "--format",
        "json",
        "--parallel",
        "1",
    ];
    let mut command = fleet.command(args);
    let url = url_through(proxy.port, &fleet.database.name);
    command.env(
        "TENANTRY_DATABASE_URL",
        format!("{url}&connect_timeout={patience}"),
    );
    cli::run(command)
}

/// The tenants that are there, each checked to be whole.
fn whole_tenants(fleet: &Fleet, when: &str) -> Vec<&'static str> {
    let schemas = fleet.database.schemas();
    let there = |tenant: &&str| schemas.contains(&format!("t_{tenant}"));
    let tenants: Vec<&str> = TENANTS.into_iter().filter(there).collect();
    for tenant in &tenants {
        let state = fleet.database.texts(&format!(
            "SELECT concat_ws(' ', (SELECT n FROM t_{tenant}.counter), \
             (SELECT count(*) FROM t_{tenant}.history), \
             (SELECT count(*) FROM tenantry.tenant WHERE id = '{tenant}'), \
             (SELECT count(*) FROM tenantry.step WHERE tenant = '{tenant}' AND status = 'applied'))"
        ));
        assert_eq!(state, ["1 1 1 1"], "{tenant}, {when}");
    }
    tenants
}

/// The report says of every tenant what the database says.
fn check_report(report: &Value, there: &[&str], when: &str) {
    for outcome in report["outcomes"].as_array().expect("a list") {
        let tenant = outcome["tenant"].as_str().expect("an id");
        let is_there = there.contains(&tenant);
        match outcome["status"].as_str().expect("a status") {
            "applied" => assert!(is_there, "false success, {when}"),
            "failed" | "skipped" | "stale" => assert!(!is_there, "false failure, {when}"),
            "unknown" => {}
            other => panic!("{other}, {when}"),
        }
    }
}

/// Does the harm to a run of its own, and judges what came of it.
fn harm(at: At) {
    let fleet = counting();
    let proxy = ByteProxy::start(fleet.database.upstream(), Some(at));
    let run = through(&proxy, &fleet, 1);
    let when = format!(
        "{at:?} (done: {}): exit code {:?}\n{}\n{}",
        proxy.is_done(),
        run.code,
        run.stdout,
        run.stderr
    );
    proxy.thaw();
    until(&format!("its sessions are gone, {when}"), || {
        fleet.database.is_quiet()
    });
    let there = whole_tenants(&fleet, &when);
    let report = run.json();
    assert_eq!(report["exit"], run.code.unwrap_or(-1), "{when}");
    check_report(&report, &there, &when);
    match run.code {
        Some(0) => assert_eq!(there, TENANTS, "{when}"),
        Some(3) => {}
        Some(1 | 4) => assert_eq!(fleet.database.schemas(), [""; 0], "{when}"),
        _ => panic!("{when}"),
    }
    if run.code != Some(0) {
        fleet.apply(0);
        assert_eq!(whole_tenants(&fleet, &when), TENANTS);
    }
    fleet.expect_no_changes();
}

/// What a run without harm sends and gets: the ends of its messages, and all bytes, each way.
fn measure() -> [(Way, Vec<usize>, usize); 2] {
    let fleet = counting();
    let proxy = ByteProxy::start(fleet.database.upstream(), None);
    assert_eq!(through(&proxy, &fleet, 10).code, Some(0));
    // Requests: start-up, queries, and the end of a group; answers: what ends each.
    [
        (Way::ToServer, &[0, b'Q', b'S'][..]),
        (Way::ToProgram, b"Z"),
    ]
    .map(|(way, types)| {
        let mut ends = proxy.ends(way, types);
        ends.insert(0, 0);
        (way, ends, proxy.passed(way))
    })
}

/// Judges all of them, so many side by side; what was done, in words.
fn sweep(points: Vec<At>, workers: usize) -> String {
    let (number, since) = (points.len(), Instant::now());
    let points = Mutex::new(points);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let next = points.lock().expect("nobody panics with it").pop();
                    let Some(at) = next else { return };
                    harm(at);
                }
            });
        }
    });
    format!("{number} points in {:?}", since.elapsed())
}

/// Every message's end, each way.
fn at_messages(harms: &[Harm]) -> Vec<At> {
    let mut points = Vec::new();
    for (way, ends, _) in measure() {
        for bytes in ends {
            points.extend(harms.iter().map(|harm| At {
                way,
                bytes,
                harm: *harm,
            }));
        }
    }
    points
}

#[test]
fn the_line_is_cut_or_half_closed_at_every_message() {
    let points = at_messages(&[Harm::Cut, Harm::HalfClose]);
    assert!(points.len() >= 150, "{} points are too few", points.len());
    let done = sweep(points.into_iter().step_by(every()).collect(), 8);
    println!("cut or half closed at messages: {done}");
}

#[test]
fn the_line_stalls_at_every_message() {
    let points = at_messages(&[Harm::Stall]);
    assert!(points.len() >= 75, "{} points are too few", points.len());
    // They wait most of the time.
    let done = sweep(points.into_iter().step_by(every()).collect(), 20);
    println!("stalled at messages: {done}");
}

/// `TENANTRY_BYTE_STEP=1` tries every byte.
#[test]
fn the_line_is_harmed_between_messages() {
    let asked = std::env::var("TENANTRY_BYTE_STEP").ok();
    let asked: Option<usize> = asked.map(|text| text.parse().expect("a number of bytes"));
    let mut points = Vec::new();
    for (way, _, passed) in measure() {
        let step = asked.unwrap_or(passed / 30);
        println!("{way:?}: {passed} bytes, every {step}th");
        let places = (1..passed).step_by(step);
        points.extend(places.enumerate().map(|(number, bytes)| At {
            way,
            bytes,
            harm: [Harm::Cut, Harm::HalfClose][number % 2],
        }));
    }
    let done = sweep(points.into_iter().step_by(every()).collect(), 8);
    println!("cut or half closed at bytes: {done}");
}
