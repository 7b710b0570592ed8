//! What a database says beside what [`observe`](crate::observe) reads: the session, its rights, its room.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use postgres::types::Type;

use super::pooler::{self, Pooler};
use crate::error::Error;
use crate::model::desired::{Desired, Tenant};
use crate::model::name::{ClusterName, RoleName, SchemaName};
use crate::model::observed::LiveDatabase;
use crate::pg::catalog::{self, Capacity};
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::settings::Target;
use crate::pg::wire::{Wire, begin_reading};

/// What a database says of this session.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) way: Way,
    pub(super) pooler: Pooler,
    /// As in `SHOW server_version`.
    pub(super) version: String,
    pub(super) bypasses_rls: bool,
    /// Such as `TLSv1.3`; none in plain text.
    pub(super) encryption: Option<String>,
    /// None on a socket.
    pub(super) client: Option<String>,
    pub(super) in_recovery: bool,
    /// Of the server's clock before ours, in seconds.
    pub(super) clock_ahead: f64,
    pub(super) control_owner: Option<String>,
    /// Whether every table that a run writes may be written; none without a control schema.
    pub(super) control_writable: Option<bool>,
    pub(super) owners: Vec<Role>,
    /// Of the shared schemas, those that some owner has no USAGE on.
    pub(super) unusable: Vec<(String, String)>,
    pub(super) capacity: Capacity,
    /// Why the server can't watch whether its clients are still there.
    pub(super) cannot_watch: Option<String>,
}

/// Where a cluster is.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) cluster: &'a ClusterName,
    pub(super) target: &'a Target,
    pub(super) direct: Option<&'a Result<Target, Error>>,
}

/// What connection settings say of the way to where they lead.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) place: String,
    /// What gave them, such as `DATABASE_URL`.
    pub(super) origin: &'static str,
    pub(super) password: Option<&'static str>,
    /// Whether nothing leaves this machine.
    pub(super) is_local: bool,
    pub(super) encrypts: bool,
    pub(super) verifies: bool,
}

impl Way {
    fn of(target: &Target) -> Self {
        Self {
            place: target.place(),
            origin: target.origin(),
            password: target.password_source(),
            is_local: target.is_local(),
            encrypts: target.encrypts(),
            verifies: target.verifies(),
        }
    }
}

/// A role, as seen from the connecting one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Role {
    pub(super) name: RoleName,
    pub(super) exists: bool,
    pub(super) reachable: bool,
}

/// The tables of the control schema that an apply writes.
const WRITTEN: [&str; 6] = ["content", "ledger", "reference", "run", "step", "tenant"];

/// The tenants that live on a cluster.
pub(super) fn tenants_on<'a>(
    desired: &'a Desired,
    cluster: &ClusterName,
) -> impl Iterator<Item = &'a Tenant> {
    let tenants = desired.tenants.values();
    tenants.filter(move |tenant| tenant.cluster == *cluster)
}

/// The roles that own tenants on a cluster; a tenant that names none is the connecting role's.
pub(super) fn owners(desired: &Desired, cluster: &ClusterName) -> BTreeSet<RoleName> {
    tenants_on(desired, cluster)
        .filter_map(|tenant| tenant.owner.clone())
        .collect()
}

/// Reads the facts, on connections of its own.
pub(super) fn read(
    desired: &Desired,
    live: &LiveDatabase,
    place: &Place<'_>,
) -> Result<Facts, PgError> {
    let owners = owners(desired, place.cluster);
    let pooler = pooler::look(place.target, place.direct, owners.iter());
    Clients::new(place.target.clone()).with(|wire| {
        wire.run(&begin_reading())?;
        let mut facts = session(wire, place.target, pooler)?;
        facts.owners = roles(wire, owners.iter())?;
        let makers = owners.iter().chain([&live.server.role]);
        facts.unusable = unusable(wire, &desired.search_path, makers)?;
        wire.run("COMMIT")?;
        facts.cannot_watch = cannot_watch(wire)?;
        Ok(facts)
    })
}

fn session(wire: &mut Wire, target: &Target, pooler: Pooler) -> Result<Facts, PgError> {
    let written = WRITTEN.map(str::to_owned).to_vec();
    let rows = wire.typed(
        include_str!("../pg/queries/account.sql"),
        &[(&written, Type::TEXT_ARRAY)],
    )?;
    let row = rows
        .first()
        .ok_or_else(|| PgError::own("the server doesn't know its own role"))?;
    let encrypted: bool = row.get(2);
    Ok(Facts {
        way: Way::of(target),
        pooler,
        version: row.get(0),
        bypasses_rls: row.get(1),
        encryption: row.get::<_, Option<String>>(3).filter(|_| encrypted),
        client: row.get(4),
        in_recovery: row.get(5),
        clock_ahead: row.get::<_, f64>(6) - now().as_secs_f64(),
        control_owner: row.get(7),
        control_writable: row.get(8),
        owners: Vec::new(),
        unusable: Vec::new(),
        capacity: catalog::capacity(wire)?,
        cannot_watch: None,
    })
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// Roles, as seen from the connecting one.
pub(super) fn roles<'a>(
    wire: &mut Wire,
    names: impl Iterator<Item = &'a RoleName>,
) -> Result<Vec<Role>, PgError> {
    let names: Vec<String> = names.map(|name| name.as_str().to_owned()).collect();
    let sql = include_str!("../pg/queries/roles.sql");
    let rows = wire.typed(sql, &[(&names, Type::TEXT_ARRAY)])?;
    let role = |row: &postgres::Row| {
        Ok(Role {
            name: RoleName::new(row.get::<_, String>(0)).map_err(|bad| PgError::own(bad.0))?,
            exists: row.get(1),
            reachable: row.get(2),
        })
    };
    rows.iter().map(role).collect()
}

fn unusable<'a>(
    wire: &mut Wire,
    schemas: &[SchemaName],
    roles: impl Iterator<Item = &'a RoleName>,
) -> Result<Vec<(String, String)>, PgError> {
    let schemas: Vec<String> = schemas
        .iter()
        .map(|name| name.as_str().to_owned())
        .collect();
    let roles: Vec<String> = roles.map(|name| name.as_str().to_owned()).collect();
    let rows = wire.typed(
        include_str!("../pg/queries/schema_users.sql"),
        &[(&schemas, Type::TEXT_ARRAY), (&roles, Type::TEXT_ARRAY)],
    )?;
    Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
}

/// Not every system can tell a server that a client's socket was closed.
fn cannot_watch(wire: &mut Wire) -> Result<Option<String>, PgError> {
    let tried = wire.run("BEGIN READ ONLY; SET LOCAL client_connection_check_interval = 500");
    if let Err(error) = &tried
        && error.closed
    {
        return Err(error.clone());
    }
    wire.run("ROLLBACK")?;
    Ok(tried.err().map(|error| error.to_string()))
}
