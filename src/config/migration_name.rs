//! What a migration's file name says: `V<version>__<name>.sql`, `V<version>__<name>.down.sql`.

use refinery_core::Migration;

/// A migration's file name, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct MigrationName {
    pub(super) version: i64,
    pub(super) name: String,
    pub(super) is_down: bool,
    /// The whole file name.
    pub(super) file: String,
}

impl MigrationName {
    /// Takes a file name apart. Stricter than refinery, which cuts a name at its first odd character and panics
    /// on one that begins with `|`.
    ///
    /// # Errors
    /// Says what is odd about it.
    pub(super) fn read(file: &str) -> Result<Self, String> {
        let stem = file
            .strip_suffix(".sql")
            .ok_or("its name doesn't end in `.sql`")?;
        let (stem, is_down) = match stem.strip_suffix(".down") {
            Some(stem) => (stem, true),
            None => (stem, false),
        };
        let (version, name) = stem
            .strip_prefix('V')
            .and_then(|rest| rest.split_once("__"))
            .ok_or("its name isn't of the form `V<version>__<name>`")?;
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if name.is_empty() || !name.chars().all(is_word) {
            return Err(format!("`{name}` isn't made of letters, digits and `_`"));
        }
        let digits = !version.is_empty() && version.bytes().all(|byte| byte.is_ascii_digit());
        let number = version.parse().ok().filter(|number| *number > 0);
        match (digits, number) {
            (true, Some(version)) => Ok(Self {
                version,
                name: name.to_owned(),
                is_down,
                file: file.to_owned(),
            }),
            _ => Err(format!("`{version}` is no version from 1 to {}", i64::MAX)),
        }
    }

    /// refinery's checksum of a migration of this name.
    ///
    /// # Errors
    /// When refinery reads the name otherwise than we do.
    pub(super) fn checksum(&self, text: &str) -> Result<u64, String> {
        let stem = format!("V{}__{}", self.version, self.name);
        match Migration::unapplied(&stem, text) {
            Ok(read) if read.version() == self.version && read.name() == self.name => {
                Ok(read.checksum())
            }
            _ => Err(format!("refinery can't use the name `{stem}`")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        for (file, version, name, is_down) in [
            ("V1__init.sql", 1, "init", false),
            ("V01__init.sql", 1, "init", false),
            (
                "V20250120000001__add_größe__x.down.sql",
                20_250_120_000_001,
                "add_größe__x",
                true,
            ),
        ] {
            let expected = MigrationName {
                version,
                name: name.to_owned(),
                is_down,
                file: file.to_owned(),
            };
            assert_eq!(MigrationName::read(file), Ok(expected));
        }
    }

    #[test]
    fn odd_names_are_refused() {
        for file in [
            "init.sql",
            "v1__init.sql",
            "U1__init.sql",
            "|1__init.sql",
            "V__init.sql",
            "V1_init.sql",
            "V1__.sql",
            "V1__foo-bar.sql",
            "V1__foo.bar.sql",
            "V1.2__foo.sql",
            "V-1__foo.sql",
            "V+1__foo.sql",
            "V0__foo.sql",
            "V9223372036854775808__foo.sql",
            "V1__foo.SQL",
        ] {
            assert!(MigrationName::read(file).is_err(), "{file}");
        }
    }

    /// Values of stock refinery-core 0.10.1 with `int8-versions`; they stand in fleets' history tables.
    #[test]
    fn checksums_are_those_of_refinery() {
        for (file, text, checksum) in [
            ("V1__init.sql", "select 1;\n", 1_601_307_228_217_705_917),
            ("V01__init.sql", "select 1;\n", 1_601_307_228_217_705_917),
            (
                "V20250120000001__add_audit_columns.sql",
                "",
                14_808_244_079_456_173_545,
            ),
        ] {
            let name = MigrationName::read(file).unwrap();
            assert_eq!(name.checksum(text), Ok(checksum), "{file}");
        }
    }
}
