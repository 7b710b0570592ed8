//! Templates: which folders they name, and what was found there.

use std::collections::BTreeMap;
use std::path::Path;

use super::Problem;
use super::document::TemplateEntry;
use super::files::beside;
use super::folders::Folders;
use super::judge::Judge;
use super::source::Sources;
use crate::model::migration::MigrationSet;
use crate::model::name::TemplateName;
use crate::model::near::list;
use crate::model::template::{Template, TemplateAddress};

/// Reads every folder that a template names, each once.
pub(super) fn read_folders(sources: &Sources, problems: &mut Vec<Problem>) -> Folders {
    let mut folders = Folders::default();
    for (source, entry) in sources
        .merged(|document| document.templates.as_ref())
        .into_values()
    {
        folders.read_template(beside(&source.file, &entry.path), problems);
        if let Some(migrations) = &entry.migrations {
            folders.read_migrations(beside(&source.file, migrations), problems);
        }
    }
    folders
}

/// The templates of all files, as far as their folders could be read.
pub(super) fn resolve(
    judge: &mut Judge<'_>,
    folders: &Folders,
) -> BTreeMap<TemplateName, Template> {
    judge.keys(&["templates"], TemplateName::new);
    judge
        .sources
        .merged(|document| document.templates.as_ref())
        .into_iter()
        .filter_map(|(name, (source, entry))| {
            let template = template(judge, folders, name, &source.file, entry)?;
            Some((TemplateName::new(name).ok()?, template))
        })
        .collect()
}

fn template(
    judge: &mut Judge<'_>,
    folders: &Folders,
    name: &str,
    declared_in: &Path,
    entry: &TemplateEntry,
) -> Option<Template> {
    let at = |key| ["templates", name, key];
    let folder = beside(declared_in, &entry.path);
    let files = found(judge, &at("path"), &folder, folders.templates.get(&folder));
    let migrations = match &entry.migrations {
        None => Some(None),
        Some(path) => {
            let folder = beside(declared_in, path);
            let read = folders.migrations.get(&folder);
            found(judge, &at("migrations"), &folder, read).map(Some)
        }
    };
    let migrations = migrations?;
    let baseline = entry.baseline.unwrap_or(0);
    let exists = migrations.is_some_and(|read| read.versions.contains(&baseline));
    if baseline != 0 && !exists {
        let versions: Vec<String> = migrations
            .iter()
            .flat_map(|read| read.versions.iter().rev().map(i64::to_string))
            .collect();
        let names: Vec<&str> = versions.iter().map(String::as_str).collect();
        let hint = match names.as_slice() {
            [] => "Remove it; there are no migrations.".to_owned(),
            _ => format!("Use 0 or a version that exists: {}.", list(&names)),
        };
        let message = format!("there is no migration of the version {baseline}");
        judge.problem(&at("baseline"), message, &hint);
    }
    let files = files?.clone();
    Some(Template {
        address: TemplateAddress::of(&files),
        files,
        migrations: migrations.map_or_else(MigrationSet::default, |read| read.set.clone()),
        baseline,
    })
}

/// What was read in a folder, or a problem where the folder is named.
fn found<'f, T>(
    judge: &mut Judge<'_>,
    path: &[&str],
    folder: &Path,
    read: Option<&'f Result<T, String>>,
) -> Option<&'f T> {
    match read? {
        Ok(content) => Some(content),
        Err(reason) => {
            let message = format!("the folder {} can't be used: {reason}", folder.display());
            let hint = "Name a folder of SQL files; the path counts from this file.";
            judge.problem(path, message, hint);
            None
        }
    }
}
