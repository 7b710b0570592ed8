//! What has changed in a template, in words: the few first objects by name, the others by their number.

use super::compare::{Change, Difference, compare};
use super::parts::said;
use super::text::SCHEMA;
use crate::model::reference::Reference;

/// Objects that are named.
const NAMED: usize = 4;

/// What today's template makes otherwise than the one that tenants were made from, as in "adds column orders.note".
#[must_use]
pub fn words(then: &Reference, now: &Reference) -> String {
    let mut differences = compare(&now.shape, then, &now.built_in).differences;
    if differences.is_empty() {
        let undescribed = [&then.shape.undescribed, &now.shape.undescribed];
        return if undescribed.iter().all(|objects| objects.is_empty()) {
            "seed data only".to_owned()
        } else {
            "nothing that shapes describe".to_owned()
        };
    }
    differences.sort_by_key(|one| rank(one.change));
    // One more is as long as its number.
    let named = if differences.len() == NAMED + 1 {
        NAMED + 1
    } else {
        NAMED.min(differences.len())
    };
    let (named, rest) = differences.split_at(named);
    let mut parts = phrases(named, now);
    if !rest.is_empty() {
        parts.push(format!("and {} more", rest.len()));
    }
    parts.join(", ")
}

/// Each verb is said once.
fn phrases(differences: &[Difference], now: &Reference) -> Vec<String> {
    let mut last = None;
    let phrase = |one: &Difference| {
        let object = said(&one.key).replace(now.built_in.as_str(), SCHEMA);
        if last.replace(one.change) == Some(one.change) {
            object
        } else {
            format!("{} {object}", verb(one.change))
        }
    };
    differences.iter().map(phrase).collect()
}

fn rank(change: Change) -> usize {
    match change {
        Change::Extra => 0,
        Change::Changed => 1,
        Change::Missing => 2,
    }
}

/// The tenants' own reference is what is expected, so what today's has alone is extra.
fn verb(change: Change) -> &'static str {
    match change {
        Change::Extra => "adds",
        Change::Changed => "changes",
        Change::Missing => "drops",
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::name::SchemaName;
    use crate::model::shape::{Definition, Kind, ObjectKey, Shape, Undescribed};

    fn reference(built_in: &str, objects: &[(Kind, &str, &str)]) -> Reference {
        let objects = objects.iter().map(|(kind, name, text)| {
            let (kind, name) = (*kind, (*name).to_owned());
            let text = (*text).to_owned();
            let definition = Definition { text, source: None };
            (ObjectKey { kind, name }, definition)
        });
        Reference {
            built_in: SchemaName::new(built_in).unwrap(),
            shape: Shape {
                objects: objects.collect(),
                ..Shape::default()
            },
            after_dump: BTreeMap::new(),
        }
    }

    #[test]
    fn schemas_of_other_names_are_the_same() {
        let then = reference("ref_1", &[(Kind::View, "v", "SELECT 'ref_1'")]);
        let now = reference("ref_2", &[(Kind::View, "v", "SELECT 'ref_2'")]);
        assert_eq!(words(&then, &now), "seed data only");
    }

    #[test]
    fn an_object_that_is_called_after_its_schema_has_no_scratch_name() {
        let now = reference("ref_2", &[(Kind::Table, "ref_2", "permanent")]);
        assert_eq!(
            words(&reference("ref_1", &[]), &now),
            "adds table {{ident:schema}}"
        );
    }

    #[test]
    fn what_is_not_described_is_not_called_seed_data() {
        let then = reference("ref_1", &[]);
        let mut now = reference("ref_2", &[]);
        now.shape.undescribed = [Undescribed::SecurityLabel("table t".to_owned())].into();
        assert_eq!(words(&then, &now), "nothing that shapes describe");
    }

    #[test]
    fn verbs_are_said_once_and_the_rest_is_a_number() {
        let names = ["a", "b", "c", "d", "e", "f"];
        let tables = |text| names.map(|name| (Kind::Table, name, text));
        let then = reference("ref_1", &tables("permanent")[..5]);
        let now = reference("ref_2", &tables("unlogged")[1..]);
        assert_eq!(
            words(&then, &now),
            "adds table f, changes table b, table c, table d, and 2 more"
        );
    }
}
