//! Names, and the one place where an identifier or a literal becomes SQL text.
//!
//! Each kind of name is a type of its own, so that a role can't be passed where a schema is meant,
//! and the only way into SQL is [`SqlName::quoted`].

use std::fmt;

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
