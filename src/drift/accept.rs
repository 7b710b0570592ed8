//! Whether a live definition is what a reference says, and whether that holds for others of its group.
//!
//! The reference was built in a schema of a random name, so wherever that name stands the schema's own is meant: in
//! the live text the tenant's name stands there, occurrence by occurrence, in one of the forms SQL has for a name.

use std::collections::BTreeSet;

use crate::model::name::{SchemaName, SqlName as _, quote_literal};
use crate::model::shape::Definition;

/// What a schema's own name looks like in text, and the name that stands for it in a reference.
#[derive(Debug)]
pub(super) struct Own<'a> {
    built_in: &'a str,
    forms: BTreeSet<String>,
}

/// How a live definition compares to the reference's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Accepted {
    pub(super) is_equal: bool,
    /// Whether the same holds for a schema of another name that is alike up to its name.
    pub(super) carries_over: bool,
}

impl<'a> Own<'a> {
    pub(super) fn new(built_in: &'a SchemaName, schema: &SchemaName) -> Self {
        let bare = schema.as_str().to_owned();
        let quoted = schema.quoted();
        let inside_quotes = quoted[1..quoted.len() - 1].to_owned();
        let names = [bare, quoted, inside_quotes];
        let in_strings = names.iter().map(|name| inside_string(name));
        Self {
            built_in: built_in.as_str(),
            forms: in_strings.chain(names.iter().cloned()).collect(),
        }
    }

    /// Whether `live` is the reference's text with the own name in every place of the other.
    pub(super) fn fits(&self, reference: &str, live: &str) -> bool {
        let mut pieces = reference.split(self.built_in);
        let first = pieces.next().unwrap_or_default();
        if !live.starts_with(first) {
            return false;
        }
        let mut ends: BTreeSet<usize> = [first.len()].into();
        for piece in pieces {
            let reached = |end: &usize| self.after_name(live, *end, piece);
            ends = ends.iter().flat_map(reached).collect();
        }
        ends.contains(&live.len())
    }

    /// The places behind the own name and a piece of text that may follow a place.
    fn after_name(&self, live: &str, at: usize, piece: &str) -> Vec<usize> {
        let rest = |form: &String| live[at..].strip_prefix(form.as_str())?.strip_prefix(piece);
        let ends = self.forms.iter().filter_map(rest);
        ends.map(|rest| live.len() - rest.len()).collect()
    }

    /// Whether the own name stands in a text as a word of its own.
    pub(super) fn stands_in(&self, text: &str) -> bool {
        self.forms.iter().any(|form| has_word(text, form))
    }

    /// What an object of the reference that is called after its schema may be called in the live one; nothing for a
    /// name that is the same everywhere.
    pub(super) fn live_names(&self, reference: &str) -> Vec<String> {
        if !reference.contains(self.built_in) {
            return Vec::new();
        }
        let named = |form: &String| reference.replace(self.built_in, form);
        self.forms.iter().map(named).collect()
    }
}

/// Compares a definition with the accepted forms of the reference's.
pub(super) fn accept(live: &Definition, forms: &[&Definition], own: &Own<'_>) -> Accepted {
    let text = forms.iter().any(|form| own.fits(&form.text, &live.text));
    let sources = forms.iter().map(|form| source(live, form, own));
    let (source, by_neutral) = sources.fold((false, false), |(a, b), (c, d)| (a || c, b || d));
    Accepted {
        is_equal: text && source,
        carries_over: (by_neutral || !source) && !names_itself(live, own),
    }
}

/// Whether the sources agree, and whether they do whatever the schema is called.
fn source(live: &Definition, form: &Definition, own: &Own<'_>) -> (bool, bool) {
    match (&live.source, &form.source) {
        (None, None) => (true, true),
        (Some(live), Some(form)) => {
            let by_neutral = live.neutral == form.neutral;
            (by_neutral || own.fits(&form.raw, &live.raw), by_neutral)
        }
        _ => (false, false),
    }
}

/// Schemas of a group are alike up to their names as whole words. Where a word of the definition is the name by
/// chance or by intent, another member may say its own there.
pub(super) fn names_itself(live: &Definition, own: &Own<'_>) -> bool {
    let neutral = live.source.as_ref().map(|source| source.neutral.as_str());
    own.stands_in(&live.text) || neutral.is_some_and(|text| own.stands_in(text))
}

/// The text as it stands between the quotes of a string constant.
fn inside_string(text: &str) -> String {
    let constant = quote_literal(text);
    let inner = constant.split_once('\'').map_or("", |(_, inner)| inner);
    inner.strip_suffix('\'').unwrap_or(inner).to_owned()
}

fn has_word(text: &str, word: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let joins = |inner: Option<char>, outer: Option<char>| {
        inner.is_some_and(is_part) && outer.is_some_and(is_part)
    };
    text.match_indices(word).any(|(start, found)| {
        let (before, after) = (&text[..start], &text[start + found.len()..]);
        !joins(word.chars().next(), before.chars().next_back())
            && !joins(word.chars().next_back(), after.chars().next())
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::shape::{OWN, Source};

    const BUILT_IN: &str = "tenantry_ref_00112233aabbccdd";

    fn schema(name: &str) -> SchemaName {
        SchemaName::new(name).unwrap()
    }

    fn defined(text: &str, source: Option<(&str, &str)>) -> Definition {
        Definition {
            text: text.to_owned(),
            source: source.map(|(raw, neutral)| Source {
                raw: raw.to_owned(),
                neutral: neutral.replace('@', &OWN.to_string()),
            }),
        }
    }

    fn accepted(name: &str, live: &Definition, forms: &[&Definition]) -> Accepted {
        let (built_in, name) = (schema(BUILT_IN), schema(name));
        accept(live, forms, &Own::new(&built_in, &name))
    }

    const EQUAL: Accepted = Accepted {
        is_equal: true,
        carries_over: true,
    };

    #[test]
    fn text_is_equal_to_the_first_form_or_to_that_after_a_dump() {
        let first = defined("CHECK (a IN ('x'))", None);
        let dumped = defined("CHECK (a = ANY (ARRAY['x']))", None);
        let forms = [&first, &dumped];
        for live in forms {
            assert_eq!(accepted("acme", live, &forms), EQUAL);
        }
        let other = accepted("acme", &defined("CHECK (a IN ('y'))", None), &forms);
        assert!(!other.is_equal && other.carries_over);
    }

    #[test]
    fn the_own_name_may_stand_in_every_form_of_sql() {
        let raw = format!("SELECT {BUILT_IN}.f(), \"{BUILT_IN}\".g()");
        let reference = defined("f", Some((&raw, "SELECT @.f(), @.g()")));
        for (name, live) in [
            ("acme", "SELECT acme.f(), \"acme\".g()"),
            ("acme", "SELECT \"acme\".f(), \"acme\".g()"),
            ("A b", "SELECT \"A b\".f(), \"A b\".g()"),
            ("a\"b", "SELECT \"a\"\"b\".f(), \"a\"\"b\".g()"),
        ] {
            let live = defined("f", Some((live, "SELECT @.f(), @.g()")));
            assert_eq!(accepted(name, &live, &[&reference]), EQUAL, "{name}");
        }
        let other = "SELECT globex.f(), \"acme\".g()";
        let live = defined("f", Some((other, "SELECT globex.f(), @.g()")));
        assert!(!accepted("acme", &live, &[&reference]).is_equal);
    }

    /// The same identifier, written without the quotes that the files have.
    #[test]
    fn a_name_may_be_written_otherwise_where_it_means_the_same() {
        let raw = format!("SELECT \"{BUILT_IN}\".f()");
        let reference = defined("f", Some((&raw, "SELECT @.f()")));
        let live = defined("f", Some(("SELECT Acme.f()", "SELECT @.f()")));
        assert_eq!(accepted("acme", &live, &[&reference]), EQUAL);
    }

    #[test]
    fn a_name_in_a_string_is_accepted_for_its_tenant_alone() {
        let raw = format!("PERFORM log('{BUILT_IN}')");
        let reference = defined("f", Some((&raw, &raw)));
        for (name, raw) in [
            ("acme", "PERFORM log('acme')"),
            ("o'neil", "PERFORM log('o''neil')"),
            ("a\\b", "PERFORM log('a\\\\b')"),
        ] {
            let found = accepted(name, &defined("f", Some((raw, raw))), &[&reference]);
            assert!(found.is_equal && !found.carries_over, "{name}");
        }
        let wrong = "PERFORM log('globex')";
        let wrong = defined("f", Some((wrong, wrong)));
        assert!(!accepted("acme", &wrong, &[&reference]).is_equal);
    }

    /// A tenant called `paid` is alike up to its name to one that compares with its own name.
    #[test]
    fn a_word_that_is_the_name_by_chance_carries_nothing_over() {
        let text = "CHECK (status = 'paid')";
        let found = accepted("paid", &defined(text, None), &[&defined(text, None)]);
        assert!(found.is_equal && !found.carries_over);
        let body = "SELECT 'paid'";
        let body = defined("f", Some((body, body)));
        let found = accepted("paid", &body, &[&body]);
        assert!(found.is_equal && !found.carries_over);
        let prepaid = defined("CHECK (status = 'prepaid')", None);
        assert_eq!(accepted("paid", &prepaid, &[&prepaid]), EQUAL);
    }

    #[test]
    fn a_source_that_is_gone_is_a_difference() {
        let with = defined("f", Some(("SELECT 1", "SELECT 1")));
        let without = defined("f", None);
        assert!(!accepted("acme", &without, &[&with]).is_equal);
        assert!(!accepted("acme", &with, &[&without]).is_equal);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_the_same_files_made_is_accepted(
            pieces in proptest::collection::vec("[a \"'.(]{0,6}", 1..5),
            name in "[a\"'\\\\ .é]{1,6}",
            quoted in any::<bool>(),
        ) {
            let (built_in, name) = (schema(BUILT_IN), schema(&name));
            let written = |own: &SchemaName| {
                let own = if quoted { own.quoted() } else { own.as_str().to_owned() };
                pieces.join(&own)
            };
            let (reference, live) = (written(&built_in), written(&name));
            let own = Own::new(&built_in, &name);
            prop_assert!(own.fits(&reference, &live));
            let longer = format!("{live}x");
            prop_assert!(!own.fits(&reference, &longer));
        }

        #[test]
        fn another_text_is_not_accepted(reference in "[a-c ]{0,6}", live in "[a-c ]{0,6}") {
            let (built_in, name) = (schema(BUILT_IN), schema("z"));
            let fits = Own::new(&built_in, &name).fits(&reference, &live);
            prop_assert_eq!(fits, reference == live);
        }
    }
}
