//! A report for people: what failed first, then what was left, then the numbers.

use std::collections::BTreeMap;
use std::time::Duration;

use super::entry::{self, Entry};
use super::page::Page;
use super::style::{Label, harmless, paint};
use crate::error::Exit;
use crate::model::count;
use crate::report::{CancelReason, DatabaseOutcome, Outcome, Report, Status, short_run};

/// The whole report; `verbose` names every tenant.
#[must_use]
pub fn report(report: &Report, elapsed: Duration, verbose: bool) -> String {
    let mut page = Page::new(verbose);
    if let Some(error) = &report.error {
        page.item(0, &paint(Label::Danger, &harmless(&error.message)));
    }
    databases(&mut page, report);
    for (status, title, label) in [
        (Status::Failed, "Failed", Label::Danger),
        (Status::Unknown, "Unknown", Label::Danger),
        (Status::Stale, "Stale", Label::Warning),
        (Status::Skipped, "Not tried", Label::Warning),
    ] {
        tenants(&mut page, report, (status, title, label));
    }
    notices(&mut page, report);
    if !report.notices.is_empty() {
        page.section("Notices");
        for notice in &report.notices {
            page.item(2, &harmless(notice));
        }
    }
    page.gap();
    if let Some(reason) = report.cancelled {
        page.item(0, &paint(Label::Warning, &cancelled(reason)));
    }
    if report.summary.is_left() {
        page.item(0, &how_to_go_on(report));
    }
    let label = if report.exit == Exit::Done as u8 {
        Label::Good
    } else {
        Label::Heading
    };
    for line in summary(report, elapsed).lines() {
        page.line(&paint(label, line));
    }
    page.finish()
}

/// The report in numbers, and the run that it is about.
#[must_use]
pub fn summary(report: &Report, elapsed: Duration) -> String {
    let numbers = &report.summary;
    let mut parts = vec![count(numbers.applied, "tenant")];
    let always = [
        (numbers.failed, "failed"),
        (numbers.stale, "stale"),
        (numbers.skipped, "not tried"),
        (numbers.blocked, "blocked"),
    ];
    parts.extend(always.map(|(number, word)| format!("{number} {word}")));
    let rare = [
        (numbers.unchanged, "unchanged"),
        (numbers.unknown, "unknown"),
    ];
    parts.extend(
        rare.into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, word)| format!("{number} {word}")),
    );
    format!(
        "Applied: {} in {:.1}s.\nRun {}.",
        parts.join(", "),
        elapsed.as_secs_f64(),
        report.run
    )
}

/// Database-wide steps that weren't done; those that were stand in the plan already.
fn databases(page: &mut Page, report: &Report) {
    let left: Vec<&DatabaseOutcome> = report
        .databases
        .iter()
        .filter(|step| step.error.is_some())
        .collect();
    if left.is_empty() {
        return;
    }
    page.section("Database-wide steps");
    for step in left {
        let status = paint(Label::Danger, step.status.as_str());
        let what = harmless(&step.step);
        page.item(2, &format!("{status}: cluster {}: {what}", step.cluster));
        if let Some(failure) = &step.error {
            page.item(4, &harmless(&failure.message));
            entry::write_place(page, failure);
            if let Some(hint) = &failure.hint {
                page.hint(4, &harmless(hint));
            }
        }
    }
}

fn tenants(page: &mut Page, report: &Report, (status, title, label): (Status, &str, Label)) {
    let found = report
        .outcomes
        .iter()
        .filter(|outcome| outcome.status == status);
    let entries: Vec<Entry<'_>> = found.map(entry_of).collect();
    if !entries.is_empty() {
        page.section(title);
        entry::write(page, label, &entries);
    }
}

/// What is to be said about a tenant that wasn't changed.
pub(super) fn entry_of(outcome: &Outcome) -> Entry<'_> {
    let failure = outcome.error.as_ref();
    Entry {
        tenant: &outcome.tenant,
        title: "",
        message: failure.map_or("no reason is known", |failure| failure.message.as_str()),
        hint: failure.and_then(|failure| failure.hint.as_deref()),
        failure,
    }
}

/// The server's notices, each once, with the tenants it came up for.
fn notices(page: &mut Page, report: &Report) {
    let mut said: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for outcome in &report.outcomes {
        for notice in &outcome.notices {
            said.entry(notice)
                .or_default()
                .push(outcome.tenant.as_str());
        }
    }
    if said.is_empty() {
        return;
    }
    page.section("Notices of the servers");
    for (notice, tenants) in said {
        page.item(2, &harmless(notice));
        page.names(4, &tenants);
    }
}

fn cancelled(reason: CancelReason) -> String {
    match reason {
        CancelReason::Interrupt => "Interrupted: running tenants were finished.".to_owned(),
        CancelReason::SecondInterrupt => {
            "Interrupted: running statements were cancelled.".to_owned()
        }
        CancelReason::TooManyFailures => {
            "Stopped: more tenants failed than `rollout.max_failures` bears.".to_owned()
        }
        _ => format!("Stopped: {}.", reason.why()),
    }
}

/// An apply that is repeated meets the same error, unless that was a passing one.
fn how_to_go_on(report: &Report) -> String {
    // No-break spaces, so that the command can be copied as it stands.
    let command = if report.resumable {
        let run = short_run(report.run);
        format!("`tenantry\u{a0}apply\u{a0}--resume\u{a0}{run}`")
    } else {
        "`tenantry\u{a0}apply`".to_owned()
    };
    let interrupted = report.exit == Exit::Interrupted as u8;
    if report.summary.failed > 0 && !interrupted {
        format!("Set right what failed, then go on with {command}: what is done stays done.")
    } else {
        format!("Go on with {command}: what is done stays done.")
    }
}

#[cfg(test)]
mod tests;
