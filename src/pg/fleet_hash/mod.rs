//! Which schemas of a database are made alike: one hash each, by a fixed number of queries for all of them.
//!
//! First every kind of object is swept over all schemas at once (`sweep.sql` around a leg), which hashes what reads
//! the same in each of them. What names an object of its own schema doesn't, since objects have other OIDs there;
//! it is hashed by the text that the server makes of it, in portions (`deparse.sql`). Both are spread over connections
//! that share one snapshot.

mod deparse;
mod found;
mod legs;
mod session;
mod spread;
mod text;

use std::collections::BTreeMap;

use postgres::types::Type;

use crate::model::name::RoleName;
use crate::model::observed::Unreadable;

use super::clients::Clients;
use super::error::PgError;

use session::Session;
use spread::Spread;

/// How many connections work at once unless told otherwise.
pub const CONNECTIONS: usize = 2;

/// What was learned of each schema.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// Equal keys mean equal structure, up to the schema's own name as a whole word. Unlike keys say little: look closer.
    /// They mean nothing outside of one answer.
    pub by_schema: BTreeMap<u32, u128>,
    /// Why a schema has no key, in the server's words.
    pub unreadable: BTreeMap<u32, Unreadable>,
}

/// What to hash.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// OIDs of schemas.
    pub schemas: &'a [u32],
    /// Of each schema the name of its history table, in the same order; everything of that table is left out.
    pub history_tables: &'a [String],
    /// Roles whose USAGE on the schemas is left out.
    pub readers: &'a [RoleName],
    /// The server's `server_version_num`.
    pub server: i32,
}

/// Hashes the structure of these schemas; see [`Question`] for the arguments.
///
/// # Errors
/// What the server or the network said; a schema that can't be read is no error.
pub fn keys(
    clients: &Clients,
    schemas: &[u32],
    readers: &[RoleName],
    history_tables: &[String],
    server: i32,
) -> Result<Keys, PgError> {
    let question = Question {
        schemas,
        history_tables,
        readers,
        server,
    };
    keys_over(clients, &question, CONNECTIONS)
}

/// The same over at most so many connections; where others can't see the first one's snapshot, it does all by itself.
pub fn keys_over(
    clients: &Clients,
    question: &Question<'_>,
    connections: usize,
) -> Result<Keys, PgError> {
    if question.schemas.len() != question.history_tables.len() {
        return Err(PgError::own(
            "each schema needs the name of its history table",
        ));
    }
    let mut first = Session::first(clients)?;
    let scope = Scope::read(&mut first, question)?;
    Spread::new(clients, scope, connections, &mut first)?.run(&mut first)
}

/// What every query is about.
#[derive(Debug)]
struct Scope {
    schemas: Vec<u32>,
    /// The history tables and their indexes.
    histories: Vec<u32>,
    readers: Vec<u32>,
    server: i32,
}

impl Scope {
    fn read(session: &mut Session, question: &Question<'_>) -> Result<Self, PgError> {
        let readers: Vec<String> = question.readers.iter().map(ToString::to_string).collect();
        let schemas = question.schemas.to_vec();
        let rows = session.wire.typed(
            include_str!("../queries/fleet_hash/scope.sql"),
            &[
                (&schemas, Type::OID_ARRAY),
                (&question.history_tables, Type::TEXT_ARRAY),
                (&readers, Type::TEXT_ARRAY),
            ],
        )?;
        let row = rows
            .first()
            .ok_or_else(|| PgError::own("the server doesn't say what is to be read"))?;
        Ok(Self {
            schemas,
            histories: row.get(0),
            readers: row.get(1),
            server: question.server,
        })
    }
}
