//! Texts that were applied, kept once by their hash.

use postgres::types::Type;

use crate::model::template::{SourceFile, Template};
use crate::pg::error::PgError;
use crate::pg::wire::Wire;

/// One row of `tenantry.content`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Content {
    pub sha256: String,
    pub kind: &'static str,
    pub name: String,
    pub text: String,
}

impl Content {
    fn of(kind: &'static str, file: &SourceFile) -> Self {
        Self {
            sha256: file.hash.0.clone(),
            kind,
            name: file.name.clone(),
            text: file.text.clone(),
        }
    }
}

/// Everything a template's tenants could be made of: manifest, files, migrations, down files.
pub fn of_template(template: &Template) -> Vec<Content> {
    let manifest = Content {
        sha256: template.address.hash.0.clone(),
        kind: "template",
        name: "manifest".to_owned(),
        text: template.address.manifest.clone(),
    };
    let files = template
        .files
        .iter()
        .map(|file| Content::of("template_file", file));
    let migrations = template.migrations.0.values().flat_map(|migration| {
        let down = migration.down.iter().map(|down| Content::of("down", down));
        std::iter::once(Content::of("migration", &migration.up)).chain(down)
    });
    std::iter::once(manifest)
        .chain(files)
        .chain(migrations)
        .collect()
}

/// Keeps the texts that aren't there yet, in one message.
pub fn keep(wire: &mut Wire, contents: &[Content]) -> Result<(), PgError> {
    let column = |pick: fn(&Content) -> String| contents.iter().map(pick).collect::<Vec<String>>();
    let sha256 = column(|content| content.sha256.clone());
    let kinds = column(|content| content.kind.to_owned());
    let names = column(|content| content.name.clone());
    let texts = column(|content| content.text.clone());
    let sql = "INSERT INTO tenantry.content (sha256, kind, name, text) \
               SELECT * FROM ROWS FROM (pg_catalog.unnest($1::text[]), pg_catalog.unnest($2::text[]), \
               pg_catalog.unnest($3::text[]), pg_catalog.unnest($4::text[])) \
               ON CONFLICT (sha256) DO NOTHING";
    wire.typed(
        sql,
        &[
            (&sha256, Type::TEXT_ARRAY),
            (&kinds, Type::TEXT_ARRAY),
            (&names, Type::TEXT_ARRAY),
            (&texts, Type::TEXT_ARRAY),
        ],
    )?;
    Ok(())
}
