//! The SQL that gives a fleet's two roles what they need, and no more.
//!
//! The operator plans and applies. It becomes the owners where it says so, and has none of their rights otherwise:
//! since PostgreSQL 16 a membership says that itself (`INHERIT FALSE, SET TRUE`).
//!
//! The reader plans. It sees the control schema, and of every tenant's schema the history alone. Default privileges
//! can't name a table, and SELECT on all tables that an owner will make would show it the tenants' data; so they are
//! used in the control schema only, and an apply gives the history of each new tenant to those who may read
//! `tenantry.tenant`. The control schema is made beforehand, so that the reader needs no grant after the first apply.

use std::collections::BTreeSet;

use super::facts::{self, owners};
use super::target;
use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::membership::{self, Membership};
use crate::model::name::{ClusterName, RoleName, SqlName, quote_ident_visibly};
use crate::model::observed::{ControlState, LiveDatabase, LiveHistory};
use crate::observe::{self, Targets};
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::wire::begin_reading;

/// The roles that are granted something.
#[derive(Clone, Debug)]
pub struct Roles {
    /// The connecting role, or `tenantry_operator` where that is a superuser, unless said otherwise.
    pub operator: Option<RoleName>,
    pub reader: RoleName,
}

/// The operator's name where none is given and the connecting role is a superuser.
const OPERATOR: &str = "tenantry_operator";

/// The reader's name where none is given.
pub const READER: &str = "tenantry_reader";

/// The SQL for every database of the fleet, to be run there by a superuser. `query_on` is where `tenants_from` asks.
///
/// # Errors
/// A database that can't be reached, or whose control schema can't be read: what is missing there isn't known.
pub fn sql(
    desired: &Desired,
    targets: &Targets,
    roles: &Roles,
    query_on: Option<&ClusterName>,
) -> Result<String, Error> {
    let observed = observe::observe(desired, targets);
    let mut parts = Vec::new();
    let mut made = Made::new();
    for (cluster, live) in &observed.databases {
        let live = live.as_ref().map_err(|why| {
            let error = Error::failed(format!("cluster {cluster}: {}", why.message));
            let hint = why
                .hint
                .as_deref()
                .unwrap_or("Check where the cluster leads.");
            error.hint(hint)
        })?;
        let script = Script {
            desired,
            cluster,
            live,
            operator: operator(roles, live)?,
            reader: &roles.reader,
            existing: existing(desired, targets, cluster, roles, live)?,
            has_query: query_on == Some(cluster),
        };
        parts.push(script.write(&mut made)?);
    }
    Ok(parts.join("\n"))
}

fn operator(roles: &Roles, live: &LiveDatabase) -> Result<RoleName, Error> {
    match &roles.operator {
        Some(operator) => Ok(operator.clone()),
        None if live.server.superuser => {
            RoleName::new(OPERATOR).map_err(|bad| Error::failed(bad.0))
        }
        None => Ok(live.server.role.clone()),
    }
}

/// Of the roles that the script is about, those that exist.
fn existing(
    desired: &Desired,
    targets: &Targets,
    cluster: &ClusterName,
    roles: &Roles,
    live: &LiveDatabase,
) -> Result<BTreeSet<RoleName>, Error> {
    let mut names = owners(desired, cluster);
    names.extend([operator(roles, live)?, roles.reader.clone()]);
    let target = target(targets, cluster)?.clone();
    let found = Clients::new(target).with(|wire| {
        wire.run(&begin_reading())?;
        let found = facts::roles(wire, names.iter())?;
        wire.run("COMMIT")?;
        Ok(found)
    });
    let found =
        found.map_err(|error: PgError| Error::failed(format!("cluster {cluster}: {error}")))?;
    let found = found.into_iter().filter(|role| role.exists);
    Ok(found.map(|role| role.name).collect())
}

/// One database's part.
struct Script<'a> {
    desired: &'a Desired,
    cluster: &'a ClusterName,
    live: &'a LiveDatabase,
    operator: RoleName,
    reader: &'a RoleName,
    existing: BTreeSet<RoleName>,
    has_query: bool,
}

fn quoted(name: &impl SqlName) -> String {
    quote_ident_visibly(name.as_str())
}

/// Roles that an earlier part makes, by the identity of their server.
type Made = BTreeSet<(String, RoleName)>;

impl Script<'_> {
    fn write(&self, made: &mut Made) -> Result<String, Error> {
        let mut lines = vec![
            format!(
                "-- Cluster {} of fleet {}: to be run in its database by a superuser, or by",
                self.cluster, self.desired.fleet
            ),
            "-- whoever owns the database and may make roles. A second run changes nothing."
                .to_owned(),
        ];
        self.operator(&mut lines, made);
        self.control(&mut lines)?;
        self.reader(&mut lines, made);
        if self.has_query {
            let words =
                "-- Both need SELECT on what the query of `tenants_from` reads; grant it by hand.";
            lines.extend([String::new(), words.to_owned()]);
        }
        Ok(lines.join("\n") + "\n")
    }

    fn make(&self, lines: &mut Vec<String>, made: &mut Made, role: &RoleName, attributes: &str) {
        let server = self.live.server.system_identifier.clone();
        if !self.existing.contains(role) && made.insert((server, role.clone())) {
            lines.push(format!("CREATE ROLE {} {attributes};", quoted(role)));
        }
    }

    fn operator(&self, lines: &mut Vec<String>, made: &mut Made) {
        let operator = quoted(&self.operator);
        lines.extend([
            String::new(),
            "-- The operator: plans and applies.".to_owned(),
        ]);
        self.make(lines, made, &self.operator, LOGIN);
        lines.push(format!(
            "GRANT CONNECT, CREATE ON DATABASE {} TO {operator};",
            self.database()
        ));
        for owner in owners(self.desired, self.cluster) {
            if owner == self.operator {
                continue;
            }
            self.make(lines, made, &owner, "NOLOGIN NOSUPERUSER NOBYPASSRLS");
            lines.push(self.membership(&owner, Membership::Become));
        }
        self.shared_schemas(lines);
    }

    /// What makes the operator a member of a role.
    fn membership(&self, role: &RoleName, kind: Membership) -> String {
        let major = self.live.server.major();
        membership::grant(role.as_str(), self.operator.as_str(), kind, major)
    }

    /// Files run as the owner, who needs the shared schemas that they name.
    fn shared_schemas(&self, lines: &mut Vec<String>) {
        let mut users = owners(self.desired, self.cluster);
        let ownerless = |tenant: &crate::model::desired::Tenant| tenant.owner.is_none();
        if facts::tenants_on(self.desired, self.cluster).any(ownerless) {
            users.insert(self.operator.clone());
        }
        let there = self
            .desired
            .search_path
            .iter()
            .filter(|schema| self.live.schemas.contains_key(*schema));
        for schema in there {
            for user in &users {
                lines.push(format!(
                    "GRANT USAGE ON SCHEMA {} TO {};",
                    quoted(schema),
                    quoted(user)
                ));
            }
        }
    }

    fn control(&self, lines: &mut Vec<String>) -> Result<(), Error> {
        let operator = quoted(&self.operator);
        match (&self.live.control, self.control_owner()) {
            (ControlState::Unreadable(words), _) => {
                let message = format!(
                    "cluster {}: the control schema can't be read: {words}",
                    self.cluster
                );
                return Err(
                    Error::failed(message).hint("Connect as a superuser, or as the operator.")
                );
            }
            (ControlState::Absent, None) => {
                lines.push(format!("CREATE SCHEMA tenantry AUTHORIZATION {operator};"));
            }
            (ControlState::Present { .. }, Some(owner)) if *owner != self.operator => {
                lines.push(self.membership(owner, Membership::Inherit));
            }
            _ => {}
        }
        Ok(())
    }

    fn control_owner(&self) -> Option<&RoleName> {
        let control = self
            .live
            .schemas
            .iter()
            .find(|(name, _)| name.as_str() == "tenantry");
        control.map(|(_, schema)| &schema.owner)
    }

    fn reader(&self, lines: &mut Vec<String>, made: &mut Made) {
        let reader = quoted(self.reader);
        let words = [
            "",
            "-- The reader: plans, and sees of a tenant its history alone. It may call what PUBLIC may,",
            "-- so that templates must REVOKE EXECUTE on SECURITY DEFINER functions FROM PUBLIC.",
        ];
        lines.extend(words.map(str::to_owned));
        self.make(lines, made, self.reader, LOGIN);
        let owner = quoted(self.control_owner().unwrap_or(&self.operator));
        lines.extend([
            format!("GRANT CONNECT ON DATABASE {} TO {reader};", self.database()),
            format!("GRANT USAGE ON SCHEMA tenantry TO {reader};"),
            format!("GRANT SELECT ON ALL TABLES IN SCHEMA tenantry TO {reader};"),
            format!(
                "ALTER DEFAULT PRIVILEGES FOR ROLE {owner} IN SCHEMA tenantry GRANT SELECT ON TABLES TO {reader};"
            ),
        ]);
        for (id, row) in &self.live.tenants {
            let live = self
                .live
                .schemas
                .get(&row.schema)
                .map(|schema| &schema.history);
            let declared = self.desired.tenants.contains_key(id);
            if declared
                && !matches!(
                    live,
                    None | Some(LiveHistory::Absent | LiveHistory::NotRead)
                )
            {
                let (schema, table) = (quoted(&row.schema), quoted(&row.history_table));
                lines.push(format!("GRANT USAGE ON SCHEMA {schema} TO {reader};"));
                lines.push(format!(
                    "GRANT SELECT ON TABLE {schema}.{table} TO {reader};"
                ));
            }
        }
    }

    fn database(&self) -> String {
        quote_ident_visibly(&self.live.server.database)
    }
}

const LOGIN: &str = "LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE";
