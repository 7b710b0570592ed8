//! A YAML document as a tree that knows where each of its values stands. `parse` makes it, `shape` checks it.

use saphyr_parser::Marker;

/// A place in a file; both numbers are 1-based, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mark {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Mark {
    pub(super) const START: Self = Self { line: 1, column: 1 };
}

impl From<&Marker> for Mark {
    fn from(marker: &Marker) -> Self {
        let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
        Self {
            line: number(marker.line().max(1)),
            column: number(marker.col() + 1),
        }
    }
}

/// One thing that is wrong in a file.
#[derive(Clone, Debug)]
pub(super) struct Flaw {
    pub(super) at: Mark,
    pub(super) message: String,
    pub(super) hint: Option<String>,
}

impl Flaw {
    pub(super) fn new(at: Mark, message: impl Into<String>) -> Self {
        Self {
            at,
            message: message.into(),
            hint: None,
        }
    }

    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

/// What became of a value when its structure was checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Kept,
    /// A problem was reported, so nobody types or judges it any further.
    Broken,
    /// It holds a secret, so it goes no further.
    Secret,
}

/// A value and its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) at: Mark,
    pub(super) fate: Fate,
    pub(super) value: Value,
}

/// A value, its scalars told apart as YAML 1.2's core schema does.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Nothing,
    Flag(bool),
    Number(i64),
    /// A number that isn't an `i64`; no key takes one.
    Fraction,
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map with its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_at: Mark,
    pub(super) node: Node,
}

impl Node {
    pub(super) fn new(at: Mark, value: Value) -> Self {
        Self {
            at,
            fate: Fate::Kept,
            value,
        }
    }

    /// The value of a key, where this is a map that has it.
    pub(super) fn get(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The entry at the end of a path of keys.
    pub(super) fn find(&self, path: &[&str]) -> Option<&Entry> {
        let (first, rest) = path.split_first()?;
        let entry = self.get(first)?;
        if rest.is_empty() {
            Some(entry)
        } else {
            entry.node.find(rest)
        }
    }

    /// The entries of a map; anything else has none.
    pub(super) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list that passed the structure check; anything else has none.
    pub(super) fn items(&self) -> impl Iterator<Item = &Self> {
        let items: &[Self] = match &self.value {
            Value::List(items) => items,
            _ => &[],
        };
        items.iter().filter(|item| item.fate == Fate::Kept)
    }

    /// The text of a text.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// Whether nothing in it was found broken.
    pub(super) fn is_whole(&self) -> bool {
        let within = match &self.value {
            Value::List(items) => items.iter().all(Self::is_whole),
            Value::Map(entries) => entries.iter().all(|entry| entry.node.is_whole()),
            _ => true,
        };
        self.fate != Fate::Broken && within
    }

    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self.value {
            Value::Nothing => "nothing",
            Value::Flag(_) => "true or false",
            Value::Number(_) | Value::Fraction => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// How many values it holds, itself included.
    pub(super) fn size(&self) -> usize {
        1 + match &self.value {
            Value::List(items) => items.iter().map(Self::size).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.node.size()).sum(),
            _ => 0,
        }
    }
}

impl Entry {
    /// Where people look for it: a scalar at its value, anything else at its key.
    pub(super) fn place(&self) -> Mark {
        match self.node.value {
            Value::Nothing | Value::List(_) | Value::Map(_) => self.key_at,
            _ => self.node.at,
        }
    }
}
