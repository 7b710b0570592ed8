//! What belongs to what: an object that is missing or extra isn't told a second time with each of its parts.

use std::collections::BTreeSet;

use crate::model::name::quote_ident;
use crate::model::shape::{Definition, Kind, ObjectKey};

/// Kinds whose parts are called after them, as in `orders.status`.
const WITH_PARTS: [Kind; 5] = [
    Kind::Table,
    Kind::View,
    Kind::MaterializedView,
    Kind::ForeignTable,
    Kind::Composite,
];

/// Objects of one side that the other doesn't have, by the names that their parts have in them.
pub(super) struct Lost<'a> {
    relations: BTreeSet<&'a str>,
    /// `table orders`: as comments and grants name what they are on.
    objects: BTreeSet<String>,
}

impl<'a> Lost<'a> {
    pub(super) fn new(keys: impl Iterator<Item = &'a ObjectKey> + Clone) -> Self {
        let relations = keys.clone().filter(|key| WITH_PARTS.contains(&key.kind));
        Self {
            relations: relations.map(|key| key.name.as_str()).collect(),
            objects: keys.map(said).collect(),
        }
    }

    /// Whether a lost object goes with another one that is lost.
    pub(super) fn takes(&self, key: &ObjectKey, definition: &Definition) -> bool {
        match key.kind {
            Kind::Comment | Kind::Owner | Kind::Grant => self.takes_word_on(&key.name),
            Kind::Index | Kind::Sequence | Kind::Statistics => {
                let mut relations = self.relations.iter();
                relations.any(|name| is_of(&definition.text, name))
            }
            Kind::Column | Kind::Constraint | Kind::Trigger | Kind::Rule | Kind::Policy => {
                self.is_part_of_lost(&key.name)
            }
            _ => false,
        }
    }

    /// Of `column orders.status`: the column is lost, or the table is.
    fn takes_word_on(&self, name: &str) -> bool {
        let names = name.match_indices(' ').map(|(blank, _)| &name[blank + 1..]);
        self.objects.contains(name) || names.into_iter().any(|name| self.is_part_of_lost(name))
    }

    fn is_part_of_lost(&self, name: &str) -> bool {
        let mut dots = name.match_indices('.');
        dots.any(|(dot, _)| self.relations.contains(&name[..dot]))
    }
}

/// An object as a comment on it names it.
pub(super) fn said(key: &ObjectKey) -> String {
    format!("{} {}", key.kind.as_str(), key.name)
}

/// Whether a definition says that it is on a relation, or owned by it.
fn is_of(text: &str, relation: &str) -> bool {
    let text = text.to_lowercase();
    let names = [relation.to_owned(), quote_ident(relation)].map(|name| name.to_lowercase());
    let words = ["on ", "on only ", "from ", "owned by "];
    let mut phrases = names
        .iter()
        .flat_map(|name| words.map(|word| word.to_owned() + name));
    phrases.any(|phrase| has_words(&text, &phrase))
}

fn has_words(text: &str, phrase: &str) -> bool {
    let is_edge = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric() && c != '_');
    text.match_indices(phrase).any(|(start, found)| {
        is_edge(text[..start].chars().next_back())
            && is_edge(text[start + found.len()..].chars().next())
    })
}
