//! refinery histories of many schemas, a hundred a message.

use std::collections::BTreeMap;

use crate::model::migration::{AppliedMigration, History};
use crate::model::name::{RoleName, SchemaName, SqlName, TableName, qualified};
use crate::model::observed::LiveHistory;

use super::catalog::SchemaRow;
use super::error::PgError;
use super::wire::{TextRow, Wire, begin_reading};

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
    if table.kind != "r" || table.columns != COLUMNS {
        let words = format!("{} has the columns ({})", table.name, table.columns);
        return Some(LiveHistory::Foreign(words));
    }
    let words = if row.reads_as_it_is() || table.owner.is_some() {
        return None;
    } else if row.usable {
        format!("the connecting role has no SELECT on {}", table.name)
    } else {
        "the connecting role has no USAGE on the schema".to_owned()
    };
    Some(LiveHistory::Unreadable(words))
}

/// A history to read.
#[derive(Clone, Debug)]
pub struct Source {
    pub schema: SchemaName,
    pub table: TableName,
    /// The role to read it as, where the connecting role has no right of its own: a member that doesn't inherit.
    role: Option<RoleName>,
}

impl Source {
    /// The history in this schema, read as whoever may.
    #[must_use]
    pub fn of(row: &SchemaRow, table: &TableName) -> Self {
        let owner = row.history.as_ref().and_then(|table| table.owner.clone());
        Self {
            schema: row.schema.clone(),
            table: table.clone(),
            role: owner.filter(|_| !row.reads_as_it_is()),
        }
    }
}

/// Reads the histories of these tables; one that fails by itself doesn't spoil the others.
pub fn read(
    wire: &mut Wire,
    sources: &[Source],
) -> Result<BTreeMap<SchemaName, LiveHistory>, PgError> {
    let mut histories = BTreeMap::new();
    for chunk in sources.chunks(PER_MESSAGE) {
        read_chunk(wire, chunk, &mut histories)?;
    }
    Ok(histories)
}

fn read_chunk(
    wire: &mut Wire,
    chunk: &[Source],
    histories: &mut BTreeMap<SchemaName, LiveHistory>,
) -> Result<(), PgError> {
    match wire.simple(&select_all(chunk)) {
        Ok(results) if results.len() == chunk.len() => {
            for (source, result) in chunk.iter().zip(&results) {
                histories.insert(source.schema.clone(), parse(&result.rows));
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
    chunk: &[Source],
    histories: &mut BTreeMap<SchemaName, LiveHistory>,
    error: &PgError,
) -> Result<(), PgError> {
    wire.run("ROLLBACK")?;
    if let [source] = chunk {
        let unreadable = LiveHistory::Unreadable(error.to_string());
        histories.insert(source.schema.clone(), unreadable);
        return Ok(());
    }
    for source in chunk {
        read_chunk(wire, std::slice::from_ref(source), histories)?;
    }
    Ok(())
}

/// One READ ONLY transaction a message, so that its locks go with it.
fn select_all(chunk: &[Source]) -> String {
    let mut sql = begin_reading();
    for source in chunk {
        let select = select(&source.schema, &source.table);
        let statements = match &source.role {
            None => format!("{select};"),
            Some(role) => format!(
                "SET LOCAL ROLE {}; {select}; SET LOCAL ROLE NONE;",
                role.quoted()
            ),
        };
        sql.push_str(&statements);
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
