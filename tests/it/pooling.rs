//! Everything per tenant is right through a PgBouncer in transaction mode.

use crate::support::fleet::Fleet;
use crate::support::pooler::{Pooler, Pooling};

#[test]
fn a_fleet_is_made_and_migrated_with_fewer_server_connections_than_workers() {
    let mut fleet = Fleet::small(&["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9"]);
    let pooler = Pooler::start(Pooling::of(3));
    fleet
        .env
        .push(("DATABASE_URL".to_owned(), pooler.url(&fleet.database.name)));
    fleet.apply(0);
    fleet.expect_no_changes();
    fleet.migration("V1__more.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    fleet.apply(0);
    fleet.expect_no_changes();
}
