//! The differences between a live shape and its reference, each told once.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::accept::{Own, accept, names_itself};
use super::parts::Lost;
use super::text;
use crate::model::name::SchemaName;
use crate::model::reference::Reference;
use crate::model::shape::{Definition, ObjectKey, Shape, Undescribed};

/// How an object differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// The reference has it alone.
    Missing,
    /// The live schema has it alone.
    Extra,
    Changed,
}

/// An object that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub key: ObjectKey,
    pub change: Change,
    /// What the reference says.
    pub expected: Option<Definition>,
    /// What the live schema says.
    pub found: Option<Definition>,
}

/// What a comparison found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Compared {
    /// By key.
    pub differences: Vec<Difference>,
    /// Whether they hold for every schema that is alike up to its name; else each is to be read by itself.
    pub carries_over: bool,
}

/// What a reference says of an object.
#[derive(Clone, Copy, Debug)]
struct Expected<'a> {
    first: &'a Definition,
    after_dump: Option<&'a Definition>,
}

/// Compares the shape of `schema` with what it should be.
///
/// An object that is missing or extra brings no differences for its parts.
#[must_use]
pub fn compare(live: &Shape, reference: &Reference, schema: &SchemaName) -> Compared {
    let own = Own::new(&reference.built_in, schema);
    let expected = expected(live, reference, &own);
    let mut compared = Compared {
        differences: lost(&expected, live),
        carries_over: !is_named_after_itself(live, &own),
    };
    compared.differences.extend(added(&expected, live));
    for (key, found) in &live.objects {
        match expected.get(key) {
            // Nearly all are the same to the letter.
            Some(expected) if expected.first == found => {
                compared.carries_over &= !names_itself(found, &own);
            }
            Some(expected) => compared.judge(key, *expected, found, &own),
            None => compared.carries_over &= !names_itself(found, &own),
        }
    }
    compared.differences.sort_by(|a, b| a.key.cmp(&b.key));
    compared
}

impl Compared {
    fn judge(
        &mut self,
        key: &ObjectKey,
        expected: Expected<'_>,
        found: &Definition,
        own: &Own<'_>,
    ) {
        let forms = [
            expected.first,
            expected.after_dump.unwrap_or(expected.first),
        ];
        let accepted = accept(found, &forms, own);
        self.carries_over &= accepted.carries_over;
        if !accepted.is_equal {
            self.differences.push(Difference {
                key: key.clone(),
                change: Change::Changed,
                expected: Some(text::nearest(&forms, found).clone()),
                found: Some(found.clone()),
            });
        }
    }
}

/// What should be there, by the keys that it has in the live schema.
fn expected<'a>(
    live: &Shape,
    reference: &'a Reference,
    own: &Own<'_>,
) -> BTreeMap<Cow<'a, ObjectKey>, Expected<'a>> {
    let objects = reference.shape.objects.iter();
    let named = objects.map(|(key, first)| {
        let expected = Expected {
            first,
            after_dump: reference.after_dump.get(key),
        };
        (live_key(key, live, own), expected)
    });
    named.collect()
}

/// An object that is called after the schema has another name in each.
fn live_key<'a>(key: &'a ObjectKey, live: &Shape, own: &Own<'_>) -> Cow<'a, ObjectKey> {
    let names = own.live_names(&key.name);
    if names.is_empty() {
        return Cow::Borrowed(key);
    }
    let keys = names.into_iter().map(|name| ObjectKey {
        kind: key.kind,
        name,
    });
    let mut keys: Vec<ObjectKey> = keys.collect();
    let there = keys.iter().position(|key| live.objects.contains_key(key));
    Cow::Owned(keys.swap_remove(there.unwrap_or_default()))
}

fn lost(expected: &BTreeMap<Cow<'_, ObjectKey>, Expected<'_>>, live: &Shape) -> Vec<Difference> {
    let lost = expected
        .iter()
        .filter(|(key, _)| !live.objects.contains_key(key.as_ref()));
    let whole = Lost::new(lost.clone().map(|(key, _)| key.as_ref()));
    lost.filter(|(key, expected)| !whole.takes(key, expected.first))
        .map(|(key, expected)| Difference {
            key: key.clone().into_owned(),
            change: Change::Missing,
            expected: Some(expected.first.clone()),
            found: None,
        })
        .collect()
}

fn added(expected: &BTreeMap<Cow<'_, ObjectKey>, Expected<'_>>, live: &Shape) -> Vec<Difference> {
    let added = live
        .objects
        .iter()
        .filter(|(key, _)| !expected.contains_key(*key));
    let whole = Lost::new(added.clone().map(|(key, _)| key));
    added
        .filter(|(key, found)| !whole.takes(key, found))
        .map(|(key, found)| Difference {
            key: key.clone(),
            change: Change::Extra,
            expected: None,
            found: Some(found.clone()),
        })
        .collect()
}

/// Whether an object's name, or that of something undescribed, is the schema's by chance or by intent.
fn is_named_after_itself(live: &Shape, own: &Own<'_>) -> bool {
    let undescribed = live.undescribed.iter().map(Undescribed::object);
    let names = live.objects.keys().map(|key| key.name.as_str());
    names.chain(undescribed).any(|name| own.stands_in(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::shape::Kind;

    const BUILT_IN: &str = "tenantry_ref_00112233aabbccdd";

    fn key(kind: Kind, name: &str) -> ObjectKey {
        let name = name.to_owned();
        ObjectKey { kind, name }
    }

    fn shape(objects: &[(Kind, &str, &str)]) -> Shape {
        let definition = |text: &str| Definition {
            text: text.to_owned(),
            source: None,
        };
        let objects = objects.iter();
        Shape {
            objects: objects
                .map(|(kind, name, text)| (key(*kind, name), definition(text)))
                .collect(),
            ..Shape::default()
        }
    }

    fn reference(objects: &[(Kind, &str, &str)]) -> Reference {
        Reference {
            built_in: SchemaName::new(BUILT_IN).unwrap(),
            shape: shape(objects),
            after_dump: BTreeMap::new(),
        }
    }

    fn compared(live: &Shape, reference: &Reference) -> (Vec<(Change, String)>, bool) {
        let found = compare(live, reference, &SchemaName::new("acme").unwrap());
        let told = found.differences.iter();
        (
            told.map(|one| (one.change, super::super::parts::said(&one.key)))
                .collect(),
            found.carries_over,
        )
    }

    const ORDERS: [(Kind, &str, &str); 10] = [
        (Kind::Table, "orders", "permanent"),
        (Kind::Column, "orders.id", "bigint"),
        (Kind::Constraint, "orders.orders_pkey", "PRIMARY KEY (id)"),
        (Kind::Index, "orders_at_idx", "ON orders USING btree (at)"),
        (Kind::Sequence, "orders_id_seq", "bigint owned by orders.id"),
        (Kind::Trigger, "orders.stamp", "BEFORE UPDATE"),
        (Kind::Comment, "table orders", "the orders"),
        (Kind::Comment, "column orders.id", "the number"),
        (Kind::Grant, "table orders", "app=SELECT"),
        (Kind::Owner, "table orders", "other"),
    ];

    #[test]
    fn a_table_is_told_once_with_all_that_is_its_own() {
        let others = [
            (Kind::Table, "orders_old", "permanent"),
            (
                Kind::Index,
                "orders_old_idx",
                "ON orders_old USING btree (at)",
            ),
        ];
        let whole = shape(&[&ORDERS[..], &others[..]].concat());
        let rest = shape(&others);
        let missing = compared(&rest, &reference(&[&ORDERS[..], &others[..]].concat()));
        assert_eq!(missing.0, [(Change::Missing, "table orders".to_owned())]);
        let extra = compared(&whole, &reference(&others));
        assert_eq!(extra.0, [(Change::Extra, "table orders".to_owned())]);
    }

    #[test]
    fn parts_of_a_table_that_is_there_are_told_one_by_one() {
        let (table, parts) = ORDERS.split_first().unwrap();
        let acme = SchemaName::new("acme").unwrap();
        let found = compare(&shape(&[*table]), &reference(&ORDERS), &acme).differences;
        // A comment goes with its column.
        assert_eq!(found.len(), parts.len() - 1, "{found:?}");
        assert!(found.is_sorted_by(|a, b| a.key < b.key));
    }

    #[test]
    fn what_differs_is_changed_and_what_a_dump_makes_of_it_is_not() {
        let mut reference = reference(&[(Kind::View, "v", "SELECT 1")]);
        let live = shape(&[(Kind::View, "v", "SELECT 2")]);
        let changed = compared(&live, &reference);
        assert_eq!(
            changed,
            (vec![(Change::Changed, "view v".to_owned())], true)
        );
        reference.after_dump = live.objects.clone();
        assert_eq!(compared(&live, &reference), (Vec::new(), true));
    }

    #[test]
    fn a_table_called_after_its_schema_is_the_one_of_the_reference() {
        let live = shape(&[(Kind::Table, "acme", "x"), (Kind::Column, "acme.id", "y")]);
        let dotted = format!("{BUILT_IN}.id");
        let reference = reference(&[(Kind::Table, BUILT_IN, "x"), (Kind::Column, &dotted, "y")]);
        assert_eq!(compared(&live, &reference), (Vec::new(), false));
    }

    #[test]
    fn a_name_in_what_is_extra_carries_nothing_over() {
        let live = shape(&[(Kind::View, "v", "SELECT 'acme'")]);
        let found = compared(&live, &reference(&[]));
        assert_eq!(found, (vec![(Change::Extra, "view v".to_owned())], false));
    }

    #[test]
    fn equal_shapes_have_no_differences() {
        assert_eq!(
            compared(&shape(&ORDERS), &reference(&ORDERS)),
            (Vec::new(), true)
        );
    }
}
