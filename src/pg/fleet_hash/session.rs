//! Connections that see the database at one moment.

use std::collections::BTreeSet;
use std::time::Duration;

use postgres::types::Type;

use crate::model::name::quote_literal;
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::wire::{Wire, begin_reading};

/// Sorting wide rows costs more than hashing them. The memory is what fits beside deparsed schemas.
const SETTINGS: &str = "SET LOCAL enable_sort = off; SET LOCAL max_parallel_workers_per_gather = 0; SET LOCAL work_mem = '32MB';";

/// How long one more connection is waited for; behind a pooler there may be none to come.
const ONE_MORE: Duration = Duration::from_secs(5);

/// A connection in a transaction that only reads.
#[derive(Debug)]
pub struct Session {
    pub wire: Wire,
    /// How many objects it has deparsed, all of which its server process remembers.
    pub deparsed: usize,
}

impl Session {
    /// The one whose moment it is.
    pub fn first(clients: &Clients) -> Result<Self, PgError> {
        let wire = clients.connect()?;
        Self::begin(wire, "")
    }

    /// One more at the moment of another, if there can be one at once.
    pub fn at(clients: &Clients, snapshot: &str) -> Result<Self, PgError> {
        let mut wire = clients.make()?;
        wire.within(ONE_MORE);
        let snapshot = quote_literal(snapshot);
        Self::begin(wire, &format!("SET TRANSACTION SNAPSHOT {snapshot};"))
    }

    fn begin(mut wire: Wire, snapshot: &str) -> Result<Self, PgError> {
        wire.run(&format!("{}{snapshot}{SETTINGS}", begin_reading()))?;
        Ok(Self { wire, deparsed: 0 })
    }

    /// Names its moment for others, as long as its transaction lasts.
    pub fn export(&mut self) -> Result<String, PgError> {
        let rows = self.wire.typed("SELECT pg_export_snapshot()", &[])?;
        let name = rows.first().map(|row| row.get(0));
        name.ok_or_else(|| PgError::own("the server exported no snapshot"))
    }

    /// Which of these schemas hold something that is locked against all readers, or soon will be.
    pub fn locked(&mut self, schemas: &[u32]) -> Result<BTreeSet<u32>, PgError> {
        let schemas = schemas.to_vec();
        let rows = self.wire.typed(
            include_str!("../queries/fleet_hash/locked.sql"),
            &[(&schemas, Type::OID_ARRAY)],
        )?;
        Ok(rows.iter().map(|row| row.get(0)).collect())
    }
}
