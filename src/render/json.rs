//! The public JSON forms: pretty, in a fixed order, with a line end; events are a line each.

use serde::Serialize;

use crate::plan::Plan;
use crate::report::{Event, Report};

/// A plan as one document.
#[must_use]
pub fn plan(plan: &Plan) -> String {
    document(plan)
}

/// A report as one document.
#[must_use]
pub fn report(report: &Report) -> String {
    document(report)
}

/// A JSON Schema as one document.
#[must_use]
pub fn schema(schema: &serde_json::Value) -> String {
    document(schema)
}

/// An event as one line.
#[must_use]
pub fn event(event: &Event<'_>) -> String {
    let mut line = serde_json::to_string(event).expect("an event holds only text and numbers");
    line.push('\n');
    line
}

fn document(value: &impl Serialize) -> String {
    let mut text =
        serde_json::to_string_pretty(value).expect("a document holds only text and numbers");
    text.push('\n');
    text
}
