//! The extensions every database must have.

use std::collections::BTreeMap;

use super::document::ExtensionEntry;
use super::judge::Judge;
use super::source::Place;
use crate::model::desired::Extension;
use crate::model::name::{ExtensionName, OWN_PREFIX, SchemaName};

/// Where an extension goes whose entry says nothing.
const DEFAULT_SCHEMA: &str = "extensions";

/// The extensions of all files, by name.
pub(super) fn resolve(judge: &mut Judge<'_>) -> BTreeMap<ExtensionName, Extension> {
    let mut extensions = BTreeMap::new();
    let mut places: BTreeMap<ExtensionName, Place<'_>> = BTreeMap::new();
    for source in &judge.sources.list {
        let nodes = source.tree.get("extensions");
        let nodes = nodes.into_iter().flat_map(|entry| entry.node.items());
        let entries = source.document.extensions.iter().flatten();
        for (node, entry) in nodes.zip(entries) {
            let here = Place::new(&source.file, node.at);
            let (name, extension) = match extension(entry) {
                Ok(extension) => extension,
                Err(reason) => {
                    let problem = here.problem(reason);
                    judge
                        .problems
                        .push(problem.with_hint("Choose another name."));
                    continue;
                }
            };
            if let Some(first) = places.get(&name) {
                let message =
                    format!("extension `{name}` is declared twice; the other is at {first}");
                judge
                    .problems
                    .push(here.problem(message).with_hint("Keep one of them."));
                continue;
            }
            places.insert(name.clone(), here);
            extensions.insert(name, extension);
        }
    }
    extensions
}

fn extension(entry: &ExtensionEntry) -> Result<(ExtensionName, Extension), String> {
    let (name, schema, version, optional) = match entry {
        ExtensionEntry::Name(name) => (name, None, None, None),
        ExtensionEntry::Full(full) => (
            &full.name,
            full.schema.as_deref(),
            full.version.clone(),
            full.optional,
        ),
    };
    let name = ExtensionName::new(name).map_err(|bad| bad.0)?;
    let extension = Extension {
        schema: schema_name(schema.unwrap_or(DEFAULT_SCHEMA))?,
        version,
        optional: optional.unwrap_or(false),
    };
    Ok((name, extension))
}

/// Extension scripts paste their schema's name into SQL, so it must not need quotes of any kind (CVE-2023-39417).
fn schema_name(text: &str) -> Result<SchemaName, String> {
    if text.contains(['"', '\'', '$', '\\']) {
        return Err(format!(
            "schema name {text:?} of an extension holds a quote, `$` or `\\`"
        ));
    }
    if text.starts_with(OWN_PREFIX) {
        return Err(format!(
            "schema {text:?} begins with {OWN_PREFIX:?}, the prefix of tenantry's own schemas"
        ));
    }
    SchemaName::new(text).map_err(|bad| bad.0)
}
