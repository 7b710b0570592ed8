//! Finds an installed server's programs.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::Error;

/// Where packages put a server's programs: a folder, what a name in it starts with, and the folder below.
const PER_MAJOR: [(&str, &str, &str); 5] = [
    ("/usr/lib/postgresql", "", "bin"),
    ("/usr", "pgsql-", "bin"),
    ("/opt/homebrew/opt", "postgresql@", "bin"),
    ("/usr/local/opt", "postgresql@", "bin"),
    ("/Applications/Postgres.app/Contents/Versions", "", "bin"),
];

/// What to do where there is none.
pub const INSTALL: &str = "Install one (`apt-get install postgresql`, `dnf install postgresql-server`, \
    `brew install postgresql@17`) or name its folder in TENANTRY_PG_BIN.";

/// The folder of `initdb` and `postgres`: `TENANTRY_PG_BIN` if set, else what `pg_config` names, else the first
/// on `PATH`, else the newest major version among the packages' folders. `None` when no server is installed.
///
/// # Errors
/// `TENANTRY_PG_BIN` names a folder without them.
pub fn bin_folder() -> Result<Option<PathBuf>, Error> {
    if let Some(given) = std::env::var_os("TENANTRY_PG_BIN").filter(|given| !given.is_empty()) {
        let given = PathBuf::from(given);
        return if has_server(&given) {
            Ok(Some(given))
        } else {
            Err(Error::failed(format!(
                "TENANTRY_PG_BIN: {} doesn't hold initdb and postgres",
                given.display()
            )))
        };
    }
    Ok(by_pg_config()
        .into_iter()
        .chain(on_path())
        .chain(newest(&PER_MAJOR))
        .find(|folder| has_server(folder)))
}

/// Client packages bring a `pg_config` without a server, so one program isn't enough.
fn has_server(folder: &Path) -> bool {
    ["initdb", "postgres"]
        .iter()
        .all(|program| folder.join(program).is_file())
}

fn by_pg_config() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(PathBuf::from(text.trim()))
}

fn on_path() -> Vec<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}

/// Folders named after a major version, newest first.
fn newest(places: &[(&str, &str, &str)]) -> Vec<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = places
        .iter()
        .flat_map(|(parent, prefix, below)| {
            let entries = std::fs::read_dir(parent).into_iter().flatten().flatten();
            entries.filter_map(move |entry| {
                let major = major(&entry.file_name(), prefix)?;
                Some((major, entry.path().join(below)))
            })
        })
        .collect();
    found.sort_by_key(|(major, _)| std::cmp::Reverse(*major));
    found.into_iter().map(|(_, folder)| folder).collect()
}

/// `15` of `pgsql-15`; also of the `9.6` of old packages.
fn major(name: &OsStr, prefix: &str) -> Option<u32> {
    let version = name.to_str()?.strip_prefix(prefix)?;
    version.split('.').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_major_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        for name in ["pgsql-9.6", "pgsql-15", "pgsql-17", "pgsql-x", "other-18"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        let parent = folder.path().to_str().unwrap();
        let names: Vec<String> = newest(&[(parent, "pgsql-", "bin")])
            .iter()
            .map(|found| found.strip_prefix(parent).unwrap().display().to_string())
            .collect();
        assert_eq!(names, ["pgsql-17/bin", "pgsql-15/bin", "pgsql-9.6/bin"]);
    }

    #[test]
    fn a_folder_counts_with_both_programs_only() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("postgres"), "").unwrap();
        assert!(!has_server(folder.path()));
        std::fs::write(folder.path().join("initdb"), "").unwrap();
        assert!(has_server(folder.path()));
    }
}
