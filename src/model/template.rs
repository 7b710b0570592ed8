//! Template and migration files as text: normalised, addressed by content, with what their comments ask for.

use std::collections::BTreeSet;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::migration::MigrationSet;

/// SHA-256 in lower-case hex.
#[derive(
    Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct ContentHash(pub String);

impl ContentHash {
    /// The hash of a text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        Self::of_bytes(text.as_bytes())
    }

    /// The hash of bytes.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Self {
        let mut hex = String::with_capacity(64);
        for byte in Sha256::digest(bytes) {
            fmt::Write::write_fmt(&mut hex, format_args!("{byte:02x}"))
                .expect("a String takes all");
        }
        Self(hex)
    }

    /// The first twelve characters: enough for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for ContentHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One SQL file as it was written: LF line ends, no byte order mark, placeholders unrendered.
#[derive(Clone, Debug)]
pub struct SourceFile {
    /// The file's name without its folder.
    pub name: String,
    /// Where it was read, for messages.
    pub path: PathBuf,
    pub text: String,
    /// Of `text`.
    pub hash: ContentHash,
    pub directives: Directives,
    /// Every placeholder in it, in order of first use, each once.
    pub placeholders: Vec<Placeholder>,
    /// Statements that lose data, found by token rules.
    pub deletes: Vec<DataLoss>,
}

/// What the first comment lines of a file ask for (`-- tenantry: …`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// Due only for tenants with one of these tags; empty means for all.
    pub only_tags: BTreeSet<String>,
    pub allows_deletes_data: bool,
    pub statement_timeout: Option<Duration>,
    pub lock_timeout: Option<Duration>,
}

/// A typed placeholder: `{{ident:schema}}`, `{{literal:vars.currency}}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Placeholder {
    pub kind: PlaceholderKind,
    /// `tenant`, `schema` or `vars.<name>`.
    pub value: String,
    /// 1-based line of its first use.
    pub line: usize,
}

/// How a placeholder's value is escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PlaceholderKind {
    Ident,
    Literal,
}

/// A statement that loses data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataLoss {
    /// 1-based.
    pub line: usize,
    /// What it is, for people: `DROP TABLE`, `DELETE`, `TRUNCATE`, `DROP COLUMN`…
    pub what: String,
}

/// Everything a tenant of one kind is made of.
#[derive(Clone, Debug)]
pub struct Template {
    /// In name order, the order they run in.
    pub files: Vec<SourceFile>,
    pub address: TemplateAddress,
    pub migrations: MigrationSet,
    /// Migrations up to here are already inside the template.
    pub baseline: i64,
}

/// The content address of a template's own files: the hash of its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateAddress {
    pub hash: ContentHash,
    /// One line a file, `<sha256>  <name>`, in name order; kept in the control schema like a file.
    pub manifest: String,
}

impl TemplateAddress {
    /// The address of these files.
    #[must_use]
    pub fn of(files: &[SourceFile]) -> Self {
        let lines: Vec<String> = files
            .iter()
            .map(|file| format!("{}  {}\n", file.hash, file.name))
            .collect();
        let manifest = lines.concat();
        Self {
            hash: ContentHash::of(&manifest),
            manifest,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, text: &str) -> SourceFile {
        SourceFile {
            name: name.to_owned(),
            path: name.into(),
            text: text.to_owned(),
            hash: ContentHash::of(text),
            directives: Directives::default(),
            placeholders: Vec::new(),
            deletes: Vec::new(),
        }
    }

    /// The hash of the empty text and of "abc", from FIPS 180-2.
    #[test]
    fn hashes_are_sha256_in_hex() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(ContentHash::of("").0, empty);
        let abc = ContentHash::of("abc");
        assert_eq!(abc.short(), "ba7816bf8f01");
        assert_eq!(ContentHash("short".to_owned()).short(), "short");
    }

    #[test]
    fn an_address_follows_names_texts_and_order() {
        let files = [file("010.sql", "a"), file("020.sql", "b")];
        let base = TemplateAddress::of(&files);
        assert_eq!(base.manifest.lines().count(), 2);
        assert_eq!(base.hash, ContentHash::of(&base.manifest));
        let [first, second] = files;
        let others = [
            vec![second.clone(), first.clone()],
            vec![first.clone()],
            vec![first.clone(), file("021.sql", "b")],
            vec![first, file("020.sql", "c")],
        ];
        for other in others {
            assert_ne!(TemplateAddress::of(&other), base);
        }
    }
}
