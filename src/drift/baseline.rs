//! What was known before: an earlier report, against which findings are new.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::report::{DriftReport, FORMAT_VERSION, Finding, FindingKind};
use crate::error::Error;
use crate::model::name::{ClusterName, FleetName, TenantId};

/// The findings of an earlier report.
#[derive(Clone, Debug)]
pub struct Baseline(BTreeSet<Key>);

/// By what a finding is known again. The way an object differs is part of it: changed once more, it is new.
type Key = (
    Option<TenantId>,
    Option<ClusterName>,
    FindingKind,
    String,
    Option<String>,
    Option<String>,
);

fn key(finding: &Finding) -> Key {
    (
        finding.tenant.clone(),
        finding.cluster.clone(),
        finding.kind,
        finding.object.clone(),
        finding.message.clone(),
        finding.diff.clone(),
    )
}

#[derive(Deserialize)]
struct Head {
    format_version: String,
    fleet: String,
    // Other documents have none.
    findings: serde_json::Value,
}

impl Baseline {
    /// Reads what `drift --format json` wrote of the same fleet.
    ///
    /// # Errors
    /// Wrong usage: what the text is instead.
    pub fn parse(text: &str, fleet: &FleetName) -> Result<Self, Error> {
        let head: Head = serde_json::from_str(text)
            .map_err(|error| wrong(format!("isn't a report of drift: {error}")))?;
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if !head.findings.is_array() {
            return Err(wrong("isn't a report of drift: its findings are no list"));
        }
        if major(&head.format_version) != major(FORMAT_VERSION) {
            let version = &head.format_version;
            return Err(wrong(format!(
                "has format {version:?}; this is tenantry {}, which reads format {FORMAT_VERSION}",
                env!("CARGO_PKG_VERSION")
            )));
        }
        if head.fleet != fleet.as_str() {
            return Err(wrong(format!(
                "is of fleet {:?}; this is fleet {fleet}",
                head.fleet
            )));
        }
        let report: DriftReport = serde_json::from_str(text)
            .map_err(|error| wrong(format!("isn't a report of drift: {error}")))?;
        Ok(Self(report.findings.iter().map(key).collect()))
    }

    /// Says of every finding whether it is new.
    #[must_use]
    pub fn mark(&self, report: DriftReport) -> DriftReport {
        let mut report = report;
        for finding in &mut report.findings {
            finding.new = Some(!self.0.contains(&key(finding)));
        }
        let new = report.findings.iter().filter(|one| one.new == Some(true));
        report.summary.new = new.count();
        report
    }
}

fn wrong(why: impl Into<String>) -> Error {
    Error::usage(format!("the baseline {}", why.into()))
        .hint("Write one with `tenantry drift --format json --output FILE`.")
}
