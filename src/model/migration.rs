//! Migrations: the files, the rows refinery recorded, and how the two compare.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::template::{ContentHash, SourceFile};

/// One migration file, with its down file where there is one.
#[derive(Clone, Debug)]
pub struct MigrationFile {
    pub version: i64,
    /// The part after `__`, as refinery reads it.
    pub name: String,
    /// refinery's checksum (SipHash-1-3 of name, version and unrendered text).
    pub checksum: u64,
    pub up: SourceFile,
    pub down: Option<SourceFile>,
}

impl MigrationFile {
    /// Whether a tenant with these tags gets it.
    #[must_use]
    pub fn is_for(&self, tags: &BTreeSet<String>) -> bool {
        let only = &self.up.directives.only_tags;
        only.is_empty() || !only.is_disjoint(tags)
    }

    /// Whether only tenants with certain tags get it; then its place in the history doesn't matter.
    #[must_use]
    pub fn is_tag_limited(&self) -> bool {
        !self.up.directives.only_tags.is_empty()
    }

    /// The row it leaves in a history.
    #[must_use]
    pub fn as_applied(&self) -> AppliedMigration {
        AppliedMigration {
            version: self.version,
            name: self.name.clone(),
            checksum: self.checksum,
        }
    }
}

/// All migrations of a template, by version.
#[derive(Clone, Debug, Default)]
pub struct MigrationSet(pub BTreeMap<i64, MigrationFile>);

/// A row of a refinery history table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AppliedMigration {
    pub version: i64,
    pub name: String,
    pub checksum: u64,
}

impl std::fmt::Display for AppliedMigration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "V{}__{}", self.version, self.name)
    }
}

/// A tenant's history, oldest first.
pub type History = Vec<AppliedMigration>;

/// One hash over a history: what a step expects to find.
#[must_use]
pub fn history_fingerprint(history: &[AppliedMigration]) -> ContentHash {
    let lines: String = history
        .iter()
        .map(|row| format!("{} {} {}\n", row.version, row.name, row.checksum))
        .collect();
    ContentHash::of(&lines)
}

/// What a history and the files say of each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// Versions that are due, ascending; empty when the tenant is up to date.
    Due(Vec<i64>),
    /// A recorded checksum or name differs from the file.
    Diverged {
        recorded: AppliedMigration,
        file: AppliedMigration,
    },
    /// A recorded migration has no file.
    Missing(AppliedMigration),
    /// A file's version lies below the newest recorded one, and it isn't recorded.
    Late { file: i64, newest: i64 },
}

impl MigrationSet {
    /// Compares a live tenant's history with these files.
    #[must_use]
    pub fn compare(&self, history: &[AppliedMigration], tags: &BTreeSet<String>) -> Comparison {
        for recorded in history {
            match self.0.get(&recorded.version) {
                None => return Comparison::Missing(recorded.clone()),
                Some(file) if file.as_applied() != *recorded => {
                    return Comparison::Diverged {
                        recorded: recorded.clone(),
                        file: file.as_applied(),
                    };
                }
                Some(_) => {}
            }
        }
        self.due_after(history, tags)
    }

    fn due_after(&self, history: &[AppliedMigration], tags: &BTreeSet<String>) -> Comparison {
        let recorded: BTreeSet<i64> = history.iter().map(|row| row.version).collect();
        // A tag-limited migration may come at any time, so it doesn't move the line others are late against.
        let newest = recorded
            .iter()
            .filter(|version| !self.0[version].is_tag_limited())
            .max()
            .copied();
        let mut due = Vec::new();
        for file in self.0.values() {
            if recorded.contains(&file.version) || !file.is_for(tags) {
                continue;
            }
            match newest {
                Some(newest) if file.version < newest && !file.is_tag_limited() => {
                    return Comparison::Late {
                        file: file.version,
                        newest,
                    };
                }
                _ => due.push(file.version),
            }
        }
        Comparison::Due(due)
    }

    /// What a new tenant gets: versions its template already holds, and versions to run after it.
    #[must_use]
    pub fn for_new_tenant(&self, baseline: i64, tags: &BTreeSet<String>) -> NewTenantMigrations {
        let (inside, run) = self
            .0
            .values()
            .filter(|file| file.is_for(tags))
            .partition::<Vec<_>, _>(|file| file.version <= baseline && !file.is_tag_limited());
        let versions = |files: Vec<&MigrationFile>| files.iter().map(|f| f.version).collect();
        NewTenantMigrations {
            baseline: versions(inside),
            run: versions(run),
        }
    }
}

/// The migrations of a new tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTenantMigrations {
    /// Recorded, not run.
    pub baseline: Vec<i64>,
    /// Run after the template, ascending.
    pub run: Vec<i64>,
}
