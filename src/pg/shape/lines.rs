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
        let texts = texts.iter_mut().map(Option::take);
        Thing::new(texts).describe(own, &mut shape);
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
    fn new(mut texts: impl Iterator<Item = Option<String>>) -> Self {
        let mut next = || texts.next().flatten();
        let mut thing = Self {
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
        // Grants are all that default privileges are.
        if thing.kind() == Some(Kind::DefaultPrivilege) {
            thing.text = thing.grants.take();
        }
        thing
    }

    fn kind(&self) -> Option<Kind> {
        let word = self.kind.as_deref();
        let mut kinds = Kind::ALL.into_iter();
        kinds.find(|kind| Some(kind.as_str()) == word)
    }

    fn describe(self, own: &str, shape: &mut Shape) {
        shape.undescribed.extend(self.undescribed());
        shape.objects.extend(self.itself(own));
        shape.objects.extend(self.about());
    }

    /// The object for whoever speaks about it: `table orders`.
    fn object(&self) -> String {
        let words = self.kind.as_deref().into_iter().chain([&*self.name]);
        words.collect::<Vec<_>>().join(" ")
    }

    fn undescribed(&self) -> Vec<Undescribed> {
        let is_unknown = self.kind.as_deref() == Some(UNKNOWN);
        let unknown = is_unknown.then(|| Undescribed::Unknown(self.name.clone()));
        let label = self
            .is_labelled
            .then(|| Undescribed::SecurityLabel(self.object()));
        let publication = self
            .is_published
            .then(|| Undescribed::Publication(self.object()));
        unknown
            .into_iter()
            .chain(label)
            .chain(publication)
            .collect()
    }

    fn itself(&self, own: &str) -> Option<(ObjectKey, Definition)> {
        let definition = Definition {
            text: self.text.clone()?,
            source: self.source(own),
        };
        let name = self.name.clone();
        Some((
            ObjectKey {
                kind: self.kind()?,
                name,
            },
            definition,
        ))
    }

    /// What is said of the object that isn't part of it.
    fn about(self) -> Vec<(ObjectKey, Definition)> {
        let name = self.object();
        let comment = self.comment.map(|text| Definition {
            text: String::new(),
            source: Some(as_written(text)),
        });
        let words = |text| Definition { text, source: None };
        let about = [
            (Kind::Comment, comment),
            (Kind::Owner, self.owner.map(words)),
            (Kind::Grant, self.grants.map(words)),
        ];
        let keyed = |(kind, definition): (Kind, Option<Definition>)| {
            let name = name.clone();
            definition.map(|definition| (ObjectKey { kind, name }, definition))
        };
        about.into_iter().filter_map(keyed).collect()
    }

    /// Settings and body, a setting a line.
    fn source(&self, own: &str) -> Option<Source> {
        let (settings, body) = (self.settings.as_deref(), self.body.as_deref());
        Some(Source {
            raw: joined(settings.map(str::to_owned), body.map(str::to_owned))?,
            neutral: joined(
                settings.map(|text| neutral_settings(text, own)),
                body.map(|text| neutral_code(text, own)),
            )?,
        })
    }
}

fn joined(settings: Option<String>, body: Option<String>) -> Option<String> {
    let parts: Vec<String> = settings.into_iter().chain(body).collect();
    (!parts.is_empty()).then(|| parts.join("\n"))
}

/// A comment speaks to people; a name in it is a word like any other.
fn as_written(comment: String) -> Source {
    Source {
        neutral: comment.clone(),
        raw: comment,
    }
}
