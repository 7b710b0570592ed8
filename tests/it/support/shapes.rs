//! Shapes of schemas, read as the program reads them.

use std::collections::BTreeMap;

use tenantry::model::desired::Cluster;
use tenantry::model::name::RoleName;
use tenantry::model::shape::Shape;
use tenantry::pg::settings;
use tenantry::pg::shape;
use tenantry::pg::wire::{Wire, begin_reading};

use super::database::Database;
use super::server::DEPLOY;

/// The table that is left out.
pub const HISTORY: &str = "refinery_schema_history";

/// The program's connection to a database.
pub fn wire(database: &Database) -> Wire {
    let target = settings::resolve(Some(&database.url()), &Cluster::default(), &|_| None);
    Wire::connect(&target.expect("a URL")).expect("the server is there")
}

/// The `server_version_num`.
pub fn version(wire: &mut Wire) -> i32 {
    let sets = wire.simple("SHOW server_version_num").expect("a number");
    let text = sets[0].rows[0].get(0).expect("a number");
    text.parse().expect("a number")
}

/// What [`DEPLOY`] reads of these schemas, by their names; those that it may not use are missing.
pub fn read<S: AsRef<str>>(database: &Database, schemas: &[S]) -> BTreeMap<String, Shape> {
    let wire = &mut wire(database);
    wire.run(&begin_reading()).expect("a transaction");
    let shapes = read_within(wire, database, schemas);
    wire.run("COMMIT").expect("nothing is wrong with it");
    shapes
}

/// The same within an open transaction.
pub fn read_within<S: AsRef<str>>(
    wire: &mut Wire,
    database: &Database,
    schemas: &[S],
) -> BTreeMap<String, Shape> {
    let wanted: Vec<&str> = schemas.iter().map(AsRef::as_ref).collect();
    let sql = "SELECT oid, nspname::text FROM pg_namespace WHERE nspname = ANY ($1)";
    let rows = database.admin().query(sql, &[&wanted]).expect("a catalog");
    let mut names: BTreeMap<u32, String> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let oids: Vec<u32> = names.keys().copied().collect();
    let reader = RoleName::new(DEPLOY).expect("a name");
    let server = version(wire);
    let shapes = shape::read(wire, &oids, &[HISTORY.to_owned()], &[reader], server);
    let shapes = shapes.expect("schemas can be read").into_iter();
    shapes
        .map(|(oid, shape)| (names.remove(&oid).expect("it was asked for"), shape))
        .collect()
}
