//! refinery histories of many schemas, a hundred a message.

use std::collections::BTreeMap;

use crate::model::migration::{AppliedMigration, History};
use crate::model::name::{SchemaName, TableName, qualified};
use crate::model::observed::LiveHistory;

use super::catalog::SchemaRow;
use super::error::PgError;
use super::wire::{TextRow, Wire};

/// Histories read by one message. Its tables and their indexes hold lock slots until it ends.
const PER_MESSAGE: usize = 100;

/// refinery's own columns with int8 versions.
const COLUMNS: &str = "version bigint, name character varying, applied_on character varying, checksum character varying";

/// Why a table can't be read as a history; `None` when it can.
#[must_use]
pub fn unfit(row: &SchemaRow) -> Option<LiveHistory> {
    let Some(table) = &row.history else {
        return Some(LiveHistory::Absent);
    };
    if !row.usable {
        let words = "the connecting role has no USAGE on the schema";
        return Some(LiveHistory::Unreadable(words.to_owned()));
    }
    if table.kind != "r" || table.columns != COLUMNS {
        let words = format!("{} has the columns ({})", table.name, table.columns);
        return Some(LiveHistory::Foreign(words));
    }
    if !table.selectable {
        let words = format!("the connecting role has no SELECT on {}", table.name);
        return Some(LiveHistory::Unreadable(words));
    }
    None
}

/// Reads the histories of these tables; one that fails by itself doesn't spoil the others.
pub fn read(
    wire: &mut Wire,
    tables: &[(SchemaName, TableName)],
) -> Result<BTreeMap<SchemaName, LiveHistory>, PgError> {
    let mut histories = BTreeMap::new();
    for chunk in tables.chunks(PER_MESSAGE) {
        read_chunk(wire, chunk, &mut histories)?;
    }
    Ok(histories)
}

fn read_chunk(
    wire: &mut Wire,
    chunk: &[(SchemaName, TableName)],
    histories: &mut BTreeMap<SchemaName, LiveHistory>,
) -> Result<(), PgError> {
    match wire.simple(&select_all(chunk)) {
        Ok(results) if results.len() == chunk.len() => {
            for ((schema, _), result) in chunk.iter().zip(&results) {
                histories.insert(schema.clone(), parse(&result.rows));
            }
            Ok(())
        }
        Ok(_) => Err(PgError::own(
            "the server answered another number of statements than were sent",
        )),
        Err(error) if error.closed => Err(error),
        // A table was dropped or changed since the catalog was read: find out which.
        Err(error) => read_one_by_one(wire, chunk, histories, &error),
    }
}

fn read_one_by_one(
    wire: &mut Wire,
    chunk: &[(SchemaName, TableName)],
    histories: &mut BTreeMap<SchemaName, LiveHistory>,
    error: &PgError,
) -> Result<(), PgError> {
    wire.run("ROLLBACK")?;
    if let [(schema, _)] = chunk {
        histories.insert(schema.clone(), LiveHistory::Unreadable(error.to_string()));
        return Ok(());
    }
    for table in chunk {
        read_chunk(wire, std::slice::from_ref(table), histories)?;
    }
    Ok(())
}

/// One READ ONLY transaction a message, so that its locks go with it.
fn select_all(chunk: &[(SchemaName, TableName)]) -> String {
    let mut sql = String::from("BEGIN READ ONLY;");
    for (schema, table) in chunk {
        sql.push_str(&select(schema, table));
        sql.push(';');
    }
    sql.push_str("COMMIT");
    sql
}

/// The statement that reads one history, oldest first.
#[must_use]
pub fn select(schema: &SchemaName, table: &TableName) -> String {
    let table = qualified(schema, table);
    format!("SELECT version, name, checksum FROM {table} ORDER BY version")
}

/// Rows as text into a history; a row that makes no sense is named, never a panic.
#[must_use]
pub fn parse(rows: &[TextRow]) -> LiveHistory {
    let parsed: Result<History, String> = rows.iter().map(parse_row).collect();
    parsed.map_or_else(LiveHistory::Unreadable, LiveHistory::Rows)
}

fn parse_row(row: &TextRow) -> Result<AppliedMigration, String> {
    let cell = |index: usize, column: &str| {
        row.get(index)
            .ok_or_else(|| format!("version {}: {column} is NULL", row.get(0).unwrap_or("?")))
    };
    let number = |text: &str, column: &str| format!("{column} {text:?} isn't a number");
    let version = cell(0, "version")?;
    let checksum = cell(2, "checksum")?;
    Ok(AppliedMigration {
        version: version.parse().map_err(|_| number(version, "version"))?,
        name: cell(1, "name")?.to_owned(),
        checksum: checksum
            .parse()
            .map_err(|_| format!("version {version}: {}", number(checksum, "checksum")))?,
    })
}
