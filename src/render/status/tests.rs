use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::model::name::{ClusterName, FleetName, SchemaName, TenantId};
use crate::report::Failure;
use crate::runs::Unread;
use crate::status::{Block, StatusSummary};

fn last(status: Status, run: u8, hours: u64, error: Option<&str>) -> Last {
    Last {
        status,
        at: "2026-01-01T00:00:00.000000Z".to_owned(),
        run: Uuid::from_bytes([run; 16]),
        error: error.map(|message| Failure {
            message: message.to_owned(),
            ..Failure::default()
        }),
        age: Duration::from_secs(hours * 3_600),
    }
}

fn standing(id: &str, state: StandingState, last: Option<Last>) -> Standing {
    Standing {
        tenant: Some(TenantId::new(id).unwrap()),
        cluster: ClusterName::new("main").unwrap(),
        schema: SchemaName::new(format!("acq_{id}")).unwrap(),
        state,
        version: Some(7),
        pending: Vec::new(),
        blocked: None,
        last,
    }
}

fn blocked(id: &str) -> Standing {
    Standing {
        blocked: Some(Block {
            code: BlockedCode::Diverged,
            message: format!("tenant {id}: V3__\u{1b}[2J was edited"),
            hint: "Take the edit back.".to_owned(),
        }),
        ..standing(id, StandingState::Blocked, None)
    }
}

fn pending(id: &str, error: &str) -> Standing {
    Standing {
        pending: vec!["V8__note".to_owned(), "V9__tag".to_owned()],
        ..standing(
            id,
            StandingState::Pending,
            Some(last(Status::Failed, 2, 1, Some(error))),
        )
    }
}

fn fleet(tenants: Vec<Standing>) -> FleetStatus {
    FleetStatus {
        format_version: "1.0".to_owned(),
        tool_version: "0.1.0".to_owned(),
        fleet: FleetName::new("payments").unwrap(),
        complete: true,
        summary: StatusSummary {
            up_to_date: 2,
            pending: 3,
            blocked: 2,
            unmanaged: 1,
            failed: 3,
            ..StatusSummary::default()
        },
        tenants,
        runs: Vec::new(),
        unread: Vec::new(),
    }
}

fn mixed() -> FleetStatus {
    let applied = |run, hours| Some(last(Status::Applied, run, hours, None));
    fleet(vec![
        standing("acme", StandingState::UpToDate, applied(1, 3)),
        blocked("bravo"),
        blocked("charlie"),
        standing("delta", StandingState::UpToDate, applied(2, 72)),
        pending("echo", "schema acq_echo has no table"),
        pending("foxtrot", "schema acq_foxtrot has no table"),
        pending("golf", "division by zero"),
        Standing {
            tenant: None,
            version: None,
            schema: SchemaName::new("acq_x\u{9b}31m").unwrap(),
            ..standing("hotel", StandingState::Unmanaged, None)
        },
    ])
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

const MIXED: &str = r"2 tenants up to date, at V7
  acme, delta
  last: applied between 3 h and 3 d ago in several runs

1 tenant with 2 migrations pending, at V7
  golf
  ~ V8__note
  ~ V9__tag
  last: failed 1 h ago in run 02020202
    division by zero

2 tenants with 2 migrations pending, at V7
  echo, foxtrot
  ~ V8__note
  ~ V9__tag
  last: failed 1 h ago in run 02020202
    for example: schema acq_echo has no table

2 tenants blocked: diverged, at V7
  bravo, charlie
  for example: tenant bravo: V3__\u{1b}[2J was edited
  hint: Take the edit back.

1 schema unmanaged: live, and not in the file
  acq_x\u{9b}31m

Fleet payments: 7 tenants, 2 up to date, 3 pending, 2 blocked, 1 unmanaged, 3
  failed last.
";

#[test]
fn tenants_that_stand_alike_are_one_block() {
    assert_eq!(plain(&status(&mixed(), false)), MIXED);
}

#[test]
fn verbose_gives_each_a_line() {
    let text = plain(&status(&mixed(), true));
    let lines = "  acme: cluster main, schema acq_acme, applied 3 h ago in run 01010101\n  \
                 delta: cluster main, schema acq_delta, applied 3 d ago in run 02020202\n";
    assert!(text.contains(lines), "{text}");
}

#[test]
fn thousands_that_all_differ_stay_readable() {
    let tenants = (0..5_000).map(|number| Standing {
        version: Some(number),
        ..standing(&format!("t{number}"), StandingState::UpToDate, None)
    });
    let text = plain(&status(&fleet(tenants.collect()), false));
    assert!(text.lines().count() < 80, "{}", text.lines().count());
    assert!(
        text.contains("\nand 4980 more tenants, shown by -v\n"),
        "{text}"
    );
}

#[test]
fn what_could_not_be_read_is_said() {
    let half = FleetStatus {
        complete: false,
        unread: vec![Unread {
            cluster: ClusterName::new("eu").unwrap(),
            message: "permission denied".to_owned(),
            hint: Some("GRANT it.".to_owned()),
        }],
        ..fleet(Vec::new())
    };
    let text = plain(&status(&half, false));
    let said = "Unreadable journals\n  cluster eu: permission denied\n    hint: GRANT it.\n\n\
                This status is incomplete: not everything could be read.\n";
    assert!(text.starts_with(said), "{text}");
}
