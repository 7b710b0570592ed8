//! The reference: the shape that a tenant's own template, history and values produce.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::migration::History;
use super::name::{RoleName, SchemaName, SqlName as _};
use super::observed::ControlTenant;
use super::shape::{Definition, Kind, ObjectKey, SHAPE_VERSION, Shape};
use super::template::ContentHash;

/// Everything a reference is made from; tenants of equal recipes have one reference.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Recipe {
    pub template_address: ContentHash,
    /// The migrations that ran on the tenant, in the order they did; what its baseline covers isn't among them.
    pub applied: Vec<ContentHash>,
    /// Values of placeholders by the content that used them, but for the schema's name.
    pub values: BTreeMap<ContentHash, BTreeMap<String, String>>,
    /// Who owns schema and objects.
    pub owner: RoleName,
    /// What follows the schema itself on the path.
    pub search_path: Vec<SchemaName>,
}

impl Recipe {
    /// What a tenant is made from, by its row; `None` where what ran on it isn't known. `search_path` is what
    /// follows its schema on the path.
    ///
    /// Of what ran that counts which its `history` still holds, if it is given: somebody may have undone a migration
    /// by hand, row and all. One that ran again then counts once, where it ran last.
    #[must_use]
    pub fn of(
        row: &ControlTenant,
        history: Option<&History>,
        search_path: &[SchemaName],
    ) -> Option<Self> {
        let ran = row.applied.as_ref()?;
        let is_recorded = |version| {
            history.is_none_or(|history| history.iter().any(|known| known.version == version))
        };
        let is_last = |at: usize| {
            !ran[at + 1..]
                .iter()
                .any(|later| later.version == ran[at].version)
        };
        let counts = |at: &usize| is_recorded(ran[*at].version) && is_last(*at);
        let applied = (0..ran.len()).filter(counts);
        let applied: Vec<ContentHash> = applied.map(|at| ran[at].content.clone()).collect();
        let used = std::iter::once(&row.template_address).chain(&applied);
        let values = used.filter_map(|content| {
            let mut values = row.values.get(content)?.clone();
            values.remove(SCHEMA);
            (!values.is_empty()).then(|| (content.clone(), values))
        });
        Some(Self {
            template_address: row.template_address.clone(),
            values: values.collect(),
            owner: row.owner.clone(),
            search_path: search_path.to_vec(),
            applied,
        })
    }

    /// The address of what it makes on a server, given as `server_version_num`.
    #[must_use]
    pub fn address(&self, server: i32) -> ContentHash {
        let recipe = serde_json::to_string(self).expect("a recipe holds only text");
        ContentHash::of(&format!("{SHAPE_VERSION} {server} {recipe}"))
    }
}

/// The value of a placeholder that is the schema's own name.
pub const SCHEMA: &str = "schema";

impl Reference {
    /// The same without the USAGE on the schema that these roles were granted, which says nothing where they were let
    /// read the tenants: they have it in any tenant, by the template or not.
    #[must_use]
    pub fn without_usage_of(&self, readers: &[RoleName]) -> Self {
        let mut reference = self.clone();
        let key = ObjectKey {
            kind: Kind::Grant,
            name: "schema".to_owned(),
        };
        let Some(grants) = reference.shape.objects.remove(&key) else {
            return reference;
        };
        let roles = readers
            .iter()
            .flat_map(|role| [role.to_string(), role.quoted()]);
        let roles: BTreeSet<String> = roles.collect();
        let lines = grants
            .text
            .lines()
            .filter_map(|line| without_usage(line, &roles));
        let text = lines.collect::<Vec<_>>().join("\n");
        if !text.is_empty() {
            let grants = Definition { text, ..grants };
            reference.shape.objects.insert(key, grants);
        }
        reference
    }
}

/// What is left of a line such as `GRANT CREATE, USAGE TO reader`.
fn without_usage(line: &str, roles: &BTreeSet<String>) -> Option<String> {
    let granted = line
        .strip_prefix("GRANT ")
        .and_then(|rest| rest.split_once(" TO "));
    let Some((privileges, role)) = granted.filter(|(_, role)| roles.contains(*role)) else {
        return Some(line.to_owned());
    };
    let kept = privileges.split(", ").filter(|one| *one != "USAGE");
    let kept = kept.collect::<Vec<_>>().join(", ");
    (!kept.is_empty()).then(|| format!("GRANT {kept} TO {role}"))
}

/// What a recipe makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The name of the schema it was built in. It is random, so wherever it stands in a [`super::shape::Source`] the
    /// schema's own name is meant.
    pub built_in: SchemaName,
    pub shape: Shape,
    /// What the server makes of its own text, where that differs: the form a definition has after a dump, a move
    /// or an upgrade.
    #[serde(with = "super::shape::pairs")]
    pub after_dump: BTreeMap<ObjectKey, Definition>,
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::super::migration::AppliedMigration;
    use super::super::name::{TableName, TemplateName};
    use super::super::observed::Ran;
    use super::super::shape::Kind;
    use super::*;

    fn row() -> ControlTenant {
        let values = [("template", "EUR"), ("first", "x"), ("other", "y")];
        let values = values.map(|(content, value)| {
            let used = [("schema", "t_acme"), ("vars.currency", value)];
            let used = used.map(|(name, value)| (name.to_owned(), value.to_owned()));
            (ContentHash::of(content), used.into())
        });
        ControlTenant {
            uid: Uuid::nil(),
            schema: SchemaName::new("t_acme").unwrap(),
            owner: RoleName::new("app_owner").unwrap(),
            template: TemplateName::new("base").unwrap(),
            template_address: ContentHash::of("template"),
            history_table: TableName::new("history").unwrap(),
            state: "present".to_owned(),
            generation: 1,
            values: values.into(),
            applied: Some([ran(1, "first"), ran(2, "second")].into()),
        }
    }

    #[test]
    fn a_recipe_has_the_values_that_its_contents_used_but_for_the_schema() {
        let recipe = Recipe::of(&row(), None, &[]).unwrap();
        let of = |content: &str| recipe.values.get(&ContentHash::of(content));
        let value = |value: &str| BTreeMap::from([("vars.currency".to_owned(), value.to_owned())]);
        assert_eq!(of("template"), Some(&value("EUR")));
        assert_eq!(of("first"), Some(&value("x")));
        assert_eq!(recipe.values.len(), 2);
        let renamed = ControlTenant {
            schema: SchemaName::new("t_other").unwrap(),
            values: BTreeMap::from([(
                ContentHash::of("second"),
                BTreeMap::from([("schema".to_owned(), "t_other".to_owned())]),
            )]),
            ..row()
        };
        assert!(Recipe::of(&renamed, None, &[]).unwrap().values.is_empty());
        let unread = ControlTenant {
            applied: None,
            ..row()
        };
        assert_eq!(Recipe::of(&unread, None, &[]), None);
    }

    fn ran(version: i64, content: &str) -> Ran {
        Ran {
            version,
            content: ContentHash::of(content),
        }
    }

    #[test]
    fn what_was_undone_by_hand_counts_not_and_what_ran_again_counts_once() {
        let row = ControlTenant {
            applied: Some([ran(1, "first"), ran(2, "second"), ran(1, "again")].into()),
            ..row()
        };
        let of = |history: Option<&History>| Recipe::of(&row, history, &[]).unwrap().applied;
        let named = |contents: &[&str]| -> Vec<ContentHash> {
            contents
                .iter()
                .map(|content| ContentHash::of(content))
                .collect()
        };
        assert_eq!(of(None), named(&["second", "again"]));
        let recorded = |version| AppliedMigration {
            version,
            name: String::new(),
            checksum: 0,
        };
        assert_eq!(of(Some(&vec![recorded(1)])), named(&["again"]));
        assert_eq!(of(Some(&vec![])), named(&[]));
    }

    #[test]
    fn every_part_of_a_recipe_is_in_its_address() {
        let recipe = Recipe::of(&row(), None, &[]).unwrap();
        let address = recipe.address(150_018);
        assert_ne!(recipe.address(150_019), address);
        let mut others = vec![recipe.clone(); 5];
        others[0].template_address = ContentHash::of("x");
        others[1].applied.reverse();
        others[2].values.clear();
        others[3].owner = RoleName::new("other").unwrap();
        others[4].search_path = vec![SchemaName::new("shared").unwrap()];
        for other in others {
            assert_ne!(other.address(150_018), address, "{other:?}");
        }
    }

    #[test]
    fn a_reference_goes_round_as_json() {
        let key = ObjectKey {
            kind: Kind::Function,
            name: "own()".to_owned(),
        };
        let definition = Definition {
            text: "own".to_owned(),
            source: None,
        };
        let definitions = BTreeMap::from([(key, definition)]);
        let reference = Reference {
            built_in: SchemaName::new("tenantry_ref_0123456789abcdef").unwrap(),
            shape: Shape {
                objects: definitions.clone(),
                ..Shape::default()
            },
            after_dump: definitions,
        };
        let text = serde_json::to_string(&reference).unwrap();
        assert_eq!(serde_json::from_str::<Reference>(&text).unwrap(), reference);
    }
}
