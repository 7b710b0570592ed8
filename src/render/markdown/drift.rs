//! Drift on a page of limited length, folded as it is for people.

use super::paper::{Section, code, document};
use crate::drift::fold::{Fold, fold};
use crate::drift::report::DriftReport;
use crate::model::name::TenantId;
use crate::render::drift::{sections, summary, waived};

/// Sentences about a difference are few; none is folded.
const SHOWN: usize = 10;

const NOTE: &str = "> Parts of this report are left out, as a comment holds no more. \
    `tenantry drift -v` shows everything.\n";

/// The report in GitHub's Markdown; at most 65,536 characters, cut between rows.
#[must_use]
pub fn drift(report: &DriftReport) -> String {
    let mut head = format!(
        "### tenantry drift of {}\n\n**{}**\n\n",
        code(report.fleet.as_str()),
        summary(report)
    );
    if !report.complete {
        head.push_str("> This report is incomplete: not every database answered.\n");
    }
    let foot = format!("\nBy tenantry {}\n", code(&report.tool_version));
    let sections: Vec<Section> = sections(report)
        .into_iter()
        .map(|(title, findings)| section(title, &fold(findings)))
        .collect();
    document(&head, NOTE, &sections, &foot)
}

fn section(title: &'static str, folds: &[Fold<'_>]) -> Section {
    let mut section = Section::new(title, "difference");
    for fold in folds {
        write(&mut section, fold);
    }
    section
}

fn write(section: &mut Section, fold: &Fold<'_>) {
    let first = fold.first;
    let new = match first.new {
        Some(true) => " (new)",
        _ => "",
    };
    let head = format!("{}{new}", code(&first.title()));
    let names: Vec<&str> = fold.tenants.iter().copied().map(TenantId::as_str).collect();
    if names.is_empty() {
        section.item(format!("\n{head}\n\n"));
    } else {
        section.item_of_names(&head, &names, "tenant");
    }
    let example = if fold.is_same_for_all() {
        ""
    } else {
        "for example: "
    };
    let message = first.message.as_deref();
    let message = message.map(|message| format!("{example}{}", code(message)));
    let why = first.waived.as_ref().map(|why| code(&waived(why)));
    let hint = first.hint.as_deref();
    let hint = hint.map(|hint| format!("hint: {}", code(hint)));
    let said = [message, why, hint].into_iter().flatten().collect();
    section.list("sentence", said, SHOWN);
    if let Some(diff) = &first.diff {
        section.block("diff", diff);
    }
}
