//! Schemas through PostgreSQL's own `pg_dump` and `psql`.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::database::Database;
use super::psql;
use super::server::server;

/// The structure of the schemas that a pattern of `pg_dump` matches, as SQL.
pub fn structure(database: &Database, pattern: &str) -> String {
    let mut command = Command::new(pg_dump());
    command.args(["--schema-only", "--schema", pattern, "--dbname"]);
    command.arg(database.superuser_url()).stdin(Stdio::null());
    let output = command.output().expect("pg_dump runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pg_dump: {errors}");
    String::from_utf8(output.stdout).expect("a dump is UTF-8")
}

/// Runs what `pg_dump` wrote, to its end; the errors.
pub fn restore(database: &Database, sql: &str) -> String {
    let mut command = Command::new(psql::psql());
    command
        .args(["-X", "-q", "-o", "/dev/null", "-d"])
        .arg(database.superuser_url())
        .stdin(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().expect("psql runs");
    let mut stdin = child.stdin.take().expect("it is piped");
    stdin
        .write_all(sql.as_bytes())
        .expect("psql reads to the end");
    drop(stdin);
    let output = child.wait_with_output().expect("psql ends");
    String::from_utf8(output.stderr).expect("errors are UTF-8")
}

/// That of the server where it is ours: an older one refuses to dump.
fn pg_dump() -> PathBuf {
    let own = server().own().map(|own| own.bin_folder().join("pg_dump"));
    own.filter(|file| file.is_file())
        .unwrap_or_else(|| psql::psql().with_file_name("pg_dump"))
}
