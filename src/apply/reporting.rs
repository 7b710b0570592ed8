//! What becomes of a run, as a report and an exit code.

use uuid::Uuid;

use crate::error::{Error, Exit};
use crate::model::name::FleetName;
use crate::model::template::ContentHash;
use crate::report::{
    CancelReason, DatabaseOutcome, FORMAT_VERSION, Failure, Outcome, Report, ReportSummary, Status,
    has_changed,
};

use super::cancel::Cancel;
use super::{Request, has_failed, wave};

/// The report of an apply that `error` ended before anything was tried.
#[must_use]
pub fn untried(request: &Request<'_>, error: &Error) -> Report {
    let run = Uuid::new_v4();
    let outcomes = wave::skip_all(request, run, "the apply ended before anything was tried");
    let (report, _) = report(request, run, &Cancel::default(), Vec::new(), outcomes);
    ended(report, error)
}

/// The report of an apply that `error` ended before there was a plan.
#[must_use]
pub fn unplanned(fleet: &FleetName, error: &Error) -> Report {
    let report = Report {
        format_version: FORMAT_VERSION.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        run: Uuid::new_v4(),
        fleet: fleet.clone(),
        plan: ContentHash(String::new()),
        exit: error.exit as u8,
        cancelled: None,
        error: None,
        resumable: false,
        databases: Vec::new(),
        notices: Vec::new(),
        outcomes: Vec::new(),
        summary: ReportSummary::default(),
    };
    ended(report, error)
}

fn ended(report: Report, error: &Error) -> Report {
    Report {
        exit: error.exit as u8,
        error: Some(Failure {
            message: error.message.clone(),
            hint: error.hint.clone(),
            ..Failure::default()
        }),
        ..report
    }
}

pub(super) fn report(
    request: &Request<'_>,
    run: Uuid,
    cancel: &Cancel,
    databases: Vec<DatabaseOutcome>,
    mut outcomes: Vec<Outcome>,
) -> (Report, Exit) {
    outcomes.sort_by(|a, b| a.tenant.cmp(&b.tenant));
    let summary = summary(&outcomes, request.plan.blocked.len());
    let cancelled = cancel.reason();
    let exit = exit(&summary, &databases, cancelled);
    let report = Report {
        format_version: FORMAT_VERSION.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        run,
        fleet: request.desired.fleet.clone(),
        plan: request.plan.digest.clone(),
        exit: exit as u8,
        resumable: false,
        cancelled,
        error: None,
        databases,
        notices: Vec::new(),
        outcomes,
        summary,
    };
    (report, exit)
}

fn summary(outcomes: &[Outcome], blocked: usize) -> ReportSummary {
    let count = |status: Status| {
        outcomes
            .iter()
            .filter(|outcome| outcome.status == status)
            .count()
    };
    ReportSummary {
        applied: count(Status::Applied),
        unchanged: count(Status::Unchanged),
        stale: count(Status::Stale),
        failed: count(Status::Failed),
        skipped: count(Status::Skipped),
        unknown: count(Status::Unknown),
        blocked,
    }
}

/// The exit code: 130 outranks 3, 3 outranks 4 and 1.
fn exit(
    summary: &ReportSummary,
    databases: &[DatabaseOutcome],
    cancelled: Option<CancelReason>,
) -> Exit {
    if cancelled >= Some(CancelReason::Interrupt) {
        return Exit::Interrupted;
    }
    let changed = has_changed(summary, databases);
    let failed = summary.failed + summary.unknown > 0 || has_failed(databases);
    let left = failed || summary.stale + summary.skipped + summary.blocked > 0;
    match (changed, left, failed) {
        (_, false, _) => Exit::Done,
        (true, true, _) => Exit::Partial,
        (false, true, true) => Exit::Failed,
        (false, true, false) => Exit::Refused,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(applied: usize, failed: usize, stale: usize, blocked: usize) -> ReportSummary {
        ReportSummary {
            applied,
            stale,
            failed,
            blocked,
            ..ReportSummary::default()
        }
    }

    #[test]
    fn exit_codes() {
        let cases = [
            (counts(0, 0, 0, 0), None, Exit::Done),
            (counts(5, 0, 0, 0), None, Exit::Done),
            (counts(5, 1, 0, 0), None, Exit::Partial),
            (counts(5, 0, 1, 0), None, Exit::Partial),
            (counts(5, 0, 0, 1), None, Exit::Partial),
            (counts(0, 1, 0, 0), None, Exit::Failed),
            (counts(0, 0, 2, 0), None, Exit::Refused),
            (counts(0, 0, 0, 2), None, Exit::Refused),
            (
                counts(5, 1, 0, 0),
                Some(CancelReason::Interrupt),
                Exit::Interrupted,
            ),
            (
                counts(5, 1, 0, 0),
                Some(CancelReason::TooManyFailures),
                Exit::Partial,
            ),
        ];
        for (summary, cancelled, expected) in cases {
            assert_eq!(
                exit(&summary, &[], cancelled),
                expected,
                "{summary:?} {cancelled:?}"
            );
        }
    }
}
