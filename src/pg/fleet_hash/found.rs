//! What the connections have learned so far.

use crate::model::observed::Unreadable;
use crate::pg::error::PgError;
use std::collections::BTreeMap;

use super::Keys;

/// An object whose deparsed text is still to be hashed.
#[derive(Clone, Copy, Debug)]
pub struct Object {
    pub leg: i32,
    pub oid: u32,
    pub seeds: [i64; 2],
}

/// A schema and its objects.
pub type Open = (u32, Vec<Object>);

#[derive(Debug, Default)]
pub struct Found {
    hashes: BTreeMap<u32, [i64; 2]>,
    pub open: BTreeMap<u32, Vec<Object>>,
    pub unreadable: BTreeMap<u32, Unreadable>,
}

impl Found {
    /// Takes one more hash into a schema's.
    pub fn mix(&mut self, schema: u32, [h0, h1]: [i64; 2]) {
        let hash = self.hashes.entry(schema).or_default();
        *hash = [hash[0] ^ h0, hash[1] ^ h1];
    }

    /// Takes in a row of a sweep.
    pub fn take_in(&mut self, leg: i32, row: &postgres::Row) {
        let seeds = [row.get(0), row.get(1)];
        let schemas: Vec<u32> = row.get(2);
        let Some(objects) = row.get::<_, Option<Vec<u32>>>(3) else {
            for schema in schemas {
                self.mix(schema, seeds);
            }
            return;
        };
        for (schema, oid) in schemas.into_iter().zip(objects) {
            let object = Object { leg, oid, seeds };
            self.open.entry(schema).or_default().push(object);
        }
    }

    /// What it all comes to for these schemas.
    pub fn keys(mut self, schemas: &[u32]) -> Keys {
        let mut keys = Keys {
            unreadable: self.unreadable,
            ..Keys::default()
        };
        for schema in schemas
            .iter()
            .filter(|schema| !keys.unreadable.contains_key(schema))
        {
            match self.hashes.remove(schema) {
                Some(hash) => keys.by_schema.insert(*schema, joined(hash)),
                None => continue,
            };
        }
        for schema in schemas {
            if !keys.by_schema.contains_key(schema) {
                let gone = || (&PgError::own("the schema doesn't exist any more")).into();
                keys.unreadable.entry(*schema).or_insert_with(gone);
            }
        }
        keys
    }
}

fn joined([h0, h1]: [i64; 2]) -> u128 {
    (u128::from(h0.cast_unsigned()) << 64) | u128::from(h1.cast_unsigned())
}
