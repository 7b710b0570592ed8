//! The query that names tenants, as far as it can be judged before it is asked.

use super::defaults::FleetWide;
use super::document::TenantsFromEntry;
use super::judge::Judge;
use crate::model::tenant_source::TenantSource;
use crate::sql;

const PATH: &str = "tenants_from";

/// The query of `tenants_from`, if there is one.
pub(super) fn resolve(judge: &mut Judge<'_>, fleet: &FleetWide<'_>) -> Option<TenantSource> {
    let entry = judge
        .sources
        .once(|document| document.tenants_from.as_ref())?;
    if !fleet.cluster.has_fallback() {
        let hint = "Add `cluster:` to `defaults`.";
        let message = "the tenants of a query live on the default cluster, and there is none";
        judge.problem(&[PATH], message, hint);
    }
    let query = query(judge, entry);
    let cluster = fleet
        .cluster
        .named(judge, &[PATH, "cluster"], entry.cluster.as_deref());
    Some(TenantSource {
        cluster: cluster?,
        query: query?,
        min: entry.min.unwrap_or(1),
        timeouts: fleet.timeouts,
        place: judge.sources.place(&[PATH, "query"]).to_string(),
    })
}

fn query(judge: &mut Judge<'_>, entry: &TenantsFromEntry) -> Option<String> {
    sql::query(&entry.query)
        .map(str::to_owned)
        .map_err(|reason| {
            let hint = "Write one SELECT that returns a column `id`.";
            judge.problem(&[PATH, "query"], reason, hint);
        })
        .ok()
}
