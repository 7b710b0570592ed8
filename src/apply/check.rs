//! What must hold on a database before anything is changed there.

use uuid::Uuid;

use crate::control::journal;
use crate::error::Error;
use crate::model::membership;
use crate::model::name::{ClusterName, FleetName, SqlName, quote_ident};
use crate::model::observed::ServerFacts;
use crate::pg::catalog::{self, Capacity, ControlTables, FleetRow};
use crate::pg::error::PgError;
use crate::pg::wire::{Wire, begin_reading};

/// What must hold before anything is changed; who we are there, and how much room there is.
///
/// # Errors
/// A read-only target, another fleet's database, a saved plan that was carried out before, or one of the `owners`
/// of the run's tenants that we can't become.
pub fn check(
    wire: &mut Wire,
    cluster: &ClusterName,
    fleet: &FleetName,
    plan_id: Option<Uuid>,
    owners: &[String],
) -> Result<(ServerFacts, Capacity), Error> {
    let fault = |error: PgError| Error::failed(format!("cluster {cluster}: {error}"));
    wire.run(&begin_reading()).map_err(fault)?;
    let facts = checked(wire, cluster, fleet, plan_id)?;
    check_owners(wire, cluster, &facts, owners)?;
    let capacity = catalog::capacity(wire).map_err(fault)?;
    wire.run("COMMIT").map_err(fault)?;
    Ok((facts, capacity))
}

/// Every tenant's transaction becomes its owner.
fn check_owners(
    wire: &mut Wire,
    cluster: &ClusterName,
    server: &ServerFacts,
    owners: &[String],
) -> Result<(), Error> {
    let found = catalog::unreachable_owner(wire, owners)
        .map_err(|error| Error::failed(format!("cluster {cluster}: {error}")))?;
    let Some((owner, exists)) = found else {
        return Ok(());
    };
    let problem = if exists {
        let role = server.role.quoted();
        format!("the connecting role {role} can't become it")
    } else {
        "it doesn't exist".to_owned()
    };
    let sql = membership::let_become(&owner, exists, server.role.as_str(), server.major());
    let owner = quote_ident(&owner);
    Err(Error::refused(format!(
        "cluster {cluster}: tenants are to be owned by role {owner}, but {problem}"
    ))
    .hint(format!("{sql} -- or correct `owner:`")))
}

fn checked(
    wire: &mut Wire,
    cluster: &ClusterName,
    fleet: &FleetName,
    plan_id: Option<Uuid>,
) -> Result<ServerFacts, Error> {
    let fault = |error: PgError| Error::failed(format!("cluster {cluster}: {error}"));
    let facts = catalog::server(wire).map_err(fault)?;
    if facts.read_only {
        return Err(Error::refused(format!(
            "cluster {cluster}: the server or role is read-only"
        ))
        .hint("Connect to the primary, as a role without default_transaction_read_only."));
    }
    match catalog::control_tables(wire).map_err(fault)? {
        ControlTables::Absent | ControlTables::Prepared { .. } => return Ok(facts),
        ControlTables::Unreadable(words) => {
            return Err(Error::refused(format!("cluster {cluster}: {words}"))
                .hint("Run the SQL that `tenantry doctor --grants` prints."));
        }
        ControlTables::Readable => {}
    }
    if let Some(FleetRow { fleet: found, .. }) = catalog::fleet(wire).map_err(fault)?
        && found != fleet.as_str()
    {
        return Err(Error::refused(format!(
            "cluster {cluster}: its database belongs to the fleet {found:?}, not {fleet:?}",
            fleet = fleet.as_str()
        )));
    }
    let done = plan_id
        .map(|plan_id| journal::plan_already_done(wire, plan_id))
        .transpose();
    match done.map_err(fault)?.flatten() {
        Some(run) => Err(
            Error::refused(format!("this saved plan was carried out by run {run}"))
                .hint("Make a new plan."),
        ),
        None => Ok(facts),
    }
}
