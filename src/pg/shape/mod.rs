//! The full shapes of some schemas, each read under its own name.
//!
//! The server does what only it can do right: it deparses, and leaves the schema's own name out of what it deparses
//! because that schema is first on the path. Text that it keeps as written is neutralised here, by tokens.

mod after_dump;
mod lines;
mod statement;

use std::collections::BTreeMap;

use postgres::Row;
use postgres::types::Type;

use crate::model::name::RoleName;
use crate::model::shape::Shape;

pub use after_dump::after_dump;

use super::error::PgError;
use super::wire::Wire;

/// Schemas read by one statement: what it answers is held in memory whole.
const PER_STATEMENT: usize = 50;

/// Everything that deparsed text depends on, and what a statement may cost. Only nested loops, none of them cached: so
/// each schema is read while the path is its own.
pub const PINNED: &str = "SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL quote_all_identifiers = off; \
    SET LOCAL standard_conforming_strings = on; SET LOCAL \"DateStyle\" = 'ISO, YMD'; \
    SET LOCAL \"IntervalStyle\" = 'postgres'; SET LOCAL \"TimeZone\" = 'UTC'; SET LOCAL extra_float_digits = 1; \
    SET LOCAL bytea_output = 'hex'; SET LOCAL xmloption = 'content'; SET LOCAL xmlbinary = 'base64'; \
    SET LOCAL lc_monetary = 'C'; SET LOCAL jit = off; SET LOCAL lock_timeout = '1s'; \
    SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL enable_hashjoin = off; \
    SET LOCAL enable_mergejoin = off; SET LOCAL enable_memoize = off; SET LOCAL enable_material = off; \
    SET LOCAL enable_seqscan = off;";

/// Reads the shapes of these schemas, inside an open transaction whose settings are the same afterwards.
///
/// `history_tables` are left out with all that belongs to them, and so is the USAGE on the schema that `readers` have.
/// `server` is its `server_version_num`. A schema that is gone, or that the connecting role has no USAGE on, is
/// missing from the answer. What deparsing has locked is free again. Two messages for every fifty schemas, and one.
///
/// # Errors
/// The server's, such as a lock that isn't free in time, or an object that was dropped meanwhile; the transaction goes on.
pub fn read(
    wire: &mut Wire,
    oids: &[u32],
    history_tables: &[String],
    readers: &[RoleName],
    server: i32,
) -> Result<BTreeMap<u32, Shape>, PgError> {
    let sql = statement::of(server);
    let history_tables = history_tables.to_vec();
    let readers: Vec<String> = readers
        .iter()
        .map(|role| role.as_str().to_owned())
        .collect();
    wire.run("SAVEPOINT shape")?;
    let mut shapes = BTreeMap::new();
    for chunk in oids.chunks(PER_STATEMENT) {
        wire.run(&format!("ROLLBACK TO SAVEPOINT shape; {PINNED}"))?;
        let params = (&chunk.to_vec(), &history_tables, &readers);
        match query(wire, &sql, params) {
            Ok(rows) => shapes.extend(rows.iter().filter_map(shape_row)),
            Err(error) if error.closed => return Err(error),
            Err(error) => return leave(wire).and(Err(error)),
        }
    }
    leave(wire)?;
    Ok(shapes)
}

/// Gives up the locks, and the settings come back.
fn leave(wire: &mut Wire) -> Result<(), PgError> {
    wire.run("ROLLBACK TO SAVEPOINT shape; RELEASE SAVEPOINT shape")
}

fn query(
    wire: &mut Wire,
    sql: &str,
    (oids, history_tables, readers): (&Vec<u32>, &Vec<String>, &Vec<String>),
) -> Result<Vec<Row>, PgError> {
    wire.typed(
        sql,
        &[
            (oids, Type::OID_ARRAY),
            (history_tables, Type::TEXT_ARRAY),
            (readers, Type::TEXT_ARRAY),
        ],
    )
}

fn shape_row(row: &Row) -> Option<(u32, Shape)> {
    let texts: Vec<Option<String>> = row.get::<_, Option<_>>(2)?;
    Some((row.get(0), lines::shape(row.get(1), texts)))
}
