//! What the server says of objects, into the shape's lines.

use crate::model::shape::{Definition, Kind, ObjectKey, Shape, Source, Undescribed};
use crate::sql::{neutral_code, neutral_settings};

/// Texts an object.
const WIDTH: usize = 10;

/// Stands in place of a kind that this program doesn't know.
const UNKNOWN: &str = "?";

/// The shape of the schema of this name, from a flat list of what the statement says of each object.
pub(super) fn shape(own: &str, mut texts: Vec<Option<String>>) -> Shape {
    let mut shape = Shape::default();
    for texts in texts.chunks_exact_mut(WIDTH) {
        let mut texts = texts.iter_mut().map(Option::take);
        let mut next = || texts.next().flatten();
        let thing = Thing {
            kind: next(),
            name: next().unwrap_or_default(),
            text: next(),
            settings: next(),
            body: next(),
            comment: next(),
            owner: next(),
            grants: next(),
            is_labelled: next().is_some(),
            is_published: next().is_some(),
        };
        thing.describe(own, &mut shape);
    }
    shape
}

/// An object, as the statement says it.
struct Thing {
    /// In words; the schema itself has none.
    kind: Option<String>,
    name: String,
    /// `None` where there is nothing to say of the object itself, but perhaps of its comment.
    text: Option<String>,
    settings: Option<String>,
    body: Option<String>,
    comment: Option<String>,
    owner: Option<String>,
    grants: Option<String>,
    is_labelled: bool,
    is_published: bool,
}

impl Thing {
    fn describe(mut self, own: &str, shape: &mut Shape) {
        let word = self.kind.as_deref();
        let kind = Kind::ALL
            .into_iter()
            .find(|kind| Some(kind.as_str()) == word);
        if word == Some(UNKNOWN) {
            shape.undescribed.insert(Undescribed::Unknown(self.name));
            return;
        }
        if kind == Some(Kind::DefaultPrivilege) {
            self.text = self.grants.take();
        }
        let source = self.source(own);
        let object = match word {
            None => self.name.clone(),
            Some(word) => format!("{word} {}", self.name),
        };
        let mut add = |kind, name: &str, text, source| {
            let name = name.to_owned();
            shape
                .objects
                .insert(ObjectKey { kind, name }, Definition { text, source });
        };
        if let (Some(kind), Some(text)) = (kind, self.text) {
            add(kind, &self.name, text, source);
        }
        if let Some(comment) = self.comment {
            add(
                Kind::Comment,
                &object,
                String::new(),
                Some(as_written(comment)),
            );
        }
        if let Some(owner) = self.owner {
            add(Kind::Owner, &object, owner, None);
        }
        if let Some(grants) = self.grants {
            add(Kind::Grant, &object, grants, None);
        }
        if self.is_labelled {
            shape
                .undescribed
                .insert(Undescribed::SecurityLabel(object.clone()));
        }
        if self.is_published {
            shape.undescribed.insert(Undescribed::Publication(object));
        }
    }

    /// Settings and body, a setting a line.
    fn source(&self, own: &str) -> Option<Source> {
        let both = |settings: Option<String>, body: Option<String>| {
            let parts: Vec<String> = settings.into_iter().chain(body).collect();
            (!parts.is_empty()).then(|| parts.join("\n"))
        };
        let (settings, body) = (self.settings.as_deref(), self.body.as_deref());
        Some(Source {
            raw: both(settings.map(str::to_owned), body.map(str::to_owned))?,
            neutral: both(
                settings.map(|text| neutral_settings(text, own)),
                body.map(|text| neutral_code(text, own)),
            )?,
        })
    }
}

/// A comment speaks to people; a name in it is a word like any other.
fn as_written(comment: String) -> Source {
    Source {
        neutral: comment.clone(),
        raw: comment,
    }
}
