//! The run locks of all databases of a run, taken in cluster-name order before its plan is made, or with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use uuid::Uuid;

use crate::error::{Error, Exit};
use crate::model::name::ClusterName;
use crate::observe::Targets;
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::pooling::ONE_MORE;
use crate::report::Reporter;

use super::cancel::Cancel;
use super::run_lock::RunLock;

/// The locks of one run; dropping them frees them.
#[derive(Debug)]
pub struct Locks {
    pub run: Uuid,
    held: BTreeMap<ClusterName, Locked>,
}

/// A locked database, and its connections.
#[derive(Debug)]
pub(super) struct Locked {
    pub clients: Clients,
    pub lock: RunLock,
}

/// Whether anything can be done while the lock is held: a pooler may have but one connection to the server.
fn beside_the_lock(clients: &Clients, cluster: &ClusterName) -> Result<(), Error> {
    clients
        .with(|wire| wire.run("SELECT"))
        .map_err(|error: PgError| {
            let words = format!("cluster {cluster}: connecting beside the run lock: {error}");
            Error::failed(words).hint(ONE_MORE)
        })
}

/// What it takes to take locks.
#[derive(Clone, Copy)]
pub struct Taking<'a> {
    pub targets: &'a Targets,
    /// How long to wait for another run.
    pub patience: Duration,
    pub cancel: &'a Cancel,
    pub reporter: &'a dyn Reporter,
}

impl fmt::Debug for Taking<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Taking, patience {:?}", self.patience)
    }
}

impl Locks {
    /// A run that has no lock yet.
    #[must_use]
    pub fn none() -> Self {
        Self {
            run: Uuid::new_v4(),
            held: BTreeMap::new(),
        }
    }

    /// Locks these clusters' databases, so that what is planned next stays true. One that can't be reached is left
    /// out: the plan says why, and changes nothing there.
    ///
    /// # Errors
    /// Exit 5, naming the holder, when another run keeps a lock.
    pub fn take(clusters: &BTreeSet<&ClusterName>, taking: &Taking<'_>) -> Result<Self, Error> {
        let mut locks = Self::none();
        for cluster in clusters {
            match locks.lock(cluster, taking) {
                Ok(locked) => {
                    locks.held.insert((*cluster).clone(), locked);
                }
                Err(error) if error.exit == Exit::Locked => return Err(error),
                Err(error) => log::info!("planning without the lock: {error}"),
            }
        }
        Ok(locks)
    }

    /// Hands over a cluster's lock; it is taken now if it wasn't.
    pub(super) fn remove(
        &mut self,
        cluster: &ClusterName,
        taking: &Taking<'_>,
    ) -> Result<Locked, Error> {
        match self.held.remove(cluster) {
            None => self.lock(cluster, taking),
            Some(locked) if locked.lock.is_held() => Ok(locked),
            Some(_) => Err(Error::failed(format!(
                "cluster {cluster}: the run lock was lost before anything was changed"
            ))
            .hint("Apply again.")),
        }
    }

    fn lock(&self, cluster: &ClusterName, taking: &Taking<'_>) -> Result<Locked, Error> {
        let target = taking
            .targets
            .get(cluster)
            .ok_or_else(|| Error::failed(format!("cluster {cluster} has no connection settings")))?
            .as_ref()
            .map_err(Clone::clone)?;
        let clients = Clients::new(target.clone());
        let application = format!("tenantry/{}", self.run.simple());
        let lock = RunLock::take(&clients, cluster, &application, taking)?;
        beside_the_lock(&clients, cluster)?;
        Ok(Locked { clients, lock })
    }
}
