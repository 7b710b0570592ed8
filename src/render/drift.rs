//! Drift for people: what differs and how, told once for all tenants that differ alike.

use super::page::Page;
use super::style::{Label, harmless, paint};
use crate::drift::fold::{Fold, fold};
use crate::drift::report::{DriftReport, Finding, Level, Waived};
use crate::model::count;
use crate::model::name::TenantId;

/// How many blocks of a section are shown, unless the page is verbose.
const BLOCKS_SHOWN: usize = 20;
/// How many lines of a difference are shown, unless the page is verbose.
const LINES_SHOWN: usize = 16;
/// Longer lines of a difference are cut, unless the page is verbose.
const LINE: usize = 72;

/// All findings; `verbose` names every tenant and cuts nothing.
#[must_use]
pub fn drift(report: &DriftReport, verbose: bool) -> String {
    let mut page = Page::new(verbose);
    for (title, findings) in sections(report) {
        section(&mut page, title, &fold(findings));
    }
    page.gap();
    end(&mut page, report);
    page.finish()
}

/// Nothing but the numbers.
#[must_use]
pub fn brief(report: &DriftReport) -> String {
    let mut page = Page::new(false);
    end(&mut page, report);
    page.finish()
}

/// The findings by what is to become of them; empty sections are left out.
pub(super) fn sections(report: &DriftReport) -> Vec<(&'static str, Vec<&Finding>)> {
    let of = |wanted: &dyn Fn(&Finding) -> bool| -> Vec<&Finding> {
        let findings = report.findings.iter();
        findings.filter(|finding| wanted(finding)).collect()
    };
    let open = |level: Level| of(&move |one: &Finding| one.level == level && one.waived.is_none());
    let sections = [
        ("Drift", open(Level::Drift)),
        ("Not compared", open(Level::Unchecked)),
        ("Waived", of(&|one: &Finding| one.waived.is_some())),
        ("Notices", open(Level::Notice)),
    ];
    let filled = sections
        .into_iter()
        .filter(|(_, findings)| !findings.is_empty());
    filled.collect()
}

/// Who answers for a finding, until when and why.
pub(super) fn waived(waived: &Waived) -> String {
    let Waived {
        reason,
        owner,
        expires,
    } = waived;
    match expires {
        Some(day) => format!("waived by {owner} until {day}: {reason}"),
        None => format!("waived by {owner}: {reason}"),
    }
}

/// The report in one sentence.
pub(super) fn summary(report: &DriftReport) -> String {
    let numbers = &report.summary;
    let in_sync = match count(numbers.in_sync, "tenant") {
        one if numbers.in_sync == 1 => format!("{one} is what its history says"),
        many => format!("{many} are what their histories say"),
    };
    let all = numbers.tenants_checked + numbers.unchecked;
    let head = match numbers.drifted {
        0 if numbers.tenants_checked == 0 && numbers.unchecked > 0 => {
            "No tenant was compared".to_owned()
        }
        0 if numbers.unchecked > 0 => format!("No drift found. {in_sync}"),
        0 => format!("No drift. {in_sync}"),
        1 => format!("Drift: 1 of {} differs", count(all, "tenant")),
        many => format!("Drift: {many} of {} differ", count(all, "tenant")),
    };
    let is_compared = report.findings.iter().any(|one| one.new.is_some());
    let details = [
        (is_compared, count(numbers.new, "finding") + " new"),
        (
            numbers.waived > 0,
            count(numbers.waived, "finding") + " waived",
        ),
        (numbers.notices > 0, count(numbers.notices, "notice")),
        (
            numbers.partial > 0,
            count(numbers.partial, "tenant") + " compared in part",
        ),
        (
            numbers.unchecked > 0,
            count(numbers.unchecked, "tenant") + " not compared",
        ),
        (
            numbers.being_changed > 0,
            count(numbers.being_changed, "tenant") + " left out, being changed by an apply",
        ),
    ];
    let details: Vec<String> = details
        .into_iter()
        .filter_map(|(is_told, detail)| is_told.then_some(detail))
        .collect();
    match &details[..] {
        [] => format!("{head}."),
        details => format!("{head}; {}.", details.join(", ")),
    }
}

fn end(page: &mut Page, report: &DriftReport) {
    if !report.complete {
        let what = "This report is incomplete: not every database answered.";
        page.line(&paint(Label::Warning, what));
    }
    let numbers = &report.summary;
    let label = if numbers.drifted + numbers.unchecked == 0 {
        Label::Good
    } else {
        Label::Heading
    };
    page.item(0, &paint(label, &summary(report)));
}

fn section(page: &mut Page, title: &str, folds: &[Fold<'_>]) {
    page.section(title);
    let shown = if page.is_verbose() {
        folds.len()
    } else {
        BLOCKS_SHOWN.min(folds.len())
    };
    let (shown, rest) = folds.split_at(shown);
    for fold in shown {
        block(page, fold);
    }
    if !rest.is_empty() {
        let more = count(rest.len(), "more difference");
        page.item(2, &format!("and {more}, shown by -v"));
    }
}

fn block(page: &mut Page, fold: &Fold<'_>) {
    let first = fold.first;
    let what = paint(label(first), &harmless(&first.title()));
    let new = match first.new {
        Some(true) => " (new)",
        _ => "",
    };
    let names: Vec<&str> = fold.tenants.iter().copied().map(TenantId::as_str).collect();
    match names[..] {
        [] => page.item(2, &format!("{what}{new}")),
        [one] => page.item(2, &format!("{one}: {what}{new}")),
        _ => {
            page.item(2, &format!("{}: {what}{new}", count(names.len(), "tenant")));
            page.names(4, &names);
        }
    }
    if let Some(message) = &first.message {
        let example = if fold.is_same_for_all() {
            ""
        } else {
            "for example: "
        };
        page.item(4, &format!("{example}{}", harmless(message)));
    }
    if let Some(why) = &first.waived {
        page.item(4, &harmless(&waived(why)));
    }
    if let Some(diff) = first.diff.as_ref().filter(|_| first.waived.is_none()) {
        write_diff(page, diff);
    }
    if let Some(hint) = &first.hint {
        page.hint(4, &harmless(hint));
    }
}

fn label(finding: &Finding) -> Label {
    match finding.level {
        _ if finding.waived.is_some() => Label::Quiet,
        Level::Drift => Label::Danger,
        Level::Unchecked | Level::Notice => Label::Warning,
    }
}

/// The lines of a difference, without the names of its sides.
fn write_diff(page: &mut Page, diff: &str) {
    let mut hunks = 0;
    let lines: Vec<&str> = diff
        .lines()
        .skip(2)
        .filter(|line| {
            hunks += usize::from(line.starts_with("@@"));
            // Where the first begins says nothing.
            !line.starts_with("@@") || hunks > 1
        })
        .collect();
    let shown = if page.is_verbose() {
        lines.len()
    } else {
        LINES_SHOWN.min(lines.len())
    };
    for line in &lines[..shown] {
        write_diff_line(page, line);
    }
    if shown < lines.len() {
        let more = count(lines.len() - shown, "more line");
        page.item(6, &format!("… {more}, shown by -v"));
    }
}

fn write_diff_line(page: &mut Page, line: &str) {
    let label = match line.chars().next() {
        Some('+') => Label::Add,
        Some('-') => Label::Danger,
        _ => Label::Quiet,
    };
    let mut line = harmless(&line.replace('\t', "    "));
    if let Some((at, _)) = line.char_indices().nth(LINE).filter(|_| !page.is_verbose()) {
        line.truncate(at);
        line.push('…');
    }
    page.line(&format!("      {}", paint(label, &line)));
}

#[cfg(test)]
mod tests;
