//! What one tenant's transaction will run: its files rendered, its rows written out. Pure.

mod writing;

use uuid::Uuid;

use crate::control;
use crate::model::desired::{Desired, Tenant};
use crate::model::name::{RoleName, SqlName, TenantId, qualified, quote_literal};
use crate::model::template::{SourceFile, Template};
use crate::pg::runner::{self, Script};
use crate::pg::wire::{BEGIN, OWN_PATH, SEE_ALL, guards};
use crate::plan::Cohort;
use crate::plan::action::Precondition;
use crate::sql;

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
    /// By the numbers the script's texts carry.
    pub files: Vec<Sent<'a>>,
    /// What it does, for people and the journal.
    pub steps: Vec<String>,
}

/// A file of the transaction, and the way back to it from its rendered text.
#[derive(Debug)]
pub struct Sent<'a> {
    pub file: &'a SourceFile,
    pub origin: sql::Origin,
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
        let history = if self.creates() {
            String::new()
        } else {
            format!(
                "{}; {};",
                self.role(),
                crate::pg::history::select(&self.tenant.schema, &self.desired.history_table)
            )
        };
        format!(
            "{BEGIN}; DISCARD TEMP; {OWN_PATH}; {}; SET LOCAL standard_conforming_strings = on; {HEAR_ALL}; {SEE_ALL}; \
             SELECT pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended({}, 0)); \
             SELECT uid, schema_name, template, history_table, state{} FROM tenantry.tenant WHERE id = {}; \
             SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {}; {history}SET LOCAL row_security TO DEFAULT",
            self.settings(),
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

    /// What holds for the whole transaction, but for what files set for themselves.
    fn settings(&self) -> String {
        format!(
            "{} SET LOCAL application_name = {}",
            guards(self.tenant.timeouts),
            quote_literal(&self.application_name())
        )
    }

    /// What follows a file: nothing it has set or left in the session reaches another file or tenant.
    fn afresh(&self) -> String {
        [
            OWN_PATH.to_owned(),
            still_in_transaction(&self.application_name()),
            CLEAN.to_owned(),
            self.settings(),
        ]
        .join(";\n")
    }

    fn role(&self) -> String {
        self.tenant.owner.as_ref().map_or_else(
            || "SET LOCAL ROLE NONE".to_owned(),
            |owner| format!("SET LOCAL ROLE {}", owner.quoted()),
        )
    }

    /// Role, `search_path` and timeouts, as they stand before every file.
    fn pin(&self) -> String {
        let shared = self.desired.search_path.iter().map(SqlName::quoted);
        let path: Vec<String> = std::iter::once(self.tenant.schema.quoted())
            .chain(shared)
            .collect();
        let Timeouts { lock, statement } = Timeouts::of(self.tenant);
        format!(
            "{}; SET LOCAL search_path = {}, pg_temp; SET LOCAL lock_timeout = {lock}; \
             SET LOCAL statement_timeout = {statement}",
            self.role(),
            path.join(", ")
        )
    }

    fn create_schema(&self) -> String {
        let owner = self.tenant.owner.as_ref();
        let authorization = owner.map(|owner| format!(" AUTHORIZATION {}", owner.quoted()));
        format!(
            "CREATE SCHEMA {}{}",
            self.tenant.schema.quoted(),
            authorization.unwrap_or_default()
        )
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

/// In milliseconds, as PostgreSQL takes them without a unit.
struct Timeouts {
    lock: u128,
    statement: u128,
}

impl Timeouts {
    fn of(tenant: &Tenant) -> Self {
        Self {
            lock: tenant.timeouts.lock.0.as_millis(),
            statement: tenant.timeouts.statement.0.as_millis(),
        }
    }
}

/// Undoes what a file may leave in the session, which the next tenant would find there: settings and roles that
/// `set_config` gave it for good, temporary tables, cursors, listening, locks of the session. Inside of the
/// transaction, so that it goes with the commit, and no session is ever handed on to others unclean. What others
/// have left in a pooler's session goes too; they couldn't count on it.
/// `DEALLOCATE` isn't among it: behind a proxy the prepared statements may be other clients'.
const CLEAN: &str = "RESET SESSION AUTHORIZATION; RESET ROLE; RESET ALL; SET client_encoding = 'UTF8'; \
     DISCARD TEMP; DISCARD SEQUENCES; CLOSE ALL; UNLISTEN *; SELECT pg_catalog.pg_advisory_unlock_all()";

/// The notice of a name that is cut must come, and it comes when a message is parsed.
const HEAR_ALL: &str = "SET LOCAL client_min_messages = notice";

/// Fails when the application name isn't ours any more: then a file has ended the transaction it was set in.
fn still_in_transaction(name: &str) -> String {
    // The cast of the setting can't be folded away, and is only reached when the names differ.
    format!(
        "SELECT CASE WHEN pg_catalog.current_setting('application_name') = {} THEN 0 \
         ELSE ('a file ended its transaction, or set application_name: ' || pg_catalog.current_setting('application_name'))::int END",
        quote_literal(name)
    )
}
