//! Runs for people: a line each, or one with what became of its steps.

use textwrap::core::display_width;

use super::entry::{self, Entry};
use super::page::Page;
use super::style::{Label, harmless, paint};
use super::time::{ago, took};
use crate::model::name::TenantId;
use crate::report::{Status, short_run};
use crate::runs::{Run, RunState, RunStep, Runs, Unread};

/// The newest runs as a table, or one run and its steps; `verbose` names every tenant.
#[must_use]
pub fn runs(runs: &Runs, verbose: bool) -> String {
    let mut page = Page::new(verbose);
    match (&runs.steps, &runs.runs[..]) {
        (Some(steps), [run]) => detail(&mut page, run, steps, runs),
        (_, []) => page.line(&format!("No run of fleet {} is recorded.", runs.fleet)),
        (_, all) => table(&mut page, all),
    }
    unread(&mut page, &runs.unread);
    page.finish()
}

/// The colour of a status.
pub(super) fn label(status: Status) -> Label {
    match status {
        Status::Applied | Status::Unchanged => Label::Good,
        Status::Stale | Status::Skipped => Label::Warning,
        Status::Failed | Status::Unknown => Label::Danger,
    }
}

/// Journals that couldn't be read, and why.
pub(super) fn unread(page: &mut Page, unread: &[Unread]) {
    if unread.is_empty() {
        return;
    }
    page.section("Unreadable journals");
    for one in unread {
        let message = harmless(&one.message);
        page.item(2, &format!("cluster {}: {message}", one.cluster));
        if let Some(hint) = &one.hint {
            page.hint(4, &harmless(hint));
        }
    }
}

/// A run in a line, and who holds its lock.
pub(super) fn line(page: &mut Page, run: &Run) {
    let numbers = numbers(run);
    let (id, state) = (short_run(run.run), state(run));
    let command = harmless(&run.command);
    page.item(
        2,
        &format!("{id} {command} {state}, {}: {numbers}", times(run)),
    );
    if let Some(holder) = &run.holder {
        page.item(4, &format!("held by {}", harmless(holder)));
    }
}

/// Runs to choose from, a line each, without colours.
#[must_use]
pub fn list(runs: &[Run]) -> String {
    let lines = runs.iter().map(|run| {
        let (state, times) = (run.state.as_str(), times(run));
        format!("\n  {}  {} {state}, {times}", run.run, run.command).replace('\u{a0}', " ")
    });
    lines.collect()
}

fn state(run: &Run) -> String {
    let label = match run.state {
        RunState::Done => Label::Good,
        RunState::Running => Label::Heading,
        RunState::Partial | RunState::Interrupted => Label::Warning,
        RunState::Failed | RunState::Killed => Label::Danger,
    };
    paint(label, run.state.as_str())
}

fn times(run: &Run) -> String {
    let started = ago(run.age);
    match run.took {
        Some(span) => format!("{started}, took {}", took(span)),
        None => started,
    }
}

/// Its tenants in numbers; of the rare ones those that are none are left out.
fn numbers(run: &Run) -> String {
    let (counts, tenants) = (&run.counts, run.tenants);
    let rare = [
        (counts.unchanged, "unchanged"),
        (counts.failed, "failed"),
        (counts.unknown, "unknown"),
        (counts.stale, "stale"),
        (counts.skipped, "not tried"),
        (run.unrecorded(), "not recorded"),
    ];
    let applied = match counts.applied {
        _ if tenants == 0 => "no tenants".to_owned(),
        applied if applied == tenants => format!("all {tenants} applied"),
        applied => format!("{applied} of {tenants} applied"),
    };
    let rare = rare.into_iter().filter(|(number, _)| *number > 0);
    let parts: Vec<String> = [applied]
        .into_iter()
        .chain(rare.map(|(number, word)| format!("{number} {word}")))
        .map(|part| part.replace(' ', "\u{a0}"))
        .collect();
    parts.join(", ")
}

const COLUMNS: [&str; 9] = [
    "run", "command", "state", "exit", "started", "took", "applied", "failed", "left",
];

/// One line a run; who started it comes last, since names may be long.
fn table(page: &mut Page, runs: &[Run]) {
    let rows: Vec<[String; 9]> = runs.iter().map(cells).collect();
    let widths: Vec<usize> = (0..COLUMNS.len())
        .map(|column| {
            let cells = rows.iter().map(|row| display_width(&row[column]));
            cells.chain([COLUMNS[column].len()]).max().unwrap_or(0)
        })
        .collect();
    let heading = COLUMNS.map(str::to_owned);
    page.line(&paint(Label::Heading, &row(&heading, &widths, "actor")));
    for (cells, run) in rows.iter().zip(runs) {
        page.line(&row(cells, &widths, &harmless(&run.actor)));
    }
}

fn row(cells: &[String; 9], widths: &[usize], last: &str) -> String {
    let padded = cells.iter().zip(widths).map(|(cell, width)| {
        let pad = " ".repeat(width - display_width(cell));
        cell.replace('\u{a0}', " ") + &pad
    });
    padded.collect::<Vec<String>>().join("  ") + "  " + last
}

fn cells(run: &Run) -> [String; 9] {
    let counts = &run.counts;
    let left = counts.stale + counts.skipped + run.unrecorded();
    [
        short_run(run.run),
        harmless(&run.command),
        run.state.as_str().to_owned(),
        run.exit.map_or("-".to_owned(), |exit| exit.to_string()),
        ago(run.age),
        run.took.map_or("-".to_owned(), took),
        format!("{}/{}", counts.applied + counts.unchanged, run.tenants),
        (counts.failed + counts.unknown).to_string(),
        left.to_string(),
    ]
}

fn detail(page: &mut Page, run: &Run, steps: &[RunStep], runs: &Runs) {
    head(page, run);
    database_steps(page, steps);
    for (status, title) in [
        (Status::Applied, "Applied"),
        (Status::Unchanged, "Unchanged"),
        (Status::Failed, "Failed"),
        (Status::Unknown, "Unknown"),
        (Status::Stale, "Stale"),
        (Status::Skipped, "Not tried"),
    ] {
        tenants(page, steps, status, title);
    }
    let unrecorded = runs.unrecorded.as_deref().unwrap_or_default();
    if !unrecorded.is_empty() {
        page.section("Not recorded");
        let names: Vec<String> = unrecorded.iter().map(|id| harmless(id)).collect();
        page.names(2, &names);
        page.item(2, "planned, and nothing more is known of them");
    }
    page.gap();
    page.item(0, &format!("Run {}: {}.", short_run(run.run), numbers(run)));
    let left = counts_left(run) > 0;
    if left && run.state != RunState::Running {
        let id = short_run(run.run);
        let command = format!("`tenantry\u{a0}apply\u{a0}--resume\u{a0}{id}`");
        page.item(0, &format!("Go on with {command}."));
    }
}

fn counts_left(run: &Run) -> usize {
    let done = run.counts.applied + run.counts.unchanged;
    run.tenants.saturating_sub(done)
}

fn head(page: &mut Page, run: &Run) {
    let exit = run.exit.map(|exit| format!(", exit {exit}"));
    let exit = exit.unwrap_or_default();
    let (command, state) = (harmless(&run.command), state(run));
    page.line(&format!("Run {}: {command}, {state}{exit}", run.run));
    let (actor, version) = (harmless(&run.actor), harmless(&run.tool_version));
    let (at, times) = (&run.started_at, times(run));
    page.item(
        2,
        &format!("started {at}, {times}, by role {actor} with tenantry {version}"),
    );
    let clusters: Vec<String> = run.clusters.iter().map(ToString::to_string).collect();
    page.item(2, &format!("recorded on {}", clusters.join(", ")));
    if let Some(holder) = &run.holder {
        page.item(2, &format!("its lock is held by {}", harmless(holder)));
    }
    if let Some(resumed) = run.resumes {
        page.item(2, &format!("resumes run {resumed}"));
    }
    if let Some(plan) = run.plan_id {
        page.item(2, &format!("carries out the saved plan {plan}"));
    }
}

fn database_steps(page: &mut Page, steps: &[RunStep]) {
    let found: Vec<&RunStep> = steps.iter().filter(|step| step.tenant.is_none()).collect();
    if found.is_empty() {
        return;
    }
    page.section("Database-wide steps");
    for step in found {
        let status = paint(label(step.status), step.status.as_str());
        let what = harmless(&step.action);
        page.item(2, &format!("{status}: cluster {}: {what}", step.cluster));
        if let Some(failure) = &step.error {
            page.item(4, &harmless(&failure.message));
        }
    }
}

fn tenants(page: &mut Page, steps: &[RunStep], status: Status, title: &str) {
    let found = steps.iter().filter(|step| step.status == status);
    let entries: Vec<Entry<'_>> = found
        .filter_map(|step| Some(entry_of(step, step.tenant.as_ref()?)))
        .collect();
    if !entries.is_empty() {
        page.section(title);
        entry::write(page, label(status), &entries);
    }
}

fn entry_of<'a>(step: &'a RunStep, tenant: &'a TenantId) -> Entry<'a> {
    let failure = step.error.as_ref();
    let message = match failure {
        Some(failure) => &failure.message,
        None => &step.action,
    };
    Entry {
        tenant,
        title: "",
        message,
        hint: failure.and_then(|failure| failure.hint.as_deref()),
        failure,
    }
}

#[cfg(test)]
mod tests;
