//! The structure check: a tree against the JSON Schema of the desired state, and `${…}` filled in on the way.
//!
//! What fails is marked broken and left out of the typed document, so that the rest can still be judged. Only the
//! keywords that `document`'s types lead to are known here.

use std::collections::BTreeSet;

use serde_json::Value as Schema;

use super::misfit::{is_near, out_of_range, unknown_field, unknown_word, wrong_kind};
use super::tree::{Entry, Fate, Flaw, Mark, Node, Value};
use crate::model::env::Env;
use crate::model::env::{expand, variables};

/// Checks a document, marks what is broken and fills its variables in.
pub(super) fn check(
    root: &mut Node,
    schema: &Schema,
    env: Env<'_>,
    secrets: &BTreeSet<String>,
) -> Vec<Flaw> {
    let mut check = Check {
        definitions: &schema["$defs"],
        env,
        secrets,
        flaws: Vec::new(),
    };
    if matches!(root.value, Value::Nothing) {
        root.fate = Fate::Broken;
        return vec![
            Flaw::new(Mark::START, "the file is empty")
                .hint("A desired state begins with `version: 1`, `fleet:` and `tenants:`."),
        ];
    }
    let is_map = matches!(root.value, Value::Map(_));
    check.value(root, "the file", Mark::START, schema);
    // Without its `version` a file can still be judged.
    root.fate = if is_map { Fate::Kept } else { Fate::Broken };
    check.flaws
}

struct Check<'a> {
    definitions: &'a Schema,
    env: Env<'a>,
    secrets: &'a BTreeSet<String>,
    flaws: Vec<Flaw>,
}

impl<'a> Check<'a> {
    fn entry(&mut self, entry: &mut Entry, schema: &'a Schema) {
        let at = entry.place();
        let name = format!("`{}`", entry.key);
        if schema.get("not").is_some() {
            let flaw = Flaw::new(entry.key_at, format!("{name} isn't supported yet"));
            self.refuse(&mut entry.node, flaw.hint("Remove it."));
        } else {
            self.value(&mut entry.node, &name, at, schema);
        }
    }

    fn value(&mut self, node: &mut Node, name: &str, at: Mark, schema: &'a Schema) {
        let choices = self.choices(schema);
        let Some(fitting) = choices.iter().find(|choice| fits(node, choice)) else {
            return self.refuse(node, wrong_kind(node, name, at, &choices));
        };
        match &node.value {
            Value::Text(_) => self.text(node, name, at, schema, fitting),
            Value::Number(number) => {
                if let Some(flaw) = out_of_range(*number, name, at, fitting) {
                    self.refuse(node, flaw);
                }
            }
            Value::List(_) => self.list(node, name, fitting),
            Value::Map(_) => self.map(node, name, at, fitting),
            _ => {}
        }
    }

    /// The schemas one of which a value must fit, references followed.
    fn choices(&self, schema: &'a Schema) -> Vec<&'a Schema> {
        match schema.get("anyOf").and_then(Schema::as_array) {
            Some(choices) => choices.iter().map(|choice| self.target(choice)).collect(),
            None => vec![self.target(schema)],
        }
    }

    fn target(&self, schema: &'a Schema) -> &'a Schema {
        let name = schema["$ref"]
            .as_str()
            .and_then(|reference| reference.strip_prefix("#/$defs/"));
        name.map_or(schema, |name| &self.definitions[name])
    }

    fn text(
        &mut self,
        node: &mut Node,
        name: &str,
        at: Mark,
        schema: &'a Schema,
        fitting: &'a Schema,
    ) {
        let Value::Text(text) = &node.value else {
            return;
        };
        let late = schema.get("x-expanded").is_some();
        if text.contains("${") {
            let anything = |_: &str| Some(String::new());
            let expanded = expand(text, if late { &anything } else { self.env });
            let secret = variables(text)
                .into_iter()
                .find(|variable| self.secrets.contains(*variable))
                .map(str::to_owned);
            match (expanded, secret) {
                (Err(reason), _) => {
                    let mut flaw = Flaw::new(at, format!("{name}: {reason}"));
                    // A malformed reference names no variable, and its reason says how to write it.
                    if !variables(text).is_empty() {
                        flaw = flaw.hint("Set the variable, or write ${NAME:-default}.");
                    }
                    return self.refuse(node, flaw);
                }
                _ if late => return,
                (Ok(_), Some(_)) if schema.get("x-secret").is_some() => {
                    node.fate = Fate::Secret;
                    return;
                }
                (Ok(_), Some(secret)) => {
                    let flaw = Flaw::new(at, format!("{name} would show the secret {secret}"));
                    return self.refuse(node, flaw.hint("Use a variable that isn't a secret."));
                }
                (Ok(expanded), None) => node.value = Value::Text(expanded),
            }
        }
        if let Some(flaw) = unknown_word(node, name, at, fitting) {
            self.refuse(node, flaw);
        }
    }

    fn list(&mut self, node: &mut Node, name: &str, schema: &'a Schema) {
        let Value::List(items) = &mut node.value else {
            return;
        };
        let name = format!("an item of {name}");
        for item in items {
            let at = item.at;
            self.value(item, &name, at, &schema["items"]);
        }
    }

    fn map(&mut self, node: &mut Node, name: &str, at: Mark, schema: &'a Schema) {
        let Value::Map(entries) = &mut node.value else {
            return;
        };
        let mut unknown = Vec::new();
        let others = &schema["additionalProperties"];
        for entry in entries.iter_mut() {
            if let Some(schema) = schema["properties"].get(&entry.key) {
                self.entry(entry, schema);
            } else if others.is_object() {
                self.entry(entry, others);
            } else {
                entry.node.fate = Fate::Broken;
                unknown.push((entry.key.clone(), entry.key_at));
            }
        }
        let missing = missing(entries, schema);
        for (key, at) in &unknown {
            self.flaws.push(unknown_field(key, *at, schema));
        }
        for key in &missing {
            // A misspelled key was reported; that it is missing says nothing more.
            if !unknown.iter().any(|(other, _)| is_near(other, key)) {
                let flaw = Flaw::new(at, format!("{name} has no `{key}`"));
                self.flaws.push(flaw.hint(format!("Add `{key}:`.")));
            }
        }
        let lacks = |key: &&str| entries.iter().any(|e| e.key == **key && broken(&e.node));
        if !missing.is_empty() || required(schema).any(|key| lacks(&key)) {
            node.fate = Fate::Broken;
        }
    }

    fn refuse(&mut self, node: &mut Node, flaw: Flaw) {
        node.fate = Fate::Broken;
        self.flaws.push(flaw);
    }
}

fn broken(node: &Node) -> bool {
    node.fate == Fate::Broken
}

fn required(schema: &Schema) -> impl Iterator<Item = &str> {
    let keys = schema.get("required").and_then(Schema::as_array);
    keys.into_iter().flatten().filter_map(Schema::as_str)
}

fn missing<'a>(entries: &[Entry], schema: &'a Schema) -> Vec<&'a str> {
    required(schema)
        .filter(|key| !entries.iter().any(|entry| entry.key == **key))
        .collect()
}

fn fits(node: &Node, schema: &Schema) -> bool {
    matches!(
        (&node.value, schema["type"].as_str()),
        (Value::Flag(_), Some("boolean"))
            | (Value::Number(_), Some("integer"))
            | (Value::Text(_), Some("string"))
            | (Value::List(_), Some("array"))
            | (Value::Map(_), Some("object"))
    )
}
