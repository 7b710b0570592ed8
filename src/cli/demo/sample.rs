//! The sample fleet, carried in the binary and written out to play with.

use std::fs;
use std::io;
use std::path::Path;

use include_dir::{Dir, include_dir};

static DESIRED: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/desired");
static TEMPLATES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates");
static MIGRATIONS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/tenant_migrations");

/// The file that lists the sample's tenants.
pub const TENANTS: &str = "desired/tenants.yaml";

/// The role that the sample names as owner.
pub const OWNER: &str = "app_owner";

/// A tenant that the sample lacks, as a line for its file.
pub const NEW_TENANT: &str = "\n  zephyr: { vars: { currency: USD } }\n";

/// A migration that the sample lacks.
pub const NEW_MIGRATION: &str = "tenant_migrations/V20250301000001__add_settlement_notes.sql";

/// What that migration does.
pub const NEW_MIGRATION_SQL: &str = "\
-- Some merchants are paid out by hand; the back office notes why.

ALTER TABLE merchants ADD COLUMN settlement_note text;
COMMENT ON COLUMN merchants.settlement_note IS 'Why it is paid out by hand';
";

/// Writes the sample into a folder; `owner` takes the place of the role that it names.
pub fn write(folder: &Path, owner: &str) -> io::Result<()> {
    let parts = [
        ("desired", &DESIRED),
        ("templates", &TEMPLATES),
        ("tenant_migrations", &MIGRATIONS),
    ];
    for (name, files) in parts {
        let place = folder.join(name);
        fs::create_dir_all(&place)?;
        files.extract(&place)?;
    }
    let fleet = folder.join("desired/fleet.yaml");
    let text = fs::read_to_string(&fleet)?;
    fs::write(&fleet, text.replace(OWNER, owner))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), "someone_else").unwrap();
        let fleet = fs::read_to_string(folder.path().join("desired/fleet.yaml")).unwrap();
        assert!(fleet.contains("owner: someone_else\n"));
        let tenants = fs::read_to_string(folder.path().join(TENANTS)).unwrap();
        assert!(!tenants.contains("zephyr"));
        let newest = fs::read_dir(folder.path().join("tenant_migrations"))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .max();
        assert!(newest.unwrap().as_str() < NEW_MIGRATION.split_once('/').unwrap().1);
    }
}
