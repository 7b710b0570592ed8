//! The order tenants are changed in: canaries first, then the rest, each wave with what it bears.

use super::{Cohort, Plan};
use crate::model::desired::{Desired, Tenant};
use crate::model::name::TenantId;

/// The first wave: tenants with a tag of `rollout.canary`. One failure in it ends the run.
pub const CANARY: &str = "canary";

/// The second wave: everyone else.
pub const REST: &str = "rest";

/// Tenants that are changed side by side, before the next wave begins.
#[derive(Clone, Debug)]
pub struct Wave<'a> {
    /// [`CANARY`] or [`REST`].
    pub name: &'static str,
    /// In plan order.
    pub tenants: Vec<WaveTenant<'a>>,
    /// How many failures of the run it bears; one more stops the handing out of work.
    pub max_failures: usize,
}

/// A tenant of a wave, with what its plan says.
#[derive(Clone, Copy, Debug)]
pub struct WaveTenant<'a> {
    pub id: &'a TenantId,
    pub tenant: &'a Tenant,
    pub cohort: &'a Cohort,
}

/// Orders a plan's tenants; waves without tenants are left out.
#[must_use]
pub fn waves<'a>(plan: &'a Plan, desired: &'a Desired) -> Vec<Wave<'a>> {
    let tenants: Vec<WaveTenant<'a>> = plan
        .cohorts
        .iter()
        .flat_map(|cohort| cohort.tenants.iter().map(move |id| (id, cohort)))
        .filter_map(|(id, cohort)| {
            let tenant = desired.tenants.get(id)?;
            Some(WaveTenant { id, tenant, cohort })
        })
        .collect();
    let bears = desired.rollout.max_failures.of(tenants.len());
    let canary_tags = &desired.rollout.canary_tags;
    let (canaries, rest): (Vec<_>, Vec<_>) = tenants
        .into_iter()
        .partition(|one| !one.tenant.tags.is_disjoint(canary_tags));
    [(CANARY, canaries, 0), (REST, rest, bears)]
        .into_iter()
        .filter(|(_, tenants, _)| !tenants.is_empty())
        .map(|(name, tenants, max_failures)| Wave {
            name,
            tenants,
            max_failures,
        })
        .collect()
}
