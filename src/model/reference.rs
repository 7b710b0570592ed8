//! The reference: the shape that a tenant's own template, history and values produce.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::name::{RoleName, SchemaName};
use super::observed::ControlTenant;
use super::shape::{Definition, ObjectKey, SHAPE_VERSION, Shape};
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
    #[must_use]
    pub fn of(row: &ControlTenant, search_path: &[SchemaName]) -> Option<Self> {
        let applied = row.applied.as_ref()?.to_vec();
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
