//! Template and migration folders: which SQL files they hold, and the files that have no place in them.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use super::Problem;
use super::files::{file_names, has_extension, unreadable};
use super::migration_name::MigrationName;
use super::tree::Mark;
use crate::model::migration::{MigrationFile, MigrationSet};
use crate::model::template::SourceFile;
use crate::sql;

/// A template folder's files in name order, or why the folder can't be read at all.
pub(super) type TemplateFolder = Result<Vec<SourceFile>, String>;

/// A migration folder's files, or why the folder can't be read at all.
pub(super) type MigrationFolder = Result<Migrations, String>;

/// What a migration folder holds.
#[derive(Debug, Default)]
pub(super) struct Migrations {
    /// The files that could be read.
    pub(super) set: MigrationSet,
    /// Every version a file name declares.
    pub(super) versions: BTreeSet<i64>,
}

/// Folders by path, each read once however many templates name it.
#[derive(Debug, Default)]
pub(super) struct Folders {
    pub(super) templates: BTreeMap<PathBuf, TemplateFolder>,
    pub(super) migrations: BTreeMap<PathBuf, MigrationFolder>,
}

impl Folders {
    /// Reads a template folder unless it was read before.
    pub(super) fn read_template(&mut self, folder: PathBuf, problems: &mut Vec<Problem>) {
        self.templates
            .entry(folder)
            .or_insert_with_key(|folder| template(folder, problems));
    }

    /// Reads a migration folder unless it was read before.
    pub(super) fn read_migrations(&mut self, folder: PathBuf, problems: &mut Vec<Problem>) {
        self.migrations
            .entry(folder)
            .or_insert_with_key(|folder| migrations(folder, problems));
    }
}

fn template(folder: &Path, problems: &mut Vec<Problem>) -> TemplateFolder {
    let names = sql_names(folder, problems).map_err(|error| error.to_string())?;
    if names.is_empty() {
        return Err("it holds no *.sql file".to_owned());
    }
    let mut files = Vec::new();
    for name in names {
        if name.starts_with('.') || name.strip_suffix(".sql").is_none() {
            problems.push(
                at_file(&folder.join(name), "not a file of the template")
                    .with_hint("Remove it, or give it a name like `010_tables.sql`."),
            );
        } else {
            files.extend(read(folder, &name, problems));
        }
    }
    Ok(files)
}

fn migrations(folder: &Path, problems: &mut Vec<Problem>) -> MigrationFolder {
    let mut ups: BTreeMap<i64, MigrationName> = BTreeMap::new();
    let mut downs: BTreeMap<i64, MigrationName> = BTreeMap::new();
    // Those of two files with one version too, so that the down file of either has its migration.
    let mut names = BTreeSet::new();
    for file in sql_names(folder, problems).map_err(|error| error.to_string())? {
        match MigrationName::read(&file) {
            Ok(name) => {
                if !name.is_down {
                    names.insert((name.version, name.name.clone()));
                }
                let side = if name.is_down { &mut downs } else { &mut ups };
                put(name, side, folder, problems);
            }
            Err(reason) => problems.push(
                at_file(&folder.join(&file), format!("not a migration: {reason}"))
                    .with_hint("Name it `V<version>__<name>.sql`, or move it out of the folder."),
            ),
        }
    }
    for down in downs.values() {
        if !names.contains(&(down.version, down.name.clone())) {
            let message = format!("there is no V{}__{}.sql to undo", down.version, down.name);
            problems.push(
                at_file(&folder.join(&down.file), message)
                    .with_hint("Name it like its migration, with `.down.sql` at the end."),
            );
        }
    }
    let mut set = MigrationSet::default();
    for up in ups.values() {
        let down = downs.get(&up.version);
        set.0
            .extend(migration(folder, up, down, problems).map(|file| (up.version, file)));
    }
    Ok(Migrations {
        set,
        versions: ups.into_keys().collect(),
    })
}

/// Files a name under its version, unless the version is taken.
fn put(
    name: MigrationName,
    side: &mut BTreeMap<i64, MigrationName>,
    folder: &Path,
    problems: &mut Vec<Problem>,
) {
    match side.entry(name.version) {
        Entry::Vacant(free) => {
            free.insert(name);
        }
        Entry::Occupied(taken) => {
            let message = format!(
                "version {} is also that of {}",
                name.version,
                folder.join(&taken.get().file).display()
            );
            problems.push(
                at_file(&folder.join(&name.file), message)
                    .with_hint("Give one of the two files a version of its own."),
            );
        }
    }
}

fn migration(
    folder: &Path,
    up: &MigrationName,
    down: Option<&MigrationName>,
    problems: &mut Vec<Problem>,
) -> Option<MigrationFile> {
    let down = down.map(|down| read(folder, &down.file, problems));
    let source = read(folder, &up.file, problems)?;
    let checksum = up
        .checksum(&source.text)
        .map_err(|reason| problems.push(at_file(&source.path, reason)))
        .ok()?;
    Some(MigrationFile {
        version: up.version,
        name: up.name.clone(),
        checksum,
        up: source,
        down: down.flatten(),
    })
}

fn read(folder: &Path, name: &str, problems: &mut Vec<Problem>) -> Option<SourceFile> {
    let path = folder.join(name);
    let bytes = std::fs::read(&path)
        .map_err(|error| problems.push(unreadable(&path, &error)))
        .ok()?;
    let located = |flaw: sql::Problem| Problem {
        file: path.clone(),
        line: flaw.line,
        column: flaw.column,
        row: None,
        message: flaw.message,
        hint: flaw.hint,
    };
    sql::read(name, &path, &bytes)
        .map_err(|flaws| problems.extend(flaws.into_iter().map(located)))
        .ok()
}

/// The names of a folder's SQL files, sorted. What would be overlooked, or isn't the folder's own, is a problem.
fn sql_names(folder: &Path, problems: &mut Vec<Problem>) -> io::Result<Vec<String>> {
    let home = folder.canonicalize()?;
    let mut names = Vec::new();
    for name in file_names(folder)? {
        let path = folder.join(&name);
        if path.is_dir() {
            if holds_sql(&path) {
                problems.push(
                    at_file(
                        &path,
                        "a folder within this one, whose SQL files aren't read",
                    )
                    .with_hint("Move its files up, or out of the folder."),
                );
            }
        } else if has_extension(&name, &["sql"]) {
            match path.canonicalize() {
                Ok(target) if target.starts_with(&home) => names.push(name),
                Ok(_) => problems.push(
                    at_file(&path, "a link that leads out of its folder")
                        .with_hint("Put the file itself here."),
                ),
                Err(error) => problems.push(unreadable(&path, &error)),
            }
        }
    }
    Ok(names)
}

/// Whether SQL files lie in a folder or below it; links within it aren't followed.
fn holds_sql(folder: &Path) -> bool {
    file_names(folder).unwrap_or_default().iter().any(|name| {
        let path = folder.join(name);
        has_extension(name, &["sql"]) || (path.is_dir() && !path.is_symlink() && holds_sql(&path))
    })
}

fn at_file(path: &Path, message: impl Into<String>) -> Problem {
    Problem::new(path, Mark::START, message)
}
