//! What holds for every fleet.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::arbitrary::fleets;
use super::fleet::Fleet;
use crate::model::name::TenantId;
use crate::plan::digest::desired_digest;
use crate::plan::rollout::waves;
use crate::plan::{Plan, UnmanagedReason};

fn planned(plan: &Plan) -> Vec<&TenantId> {
    let cohorts = plan.cohorts.iter();
    cohorts.flat_map(|cohort| &cohort.tenants).collect()
}

/// Every tenant that the plan names in a place of its own, as often as it is named.
fn placed(plan: &Plan) -> Vec<&TenantId> {
    let blocked = plan.blocked.iter().map(|blocked| &blocked.tenant);
    let withheld = plan.withheld.iter().map(|withheld| &withheld.tenant);
    planned(plan)
        .into_iter()
        .chain(blocked)
        .chain(withheld)
        .collect()
}

/// The same fleet, with everything put into its maps the other way round.
fn reversed(fleet: &Fleet) -> Fleet {
    fn turn<K: Ord + Clone, V: Clone>(map: &BTreeMap<K, V>) -> BTreeMap<K, V> {
        let mut turned = BTreeMap::new();
        for (key, value) in map.iter().rev() {
            turned.insert(key.clone(), value.clone());
        }
        turned
    }
    let mut other = fleet.clone();
    other.desired.tenants = turn(&fleet.desired.tenants);
    other.desired.templates = turn(&fleet.desired.templates);
    other.desired.clusters = turn(&fleet.desired.clusters);
    other.desired.extensions = turn(&fleet.desired.extensions);
    other.observed.databases = turn(&fleet.observed.databases);
    for live in other.observed.databases.values_mut().flatten() {
        live.tenants = turn(&live.tenants);
        live.schemas = turn(&live.schemas);
    }
    other
}

proptest! {
    // What fails is printed; a file of seeds would lie beside Cargo.toml.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn after_a_plan_is_carried_out_nothing_is_left(mut fleet in fleets()) {
        let plan = fleet.plan();
        fleet.carry_out(&plan);
        let after = fleet.plan();
        prop_assert!(!after.has_changes() && !after.applyable, "{after:#?}");
        prop_assert_eq!(&after.blocked, &plan.blocked);
        prop_assert_eq!(&after.withheld, &plan.withheld);
        prop_assert_eq!(&after.unmanaged, &plan.unmanaged);
        let done = plan.summary.create + plan.summary.migrate + plan.summary.unchanged;
        prop_assert_eq!(after.summary.unchanged, done);
    }

    #[test]
    fn every_selected_tenant_is_in_one_place(fleet in fleets()) {
        let plan = fleet.plan();
        let placed = placed(&plan);
        let distinct: BTreeSet<&TenantId> = placed.iter().copied().collect();
        prop_assert_eq!(distinct.len(), placed.len(), "one is in two places: {:?}", placed);
        prop_assert!(distinct.iter().all(|id| fleet.desired.tenants.contains_key(*id)));
        let counted = placed.len() + plan.summary.unchanged;
        prop_assert_eq!(counted, fleet.desired.tenants.len());
    }

    #[test]
    fn the_summary_counts_what_is_there(fleet in fleets()) {
        let plan = fleet.plan();
        let summary = &plan.summary;
        prop_assert_eq!(summary.create + summary.migrate, planned(&plan).len());
        prop_assert_eq!(summary.blocked, plan.blocked.len());
        prop_assert_eq!(summary.withheld, plan.withheld.len());
        prop_assert_eq!(summary.unmanaged, plan.unmanaged.len());
        let steps = plan.steps.iter().filter(|step| step.action.is_extension());
        prop_assert_eq!(summary.extensions, steps.count());
        prop_assert_eq!(plan.applyable, !plan.steps.is_empty() || !plan.cohorts.is_empty());
        prop_assert_eq!(plan.differs(), plan.applyable || !plan.blocked.is_empty());
        let answered = fleet.observed.databases.values().all(Result::is_ok);
        prop_assert_eq!(plan.complete, answered);
    }

    #[test]
    fn every_planned_tenant_is_in_one_wave(fleet in fleets()) {
        let plan = fleet.plan();
        let waves = waves(&plan, &fleet.desired);
        let mut in_waves: Vec<&TenantId> =
            waves.iter().flat_map(|wave| &wave.tenants).map(|one| one.id).collect();
        in_waves.sort();
        let mut planned = planned(&plan);
        planned.sort();
        prop_assert_eq!(in_waves, planned);
        for wave in &waves {
            prop_assert!(wave.tenants.iter().all(|one| one.cohort.tenants.contains(one.id)));
        }
    }

    #[test]
    fn cohorts_are_sorted_and_named_apart(fleet in fleets()) {
        let plan = fleet.plan();
        let ids: BTreeSet<&str> = plan.cohorts.iter().map(|cohort| cohort.id.as_str()).collect();
        prop_assert_eq!(ids.len(), plan.cohorts.len());
        for cohort in &plan.cohorts {
            prop_assert!(cohort.tenants.is_sorted() && !cohort.tenants.is_empty());
        }
        prop_assert!(plan.blocked.is_sorted_by_key(|blocked| &blocked.tenant));
        prop_assert!(plan.withheld.is_sorted_by_key(|withheld| &withheld.tenant));
    }

    #[test]
    fn json_goes_round(fleet in fleets()) {
        let plan = fleet.plan();
        let text = serde_json::to_string(&plan).unwrap();
        let back: Plan = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(serde_json::to_string(&back).unwrap(), text);
        prop_assert_eq!(back.compute_digest(), back.digest.clone());
        prop_assert_eq!(back, plan);
    }

    #[test]
    fn equal_input_gives_equal_bytes(fleet in fleets()) {
        let other = reversed(&fleet);
        let [a, b] = [&fleet, &other].map(|one| serde_json::to_string_pretty(&one.plan()).unwrap());
        prop_assert_eq!(a, b);
        prop_assert_eq!(desired_digest(&fleet.desired), desired_digest(&other.desired));
    }

    /// Taking a tenant out of the file takes it out of every section but `unmanaged`, and moves nobody else.
    #[test]
    fn absence_is_never_an_action(mut fleet in fleets()) {
        let before = fleet.plan();
        let Some((gone, tenant)) = fleet.desired.tenants.pop_first() else {
            return Ok(());
        };
        fleet.options.provision_empty.remove(&gone);
        let after = fleet.plan();
        prop_assert!(!placed(&after).contains(&&gone));
        let others = |plan: &Plan| {
            let ids = placed(plan).into_iter().filter(|id| **id != gone).cloned();
            ids.collect::<BTreeSet<_>>()
        };
        prop_assert_eq!(others(&before), others(&after));
        let Some(Ok(live)) = fleet.observed.databases.get(&tenant.cluster) else {
            return Ok(());
        };
        let recorded = live.tenants.get(&gone).filter(|row| live.schemas.contains_key(&row.schema));
        let unmanaged = after.unmanaged.iter().find(|one| one.tenant.as_ref() == Some(&gone));
        if let Some(row) = recorded {
            let unmanaged = unmanaged.unwrap();
            prop_assert_eq!(&unmanaged.schema, &row.schema);
            prop_assert_eq!(unmanaged.reason, UnmanagedReason::RemovedFromFile);
        }
    }

    /// Whoever isn't selected isn't touched, and the selected fare as they would with all others.
    #[test]
    fn a_selection_only_narrows(fleet in fleets()) {
        let Some(id) = fleet.desired.tenants.keys().next().cloned() else {
            return Ok(());
        };
        let all = fleet.plan();
        let mut narrow = fleet.clone();
        let filter = [id.to_string()];
        narrow.options.selection = crate::plan::selection::Selection::new(&filter, &[], &[]).unwrap();
        let plan = narrow.plan();
        prop_assert!(placed(&plan).iter().all(|one| **one == id));
        prop_assert_eq!(placed(&plan).contains(&&id), placed(&all).contains(&&id));
        let of = |plan: &Plan| plan.blocked.iter().find(|one| one.tenant == id).cloned();
        prop_assert_eq!(of(&plan), of(&all));
    }
}
