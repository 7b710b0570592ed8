//! What became of an apply: outcomes, the report, and the events workers speak through.

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::model::name::{ClusterName, FleetName, TenantId};
use crate::model::template::ContentHash;

/// The version of the report's JSON form.
pub const FORMAT_VERSION: &str = "1.0";

/// All outcomes of one run, in plan order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    pub format_version: String,
    pub tool_version: String,
    pub run: Uuid,
    pub fleet: FleetName,
    /// The digest of the plan that was carried out; empty if there was none yet.
    pub plan: ContentHash,
    /// The code the program ends with.
    pub exit: u8,
    /// Whether `apply --resume` finds the run in a journal, and tenants of it that are left.
    pub resumable: bool,
    /// Why work stopped being handed out, if it did.
    pub cancelled: Option<CancelReason>,
    /// What ended the apply before anything was tried; then every tenant of the plan is skipped.
    pub error: Option<Failure>,
    pub databases: Vec<DatabaseOutcome>,
    /// What is worth knowing and changed nothing, such as a reference that wasn't kept.
    pub notices: Vec<String>,
    pub outcomes: Vec<Outcome>,
    pub summary: ReportSummary,
}

impl Report {
    /// Whether something was changed, or may have been.
    #[must_use]
    pub fn has_changed(&self) -> bool {
        has_changed(&self.summary, &self.databases)
    }
}

/// The first eight characters of a run's id, which are enough to name it by.
#[must_use]
pub fn short_run(run: Uuid) -> String {
    let mut id = run.simple().to_string();
    id.truncate(8);
    id
}

/// Whether tenants or databases were changed, or may have been.
#[must_use]
pub fn has_changed(summary: &ReportSummary, databases: &[DatabaseOutcome]) -> bool {
    let changed = |step: &DatabaseOutcome| matches!(step.status, Status::Applied | Status::Unknown);
    summary.applied + summary.unknown > 0 || databases.iter().any(changed)
}

/// What became of one database-wide step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseOutcome {
    pub cluster: ClusterName,
    /// Such as `install extension citext`.
    pub step: String,
    pub status: Status,
    pub error: Option<Failure>,
}

/// What became of one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Outcome {
    pub tenant: TenantId,
    pub cluster: ClusterName,
    pub status: Status,
    /// What was done, such as `create schema`, `template merchant`, `V20250120000001__add_audit_columns`.
    pub steps: Vec<String>,
    pub took_ms: u64,
    /// How often the transaction was begun again.
    pub retries: u32,
    /// The server's notices and warnings, with control characters escaped.
    pub notices: Vec<String>,
    pub error: Option<Failure>,
}

/// How a step ended.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    Applied,
    /// Found as it should be.
    Unchanged,
    /// The tenant moved since planning; nothing was done.
    Stale,
    /// Rolled back.
    Failed,
    /// Not tried.
    Skipped,
    /// The connection was lost after COMMIT was sent and the result couldn't be read; or the server stopped
    /// answering, and its transaction may be open still.
    Unknown,
}

impl Status {
    /// The word as it stands in output and in the journal.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Applied => "applied",
            Self::Unchanged => "unchanged",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Unknown => "unknown",
        }
    }
}

/// Why a step didn't succeed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Failure {
    /// What was attempted and the server's own words.
    pub message: String,
    pub sqlstate: Option<String>,
    pub file: Option<String>,
    /// 1-based.
    pub line: Option<usize>,
    /// 1-based, in characters.
    pub column: Option<usize>,
    /// The line of the file, for people.
    pub excerpt: Option<String>,
    pub hint: Option<String>,
}

/// How many tenants ended in each status.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReportSummary {
    pub applied: usize,
    pub unchanged: usize,
    pub stale: usize,
    pub failed: usize,
    pub skipped: usize,
    pub unknown: usize,
    pub blocked: usize,
}

impl ReportSummary {
    /// Whether tenants were planned and aren't done.
    #[must_use]
    pub fn is_left(&self) -> bool {
        self.failed + self.unknown + self.stale + self.skipped > 0
    }
}

/// Why no more work was handed out; a later variant outranks an earlier one.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// More tenants failed than `max_failures` bears.
    TooManyFailures,
    /// A canary failed.
    CanaryFailed,
    /// Several tenants in a row, and none that went well between them, failed with the same error.
    RepeatedFailure,
    /// The role may not do what the run needs, or the server is read-only: every other tenant would fail too.
    Systemic,
    /// The run lock was lost.
    LockLost,
    /// The server stopped answering.
    ServerSilent,
    /// SIGINT or SIGTERM: running tenants finish.
    Interrupt,
    /// The second one: running statements are cancelled.
    SecondInterrupt,
}

impl CancelReason {
    /// The reason in words that stand alone or after "because".
    #[must_use]
    pub fn why(self) -> &'static str {
        match self {
            Self::TooManyFailures => "too many tenants failed",
            Self::CanaryFailed => "a canary failed",
            Self::RepeatedFailure => "one tenant after the other failed with the same error",
            Self::Systemic => "every other tenant would meet the same error",
            Self::LockLost => "the run lock was lost",
            Self::ServerSilent => "the server doesn't answer any more",
            Self::Interrupt | Self::SecondInterrupt => "the run was interrupted",
        }
    }
}

/// Something that happened, in any thread.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event<'a> {
    /// Another run holds the run lock of a database.
    Waiting {
        cluster: &'a ClusterName,
        holder: &'a str,
    },
    RunStarted {
        run: Uuid,
        tenants: usize,
        databases: usize,
    },
    DatabaseStep(&'a DatabaseOutcome),
    WaveStarted {
        wave: &'a str,
        tenants: usize,
    },
    TenantStarted {
        tenant: &'a TenantId,
    },
    Retrying {
        tenant: &'a TenantId,
        attempt: u32,
        #[serde(serialize_with = "millis")]
        after: Duration,
        reason: &'a str,
    },
    TenantFinished(&'a Outcome),
    Cancelled {
        reason: CancelReason,
    },
    /// The apply ended before anything was tried.
    Refused {
        exit: u8,
        error: &'a Failure,
    },
    RunFinished {
        run: Uuid,
        exit: u8,
        summary: &'a ReportSummary,
        notices: &'a [String],
    },
}

fn millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// Receives what happens; the only way workers speak.
pub trait Reporter: Sync {
    fn event(&self, event: &Event<'_>);
}

/// Says nothing.
#[derive(Debug)]
pub struct Silent;

impl Reporter for Silent {
    fn event(&self, _event: &Event<'_>) {}
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn outcome() -> Outcome {
        Outcome {
            tenant: TenantId::new("acme").unwrap(),
            cluster: ClusterName::new("main").unwrap(),
            status: Status::Failed,
            steps: vec!["create schema acq_acme".to_owned()],
            took_ms: 12,
            retries: 1,
            notices: Vec::new(),
            error: Some(Failure {
                message: "running 010.sql: syntax error".to_owned(),
                sqlstate: Some("42601".to_owned()),
                ..Failure::default()
            }),
        }
    }

    #[test]
    fn statuses_are_written_as_they_are_called() {
        let all = [
            Status::Applied,
            Status::Unchanged,
            Status::Stale,
            Status::Failed,
            Status::Skipped,
            Status::Unknown,
        ];
        for status in all {
            assert_eq!(serde_json::to_value(status).unwrap(), status.as_str());
        }
    }

    #[test]
    fn a_report_goes_round() {
        let report = Report {
            format_version: FORMAT_VERSION.to_owned(),
            tool_version: "0.1.0".to_owned(),
            run: Uuid::from_u128(7),
            fleet: FleetName::new("payments").unwrap(),
            plan: ContentHash::of("plan"),
            exit: 3,
            resumable: true,
            cancelled: Some(CancelReason::CanaryFailed),
            error: None,
            databases: Vec::new(),
            notices: Vec::new(),
            outcomes: vec![outcome()],
            summary: ReportSummary::default(),
        };
        let text = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
    }

    #[test]
    fn events_carry_their_name_beside_their_fields() {
        let outcome = outcome();
        let tenant = &outcome.tenant;
        let retrying = Event::Retrying {
            tenant,
            attempt: 2,
            after: Duration::from_millis(250),
            reason: "40P01",
        };
        assert_eq!(
            serde_json::to_value(&retrying).unwrap(),
            json!({"event": "retrying", "tenant": "acme", "attempt": 2, "after": 250, "reason": "40P01"})
        );
        let finished = serde_json::to_value(Event::TenantFinished(&outcome)).unwrap();
        assert_eq!(finished["event"], "tenant_finished");
        assert_eq!(finished["status"], "failed");
        assert_eq!(finished["error"]["sqlstate"], "42601");
    }

    #[test]
    fn the_graver_reason_to_stop_outranks() {
        use CancelReason::{
            CanaryFailed, Interrupt, LockLost, RepeatedFailure, SecondInterrupt, ServerSilent,
            Systemic, TooManyFailures,
        };
        let ranked = [
            TooManyFailures,
            CanaryFailed,
            RepeatedFailure,
            Systemic,
            LockLost,
            ServerSilent,
            Interrupt,
            SecondInterrupt,
        ];
        assert!(ranked.is_sorted());
    }
}
