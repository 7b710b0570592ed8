//! The public JSON forms: pretty, in a fixed order, with a line end; events are a line each.

use std::fmt::Write as _;

use serde::Serialize;

use super::style::is_harmful;
use crate::doctor::checkup::Checkup;
use crate::drift::report::DriftReport;
use crate::plan::{FORMAT_VERSION, Plan};
use crate::report::{Event, Report};
use crate::runs::Runs;
use crate::status::FleetStatus;

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

/// What a doctor found as one document.
#[must_use]
pub fn checkup(checkup: &Checkup) -> String {
    document(checkup)
}

/// A fleet's status as one document.
#[must_use]
pub fn status(status: &FleetStatus) -> String {
    document(status)
}

/// Runs as one document.
#[must_use]
pub fn runs(runs: &Runs) -> String {
    document(runs)
}

/// Drift as one document.
#[must_use]
pub fn drift(report: &DriftReport) -> String {
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
    escaped(&line)
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
    escaped(&text)
}

/// JSON lets DEL, the C1 controls and marks that reorder text stand as they are; on a terminal they would act.
/// Outside of strings there are none, so that each can be written as an escape.
fn escaped(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        if c != '\n' && is_harmful(c) {
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_of_strangers_moves_no_cursor_and_stays_what_it_was() {
        let text = "\u{1b}[2J \u{9b}31m \u{7f} \u{202e} é \n";
        let json = document(&text);
        assert!(!json.trim_end().contains(is_harmful), "{json}");
        assert_eq!(serde_json::from_str::<String>(&json).unwrap(), text);
    }

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
