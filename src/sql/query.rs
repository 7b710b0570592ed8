//! A query that only reads: one statement, by its tokens.
//!
//! What tokens can't tell, such as a function that writes, is refused by the READ ONLY transaction it runs in.

use super::lexer::{Kind, Token, code, lex};
use super::split::statements;

/// What a query may begin with.
const BEGINNINGS: [&str; 4] = ["SELECT", "WITH", "VALUES", "TABLE"];

/// The one statement of a text, without its semicolon and the comments around it.
///
/// # Errors
/// Says why the text isn't one query.
pub fn query(text: &str) -> Result<&str, String> {
    let tokens = lex(text);
    if let Some(open) = tokens.iter().find(|token| !token.closed) {
        return Err(format!("the query ends inside of {}", name(open)));
    }
    if tokens.iter().any(|token| token.kind == Kind::Backslash) {
        return Err("the query holds a \\ command of psql".to_owned());
    }
    let statements = statements(text);
    let [statement] = statements.as_slice() else {
        return Err(match statements.len() {
            0 => "the query is empty".to_owned(),
            many => format!("the query is {many} statements"),
        });
    };
    let statement = &text[statement.range.clone()];
    check(&code(statement))?;
    Ok(statement)
}

fn name(token: &Token<'_>) -> &'static str {
    match token.kind {
        Kind::BlockComment => "a comment",
        Kind::QuotedIdent => "a quoted identifier",
        _ => "a string",
    }
}

/// It is put into parentheses, so its own must match, and no statement may hide in them.
fn check(tokens: &[Token<'_>]) -> Result<(), String> {
    let mut depth = 0_usize;
    for token in tokens {
        if token.is_symbol("(") {
            depth += 1;
        } else if token.is_symbol(")") {
            depth = depth.checked_sub(1).ok_or(UNMATCHED)?;
        } else if token.is_symbol(";") {
            return Err("the query holds a semicolon".to_owned());
        }
    }
    if depth > 0 {
        return Err(UNMATCHED.to_owned());
    }
    let first = tokens.iter().find(|token| !token.is_symbol("("));
    match first {
        Some(first) if first.is_any(&BEGINNINGS) => Ok(()),
        _ => Err("the query begins with none of SELECT, WITH, VALUES and TABLE".to_owned()),
    }
}

const UNMATCHED: &str = "the parentheses of the query don't match";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_query_is_taken_out_of_what_stands_around_it() {
        for (text, expected) in [
            ("select 1", "select 1"),
            (" -- all\nSELECT id FROM t; -- ; x\n", "SELECT id FROM t"),
            (
                "(select 1) union (select 2);;",
                "(select 1) union (select 2)",
            ),
            (
                "with a as (select ';') table a",
                "with a as (select ';') table a",
            ),
            ("VALUES ('a')", "VALUES ('a')"),
        ] {
            assert_eq!(query(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_is_no_query_is_refused() {
        for text in [
            "",
            "-- nothing",
            "select 1; COMMIT; DROP TABLE t",
            "select 1; select 2",
            "select (1; commit)",
            "select 1) as a, (select 2",
            "select ((1)",
            "COMMIT",
            "begin",
            "SET transaction_read_only = off",
            "insert into t values (1)",
            "DO $$ begin end $$",
            "explain select 1",
            "select 'open",
            "select \"open",
            "select $$open",
            "select 1 /* open",
            "select 1 \\gexec",
            "()",
        ] {
            assert!(query(text).is_err(), "{text}");
        }
    }
}
