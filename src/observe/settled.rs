//! Looks at tenants until what was seen stood still: an apply that goes on meanwhile is nobody's drift.

use std::collections::BTreeSet;

use crate::control;
use crate::drift::Checked;
use crate::model::name::{ClusterName, TenantId};
use crate::model::observed::{LiveDatabase, Observed};
use crate::pg::catalog;
use crate::pg::error::PgError;
use crate::pg::wire::{Wire, begin_reading};

use super::look::{Look, Looked, look, read_each};
use super::{observe, side_by_side};

/// How often tenants that change are looked at anew.
const LOOKS: usize = 3;

/// Looks and judges, again where tenants that are found to differ were being changed. Those that are to the end are
/// given to the last judgement, which leaves them out.
pub fn settled(
    what: Look<'_>,
    judge: impl Fn(&Looked, &BTreeSet<TenantId>) -> Checked,
) -> (Looked, Checked) {
    let mut looks = 0;
    loop {
        looks += 1;
        let mut looked = look(what);
        let mut checked = judge(&looked, &BTreeSet::new());
        if !checked.to_read.is_empty() {
            read_each(&mut looked, what.targets, &checked.to_read);
            checked = judge(&looked, &BTreeSet::new());
        }
        let changing = changing(what, &looked, &checked);
        if changing.is_empty() {
            return (looked, checked);
        }
        if looks == LOOKS {
            let checked = judge(&looked, &changing);
            return (looked, checked);
        }
    }
}

/// Of the tenants that were found to differ or couldn't be read, those that somebody works on, or has by now.
fn changing(what: Look<'_>, looked: &Looked, checked: &Checked) -> BTreeSet<TenantId> {
    let doubtful = checked.report.doubtful();
    if doubtful.is_empty() {
        return doubtful;
    }
    // Who is at work is asked first: whoever has finished since is seen in what they left.
    let busy = busy(what, &doubtful);
    let now = observe(what.desired, what.targets);
    doubtful
        .into_iter()
        .filter(|id| busy.contains(id) || has_moved(id, &looked.observed, &now))
        .collect()
}

/// Whether a tenant's row, history or ledger is another than it was.
fn has_moved(id: &TenantId, before: &Observed, now: &Observed) -> bool {
    now.databases.iter().any(|(cluster, now)| {
        let before = before
            .databases
            .get(cluster)
            .and_then(|it| it.as_ref().ok());
        match (before, now) {
            (Some(before), Ok(now)) => standing(id, before) != standing(id, now),
            _ => false,
        }
    })
}

fn standing<'a>(id: &TenantId, live: &'a LiveDatabase) -> impl PartialEq + use<'a> {
    let row = live.tenants.get(id);
    row.map(|row| (row, live.schemas.get(&row.schema)))
}

/// The tenants whose lock is held. A database that can't tell has none.
fn busy(what: Look<'_>, tenants: &BTreeSet<TenantId>) -> BTreeSet<TenantId> {
    let on = |cluster: &ClusterName, wire: &mut Wire| {
        let desired = &what.desired.tenants;
        let here: Vec<&TenantId> = tenants
            .iter()
            .filter(|id| {
                desired
                    .get(id)
                    .is_some_and(|tenant| tenant.cluster == *cluster)
            })
            .collect();
        locked(wire, &here)
    };
    let busy = side_by_side(what.targets, on);
    busy.into_values()
        .filter_map(Result::ok)
        .flatten()
        .collect()
}

fn locked(wire: &mut Wire, tenants: &[&TenantId]) -> Result<BTreeSet<TenantId>, PgError> {
    if tenants.is_empty() {
        return Ok(BTreeSet::new());
    }
    let keys: Vec<String> = tenants.iter().map(|id| control::tenant_lock(id)).collect();
    wire.run(&begin_reading())?;
    let held = catalog::held(wire, &keys)?;
    wire.run("COMMIT")?;
    let tenants = tenants.iter().zip(held);
    Ok(tenants
        .filter(|(_, held)| *held)
        .map(|(id, _)| (*id).clone())
        .collect())
}
