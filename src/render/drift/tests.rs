//! Drift as people read it, and as Markdown.

use std::collections::BTreeSet;

use pulldown_cmark::{Event, Parser, Tag};

use super::*;
use crate::drift::report::FindingKind;
use crate::model::name::{ClusterName, FleetName};
use crate::render::markdown;

fn tenants(number: usize) -> BTreeSet<TenantId> {
    let id = |n: usize| TenantId::new(format!("tenant-{n:04}")).unwrap();
    (0..number).map(id).collect()
}

fn report(tenants: &BTreeSet<TenantId>, findings: Vec<Finding>) -> DriftReport {
    DriftReport::new(FleetName::new("payments").unwrap(), true, tenants, findings)
}

fn about(id: &TenantId, finding: Finding) -> Finding {
    finding.about(id, &ClusterName::new("main").unwrap())
}

fn missing() -> Finding {
    Finding {
        diff: Some("--- expected\n+++ found\n@@ -1 +0,0 @@\n-ON merchants (status)\n".to_owned()),
        ..Finding::new(FindingKind::Missing, "index merchants_status_idx")
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn nothing_wrong_is_one_line() {
    let all = tenants(1250);
    let said = plain(&drift(&report(&all, Vec::new()), false));
    assert_eq!(
        said,
        "No drift. 1250 tenants are what their histories say.\n"
    );
    let one = tenants(1);
    assert_eq!(
        plain(&brief(&report(&one, Vec::new()))),
        "No drift. 1 tenant is what its history says.\n"
    );
}

#[test]
fn equal_differences_are_told_once() {
    let all = tenants(300);
    let findings = all
        .iter()
        .take(214)
        .map(|id| about(id, missing()))
        .collect();
    let report = report(&all, findings);
    let said = plain(&drift(&report, false));
    assert_eq!(
        said,
        "Drift\n  214 tenants: index merchants_status_idx missing\n    \
         tenant-0000, tenant-0001, tenant-0002, tenant-0003, tenant-0004,\n    \
         tenant-0005, tenant-0006, tenant-0007, tenant-0008, … and 205 more\n      \
         -ON merchants (status)\n\nDrift: 214 of 300 tenants differ.\n"
    );
    assert!(plain(&drift(&report, true)).contains("tenant-0213"));
    assert!(!plain(&drift(&report, true)).contains("tenant-0214"));
    assert_eq!(
        plain(&brief(&report)),
        "Drift: 214 of 300 tenants differ.\n"
    );
}

#[test]
fn every_section_has_its_heading_and_the_numbers_are_told() {
    let all = tenants(4);
    let ids: Vec<&TenantId> = all.iter().collect();
    let waived = Finding {
        waived: Some(Waived {
            reason: "for now".to_owned(),
            owner: "ops".to_owned(),
            expires: Some("2026-12-31".to_owned()),
        }),
        ..missing()
    };
    let findings = vec![
        about(
            ids[0],
            Finding {
                new: Some(true),
                ..missing()
            },
        ),
        about(ids[1], waived),
        about(
            ids[2],
            Finding::new(FindingKind::Unreadable, "schema")
                .saying("denied")
                .hint("Grant it."),
        ),
        about(ids[3], Finding::new(FindingKind::Partial, "table t")),
        Finding::new(FindingKind::UnmanagedSchema, "schema x"),
    ];
    let report = report(&all, findings);
    assert_eq!(
        plain(&drift(&report, false)),
        "\
Drift
  tenant-0000: index merchants_status_idx missing (new)
      -ON merchants (status)

Not compared
  tenant-0002: schema unreadable
    denied
    hint: Grant it.

Waived
  tenant-0001: index merchants_status_idx missing
    waived by ops until 2026-12-31: for now

Notices
  tenant-0003: table t not compared
  schema x unmanaged

Drift: 1 of 4 tenants differs; 1 finding new, 1 finding waived, 2 notices, 1
  tenant compared in part, 1 tenant not compared.
"
    );
    let page = markdown::drift(&report);
    assert!(
        page.contains("\n`index merchants_status_idx missing` (new): `tenant-0000`\n"),
        "{page}"
    );
    assert!(page.contains("\n```diff\n--- expected\n"), "{page}");
    assert!(
        page.contains("- `waived by ops until 2026-12-31: for now`\n"),
        "{page}"
    );
}

#[test]
fn long_differences_are_cut_unless_all_is_wanted() {
    let all = tenants(1);
    let id = all.first().unwrap();
    let lines = (0..40)
        .map(|n| format!("+line {n}\n"))
        .collect::<Vec<_>>()
        .concat();
    let finding = Finding {
        diff: Some(format!(
            "--- expected\n+++ found\n@@ -1 +1 @@\n+{}\n{lines}",
            "x".repeat(200)
        )),
        ..missing()
    };
    let report = report(&all, vec![about(id, finding)]);
    let said = plain(&drift(&report, false));
    assert!(said.contains("… 25 more lines, shown by -v"), "{said}");
    assert!(
        said.lines().all(|line| line.chars().count() <= 80),
        "{said}"
    );
    let whole = plain(&drift(&report, true));
    assert!(
        whole.contains("+line 39") && whole.contains(&"x".repeat(200)),
        "{whole}"
    );
}

#[test]
fn text_of_strangers_acts_nowhere() {
    let all = tenants(1);
    let id = all.first().unwrap();
    let evil = "a\u{1b}[2J\u{202e}\n```\n<b>@you</b> [x](http://x)\r";
    let finding = Finding {
        diff: Some(format!(
            "--- expected\n+++ found\n@@ -1 +1 @@\n-{evil}\n+b\u{9b}\n"
        )),
        ..Finding::new(FindingKind::Changed, format!("view {evil}"))
            .saying(evil)
            .hint(evil)
    };
    let report = report(&all, vec![about(id, finding)]);
    for text in [plain(&drift(&report, false)), markdown::drift(&report)] {
        let acts = |c: char| c != '\n' && super::super::style::is_harmful(c);
        assert!(!text.contains(acts), "{text:?}");
    }
    let page = markdown::drift(&report);
    let events = Parser::new(&page);
    let acts = |event: &Event<'_>| {
        matches!(
            event,
            Event::Html(_) | Event::InlineHtml(_) | Event::Start(Tag::Link { .. })
        )
    };
    assert_eq!(events.filter(acts).count(), 0, "{page}");
}

#[test]
fn a_page_is_never_too_long() {
    let all = tenants(3000);
    let finding = |(n, id): (usize, &TenantId)| {
        let finding = Finding {
            diff: Some(format!(
                "--- expected\n+++ found\n@@ -1 +1 @@\n-{n}\n{}",
                "+y\n".repeat(900)
            )),
            ..Finding::new(FindingKind::Changed, format!("view v{n}"))
        };
        about(id, finding)
    };
    let report = report(&all, all.iter().enumerate().map(finding).collect());
    let page = markdown::drift(&report);
    assert!(page.chars().count() <= 65_536, "{}", page.chars().count());
    assert!(
        page.contains("more differences are left out"),
        "{}",
        &page[page.len() - 300..]
    );
    assert_eq!(page.matches("```").count() % 2, 0, "every block is closed");
}
