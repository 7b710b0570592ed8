//! Compares the desired state with the observed one and says everything that would make them equal.

use std::collections::BTreeSet;

use super::draft::Draft;
use super::ground::{Ground, Grounds};
use super::selection::{Selection, no_such_tenant};
use super::{Plan, guard};
use crate::error::Error;
use crate::model::desired::{Desired, TenantState};
use crate::model::name::{ClusterName, TenantId};
use crate::model::observed::Observed;
use crate::model::standing::Standings;

/// What a plan is asked for.
#[derive(Clone, Debug, Default)]
pub struct Options {
    pub selection: Selection,
    /// Recorded tenants that may be made anew, without data, when their schema is gone.
    pub provision_empty: BTreeSet<TenantId>,
    /// Of the tenants whose shapes were looked at.
    pub standings: Standings,
}

/// Plans the selected tenants, and the databases they live in.
///
/// # Errors
/// What refuses the whole run: another fleet's database, a newer control schema, one database under
/// two cluster names, and filters that match nothing. All else is a value in the plan.
pub fn plan(desired: &Desired, observed: &Observed, options: &Options) -> Result<Plan, Error> {
    guard::check(desired, observed)?;
    check_provision_empty(desired, options)?;
    let selected = options.selection.pick(desired)?;
    let grounds = grounds(desired, observed, &selected);
    let mut draft = Draft::new(desired, &grounds, &options.standings);
    for id in &selected {
        draft.judge(id, options.provision_empty.contains(id));
    }
    draft.block_enum_conflicts();
    Ok(draft.finish(observed, &selected))
}

fn check_provision_empty(desired: &Desired, options: &Options) -> Result<(), Error> {
    let unknown = options
        .provision_empty
        .iter()
        .find(|id| !desired.tenants.contains_key(*id));
    match unknown {
        Some(id) => Err(no_such_tenant(
            &format!("--provision-empty {id}"),
            id.as_str(),
            desired,
        )),
        None => Ok(()),
    }
}

/// Every declared database, those that selected tenants should be present in with what they need.
fn grounds<'a>(
    desired: &'a Desired,
    observed: &'a Observed,
    selected: &BTreeSet<TenantId>,
) -> Grounds<'a> {
    let in_use: BTreeSet<&ClusterName> = desired
        .tenants
        .iter()
        .filter(|(id, tenant)| selected.contains(*id) && tenant.state == TenantState::Present)
        .map(|(_, tenant)| &tenant.cluster)
        .collect();
    desired
        .clusters
        .keys()
        .map(|cluster| {
            let ground = Ground::new(desired, observed, cluster, in_use.contains(cluster));
            (cluster, ground)
        })
        .collect()
}
