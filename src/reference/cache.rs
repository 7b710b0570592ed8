//! References that were kept: rows of `tenantry.reference`, believed only as far as their hashes go.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Row;
use postgres::types::Type;

use crate::model::desired::Timeouts;
use crate::model::observed::ServerFacts;
use crate::model::reference::{Recipe, Reference};
use crate::model::shape::SHAPE_VERSION;
use crate::model::template::ContentHash;
use crate::pg::catalog;
use crate::pg::error::PgError;
use crate::pg::wire::{BEGIN, OWN_PATH, Wire, guards};

/// What was found of some recipes.
#[derive(Debug, Default)]
pub(super) struct Cached {
    pub references: BTreeMap<Recipe, Reference>,
    /// Whose row isn't what its hashes say.
    pub poisoned: BTreeSet<Recipe>,
}

/// Reads what was kept of these; nothing, where the role may not read it.
pub(super) fn read(
    wire: &mut Wire,
    server: &ServerFacts,
    recipes: &BTreeSet<Recipe>,
) -> Result<Cached, PgError> {
    let mut cached = Cached::default();
    if !catalog::may_read(wire, "reference")? {
        return Ok(cached);
    }
    let by_address = recipes
        .iter()
        .map(|recipe| (recipe.address(server.version_num).0, recipe));
    let by_address: BTreeMap<String, &Recipe> = by_address.collect();
    let addresses: Vec<&String> = by_address.keys().collect();
    let sql = "SELECT address, shape_version, server_major, fingerprint, lines, lines_sha256 \
               FROM tenantry.reference WHERE address = ANY ($1)";
    for row in wire.typed(sql, &[(&addresses, Type::TEXT_ARRAY)])? {
        let Some(recipe) = by_address.get(row.get::<_, &str>(0)) else {
            continue;
        };
        match checked(&row, server) {
            Some(reference) => {
                cached.references.insert((*recipe).clone(), reference);
            }
            None => {
                cached.poisoned.insert((*recipe).clone());
            }
        }
    }
    Ok(cached)
}

/// What a row holds, if all that it says of itself is true.
fn checked(row: &Row, server: &ServerFacts) -> Option<Reference> {
    let versions: (i32, i32) = (row.get(1), row.get(2));
    let lines: &str = row.get(4);
    if versions != (SHAPE_VERSION, server.major())
        || ContentHash::of(lines).0 != row.get::<_, &str>(5)
    {
        return None;
    }
    let reference: Reference = serde_json::from_str(lines).ok()?;
    let fingerprint = reference.shape.fingerprint();
    (fingerprint.0 == row.get::<_, &str>(3)).then_some(reference)
}

/// Keeps a reference, in a transaction of its own. What is there under its address was found to be wrong.
pub(super) fn store(
    wire: &mut Wire,
    server: &ServerFacts,
    recipe: &Recipe,
    reference: &Reference,
) -> Result<(), PgError> {
    let lines = serde_json::to_string(reference)
        .map_err(|error| PgError::own(format!("a reference as JSON: {error}")))?;
    wire.run(&format!(
        "{BEGIN}; {OWN_PATH}; {}",
        guards(Timeouts::default())
    ))?;
    wire.typed(
        "INSERT INTO tenantry.reference (address, shape_version, server_major, fingerprint, lines, lines_sha256) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (address) DO UPDATE SET \
         shape_version = EXCLUDED.shape_version, server_major = EXCLUDED.server_major, \
         fingerprint = EXCLUDED.fingerprint, lines = EXCLUDED.lines, lines_sha256 = EXCLUDED.lines_sha256, \
         built_at = pg_catalog.clock_timestamp()",
        &[
            (&recipe.address(server.version_num).0, Type::TEXT),
            (&SHAPE_VERSION, Type::INT4),
            (&server.major(), Type::INT4),
            (&reference.shape.fingerprint().0, Type::TEXT),
            (&lines, Type::TEXT),
            (&ContentHash::of(&lines).0, Type::TEXT),
        ],
    )?;
    wire.run("COMMIT")
}
