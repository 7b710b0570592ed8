//! The document of `drift`: findings, how many there are, and the exit code they lead to.
//!
//! Its serialised form is the public JSON (`format_version` 1.0: a minor version adds keys, a major one breaks). A
//! tenant without a finding isn't named in it.

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::error::Exit;
use crate::model::name::{ClusterName, FleetName, TenantId};

/// The version of the document's JSON form.
pub const FORMAT_VERSION: &str = "1.0";

/// How the fleet's tenants differ from what their histories made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriftReport {
    pub format_version: String,
    pub tool_version: String,
    pub fleet: FleetName,
    /// Whether every database answered.
    pub complete: bool,
    /// Whether every selected tenant that lives was compared as a whole.
    pub checked: bool,
    pub summary: DriftSummary,
    /// By tenant; those about no tenant come last.
    pub findings: Vec<Finding>,
}

/// How many tenants and findings there are of each sort.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DriftSummary {
    /// Tenants that were compared.
    pub tenants_checked: usize,
    /// Of these, the ones that are what their histories say, but for what is waived.
    pub in_sync: usize,
    /// Tenants that differ in what nobody waived.
    pub drifted: usize,
    /// Findings that are waived.
    pub waived: usize,
    /// Findings to know of that aren't drift.
    pub notices: usize,
    /// Tenants that hold what shapes don't describe.
    pub partial: usize,
    /// Tenants that couldn't be compared.
    pub unchecked: usize,
    /// Tenants that an apply was at work on; they are left out.
    pub being_changed: usize,
    /// Findings that the baseline doesn't have; 0 without one.
    pub new: usize,
}

/// One thing that is otherwise than it should be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// None for what is about no tenant of the file.
    pub tenant: Option<TenantId>,
    /// None for what is about the desired state alone.
    pub cluster: Option<ClusterName>,
    pub level: Level,
    pub kind: FindingKind,
    /// What it is about, such as `index merchants_status_idx`, `schema` or `vars.currency`.
    pub object: String,
    /// In a sentence, where the object and the kind don't say it all.
    pub message: Option<String>,
    pub hint: Option<String>,
    /// The definition that the tenant's files made; mend it by a migration.
    pub expected: Option<String>,
    /// The live definition, to look at and never to run.
    pub found: Option<String>,
    /// From `expected` to `found`, as a unified diff.
    pub diff: Option<String>,
    pub waived: Option<Waived>,
    /// Whether the baseline doesn't have it; none without a baseline.
    pub new: Option<bool>,
}

/// How much a finding weighs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// The tenant isn't what its history made: exit code 2.
    Drift,
    /// The tenant couldn't be compared: exit code 1.
    Unchecked,
    /// Worth knowing: exit code 0, or 2 with `--strict`.
    Notice,
}

/// What a finding is; a closed list.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    MissingSchema,
    HistoryDiverged,
    Missing,
    Extra,
    Changed,
    Owner,
    Grant,
    /// Something of the tenant can't be read.
    Unreadable,
    /// There is nothing to compare the tenant with.
    ShapeUnchecked,
    /// The tenant holds something that shapes don't describe.
    Partial,
    TemplateOutdated,
    ValuesEdited,
    UnmanagedSchema,
    ExpiredWaiver,
    UnusedWaiver,
}

/// Why a finding doesn't count.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Waived {
    pub reason: String,
    pub owner: String,
    /// The last day, as `YYYY-MM-DD`.
    pub expires: Option<String>,
}

impl FindingKind {
    /// The word as it stands in output.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::MissingSchema => "missing_schema",
            Self::HistoryDiverged => "history_diverged",
            Self::Missing => "missing",
            Self::Extra => "extra",
            Self::Changed => "changed",
            Self::Owner => "owner",
            Self::Grant => "grant",
            Self::Unreadable => "unreadable",
            Self::ShapeUnchecked => "shape_unchecked",
            Self::Partial => "partial",
            Self::TemplateOutdated => "template_outdated",
            Self::ValuesEdited => "values_edited",
            Self::UnmanagedSchema => "unmanaged_schema",
            Self::ExpiredWaiver => "expired_waiver",
            Self::UnusedWaiver => "unused_waiver",
        }
    }

    /// How much it weighs.
    #[must_use]
    pub fn level(self) -> Level {
        match self {
            Self::MissingSchema
            | Self::HistoryDiverged
            | Self::Missing
            | Self::Extra
            | Self::Changed
            | Self::Owner
            | Self::Grant => Level::Drift,
            Self::Unreadable | Self::ShapeUnchecked => Level::Unchecked,
            Self::Partial
            | Self::TemplateOutdated
            | Self::ValuesEdited
            | Self::UnmanagedSchema
            | Self::ExpiredWaiver
            | Self::UnusedWaiver => Level::Notice,
        }
    }
}

impl Finding {
    /// A finding with no more to say than what and about whom.
    #[must_use]
    pub fn new(kind: FindingKind, object: impl Into<String>) -> Self {
        Self {
            tenant: None,
            cluster: None,
            level: kind.level(),
            kind,
            object: object.into(),
            message: None,
            hint: None,
            expected: None,
            found: None,
            diff: None,
            waived: None,
            new: None,
        }
    }

    /// Adds a sentence.
    #[must_use]
    pub fn saying(mut self, message: impl Into<String>) -> Self {
        self.message = Some(message.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same about a tenant.
    #[must_use]
    pub fn about(mut self, tenant: &TenantId, cluster: &ClusterName) -> Self {
        self.tenant = Some(tenant.clone());
        self.cluster = Some(cluster.clone());
        self
    }

    /// What it is, in a few words, with strangers' names as they are.
    #[must_use]
    pub fn title(&self) -> String {
        let object = &self.object;
        match self.kind {
            FindingKind::MissingSchema | FindingKind::Missing => format!("{object} missing"),
            FindingKind::HistoryDiverged => format!("{object} diverged"),
            FindingKind::Extra => format!("{object} extra"),
            FindingKind::Changed => format!("{object} changed"),
            FindingKind::Owner if object.starts_with("owner of ") => format!("{object} differs"),
            FindingKind::Owner => format!("owner of {object} differs"),
            FindingKind::Grant => format!("{object} differ"),
            FindingKind::Unreadable => format!("{object} unreadable"),
            FindingKind::ShapeUnchecked | FindingKind::Partial => format!("{object} not compared"),
            FindingKind::TemplateOutdated => format!("{object} outdated"),
            FindingKind::ValuesEdited => format!("{object} edited"),
            FindingKind::UnmanagedSchema => format!("{object} unmanaged"),
            FindingKind::ExpiredWaiver => format!("{object} expired"),
            FindingKind::UnusedWaiver => format!("{object} unused"),
        }
    }

    /// Whether it leads to the exit code 2: drift, or strictly a notice too, that nobody waived and no baseline has.
    #[must_use]
    pub fn counts(&self, strict: bool) -> bool {
        let weighs = match self.level {
            Level::Drift => true,
            Level::Notice => strict,
            Level::Unchecked => false,
        };
        weighs && self.waived.is_none() && self.new != Some(false)
    }

    /// Orders findings: about tenants first, by name; then by weight.
    fn key(&self) -> (bool, &Self) {
        (self.tenant.is_none(), self)
    }
}

impl DriftReport {
    /// Puts the findings in order and counts them.
    #[must_use]
    pub fn new(
        fleet: FleetName,
        complete: bool,
        tenants: &BTreeSet<TenantId>,
        mut findings: Vec<Finding>,
    ) -> Self {
        findings.sort_by(|a, b| a.key().cmp(&b.key()));
        let summary = summary(tenants, &findings);
        Self {
            format_version: FORMAT_VERSION.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            fleet,
            complete,
            checked: summary.unchecked + summary.partial == 0,
            summary,
            findings,
        }
    }

    /// Tenants with drift, and those that couldn't be compared.
    #[must_use]
    pub fn doubtful(&self) -> BTreeSet<TenantId> {
        let findings = self.findings.iter();
        let doubtful = findings.filter(|finding| finding.level != Level::Notice);
        doubtful
            .filter_map(|finding| finding.tenant.clone())
            .collect()
    }

    /// Drift before all, then what couldn't be compared.
    #[must_use]
    pub fn exit(&self, strict: bool) -> Exit {
        if self.findings.iter().any(|finding| finding.counts(strict)) {
            Exit::Differs
        } else if self.summary.unchecked > 0 {
            Exit::Failed
        } else {
            Exit::Done
        }
    }
}

/// `tenants` are all that were compared, or should have been.
fn summary(tenants: &BTreeSet<TenantId>, findings: &[Finding]) -> DriftSummary {
    let named = |of: fn(&Finding) -> bool| -> BTreeSet<&TenantId> {
        let open = findings
            .iter()
            .filter(|one| one.waived.is_none() && of(one));
        open.filter_map(|finding| finding.tenant.as_ref()).collect()
    };
    let unchecked = named(|one| one.level == Level::Unchecked);
    let drifted = named(|one| one.level == Level::Drift);
    let partial = named(|one| one.kind == FindingKind::Partial);
    let is_in_sync = |id: &&TenantId| {
        [&unchecked, &drifted, &partial]
            .iter()
            .all(|of| !of.contains(id))
    };
    let how_many = |of: fn(&Finding) -> bool| findings.iter().filter(|one| of(one)).count();
    DriftSummary {
        tenants_checked: tenants.len() - unchecked.len(),
        in_sync: tenants.iter().filter(is_in_sync).count(),
        drifted: drifted.len(),
        waived: how_many(|one| one.waived.is_some()),
        notices: how_many(|one| one.level == Level::Notice && one.waived.is_none()),
        partial: partial.len(),
        unchecked: unchecked.len(),
        being_changed: 0,
        new: how_many(|one| one.new == Some(true)),
    }
}
