//! What one tenant's transaction will run: its files rendered, its rows written out. Pure.

mod writing;

use uuid::Uuid;

use crate::control;
use crate::model::desired::{Desired, Tenant};
use crate::model::name::{RoleName, SqlName, TenantId, qualified, quote_literal};
use crate::model::template::Template;
use crate::pg::files::Files;
use crate::pg::runner::{self, Script};
use crate::pg::stage::Stage;
use crate::pg::wire::SEE_ALL;
use crate::plan::Cohort;
use crate::plan::action::Precondition;

use writing::Writing;

/// One tenant, its place in the plan, and everything needed to carry it out.
#[derive(Clone, Copy, Debug)]
pub struct Work<'a> {
    pub run: Uuid,
    /// Of a saved plan.
    pub plan_id: Option<Uuid>,
    pub desired: &'a Desired,
    pub id: &'a TenantId,
    pub tenant: &'a Tenant,
    pub template: &'a Template,
    pub cohort: &'a Cohort,
}

/// Who works on a database, and for whom else.
#[derive(Clone, Debug)]
pub struct Account {
    /// Who connects.
    pub role: RoleName,
    /// Who reads the tenants' histories beside their owners.
    pub readers: Vec<RoleName>,
}

/// The tenant's transaction as text.
#[derive(Debug)]
pub struct Prepared<'a> {
    /// Present for a new schema; sent as a message of its own.
    pub create_schema: Option<String>,
    pub script: Script,
    pub files: Files<'a>,
    /// What it does, for people and the journal.
    pub steps: Vec<String>,
}

impl<'a> Work<'a> {
    /// The name under which the server shows this tenant's transaction; also its nonce.
    pub fn application_name(&self) -> String {
        let full = format!("tenantry/{}/{}", self.run.simple(), self.id);
        // PostgreSQL keeps 63 bytes of it, and a tenant id is ASCII.
        full.chars().take(63).collect()
    }

    /// Whether the plan makes this tenant's schema.
    pub fn creates(&self) -> bool {
        !matches!(self.cohort.expects, Precondition::History { .. })
    }

    /// Starts the transaction, tries the lock, and asks for everything the precondition is about.
    ///
    /// Result sets: whether the lock was got; the control row (uid, schema, template, history table, state,
    /// and for a saved plan whether it was carried out for this tenant before); the schema's oid; and for a live tenant its history.
    pub fn opening(&self) -> String {
        let stage = self.stage();
        let history = if self.creates() {
            String::new()
        } else {
            format!(
                "{}; {};",
                stage.role(),
                crate::pg::history::select(&self.tenant.schema, &self.desired.history_table)
            )
        };
        format!(
            "{}; {SEE_ALL}; \
             SELECT pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended({}, 0)); \
             SELECT uid, schema_name, template, history_table, state{} FROM tenantry.tenant WHERE id = {}; \
             SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {}; {history}SET LOCAL row_security TO DEFAULT",
            stage.begin(),
            quote_literal(&control::tenant_lock(self.id)),
            self.carried_out(),
            quote_literal(self.id.as_str()),
            quote_literal(self.tenant.schema.as_str()),
        )
    }

    fn carried_out(&self) -> String {
        self.plan_id.map_or_else(String::new, |plan_id| {
            format!(
                ", EXISTS (SELECT FROM tenantry.run r JOIN tenantry.step s ON s.run = r.run \
                 WHERE r.plan_id = '{plan_id}' AND s.tenant = id AND s.status = 'applied')"
            )
        })
    }

    /// Where its files run.
    pub fn stage(&self) -> Stage<'a> {
        Stage {
            schema: &self.tenant.schema,
            owner: self.tenant.owner.as_ref(),
            search_path: &self.desired.search_path,
            timeouts: self.tenant.timeouts,
            application_name: self.application_name(),
        }
    }

    /// Lets those read a new tenant's history who were granted the control schema's own table of tenants, so that a
    /// plan made by a role that only reads knows tenants that came after its grants. As the owner, who may grant.
    fn grants(&self, readers: &[RoleName]) -> String {
        if !self.creates() || readers.is_empty() {
            return String::new();
        }
        let readers: Vec<String> = readers.iter().map(SqlName::quoted).collect();
        let readers = readers.join(", ");
        format!(
            "GRANT USAGE ON SCHEMA {} TO {readers};\nGRANT SELECT ON TABLE {} TO {readers};\n",
            self.tenant.schema.quoted(),
            qualified(&self.tenant.schema, &self.desired.history_table),
        )
    }

    /// Writes the transaction out for the tenant's `uid`. `account` is who connects, the owner where none is declared.
    ///
    /// # Errors
    /// A placeholder without a value, or a migration that is no longer in the files.
    pub fn prepare(&self, uid: Uuid, account: &Account) -> Result<Prepared<'a>, String> {
        let mut writing = Writing::new(self);
        for action in &self.cohort.actions {
            writing.action(action)?;
        }
        Ok(writing.finish(uid, account))
    }

    /// The SQL of the whole transaction, for people to read before it runs. The uid is made when it does.
    ///
    /// # Errors
    /// As [`Work::prepare`].
    pub fn preview(&self, account: &Account) -> Result<String, String> {
        let prepared = self.prepare(Uuid::nil(), account)?;
        let create = prepared
            .create_schema
            .map(|create| format!("{create};\n"))
            .unwrap_or_default();
        let batch = runner::compose(&prepared.script).map_err(|error| error.to_string())?;
        Ok(format!("{};\n{create}{batch}COMMIT;\n", self.opening()))
    }
}
