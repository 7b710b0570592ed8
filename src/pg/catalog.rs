//! What a database says of itself: one typed function a query.
//!
//! `pg_catalog` only, each query for all tenants at once, so that their number doesn't grow with the fleet.

use std::collections::BTreeMap;
use std::sync::Arc;

use postgres::types::Type;
use uuid::Uuid;

use crate::model::name::{ExtensionName, RoleName, SchemaName, TableName, TemplateName, TenantId};
use crate::model::observed::{
    AvailableExtension, AvailableVersion, ControlTenant, InstalledExtension, Ran, ServerFacts,
};
use crate::model::template::ContentHash;

use super::error::PgError;
use super::wire::{Wire, begin_reading};

/// The oldest server that will do, as `server_version_num`: it ends what a killed client has left running
/// (`client_connection_check_interval`).
const OLDEST: i32 = 140_000;

fn check_version(number: i32) -> Result<(), PgError> {
    if number >= OLDEST {
        return Ok(());
    }
    let (major, minor) = (number / 10_000, number % 100);
    // Up to 9.6 a major version had two numbers.
    let version = if major < 10 {
        format!("{major}.{}", number / 100 % 100)
    } else {
        format!("{major}.{minor}")
    };
    Err(PgError {
        hint: Some("Upgrade the server.".to_owned()),
        ..PgError::own(format!(
            "the server is PostgreSQL {version}, and {} is the oldest that will do",
            OLDEST / 10_000
        ))
    })
}

/// Reads what server, database and role this connection ended at.
///
/// # Errors
/// The server's; and that it is too old.
pub fn server(wire: &mut Wire) -> Result<ServerFacts, PgError> {
    let rows = wire.typed(include_str!("queries/server.sql"), &[])?;
    let row = rows
        .first()
        .ok_or_else(|| PgError::own("the server doesn't know its own database"))?;
    check_version(row.get(0))?;
    let may_identify: bool = row.get(7);
    let mut facts = ServerFacts {
        version_num: row.get(0),
        database: row.get(1),
        system_identifier: row.get(8),
        database_oid: row.get(2),
        role: named(RoleName::new(row.get::<_, String>(3)))?,
        superuser: row.get(4),
        may_create: row.get(5),
        read_only: row.get(6),
    };
    if may_identify {
        facts.system_identifier = system_identifier(wire)?;
    }
    Ok(facts)
}

fn system_identifier(wire: &mut Wire) -> Result<String, PgError> {
    let sql = "SELECT system_identifier::text FROM pg_catalog.pg_control_system()";
    let rows = wire.typed(sql, &[])?;
    Ok(rows.first().map(|row| row.get(0)).unwrap_or_default())
}

/// The control schema as far as this role may read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlTables {
    Absent,
    /// The schema was made beforehand and is empty. It is the connecting role's own, or will let it read its tables.
    Prepared {
        ours: bool,
    },
    Unreadable(String),
    Readable,
}

/// The tables of the control schema that every reader needs.
const CONTROL_TABLES: [&str; 3] = ["fleet", "schema_history", "tenant"];

/// Whether there is a control schema, and whether this role may read it.
pub fn control_tables(wire: &mut Wire) -> Result<ControlTables, PgError> {
    let wanted = CONTROL_TABLES.map(str::to_owned).to_vec();
    let rows = wire.typed(
        include_str!("queries/control_state.sql"),
        &[(&wanted, Type::TEXT_ARRAY)],
    )?;
    let Some(row) = rows.first() else {
        return Ok(ControlTables::Absent);
    };
    let (empty, ours, for_us): (bool, bool, bool) = (row.get(3), row.get(4), row.get(5));
    if empty && (ours || for_us) {
        return Ok(ControlTables::Prepared { ours });
    }
    if !row.get::<_, bool>(1) {
        let words = "the connecting role has no USAGE on schema tenantry";
        return Ok(ControlTables::Unreadable(words.to_owned()));
    }
    let readable: Vec<String> = row.get(2);
    let unread = wanted.iter().find(|table| !readable.contains(*table));
    Ok(unread.map_or(ControlTables::Readable, |table| {
        ControlTables::Unreadable(format!(
            "table tenantry.{table} is missing, or SELECT on it isn't granted"
        ))
    }))
}

/// Whose control schema this is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetRow {
    pub fleet: String,
    pub repository: Option<String>,
    /// The newest control migration.
    pub version: i64,
    /// Roles that were let read the tenants.
    pub readers: Vec<RoleName>,
}

/// The `fleet` row, if there is one.
pub fn fleet(wire: &mut Wire) -> Result<Option<FleetRow>, PgError> {
    let rows = wire.typed(include_str!("queries/fleet.sql"), &[])?;
    rows.first().map(fleet_row).transpose()
}

fn fleet_row(row: &postgres::Row) -> Result<FleetRow, PgError> {
    let readers: Vec<String> = row.get(3);
    Ok(FleetRow {
        fleet: row.get(0),
        repository: row.get(1),
        version: row.get::<_, Option<i64>>(2).unwrap_or(0),
        readers: readers
            .into_iter()
            .map(|name| named(RoleName::new(name)))
            .collect::<Result<_, _>>()?,
    })
}

/// The rows of `tenantry.tenant`, of these tenants or of all. What ran on them is for [`applied`] to read.
pub fn tenants(
    wire: &mut Wire,
    only: Option<&[String]>,
) -> Result<BTreeMap<TenantId, ControlTenant>, PgError> {
    let rows = wire.typed(
        include_str!("queries/tenants.sql"),
        &[(&only, Type::TEXT_ARRAY)],
    )?;
    rows.iter().map(control_tenant).collect()
}

/// Whether a table of the control schema is there and this role may read it.
pub fn may_read(wire: &mut Wire, table: &str) -> Result<bool, PgError> {
    let sql = "SELECT COALESCE(pg_catalog.has_table_privilege(pg_catalog.to_regclass('tenantry.' || $1), 'SELECT'), false)";
    let rows = wire.typed(sql, &[(&table, Type::TEXT)])?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}

/// Reads what ran on these tenants, where the role may.
pub fn applied(
    wire: &mut Wire,
    only: Option<&[String]>,
    tenants: &mut BTreeMap<TenantId, ControlTenant>,
) -> Result<(), PgError> {
    if !may_read(wire, "ledger")? {
        return Ok(());
    }
    let sql = include_str!("queries/applied.sql");
    let mut applied: BTreeMap<Uuid, Arc<[Ran]>> = BTreeMap::new();
    for row in wire.typed(sql, &[(&only, Type::TEXT_ARRAY)])? {
        if let Some(ran) = since_made(row.get(0)) {
            let of = row.get::<_, Vec<Uuid>>(1).into_iter();
            applied.extend(of.map(|tenant| (tenant, Arc::clone(&ran))));
        }
    }
    for tenant in tenants.values_mut() {
        tenant.applied = applied.remove(&tenant.uid);
    }
    Ok(())
}

/// What follows the last asterisk, which stands for the template; `None` without one.
fn since_made(ran: &str) -> Option<Arc<[Ran]>> {
    let (_, since) = ran.rsplit_once('*')?;
    let migration = |words: &str| {
        let (version, content) = words.split_once(':')?;
        Some(Ran {
            version: version.parse().ok()?,
            content: ContentHash(content.to_owned()),
        })
    };
    since.split_whitespace().map(migration).collect()
}

fn control_tenant(row: &postgres::Row) -> Result<(TenantId, ControlTenant), PgError> {
    let values: String = row.get(9);
    let tenant = ControlTenant {
        uid: row.get::<_, Uuid>(1),
        schema: named(SchemaName::new(row.get::<_, String>(2)))?,
        owner: named(RoleName::new(row.get::<_, String>(3)))?,
        template: named(TemplateName::new(row.get::<_, String>(4)))?,
        template_address: ContentHash(row.get(5)),
        history_table: named(TableName::new(row.get::<_, String>(6)))?,
        state: row.get(7),
        generation: row.get(8),
        values: serde_json::from_str(&values)
            .map_err(|error| PgError::own(format!("tenantry.tenant.values: {error}")))?,
        applied: None,
    };
    Ok((named(TenantId::new(row.get::<_, String>(0)))?, tenant))
}

/// A schema, and its history table where it has one.
#[derive(Clone, Debug)]
pub struct SchemaRow {
    pub oid: u32,
    pub schema: SchemaName,
    pub owner: RoleName,
    pub usable: bool,
    pub history: Option<HistoryTable>,
}

impl SchemaRow {
    /// Whether the connecting role may read the history without becoming another.
    #[must_use]
    pub fn reads_as_it_is(&self) -> bool {
        self.usable && self.history.as_ref().is_some_and(|table| table.selectable)
    }
}

/// A table with a history's name.
#[derive(Clone, Debug)]
pub struct HistoryTable {
    pub name: String,
    /// There if the connecting role may become it.
    pub owner: Option<RoleName>,
    pub selectable: bool,
    pub kind: String,
    /// `name type, …` in column order.
    pub columns: String,
}

/// Every schema but PostgreSQL's own; one row a history table of these names, or one without.
pub fn schemas(
    wire: &mut Wire,
    history_tables: &[String],
    only: Option<&[String]>,
) -> Result<Vec<SchemaRow>, PgError> {
    let tables = history_tables.to_vec();
    let rows = wire.typed(
        include_str!("queries/schemas.sql"),
        &[(&tables, Type::TEXT_ARRAY), (&only, Type::TEXT_ARRAY)],
    )?;
    rows.iter().map(schema_row).collect()
}

fn schema_row(row: &postgres::Row) -> Result<SchemaRow, PgError> {
    let table = |name| {
        let owner = row.get::<_, Option<String>>(8).map(RoleName::new);
        Ok::<_, PgError>(HistoryTable {
            name,
            owner: owner.map(named).transpose()?,
            selectable: row.get(5),
            kind: row.get(6),
            columns: row.get::<_, Option<String>>(7).unwrap_or_default(),
        })
    };
    let history = row.get::<_, Option<String>>(4).map(table).transpose()?;
    Ok(SchemaRow {
        oid: row.get(0),
        schema: named(SchemaName::new(row.get::<_, String>(1)))?,
        owner: named(RoleName::new(row.get::<_, String>(2)))?,
        usable: row.get(3),
        history,
    })
}

/// The extensions that are installed.
pub fn extensions(wire: &mut Wire) -> Result<BTreeMap<ExtensionName, InstalledExtension>, PgError> {
    let rows = wire.typed(include_str!("queries/extensions.sql"), &[])?;
    rows.iter()
        .map(|row| {
            let installed = InstalledExtension {
                version: row.get(1),
                schema: named(SchemaName::new(row.get::<_, String>(2)))?,
            };
            Ok((
                named(ExtensionName::new(row.get::<_, String>(0)))?,
                installed,
            ))
        })
        .collect()
}

/// What the server could install. A file placed by hand may be missing here (Debian's `extension_destdir`).
pub fn available(wire: &mut Wire) -> Result<BTreeMap<ExtensionName, AvailableExtension>, PgError> {
    let rows = wire.typed(include_str!("queries/available_extensions.sql"), &[])?;
    let mut available: BTreeMap<ExtensionName, AvailableExtension> = BTreeMap::new();
    for row in &rows {
        let name = named(ExtensionName::new(row.get::<_, String>(0)))?;
        let extension = available.entry(name).or_default();
        extension.default_version = row.get(5);
        extension
            .versions
            .insert(row.get(1), available_version(row)?);
    }
    Ok(available)
}

fn available_version(row: &postgres::Row) -> Result<AvailableVersion, PgError> {
    let requires: Option<Vec<String>> = row.get(4);
    Ok(AvailableVersion {
        superuser: row.get(2),
        trusted: row.get(3),
        requires: requires
            .unwrap_or_default()
            .into_iter()
            .map(|name| named(ExtensionName::new(name)))
            .collect::<Result<_, _>>()?,
    })
}

/// The versions each of these installed extensions can be updated to.
pub fn update_targets(
    wire: &mut Wire,
    names: &[String],
) -> Result<BTreeMap<ExtensionName, Vec<String>>, PgError> {
    let names = names.to_vec();
    let rows = wire.typed(
        include_str!("queries/extension_updates.sql"),
        &[(&names, Type::TEXT_ARRAY)],
    )?;
    let mut targets: BTreeMap<ExtensionName, Vec<String>> = BTreeMap::new();
    for row in &rows {
        let name = named(ExtensionName::new(row.get::<_, String>(0)))?;
        targets.entry(name).or_default().push(row.get(1));
    }
    Ok(targets)
}

/// Of these roles the first that the connecting role can't become, and whether it exists.
pub fn unreachable_owner(
    wire: &mut Wire,
    owners: &[String],
) -> Result<Option<(String, bool)>, PgError> {
    let owners = owners.to_vec();
    let rows = wire.typed(
        include_str!("queries/unreachable_owners.sql"),
        &[(&owners, Type::TEXT_ARRAY)],
    )?;
    Ok(rows.first().map(|row| (row.get(0), row.get(1))))
}

/// How much room a server has left, this session counted as room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// Connections that are neither used nor reserved.
    pub free: i64,
    /// What the connecting role's CONNECTION LIMIT leaves, if it has one.
    pub free_of_role: Option<i64>,
    /// What the database's CONNECTION LIMIT leaves, if it has one.
    pub free_in_database: Option<i64>,
    /// `max_locks_per_transaction`; times `lock_holders` it is the size of the lock table.
    pub max_locks: i64,
    /// `max_connections` and `max_prepared_transactions`.
    pub lock_holders: i64,
}

/// Reads how much room the server has; behind a pooler its own bounds come on top.
pub fn capacity(wire: &mut Wire) -> Result<Capacity, PgError> {
    let rows = wire.typed(include_str!("queries/capacity.sql"), &[])?;
    let row = rows
        .first()
        .ok_or_else(|| PgError::own("the server doesn't know its own role"))?;
    Ok(Capacity {
        free: row.get(0),
        free_of_role: row.get(1),
        free_in_database: row.get(2),
        max_locks: row.get(3),
        lock_holders: row.get(4),
    })
}

/// Who holds an advisory lock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockHolder {
    pub pid: i32,
    pub user: Option<String>,
    pub application: Option<String>,
    pub client: Option<String>,
    pub since: Option<String>,
}

impl std::fmt::Display for LockHolder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let word = |text: &Option<String>| text.clone().unwrap_or_else(|| "?".to_owned());
        write!(
            f,
            "pid {}, user {}, application {}",
            self.pid,
            word(&self.user),
            word(&self.application)
        )?;
        if let Some(client) = &self.client {
            write!(f, ", client {client}")?;
        }
        write!(f, ", since {}", word(&self.since))
    }
}

/// Whether anyone holds the advisory locks of these keys, in their order.
pub fn held(wire: &mut Wire, keys: &[String]) -> Result<Vec<bool>, PgError> {
    let rows = wire.typed(
        include_str!("queries/held_locks.sql"),
        &[(&keys.to_vec(), Type::TEXT_ARRAY)],
    )?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Who holds the advisory lock of this key, if anyone still does. In a transaction of its own.
pub fn lock_holder(wire: &mut Wire, key: &str) -> Result<Option<LockHolder>, PgError> {
    wire.run(&begin_reading())?;
    let rows = wire.typed(
        include_str!("queries/lock_holder.sql"),
        &[(&key, Type::TEXT)],
    )?;
    wire.run("COMMIT")?;
    Ok(rows.first().map(|row| LockHolder {
        pid: row.get(0),
        user: row.get(1),
        application: row.get(2),
        client: row.get(3),
        since: row.get(4),
    }))
}

/// A name the server gave us and that doesn't fit our rules is an error with its place, never a panic.
fn named<T>(name: Result<T, crate::model::name::BadName>) -> Result<T, PgError> {
    name.map_err(|error| {
        PgError::own(format!(
            "the database holds a name tenantry can't use: {error}"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tenant_counts_from_its_last_template() {
        let since = |ran| {
            let ran = since_made(ran)?;
            let words = ran
                .iter()
                .map(|one| format!("{}{}", one.content, one.version));
            Some(words.collect::<Vec<_>>())
        };
        let found = |words: &[&str]| Some(words.iter().map(ToString::to_string).collect());
        assert_eq!(since("* 1:a 2:b"), found(&["a1", "b2"]));
        assert_eq!(since("* 1:a * 2:b"), found(&["b2"]));
        assert_eq!(since("* 1:a *"), found(&[]));
        assert_eq!(since("1:a 2:b"), None);
    }

    #[test]
    fn servers_before_14_are_refused_by_name() {
        for good in [140_000, 150_018, 180_006] {
            assert_eq!(check_version(good), Ok(()), "{good}");
        }
        for (number, version) in [(139_999, "13.99"), (130_004, "13.4"), (90_624, "9.6")] {
            let words = check_version(number).unwrap_err().message;
            assert!(words.contains(&format!("PostgreSQL {version},")), "{words}");
        }
    }
}
