//! What refuses a whole run: databases that mustn't be touched at all.

use std::collections::BTreeMap;

use super::CONTROL_VERSION;
use crate::error::{Error, Exit};
use crate::model::desired::Desired;
use crate::model::name::{ClusterName, FleetName};
use crate::model::observed::{ControlState, LiveDatabase, Observed};

/// Checks that every database is this fleet's, known to this program, and declared once.
pub(super) fn check(desired: &Desired, observed: &Observed) -> Result<(), Error> {
    for (cluster, live) in reachable(observed) {
        check_control(&desired.fleet, cluster, live)?;
    }
    check_distinct(observed)?;
    check_references(desired)
}

/// The databases that answered.
pub(super) fn reachable(
    observed: &Observed,
) -> impl Iterator<Item = (&ClusterName, &LiveDatabase)> {
    let databases = observed.databases.iter();
    databases.filter_map(|(cluster, live)| live.as_ref().ok().map(|live| (cluster, live)))
}

fn check_control(
    fleet: &FleetName,
    cluster: &ClusterName,
    live: &LiveDatabase,
) -> Result<(), Error> {
    let ControlState::Present {
        version,
        fleet: recorded,
        ..
    } = &live.control
    else {
        return Ok(());
    };
    let database = &live.server.database;
    if recorded != fleet {
        return Err(Error::refused(format!(
            "database {database:?} of cluster {cluster} belongs to fleet {recorded}, not to {fleet}"
        ))
        .hint(format!(
            "Point cluster {cluster} at a database of fleet {fleet}, or correct `fleet:`."
        )));
    }
    if *version > CONTROL_VERSION {
        return Err(Error::refused(format!(
            "the control schema in database {database:?} of cluster {cluster} has version {version}; \
             this tenantry knows versions up to {CONTROL_VERSION}"
        ))
        .hint(format!(
            "Use a tenantry that knows control schema version {version}."
        )));
    }
    Ok(())
}

/// Two clusters on one database would each plan the other's tenants.
fn check_distinct(observed: &Observed) -> Result<(), Error> {
    let mut seen = BTreeMap::new();
    for (cluster, live) in reachable(observed) {
        let server = &live.server;
        // A server that hides its identifier can't be told apart from another.
        if server.system_identifier.is_empty() {
            continue;
        }
        let identity = (&server.system_identifier, server.database_oid);
        if let Some(first) = seen.insert(identity, cluster) {
            return Err(Error::refused(format!(
                "clusters {first} and {cluster} lead to one database, {:?}",
                server.database
            ))
            .hint("Keep one of the two clusters and declare its tenants there."));
        }
    }
    Ok(())
}

/// Every tenant's template and cluster are declared; reading the files has made sure of it.
fn check_references(desired: &Desired) -> Result<(), Error> {
    for (id, tenant) in &desired.tenants {
        let missing = if !desired.templates.contains_key(&tenant.template) {
            format!("template {}", tenant.template)
        } else if !desired.clusters.contains_key(&tenant.cluster) {
            format!("cluster {}", tenant.cluster)
        } else {
            continue;
        };
        return Err(Error::new(
            Exit::Invalid,
            format!("tenant {id} names {missing}, which isn't declared"),
        ));
    }
    Ok(())
}
