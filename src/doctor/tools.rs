//! The client programs that backups and restores run.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The programs, and the major version of each that is there.
#[derive(Debug)]
pub(super) struct Tools(pub(super) Vec<(&'static str, Option<i32>)>);

const PROGRAMS: [&str; 2] = ["pg_dump", "pg_restore"];

/// Finds the programs in `bin` if it is given, else on PATH.
pub(super) fn find(bin: Option<&Path>) -> Tools {
    let version = |program: &'static str| {
        let path = bin.map_or_else(|| PathBuf::from(program), |bin| bin.join(program));
        (program, major(&path))
    };
    Tools(PROGRAMS.map(version).to_vec())
}

fn major(program: &Path) -> Option<i32> {
    let output = Command::new(program)
        .arg("--version")
        .stdin(Stdio::null())
        .output()
        .ok()?;
    read(&String::from_utf8_lossy(&output.stdout))
}

/// `15` of `pg_dump (PostgreSQL) 15.18 (Debian 15.18-1)`.
fn read(text: &str) -> Option<i32> {
    let version = text.split_once("(PostgreSQL) ")?.1;
    let digits = version.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn majors_are_read() {
        for (text, expected) in [
            ("pg_dump (PostgreSQL) 15.18 (Debian 15.18-1)\n", Some(15)),
            ("pg_restore (PostgreSQL) 19beta1\n", Some(19)),
            ("something else\n", None),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
