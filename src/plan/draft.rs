//! A plan in the making: every selected tenant is put in exactly one place of it.

use std::collections::{BTreeMap, BTreeSet};

use super::action::{Hazard, TenantAction};
use super::cohort::{self, Way};
use super::ground::{Ground, Grounds};
use super::notice::Scene;
use super::obstacle::{self, Obstacle};
use super::verdict::{Case, Verdict};
use super::{Blocked, FORMAT_VERSION, Plan, Summary, Withheld};
use super::{digest, unmanaged};
use crate::model::desired::{Desired, TenantState};
use crate::model::name::{ClusterName, TenantId};
use crate::model::observed::Observed;
use crate::model::standing::Standings;
use crate::model::template::ContentHash;
use crate::sql;

/// What the tenants judged so far need.
pub(super) struct Draft<'a> {
    desired: &'a Desired,
    grounds: &'a Grounds<'a>,
    standings: &'a Standings,
    /// By way and by the server's major version, which decides what one transaction may hold.
    ways: BTreeMap<(Way<'a>, i32), Vec<TenantId>>,
    blocked: Vec<Blocked>,
    withheld: Vec<Withheld>,
    unchanged: usize,
}

impl<'a> Draft<'a> {
    pub(super) fn new(
        desired: &'a Desired,
        grounds: &'a Grounds<'a>,
        standings: &'a Standings,
    ) -> Self {
        Self {
            desired,
            grounds,
            standings,
            ways: BTreeMap::new(),
            blocked: Vec::new(),
            withheld: Vec::new(),
            unchanged: 0,
        }
    }

    /// Judges a declared tenant and puts it in its place.
    pub(super) fn judge(&mut self, id: &'a TenantId, provision_empty: bool) {
        match self.verdict(id, provision_empty) {
            Err(obstacle) => self.blocked.push(obstacle.blocks(id)),
            Ok((Verdict::Unchanged, _)) => self.unchanged += 1,
            Ok((Verdict::Withheld, _)) => self.withheld.push(withheld(id)),
            Ok((Verdict::Go(way), major)) => {
                self.ways.entry((way, major)).or_default().push(id.clone());
            }
        }
    }

    /// The verdict, and the major version of the tenant's server.
    fn verdict(
        &self,
        id: &'a TenantId,
        provision_empty: bool,
    ) -> Result<(Verdict<'a>, i32), Obstacle> {
        let tenant = &self.desired.tenants[id];
        let ground = self.grounds[&tenant.cluster].as_ref();
        let ground = ground.map_err(Obstacle::clone)?;
        let case = Case {
            id,
            tenant,
            template: &self.desired.templates[&tenant.template],
            history_table: &self.desired.history_table,
            ground,
            elsewhere: self.recorded_elsewhere(id, &tenant.cluster),
            provision_empty,
            shape: self.standings.compared(id),
            on_drift: self.desired.rollout.drifted,
        };
        Ok((case.judge()?, ground.live.server.major()))
    }

    fn readable(&self) -> impl Iterator<Item = &'a Ground<'a>> + use<'a> {
        self.grounds
            .values()
            .filter_map(|ground| ground.as_ref().ok())
    }

    fn recorded_elsewhere(&self, id: &TenantId, here: &ClusterName) -> Option<&'a Ground<'a>> {
        self.readable()
            .find(|ground| ground.cluster != here && ground.live.tenants.contains_key(id))
    }

    /// Blocks the tenants whose files can't run in one transaction.
    pub(super) fn block_enum_conflicts(&mut self) {
        let desired = self.desired;
        let blocked = &mut self.blocked;
        self.ways.retain(|(way, major), tenants| {
            let files = way.files(&desired.templates[way.template()]);
            let Some(conflict) = sql::enum_conflict(&files, *major) else {
                return true;
            };
            let obstacle = obstacle::enum_conflict(&conflict);
            blocked.extend(tenants.iter().map(|id| obstacle.clone().blocks(id)));
            false
        });
    }

    /// Where a selected tenant should be present and isn't blocked; elsewhere nothing is to be prepared.
    fn clusters_in_use(&self, selected: &BTreeSet<TenantId>) -> BTreeSet<&'a ClusterName> {
        let blocked: BTreeSet<&TenantId> = self.blocked.iter().map(|one| &one.tenant).collect();
        let tenants = self.desired.tenants.iter();
        tenants
            .filter(|(id, tenant)| {
                tenant.state == TenantState::Present
                    && selected.contains(*id)
                    && !blocked.contains(id)
            })
            .map(|(_, tenant)| &tenant.cluster)
            .collect()
    }

    /// The plan of everything judged.
    pub(super) fn finish(mut self, observed: &Observed, selected: &BTreeSet<TenantId>) -> Plan {
        let mut ways: BTreeMap<Way<'_>, Vec<TenantId>> = BTreeMap::new();
        for ((way, _), tenants) in std::mem::take(&mut self.ways) {
            ways.entry(way).or_default().extend(tenants);
        }
        self.blocked.sort_by(|a, b| a.tenant.cmp(&b.tenant));
        let desired = self.desired;
        let in_use = self.clusters_in_use(selected);
        let plan = Plan {
            format_version: FORMAT_VERSION.to_owned(),
            tool_version: env!("CARGO_PKG_VERSION").to_owned(),
            fleet: desired.fleet.clone(),
            digest: ContentHash(String::new()),
            desired_digest: digest::desired_digest(desired),
            complete: is_complete(desired, observed),
            applyable: false,
            summary: Summary::default(),
            steps: self
                .readable()
                .filter(|ground| in_use.contains(ground.cluster))
                .flat_map(|ground| ground.steps.clone())
                .collect(),
            cohorts: cohort::fold(ways, &desired.templates, self.standings),
            notices: self
                .readable()
                .flat_map(|ground| ground.notices.clone())
                .collect(),
            unmanaged: unmanaged::find(desired, observed),
            blocked: self.blocked,
            withheld: self.withheld,
        };
        let scene = Scene {
            desired,
            observed,
            selected,
            standings: self.standings,
            steps: &plan.steps,
            cohorts: &plan.cohorts,
        };
        let notices = scene.notices();
        let mut plan = plan.noticing(notices);
        plan.applyable = plan.has_changes();
        plan.summary = summary(&plan, self.unchanged);
        plan.sealed()
    }
}

fn is_complete(desired: &Desired, observed: &Observed) -> bool {
    let answered = |cluster| observed.databases.get(cluster).is_some_and(Result::is_ok);
    desired.clusters.keys().all(answered)
}

fn withheld(tenant: &TenantId) -> Withheld {
    Withheld {
        tenant: tenant.clone(),
        hazard: Hazard::DropsTenant,
        message: format!(
            "tenant {tenant} is `absent` in the file and still lives; it is left as it is"
        ),
        hint: "Back the tenant up and drop its schema by hand; dropping isn't supported yet."
            .to_owned(),
    }
}

fn summary(plan: &Plan, unchanged: usize) -> Summary {
    let tenants_with = |wanted: fn(&TenantAction) -> bool| {
        let cohorts = plan
            .cohorts
            .iter()
            .filter(|cohort| cohort.actions.iter().any(wanted));
        cohorts.map(|cohort| cohort.tenants.len()).sum()
    };
    Summary {
        create: tenants_with(|action| matches!(action, TenantAction::CreateTenant { .. })),
        migrate: tenants_with(|action| matches!(action, TenantAction::Migrate { .. })),
        extensions: plan
            .steps
            .iter()
            .filter(|step| step.action.is_extension())
            .count(),
        blocked: plan.blocked.len(),
        withheld: plan.withheld.len(),
        unmanaged: plan.unmanaged.len(),
        unchanged,
        ..Summary::default()
    }
}
