//! Names, and the one place where an identifier or a literal becomes SQL text.
//!
//! Each kind of name is a type of its own, so that a role can't be passed where a schema is meant,
//! and the only way into SQL is [`SqlName::quoted`].

use std::fmt::{self, Write as _};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// PostgreSQL keeps 63 bytes of an identifier and cuts the rest with a NOTICE only
/// (manual, "Identifiers and Key Words"; `NAMEDATALEN` - 1).
pub const MAX_IDENTIFIER_BYTES: usize = 63;

/// The prefix of tenantry's own schemas.
pub const OWN_PREFIX: &str = "tenantry";

/// Why a text can't be a name of the kind it was given for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadName(pub String);

impl fmt::Display for BadName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadName {}

/// Quotes an identifier, always, so that case, spaces and reserved words survive.
#[must_use]
pub fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes an identifier for SQL that is printed: on one line, and with nothing in it that acts on a terminal or can't
/// be seen. Reads the same wherever `standard_conforming_strings` is on.
#[must_use]
pub fn quote_ident_visibly(name: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || c.is_ascii_graphic() || c == ' ';
    if name.chars().all(is_plain) {
        return quote_ident(name);
    }
    let mut escaped = String::from("U&");
    for c in quote_ident(name).chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            c if is_plain(c) => escaped.push(c),
            c => {
                let _ = write!(escaped, "\\+{:06X}", u32::from(c));
            }
        }
    }
    escaped
}

/// Quotes a string constant so that it reads the same whatever `standard_conforming_strings` says.
#[must_use]
pub fn quote_literal(text: &str) -> String {
    let doubled = text.replace('\'', "''");
    if doubled.contains('\\') {
        // The leading space keeps a preceding word from joining the `E`.
        format!(" E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

/// A name that PostgreSQL knows as an identifier.
pub trait SqlName {
    /// The name as people read it.
    fn as_str(&self) -> &str;

    /// The name as it stands in SQL.
    fn quoted(&self) -> String {
        quote_ident(self.as_str())
    }
}

/// A name inside a schema, both parts quoted.
#[must_use]
pub fn qualified(schema: &SchemaName, object: &impl SqlName) -> String {
    format!("{}.{}", schema.quoted(), object.quoted())
}

/// Whether PostgreSQL can store `text` as an identifier without changing it.
fn identifier(kind: &str, text: &str) -> Result<(), BadName> {
    if text.is_empty() {
        return Err(BadName(format!("{kind} is empty")));
    }
    if text.contains('\0') {
        return Err(BadName(format!("{kind} holds a NUL byte")));
    }
    if text.len() > MAX_IDENTIFIER_BYTES {
        return Err(BadName(format!(
            "{kind} {text:?} is {} bytes long; PostgreSQL keeps {MAX_IDENTIFIER_BYTES}",
            text.len()
        )));
    }
    Ok(())
}

/// Whether `text` is a lower-case word of ours: a tenant id, a cluster, a template.
fn slug(kind: &str, text: &str) -> Result<(), BadName> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fits = text.len() <= MAX_IDENTIFIER_BYTES
        && text.starts_with(word)
        && text.chars().all(|c| word(c) || c == '_' || c == '-');
    if fits {
        Ok(())
    } else {
        Err(BadName(format!(
            "{kind} {text:?} doesn't match [a-z0-9][a-z0-9_-]{{0,62}}"
        )))
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $check:expr) => {
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
        )]
        #[serde(try_from = "String", into = "String")]
        pub struct $type(String);

        impl $type {
            /// Takes a text that is a legal name of this kind.
            ///
            /// # Errors
            /// Says which rule the text breaks.
            pub fn new(text: impl Into<String>) -> Result<Self, BadName> {
                let text = text.into();
                let check: fn(&str, &str) -> Result<(), BadName> = $check;
                check($kind, &text)?;
                Ok(Self(text))
            }

            /// The name as people read it.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $type {
            type Error = BadName;
            fn try_from(text: String) -> Result<Self, BadName> {
                Self::new(text)
            }
        }

        impl From<$type> for String {
            fn from(name: $type) -> Self {
                name.0
            }
        }
    };
}

macro_rules! sql_name {
    ($($type:ident),*) => {
        $(impl SqlName for $type {
            fn as_str(&self) -> &str {
                &self.0
            }
        })*
    };
}

name!(
    /// The fleet a desired state describes; written into every database it manages.
    FleetName, "fleet name", slug
);
name!(
    /// A tenant's id: what people call it. Its uid is its identity.
    TenantId, "tenant id", slug
);
name!(
    /// A connection target of the desired state.
    ClusterName, "cluster name", slug
);
name!(
    /// A template of the desired state.
    TemplateName, "template name", slug
);
name!(
    /// A backup policy of the desired state.
    PolicyName, "policy name", slug
);
name!(
    /// A schema: any identifier PostgreSQL accepts.
    SchemaName, "schema name", identifier
);
name!(
    /// A role that owns schemas and objects.
    RoleName, "role name", identifier
);
name!(
    /// An extension, as in `pg_available_extensions`.
    ExtensionName, "extension name", identifier
);
name!(
    /// A table, without its schema.
    TableName, "table name", identifier
);
sql_name!(SchemaName, RoleName, ExtensionName, TableName);

impl SchemaName {
    /// Says why a tenant must not live in a schema of this name; `shared` are the declared shared schemas.
    #[must_use]
    pub fn unfit_for_tenant(&self, shared: &[SchemaName]) -> Option<String> {
        let name = self.as_str();
        if name.starts_with("pg_") {
            return Some(format!("schema {name:?} is PostgreSQL's own (pg_*)"));
        }
        if name == "information_schema" || name == "public" {
            return Some(format!("schema {name:?} can't hold a tenant"));
        }
        if name.starts_with(OWN_PREFIX) {
            return Some(format!(
                "schema {name:?} begins with {OWN_PREFIX:?}, the prefix of tenantry's own schemas"
            ));
        }
        shared
            .contains(self)
            .then(|| format!("schema {name:?} is declared as shared by all tenants"))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn identifiers_are_counted_in_bytes() {
        assert!(SchemaName::new("é".repeat(31)).is_ok());
        let error = SchemaName::new("é".repeat(32)).unwrap_err();
        assert!(error.0.contains("64 bytes"), "{error}");
        assert!(SchemaName::new("a".repeat(63)).is_ok());
        assert!(SchemaName::new("a".repeat(64)).is_err());
    }

    #[test]
    fn any_identifier_is_a_schema_but_not_nothing_or_nul() {
        for name in ["Legacy-Initech", "a\"b", "$$", "line\nbreak", "\\", " "] {
            assert!(SchemaName::new(name).is_ok(), "{name:?}");
        }
        assert!(SchemaName::new("").is_err());
        assert!(SchemaName::new("a\0b").is_err());
    }

    #[test]
    fn tenant_ids_are_slugs() {
        let long = "a".repeat(63);
        for id in ["a", "0", "acme-eu_2", &long] {
            assert!(TenantId::new(id).is_ok(), "{id:?}");
        }
        let longer = "a".repeat(64);
        for id in ["", "-a", "_a", "Acme", "a b", "a.b", "é", "a\n", &longer] {
            assert!(TenantId::new(id).is_err(), "{id:?}");
        }
    }

    #[test]
    fn json_is_checked_like_everything_else() {
        assert!(serde_json::from_str::<TenantId>("\"acme\"").is_ok());
        assert!(serde_json::from_str::<TenantId>("\"Acme\"").is_err());
    }

    #[test]
    fn some_schemas_hold_no_tenant() {
        let shared = [SchemaName::new("extensions").unwrap()];
        let unfit = |name: &str| SchemaName::new(name).unwrap().unfit_for_tenant(&shared);
        let reserved = [
            "pg_temp",
            "pg_x",
            "information_schema",
            "public",
            "extensions",
        ];
        for name in reserved.into_iter().chain(["tenantry", "tenantry_side_0"]) {
            assert!(unfit(name).unwrap().contains(name));
        }
        for name in ["acq_acme", "pg", "Public", "my_tenantry", "extensions2"] {
            assert_eq!(unfit(name), None, "{name}");
        }
    }

    #[test]
    fn identifiers_are_quoted_always() {
        assert_eq!(SchemaName::new("a\"b").unwrap().quoted(), "\"a\"\"b\"");
        let table = TableName::new("User").unwrap();
        let schema = SchemaName::new("select").unwrap();
        assert_eq!(qualified(&schema, &table), "\"select\".\"User\"");
    }

    #[test]
    fn printed_identifiers_can_be_seen() {
        for (name, quoted) in [
            ("app owner", "\"app owner\""),
            ("a\\\"é", "\"a\\\"\"é\""),
            ("a\n\\\"b", "U&\"a\\+00000A\\\\\"\"b\""),
            ("\u{202e}x", "U&\"\\+00202Ex\""),
        ] {
            assert_eq!(quote_ident_visibly(name), quoted);
        }
    }

    #[test]
    fn literals_read_the_same_whatever_the_setting() {
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\'b"), " E'a\\\\''b'");
    }

    /// Reads a literal as PostgreSQL's scanner does, for the two forms that are written.
    fn read_literal(sql: &str) -> Option<String> {
        let (escapes, body) = match sql.strip_prefix(" E") {
            Some(body) => (true, body),
            None => (false, sql),
        };
        let mut chars = body.strip_prefix('\'')?.strip_suffix('\'')?.chars();
        let mut text = String::new();
        while let Some(letter) = chars.next() {
            match letter {
                '\'' if chars.next() != Some('\'') => return None,
                '\\' if escapes => text.push(chars.next()?),
                '\\' => return None,
                _ => text.push(letter),
            }
        }
        Some(text)
    }

    proptest! {
        // What fails is printed; a file of seeds would lie beside Cargo.toml.
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn literals_come_back(text in "[a'\\\\\"$é\n]{0,12}") {
            prop_assert_eq!(read_literal(&quote_literal(&text)), Some(text));
        }

        #[test]
        fn identifiers_come_back(text in "[a'\\\\\"$é\n]{1,12}") {
            let quoted = quote_ident(&text);
            let inner = quoted.strip_prefix('"').unwrap().strip_suffix('"').unwrap();
            prop_assert_eq!(inner.replace("\"\"", ""), text.replace('"', ""));
            prop_assert_eq!(inner.replace("\"\"", "\""), text);
        }
    }
}
