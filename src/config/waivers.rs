//! `waivers:`: differences of live tenants that somebody answers for.

use globset::Glob;
use jiff::civil::Date;

use super::document::WaiverEntry;
use super::judge::Judge;
use super::source::Place;
use crate::model::desired::Waiver;
use crate::model::words::plain_pattern;

/// The waivers of all files, one after the other.
pub(super) fn resolve(judge: &mut Judge<'_>) -> Vec<Waiver> {
    let mut waivers = Vec::new();
    for source in &judge.sources.list {
        let nodes = source.tree.get("waivers");
        let nodes = nodes.into_iter().flat_map(|entry| entry.node.items());
        let entries = source.document.waivers.iter().flatten();
        for (node, entry) in nodes.zip(entries) {
            let place = |key: &str| {
                let at = node.get(key).map_or(node.at, |entry| entry.node.at);
                Place::new(&source.file, at)
            };
            let flaws = flaws(entry);
            if flaws.is_empty() {
                waivers.extend(waiver(entry));
            }
            judge.problems.extend(
                flaws
                    .into_iter()
                    .map(|flaw| place(flaw.key).problem(flaw.message).with_hint(flaw.hint)),
            );
        }
    }
    waivers
}

/// What is wrong with the text behind a key.
struct Flaw {
    key: &'static str,
    message: String,
    hint: &'static str,
}

fn flaws(entry: &WaiverEntry) -> Vec<Flaw> {
    let patterns = [("tenants", &entry.tenants), ("object", &entry.object)];
    let patterns = patterns.into_iter().filter_map(|(key, text)| {
        let pattern = if key == "object" {
            plain_pattern(text)
        } else {
            text.clone()
        };
        let error = Glob::new(&pattern).err()?;
        Some(Flaw {
            key,
            message: format!("`{key}`: {text:?} is no pattern: {}", error.kind()),
            hint: "Write a name, with * and ? for what varies.",
        })
    });
    let words = [("reason", &entry.reason), ("owner", &entry.owner)];
    let words = words.into_iter().filter(|(_, text)| text.trim().is_empty());
    let words = words.map(|(key, _)| Flaw {
        key,
        message: format!("`{key}` says nothing"),
        hint: "Say why the difference may be, and who answers for it.",
    });
    let expires = entry.expires.as_deref().filter(|text| date(text).is_none());
    let expires = expires.map(|text| Flaw {
        key: "expires",
        message: format!("`expires`: {text:?} is no day"),
        hint: "Write it like `2026-12-31`.",
    });
    patterns.chain(words).chain(expires).collect()
}

fn waiver(entry: &WaiverEntry) -> Option<Waiver> {
    Some(Waiver {
        tenants: entry.tenants.clone(),
        object: entry.object.clone(),
        reason: entry.reason.clone(),
        owner: entry.owner.clone(),
        expires: match &entry.expires {
            Some(text) => Some(date(text)?),
            None => None,
        },
    })
}

/// A day as `YYYY-MM-DD` and in no other of the forms that a date may have.
fn date(text: &str) -> Option<Date> {
    let date: Date = text.parse().ok()?;
    (date.to_string() == text).then_some(date)
}
