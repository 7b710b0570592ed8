//! Makes the control schema, or brings it to this binary's version.

use refinery_core::Migration;

use crate::model::name::{FleetName, quote_literal};
use crate::pg::catalog::{self, ControlTables};
use crate::pg::error::PgError;
use crate::pg::runner::{self, Recorded, Script, Text};
use crate::pg::wire::{OWN_PATH, Wire};

use super::VERSION;

mod embedded {
    refinery::embed_migrations!("src/control/migrations");
}

/// Where the control schema's own migrations are recorded.
const HISTORY: &str = "\"tenantry\".\"schema_history\"";

/// The embedded migrations above a version, ascending.
fn pending(from: i64) -> Vec<Migration> {
    let mut migrations = embedded::migrations::runner().get_migrations().clone();
    migrations.retain(|migration| migration.version() > from);
    migrations.sort();
    migrations
}

/// Makes the control schema of `fleet` in the open transaction.
pub fn create(wire: &mut Wire, fleet: &FleetName) -> Result<(), PgError> {
    match catalog::control_tables(wire)? {
        ControlTables::Prepared { ours: true } => {}
        // Its owner could drop what is in it.
        ControlTables::Prepared { ours: false } => {
            let words = "the schema \"tenantry\" was made for another role than the connecting one";
            return Err(PgError::own(words));
        }
        _ => wire.run("CREATE SCHEMA tenantry")?,
    }
    let identity = format!(
        "{OWN_PATH}; INSERT INTO tenantry.fleet (fleet, format) VALUES ({}, {VERSION})",
        quote_literal(fleet.as_str())
    );
    migrate(wire, 0, identity)
}

/// Runs the embedded migrations above `from` in the open transaction.
pub fn upgrade(wire: &mut Wire, from: i64) -> Result<(), PgError> {
    let format = format!("{OWN_PATH}; UPDATE tenantry.fleet SET format = {VERSION}");
    migrate(wire, from, format)
}

fn migrate(wire: &mut Wire, from: i64, tail: String) -> Result<(), PgError> {
    let pin = "SET LOCAL search_path = tenantry, pg_temp".to_owned();
    let script = Script {
        history_table: HISTORY.to_owned(),
        new_history: from == 0,
        between: pin.clone(),
        pin,
        migrations: pending(from).into_iter().map(recorded).collect(),
        tail,
        ..Script::default()
    };
    runner::run(wire, &script).map_err(|(error, _)| error)
}

fn recorded(migration: Migration) -> Recorded {
    let sql = migration.sql().unwrap_or_default().to_owned();
    Recorded {
        migration,
        run: Some(Text {
            file: 0,
            settings: String::new(),
            sql,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn version_is_the_newest_embedded_migration() {
        assert_eq!(pending(0).last().map(Migration::version), Some(VERSION));
        assert!(pending(VERSION).is_empty());
    }
}
