//! What a plan needs of a comparison, tenant by tenant.

use std::collections::{BTreeMap, BTreeSet};

use super::report::{Finding, FindingKind, Level};
use super::{Checked, Measured};
use crate::model::name::{ClusterName, SchemaName, TenantId};
use crate::model::observed::Observed;
use crate::model::standing::{Compared, Standing, Standings, Unchecked};
use crate::model::template::ContentHash;

/// Where the tenants stand that have a schema; of those of `selected` that weren't judged, since they are being
/// changed, it isn't known.
#[must_use]
pub fn standings(
    checked: &Checked,
    observed: &Observed,
    references: &[Measured],
    selected: &BTreeSet<TenantId>,
) -> Standings {
    let mut findings: BTreeMap<&TenantId, Vec<&Finding>> = BTreeMap::new();
    for finding in &checked.report.findings {
        if let Some(id) = &finding.tenant {
            findings.entry(id).or_default().push(finding);
        }
    }
    let references = of_references(references);
    let live = of_schemas(observed);
    let mut standings = Standings::default();
    for (cluster, database) in &observed.databases {
        let rows = database.iter().flat_map(|live| &live.tenants);
        for (id, row) in rows.filter(|(id, _)| selected.contains(*id)) {
            let found = findings.get(id).map_or(&[][..], Vec::as_slice);
            let shape = if checked.tenants.contains(id) {
                let live = live.get(&(cluster, &row.schema));
                shape(found, references.get(&(cluster, id)), live)
            } else {
                Err(Unchecked("an apply is changing it".to_owned()))
            };
            let partial = partial(found);
            standings.0.insert(id.clone(), Standing { shape, partial });
        }
    }
    standings
}

/// The fingerprint of each tenant's reference, where there is one.
fn of_references(references: &[Measured]) -> BTreeMap<(&ClusterName, &TenantId), ContentHash> {
    let mut found = BTreeMap::new();
    for one in references {
        if let Ok(reference) = &one.reference {
            let fingerprint = reference.shape.nameless_fingerprint(&reference.built_in);
            for id in &one.tenants {
                found.insert((&one.cluster, id), fingerprint.clone());
            }
        }
    }
    found
}

/// The fingerprint of each schema that was read. A group's is that of all of its members: those that may differ in
/// more than their names were read one by one.
fn of_schemas(observed: &Observed) -> BTreeMap<(&ClusterName, &SchemaName), ContentHash> {
    let mut found = BTreeMap::new();
    for (cluster, live) in &observed.databases {
        let shapes = live.as_ref().ok().and_then(|live| live.shapes.as_ref());
        for group in shapes.iter().flat_map(|shapes| &shapes.groups) {
            let Some(first) = group.schemas.first() else {
                continue;
            };
            let fingerprint = group.shape.nameless_fingerprint(first);
            for schema in &group.schemas {
                found.insert((cluster, schema), fingerprint.clone());
            }
        }
    }
    found
}

fn shape(
    findings: &[&Finding],
    reference: Option<&ContentHash>,
    live: Option<&ContentHash>,
) -> Result<Compared, Unchecked> {
    let unread = findings
        .iter()
        .find(|one| is_about_shape(one) && one.level == Level::Unchecked);
    match (unread, reference, live) {
        (None, Some(reference), Some(live)) => Ok(Compared {
            reference: reference.clone(),
            live: live.clone(),
            differences: differences(findings),
        }),
        (Some(finding), ..) => Err(Unchecked(reason(finding))),
        _ => Err(Unchecked("its shape wasn't read".to_owned())),
    }
}

fn differences(findings: &[&Finding]) -> Vec<String> {
    let open = findings
        .iter()
        .filter(|one| one.level == Level::Drift && one.waived.is_none() && is_about_shape(one));
    open.map(|finding| finding.title()).collect()
}

/// A plan says otherwise what is wrong with a history, or with who owns the schema.
fn is_about_shape(finding: &Finding) -> bool {
    match finding.kind {
        FindingKind::MissingSchema | FindingKind::HistoryDiverged => false,
        FindingKind::Owner => finding.object != "schema",
        FindingKind::Unreadable => finding.object != "history",
        _ => true,
    }
}

fn reason(finding: &Finding) -> String {
    let message = finding.message.clone().unwrap_or_else(|| finding.title());
    match &finding.hint {
        Some(hint) => format!("{message}. {hint}"),
        None => message,
    }
}

fn partial(findings: &[&Finding]) -> Vec<String> {
    let partial = findings
        .iter()
        .filter(|one| one.kind == FindingKind::Partial && one.waived.is_none());
    let words = partial.map(|one| match &one.message {
        Some(message) => format!("{} {message}", one.object),
        None => one.title(),
    });
    words.collect()
}
