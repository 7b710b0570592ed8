//! Which hazards of a plan nobody has allowed yet.

use super::Plan;
use super::action::{Hazard, HazardNote};
use super::pattern::Pattern;
use crate::error::Error;
use crate::model::name::TenantId;

/// One `--allow HAZARD[@GLOB]`.
#[derive(Clone, Debug)]
pub struct Allow {
    hazard: Hazard,
    /// `None` allows it for every tenant.
    glob: Option<Pattern>,
}

impl Allow {
    /// Reads `DELETES_DATA` or `DELETES_DATA@acme*`.
    ///
    /// # Errors
    /// An unknown hazard is wrong usage, since it would silently allow nothing.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let (word, glob) = match text.split_once('@') {
            Some((word, glob)) => (word, Some(Pattern::new("--allow", glob)?)),
            None => (text, None),
        };
        let hazard = Hazard::ALL.into_iter().find(|one| one.as_str() == word);
        let hazard = hazard.ok_or_else(|| {
            let known = Hazard::ALL.map(Hazard::as_str).join(", ");
            Error::usage(format!("--allow {text:?}: there is no hazard {word:?}"))
                .hint(format!("Use one of {known}, with @GLOB to name tenants."))
        })?;
        Ok(Self { hazard, glob })
    }

    fn covers(&self, hazard: Hazard, tenant: &TenantId) -> bool {
        self.hazard == hazard && self.glob.as_ref().is_none_or(|glob| glob.matches(tenant))
    }
}

/// A hazard that stands on planned work and isn't allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedHazard {
    /// The cohort's id.
    pub cohort: String,
    /// Those of the cohort it isn't allowed for.
    pub tenants: Vec<TenantId>,
    pub note: HazardNote,
    /// The flag that would allow it, to paste.
    pub flag: String,
}

/// The hazards that keep a plan from being carried out, in plan order.
#[must_use]
pub fn refused(plan: &Plan, allow: &[Allow]) -> Vec<RefusedHazard> {
    let mut refused = Vec::new();
    for cohort in &plan.cohorts {
        for note in cohort.hazards.iter().filter(|note| !note.allowed_by_file) {
            let covered = |id: &TenantId| allow.iter().any(|one| one.covers(note.hazard, id));
            let tenants: Vec<TenantId> = cohort
                .tenants
                .iter()
                .filter(|id| !covered(id))
                .cloned()
                .collect();
            if !tenants.is_empty() {
                refused.push(RefusedHazard {
                    cohort: cohort.id.clone(),
                    flag: flag(note.hazard, &tenants),
                    tenants,
                    note: note.clone(),
                });
            }
        }
    }
    refused
}

/// Names the tenant where there is one only, so that pasting allows no more than was read.
fn flag(hazard: Hazard, tenants: &[TenantId]) -> String {
    match tenants {
        [one] => format!("--allow {}@{one}", hazard.as_str()),
        _ => format!("--allow {}", hazard.as_str()),
    }
}
