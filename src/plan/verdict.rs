//! What is to become of one tenant: nothing, a way to go, destruction withheld, or an obstacle.

use super::cohort::{Alike, Way};
use super::ground::Ground;
use super::obstacle::{self, Obstacle};
use crate::model::desired::{OnDrift, Tenant, TenantState};
use crate::model::migration::{AppliedMigration, Comparison, history_fingerprint};
use crate::model::name::{SchemaName, TableName, TenantId};
use crate::model::observed::{ControlTenant, LiveHistory, LiveSchema};
use crate::model::standing::Compared;
use crate::model::template::Template;

/// A declared tenant and all that its verdict depends on.
#[derive(Debug)]
pub(super) struct Case<'a> {
    pub(super) id: &'a TenantId,
    pub(super) tenant: &'a Tenant,
    pub(super) template: &'a Template,
    pub(super) history_table: &'a TableName,
    /// The database the tenant is declared in.
    pub(super) ground: &'a Ground<'a>,
    /// The database of another cluster that records the tenant.
    pub(super) elsewhere: Option<&'a Ground<'a>>,
    /// Whether `--provision-empty` names it.
    pub(super) provision_empty: bool,
    /// Its shape, where that was compared to what its history makes.
    pub(super) shape: Option<&'a Compared>,
    pub(super) on_drift: OnDrift,
}

/// What is to become of a tenant that nothing stands in the way of.
#[derive(Debug)]
pub(super) enum Verdict<'a> {
    Unchanged,
    Go(Way<'a>),
    /// `absent`, and still there.
    Withheld,
}

impl<'a> Case<'a> {
    /// Decides; of several obstacles the first in a fixed order is told.
    pub(super) fn judge(&self) -> Result<Verdict<'a>, Obstacle> {
        match self.tenant.state {
            TenantState::Absent if self.is_live() => Ok(Verdict::Withheld),
            TenantState::Absent => Ok(Verdict::Unchanged),
            TenantState::Suspended => self.judge_suspended(),
            TenantState::Present => self.judge_present(),
        }
    }

    /// Where the tenant is, for messages.
    pub(super) fn place(&self) -> String {
        format!("tenant {} on cluster {}", self.id, self.tenant.cluster)
    }

    /// Its declared schema, for messages.
    pub(super) fn schema(&self) -> &'a str {
        self.tenant.schema.as_str()
    }

    fn row(&self) -> Option<&'a ControlTenant> {
        self.ground.live.tenants.get(self.id)
    }

    fn live_schema(&self, name: &SchemaName) -> Option<&'a LiveSchema> {
        self.ground.live.schemas.get(name)
    }

    /// Whether dropping it would have a schema to drop.
    fn is_live(&self) -> bool {
        let lives_in = |ground: &Ground<'_>| {
            let row = ground.live.tenants.get(self.id);
            row.is_some_and(|row| ground.live.schemas.contains_key(&row.schema))
        };
        let unrecorded = || {
            let schema = &self.tenant.schema;
            self.row().is_none()
                && self.ground.holder(schema).is_none()
                && self.live_schema(schema).is_some()
        };
        lives_in(self.ground) || self.elsewhere.is_some_and(lives_in) || unrecorded()
    }

    /// A suspended tenant is left as it is.
    fn judge_suspended(&self) -> Result<Verdict<'a>, Obstacle> {
        if let Some(there) = self.elsewhere {
            return Err(obstacle::moved(self, there.cluster));
        }
        match self.row().map(|row| row.state.as_str()) {
            Some(state) if state == TenantState::Suspended.as_str() => Ok(Verdict::Unchanged),
            state => Err(obstacle::suspended(self, state)),
        }
    }

    fn judge_present(&self) -> Result<Verdict<'a>, Obstacle> {
        if let Some(missing) = &self.ground.missing {
            return Err(missing.clone());
        }
        if let Some(there) = self.elsewhere {
            return Err(obstacle::moved(self, there.cluster));
        }
        match self.row() {
            Some(row) => self.judge_recorded(row),
            None => self.judge_new(),
        }
    }

    fn judge_new(&self) -> Result<Verdict<'a>, Obstacle> {
        if let Some(holder) = self.ground.holder(&self.tenant.schema) {
            return Err(obstacle::schema_held(self, holder));
        }
        if self.live_schema(&self.tenant.schema).is_some() {
            return Err(obstacle::schema_exists(self));
        }
        Ok(self.create(false))
    }

    fn judge_recorded(&self, row: &'a ControlTenant) -> Result<Verdict<'a>, Obstacle> {
        self.check_unedited(row)?;
        match self.live_schema(&row.schema) {
            Some(live) => self.judge_live(row, live),
            None if self.provision_empty => Ok(self.create(true)),
            None => Err(obstacle::schema_missing(self)),
        }
    }

    /// A tenant's place and kind can't be edited once it lives.
    fn check_unedited(&self, row: &ControlTenant) -> Result<(), Obstacle> {
        if row.state != TenantState::Present.as_str() {
            Err(obstacle::suspended(self, Some(&row.state)))
        } else if row.schema != self.tenant.schema {
            Err(obstacle::schema_changed(self, row))
        } else if row.template != self.tenant.template {
            Err(obstacle::template_changed(self, row))
        } else if row.history_table != *self.history_table {
            Err(obstacle::history_table_changed(self, row))
        } else {
            Ok(())
        }
    }

    fn judge_live(
        &self,
        row: &'a ControlTenant,
        live: &'a LiveSchema,
    ) -> Result<Verdict<'a>, Obstacle> {
        let LiveHistory::Rows(history) = &live.history else {
            return Err(obstacle::history(self, &live.history));
        };
        let found = self.template.migrations.compare(history, &self.tenant.tags);
        match obstacle::comparison(self, &found) {
            Some(obstacle) => Err(obstacle),
            None => self
                .as_owner(row, live, self.migrate(history, found))
                .and_then(|verdict| self.unless_drifted(verdict)),
        }
    }

    /// Where the file says so, nothing is done on top of what nobody planned.
    fn unless_drifted(&self, verdict: Verdict<'a>) -> Result<Verdict<'a>, Obstacle> {
        let drifted = self.shape.filter(|shape| shape.has_drifted());
        match (&verdict, self.on_drift, drifted) {
            (Verdict::Go(_), OnDrift::Block, Some(shape)) => Err(obstacle::drifted(self, shape)),
            _ => Ok(verdict),
        }
    }

    /// Work runs as the declared owner: as another than the live one it would fail, or leave objects of two owners.
    fn as_owner(
        &self,
        row: &ControlTenant,
        live: &LiveSchema,
        verdict: Verdict<'a>,
    ) -> Result<Verdict<'a>, Obstacle> {
        let wanted = self.tenant.owner.as_ref().unwrap_or(&row.owner);
        match verdict {
            Verdict::Go(_) if live.owner != *wanted => {
                Err(obstacle::owner_differs(self, &live.owner, wanted))
            }
            verdict => Ok(verdict),
        }
    }

    fn migrate(&self, history: &[AppliedMigration], found: Comparison) -> Verdict<'a> {
        match found {
            Comparison::Due(due) if !due.is_empty() => Verdict::Go(Way::Migrate {
                template: &self.tenant.template,
                history: history_fingerprint(history),
                from: history.iter().map(|row| row.version).max(),
                due,
                shape: Alike::of(self.shape, self.ground.live.server.major()),
            }),
            _ => Verdict::Unchanged,
        }
    }

    fn create(&self, recorded: bool) -> Verdict<'a> {
        let template = self.template;
        let new = template
            .migrations
            .for_new_tenant(template.baseline, &self.tenant.tags);
        Verdict::Go(Way::Create {
            template: &self.tenant.template,
            recorded,
            baseline: new.baseline,
            run: new.run,
        })
    }
}
