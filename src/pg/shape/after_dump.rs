//! What a schema's objects are once they have been through `pg_dump`: the second form that each may have.
//!
//! Deparsed text, parsed again, may deparse to other text; that one then stays. Which text that is the server alone
//! knows, so it is asked: each object that holds a parsed expression is made again from its own deparse, as `pg_dump`
//! would write it, and read again. What can't be made again has no second form.
//!
//! Bounds of partitions hold constants only, which deparse to what they were made from.

use std::collections::{BTreeMap, BTreeSet};

use postgres::Row;
use postgres::types::Type;

use crate::model::name::{RoleName, quote_literal};
use crate::model::shape::{Definition, Kind, ObjectKey, Shape};

use super::super::error::PgError;
use super::super::wire::Wire;
use super::{PINNED, read};

/// As `pg_dump` has it, so that every name is written out, and bodies that need a path aren't run.
const AS_DUMPED: &str = "SET LOCAL search_path = ''; SET LOCAL check_function_bodies = off;";

const IN_PLACE: &str = include_str!("../queries/after_dump/in_place.sql");
const TWINS: &str = include_str!("../queries/after_dump/twins.sql");
const MAKE_AGAIN: &str = include_str!("../queries/after_dump/make_again.sql");

/// The second forms of those objects of a schema that have one, by what they are about; `first` is its shape.
///
/// The schema must have been made in the open transaction, of one's own files, and the role must own it; it is as it
/// was afterwards. A dozen messages, whatever the schema holds.
///
/// # Errors
/// The server's; the transaction goes on unless the connection is gone. An object that can't be made again is none.
pub fn after_dump(
    wire: &mut Wire,
    oid: u32,
    first: &Shape,
    history_tables: &[String],
    readers: &[RoleName],
    server: i32,
) -> Result<BTreeMap<ObjectKey, Definition>, PgError> {
    wire.run("SAVEPOINT after_dump")?;
    let mut scratch = Scratch {
        wire,
        oid,
        first,
        history_tables,
        readers,
        server,
    };
    let found = scratch.second_forms();
    match &found {
        Err(error) if error.closed => {}
        _ => wire.run("ROLLBACK TO SAVEPOINT after_dump; RELEASE SAVEPOINT after_dump")?,
    }
    found
}

struct Scratch<'a> {
    wire: &'a mut Wire,
    oid: u32,
    first: &'a Shape,
    history_tables: &'a [String],
    readers: &'a [RoleName],
    server: i32,
}

impl Scratch<'_> {
    fn second_forms(&mut self) -> Result<BTreeMap<ObjectKey, Definition>, PgError> {
        let mut forms = self.in_place()?;
        forms.extend(self.by_twins()?);
        forms.retain(|key, second| {
            let first = self.first.objects.get(key);
            first.is_some_and(|first| first != second)
        });
        Ok(forms)
    }

    /// Everything once more, with what can be made again under its own name.
    fn in_place(&mut self) -> Result<BTreeMap<ObjectKey, Definition>, PgError> {
        let rows = self.ask(IN_PLACE)?;
        let items: Option<String> = rows.first().and_then(|row| row.get(0));
        self.make_again(&items.unwrap_or_else(|| "[]".to_owned()))?;
        self.read()
    }

    /// What others lean on, as its twin came out.
    fn by_twins(&mut self) -> Result<BTreeMap<ObjectKey, Definition>, PgError> {
        let twins = self.ask(TWINS)?;
        if twins.is_empty() {
            return Ok(BTreeMap::new());
        }
        let items: BTreeSet<&str> = twins.iter().map(|row| row.get(3)).collect();
        let items: Vec<&str> = items.into_iter().collect();
        self.make_again(&format!("[{}]", items.join(",")))?;
        let mut read = self.read()?;
        let second = twins.iter().filter_map(|row| {
            let kind = Kind::ALL
                .into_iter()
                .find(|kind| kind.as_str() == row.get::<_, &str>(0))?;
            let key = |column| ObjectKey {
                kind,
                name: row.get(column),
            };
            Some((key(2), read.remove(&key(1))?))
        });
        Ok(second.collect())
    }

    /// The answer to a question about the schema as it was built, under the settings that `pg_dump` has.
    fn ask(&mut self, sql: &str) -> Result<Vec<Row>, PgError> {
        let settings = format!("ROLLBACK TO SAVEPOINT after_dump; {PINNED} {AS_DUMPED}");
        self.wire.run(&settings)?;
        self.wire.typed(sql, &[(&self.oid, Type::OID)])
    }

    fn make_again(&mut self, items: &str) -> Result<(), PgError> {
        let items = quote_literal(items);
        let hand_over = format!("SET LOCAL tenantry.again = {items}");
        self.wire.run(&format!("{hand_over}; {MAKE_AGAIN}"))
    }

    fn read(&mut self) -> Result<BTreeMap<ObjectKey, Definition>, PgError> {
        let (oids, tables) = (&[self.oid], self.history_tables);
        let mut shapes = read(self.wire, oids, tables, self.readers, self.server)?;
        let gone = || PgError::own("the schema that was just made can't be read");
        shapes
            .remove(&self.oid)
            .map(|shape| shape.objects)
            .ok_or_else(gone)
    }
}
