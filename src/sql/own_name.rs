//! A schema's own name in text that the server keeps as it was written.

use crate::model::shape::OWN;

use super::lexer::{Kind, Token, lex};

/// A function's body with [`OWN`] in place of each identifier that qualifies another and is `own`.
///
/// Constants and comments stay as they are. In a body, `s.id` may be a table's column as well as a schema's table; it
/// counts as qualified by the schema, which makes bodies differ that might be the same, and never the reverse.
#[must_use]
pub fn neutral_code(code: &str, own: &str) -> String {
    let tokens = lex(code);
    let mut neutral = String::with_capacity(code.len());
    let mut before = None;
    for (index, token) in tokens.iter().enumerate() {
        let after = tokens[index + 1..].iter().find(|token| !token.is_blank());
        let qualifies =
            after.is_some_and(|token| token.is_symbol(".")) && !before.is_some_and(is_point);
        push(&mut neutral, token, own, qualifies);
        if !token.is_blank() {
            before = Some(token);
        }
    }
    neutral
}

/// A function's settings, `SET name=value` a line, with [`OWN`] also in place of the elements of a `search_path` that
/// are `own`.
#[must_use]
pub fn neutral_settings(settings: &str, own: &str) -> String {
    let lines = settings.split('\n').map(|line| {
        let path = line.strip_prefix(SEARCH_PATH);
        path.map_or_else(|| neutral_code(line, own), |path| neutral_path(path, own))
    });
    lines.collect::<Vec<_>>().join("\n")
}

const SEARCH_PATH: &str = "SET search_path=";

fn neutral_path(path: &str, own: &str) -> String {
    let mut neutral = SEARCH_PATH.to_owned();
    for token in &lex(path) {
        push(&mut neutral, token, own, true);
    }
    neutral
}

fn push(neutral: &mut String, token: &Token<'_>, own: &str, may_be: bool) {
    if may_be && names(token, own) {
        neutral.push(OWN);
    } else {
        neutral.push_str(token.text);
    }
}

fn is_point(token: &Token<'_>) -> bool {
    token.is_symbol(".")
}

/// Whether the token is an identifier that the server reads as this name.
fn names(token: &Token<'_>, name: &str) -> bool {
    match token.kind {
        Kind::Word => token.text.to_ascii_lowercase() == name,
        Kind::QuotedIdent => {
            let inner = token
                .text
                .strip_prefix('"')
                .and_then(|text| text.strip_suffix('"'));
            inner.is_some_and(|inner| inner.replace("\"\"", "\"") == name)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str, own: &str) -> String {
        neutral_code(text, own).replace(OWN, "@")
    }

    #[test]
    fn a_qualifier_that_is_the_name_becomes_neutral() {
        assert_eq!(code("select * from s.t", "s"), "select * from @.t");
        assert_eq!(code("S /* x */ . t", "s"), "@ /* x */ . t");
        assert_eq!(code("\"S\".t S.t s.t", "S"), "@.t S.t s.t");
        assert_eq!(code("\"x\"\"y\".t, x.y", "x\"y"), "@.t, x.y");
        assert_eq!(code("\"Legacy-Initech\".t", "Legacy-Initech"), "@.t");
        assert_eq!(code("\"a.b\".c, a.b.c", "a.b"), "@.c, a.b.c");
    }

    #[test]
    fn nothing_else_does() {
        for text in [
            "select s from s where x.s = 1",
            "x.s.y",
            "customers.id",
            "ss.id, s1.id, _s.id",
            "'s.t' E's.t' $$s.t$$ $s$ s.t $s$",
            "-- s.t\n/* s.t */ 1",
            "s..9",
            "s",
        ] {
            assert_eq!(code(text, "s"), text);
        }
    }

    /// A schema `s` that has a table `s`.
    #[test]
    fn a_column_may_look_like_a_table_of_the_schema() {
        let body = "select s.id, 's.' from s.s where s.s.id > 0 and note <> 's.' -- s.";
        let neutral = "select @.id, 's.' from @.s where @.s.id > 0 and note <> 's.' -- s.";
        assert_eq!(code(body, "s"), neutral);
    }

    #[test]
    fn settings_name_it_in_a_path() {
        let settings = |text: &str, own: &str| neutral_settings(text, own).replace(OWN, "@");
        assert_eq!(
            settings("SET search_path=s, public, \"s\"\nSET work_mem=s", "s"),
            "SET search_path=@, public, @\nSET work_mem=s"
        );
        assert_eq!(
            settings("SET search_path=\"a b\", pg_temp", "a b"),
            "SET search_path=@, pg_temp"
        );
        assert_eq!(
            settings("SET search_path=\"s, public\"", "s"),
            "SET search_path=\"s, public\""
        );
    }
}
