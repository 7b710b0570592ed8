//! The line to the server is cut at every message, and messages are counted.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::support::cli::Run;
use crate::support::fleet::{Fleet, outcome};
use crate::support::proxy::{Fate, Proxy};
use crate::support::server::url_through;

const TENANTS: [&str; 2] = ["acme", "globex"];

/// Two tenants with a migration that must never run twice.
fn counting() -> Fleet {
    let mut fleet = Fleet::new("CREATE TABLE counter AS SELECT 0 AS n;\n");
    fleet.add(&TENANTS);
    fleet.migration("V1__count.sql", "UPDATE counter SET n = n + 1;\n");
    fleet
}

/// Runs `apply`, or another command, through a proxy.
fn through(proxy: &Proxy, fleet: &Fleet, args: &[&str]) -> Run {
    let mut command = fleet.command(args);
    let url = url_through(proxy.port, &fleet.database.name);
    command.env("TENANTRY_DATABASE_URL", url);
    crate::support::cli::run(command)
}

const APPLY: [&str; 6] = [
    "apply",
    "--auto-approve",
    "--format",
    "json",
    "--parallel",
    "1",
];

/// The tenants whose schema is there, each checked to be whole.
fn whole_tenants(fleet: &Fleet, when: &str) -> Vec<&'static str> {
    let schemas = fleet.database.schemas();
    let there = |tenant: &&str| schemas.contains(&format!("t_{tenant}"));
    let tenants: Vec<&str> = TENANTS.into_iter().filter(there).collect();
    for tenant in &tenants {
        for (what, wanted) in [
            (format!("SELECT n FROM t_{tenant}.counter"), "1"),
            (format!("SELECT count(*) FROM t_{tenant}.history"), "1"),
            (
                format!("SELECT count(*) FROM tenantry.tenant WHERE id = '{tenant}'"),
                "1",
            ),
        ] {
            assert_eq!(fleet.database.texts(&what), [wanted], "{what}, {when}");
        }
    }
    tenants
}

/// Cuts the line at the COMMIT of the first tenant.
fn cut_at_commit(fate: Fate) -> (Fleet, serde_json::Value) {
    let fleet = counting();
    let mut tenant_is_open = false;
    let mut done = false;
    let proxy = Proxy::start(move |_, text| {
        tenant_is_open |= text.contains("INSERT INTO tenantry.ledger");
        if done || !tenant_is_open || !text.contains("COMMIT\0") {
            return Fate::Pass;
        }
        done = true;
        fate
    });
    let report = through(&proxy, &fleet, &APPLY).expect(0).json();
    assert_eq!(report["summary"]["applied"], 2);
    assert_eq!(whole_tenants(&fleet, "after the cut"), TENANTS);
    fleet.expect_no_changes();
    (fleet, report)
}

#[test]
fn a_commit_whose_answer_is_lost_counts_once() {
    let (_fleet, report) = cut_at_commit(Fate::CutAfter);
    let acme = outcome(&report, "acme");
    assert_eq!(acme["retries"], 0, "{acme:#}");
    assert_eq!(acme["steps"].as_array().map(Vec::len), Some(3), "{acme:#}");
    let notice = acme["notices"][0].as_str().expect("a notice");
    assert!(notice.contains("the answer to COMMIT was lost"), "{notice}");
}

#[test]
fn a_commit_that_never_arrives_is_tried_again() {
    let (_fleet, report) = cut_at_commit(Fate::CutBefore);
    assert_eq!(outcome(&report, "acme")["retries"], 1, "{report:#}");
}

/// Cuts at the kth message. Whether there was one.
fn cut_at(k: usize, fate: Fate) -> bool {
    let fleet = counting();
    let proxy = Proxy::start(move |number, _| if number == k { fate } else { Fate::Pass });
    let run = through(&proxy, &fleet, &APPLY);
    let when = format!(
        "{fate:?} at message {k}: exit code {:?}\n{}\n{}",
        run.code, run.stdout, run.stderr
    );
    let there = whole_tenants(&fleet, &when);
    match run.code {
        Some(0) => assert_eq!(there, TENANTS, "{when}"),
        Some(3) => assert!(there.len() < 2, "{when}"),
        Some(1 | 4) => assert_eq!(fleet.database.schemas(), [""; 0], "{when}"),
        _ => panic!("{when}"),
    }
    if !run.stdout.is_empty() {
        let report = run.json();
        assert_eq!(report["exit"], run.code.unwrap_or(-1), "{when}");
        let outcomes = report["outcomes"].as_array().expect("a list");
        let applied = outcomes
            .iter()
            .filter(|outcome| outcome["status"] == "applied");
        let applied: Vec<&str> = applied.filter_map(|one| one["tenant"].as_str()).collect();
        assert_eq!(applied, there, "{when}");
    }
    fleet.apply(0);
    assert_eq!(whole_tenants(&fleet, &when), TENANTS);
    fleet.expect_no_changes();
    proxy.messages() >= k
}

#[test]
fn a_cut_at_any_message_is_survived_and_told_truly() {
    let next = AtomicUsize::new(0);
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let worker = || {
            while !over.load(Ordering::SeqCst) {
                let n = next.fetch_add(1, Ordering::SeqCst);
                let fate = [Fate::CutBefore, Fate::CutAfter][n % 2];
                if !cut_at(n / 2 + 1, fate) {
                    over.store(true, Ordering::SeqCst);
                }
            }
        };
        scope.spawn(worker);
        scope.spawn(worker);
    });
    let cuts = next.into_inner();
    println!("{cuts} cuts");
    assert!(cuts >= 40, "{cuts} cuts are too few");
}

/// The messages of a plan that finds nothing to do: those that read histories, and all others.
fn messages_of_a_plan(fleet: &Fleet) -> (usize, usize) {
    let histories = Arc::new(Mutex::new(0));
    let proxy = Proxy::start({
        let histories = Arc::clone(&histories);
        move |_, text| {
            let is_history = text.contains("SELECT version, name, checksum FROM");
            *histories.lock().expect("nobody panics with it") += usize::from(is_history);
            Fate::Pass
        }
    });
    let plan = through(&proxy, fleet, &["plan", "--detailed-exitcode"]).expect(0);
    assert!(plan.stdout.contains("No changes."), "{}", plan.stdout);
    let histories = *histories.lock().expect("nobody panics with it");
    (histories, proxy.messages() - histories)
}

#[test]
fn a_plan_of_many_tenants_needs_hardly_more_messages() {
    let mut fleet = Fleet::new("CREATE TABLE one (n int);\n");
    let ids: Vec<String> = (1..=400).map(|number| format!("n{number}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    fleet.add(&ids[..40]);
    fleet.apply(0);
    let (few_histories, few_others) = messages_of_a_plan(&fleet);
    fleet.add(&ids[40..]);
    fleet.apply(0);
    let (many_histories, many_others) = messages_of_a_plan(&fleet);

    println!("{few_histories} + {few_others}, then {many_histories} + {many_others} messages");
    assert!(few_histories > 0, "histories are read");
    assert!(many_histories - few_histories <= 4);
    assert_eq!(many_others, few_others);
}
