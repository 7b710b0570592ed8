//! Groups of alike schemas against their references: compared once, told for every member.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{Change, Difference, compare as compare_shapes};
use super::parts::said;
use super::report::{Finding, FindingKind};
use super::{GRANTS, Living, Measured, Unmeasured, text};
use crate::model::name::{ClusterName, SchemaName, TenantId};
use crate::model::observed::{LiveShapes, ShapeGroup};
use crate::model::reference::Reference;
use crate::model::shape::{Kind, Undescribed};

/// What the shapes of one database say.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) findings: Vec<Finding>,
    /// Members whose group's verdict may not be theirs.
    pub(super) to_read: BTreeSet<SchemaName>,
}

/// Compares the shapes of a database's tenants, those whose schemas are there.
pub(super) fn compare(
    cluster: &ClusterName,
    living: &[Living<'_>],
    references: &[Measured],
) -> Found {
    let measured = references.iter().filter(|one| one.cluster == *cluster);
    let mut database = Database {
        cluster,
        tenants: living
            .iter()
            .filter(|one| one.live.schemas.contains_key(&one.row.schema))
            .map(|one| (&one.row.schema, one.id))
            .collect(),
        measured: measured
            .flat_map(|one| one.tenants.iter().map(move |id| (id, one)))
            .collect(),
        found: Found::default(),
    };
    let shapes = living.first().and_then(|one| one.live.shapes.as_ref());
    if let Some(shapes) = shapes {
        for group in &shapes.groups {
            database.compare_group(group);
        }
    }
    database.tell_rest(shapes);
    database.found
}

/// A database whose groups are looked at one after the other.
struct Database<'a> {
    cluster: &'a ClusterName,
    /// Those that nothing was told of yet.
    tenants: BTreeMap<&'a SchemaName, &'a TenantId>,
    measured: BTreeMap<&'a TenantId, &'a Measured>,
    found: Found,
}

impl Database<'_> {
    fn compare_group(&mut self, group: &ShapeGroup) {
        let Some(first) = group.schemas.first() else {
            return;
        };
        let partial: Vec<Finding> = group.shape.undescribed.iter().map(partial).collect();
        // Tenants of a group may have come to it by different ways.
        let mut members: BTreeMap<*const Measured, (&Measured, Vec<_>)> = BTreeMap::new();
        for schema in &group.schemas {
            let Some(id) = self.tenants.remove(schema) else {
                continue;
            };
            self.tell(id, &partial);
            match self.measured.get(id) {
                Some(one) => {
                    let same = members.entry(std::ptr::from_ref(*one));
                    same.or_insert((one, Vec::new())).1.push((schema, id));
                }
                None => self.tell(id, &[unmeasured(None)]),
            }
        }
        for (measured, members) in members.into_values() {
            match &measured.reference {
                Ok(reference) => self.compare_members(group, first, reference, &members),
                Err(why) => {
                    for (_, id) in members {
                        self.tell(id, &[unmeasured(Some(why))]);
                    }
                }
            }
        }
    }

    fn compare_members(
        &mut self,
        group: &ShapeGroup,
        first: &SchemaName,
        reference: &Reference,
        members: &[(&SchemaName, &TenantId)],
    ) {
        let compared = compare_shapes(&group.shape, reference, first);
        let differences = compared.differences.iter();
        let findings: Vec<Finding> = differences
            .map(|one| difference(one, reference, first))
            .collect();
        for (schema, id) in members {
            if compared.carries_over || *schema == first {
                self.tell(id, &findings);
            } else {
                let message = "its shape is alike up to its name, and is to be read by itself";
                self.tell(id, &[unchecked(message)]);
                self.found.to_read.insert((*schema).clone());
            }
        }
    }

    /// Whoever is in no group wasn't read, and is never taken for equal.
    fn tell_rest(&mut self, shapes: Option<&LiveShapes>) {
        for (schema, id) in std::mem::take(&mut self.tenants) {
            let unreadable = shapes.and_then(|shapes| shapes.unreadable.get(schema));
            let why = self
                .measured
                .get(id)
                .and_then(|one| one.reference.as_ref().err());
            let finding = match (unreadable, why) {
                (Some(why), _) => Finding::new(FindingKind::Unreadable, "schema")
                    .saying(format!("its objects can't be read: {}", why.message))
                    .hint(if why.is_locked { LATER } else { GRANTS }),
                (None, Some(why)) => unmeasured(Some(why)),
                (None, None) => unchecked("its shape wasn't read"),
            };
            self.tell(id, &[finding]);
        }
    }

    fn tell(&mut self, id: &TenantId, findings: &[Finding]) {
        let about = findings.iter().cloned();
        let about = about.map(|finding| finding.about(id, self.cluster));
        self.found.findings.extend(about);
    }
}

const LATER: &str = "Look again when the other session has let its objects go.";

fn unchecked(message: impl Into<String>) -> Finding {
    Finding::new(FindingKind::ShapeUnchecked, "shape").saying(message)
}

fn unmeasured(why: Option<&Unmeasured>) -> Finding {
    let Some(why) = why else {
        return unchecked("there is no reference to compare it with");
    };
    let finding = unchecked(&why.message);
    match &why.hint {
        Some(hint) => finding.hint(hint),
        None => finding,
    }
}

fn partial(undescribed: &Undescribed) -> Finding {
    let object = undescribed.object();
    let (object, message) = match undescribed {
        Undescribed::SecurityLabel(_) => (object, "has a security label, which isn't compared"),
        Undescribed::Publication(_) => (object, "is part of a publication, which isn't compared"),
        Undescribed::Unknown(_) => (object, "is of a kind that isn't known, and isn't compared"),
    };
    Finding::new(FindingKind::Partial, object).saying(message)
}

fn difference(one: &Difference, reference: &Reference, schema: &SchemaName) -> Finding {
    let (expected, found, diff) = text::told(one, reference, schema);
    Finding {
        expected,
        found,
        diff: Some(diff),
        ..Finding::new(kind(one), said(&one.key))
    }
}

fn kind(one: &Difference) -> FindingKind {
    match (one.key.kind, one.change) {
        (Kind::Owner, _) => FindingKind::Owner,
        (Kind::Grant | Kind::DefaultPrivilege, _) => FindingKind::Grant,
        (_, Change::Missing) => FindingKind::Missing,
        (_, Change::Extra) => FindingKind::Extra,
        (_, Change::Changed) => FindingKind::Changed,
    }
}
