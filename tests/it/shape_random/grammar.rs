//! Changes drawn from a grammar, on the objects that a schema really has.

use std::collections::BTreeMap;

use postgres::Client;

use crate::random::dice::Dice;

const GRAMMAR: &str = include_str!("grammar.sql");

/// What a slot of the grammar may be beside an object.
const WORDS: [(&str, &[&str]); 5] = [
    ("new", &["fresh", "fresh2", "other"]),
    ("word", &["alpha", "beta", "gamma"]),
    ("role", &["app_owner", "tenantry_deploy", "PUBLIC"]),
    ("owner", &["app_owner", "tenantry_deploy"]),
    (
        "type",
        &[
            "integer",
            "bigint",
            "text",
            "varchar(20)",
            "numeric(12,2)",
            "boolean",
            "timestamptz",
            "timestamp(3)",
            "date",
            "interval day to second(2)",
            "jsonb",
            "uuid",
            "text[]",
            "bit(4)",
            "inet",
            "tstzrange",
        ],
    ),
];

/// The parts of an object's name.
type Parts = BTreeMap<String, String>;

/// The objects of a schema by kind.
pub struct Inventory(BTreeMap<String, Vec<Parts>>);

impl Inventory {
    pub fn read(client: &mut Client, schema: &str) -> Self {
        let setting = format!("SET search_path = {schema}, pg_catalog");
        client.batch_execute(&setting).expect("a setting");
        let rows = client.query(include_str!("inventory.sql"), &[&schema]);
        let mut found: BTreeMap<String, Vec<Parts>> = BTreeMap::new();
        for row in rows.expect("a schema can be listed") {
            let parts = serde_json::from_str(row.get(1)).expect("an object of texts");
            found.entry(row.get(0)).or_default().push(parts);
        }
        Self(found)
    }
}

/// The lines of the grammar.
pub fn rules() -> Vec<&'static str> {
    let lines = GRAMMAR.lines().map(str::trim);
    lines
        .filter(|line| !line.is_empty() && !line.starts_with("--"))
        .collect()
}

/// A rule with everything left open in it chosen; none if the schema has no such object.
pub fn fill(rule: &str, inventory: &Inventory, dice: &mut Dice) -> Option<String> {
    let mut filling = Filling {
        inventory,
        dice,
        bound: BTreeMap::new(),
    };
    filling.text(rule)
}

struct Filling<'a> {
    inventory: &'a Inventory,
    dice: &'a mut Dice,
    /// What was chosen so far, by slot.
    bound: BTreeMap<String, Parts>,
}

impl Filling<'_> {
    fn text(&mut self, text: &str) -> Option<String> {
        let Some((before, rest)) = text.split_once("[[") else {
            return Some(text.to_owned());
        };
        let (slot, after) = close(rest);
        let slot = self.slot(slot)?;
        Some(format!("{before}{slot}{}", self.text(after)?))
    }

    fn slot(&mut self, slot: &str) -> Option<String> {
        let alternatives = alternatives(slot);
        if alternatives.len() > 1 {
            let chosen = self.dice.pick(&alternatives)?;
            return self.text(chosen);
        }
        let (kind, part) = slot.split_once('.').unwrap_or((slot, "name"));
        if !self.bound.contains_key(kind) {
            let chosen = self.choose(kind)?;
            self.bound.insert(kind.to_owned(), chosen);
        }
        let value = self.bound[kind].get(part);
        Some(
            value
                .unwrap_or_else(|| panic!("no {part} in {slot}"))
                .clone(),
        )
    }

    fn choose(&mut self, kind: &str) -> Option<Parts> {
        if let Some((_, words)) = WORDS.iter().find(|(known, _)| *known == kind) {
            let word = self.dice.pick(words)?;
            return Some(Parts::from([("name".to_owned(), word.to_owned())]));
        }
        self.dice.pick(self.inventory.0.get(kind)?)
    }
}

/// What stands before the brackets that close, and what after.
fn close(text: &str) -> (&str, &str) {
    let mut depth = 1;
    let mut at = 0;
    while depth > 0 {
        let rest = &text[at..];
        let closing = rest.find("]]").expect("what opens closes");
        let opening = rest.find("[[").unwrap_or(rest.len());
        depth = if opening < closing {
            depth + 1
        } else {
            depth - 1
        };
        at += opening.min(closing) + 2;
    }
    (&text[..at - 2], &text[at..])
}

/// The text cut at the bars that stand in no inner brackets.
fn alternatives(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut depth, mut start) = (0, 0);
    for at in 0..text.len() {
        match &text.as_bytes()[at..text.len().min(at + 2)] {
            b"[[" => depth += 1,
            b"]]" => depth -= 1,
            [b'|', ..] if depth == 0 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found
}
