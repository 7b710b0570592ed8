//! Enum values that are added and used in one transaction, which PostgreSQL refuses (55P04).

use std::collections::{BTreeMap, BTreeSet};

use super::lexer::{Token, begins, code};
use super::split::split;
use crate::model::template::SourceFile;

/// From this major version on, values of a type that was made in the same transaction may be used.
const USABLE_WHEN_NEW: i32 = 17;

/// An enum value that one file adds and the same or a later one of the same transaction uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnumConflict {
    /// The name of the file that adds it.
    pub adds: String,
    /// The name of the file that uses it.
    pub uses: String,
    pub value: String,
    pub type_name: String,
}

/// Finds what PostgreSQL refuses with 55P04 when these files run in one transaction, in this order.
///
/// A use is a string constant that equals the value; of another type's, it can't be told apart. Bodies count where
/// the server reads them at once: those of `DO` and of functions in SQL. Types are compared without their schema.
#[must_use]
pub fn enum_conflict(files: &[&SourceFile], server_major: i32) -> Option<EnumConflict> {
    let mut enums = Enums::default();
    for file in files {
        for statement in split(&code(&file.text)) {
            if let Some((added, value)) = enums.used_by(statement) {
                return Some(EnumConflict {
                    adds: added.file.clone(),
                    uses: file.name.clone(),
                    value,
                    type_name: added.type_name.clone(),
                });
            }
            enums.follow(statement, &file.name, server_major);
        }
    }
    None
}

/// What the files so far have done to enums.
#[derive(Default)]
struct Enums {
    /// The values each type was made with, by its name.
    made: BTreeMap<String, BTreeSet<String>>,
    /// By value: those that can't be used yet.
    added: BTreeMap<String, Added>,
}

struct Added {
    file: String,
    type_name: String,
}

impl Enums {
    fn used_by(&self, statement: &[Token<'_>]) -> Option<(&Added, String)> {
        // To place a new value beside one, or to describe a thing, uses none.
        if self.added.is_empty() || begins(statement, "ALTER TYPE") || statement[0].is("COMMENT") {
            return None;
        }
        let values = constants(statement);
        values
            .into_iter()
            .find_map(|value| Some((self.added.get(&value)?, value)))
    }

    fn follow(&mut self, statement: &[Token<'_>], file: &str, server_major: i32) {
        let Some((type_name, rest)) = type_of(statement) else {
            return;
        };
        if statement[0].is("CREATE") && begins(rest, "AS ENUM") {
            self.made.insert(type_name, strings(rest).collect());
        } else if statement[0].is("ALTER") && begins(rest, "ADD VALUE") {
            let made = self.made.get(&type_name);
            let Some(value) = strings(rest).next() else {
                return;
            };
            let has_it = made.is_some_and(|values| values.contains(&value));
            let usable = made.is_some() && server_major >= USABLE_WHEN_NEW;
            if !has_it && !usable {
                let file = file.to_owned();
                self.added.entry(value).or_insert(Added { file, type_name });
            }
        }
    }
}

/// The name, without its schema, behind `CREATE TYPE` or `ALTER TYPE`, and what follows it.
fn type_of<'t, 'a>(statement: &'t [Token<'a>]) -> Option<(String, &'t [Token<'a>])> {
    if !begins(statement, "CREATE TYPE") && !begins(statement, "ALTER TYPE") {
        return None;
    }
    let mut at = 2;
    while statement.get(at + 1)?.is_symbol(".") {
        at += 2;
    }
    Some((statement.get(at)?.value(), &statement[at + 1..]))
}

fn strings<'t>(tokens: &'t [Token<'_>]) -> impl Iterator<Item = String> + 't {
    tokens
        .iter()
        .filter(|token| token.is_string())
        .map(Token::value)
}

/// Every string constant that the server reads when it runs the statement.
fn constants(statement: &[Token<'_>]) -> Vec<String> {
    let is_sql = |pair: &[Token<'_>]| pair[0].is("LANGUAGE") && pair[1].value() == "sql";
    let runs_body = statement[0].is("DO") || statement.windows(2).any(is_sql);
    let mut found = Vec::new();
    for text in strings(statement) {
        if runs_body {
            within(&text, &mut found);
        }
        found.push(text);
    }
    found
}

/// The constants inside a text that is itself SQL, to any depth.
fn within(text: &str, found: &mut Vec<String>) {
    for inner in strings(&code(text)) {
        within(&inner, found);
        found.push(inner);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::sql::read;

    /// `adds>uses:type.value` of files named a, b, c…
    fn conflict(texts: &[&str], server_major: i32) -> Option<String> {
        let files: Vec<SourceFile> = texts
            .iter()
            .zip('a'..)
            .map(|(text, name)| {
                let name = name.to_string();
                read(&name, Path::new(&name), text.as_bytes()).expect("good file")
            })
            .collect();
        let files: Vec<&SourceFile> = files.iter().collect();
        enum_conflict(&files, server_major).map(|found| {
            let EnumConflict {
                adds,
                uses,
                value,
                type_name,
            } = found;
            format!("{adds}>{uses}:{type_name}.{value}")
        })
    }

    const MADE: &str = "CREATE TYPE mood AS ENUM ('sad', 'ok');";
    const ADDED: &str = "ALTER TYPE mood ADD VALUE 'glad' AFTER 'ok';";

    #[test]
    fn a_use_after_the_addition_conflicts() {
        for used in [
            "INSERT INTO t VALUES ('glad')",
            "INSERT INTO t VALUES (E'gl\\x61d'::mood)",
            "CREATE INDEX i ON t (a) WHERE m = 'glad'",
            "ALTER TABLE t ADD m mood DEFAULT 'glad'",
            "DO $$ BEGIN UPDATE t SET m = 'glad'; END $$",
            "DO $$ BEGIN EXECUTE 'UPDATE t SET m = ''glad'''; END $$",
            "CREATE FUNCTION f() RETURNS mood LANGUAGE sql AS $$ SELECT 'glad'::mood $$",
            "CREATE FUNCTION f() RETURNS mood BEGIN ATOMIC SELECT 'glad'::mood; END",
        ] {
            for major in [15, 16, 17, 18] {
                let found = conflict(&[ADDED, "SELECT 1", used], major);
                assert_eq!(found.as_deref(), Some("a>c:mood.glad"), "{used}");
                let found = conflict(&[&format!("{ADDED} {used}")], major);
                assert_eq!(found.as_deref(), Some("a>a:mood.glad"), "{used}");
            }
        }
    }

    #[test]
    fn a_type_of_the_same_transaction_conflicts_up_to_16() {
        let files = [MADE, ADDED, "INSERT INTO t VALUES ('glad')"];
        assert_eq!(conflict(&files, 16).as_deref(), Some("b>c:mood.glad"));
        assert_eq!(conflict(&files, 17), None);
        // Another type was made here, not the one that grows.
        let files = [
            "CREATE TYPE other AS ENUM ();",
            ADDED,
            "INSERT INTO t VALUES ('glad')",
        ];
        assert_eq!(conflict(&files, 17).as_deref(), Some("b>c:mood.glad"));
    }

    #[test]
    fn names_are_compared_as_postgresql_reads_them() {
        let files = [
            "CREATE TYPE \"x\".\"Mood\" AS ENUM ()",
            "ALTER TYPE {{ident:schema}}.\"Mood\" ADD VALUE IF NOT EXISTS 'it''s'",
            "SELECT 'it''s'",
        ];
        assert_eq!(conflict(&files, 16).as_deref(), Some("b>c:Mood.it's"));
        assert_eq!(conflict(&files, 17), None);
        let files = [
            "CREATE TYPE Mood AS ENUM ()",
            "ALTER TYPE MOOD ADD VALUE 'a'",
            "SELECT 'a'",
        ];
        assert_eq!(conflict(&files, 17), None);
    }

    #[test]
    fn what_uses_nothing_is_no_conflict() {
        for unused in [
            "SELECT 'Glad', 'gladly', \"glad\" -- 'glad'",
            "COMMENT ON TYPE mood IS 'glad'",
            "ALTER TYPE mood ADD VALUE 'merry' AFTER 'glad'",
            "ALTER TYPE mood RENAME VALUE 'glad' TO 'happy'",
            "CREATE FUNCTION f() RETURNS mood LANGUAGE plpgsql AS $$ BEGIN RETURN 'glad'; END $$",
        ] {
            assert_eq!(conflict(&[ADDED, unused], 15), None, "{unused}");
        }
        assert_eq!(conflict(&["SELECT 'glad'", ADDED], 15), None);
        let had = "CREATE TYPE mood AS ENUM ('glad'); ALTER TYPE mood ADD VALUE IF NOT EXISTS 'glad'; SELECT 'glad'";
        assert_eq!(conflict(&[had], 15), None);
    }
}
