//! Notices about tenants: worth knowing, and nothing that changes a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::action::{DatabaseStep, Precondition};
use super::guard::reachable;
use super::{Cohort, Notice, shapes};
use crate::model::desired::{Desired, Tenant, TenantState};
use crate::model::name::{ClusterName, RoleName, TemplateName, TenantId};
use crate::model::observed::{ControlState, ControlTenant, LiveDatabase, Observed, Unreachable};
use crate::model::standing::Standings;
use crate::model::template::ContentHash;

/// A template, as it was and as it is, and what has changed.
type Change<'a> = (
    &'a TemplateName,
    &'a ContentHash,
    &'a ContentHash,
    Option<&'a str>,
);

/// What the notices are made from.
pub(super) struct Scene<'a> {
    pub(super) desired: &'a Desired,
    pub(super) observed: &'a Observed,
    pub(super) selected: &'a BTreeSet<TenantId>,
    pub(super) standings: &'a Standings,
    pub(super) steps: &'a [DatabaseStep],
    pub(super) cohorts: &'a [Cohort],
}

impl<'a> Scene<'a> {
    /// All notices about tenants, and about what a plan needs.
    pub(super) fn notices(&self) -> Vec<Notice> {
        let mut notices = self.template_outdated();
        notices.extend(self.owner_differs());
        notices.extend(self.no_create());
        notices.extend(self.creations_unchecked());
        let standings = &self.standings.0;
        let looked_at = self
            .recorded()
            .filter_map(|(id, ..)| standings.get_key_value(id));
        notices.extend(shapes::notices(looked_at));
        notices
    }

    /// The selected tenants that should be present and are recorded where they are declared.
    fn recorded(
        &self,
    ) -> impl Iterator<
        Item = (
            &'a TenantId,
            &'a Tenant,
            &'a LiveDatabase,
            &'a ControlTenant,
        ),
    > {
        let (observed, selected) = (self.observed, self.selected);
        self.desired.tenants.iter().filter_map(move |(id, tenant)| {
            let wanted = selected.contains(id) && tenant.state == TenantState::Present;
            let live = observed.databases.get(&tenant.cluster)?.as_ref().ok()?;
            let row = live.tenants.get(id)?;
            wanted.then_some((id, tenant, live, row))
        })
    }

    /// A changed template changes new tenants only. Both addresses are keys of the control schema's `content`.
    fn template_outdated(&self) -> Vec<Notice> {
        let mut outdated: BTreeMap<Change<'_>, Vec<TenantId>> = BTreeMap::new();
        for (id, tenant, live, row) in self.recorded() {
            let Some(template) = self.desired.templates.get(&tenant.template) else {
                continue;
            };
            let (made_from, now) = (&row.template_address, &template.address.hash);
            if row.template == tenant.template && made_from != now {
                let words = live.template_changes.get(id).map(Arc::as_ref);
                let key = (&tenant.template, made_from, now, words);
                outdated.entry(key).or_default().push(id.clone());
            }
        }
        let notices = outdated
            .into_iter()
            .map(|((template, made_from, now, words), tenants)| Notice {
                code: "template_outdated".to_owned(),
                cluster: None,
                message: format!(
                    "template {template} has changed since {} made from it ({} then, {} now){}; \
                     a migration brings them along",
                    was_or_were(tenants.len()),
                    made_from.short(),
                    now.short(),
                    words.map_or(String::new(), |words| format!(": {words}"))
                ),
                tenants,
            });
        notices.collect()
    }

    fn owner_differs(&self) -> Vec<Notice> {
        let mut differing: BTreeMap<(&ClusterName, &RoleName, &RoleName), Vec<TenantId>> =
            BTreeMap::new();
        for (id, tenant, live, row) in self.recorded() {
            // Whoever plans needn't be who made the tenant.
            let wanted = tenant.owner.as_ref().unwrap_or(&row.owner);
            if let Some(schema) = live.schemas.get(&row.schema).filter(|s| s.owner != *wanted) {
                let key = (&tenant.cluster, &schema.owner, wanted);
                differing.entry(key).or_default().push(id.clone());
            }
        }
        let notices = differing
            .into_iter()
            .map(|((cluster, is, wanted), tenants)| Notice {
                code: "owner_differs".to_owned(),
                cluster: Some(cluster.clone()),
                message: format!(
                    "{} owned by role {:?}, not by {:?}",
                    is_or_are(tenants.len()),
                    is.as_str(),
                    wanted.as_str()
                ),
                tenants,
            });
        notices.collect()
    }

    /// A role that only reads can plan; carrying the plan out needs another.
    fn no_create(&self) -> Vec<Notice> {
        let steps = self.steps.iter().map(|step| &step.cluster);
        let created = self.created().map(|(_, tenant)| &tenant.cluster);
        let needing: BTreeSet<&ClusterName> = steps.chain(created).collect();
        reachable(self.observed)
            .filter(|(cluster, live)| needing.contains(cluster) && !live.server.may_create)
            .map(|(cluster, live)| Notice {
                code: "no_create".to_owned(),
                cluster: Some(cluster.clone()),
                tenants: Vec::new(),
                message: format!(
                    "role {:?} has no CREATE on database {:?}, which carrying this plan out needs",
                    live.server.role.as_str(),
                    live.server.database
                ),
            })
            .collect()
    }

    /// A tenant to be created might live in a database that can't be read.
    fn creations_unchecked(&self) -> Option<Notice> {
        let silent = self
            .observed
            .databases
            .iter()
            .filter(|(_, live)| !is_readable(live));
        let silent: Vec<&str> = silent.map(|(cluster, _)| cluster.as_str()).collect();
        let mut tenants: Vec<TenantId> = self.created().map(|(id, _)| id.clone()).collect();
        tenants.sort();
        if silent.is_empty() || tenants.is_empty() {
            return None;
        }
        Some(Notice {
            code: "creations_unchecked".to_owned(),
            cluster: None,
            message: format!(
                "{} to be created, and cluster {}, which can't be read, may already hold a tenant of that name",
                is_or_are(tenants.len()),
                silent.join(", ")
            ),
            tenants,
        })
    }

    fn created(&self) -> impl Iterator<Item = (&'a TenantId, &'a Tenant)> {
        let desired = self.desired;
        self.cohorts
            .iter()
            .filter(|cohort| cohort.expects == Precondition::Absent)
            .flat_map(|cohort| &cohort.tenants)
            .filter_map(|id| Some((id, desired.tenants.get(id)?)))
    }
}

fn is_readable(live: &Result<LiveDatabase, Unreachable>) -> bool {
    live.as_ref()
        .is_ok_and(|live| !matches!(live.control, ControlState::Unreadable(_)))
}

fn was_or_were(tenants: usize) -> String {
    match tenants {
        1 => "1 tenant was".to_owned(),
        many => format!("{many} tenants were"),
    }
}

fn is_or_are(tenants: usize) -> String {
    match tenants {
        1 => "1 tenant is".to_owned(),
        many => format!("{many} tenants are"),
    }
}
