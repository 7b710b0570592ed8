//! One database as its tenants' plans stand on it: what it needs first, and what it makes impossible.

use std::collections::BTreeMap;

use super::action::{DatabaseAction, DatabaseStep};
use super::extension::{self, Extensions};
use super::obstacle::{self, Obstacle};
use super::{CONTROL_VERSION, Notice};
use crate::model::desired::Desired;
use crate::model::name::{ClusterName, SchemaName, TenantId};
use crate::model::observed::{ControlState, LiveDatabase, Observed};

/// Every declared cluster's database, or what blocks all of its tenants.
pub(super) type Grounds<'a> = BTreeMap<&'a ClusterName, Result<Ground<'a>, Obstacle>>;

/// A database that answered and whose control schema is ours, old, or not there yet.
#[derive(Debug)]
pub(super) struct Ground<'a> {
    pub(super) cluster: &'a ClusterName,
    pub(super) live: &'a LiveDatabase,
    /// Which tenant each recorded schema is.
    holders: BTreeMap<&'a SchemaName, &'a TenantId>,
    /// An extension that can't be had: nothing is planned in this database.
    pub(super) missing: Option<Obstacle>,
    pub(super) steps: Vec<DatabaseStep>,
    pub(super) notices: Vec<Notice>,
}

impl<'a> Ground<'a> {
    /// Looks at a cluster's database; `in_use` says whether a tenant should be present in it.
    ///
    /// # Errors
    /// What blocks every tenant of the cluster.
    pub(super) fn new(
        desired: &'a Desired,
        observed: &'a Observed,
        cluster: &'a ClusterName,
        in_use: bool,
    ) -> Result<Self, Obstacle> {
        let live = match observed.databases.get(cluster) {
            Some(Ok(live)) => live,
            Some(Err(why)) => return Err(obstacle::unreachable(cluster, Some(why))),
            None => return Err(obstacle::unreachable(cluster, None)),
        };
        if let ControlState::Unreadable(words) = &live.control {
            return Err(obstacle::control_unreadable(cluster, words));
        }
        let holders = live
            .tenants
            .iter()
            .map(|(id, row)| (&row.schema, id))
            .collect();
        let mut ground = Self {
            cluster,
            live,
            holders,
            missing: None,
            steps: Vec::new(),
            notices: Vec::new(),
        };
        if in_use {
            ground.prepare(extension::plan(&desired.extensions, live));
        }
        Ok(ground)
    }

    /// The tenant that a control row of this database gives a schema to.
    pub(super) fn holder(&self, schema: &SchemaName) -> Option<&'a TenantId> {
        self.holders.get(schema).copied()
    }

    fn prepare(&mut self, extensions: Extensions) {
        for (code, message) in extensions.notices {
            self.notice(code, message);
        }
        if self.live.server.read_only {
            let database = &self.live.server.database;
            self.notice(
                "read_only",
                format!("database {database:?} is read-only: it can be planned for, not changed"),
            );
        }
        self.missing = obstacle::extension_missing(self.cluster, &extensions.missing);
        if self.missing.is_none() {
            let actions = self.control_step().into_iter().chain(extensions.steps);
            self.steps = actions
                .map(|action| DatabaseStep {
                    cluster: self.cluster.clone(),
                    action,
                })
                .collect();
        }
    }

    fn control_step(&self) -> Option<DatabaseAction> {
        match self.live.control {
            ControlState::Absent => Some(DatabaseAction::CreateControlSchema {
                version: CONTROL_VERSION,
            }),
            ControlState::Present { version, .. } if version < CONTROL_VERSION => {
                Some(DatabaseAction::UpgradeControlSchema {
                    from: version,
                    to: CONTROL_VERSION,
                })
            }
            ControlState::Present { .. } | ControlState::Unreadable(_) => None,
        }
    }

    /// Adds a notice about this database.
    pub(super) fn notice(&mut self, code: &str, message: String) {
        self.notices.push(Notice {
            code: code.to_owned(),
            cluster: Some(self.cluster.clone()),
            tenants: Vec::new(),
            message,
        });
    }
}
