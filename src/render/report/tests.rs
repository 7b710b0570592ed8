use uuid::Uuid;

use super::*;
use crate::model::name::{ClusterName, FleetName, TenantId};
use crate::model::template::ContentHash;
use crate::report::{Failure, ReportSummary};

fn outcome(tenant: &str, status: Status, error: Option<Failure>) -> Outcome {
    Outcome {
        tenant: TenantId::new(tenant).unwrap(),
        cluster: ClusterName::new("main").unwrap(),
        status,
        steps: Vec::new(),
        took_ms: 120,
        retries: 0,
        notices: Vec::new(),
        error,
    }
}

fn words(message: &str) -> Failure {
    Failure {
        message: message.to_owned(),
        ..Failure::default()
    }
}

fn partial() -> Report {
    let located = Failure {
        message: "running V3__notes.sql: column \"nots\" does not exist, SQLSTATE 42703".to_owned(),
        sqlstate: Some("42703".to_owned()),
        file: Some("tenant_migrations/V3__notes.sql".to_owned()),
        line: Some(4),
        column: Some(10),
        excerpt: Some("\tUPDATE t nots = 'x';".to_owned()),
        hint: Some("Correct the name.".to_owned()),
    };
    let noticed = Outcome {
        notices: vec!["WARNING: \u{1b}[31mred".to_owned()],
        ..outcome("acme", Status::Applied, None)
    };
    Report {
        format_version: "1.0".to_owned(),
        tool_version: "0.1.0".to_owned(),
        run: Uuid::nil(),
        fleet: FleetName::new("payments").unwrap(),
        plan: ContentHash(String::new()),
        exit: Exit::Partial as u8,
        resumable: true,
        cancelled: Some(CancelReason::CanaryFailed),
        error: None,
        databases: Vec::new(),
        notices: vec!["cluster main: a reference wasn't kept\u{1b}".to_owned()],
        outcomes: vec![
            noticed,
            outcome("bravo", Status::Failed, Some(located)),
            outcome(
                "delta",
                Status::Stale,
                Some(words(
                    "the tenant moved since planning: its control row is gone",
                )),
            ),
            outcome(
                "echo",
                Status::Skipped,
                Some(words("not tried: a canary failed")),
            ),
            outcome(
                "foxtrot",
                Status::Skipped,
                Some(words("not tried: a canary failed")),
            ),
        ],
        summary: ReportSummary {
            applied: 1,
            stale: 1,
            failed: 1,
            skipped: 2,
            ..ReportSummary::default()
        },
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

const PARTIAL: &str = r#"Failed
  bravo
    running V3__notes.sql: column "nots" does not exist, SQLSTATE 42703
    --> tenant_migrations/V3__notes.sql:4:10
    4 |  UPDATE t nots = 'x';
      |          ^
    hint: Correct the name.

Stale
  delta
    the tenant moved since planning: its control row is gone

Not tried
  2 tenants
    echo, foxtrot
    not tried: a canary failed

Notices of the servers
  WARNING: \u{1b}[31mred
    acme

Notices
  cluster main: a reference wasn't kept\u{1b}

Stopped: a canary failed.
Set right what failed, then go on with `tenantry apply --resume 00000000`: what
  is done stays done.
Applied: 1 tenant, 1 failed, 1 stale, 2 not tried, 0 blocked in 3.2s.
Run 00000000-0000-0000-0000-000000000000.
"#;

#[test]
fn failures_first_then_what_was_left_then_numbers() {
    let text = report(&partial(), Duration::from_millis(3210), false);
    assert_eq!(plain(&text), PARTIAL);
}

#[test]
fn an_interrupted_run_has_nothing_to_set_right() {
    let interrupted = Report {
        exit: 130,
        cancelled: Some(CancelReason::SecondInterrupt),
        ..partial()
    };
    let text = plain(&report(&interrupted, Duration::ZERO, false));
    assert!(
        text.contains("were cancelled.\nGo on with `tenantry apply --resume 00000000`"),
        "{text}"
    );
}

#[test]
fn a_run_that_no_journal_knows_is_not_resumed() {
    let unknown = Report {
        resumable: false,
        ..partial()
    };
    let text = plain(&report(&unknown, Duration::ZERO, false));
    assert!(text.contains("go on with `tenantry apply`:"), "{text}");
}

#[test]
fn a_clean_run_is_one_line() {
    let clean = Report {
        exit: 0,
        cancelled: None,
        notices: Vec::new(),
        outcomes: vec![outcome("acme", Status::Applied, None)],
        summary: ReportSummary {
            applied: 12,
            unchanged: 2,
            ..ReportSummary::default()
        },
        ..partial()
    };
    assert_eq!(
        plain(&report(&clean, Duration::from_secs(1), false)),
        "Applied: 12 tenants, 0 failed, 0 stale, 0 not tried, 0 blocked, 2 unchanged in 1.0s.\n\
         Run 00000000-0000-0000-0000-000000000000.\n"
    );
}

#[test]
fn a_failed_database_wide_step_is_told() {
    let failed = Report {
        databases: vec![DatabaseOutcome {
            cluster: ClusterName::new("main").unwrap(),
            step: "install extension vector in schema extensions".to_owned(),
            status: Status::Failed,
            error: Some(words("permission denied")),
        }],
        ..partial()
    };
    let text = plain(&report(&failed, Duration::ZERO, false));
    assert!(
        text.starts_with(
            "Database-wide steps\n  failed: cluster main: install extension vector in schema extensions\n    \
             permission denied\n"
        ),
        "{text}"
    );
}
