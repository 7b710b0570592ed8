//! The JSON Schema of the desired state, from `document`'s types.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::json;

use super::document::Document;

/// The JSON Schema of the desired state.
#[must_use]
pub fn json_schema() -> serde_json::Value {
    SchemaSettings::draft2020_12()
        .with_transform(RecursiveTransform(forbid_null))
        .into_generator()
        .into_root_schema_for::<Document>()
        .to_value()
}

/// An optional key may be left out; a key with nothing behind it is a slip.
fn forbid_null(schema: &mut Schema) {
    let null = json!("null");
    if let Some(serde_json::Value::Array(types)) = schema.get_mut("type") {
        types.retain(|kind| *kind != null);
        if let [one] = types.as_slice() {
            let one = one.clone();
            schema.insert("type".to_owned(), one);
        }
    }
    if let Some(serde_json::Value::Array(words)) = schema.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
    let Some(serde_json::Value::Array(choices)) = schema.get_mut("anyOf") else {
        return;
    };
    choices.retain(|choice| choice.get("type") != Some(&null));
    if let [serde_json::Value::Object(one)] = choices.as_slice() {
        let one = one.clone();
        schema.remove("anyOf");
        for (keyword, value) in one {
            if schema.get(&keyword).is_none() {
                schema.insert(keyword, value);
            }
        }
    }
}
