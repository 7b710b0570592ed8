//! Hashing what must be deparsed, a portion of schemas at a time.
//!
//! The server locks what it deparses against changes, so a table that is being altered holds it up. Only the
//! schema concerned may suffer from it.

use crate::model::observed::Unreadable;
use std::time::{Duration, Instant};

use postgres::types::Type;

use crate::pg::error::PgError;

use super::found::{Object, Open};
use super::session::Session;
use super::text;

/// How long a portion waits for a lock before it is known to be in somebody's way.
pub const BRIEFLY: Duration = Duration::from_millis(500);

/// What a portion came to: hashes by schema, and schemas that are in somebody's hands.
#[derive(Debug, Default)]
pub struct Outcome {
    pub hashes: Vec<(u32, [i64; 2])>,
    pub busy: Vec<Open>,
    pub unreadable: Vec<(u32, Unreadable)>,
}

/// How many objects that is.
pub fn objects(portion: &[Open]) -> usize {
    portion.iter().map(|(_, objects)| objects.len()).sum()
}

/// Hashes these schemas' objects. One that fails by itself doesn't spoil the others.
pub fn portion(session: &mut Session, portion: Vec<Open>, server: i32) -> Result<Outcome, PgError> {
    let mut outcome = Outcome::default();
    let mut left = vec![portion];
    while let Some(portion) = left.pop() {
        match hashes(session, &portion, BRIEFLY, server) {
            Ok(hashes) => outcome.hashes.extend(hashes),
            Err(error) if error.closed => return Err(error),
            Err(error) => left.extend(split(session, portion, &error, &mut outcome)?),
        }
    }
    Ok(outcome)
}

/// Sets those aside that are to blame, as far as that is known; the rest in halves until it is.
fn split(
    session: &mut Session,
    mut portion: Vec<Open>,
    error: &PgError,
    outcome: &mut Outcome,
) -> Result<Vec<Vec<Open>>, PgError> {
    let is_locked = error.sqlstate.as_deref() == Some("55P03");
    if let [(schema, _)] = portion[..] {
        if is_locked {
            outcome.busy.append(&mut portion);
        } else {
            outcome.unreadable.push((schema, error.into()));
        }
        return Ok(Vec::new());
    }
    if is_locked {
        let schemas: Vec<u32> = portion.iter().map(|(schema, _)| *schema).collect();
        let locked = session.locked(&schemas)?;
        let (busy, free) = portion
            .into_iter()
            .partition(|(schema, _)| locked.contains(schema));
        portion = free;
        if !Vec::is_empty(&busy) {
            outcome.busy.extend::<Vec<Open>>(busy);
            return Ok(vec![portion]);
        }
    }
    let half = portion.split_off(portion.len() / 2);
    Ok(vec![portion, half])
}

/// Hashes the schemas that were busy, each by itself, with so much patience in all.
pub fn one_by_one(
    session: &mut Session,
    busy: Vec<Open>,
    patience: Duration,
    server: i32,
) -> Result<Outcome, PgError> {
    let mut outcome = Outcome::default();
    let end = Instant::now() + patience;
    for open in busy {
        let left = end.saturating_duration_since(Instant::now());
        // None would mean to wait for ever.
        let wait = left.max(Duration::from_millis(10));
        match hashes(session, std::slice::from_ref(&open), wait, server) {
            Ok(hashes) => outcome.hashes.extend(hashes),
            Err(error) if error.closed => return Err(error),
            Err(error) => outcome.unreadable.push((open.0, (&error).into())),
        }
    }
    Ok(outcome)
}

/// In a subtransaction, with which the locks go.
fn hashes(
    session: &mut Session,
    portion: &[Open],
    wait: Duration,
    server: i32,
) -> Result<Vec<(u32, [i64; 2])>, PgError> {
    if portion.is_empty() {
        return Ok(Vec::new());
    }
    let wait = wait.as_millis();
    session.wire.run(&format!(
        "SAVEPOINT deparse; SET LOCAL lock_timeout = {wait}"
    ))?;
    let hashes = ask(session, portion, server);
    if !matches!(&hashes, Err(error) if error.closed) {
        session
            .wire
            .run("ROLLBACK TO SAVEPOINT deparse; RELEASE SAVEPOINT deparse")?;
    }
    session.deparsed += objects(portion);
    hashes
}

fn ask(
    session: &mut Session,
    portion: &[Open],
    server: i32,
) -> Result<Vec<(u32, [i64; 2])>, PgError> {
    let rows = || {
        let of = |(schema, objects): &'_ Open| {
            let schema = *schema;
            let objects: Vec<Object> = objects.clone();
            objects.into_iter().map(move |object| (schema, object))
        };
        portion.iter().flat_map(of)
    };
    let schemas: Vec<u32> = rows().map(|(schema, _)| schema).collect();
    let objects: Vec<u32> = rows().map(|(_, object)| object.oid).collect();
    let legs: Vec<i32> = rows().map(|(_, object)| object.leg).collect();
    let [first, second] =
        [0, 1].map(|seed| -> Vec<i64> { rows().map(|(_, object)| object.seeds[seed]).collect() });
    let answer = session.wire.typed(
        &text::complete(include_str!("../queries/fleet_hash/deparse.sql"), server),
        &[
            (&schemas, Type::OID_ARRAY),
            (&objects, Type::OID_ARRAY),
            (&legs, Type::INT4_ARRAY),
            (&first, Type::INT8_ARRAY),
            (&second, Type::INT8_ARRAY),
        ],
    )?;
    let hash = |row: &postgres::Row| (row.get(0), [row.get(1), row.get(2)]);
    Ok(answer.iter().map(hash).collect())
}
