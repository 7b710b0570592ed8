//! What a plan needs of a comparison, tenant by tenant.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use super::report::{Finding, FindingKind, Level};
use super::{Checked, Measured};
use crate::model::name::{ClusterName, SchemaName, TenantId};
use crate::model::observed::Observed;
use crate::model::reference::SCHEMA;
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
    let references = of_references(references, observed);
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

/// The fingerprint of each tenant's reference, where there is one. Tenants whose files made the same of other values
/// are alike.
fn of_references<'a>(
    references: &'a [Measured],
    observed: &Observed,
) -> BTreeMap<(&'a ClusterName, &'a TenantId), ContentHash> {
    let mut found = BTreeMap::new();
    for one in references {
        if let Ok(reference) = &one.reference {
            let mut words = vec![reference.built_in.as_str()];
            words.extend(values(one, observed));
            let fingerprint = reference.shape.fingerprint_without(&words);
            for id in &one.tenants {
                found.insert((&one.cluster, id), fingerprint.clone());
            }
        }
    }
    found
}

/// The values that went into a reference, each before those that are part of it.
fn values<'a>(measured: &Measured, observed: &'a Observed) -> Vec<&'a str> {
    let live = observed.databases.get(&measured.cluster);
    let live = live.and_then(|live| live.as_ref().ok());
    let first = measured.tenants.first();
    let row = live.zip(first).and_then(|(live, id)| live.tenants.get(id));
    let used = row.iter().flat_map(|row| row.values.values()).flatten();
    let values = used.filter(|(name, _)| *name != SCHEMA);
    let distinct: BTreeSet<&str> = values.map(|(_, value)| value.as_str()).collect();
    let mut values: Vec<&str> = distinct.into_iter().collect();
    values.sort_by_key(|value| Reverse(value.len()));
    values
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::Unmeasured;
    use super::super::tests::{World, reference, shape, without_index};
    use super::*;
    use crate::model::observed::Unreadable;
    use crate::model::reference::Reference;
    use crate::model::shape::{Kind, Shape, Undescribed};
    use crate::plan::tests::fleet::{cluster, role, schema, tenant_id};

    fn standings_of(world: &World) -> Standings {
        let checked = world.check();
        let observed = &world.fleet.observed;
        standings(&checked, observed, &world.measured, &world.selected)
    }

    fn differences(world: &World, id: &str) -> Vec<String> {
        let standings = standings_of(world);
        let compared = standings.compared(&tenant_id(id)).unwrap();
        compared.differences.clone()
    }

    #[test]
    fn who_is_in_sync_has_the_fingerprints_of_both_sides() {
        let world = World::of(&["a", "b"]);
        let standings = standings_of(&world);
        assert_eq!(standings.0.len(), 2);
        for id in ["a", "b"] {
            let compared = standings.compared(&tenant_id(id)).unwrap();
            assert!(!compared.has_drifted());
            assert_eq!(compared.reference, compared.live);
        }
    }

    #[test]
    fn what_differs_is_said_in_words_but_for_what_is_waived() {
        let mut world = World::of(&["a", "b"]);
        world.regroup(&["b"], without_index());
        assert_eq!(differences(&world, "a"), [""; 0]);
        assert_eq!(differences(&world, "b"), ["index orders_idx missing"]);
        let live = |id| {
            standings_of(&world)
                .compared(&tenant_id(id))
                .unwrap()
                .live
                .clone()
        };
        assert_ne!(live("a"), live("b"));
        world.waive("b", "index *", None);
        assert_eq!(differences(&world, "b"), [""; 0]);
    }

    /// It is told elsewhere in a plan.
    #[test]
    fn the_schemas_owner_is_no_matter_of_its_shape() {
        let mut world = World::of(&["a"]);
        world.row("a").owner = role("other");
        assert_eq!(world.check().report.summary.drifted, 1);
        assert_eq!(differences(&world, "a"), [""; 0]);
    }

    /// Whatever schema a reference was built in, and whatever a tenant's is called.
    #[test]
    fn names_make_no_difference() {
        let named = |name: &str| {
            let comment = format!("of {name}");
            shape(&[(Kind::Comment, "table orders", &comment)])
        };
        let of = |built_in: &str, id: &str| {
            let mut world = World::of(&[id]);
            let own = format!("acq_{id}");
            world.regroup(&[id], named(&own));
            let reference = Reference {
                built_in: schema(built_in),
                shape: named(built_in),
                ..reference()
            };
            world.measured[0].reference = Ok(Arc::new(reference));
            let standings = standings_of(&world);
            standings.compared(&tenant_id(id)).unwrap().clone()
        };
        let one = of("tenantry_ref_00112233aabbccdd", "a");
        assert!(!one.has_drifted());
        assert_eq!(of("tenantry_ref_0000000000000000", "b"), one);
    }

    #[test]
    fn values_of_the_files_make_no_difference() {
        let priced = |currency: &str| {
            let default = format!("text DEFAULT '{currency}'::text");
            shape(&[(Kind::Column, "orders.currency", &default)])
        };
        let of = |currency: &str, other: &str| {
            let mut world = World::of(&["a"]);
            let used = [("schema", "orders"), ("vars.currency", other)];
            let used = used.map(|(name, value)| (name.to_owned(), value.to_owned()));
            world.row("a").values = [(ContentHash::of("x"), used.into())].into();
            world.regroup(&["a"], priced(currency));
            let reference = Reference {
                shape: priced(currency),
                ..reference()
            };
            world.measured[0].reference = Ok(Arc::new(reference));
            let standings = standings_of(&world);
            standings.compared(&tenant_id("a")).unwrap().clone()
        };
        let euro = of("EUR", "EUR");
        assert_eq!(of("USD", "USD").reference, euro.reference);
        assert_ne!(of("USD", "USD").live, euro.live);
        assert_ne!(of("USD", "GBP").reference, euro.reference);
    }

    #[test]
    fn who_wasnt_compared_has_the_reason() {
        let mut world = World::of(&["a", "b", "c", "d", "e"]);
        let unreadable = &mut world.shapes().unreadable;
        unreadable.insert(schema("acq_b"), Unreadable::for_good("no permission"));
        world.shapes().groups[0]
            .schemas
            .retain(|name| *name != schema("acq_b"));
        let mut unbuilt = world.measured[0].clone();
        unbuilt.tenants = [tenant_id("c")].into();
        unbuilt.reference = Err(Unmeasured {
            message: "it can't be built".to_owned(),
            hint: Some("Mend it.".to_owned()),
        });
        world.measured[0].tenants.remove(&tenant_id("c"));
        world.measured.push(unbuilt);
        world.changing.insert(tenant_id("d"));
        world.selected.remove(&tenant_id("e"));
        let standings = standings_of(&world);
        let why = |id: &str| match &standings.0[&tenant_id(id)].shape {
            Ok(_) => "compared".to_owned(),
            Err(Unchecked(why)) => why.clone(),
        };
        assert_eq!(why("a"), "compared");
        assert!(why("b").contains("no permission"), "{}", why("b"));
        assert_eq!(why("c"), "it can't be built. Mend it.");
        assert_eq!(why("d"), "an apply is changing it");
        assert_eq!(standings.0.len(), 4);
    }

    #[test]
    fn what_shapes_dont_describe_is_said() {
        let mut world = World::of(&["a"]);
        let label = Undescribed::SecurityLabel("table orders".to_owned());
        world.regroup(
            &["a"],
            Shape {
                undescribed: [label].into(),
                ..reference().shape
            },
        );
        let standing = &standings_of(&world).0[&tenant_id("a")];
        assert_eq!(
            standing.partial,
            ["table orders has a security label, which isn't compared"]
        );
        assert!(standing.shape.is_ok());
        assert_eq!(world.measured[0].cluster, cluster("main"));
    }
}
