//! The texts that references are built from: rows of `tenantry.content`, each checked against its address.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use postgres::types::Type;

use crate::model::name::TemplateName;
use crate::model::reference::Recipe;
use crate::model::template::{ContentHash, SourceFile, Template};
use crate::pg::error::PgError;
use crate::pg::wire::Wire;
use crate::sql;

/// Texts by their hashes, or what is wrong with a row.
#[derive(Debug, Default)]
pub(super) struct Contents {
    /// The hashes of a template's files, in the order they run in.
    templates: BTreeMap<ContentHash, Result<Vec<ContentHash>, String>>,
    files: BTreeMap<ContentHash, Result<SourceFile, String>>,
}

impl Contents {
    /// The files of a recipe in the order they run in, each with the hash its values go by.
    pub fn of<'c>(
        &'c self,
        recipe: &'c Recipe,
    ) -> Result<Vec<(&'c SourceFile, &'c ContentHash)>, String> {
        let template = &recipe.template_address;
        let made_of = self.templates.get(template);
        let made_of = made_of.ok_or_else(|| gone(template))?.as_ref()?;
        let of_template = made_of.iter().map(|file| (file, template));
        let applied = recipe.applied.iter().map(|file| (file, file));
        let file = |(hash, values)| Ok((self.file(hash)?, values));
        of_template.chain(applied).map(file).collect()
    }

    /// Adds what isn't kept of the templates that are wanted.
    fn add<'t>(
        &mut self,
        templates: impl Iterator<Item = &'t Template>,
        recipes: &BTreeSet<Recipe>,
    ) {
        let wanted = recipes.iter().map(|recipe| &recipe.template_address);
        let wanted: BTreeSet<&ContentHash> = wanted.collect();
        for template in templates.filter(|one| wanted.contains(&one.address.hash)) {
            let hashes = template.files.iter().map(|file| file.hash.clone());
            let address = template.address.hash.clone();
            let made_of = self.templates.entry(address);
            made_of.or_insert_with(|| Ok(hashes.collect()));
            for file in &template.files {
                let kept = self.files.entry(file.hash.clone());
                kept.or_insert_with(|| Ok(file.clone()));
            }
        }
    }

    fn file(&self, hash: &ContentHash) -> Result<&SourceFile, String> {
        let file = self.files.get(hash).ok_or_else(|| gone(hash))?;
        Ok(file.as_ref()?)
    }
}

fn gone(hash: &ContentHash) -> String {
    format!("tenantry.content has no row {hash}")
}

/// Reads all that these recipes are made from, in two queries; what `today` has needn't be kept.
pub(super) fn read(
    wire: &mut Wire,
    recipes: &BTreeSet<Recipe>,
    today: &BTreeMap<TemplateName, Template>,
) -> Result<Contents, PgError> {
    let addresses = recipes.iter().map(|recipe| &recipe.template_address);
    let manifests = texts(wire, &addresses.collect())?;
    let templates = manifests.into_iter().map(|(address, row)| {
        let files = row.and_then(|row| files_of(&address, &row.text));
        (address, files)
    });
    let mut contents = Contents {
        templates: templates.collect(),
        files: BTreeMap::new(),
    };
    let of_templates = contents.templates.values().flatten().flatten();
    let applied = recipes.iter().flat_map(|recipe| &recipe.applied);
    let wanted = of_templates.chain(applied).collect();
    let rows = texts(wire, &wanted)?;
    let files = rows.into_iter().map(|(hash, row)| {
        let file = row.and_then(|row| parsed(&hash, &row));
        (hash, file)
    });
    contents.files = files.collect();
    contents.add(today.values(), recipes);
    Ok(contents)
}

struct Row {
    name: String,
    text: String,
}

fn texts(
    wire: &mut Wire,
    hashes: &BTreeSet<&ContentHash>,
) -> Result<BTreeMap<ContentHash, Result<Row, String>>, PgError> {
    let hashes: Vec<&str> = hashes.iter().map(|hash| hash.0.as_str()).collect();
    let sql = "SELECT sha256, name, text FROM tenantry.content WHERE sha256 = ANY ($1)";
    let rows = wire.typed(sql, &[(&hashes, Type::TEXT_ARRAY)])?;
    let checked = rows.iter().map(|row| {
        let (hash, name, text) = (ContentHash(row.get(0)), row.get(1), row.get(2));
        let row = checked(&hash, Row { name, text });
        (hash, row)
    });
    Ok(checked.collect())
}

fn checked(hash: &ContentHash, row: Row) -> Result<Row, String> {
    if ContentHash::of(&row.text) == *hash {
        return Ok(row);
    }
    Err(format!(
        "the row {hash} ({}) of tenantry.content isn't what its address says",
        row.name
    ))
}

/// A manifest has a line a file, `<sha256>  <name>`.
fn files_of(address: &ContentHash, manifest: &str) -> Result<Vec<ContentHash>, String> {
    let hash = |line: &str| Some(ContentHash(line.split_once("  ")?.0.to_owned()));
    let files: Option<Vec<ContentHash>> = manifest.lines().map(hash).collect();
    files.ok_or_else(|| format!("the row {address} of tenantry.content is no template's"))
}

/// The rules for files may have become stricter since it was applied.
fn parsed(hash: &ContentHash, row: &Row) -> Result<SourceFile, String> {
    let file = sql::read(&row.name, Path::new(&row.name), row.text.as_bytes());
    file.map_err(|problems| {
        let problems: Vec<String> = problems
            .iter()
            .map(|problem| format!("{}:{}: {}", row.name, problem.line, problem.message))
            .collect();
        format!(
            "the row {hash} of tenantry.content: {}",
            problems.join("; ")
        )
    })
}
