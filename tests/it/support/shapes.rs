//! Shapes of schemas, read as the program reads them.

use std::collections::BTreeMap;

use tenantry::model::desired::Cluster;
use tenantry::model::shape::Shape;
use tenantry::pg::settings;
use tenantry::pg::shape;
use tenantry::pg::wire::{Wire, begin_reading};

use super::database::Database;

/// The program's connection to a database.
pub fn wire(database: &Database) -> Wire {
    let url = database.direct_url();
    let target = settings::resolve(Some(&url), &Cluster::default(), &|_| None);
    Wire::connect(&target.expect("a URL")).expect("the server is there")
}

/// The `server_version_num`.
pub fn version(wire: &mut Wire) -> i32 {
    let sets = wire.simple("SHOW server_version_num").expect("a number");
    let text = sets[0].rows[0].get(0).expect("a number");
    text.parse().expect("a number")
}

/// The schema's OID.
pub fn oid(database: &Database, schema: &str) -> u32 {
    let sql = "SELECT oid FROM pg_namespace WHERE nspname = $1";
    let rows = database.admin().query(sql, &[&schema]);
    rows.expect("a catalog")[0].get(0)
}

/// The shapes of these schemas, by name.
pub fn read(database: &Database, schemas: &[String]) -> BTreeMap<String, Shape> {
    let mut wire = wire(database);
    let server = version(&mut wire);
    wire.run(&begin_reading()).expect("a transaction");
    let oids: Vec<u32> = schemas.iter().map(|schema| oid(database, schema)).collect();
    let mut shapes = shape::read(&mut wire, &oids, &[], &[], server).expect("schemas can be read");
    let named = schemas.iter().zip(oids);
    named
        .map(|(name, oid)| (name.clone(), shapes.remove(&oid).expect("it is there")))
        .collect()
}
