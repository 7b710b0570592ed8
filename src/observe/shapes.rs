//! The shapes of many schemas of one database: a key each, and a whole shape for a group of equals.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::model::name::{RoleName, SchemaName, SqlName as _, TableName};
use crate::model::observed::{LiveShapes, ShapeGroup, Unreadable};
use crate::model::shape::Shape;
use crate::model::template::ContentHash;
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::fleet_hash;
use crate::pg::shape;
use crate::pg::wire::{Wire, begin_reading};

/// What is read, and what of it isn't a tenant's own.
#[derive(Clone, Copy, Debug)]
pub struct Sought<'a> {
    pub schemas: &'a BTreeMap<SchemaName, Place>,
    /// Who was let read the tenants.
    pub readers: &'a [RoleName],
    /// `server_version_num`.
    pub server: i32,
}

/// A schema whose shape is read.
#[derive(Clone, Debug)]
pub struct Place {
    pub oid: u32,
    pub owner: RoleName,
    pub history_table: TableName,
}

/// So few schemas are read whole at once: the fleet-wide queries look through every catalog.
pub const FEW: usize = 16;

/// Schemas a connection deparses before it is closed: what it has read stays in its memory, about half a megabyte
/// a schema.
const PER_CONNECTION: usize = 100;

/// Connections that read whole shapes at once.
const READERS: usize = 2;

/// Reads the shapes of these schemas, each group of equals once.
///
/// # Errors
/// The server's, where it isn't about single schemas.
pub fn read(clients: &Clients, sought: Sought<'_>) -> Result<LiveShapes, PgError> {
    let mut unreadable = BTreeMap::new();
    let groups = groups(clients, sought, &mut unreadable)?;
    let firsts: Vec<u32> = groups.iter().map(|group| group[0].1).collect();
    let mut whole = whole(clients, sought, &firsts)?;
    let mut alike: BTreeMap<ContentHash, ShapeGroup> = BTreeMap::new();
    for group in groups {
        let schemas = group.iter().map(|(schema, _)| (*schema).clone());
        match whole.remove(&group[0].1) {
            Some(Ok(shape)) => join(&mut alike, schemas.collect(), shape),
            Some(Err(why)) => unreadable.extend(schemas.map(|schema| (schema, why.clone()))),
            None => {
                let gone = PgError::own(
                    "it is gone, or neither the connecting role nor its owner may use it",
                );
                unreadable.extend(schemas.map(|schema| (schema, (&gone).into())));
            }
        }
    }
    Ok(LiveShapes {
        groups: alike.into_values().collect(),
        unreadable,
    })
}

type Named<'a> = (&'a SchemaName, u32);

/// Schemas by key, each group and its members in the order of names.
fn groups<'a>(
    clients: &Clients,
    sought: Sought<'a>,
    unreadable: &mut BTreeMap<SchemaName, Unreadable>,
) -> Result<Vec<Vec<Named<'a>>>, PgError> {
    let named = sought.schemas.iter();
    let named = named.map(|(schema, place)| (schema, place.oid));
    if sought.schemas.len() <= FEW {
        return Ok(named.map(|one| vec![one]).collect());
    }
    let schemas = sought.schemas.values();
    let (oids, tables): (Vec<u32>, Vec<String>) = schemas
        .map(|place| (place.oid, place.history_table.as_str().to_owned()))
        .unzip();
    let keys = fleet_hash::keys(clients, &oids, sought.readers, &tables, sought.server)?;
    let mut groups: BTreeMap<u128, Vec<Named<'a>>> = BTreeMap::new();
    for (schema, oid) in named {
        if let Some(key) = keys.by_schema.get(&oid) {
            groups.entry(*key).or_default().push((schema, oid));
        } else if let Some(why) = keys.unreadable.get(&oid) {
            unreadable.insert(schema.clone(), why.clone());
        }
    }
    Ok(groups.into_values().collect())
}

/// Groups whose keys differ may be equal all the same, as when one has had a column more once.
fn join(alike: &mut BTreeMap<ContentHash, ShapeGroup>, schemas: Vec<SchemaName>, shape: Shape) {
    let known = match alike.entry(shape.fingerprint()) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(new) => {
            new.insert(ShapeGroup { schemas, shape });
            return;
        }
    };
    if schemas[0] < known.schemas[0] {
        known.shape = shape;
    }
    known.schemas.extend(schemas);
    known.schemas.sort();
}

/// Shapes by oid, with the server's words where one can't be read.
pub type Whole = BTreeMap<u32, Result<Shape, Unreadable>>;

/// Reads whole shapes, with the server's words where one can't be read.
///
/// # Errors
/// The server's, where it isn't about single schemas.
pub fn whole(clients: &Clients, sought: Sought<'_>, oids: &[u32]) -> Result<Whole, PgError> {
    if oids.len() <= PER_CONNECTION {
        return clients.with(|wire| some(wire, sought, oids));
    }
    let next = AtomicUsize::new(0);
    let chunks: Vec<&[u32]> = oids.chunks(PER_CONNECTION).collect();
    let work = || -> Result<Whole, PgError> {
        let mut read = Whole::new();
        while let Some(chunk) = chunks.get(next.fetch_add(1, Ordering::Relaxed)) {
            read.append(&mut some(&mut clients.connect()?, sought, chunk)?);
        }
        Ok(read)
    };
    thread::scope(|scope| {
        let readers: Vec<_> = (0..READERS).map(|_| scope.spawn(work)).collect();
        let mut all = Whole::new();
        for reader in readers {
            let read = reader
                .join()
                .unwrap_or_else(|_| Err(PgError::own("reading shapes panicked")));
            all.append(&mut read?);
        }
        Ok(all)
    })
}

/// Reads some on one connection; one that can't be read doesn't hide the others.
fn some(wire: &mut Wire, sought: Sought<'_>, oids: &[u32]) -> Result<Whole, PgError> {
    let mut read = split(wire, sought, oids, None)?;
    for (owner, oids) in without_usage(sought, oids, &read) {
        read.append(&mut split(wire, sought, &oids, Some(owner))?);
    }
    Ok(read)
}

/// Schemas that the connecting role may not use, by their owners: a member that doesn't inherit is to become the
/// owner first.
fn without_usage<'a>(
    sought: Sought<'a>,
    oids: &[u32],
    read: &Whole,
) -> BTreeMap<&'a RoleName, Vec<u32>> {
    let mut by_owner: BTreeMap<&RoleName, Vec<u32>> = BTreeMap::new();
    let wanted: BTreeSet<u32> = oids.iter().copied().collect();
    let missing = |place: &&Place| wanted.contains(&place.oid) && !read.contains_key(&place.oid);
    for place in sought.schemas.values().filter(missing) {
        by_owner.entry(&place.owner).or_default().push(place.oid);
    }
    by_owner
}

fn split(
    wire: &mut Wire,
    sought: Sought<'_>,
    oids: &[u32],
    role: Option<&RoleName>,
) -> Result<Whole, PgError> {
    match together(wire, sought, oids, role) {
        Ok(shapes) => {
            let shapes = shapes.into_iter();
            return Ok(shapes.map(|(oid, shape)| (oid, Ok(shape))).collect());
        }
        Err(error) if error.closed => return Err(error),
        Err(error) if oids.len() == 1 => {
            return Ok(Whole::from([(oids[0], Err((&error).into()))]));
        }
        Err(_) => {}
    }
    let (left, right) = oids.split_at(oids.len() / 2);
    let mut read = split(wire, sought, left, role)?;
    read.append(&mut split(wire, sought, right, role)?);
    Ok(read)
}

fn together(
    wire: &mut Wire,
    sought: Sought<'_>,
    oids: &[u32],
    role: Option<&RoleName>,
) -> Result<BTreeMap<u32, Shape>, PgError> {
    let tables = sought.schemas.values();
    let tables: BTreeSet<&str> = tables.map(|place| place.history_table.as_str()).collect();
    let tables: Vec<String> = tables.into_iter().map(str::to_owned).collect();
    let role = role.map(|role| format!("SET LOCAL ROLE {}", role.quoted()));
    wire.run(&format!("{}{}", begin_reading(), role.unwrap_or_default()))
        .and_then(|()| shape::read(wire, oids, &tables, sought.readers, sought.server))
        .and_then(|shapes| wire.run("COMMIT").map(|()| shapes))
        .or_else(|error| {
            if !error.closed {
                wire.run("ROLLBACK")?;
            }
            Err(error)
        })
}
