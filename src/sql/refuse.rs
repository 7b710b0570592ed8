//! What no file may hold, because a tenant's transaction is tenantry's, and so are the session's settings.

use super::lexer::{Kind, Token, begins};
use super::problem::Fault;

/// Statements that begin, end or divide a transaction.
const TRANSACTION_CONTROL: [&str; 9] = [
    "BEGIN",
    "START",
    "COMMIT",
    "END",
    "ROLLBACK",
    "ABORT",
    "SAVEPOINT",
    "RELEASE",
    "PREPARE TRANSACTION",
];

/// Statements that PostgreSQL refuses inside of a transaction block (25001), whatever follows.
const OUTSIDE_ONLY: [&str; 6] = [
    "VACUUM",
    "CREATE DATABASE",
    "DROP DATABASE",
    "CREATE TABLESPACE",
    "DROP TABLESPACE",
    "ALTER SYSTEM",
];

/// Every refused statement, and every `\`.
pub(super) fn faults(statements: &[&[Token<'_>]]) -> Vec<Fault> {
    statements
        .iter()
        .flat_map(|statement| {
            let backslashes = statement.iter().filter_map(backslash);
            refused(statement).into_iter().chain(backslashes)
        })
        .collect()
}

fn backslash(token: &Token<'_>) -> Option<Fault> {
    let hint = "Remove it; files go to the server as they are, without psql.";
    (token.kind == Kind::Backslash)
        .then(|| Fault::new(token.start, "a \\ command of psql is refused", hint))
}

fn refused(statement: &[Token<'_>]) -> Option<Fault> {
    transaction_control(statement)
        .or_else(|| session(statement))
        .or_else(|| outside_only(statement))
        .or_else(|| concurrently(statement))
        .or_else(|| copy_over_the_wire(statement))
}

/// The first of the phrases that the statement begins with.
fn one_of(statement: &[Token<'_>], phrases: &[&'static str]) -> Option<&'static str> {
    let mut phrases = phrases.iter();
    phrases.find(|phrase| begins(statement, phrase)).copied()
}

fn transaction_control(statement: &[Token<'_>]) -> Option<Fault> {
    let phrase = one_of(statement, &TRANSACTION_CONTROL)?;
    Some(Fault::new(
        statement[0].start,
        format!("{phrase} is refused: a tenant's files run in one transaction"),
        "Remove the statement; the transaction is begun and committed for you.",
    ))
}

/// What would outlive the transaction in a session that other tenants use next.
fn session(statement: &[Token<'_>]) -> Option<Fault> {
    let phrase = one_of(
        statement,
        &["RESET", "DISCARD", "PREPARE", "DEALLOCATE", "SET"],
    )?;
    let (what, hint) = match phrase {
        "SET" if one_of(statement, &["SET LOCAL", "SET CONSTRAINTS"]).is_some() => return None,
        "SET" => (
            "SET without LOCAL",
            "Write SET LOCAL, which holds for this file.",
        ),
        "PREPARE" | "DEALLOCATE" => (phrase, "Write the statement itself."),
        _ => (
            phrase,
            "Remove the statement; role, search_path and timeouts are set anew before every file.",
        ),
    };
    let message = format!("{what} is refused: it would change the session for other tenants");
    Some(Fault::new(statement[0].start, message, hint))
}

fn outside_only(statement: &[Token<'_>]) -> Option<Fault> {
    let phrase = one_of(statement, &OUTSIDE_ONLY).or_else(|| reindex_of_many(statement))?;
    Some(Fault::new(
        statement[0].start,
        format!("{phrase} can't run inside a transaction, and a tenant's files run in one"),
        "Remove the statement, and run it by other means.",
    ))
}

/// `REINDEX [(…)] SCHEMA | DATABASE | SYSTEM`
fn reindex_of_many(statement: &[Token<'_>]) -> Option<&'static str> {
    if !statement[0].is("REINDEX") {
        return None;
    }
    let options = statement.iter().position(|token| token.is_symbol(")"));
    let has_options = statement.get(1)?.is_symbol("(");
    let rest = &statement[if has_options { options? } else { 0 } + 1..];
    match one_of(rest, &["SCHEMA", "DATABASE", "SYSTEM"])? {
        "SCHEMA" => Some("REINDEX SCHEMA"),
        "DATABASE" => Some("REINDEX DATABASE"),
        _ => Some("REINDEX SYSTEM"),
    }
}

/// PostgreSQL reserves the word, so it is no column's name. `REFRESH MATERIALIZED VIEW CONCURRENTLY` may run.
fn concurrently(statement: &[Token<'_>]) -> Option<Fault> {
    let phrase = one_of(
        statement,
        &[
            "CREATE INDEX",
            "CREATE UNIQUE INDEX",
            "DROP INDEX",
            "REINDEX",
            "ALTER TABLE",
        ],
    )?;
    let token = statement.iter().find(|token| token.is("CONCURRENTLY"))?;
    Some(Fault::new(
        token.start,
        format!("{phrase} … CONCURRENTLY isn't supported yet: it can't run inside a transaction"),
        "Leave CONCURRENTLY out, or run the statement by other means.",
    ))
}

/// `COPY … FROM STDIN` and `TO STDOUT` need a client that sends or takes the rows.
fn copy_over_the_wire(statement: &[Token<'_>]) -> Option<Fault> {
    if !statement[0].is("COPY") {
        return None;
    }
    let mut pairs = statement.windows(2);
    let pair = pairs
        .find(|pair| pair[0].is_any(&["FROM", "TO"]) && pair[1].is_any(&["STDIN", "STDOUT"]))?;
    Some(Fault::new(
        statement[0].start,
        format!(
            "COPY … {} is refused: a file has no rows to send or take",
            pair[1].text
        ),
        "Write the rows as INSERT.",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::lexer::code;
    use crate::sql::split::split;

    fn refusals(text: &str) -> Vec<Fault> {
        faults(&split(&code(text)))
    }

    #[test]
    fn refused_statements() {
        for text in [
            "BEGIN",
            "begin isolation level serializable",
            "START TRANSACTION",
            "COMMIT",
            "COMMIT PREPARED 'x'",
            "END",
            "ROLLBACK TO a",
            "ROLLBACK PREPARED 'x'",
            "ABORT",
            "SAVEPOINT a",
            "RELEASE a",
            "PREPARE TRANSACTION 'x'",
            "RESET ALL",
            "RESET ROLE",
            "DISCARD ALL",
            "PREPARE p AS SELECT 1",
            "DEALLOCATE ALL",
            "SET search_path = x",
            "SET/**/SESSION role x",
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            "SET TRANSACTION READ ONLY",
            "SET TIME ZONE 'UTC'",
            "SET \"local\" = 1",
            "set role x",
            "CREATE INDEX CONCURRENTLY i ON t (a)",
            "CREATE UNIQUE INDEX concurrently IF NOT EXISTS i ON t (a)",
            "DROP INDEX CONCURRENTLY i",
            "REINDEX TABLE CONCURRENTLY t",
            "REINDEX (CONCURRENTLY, VERBOSE) TABLE t",
            "ALTER TABLE t DETACH PARTITION p CONCURRENTLY",
            "COPY t FROM STDIN",
            "COPY t (a, b) FROM stdin WITH (FORMAT csv)",
            "COPY (SELECT 1) TO STDOUT",
            "VACUUM t",
            "CREATE DATABASE d",
            "DROP DATABASE d",
            "ALTER SYSTEM SET x = 1",
            "CREATE TABLESPACE s LOCATION '/x'",
            "REINDEX SCHEMA s",
            "REINDEX (VERBOSE) DATABASE d",
            "\\i other.sql",
            "SELECT 1 \\gexec",
        ] {
            assert_eq!(refusals(text).len(), 1, "{text}");
            assert_eq!(refusals(&format!("SELECT 1; {text};")).len(), 1, "{text}");
        }
    }

    #[test]
    fn allowed_statements() {
        for text in [
            "SET LOCAL search_path = x",
            "SET LOCAL ROLE x",
            "set local time zone 'UTC'",
            "SET CONSTRAINTS ALL DEFERRED",
            "UPDATE t SET a = 1",
            "ALTER TABLE t SET (fillfactor = 70)",
            "ALTER ROLE r SET search_path = x",
            "CREATE FUNCTION f() RETURNS int SET search_path = x LANGUAGE sql AS 'BEGIN; COMMIT; SET x = 1'",
            "DO $$ BEGIN COMMIT; END $$",
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; END",
            "SELECT '\\', $$\\i$$ -- \\x\n, /* \\y */ 1",
            "REFRESH MATERIALIZED VIEW CONCURRENTLY v",
            "CREATE INDEX \"concurrently\" ON t (a)",
            "COMMENT ON TABLE t IS 'x'",
            "COPY t FROM '/srv/rows.csv'",
            "REINDEX TABLE system",
            "REINDEX",
            "LISTEN x",
            "\"commit\"",
        ] {
            assert_eq!(refusals(text), [], "{text}");
        }
    }

    #[test]
    fn a_refusal_points_at_its_word() {
        let faults = refusals("SELECT 1;\n DROP INDEX CONCURRENTLY i; COMMIT");
        let places: Vec<usize> = faults.iter().map(|fault| fault.at).collect();
        assert_eq!(places, [22, 38]);
    }
}
