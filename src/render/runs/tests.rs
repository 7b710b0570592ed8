use std::collections::BTreeSet;
use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::model::name::{ClusterName, FleetName};
use crate::report::Failure;
use crate::runs::RunCounts;

fn run(id: u8, state: RunState, exit: Option<u8>) -> Run {
    Run {
        run: Uuid::from_bytes([id; 16]),
        command: "apply".to_owned(),
        state,
        holder: None,
        exit,
        resumes: None,
        plan_id: None,
        tool_version: "0.1.0".to_owned(),
        actor: "deploy".to_owned(),
        started_at: "2026-01-01T00:00:00.000000Z".to_owned(),
        finished_at: None,
        clusters: BTreeSet::from([ClusterName::new("main").unwrap()]),
        tenants: 1_250,
        counts: RunCounts {
            applied: 1_180,
            failed: 3,
            unknown: 1,
            skipped: 62,
            ..RunCounts::default()
        },
        age: Duration::from_mins(125),
        took: exit.map(|_| Duration::from_millis(84_200)),
    }
}

fn step(tenant: &str, status: Status, action: &str, error: Option<Failure>) -> RunStep {
    RunStep {
        cluster: ClusterName::new("main").unwrap(),
        tenant: TenantId::new(tenant).ok(),
        action: action.to_owned(),
        status,
        at: String::new(),
        took_ms: None,
        error,
    }
}

fn document(runs: Vec<Run>) -> Runs {
    Runs {
        format_version: "1.0".to_owned(),
        tool_version: "0.1.0".to_owned(),
        fleet: FleetName::new("payments").unwrap(),
        runs,
        steps: None,
        unrecorded: None,
        unread: Vec::new(),
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_run_is_a_row() {
    let killed = Run {
        command: "a\u{1b}[2J".to_owned(),
        actor: "a-role\n".to_owned(),
        ..run(2, RunState::Killed, None)
    };
    let all = document(vec![run(1, RunState::Partial, Some(3)), killed]);
    assert_eq!(
        plain(&runs(&all, false)),
        "run       command     state    exit  started  took   applied    failed  left  actor\n\
         01010101  apply       partial  3     2 h ago  1 min  1180/1250  4       66    deploy\n\
         02020202  a\\u{1b}[2J  killed   -     2 h ago  -      1180/1250  4       66    a-role\\n\n"
    );
    let none = plain(&runs(&document(Vec::new()), false));
    assert_eq!(none, "No run of fleet payments is recorded.\n");
}

const DETAIL: &str = r"Run 01010101-0101-0101-0101-010101010101: apply, partial, exit 3
  started 2026-01-01T00:00:00.000000Z, 2 h ago, took 1 min, by role deploy with
    tenantry 0.1.0
  recorded on main
  resumes run 09090909-0909-0909-0909-090909090909

Database-wide steps
  applied: cluster main: install extension citext in schema extensions

Applied
  2 tenants
    acme, bravo
    V7__note

Failed
  charlie
    running V7__note.sql: no\u{1b}[2J, SQLSTATE 42703
    --> m/V7__note.sql:4:8
    4 | UPDATE nots
      |        ^
    hint: Correct it.

Not tried
  delta
    not tried: too many tenants failed

Not recorded
  echo
  planned, and nothing more is known of them

Run 01010101: 1180 of 1250 applied, 3 failed, 1 unknown, 62 not tried,
  4 not recorded.
Go on with `tenantry apply --resume 01010101`.
";

#[test]
fn a_runs_steps_are_folded_and_its_failures_told() {
    let located = Failure {
        message: "running V7__note.sql: no\u{1b}[2J, SQLSTATE 42703".to_owned(),
        sqlstate: Some("42703".to_owned()),
        file: Some("m/V7__note.sql".to_owned()),
        line: Some(4),
        column: Some(8),
        excerpt: Some("UPDATE nots".to_owned()),
        hint: Some("Correct it.".to_owned()),
    };
    let skipped = Failure {
        message: "not tried: too many tenants failed".to_owned(),
        ..Failure::default()
    };
    let resumed = Run {
        resumes: Some(Uuid::from_bytes([9; 16])),
        ..run(1, RunState::Partial, Some(3))
    };
    let one = Runs {
        steps: Some(vec![
            step(
                "",
                Status::Applied,
                "install extension citext in schema extensions",
                None,
            ),
            step("acme", Status::Applied, "V7__note", None),
            step("bravo", Status::Applied, "V7__note", None),
            step("charlie", Status::Failed, "", Some(located)),
            step("delta", Status::Skipped, "", Some(skipped)),
        ]),
        unrecorded: Some(vec!["echo".to_owned()]),
        ..document(vec![resumed])
    };
    assert_eq!(plain(&runs(&one, false)), DETAIL);
}

#[test]
fn a_living_run_names_its_holder_and_is_not_to_be_resumed() {
    let living = Run {
        holder: Some("pid 7, user deploy".to_owned()),
        ..run(1, RunState::Running, None)
    };
    let one = Runs {
        steps: Some(Vec::new()),
        ..document(vec![living])
    };
    let text = plain(&runs(&one, false));
    assert!(
        text.contains("its lock is held by pid 7, user deploy"),
        "{text}"
    );
    assert!(!text.contains("--resume"), "{text}");
}

#[test]
fn a_run_in_a_line_is_harmless() {
    let mut page = Page::new(false);
    let living = Run {
        command: "a\u{1b}[2J".to_owned(),
        holder: Some("pid 7, user x\n".to_owned()),
        ..run(1, RunState::Running, None)
    };
    line(&mut page, &living);
    assert_eq!(
        plain(&page.finish()),
        "  01010101 a\\u{1b}[2J running, 2 h ago: 1180 of 1250 applied, 3 failed,\n    \
         1 unknown, 62 not tried, 4 not recorded\n    held by pid 7, user x\\n\n"
    );
}
