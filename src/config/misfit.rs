//! What to say about a value that doesn't fit its schema.

use serde_json::Value as Schema;

use super::tree::{Flaw, Mark, Node, Value};
use crate::model::near::{did_you_mean, list, quoted};

/// A value of another kind than its schemas take.
pub(super) fn wrong_kind(node: &Node, name: &str, at: Mark, choices: &[&Schema]) -> Flaw {
    let types: Vec<&str> = choices.iter().filter_map(|c| c["type"].as_str()).collect();
    let kinds: Vec<&str> = types
        .iter()
        .map(|kind| match *kind {
            "boolean" => "true or false",
            "integer" => "a whole number",
            "array" => "a list",
            "object" => "a map",
            _ => "text",
        })
        .collect();
    let message = format!(
        "{name}: expected {}, found {}",
        kinds.join(" or "),
        node.kind()
    );
    let flaw = Flaw::new(at, message);
    if let (Some(example), Value::Number(_)) = (choices[0]["examples"][0].as_str(), &node.value) {
        return flaw.hint(format!("Write it like `{example}`."));
    }
    match (types[0], &node.value) {
        ("string", Value::Flag(_) | Value::Number(_) | Value::Fraction) => {
            flaw.hint("Put it in quotes.")
        }
        ("integer", Value::Text(text)) if text.parse::<i64>().is_ok() => {
            flaw.hint("Write it without quotes.")
        }
        ("array", Value::Text(_)) => flaw.hint("Put it in brackets: `[…]`."),
        ("object", Value::List(_) | Value::Text(_)) => flaw.hint("Write it as `key: value`."),
        ("object", Value::Nothing) => flaw.hint("Write `{}` if it is meant to be empty."),
        (_, Value::Nothing) => flaw.hint("Give it a value, or remove the key."),
        _ => flaw,
    }
}

/// A number that its schema's limits leave out, if it is one.
pub(super) fn out_of_range(number: i64, name: &str, at: Mark, schema: &Schema) -> Option<Flaw> {
    let (low, high) = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
    let fits = low.is_none_or(|low| low <= number) && high.is_none_or(|high| number <= high);
    if fits {
        return None;
    }
    let range = match (low, high) {
        (Some(low), Some(high)) if low == high => low.to_string(),
        (Some(low), Some(high)) => format!("from {low} to {high}"),
        (Some(low), None) => format!("{low} or more"),
        (_, high) => format!("{} or less", high.unwrap_or_default()),
    };
    Some(Flaw::new(
        at,
        format!("{name} is {number}; it must be {range}"),
    ))
}

/// A text that is none of its schema's words, if it has any.
pub(super) fn unknown_word(node: &Node, name: &str, at: Mark, schema: &Schema) -> Option<Flaw> {
    let words: Vec<&str> = schema["enum"]
        .as_array()?
        .iter()
        .filter_map(Schema::as_str)
        .collect();
    let text = node.text()?;
    if words.contains(&text) {
        return None;
    }
    let message = format!(
        "{name}: unknown word `{text}`; it is one of {}",
        list(&words)
    );
    let flaw = Flaw::new(at, message);
    Some(match did_you_mean(text, &words) {
        Some(hint) => flaw.hint(hint),
        None => flaw,
    })
}

/// A key that its map doesn't have.
pub(super) fn unknown_field(key: &str, at: Mark, schema: &Schema) -> Flaw {
    let known: Vec<&str> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .filter(|(_, schema)| schema.get("not").is_none())
        .map(|(key, _)| key.as_str())
        .collect();
    let hint =
        did_you_mean(key, &known).unwrap_or_else(|| format!("Use one of {}.", quoted(&known)));
    Flaw::new(at, format!("unknown field `{key}`")).hint(hint)
}

/// Whether one key may be a slip of the other.
pub(super) fn is_near(key: &str, other: &str) -> bool {
    did_you_mean(key, &[other]).is_some()
}
