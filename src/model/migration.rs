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
    let lines: Vec<String> = history
        .iter()
        .map(|row| format!("{} {} {}\n", row.version, row.name, row.checksum))
        .collect();
    ContentHash::of(&lines.concat())
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

#[cfg(test)]
mod tests {
    use refinery_core::Migration;

    use super::*;
    use crate::model::template::Directives;

    fn file(version: i64, only: &[&str]) -> (i64, MigrationFile) {
        let name = format!("V{version}__x");
        let text = format!("SELECT {version};\n");
        let up = SourceFile {
            name: format!("{name}.sql"),
            path: name.clone().into(),
            hash: ContentHash::of(&text),
            directives: Directives {
                only_tags: tags(only),
                ..Directives::default()
            },
            placeholders: Vec::new(),
            deletes: Vec::new(),
            text,
        };
        let file = MigrationFile {
            version,
            name: "x".to_owned(),
            checksum: Migration::unapplied(&name, &up.text).unwrap().checksum(),
            up,
            down: None,
        };
        (version, file)
    }

    fn tags(words: &[&str]) -> BTreeSet<String> {
        words.iter().map(|word| (*word).to_owned()).collect()
    }

    /// 1, 2 for gold only, 3, 4 for gold or eu only.
    fn set() -> MigrationSet {
        let files = [
            file(1, &[]),
            file(2, &["gold"]),
            file(3, &[]),
            file(4, &["gold", "eu"]),
        ];
        MigrationSet(files.into())
    }

    fn history(versions: &[i64]) -> History {
        versions
            .iter()
            .map(|version| set().0[version].as_applied())
            .collect()
    }

    /// Written by refinery-core 0.10.1; another value would make every applied migration diverge.
    #[test]
    fn checksums_are_those_of_stock_refinery() {
        let golden = [
            ("V1__init", "SELECT 1;\n", 3_299_123_524_457_102_491),
            (
                "V20250120000001__add_audit_columns",
                AUDIT,
                13_734_496_562_857_721_459,
            ),
            (
                "V20250120000002__add_search_indexes",
                "",
                14_952_162_170_877_567_432,
            ),
            (
                "V3__naïve",
                "-- ä\r\nSELECT '{{literal:vars.currency}}';",
                16_443_224_350_804_078_203,
            ),
        ];
        for (name, text, checksum) in golden {
            let migration = Migration::unapplied(name, text).unwrap();
            assert_eq!(migration.checksum(), checksum, "{name}");
        }
    }

    const AUDIT: &str =
        "ALTER TABLE merchants ADD COLUMN created_by text NOT NULL DEFAULT 'system';\n";

    #[test]
    fn what_is_due_follows_history_and_tags() {
        type Case<'a> = (&'a [i64], &'a [&'a str], &'a [i64]);
        let cases: [Case<'_>; 9] = [
            (&[], &[], &[1, 3]),
            (&[], &["gold"], &[1, 2, 3, 4]),
            (&[], &["eu"], &[1, 3, 4]),
            (&[1], &[], &[3]),
            (&[1, 3], &[], &[]),
            (&[1, 3], &["gold"], &[2, 4]),
            (&[1, 3, 4], &["gold"], &[2]),
            // The tag is gone; what was recorded with it stays.
            (&[1, 2, 3, 4], &[], &[]),
            // Only tag-limited ones are recorded: nothing is late.
            (&[4], &[], &[1, 3]),
        ];
        for (recorded, words, due) in cases {
            let found = set().compare(&history(recorded), &tags(words));
            assert_eq!(
                found,
                Comparison::Due(due.to_vec()),
                "{recorded:?} {words:?}"
            );
        }
    }

    #[test]
    fn an_unrecorded_file_below_the_newest_is_late() {
        let late = Comparison::Late { file: 1, newest: 3 };
        assert_eq!(set().compare(&history(&[3]), &tags(&[])), late);
        assert_eq!(set().compare(&history(&[3, 4]), &tags(&["eu"])), late);
    }

    #[test]
    fn a_row_without_its_file_is_missing_or_diverged() {
        let mut files = set();
        let recorded = history(&[1, 3]);
        let mut other = recorded.clone();
        other[1].name = "y".to_owned();
        let diverged = Comparison::Diverged {
            recorded: other[1].clone(),
            file: recorded[1].clone(),
        };
        assert_eq!(files.compare(&other, &tags(&[])), diverged);
        files.0.remove(&3);
        let missing = Comparison::Missing(recorded[1].clone());
        assert_eq!(files.compare(&recorded, &tags(&[])), missing);
    }

    #[test]
    fn a_baseline_covers_what_is_for_everyone() {
        type Case<'a> = (i64, &'a [&'a str], &'a [i64], &'a [i64]);
        let cases: [Case<'_>; 5] = [
            (0, &[], &[], &[1, 3]),
            (1, &[], &[1], &[3]),
            (3, &["gold"], &[1, 3], &[2, 4]),
            (9, &["eu"], &[1, 3], &[4]),
            (9, &[], &[1, 3], &[]),
        ];
        for (baseline, words, inside, run) in cases {
            let new = set().for_new_tenant(baseline, &tags(words));
            assert_eq!(
                (&new.baseline[..], &new.run[..]),
                (inside, run),
                "{baseline} {words:?}"
            );
        }
    }

    #[test]
    fn fingerprints_tell_histories_apart() {
        let base = history_fingerprint(&history(&[1, 3]));
        let mut renamed = history(&[1, 3]);
        renamed[0].name.push('x');
        let mut changed = history(&[1, 3]);
        changed[1].checksum ^= 1;
        for other in [
            history(&[1]),
            history(&[3, 1]),
            renamed,
            changed,
            Vec::new(),
        ] {
            assert_ne!(history_fingerprint(&other), base, "{other:?}");
        }
        assert_eq!(history_fingerprint(&history(&[1, 3])), base);
    }
}
