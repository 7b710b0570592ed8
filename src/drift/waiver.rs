//! Findings that somebody answers for: counted, and not failed for.

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;

use super::Scene;
use super::report::{Finding, FindingKind, Level, Waived};
use crate::model::desired::Waiver;
use crate::model::words::plain_pattern;

/// A waiver, ready to be held against findings.
struct Matcher<'a> {
    waiver: &'a Waiver,
    tenants: GlobMatcher,
    object: GlobMatcher,
    is_used: bool,
}

/// Marks what is waived, and tells of waivers that are over or of no use.
pub(super) fn apply(scene: &Scene<'_>, findings: &mut Vec<Finding>) {
    let (over, holding): (Vec<&Waiver>, Vec<&Waiver>) = scene
        .desired
        .waivers
        .iter()
        .partition(|waiver| is_over(waiver, scene.today));
    let mut holding: Vec<Matcher<'_>> = holding.into_iter().filter_map(Matcher::new).collect();
    for finding in findings.iter_mut() {
        waive(finding, &mut holding);
    }
    // What couldn't be compared may be what a waiver is for.
    let all_seen = scene.is_whole() && !findings.iter().any(|one| one.level == Level::Unchecked);
    let unused = holding.iter().filter(|one| all_seen && !one.is_used);
    let unused = unused.map(|one| notice(FindingKind::UnusedWaiver, one.waiver));
    let notices: Vec<Finding> = over
        .into_iter()
        .map(|waiver| notice(FindingKind::ExpiredWaiver, waiver))
        .chain(unused)
        .collect();
    findings.extend(notices);
}

/// It holds through its last day.
fn is_over(waiver: &Waiver, today: Date) -> bool {
    waiver.expires.is_some_and(|last| last < today)
}

impl<'a> Matcher<'a> {
    /// None for patterns that are none, which a loaded file has not.
    fn new(waiver: &'a Waiver) -> Option<Self> {
        let glob = |text: &str| Some(Glob::new(text).ok()?.compile_matcher());
        Some(Self {
            waiver,
            tenants: glob(&waiver.tenants)?,
            object: glob(&plain_pattern(&waiver.object))?,
            is_used: false,
        })
    }

    fn matches(&self, finding: &Finding) -> bool {
        let tenant = finding.tenant.as_ref();
        tenant.is_some_and(|id| self.tenants.is_match(id.as_str()))
            && self.object.is_match(&finding.object)
    }
}

/// The first waiver that fits gives the reason; all that fit are of use.
fn waive(finding: &mut Finding, waivers: &mut [Matcher<'_>]) {
    if finding.level == Level::Unchecked {
        return;
    }
    for one in waivers {
        if one.matches(finding) {
            one.is_used = true;
            finding.waived.get_or_insert_with(|| waived(one.waiver));
        }
    }
}

fn waived(waiver: &Waiver) -> Waived {
    Waived {
        reason: waiver.reason.clone(),
        owner: waiver.owner.clone(),
        expires: waiver.expires.map(|day| day.to_string()),
    }
}

fn notice(kind: FindingKind, waiver: &Waiver) -> Finding {
    let Waiver {
        tenants,
        object,
        reason,
        owner,
        expires,
    } = waiver;
    let what = match (kind, expires) {
        (FindingKind::ExpiredWaiver, Some(day)) => format!("held until {day}"),
        _ => "waives nothing".to_owned(),
    };
    let message = format!("the waiver of {owner} for tenants {tenants} {what} ({reason})");
    Finding::new(kind, format!("waiver {object}"))
        .saying(message)
        .hint("Remove it from `waivers:`, or bring it up to date.")
}
