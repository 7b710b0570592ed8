//! Tenants: each with the fleet's defaults under its own words.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::defaults::{FleetWide, TENANT};
use super::document::{StateWord, TenantEntry};
use super::judge::Judge;
use super::resolve::timeouts;
use super::rows::declared;
use crate::model::desired::{Tenant, TenantState};
use crate::model::name::{ClusterName, RoleName, SchemaName, TenantId};

/// Which tenant lives in which schema of which cluster.
type Homes<'a> = HashMap<(ClusterName, SchemaName), (&'a str, &'a TenantEntry)>;

/// The tenants of all files and rows. Left out are those of whom something can't be judged.
pub(super) fn resolve(judge: &mut Judge<'_>, fleet: &FleetWide<'_>) -> BTreeMap<TenantId, Tenant> {
    judge.keys(&["tenants"], TenantId::new);
    let broken = broken(judge);
    let mut homes = Homes::new();
    let mut tenants = BTreeMap::new();
    let declared = declared(judge.sources, judge.rows);
    for (id, entry) in &declared {
        let id = *id;
        let whole = !broken.contains(id);
        let Ok(name) = TenantId::new(id) else {
            continue;
        };
        let cluster =
            fleet
                .cluster
                .demanded_of_tenant(judge, id, "cluster", entry.cluster.as_deref());
        let schema = schema(judge, fleet, id, entry);
        let settled = whole && !judge.awaits_rows();
        if let (true, Some(cluster), Some(schema)) = (settled, &cluster, &schema) {
            let home = (cluster.clone(), schema.clone());
            match homes.get(&home) {
                Some(other) => shared_home(judge, &home, (id, entry), *other),
                None => {
                    homes.insert(home, (id, entry));
                }
            }
        }
        let tenant = tenant(judge, fleet, id, entry, cluster.zip(schema));
        tenants.extend(tenant.filter(|_| whole).map(|tenant| (name, tenant)));
    }
    tenants
}

/// Tenants in which something was found broken: what they seem to say otherwise may be wrong.
fn broken<'a>(judge: &Judge<'a>) -> BTreeSet<&'a str> {
    if judge.problems.is_empty() {
        return BTreeSet::new();
    }
    judge
        .sources
        .find(&["tenants"])
        .flat_map(|(_, tenants)| tenants.node.entries())
        .filter(|tenant| !tenant.node.is_whole())
        .map(|tenant| tenant.key.as_str())
        .collect()
}

fn tenant(
    judge: &mut Judge<'_>,
    fleet: &FleetWide<'_>,
    id: &str,
    entry: &TenantEntry,
    home: Option<(ClusterName, SchemaName)>,
) -> Option<Tenant> {
    let template =
        fleet
            .template
            .demanded_of_tenant(judge, id, "template", entry.template.as_deref());
    let backup = fleet
        .backup
        .of_tenant(judge, id, "backup", entry.backup.as_deref());
    let owner = match &entry.owner {
        Some(owner) => judge.name(&["tenants", id, "owner"], owner, RoleName::new),
        None => fleet.owner.clone(),
    };
    let timeouts = match &entry.timeouts {
        Some(entry) => timeouts(judge, &["tenants", id, "timeouts"], entry, fleet.timeouts),
        None => fleet.timeouts,
    };
    let (cluster, schema) = home?;
    let vars = entry.vars.iter().flatten();
    Some(Tenant {
        cluster,
        schema,
        template: template?,
        owner,
        state: state(entry),
        tags: entry.tags.iter().flatten().cloned().collect(),
        vars: vars
            .map(|(name, value)| (name.clone(), value.0.clone()))
            .collect(),
        backup,
        timeouts,
    })
}

fn state(entry: &TenantEntry) -> TenantState {
    match entry.state {
        None | Some(StateWord::Present) => TenantState::Present,
        Some(StateWord::Suspended) => TenantState::Suspended,
        Some(StateWord::Absent) => TenantState::Absent,
    }
}

fn schema(
    judge: &mut Judge<'_>,
    fleet: &FleetWide<'_>,
    id: &str,
    entry: &TenantEntry,
) -> Option<SchemaName> {
    let text = entry
        .schema
        .as_deref()
        .or(fleet.schema)?
        .replace(TENANT, id);
    let own_path = ["tenants", id, "schema"];
    let path = schema_path(&own_path, entry);
    let schema = judge.name(path, &text, SchemaName::new)?;
    match schema.unfit_for_tenant(&fleet.shared) {
        Some(reason) => {
            judge.problem(path, reason, "Choose another schema.");
            None
        }
        None => Some(schema),
    }
}

/// Where a tenant's schema is named: at its own key, or else at the tenant.
fn schema_path<'p>(own: &'p [&'p str; 3], entry: &TenantEntry) -> &'p [&'p str] {
    if entry.schema.is_some() {
        own
    } else {
        &own[..2]
    }
}

fn shared_home(
    judge: &mut Judge<'_>,
    (cluster, schema): &(ClusterName, SchemaName),
    (id, entry): (&str, &TenantEntry),
    (other, other_entry): (&str, &TenantEntry),
) {
    let own = ["tenants", id, "schema"];
    let others = ["tenants", other, "schema"];
    let here = judge.place(schema_path(&own, entry));
    let there = judge.place(schema_path(&others, other_entry));
    // The later place is the one that took a schema which was taken.
    let (first, second) = if there < here {
        (there, here)
    } else {
        (here, there)
    };
    judge.problems.push(
        second
            .problem(format!(
                "tenants `{other}` and `{id}` share the schema \"{schema}\" on the cluster `{cluster}`; \
                 the other is at {first}"
            ))
            .with_hint("Give one of them another schema."),
    );
}
