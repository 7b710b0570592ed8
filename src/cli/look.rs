//! Looks at tenants and compares them to what their histories made, for `drift` and for plans.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::context::Context;
use crate::drift::{self, Checked, Scene};
use crate::model::desired::Desired;
use crate::model::name::TenantId;
use crate::observe::look::{Look, Looked};
use crate::observe::settled::settled;
use crate::pg::clients::Clients;
use crate::plan;

/// Looks at the selected tenants, or at them `alone`, until those that differ stand still. References are built
/// `elsewhere`, if that is given.
pub fn look(
    context: &Context<'_>,
    desired: &Desired,
    selected: &BTreeSet<TenantId>,
    alone: bool,
    elsewhere: Option<&Clients>,
) -> (Looked, Checked) {
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let what = Look {
        desired,
        targets: &context.targets(desired),
        selected,
        alone,
        elsewhere,
    };
    settled(what, |looked, changing| {
        drift::check(&Scene {
            desired,
            observed: &looked.observed,
            unmanaged: &plan::unmanaged(desired, &looked.observed),
            selected,
            changing,
            references: &looked.measured,
            today,
        })
    })
}
