//! What a doctor found, for people.

use super::page::Page;
use super::style::{Label, harmless, paint};
use crate::doctor::checkup::{Check, Checkup, Status};
use crate::model::count;

/// Columns of a status and of a check's name.
const COLUMNS: (usize, usize) = (8, 15);

/// Every check by cluster, and how many ended how; quietly, only those that aren't well.
#[must_use]
pub fn checkup(checkup: &Checkup, quiet: bool) -> String {
    let mut page = Page::new(true);
    let mut last = None;
    for check in &checkup.checks {
        if quiet && check.status == Status::Ok {
            continue;
        }
        if last != Some(&check.cluster) {
            let title = check
                .cluster
                .as_ref()
                .map(|cluster| format!("Cluster {cluster}"));
            page.section(&title.unwrap_or_else(|| "Fleet".to_owned()));
            last = Some(&check.cluster);
        }
        entry(&mut page, check);
    }
    page.gap();
    page.line(&summary(checkup));
    page.finish()
}

fn entry(page: &mut Page, check: &Check) {
    let (label, word) = match check.status {
        Status::Ok => (Label::Good, "ok"),
        Status::Warning => (Label::Warning, "warning"),
        Status::Failed => (Label::Danger, "failed"),
        Status::Unknown => (Label::Warning, "unknown"),
    };
    let (first, second) = COLUMNS;
    // No-break spaces, so that the columns stay where they are.
    let gap = |width: usize, text: &str| "\u{a0}".repeat(width.saturating_sub(text.len()));
    page.item(
        2,
        &format!(
            "{}{}{}{} {}",
            paint(label, word),
            gap(first, word),
            check.check,
            gap(second, check.check),
            harmless(&check.message)
        ),
    );
    if let Some(hint) = &check.hint {
        // Not wrapped: it may be SQL, whose names may hold blanks.
        let word = paint(Label::Hint, "hint:");
        page.line(&format!("    {word} {}", harmless(hint)));
    }
}

fn summary(checkup: &Checkup) -> String {
    let summary = &checkup.summary;
    format!(
        "Doctor: {} ok, {}, {} failed, {} unknown.",
        summary.ok,
        count(summary.warning, "warning"),
        summary.failed,
        summary.unknown
    )
}
