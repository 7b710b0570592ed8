//! The shape of a schema: what its objects are, one definition an object, with the schema's own name left out.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::name::SchemaName;
use super::template::ContentHash;
use super::words::without;

/// The version of what a shape says and how; shapes and fingerprints of unlike versions are never compared.
pub const SHAPE_VERSION: i32 = 1;

/// What a schema holds. Two schemas are made alike when their shapes say the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    #[serde(with = "pairs")]
    pub objects: BTreeMap<ObjectKey, Definition>,
    /// What the shape can't describe; a schema that has any is only known in part.
    pub undescribed: BTreeSet<Undescribed>,
}

/// Definitions as a list of pairs, since the keys of a JSON object are texts.
pub(super) mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serializer};

    use super::{Definition, ObjectKey};

    pub fn serialize<S: Serializer>(
        definitions: &BTreeMap<ObjectKey, Definition>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(definitions)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<ObjectKey, Definition>, D::Error> {
        let pairs = Vec::<(ObjectKey, Definition)>::deserialize(deserializer)?;
        Ok(pairs.into_iter().collect())
    }
}

/// An aspect of an object, by which the same one is found in another schema.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct ObjectKey {
    pub kind: Kind,
    /// As people say it: `orders`, `orders.status`, `norm(text)`; for a comment, owner or grants with the kind of
    /// its object before it, as in `table orders`.
    pub name: String,
}

/// What the server says of an object, read with the schema itself first on the path: its own objects stand
/// unqualified in it, others qualified.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    pub text: String,
    /// Text that the server keeps as it was written and never deparses: a function's body and settings, a comment.
    pub source: Option<Source>,
}

/// Text kept as it was written, in which the schema's own name may stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    pub raw: String,
    /// With [`OWN`] where an identifier that qualifies something is the schema's own name.
    pub neutral: String,
}

/// Stands for the schema's own name.
pub const OWN: char = '\u{1}';

/// What an [`ObjectKey`] is about.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Table,
    Column,
    Constraint,
    Index,
    Sequence,
    View,
    MaterializedView,
    ForeignTable,
    Function,
    Procedure,
    Aggregate,
    Trigger,
    Rule,
    Policy,
    Enum,
    Composite,
    Domain,
    Range,
    BaseType,
    Collation,
    Statistics,
    Operator,
    OperatorClass,
    OperatorFamily,
    Cast,
    Conversion,
    TextSearch,
    Comment,
    Owner,
    Grant,
    DefaultPrivilege,
}

impl Kind {
    /// Every kind there is.
    pub const ALL: [Self; 31] = [
        Self::Table,
        Self::Column,
        Self::Constraint,
        Self::Index,
        Self::Sequence,
        Self::View,
        Self::MaterializedView,
        Self::ForeignTable,
        Self::Function,
        Self::Procedure,
        Self::Aggregate,
        Self::Trigger,
        Self::Rule,
        Self::Policy,
        Self::Enum,
        Self::Composite,
        Self::Domain,
        Self::Range,
        Self::BaseType,
        Self::Collation,
        Self::Statistics,
        Self::Operator,
        Self::OperatorClass,
        Self::OperatorFamily,
        Self::Cast,
        Self::Conversion,
        Self::TextSearch,
        Self::Comment,
        Self::Owner,
        Self::Grant,
        Self::DefaultPrivilege,
    ];

    /// The kind in words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Column => "column",
            Self::Constraint => "constraint",
            Self::Index => "index",
            Self::Sequence => "sequence",
            Self::View => "view",
            Self::MaterializedView => "materialized view",
            Self::ForeignTable => "foreign table",
            Self::Function => "function",
            Self::Procedure => "procedure",
            Self::Aggregate => "aggregate",
            Self::Trigger => "trigger",
            Self::Rule => "rule",
            Self::Policy => "policy",
            Self::Enum => "enum",
            Self::Composite => "composite type",
            Self::Domain => "domain",
            Self::Range => "range type",
            Self::BaseType => "base type",
            Self::Collation => "collation",
            Self::Statistics => "statistics",
            Self::Operator => "operator",
            Self::OperatorClass => "operator class",
            Self::OperatorFamily => "operator family",
            Self::Cast => "cast",
            Self::Conversion => "conversion",
            Self::TextSearch => "text search object",
            Self::Comment => "comment on",
            Self::Owner => "owner of",
            Self::Grant => "grants on",
            Self::DefaultPrivilege => "default privileges",
        }
    }
}

/// What a shape doesn't describe; a closed list.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(tag = "kind", content = "object", rename_all = "snake_case")]
pub enum Undescribed {
    /// An object that a security label stands on.
    SecurityLabel(String),
    /// A table that a publication names, or the schema itself.
    Publication(String),
    /// An object of a catalog that is newer than this program.
    Unknown(String),
}

impl Undescribed {
    /// What it is about, as people say it.
    #[must_use]
    pub fn object(&self) -> &str {
        match self {
            Self::SecurityLabel(object) | Self::Publication(object) | Self::Unknown(object) => {
                object
            }
        }
    }
}

impl Shape {
    /// The hash over everything the shape says, the schema's own name left out.
    #[must_use]
    pub fn fingerprint(&self) -> ContentHash {
        self.hash(str::to_owned)
    }

    /// The same for all schemas that are alike up to their own names: also where the name is a word of a text that
    /// isn't a reference to the schema, such as a comment.
    #[must_use]
    pub fn nameless_fingerprint(&self, own: &SchemaName) -> ContentHash {
        self.fingerprint_without(&[own.as_str()])
    }

    /// The hash with these words left out, one after the other.
    #[must_use]
    pub fn fingerprint_without(&self, words: &[&str]) -> ContentHash {
        self.hash(|text| {
            let mut text = text.to_owned();
            for word in words.iter().filter(|word| !word.is_empty()) {
                text = without(&text, word);
            }
            text
        })
    }

    fn hash(&self, said: impl Fn(&str) -> String) -> ContentHash {
        let mut text = format!("shape {SHAPE_VERSION}\n");
        for (key, definition) in &self.objects {
            let source = definition.source.as_ref().map(|source| &source.neutral);
            field(&mut text, key.kind.as_str());
            field(&mut text, &said(&key.name));
            field(&mut text, &said(&definition.text));
            field(&mut text, &said(source.map_or("", String::as_str)));
        }
        for undescribed in &self.undescribed {
            field(&mut text, &said(&format!("{undescribed:?}")));
        }
        ContentHash::of(&text)
    }
}

/// With its length before it, so that no two lists of fields are one text.
fn field(text: &mut String, value: &str) {
    text.push_str(&value.len().to_string());
    text.push(':');
    text.push_str(value);
    text.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comment(text: &str) -> Shape {
        let key = ObjectKey {
            kind: Kind::Comment,
            name: "table orders".to_owned(),
        };
        let definition = Definition {
            text: "comment".to_owned(),
            source: Some(Source {
                raw: text.to_owned(),
                neutral: text.to_owned(),
            }),
        };
        Shape {
            objects: [(key, definition)].into(),
            ..Shape::default()
        }
    }

    #[test]
    fn a_schemas_own_name_is_left_out_where_it_is_a_word() {
        let of = |text: &str, own: &str| {
            let own = SchemaName::new(own).unwrap();
            comment(text).nameless_fingerprint(&own)
        };
        assert_eq!(of("orders of t_a", "t_a"), of("orders of t_b", "t_b"));
        assert_ne!(of("orders of t_a", "t_a"), of("orders of t_a", "t_b"));
        assert_ne!(of("is paid", "paid"), of("is open", "paid"));
        assert_eq!(of("banana", "an"), of("banana", "other"));
        let values = |text: &str, words: &[&str]| comment(text).fingerprint_without(words);
        let euro = values("t_a in EUR", &["t_a", "EUR", ""]);
        assert_eq!(euro, values("t_b in USD", &["t_b", "USD"]));
        assert_ne!(euro, values("t_b in USD", &["t_b"]));
        assert_ne!(
            comment("orders of t_a").fingerprint(),
            comment("orders of t_b").fingerprint()
        );
    }
}
