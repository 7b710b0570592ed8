//! Checks a document against a JSON Schema, as far as the program's schemas go; a key they don't know is an error.

use std::collections::BTreeSet;

use serde_json::Value;

/// What is wrong with the document, each with its path; empty when nothing is.
pub fn problems(schema: &Value, document: &Value) -> Vec<String> {
    let checker = Checker { root: schema };
    checker.problems(schema, document, "$")
}

struct Checker<'a> {
    root: &'a Value,
}

impl<'a> Checker<'a> {
    fn problems(&self, schema: &'a Value, value: &Value, path: &str) -> Vec<String> {
        let (known, mut problems) = self.shallow(schema, value, path);
        if let (Value::Object(fields), false) = (value, known.is_empty()) {
            for field in fields.keys().filter(|field| !known.contains(*field)) {
                problems.push(format!("{path}.{field} isn't in the schema"));
            }
        }
        problems
    }

    /// The fields a schema knows of an object, and what else is wrong with the value.
    fn shallow(
        &self,
        schema: &'a Value,
        value: &Value,
        path: &str,
    ) -> (BTreeSet<String>, Vec<String>) {
        let mut known = BTreeSet::new();
        let mut problems = Vec::new();
        if let Some(reference) = schema["$ref"].as_str() {
            let target = self.root.pointer(reference.trim_start_matches('#'));
            let target = target.unwrap_or_else(|| panic!("{reference} leads nowhere"));
            let (fields, wrong) = self.shallow(target, value, path);
            known.extend(fields);
            problems.extend(wrong);
        }
        if !is_of_type(&schema["type"], value) {
            problems.push(format!("{path} is {value}, not {}", schema["type"]));
        }
        if let Some(constant) = schema.get("const")
            && constant != value
        {
            problems.push(format!("{path} is {value}, not {constant}"));
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            problems.push(format!("{path} is {value}, none of {words:?}"));
        }
        for required in schema["required"].as_array().into_iter().flatten() {
            if value.get(required.as_str().expect("text")).is_none() {
                problems.push(format!("{path} has no {required}"));
            }
        }
        for (field, of_field) in schema["properties"].as_object().into_iter().flatten() {
            known.insert(field.clone());
            if let Some(inner) = value.get(field) {
                problems.extend(self.problems(of_field, inner, &format!("{path}.{field}")));
            }
        }
        if let (Some(items), Some(values)) = (schema.get("items"), value.as_array()) {
            for (index, inner) in values.iter().enumerate() {
                problems.extend(self.problems(items, inner, &format!("{path}[{index}]")));
            }
        }
        for word in ["oneOf", "anyOf"] {
            if let Some(branches) = schema[word].as_array() {
                let fits = branches
                    .iter()
                    .map(|branch| self.shallow(branch, value, path))
                    .find(|(_, wrong)| wrong.is_empty());
                match fits {
                    Some((fields, _)) => known.extend(fields),
                    None => problems.push(format!("{path} fits no branch: {value}")),
                }
            }
        }
        (known, problems)
    }
}

fn is_of_type(types: &Value, value: &Value) -> bool {
    let one = |name: &str| match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("no type {other}"),
    };
    match types {
        Value::String(name) => one(name),
        Value::Array(names) => names.iter().any(|name| one(name.as_str().expect("text"))),
        _ => true,
    }
}
