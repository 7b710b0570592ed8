//! Live schemas that the desired state doesn't name: shown, never touched.

use std::collections::BTreeSet;

use super::guard::reachable;
use super::{Unmanaged, UnmanagedReason};
use crate::model::desired::Desired;
use crate::model::name::{ClusterName, SchemaName};
use crate::model::observed::{LiveDatabase, Observed};

/// Every unmanaged schema, by cluster and schema.
pub(super) fn find(desired: &Desired, observed: &Observed) -> Vec<Unmanaged> {
    let shared = shared_schemas(desired);
    let mut found: Vec<Unmanaged> = reachable(observed)
        .flat_map(|(cluster, live)| {
            removed(desired, cluster, live)
                .into_iter()
                .chain(look_alikes(desired, cluster, live, &shared))
        })
        .collect();
    found.sort_by(|a, b| (&a.cluster, &a.schema).cmp(&(&b.cluster, &b.schema)));
    found
}

/// Control rows whose tenants left the file, whether or not their schemas are still there.
fn removed(desired: &Desired, cluster: &ClusterName, live: &LiveDatabase) -> Vec<Unmanaged> {
    live.tenants
        .iter()
        .filter(|(id, _)| !desired.tenants.contains_key(*id))
        .map(|(id, row)| Unmanaged {
            cluster: cluster.clone(),
            schema: row.schema.clone(),
            tenant: Some(id.clone()),
            reason: UnmanagedReason::RemovedFromFile,
        })
        .collect()
}

/// Schemas that nobody recorded or declared and whose names fit the pattern.
fn look_alikes(
    desired: &Desired,
    cluster: &ClusterName,
    live: &LiveDatabase,
    shared: &[SchemaName],
) -> Vec<Unmanaged> {
    let recorded = live.tenants.values().map(|row| &row.schema);
    let declared = desired
        .tenants
        .values()
        .filter(|tenant| tenant.cluster == *cluster);
    let known: BTreeSet<&SchemaName> = recorded
        .chain(declared.map(|tenant| &tenant.schema))
        .collect();
    live.schemas
        .keys()
        .filter(|schema| {
            desired.schema_pattern.matches(schema)
                && !known.contains(schema)
                && schema.unfit_for_tenant(shared).is_none()
        })
        .map(|schema| Unmanaged {
            cluster: cluster.clone(),
            schema: schema.clone(),
            tenant: None,
            reason: UnmanagedReason::Pattern,
        })
        .collect()
}

fn shared_schemas(desired: &Desired) -> Vec<SchemaName> {
    let extensions = desired
        .extensions
        .values()
        .map(|extension| &extension.schema);
    desired
        .search_path
        .iter()
        .chain(extensions)
        .cloned()
        .collect()
}
