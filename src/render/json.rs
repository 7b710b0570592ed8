//! The public JSON forms: pretty, in a fixed order, with a line end; events are a line each.

use serde::Serialize;

use crate::plan::{FORMAT_VERSION, Plan};
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

/// An event as one line, which says by itself what form it has.
#[must_use]
pub fn event(event: &Event<'_>) -> String {
    let line = Line {
        format_version: FORMAT_VERSION,
        event,
    };
    let mut line = serde_json::to_string(&line).expect("an event holds only text and numbers");
    line.push('\n');
    line
}

#[derive(Serialize)]
struct Line<'a> {
    format_version: &'static str,
    #[serde(flatten)]
    event: &'a Event<'a>,
}

fn document(value: &impl Serialize) -> String {
    let mut text =
        serde_json::to_string_pretty(value).expect("a document holds only text and numbers");
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_says_its_form_first() {
        let started = Event::WaveStarted {
            wave: "canary",
            tenants: 2,
        };
        assert_eq!(
            event(&started),
            "{\"format_version\":\"1.0\",\"event\":\"wave_started\",\"wave\":\"canary\",\"tenants\":2}\n"
        );
    }
}
