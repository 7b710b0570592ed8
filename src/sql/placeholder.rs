//! Typed placeholders: found by tokens, filled by kind, with a way back from the filled text to the file.

use std::collections::BTreeMap;
use std::ops::Range;

use super::lexer::{Kind, Token, lex};
use super::place::line_column;
use super::problem::Fault;
use crate::model::name::{MAX_IDENTIFIER_BYTES, quote_ident, quote_literal};
use crate::model::template::{Placeholder, PlaceholderKind, SourceFile};

const FORMS: &str =
    "Write {{ident:tenant}}, {{ident:schema}} or {{literal:vars.NAME}}, without spaces.";

/// Every placeholder of the tokens once, in order of first use, and those that are wrong. Comments keep theirs.
pub(super) fn find(text: &str, tokens: &[Token<'_>]) -> (Vec<Placeholder>, Vec<Fault>) {
    let mut found: Vec<Placeholder> = Vec::new();
    let mut faults = Vec::new();
    for (at, token) in tokens.iter().enumerate() {
        faults.extend(quoted(token));
        if token.kind != Kind::Placeholder || !token.closed {
            continue;
        }
        match parse(token.text) {
            None => faults.push(Fault::new(
                token.start,
                format!("{} isn't a placeholder", token.text),
                FORMS,
            )),
            Some(_) if touches(tokens, at) => faults.push(Fault::new(
                token.start,
                format!("{} touches another word", token.text),
                "Put a space between them.",
            )),
            Some((kind, value)) => {
                if !found
                    .iter()
                    .any(|one| (one.kind, one.value.as_str()) == (kind, value))
                {
                    found.push(Placeholder {
                        kind,
                        value: value.to_owned(),
                        line: line_column(text, token.start).0,
                    });
                }
            }
        }
    }
    (found, faults)
}

fn parse(token: &str) -> Option<(PlaceholderKind, &str)> {
    let inside = token.strip_prefix("{{")?.strip_suffix("}}")?;
    let (kind, value) = inside.split_once(':')?;
    let kind = match kind {
        "ident" => PlaceholderKind::Ident,
        "literal" => PlaceholderKind::Literal,
        _ => return None,
    };
    let is_name = |name: &str| {
        !name.is_empty()
            && name
                .chars()
                .all(|c| c.is_alphanumeric() || c == '_' || c == '-')
    };
    let known =
        matches!(value, "tenant" | "schema") || value.strip_prefix("vars.").is_some_and(is_name);
    known.then_some((kind, value))
}

/// A placeholder inside quotes would be escaped for the wrong place. Other doubled braces are text: `'{{1,2}}'`.
fn quoted(token: &Token<'_>) -> Option<Fault> {
    if !matches!(
        token.kind,
        Kind::String | Kind::QuotedIdent | Kind::DollarString
    ) {
        return None;
    }
    let mut braces = token.text.match_indices("{{");
    let (at, _) = braces.find(|(at, _)| {
        let inside = token.text[at + 2..].trim_start();
        let word = inside.split_once(':').map(|(word, _)| word.trim_end());
        word.is_some_and(|word| {
            word.eq_ignore_ascii_case("ident") || word.eq_ignore_ascii_case("literal")
        })
    })?;
    Some(Fault::new(
        token.start + at,
        "a placeholder can't stand inside quotes",
        "Write it outside, as in format('… %s …', {{literal:vars.NAME}}) or {{ident:schema}}.name.",
    ))
}

/// Whether the neighbours would join the filled value: `x{{…}}`, `'a'{{…}}`, `U&{{…}}`.
fn touches(tokens: &[Token<'_>], at: usize) -> bool {
    let joins = |token: &Token<'_>| {
        matches!(
            token.kind,
            Kind::Word
                | Kind::QuotedIdent
                | Kind::String
                | Kind::DollarString
                | Kind::Number
                | Kind::Parameter
                | Kind::Placeholder
                | Kind::Other
        )
    };
    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
    before.is_some_and(|before| joins(before) || before.text.ends_with('&'))
        || tokens.get(at + 1).is_some_and(joins)
}

/// A file's SQL with its placeholders filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    pub sql: String,
    pub origin: Origin,
}

/// The way back from a rendered text to the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// In order.
    fills: Vec<Fill>,
}

/// A value and the placeholder it stands for, in 1-based character positions.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Fill {
    rendered: Range<usize>,
    source: Range<usize>,
}

impl Origin {
    /// The file's position for a 1-based character position of the rendered text; within a value it is the
    /// beginning of its placeholder.
    #[must_use]
    pub fn source_position(&self, position: usize) -> usize {
        let mut before = self.fills.iter().rev();
        match before.find(|fill| fill.rendered.start <= position) {
            None => position,
            Some(fill) if fill.rendered.contains(&position) => fill.source.start,
            Some(fill) => fill.source.end + (position - fill.rendered.end),
        }
    }
}

/// Fills a file's placeholders in. The values go by `tenant`, `schema` and `vars.<name>`.
///
/// # Errors
/// Names a placeholder without a value, or with one that PostgreSQL can't take.
pub fn render(file: &SourceFile, values: &BTreeMap<String, String>) -> Result<Rendered, String> {
    if file.placeholders.is_empty() {
        return Ok(Rendered {
            sql: file.text.clone(),
            origin: Origin::default(),
        });
    }
    let mut sql = String::with_capacity(file.text.len());
    let mut fills = Vec::new();
    let (mut rendered, mut source) = (1, 1);
    for token in lex(&file.text) {
        let value = match token.kind {
            Kind::Placeholder => {
                Some(fill(token.text, values).map_err(|why| in_file(file, &token, &why))?)
            }
            _ => None,
        };
        let text = value.as_deref().unwrap_or(token.text);
        sql.push_str(text);
        let ends = (
            rendered + text.chars().count(),
            source + token.text.chars().count(),
        );
        if value.is_some() {
            fills.push(Fill {
                rendered: rendered..ends.0,
                source: source..ends.1,
            });
        }
        (rendered, source) = ends;
    }
    let origin = Origin { fills };
    Ok(Rendered { sql, origin })
}

fn in_file(file: &SourceFile, token: &Token<'_>, why: &str) -> String {
    let (line, column) = line_column(&file.text, token.start);
    format!(
        "{}:{line}:{column}: {}: {why}",
        file.path.display(),
        token.text
    )
}

fn fill(token: &str, values: &BTreeMap<String, String>) -> Result<String, String> {
    let (kind, name) = parse(token).ok_or("not a placeholder")?;
    let value = values
        .get(name)
        .ok_or_else(|| format!("{name} has no value"))?;
    if value.contains('\0') {
        return Err("the value holds a NUL byte".to_owned());
    }
    match kind {
        PlaceholderKind::Literal => Ok(quote_literal(value)),
        PlaceholderKind::Ident if value.is_empty() => {
            Err("an empty value can't be an identifier".to_owned())
        }
        // PostgreSQL would cut it, so that two tenants could meet in one name.
        PlaceholderKind::Ident if value.len() > MAX_IDENTIFIER_BYTES => Err(format!(
            "{value:?} is {} bytes long; PostgreSQL keeps {MAX_IDENTIFIER_BYTES} of an identifier",
            value.len()
        )),
        PlaceholderKind::Ident => Ok(quote_ident(value)),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::sql::{Problem, read, statements};

    fn file(text: &str) -> SourceFile {
        read("f.sql", Path::new("t/f.sql"), text.as_bytes()).expect("good file")
    }

    fn problems(text: &str) -> Vec<Problem> {
        read("f.sql", Path::new("t/f.sql"), text.as_bytes()).expect_err("bad file")
    }

    fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn placeholders_are_found_once_in_order() {
        let file = file(
            "-- {{ident:nothing}} {{\nSELECT {{literal:vars.a-b}}, {{ident:schema}}.x,\n\
             {{literal:tenant}}::text, {{ident:tenant}}, {{ident:schema}} /* {{x}} */, '{{1,2}}', 'Dear {{name}}: x'",
        );
        let found: Vec<(PlaceholderKind, &str, usize)> = file
            .placeholders
            .iter()
            .map(|one| (one.kind, one.value.as_str(), one.line))
            .collect();
        assert_eq!(
            found,
            [
                (PlaceholderKind::Literal, "vars.a-b", 2),
                (PlaceholderKind::Ident, "schema", 2),
                (PlaceholderKind::Literal, "tenant", 3),
                (PlaceholderKind::Ident, "tenant", 3),
            ]
        );
    }

    #[test]
    fn wrong_placeholders_are_problems() {
        for (text, says) in [
            ("SELECT {{tenant}}", "isn't a placeholder"),
            ("SELECT {{raw:schema}}", "isn't a placeholder"),
            ("SELECT {{ident: schema}}", "isn't a placeholder"),
            ("SELECT {{ ident:schema }}", "isn't a placeholder"),
            ("SELECT {{ident:vars.}}", "isn't a placeholder"),
            ("SELECT {{ident:vars.a.b}}", "isn't a placeholder"),
            ("SELECT {{literal:uid}}", "isn't a placeholder"),
            ("SELECT {{{ident:schema}}}", "isn't a placeholder"),
            ("SELECT {{ident:schema\n}}", "has no end"),
            ("SELECT '{{literal:vars.a}}'", "inside quotes"),
            ("SELECT \"x{{ident:schema}}\"", "inside quotes"),
            ("SELECT $$ {{ Ident :schema}} $$", "inside quotes"),
            ("SELECT x{{ident:schema}}", "touches"),
            ("SELECT {{ident:schema}}x", "touches"),
            ("SELECT 'a'{{literal:tenant}}", "touches"),
            ("SELECT U&{{literal:tenant}}", "touches"),
        ] {
            let problems = problems(text);
            assert!(problems[0].message.contains(says), "{text}: {problems:?}");
        }
        assert_eq!(problems("SELECT {{ident:tenant}}{{ident:schema}}").len(), 2);
        let problem = &problems("SELECT 1,\n  'é {{literal:tenant}}'")[0];
        assert_eq!((problem.line, problem.column), (2, 6));
    }

    #[test]
    fn values_are_escaped_by_kind() {
        let file = file("SELECT {{literal:vars.a}} FROM {{ident:schema}}.t -- {{literal:vars.a}}");
        let rendered = render(
            &file,
            &values(&[("vars.a", r"it's \ x"), ("schema", "A\"b")]),
        );
        assert_eq!(
            rendered.expect("all filled").sql,
            r#"SELECT  E'it''s \\ x' FROM "A""b".t -- {{literal:vars.a}}"#
        );
    }

    #[test]
    fn values_that_do_not_fit_are_errors() {
        let file = file("SELECT\n {{ident:vars.a}}");
        let fails = |pairs: &[(&str, &str)]| render(&file, &values(pairs)).expect_err("no fit");
        assert_eq!(
            fails(&[]),
            "t/f.sql:2:2: {{ident:vars.a}}: vars.a has no value"
        );
        assert!(fails(&[("vars.a", "")]).contains("empty"));
        assert!(fails(&[("vars.a", &"é".repeat(32))]).contains("64 bytes"));
        assert!(fails(&[("vars.a", "a\0b")]).contains("NUL"));
        assert!(render(&file, &values(&[("vars.a", &"x".repeat(63))])).is_ok());
    }

    #[test]
    fn positions_lead_back_to_the_file() {
        let file = file("é {{literal:vars.a}} b\n{{ident:schema}}.c d");
        let values = values(&[
            ("vars.a", "x\ny\nvery long indeed, longer than its name"),
            ("schema", "s"),
        ]);
        let Rendered { sql, origin } = render(&file, &values).expect("all filled");
        let back = |needle: &str| {
            let byte = sql.find(needle).expect("is there");
            let position = sql[..byte].chars().count() + 1;
            let place = crate::sql::locate(&file.text, origin.source_position(position));
            (place.line, place.column)
        };
        assert_eq!(back("é"), (1, 1));
        assert_eq!(back("'x"), (1, 3));
        assert_eq!(back("very"), (1, 3));
        assert_eq!(back(" b"), (1, 21));
        assert_eq!(back("\"s\""), (2, 1));
        assert_eq!(back(".c"), (2, 17));
        assert_eq!(back("d"), (1, 3)); // of `indeed`
        assert_eq!(back("c d"), (2, 18));
    }

    proptest! {
        #[test]
        fn a_value_never_leaves_its_token(value in "[^\0]{0,20}", quoted in "['\\\\;$-]{0,8}") {
            let file = file("SELECT {{literal:vars.a}}, 1; SELECT {{literal:vars.a}}");
            let rendered = render(&file, &values(&[("vars.a", &format!("{value}{quoted}"))])).expect("filled");
            prop_assert_eq!(statements(&rendered.sql).len(), 2);
            let kinds = |text: &str| {
                let tokens = crate::sql::lexer::code(text);
                tokens.iter().map(|token| token.kind).collect::<Vec<Kind>>()
            };
            let expected = "SELECT 'x', 1; SELECT 'x'";
            prop_assert_eq!(kinds(&rendered.sql), kinds(expected));
        }
    }
}
