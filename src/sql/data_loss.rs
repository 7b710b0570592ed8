//! Which statements lose data, by token rules.
//!
//! Where tokens can't tell, the rules count a loss too many rather than one too few: the remedy is a line in the
//! file. Bodies of functions and rules don't run now and aren't counted; those of `DO` do, with the SQL in their
//! strings.

use std::collections::BTreeMap;

use super::lexer::{Kind, Token, begins, code};
use super::place::line_column;
use super::split::split;
use crate::model::template::DataLoss;

/// What holds data that goes with it. Indexes, plain and materialized views can be made again from tables.
const HOLDERS: [&str; 7] = [
    "DROP TABLE",
    "DROP FOREIGN TABLE",
    "DROP SEQUENCE",
    "DROP SCHEMA",
    "DROP DATABASE",
    "DROP OWNED",
    "TRUNCATE",
];

/// Words behind which PL/pgSQL begins a statement.
const BLOCK_WORDS: [&str; 4] = ["BEGIN", "THEN", "ELSE", "LOOP"];

/// The losses of the statements, in order.
pub(super) fn find(text: &str, statements: &[&[Token<'_>]]) -> Vec<DataLoss> {
    let mut losses = Losses::new();
    for statement in statements {
        if statement[0].is("DO") {
            bodies(statement, &|at| at, &mut losses);
        } else {
            rules(statement, &|at| at, &mut losses);
        }
    }
    losses
        .into_iter()
        .map(|((at, _), what)| DataLoss {
            line: line_column(text, at).0,
            what,
        })
        .collect()
}

/// By byte of the file, and by byte of the text within a string there.
type Losses = BTreeMap<(usize, usize), String>;

/// From a byte of a nested text to a byte of the file.
type ToFile<'a> = &'a dyn Fn(usize) -> usize;

/// Applies the rules to SQL that stands in strings: the body of a `DO`, and what it executes.
fn bodies(tokens: &[Token<'_>], to_file: ToFile<'_>, losses: &mut Losses) {
    for token in tokens.iter().filter(|token| token.is_string()) {
        if token.kind == Kind::DollarString {
            let (start, body) = token.body();
            block(body, &|at| to_file(start + at), losses);
        } else {
            block(&token.value(), &|_| to_file(token.start), losses);
        }
    }
}

/// Applies the rules wherever a statement may begin in a block of PL/pgSQL or a piece of SQL.
fn block(body: &str, to_file: ToFile<'_>, losses: &mut Losses) {
    let tokens = code(body);
    for statement in split(&tokens) {
        for (at, token) in statement.iter().enumerate() {
            if at == 0 || statement[at - 1].is_any(&BLOCK_WORDS) {
                rules(&statement[at..], to_file, losses);
            }
            // The piece behind a table's name that is put in at run time.
            if begins(&statement[at..], "DROP COLUMN") {
                add(token, "DROP COLUMN", to_file, losses);
            }
        }
    }
    bodies(&tokens, to_file, losses);
}

fn add(token: &Token<'_>, what: &str, to_file: ToFile<'_>, losses: &mut Losses) {
    losses.insert((to_file(token.start), token.start), what.to_owned());
}

fn rules(statement: &[Token<'_>], to_file: ToFile<'_>, losses: &mut Losses) {
    let first = &statement[0];
    let holder = HOLDERS.iter().find(|phrase| begins(statement, phrase));
    if let Some(phrase) = holder {
        add(first, phrase, to_file, losses);
    } else if first.is("DROP") {
        if statement.iter().any(|token| token.is("CASCADE")) {
            add(first, &cascade(statement), to_file, losses);
        }
    } else if first.is("ALTER") {
        for (token, what) in dropped_parts(statement) {
            add(token, what, to_file, losses);
        }
    } else if !first.is_any(&["CREATE", "GRANT", "REVOKE", "COMMENT"]) {
        for (at, token) in statement.iter().enumerate() {
            if deletes(statement, at) {
                add(token, "DELETE", to_file, losses);
            }
        }
    }
}

/// `DROP TYPE … CASCADE`
fn cascade(statement: &[Token<'_>]) -> String {
    let kind = statement.get(1).map_or("", |token| token.text);
    format!("DROP {} … CASCADE", kind.to_ascii_uppercase())
}

/// Whether a `DELETE` that runs begins here: not a column of this name, and not the privilege.
fn deletes(statement: &[Token<'_>], at: usize) -> bool {
    if !statement[at].is("DELETE") {
        return false;
    }
    let before = at.checked_sub(1).map(|before| &statement[before]);
    let Some(before) = before else {
        return begins(statement, "DELETE FROM");
    };
    if before.is("THEN") && statement.iter().any(|token| token.is("MERGE")) {
        return true;
    }
    let may_begin = before.is_symbol("(")
        || before.is_symbol(")")
        || before.is_any(&BLOCK_WORDS)
        || before.is_any(&["IN", "FOR", "QUERY", "EXPLAIN", "ANALYZE", "VERBOSE"])
        || (before.is("AS") && statement[0].is("PREPARE"));
    may_begin && begins(&statement[at..], "DELETE FROM")
}

/// The columns and attributes that an ALTER drops.
fn dropped_parts<'t, 'a>(statement: &'t [Token<'a>]) -> Vec<(&'t Token<'a>, &'static str)> {
    let (head, what) = match statement {
        [_, second, ..] if second.is("TABLE") => (2, "DROP COLUMN"),
        [_, second, third, ..] if second.is("FOREIGN") && third.is("TABLE") => (3, "DROP COLUMN"),
        [_, second, ..] if second.is("TYPE") => (2, "DROP ATTRIBUTE"),
        _ => return Vec::new(),
    };
    actions(after_name(&statement[head..]))
        .into_iter()
        .filter(|action| {
            let kind = action.get(1);
            let is_part = match what {
                "DROP ATTRIBUTE" => kind.is_some_and(|kind| kind.is("ATTRIBUTE")),
                _ => kind.is_some_and(|kind| !kind.is("CONSTRAINT")),
            };
            action[0].is("DROP") && is_part
        })
        .map(|action| (&action[0], what))
        .collect()
}

/// What follows `[IF EXISTS] [ONLY] name [*]`.
fn after_name<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    let mut rest = tokens;
    for phrase in ["IF EXISTS", "ONLY"] {
        if begins(rest, phrase) {
            rest = &rest[phrase.split(' ').count()..];
        }
    }
    // `%I` of format() is an operator and a word.
    while let [percent, tail @ ..] = rest
        && percent.text == "%"
    {
        rest = tail;
    }
    rest = rest.get(1..).unwrap_or_default();
    while let [point, tail @ ..] = rest
        && point.is_symbol(".")
    {
        let percent = usize::from(tail.first().is_some_and(|token| token.text == "%"));
        rest = tail.get(percent + 1..).unwrap_or_default();
    }
    match rest {
        [star, tail @ ..] if star.text == "*" => tail,
        [escape, _, tail @ ..] if escape.is("UESCAPE") => tail,
        _ => rest,
    }
}

/// Cuts at the commas outside of parentheses; none of the parts is empty.
fn actions<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let mut depth = 0_usize;
    tokens
        .split(|token| {
            if token.is_symbol("(") || token.is_symbol("[") {
                depth += 1;
            } else if token.is_symbol(")") || token.is_symbol("]") {
                depth = depth.saturating_sub(1);
            }
            depth == 0 && token.is_symbol(",")
        })
        .filter(|action| !action.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each loss as `line what`.
    fn losses(text: &str) -> Vec<String> {
        let tokens = code(text);
        find(text, &split(&tokens))
            .into_iter()
            .map(|loss| format!("{} {}", loss.line, loss.what))
            .collect()
    }

    fn each_loses(cases: &[(&str, &str)]) {
        for (text, what) in cases {
            assert_eq!(losses(text), [format!("1 {what}")], "{text}");
        }
    }

    #[test]
    fn what_loses_data() {
        each_loses(&[
            ("DROP TABLE t", "DROP TABLE"),
            ("drop table if exists a, b cascade", "DROP TABLE"),
            ("DROP FOREIGN TABLE t", "DROP FOREIGN TABLE"),
            ("DROP SCHEMA s", "DROP SCHEMA"),
            ("DROP SEQUENCE s", "DROP SEQUENCE"),
            ("DROP DATABASE d", "DROP DATABASE"),
            ("DROP OWNED BY r", "DROP OWNED"),
            ("DROP TYPE t CASCADE", "DROP TYPE … CASCADE"),
            ("DROP DOMAIN d cascade", "DROP DOMAIN … CASCADE"),
            ("DROP EXTENSION e CASCADE", "DROP EXTENSION … CASCADE"),
            ("DROP VIEW v CASCADE", "DROP VIEW … CASCADE"),
            ("TRUNCATE t", "TRUNCATE"),
            ("truncate TABLE ONLY t RESTART IDENTITY", "TRUNCATE"),
            ("DELETE FROM t", "DELETE"),
            ("delete/**/from only t", "DELETE"),
            (
                "WITH gone AS (DELETE FROM t RETURNING *) INSERT INTO u SELECT * FROM gone",
                "DELETE",
            ),
            (
                "WITH a AS MATERIALIZED (DELETE FROM t RETURNING *) SELECT * FROM a",
                "DELETE",
            ),
            ("WITH a AS (SELECT 1) DELETE FROM t USING a", "DELETE"),
            ("EXPLAIN (ANALYZE) DELETE FROM t", "DELETE"),
            ("EXPLAIN ANALYZE DELETE FROM t", "DELETE"),
            ("PREPARE p AS DELETE FROM t", "DELETE"),
            ("COPY (DELETE FROM t RETURNING *) TO '/x'", "DELETE"),
            (
                "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN DELETE WHEN NOT MATCHED THEN DO NOTHING",
                "DELETE",
            ),
            ("ALTER TABLE t DROP COLUMN a", "DROP COLUMN"),
            ("ALTER TABLE t DROP a", "DROP COLUMN"),
            ("ALTER TABLE t DROP IF EXISTS a CASCADE", "DROP COLUMN"),
            (
                "ALTER TABLE IF EXISTS ONLY s.t * DROP COLUMN a",
                "DROP COLUMN",
            ),
            (
                "ALTER TABLE \"drop\".\"t\" DROP \"constraint\"",
                "DROP COLUMN",
            ),
            (
                "ALTER TABLE {{ident:schema}}.t DROP COLUMN a",
                "DROP COLUMN",
            ),
            ("ALTER TABLE t DROP identity", "DROP COLUMN"),
            ("ALTER TABLE t DROP expression", "DROP COLUMN"),
            (
                "ALTER TABLE t ADD b numeric(1, 2), ALTER a DROP DEFAULT, DROP b",
                "DROP COLUMN",
            ),
            ("ALTER TABLE drop DROP a", "DROP COLUMN"),
            ("ALTER TABLE U&\"!0041\" UESCAPE '!' DROP a", "DROP COLUMN"),
            ("ALTER FOREIGN TABLE t DROP COLUMN a", "DROP COLUMN"),
            ("ALTER TYPE t DROP ATTRIBUTE a", "DROP ATTRIBUTE"),
            (
                "ALTER TYPE s.t ADD ATTRIBUTE b int, DROP ATTRIBUTE IF EXISTS a",
                "DROP ATTRIBUTE",
            ),
        ]);
    }

    #[test]
    fn what_loses_data_in_a_block() {
        each_loses(&[
            ("DO $$ BEGIN DELETE FROM t; END $$", "DELETE"),
            (
                "DO LANGUAGE plpgsql 'BEGIN DROP TABLE t; END'",
                "DROP TABLE",
            ),
            (
                "DO $$ BEGIN IF true THEN TRUNCATE t; END IF; END $$",
                "TRUNCATE",
            ),
            (
                "DO $$ DECLARE r record; BEGIN FOR r IN SELECT 1 LOOP ALTER TABLE t DROP COLUMN a; END LOOP; END $$",
                "DROP COLUMN",
            ),
            (
                "DO $$ BEGIN FOR r IN DELETE FROM t RETURNING * LOOP NULL; END LOOP; END $$",
                "DELETE",
            ),
            ("DO $$ BEGIN EXECUTE 'DROP TABLE t'; END $$", "DROP TABLE"),
            (
                "DO $$ BEGIN EXECUTE format('DROP SCHEMA %I', s); END $$",
                "DROP SCHEMA",
            ),
            (
                "DO $$ BEGIN EXECUTE 'DELETE FROM ' || quote_ident(t); END $$",
                "DELETE",
            ),
            (
                "DO $$ BEGIN EXECUTE format('ALTER TABLE %I.%I DROP %I', s, t, c); END $$",
                "DROP COLUMN",
            ),
            (
                "DO $$ BEGIN EXECUTE 'ALTER TABLE ' || t || ' DROP COLUMN a'; END $$",
                "DROP COLUMN",
            ),
            (
                "DO 'BEGIN EXECUTE ''EXECUTE ''''TRUNCATE t''''''; END'",
                "TRUNCATE",
            ),
            (
                "DO $a$ BEGIN EXECUTE $b$ DROP TYPE t CASCADE $b$; END $a$",
                "DROP TYPE … CASCADE",
            ),
        ]);
    }

    #[test]
    fn what_does_not() {
        for text in [
            "DROP VIEW v",
            "DROP MATERIALIZED VIEW v",
            "DROP INDEX i",
            "DROP FUNCTION f()",
            "DROP TYPE t",
            "DROP DOMAIN d RESTRICT",
            "DROP TRIGGER g ON t",
            "DROP VIEW \"cascade\"",
            "ALTER TABLE t DROP CONSTRAINT c",
            "ALTER TABLE t DROP CONSTRAINT IF EXISTS c CASCADE",
            "ALTER TABLE t ALTER COLUMN a DROP DEFAULT, ALTER a DROP NOT NULL",
            "ALTER TABLE t ALTER a DROP IDENTITY IF EXISTS, ALTER a DROP EXPRESSION",
            "ALTER TABLE t ADD COLUMN drop int, RENAME drop TO dropped",
            "ALTER TABLE t DETACH PARTITION p",
            "ALTER TABLE t ALTER COLUMN a TYPE int USING a::int",
            "ALTER TABLE t ADD FOREIGN KEY (a) REFERENCES u ON DELETE CASCADE",
            "ALTER TABLE t ADD CHECK (a IN ('DROP', 'x')), ADD b int DEFAULT f(1, drop)",
            "ALTER TYPE t ADD VALUE 'drop'",
            "ALTER DOMAIN d DROP CONSTRAINT c",
            "ALTER PUBLICATION p DROP TABLE t",
            "ALTER EXTENSION e DROP TABLE t",
            "ALTER DEFAULT PRIVILEGES GRANT DELETE ON TABLES TO r",
            "CREATE TABLE t (a int REFERENCES u ON DELETE CASCADE, delete int)",
            "CREATE TRIGGER g BEFORE DELETE OR TRUNCATE ON t EXECUTE FUNCTION f()",
            "CREATE RULE r AS ON DELETE TO t DO INSTEAD (DELETE FROM u; DELETE FROM v)",
            "CREATE POLICY p ON t FOR DELETE USING (true)",
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql AS 'DELETE FROM t'",
            "CREATE FUNCTION f() RETURNS void LANGUAGE plpgsql AS $$ BEGIN DROP TABLE t; END $$",
            "CREATE FUNCTION f() RETURNS void BEGIN ATOMIC DELETE FROM t; END",
            "GRANT SELECT, DELETE, TRUNCATE ON t TO r",
            "REVOKE TRUNCATE ON t FROM r",
            "SELECT delete FROM t",
            "SELECT a, delete FROM t",
            "SELECT a AS delete FROM t",
            "SELECT t.delete FROM t",
            "SELECT \"delete\" FROM t",
            "SELECT 'DELETE FROM t', $$DROP TABLE t$$ -- DROP TABLE t\n/* TRUNCATE t */",
            "INSERT INTO t (action) VALUES ('DELETE FROM x')",
            "UPDATE t SET a = 1",
            "UPDATE t SET a = CASE WHEN b THEN delete END",
            "MERGE INTO t USING u ON t.a = u.a WHEN MATCHED THEN UPDATE SET a = 1",
            "COMMENT ON TABLE t IS 'DROP TABLE t'",
            "LOCK TABLE t",
            "DO $$ BEGIN -- DROP TABLE t\n UPDATE t SET a = 1; ALTER TABLE t DROP CONSTRAINT c; END $$",
            "DO $$ BEGIN EXECUTE 'DROP INDEX i'; PERFORM has_table_privilege('t', 'DELETE'); END $$",
        ] {
            assert_eq!(losses(text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn every_loss_has_its_line() {
        let text = "ALTER TABLE t\n  DROP a,\n  ADD b int,\n  DROP COLUMN c;\n\nDO $$\nBEGIN\n  DELETE FROM t;\n\
                    EXECUTE '\nDROP TABLE u';\nEND\n$$; TRUNCATE t; TRUNCATE u;";
        assert_eq!(
            losses(text),
            [
                "2 DROP COLUMN",
                "4 DROP COLUMN",
                "8 DELETE",
                "9 DROP TABLE",
                "12 TRUNCATE",
                "12 TRUNCATE"
            ]
        );
    }
}
