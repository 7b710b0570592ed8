//! Definitions as people read them: one clause a line, so that a difference is a line and not a page.

use similar::TextDiff;

use super::compare::Difference;
use crate::model::name::SchemaName;
use crate::model::reference::Reference;
use crate::model::shape::{Definition, OWN};

/// Longer lines are broken between their clauses.
const WIDTH: usize = 72;

/// Lines around a difference.
const CONTEXT: usize = 3;

/// How the schema's own name is written in SQL files, where it is known to be that.
pub(super) const SCHEMA: &str = "{{ident:schema}}";

/// Words that begin a clause.
const CLAUSES: [&str; 16] = [
    "AND",
    "OR",
    "FROM",
    "WHERE",
    "GROUP",
    "HAVING",
    "ORDER",
    "USING",
    "WITH",
    "DEFAULT",
    "CHECK",
    "REFERENCES",
    "WHEN",
    "EXECUTE",
    "RETURNS",
    "LANGUAGE",
];

/// What a live schema says, in lines.
fn live(definition: &Definition) -> String {
    readable(&whole(definition))
}

/// What a reference says, in lines, as it would be said in `schema`.
fn reference(definition: &Definition, reference: &Reference, schema: &SchemaName) -> String {
    let text = whole(definition).replace(reference.built_in.as_str(), schema.as_str());
    readable(&text)
}

/// Of the forms of a definition the one that a live text came from, to all appearances.
#[must_use]
pub(super) fn nearest<'a>(forms: &[&'a Definition; 2], live: &Definition) -> &'a Definition {
    let likeness = |form: &Definition| TextDiff::from_words(&form.text, &live.text).ratio();
    let [first, second] = forms;
    if first == second || likeness(first) >= likeness(second) {
        first
    } else {
        second
    }
}

/// Both texts, and their unified difference. Texts that would look the same are shown to the letter.
pub(super) fn told(
    one: &Difference,
    built: &Reference,
    schema: &SchemaName,
) -> (Option<String>, Option<String>, String) {
    let expected = one.expected.as_ref();
    let (mut expected, mut found) = (
        expected.map(|it| reference(it, built, schema)),
        one.found.as_ref().map(live),
    );
    if expected == found {
        expected = one.expected.as_ref().map(|it| format!("{it:?}\n"));
        found = one.found.as_ref().map(|it| format!("{it:?}\n"));
    }
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    let diff = diff(&text(&expected), &text(&found));
    (expected, found, diff)
}

/// The unified difference of two texts.
fn diff(expected: &str, found: &str) -> String {
    let diff = TextDiff::from_lines(expected, found);
    let mut diff = diff.unified_diff();
    diff.context_radius(CONTEXT)
        .missing_newline_hint(false)
        .header("expected", "found")
        .to_string()
}

fn whole(definition: &Definition) -> String {
    let source = definition.source.as_ref();
    let source = source.map(|source| source.neutral.replace(OWN, SCHEMA));
    match (definition.text.as_str(), source) {
        ("", Some(source)) => source,
        (text, None) => text.to_owned(),
        (text, Some(source)) => format!("{text}\n{source}"),
    }
}

/// Every line ends; long ones are broken, by the same rules whoever says them.
fn readable(text: &str) -> String {
    let mut lines = String::with_capacity(text.len() + 1);
    for line in text.split('\n') {
        if line.chars().count() <= WIDTH {
            lines.push_str(line);
        } else {
            lines.push_str(&broken(line));
        }
        lines.push('\n');
    }
    lines
}

/// A line with a break before each clause and after each comma, those in quotes and deep in parentheses left out, and
/// before a word that would go past the width.
fn broken(line: &str) -> String {
    let mut text = String::with_capacity(line.len() * 2);
    let mut quote = None;
    let mut depth = 0_usize;
    let mut rest = line;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        match (quote, c) {
            (Some(open), c) if open == c => quote = None,
            (None, '\'' | '"') => quote = Some(c),
            (None, '(') => depth += 1,
            (None, ')') => depth = depth.saturating_sub(1),
            _ => {}
        }
        let is_place =
            quote.is_none() && c == ' ' && !text.ends_with("  ") && !rest.starts_with(' ');
        let ends_part = depth <= 1 && text.ends_with(',');
        if is_place && (ends_part || begins_clause(rest) || goes_past(&text, rest)) {
            text.push_str("\n  ");
        } else {
            text.push(c);
        }
    }
    text
}

/// Whether the next word doesn't fit on the last line any more.
fn goes_past(text: &str, rest: &str) -> bool {
    let line = text.rsplit('\n').next().unwrap_or_default();
    let word = rest.split(' ').next().unwrap_or_default();
    line.chars().count() + 1 + word.chars().count() > WIDTH
}

fn begins_clause(rest: &str) -> bool {
    let end = rest.find(|c: char| !c.is_ascii_alphabetic());
    let word = &rest[..end.unwrap_or(rest.len())];
    CLAUSES.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::shape::Source;

    #[test]
    fn long_lines_are_broken_between_clauses_and_nothing_is_lost() {
        let line = "ON orders USING btree (status, created_at, lower(name)) INCLUDE (id) \
                    WHERE ((status <> 'a AND b, c'::text) AND (id > 0))";
        let text = readable(line);
        assert_eq!(
            text,
            "ON orders\n  USING btree (status,\n  created_at,\n  lower(name)) INCLUDE (id)\n  \
             WHERE ((status <> 'a AND b, c'::text)\n  AND (id > 0))\n"
        );
        assert_eq!(text.trim_end().replace("\n  ", " "), line);
        assert_eq!(readable("short AND sweet"), "short AND sweet\n");
        assert_eq!(readable("blanks \r\n"), "blanks \r\n\n");
    }

    #[test]
    fn lines_without_clauses_are_broken_at_the_width() {
        let line = "bigint start 1 increment 1 minimum 1 maximum 9223372036854775807 cache 1 owned by orders.id";
        let text = readable(line);
        assert!(text.lines().all(|line| line.len() <= WIDTH), "{text}");
        assert_eq!(text.trim_end().replace("\n  ", " "), line);
    }

    #[test]
    fn a_change_is_shown_against_the_form_that_was_changed() {
        let text = |text: &str| Definition {
            text: text.to_owned(),
            source: None,
        };
        let (first, dumped) = (text("a IN ('x')"), text("a = ANY (ARRAY['x' , 'y'])"));
        let live = text("a = ANY (ARRAY['x' , 'z'])");
        assert_eq!(nearest(&[&first, &dumped], &live), &dumped);
        assert_eq!(nearest(&[&first, &dumped], &text("a IN ('z')")), &first);
    }

    #[test]
    fn a_difference_is_a_unified_diff() {
        let text = diff("a\nb\n", "a\nc\n");
        assert_eq!(
            text,
            "--- expected\n+++ found\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
        );
        assert_eq!(
            diff("a\n", ""),
            "--- expected\n+++ found\n@@ -1 +0,0 @@\n-a\n"
        );
    }

    #[test]
    fn what_looks_the_same_is_shown_to_the_letter() {
        let schema = |name: &str| SchemaName::new(name).unwrap();
        let text = |text: &str| Definition {
            text: text.to_owned(),
            source: None,
        };
        let long = "x".repeat(WIDTH);
        let one = Difference {
            key: crate::model::shape::ObjectKey {
                kind: crate::model::shape::Kind::View,
                name: "v".to_owned(),
            },
            change: super::super::compare::Change::Changed,
            expected: Some(text(&format!("{long} AND y"))),
            found: Some(text(&format!("{long}\n  AND y"))),
        };
        let built = Reference {
            built_in: schema("x1"),
            shape: crate::model::shape::Shape::default(),
            after_dump: std::collections::BTreeMap::new(),
        };
        let (.., diff) = told(&one, &built, &schema("acme"));
        assert!(
            diff.contains(" AND y") && diff.contains("\\n  AND y"),
            "{diff}"
        );
    }

    #[test]
    fn the_own_name_is_written_as_in_the_files() {
        let schema = |name: &str| SchemaName::new(name).unwrap();
        let made = Definition {
            text: "f()".to_owned(),
            source: Some(Source {
                raw: "BEGIN x.g('x'); END".to_owned(),
                neutral: format!("BEGIN\n  {OWN}.g('x');\nEND"),
            }),
        };
        let built = Reference {
            built_in: schema("x"),
            shape: crate::model::shape::Shape::default(),
            after_dump: std::collections::BTreeMap::new(),
        };
        assert_eq!(live(&made), "f()\nBEGIN\n  {{ident:schema}}.g('x');\nEND\n");
        let text = reference(&made, &built, &schema("acme"));
        assert_eq!(text, "f()\nBEGIN\n  {{ident:schema}}.g('acme');\nEND\n");
    }
}
