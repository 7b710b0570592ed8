//! What one tenant's transaction will run: its files rendered, its rows written out. Pure.

use std::collections::BTreeMap;

use refinery_core::Migration;
use uuid::Uuid;

use crate::control;
use crate::control::journal::{self, LedgerEntry, TenantRow, Values};
use crate::model::desired::{Desired, Tenant};
use crate::model::migration::MigrationFile;
use crate::model::name::{RoleName, SqlName, TenantId, qualified, quote_literal};
use crate::model::template::{Directives, SourceFile, Template};
use crate::pg::runner::{self, Recorded, Script, Text};
use crate::pg::wire::{BEGIN, OWN_PATH, SEE_ALL, guards};
use crate::plan::Cohort;
use crate::plan::action::{MigrationRef, Precondition, TenantAction};
use crate::sql;

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

/// A transaction being written.
struct Writing<'w, 'a> {
    work: &'w Work<'a>,
    values: BTreeMap<String, String>,
    used: Values,
    files: Vec<Sent<'a>>,
    template: Vec<Text>,
    migrations: Vec<Recorded>,
    ledger: Vec<LedgerEntry<'a>>,
    steps: Vec<String>,
}

impl<'w, 'a> Writing<'w, 'a> {
    fn new(work: &'w Work<'a>) -> Self {
        let vars = work
            .tenant
            .vars
            .iter()
            .map(|(name, value)| (format!("vars.{name}"), value.clone()));
        let own = [
            ("tenant".to_owned(), work.id.to_string()),
            ("schema".to_owned(), work.tenant.schema.to_string()),
        ];
        Self {
            work,
            values: vars.chain(own).collect(),
            used: Values::new(),
            files: Vec::new(),
            template: Vec::new(),
            migrations: Vec::new(),
            ledger: Vec::new(),
            steps: Vec::new(),
        }
    }

    fn action(&mut self, action: &TenantAction) -> Result<(), String> {
        match action {
            TenantAction::CreateTenant {
                template,
                baseline,
                migrations,
                ..
            } => {
                self.steps
                    .push(format!("create schema {}", self.work.tenant.schema));
                self.template()?;
                self.steps.push(format!("template {template}"));
                self.migrations(baseline, false)?;
                self.migrations(migrations, true)
            }
            TenantAction::Migrate { migrations, .. } => self.migrations(migrations, true),
        }
    }

    fn template(&mut self) -> Result<(), String> {
        let template = self.work.template;
        for file in &template.files {
            let text = self.text(file)?;
            self.template.push(text);
            self.remember(file, &template.address.hash);
        }
        self.ledger.push(LedgerEntry {
            sha256: &template.address.hash,
            direction: "up",
            version: None,
            name: "template",
        });
        Ok(())
    }

    fn migrations(&mut self, wanted: &[MigrationRef], run: bool) -> Result<(), String> {
        for wanted in wanted {
            let file = self.file_of(wanted)?;
            let migration =
                Migration::unapplied(&format!("V{}__{}", file.version, file.name), &file.up.text)
                    .map_err(|error| error.to_string())?;
            let text = if run {
                Some(self.text(&file.up)?)
            } else {
                None
            };
            if run {
                self.remember(&file.up, &file.up.hash);
                self.steps.push(file.as_applied().to_string());
            }
            self.migrations.push(Recorded {
                migration,
                run: text,
            });
            self.ledger.push(LedgerEntry {
                sha256: &file.up.hash,
                direction: if run { "up" } else { "baseline" },
                version: Some(file.version),
                name: &file.name,
            });
        }
        Ok(())
    }

    fn file_of(&self, wanted: &MigrationRef) -> Result<&'a MigrationFile, String> {
        let file = self.work.template.migrations.0.get(&wanted.version);
        file.filter(|file| file.up.hash == wanted.sha256)
            .ok_or_else(|| {
                format!(
                    "migration V{}__{} isn't among the files as planned",
                    wanted.version, wanted.name
                )
            })
    }

    fn text(&mut self, file: &'a SourceFile) -> Result<Text, String> {
        let sql::Rendered { sql, origin } = sql::render(file, &self.values)?;
        self.files.push(Sent { file, origin });
        Ok(Text {
            file: self.files.len() - 1,
            settings: settings(&file.directives),
            sql,
        })
    }

    /// Freezes the values a file used, under the content they belong to.
    fn remember(&mut self, file: &SourceFile, content: &crate::model::template::ContentHash) {
        for placeholder in &file.placeholders {
            if let Some(value) = self.values.get(&placeholder.value) {
                let used = self.used.entry(content.clone()).or_default();
                used.insert(placeholder.value.clone(), value.clone());
            }
        }
    }

    fn finish(mut self, uid: Uuid, account: &Account) -> Prepared<'a> {
        // refinery's runner takes them in this order, whatever list they came from.
        self.migrations
            .sort_by_key(|recorded| recorded.migration.version());
        let work = self.work;
        let script = Script {
            history_table: qualified(&work.tenant.schema, &work.desired.history_table),
            new_history: work.creates(),
            pin: work.pin(),
            between: [work.afresh(), work.pin(), self.settle().to_owned()].join(";\n"),
            tail: [
                self.all_recorded(),
                work.grants(&account.readers),
                self.tail(uid, &account.role),
            ]
            .concat(),
            template: self.template,
            migrations: self.migrations,
        };
        Prepared {
            create_schema: work.creates().then(|| work.create_schema()),
            script,
            files: self.files,
            steps: self.steps,
        }
    }

    /// Fails when the history didn't take every row, because of a trigger or a rule on it. Still as the owner.
    fn all_recorded(&self) -> String {
        let versions: Vec<String> = self
            .migrations
            .iter()
            .map(|recorded| recorded.migration.version().to_string())
            .collect();
        if versions.is_empty() {
            return String::new();
        }
        let work = self.work;
        format!(
            "SELECT CASE WHEN pg_catalog.count(*) OPERATOR(pg_catalog.=) {wanted} THEN 0 ELSE pg_catalog.concat(\
             'the history took ', pg_catalog.count(*), ' of {wanted} rows')::pg_catalog.int4 END \
             FROM {} WHERE version OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.int8[]);\n",
            qualified(&work.tenant.schema, &work.desired.history_table),
            versions.join(","),
            wanted = versions.len(),
        )
    }

    /// A new schema has no constraint but those that its files make, so where none says so nothing is put off.
    fn settle(&self) -> &'static str {
        let defers = |sent: &Sent<'_>| sent.file.text.to_ascii_lowercase().contains("deferred");
        if self.work.creates() && !self.files.iter().any(defers) {
            ""
        } else {
            SETTLE_CONSTRAINTS
        }
    }

    fn tail(&self, uid: Uuid, role: &RoleName) -> String {
        let work = self.work;
        let row = if work.creates() {
            journal::insert_tenant(&TenantRow {
                uid,
                id: work.id,
                schema: work.tenant.schema.as_str(),
                owner: work.tenant.owner.as_ref().unwrap_or(role).as_str(),
                template: work.tenant.template.as_str(),
                template_address: &work.template.address.hash,
                history_table: work.desired.history_table.as_str(),
                values: &self.used,
            })
        } else {
            journal::touch_tenant(uid, &self.used)
        };
        [
            work.afresh(),
            OWN_PATH.to_owned(),
            row,
            journal::ledger(work.run, uid, &self.ledger),
            journal::applied_step(work.run, work.id, &self.steps.join(", ")),
        ]
        .join(";\n")
    }
}

fn settings(directives: &Directives) -> String {
    let one = |name: &str, time: Option<std::time::Duration>| {
        time.map(|time| format!("SET LOCAL {name} = {};", time.as_millis()))
            .unwrap_or_default()
    };
    one("statement_timeout", directives.statement_timeout)
        + &one("lock_timeout", directives.lock_timeout)
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

/// Checks what the files so far have put off, since PostgreSQL refuses to alter a table with pending trigger
/// events (55006). Only the schema's own INITIALLY DEFERRED constraints, by name: `ALL` would put off others too.
/// Found through `pg_depend`, because `pg_constraint` and `pg_class` have no index that starts with the schema.
const SETTLE_CONSTRAINTS: &str = "DO 'DECLARE names text; BEGIN \
SELECT pg_catalog.string_agg(pg_catalog.format(''%I.%I'', n.nspname, c.conname), '', '') INTO names \
FROM pg_catalog.pg_namespace n \
JOIN pg_catalog.pg_depend d ON d.refclassid = ''pg_catalog.pg_namespace''::pg_catalog.regclass::pg_catalog.oid \
AND d.refobjid = n.oid AND d.classid = ''pg_catalog.pg_class''::pg_catalog.regclass::pg_catalog.oid \
JOIN pg_catalog.pg_constraint c ON c.conrelid = d.objid AND c.condeferred \
WHERE n.nspname = pg_catalog.current_schema(); \
IF names IS NOT NULL THEN EXECUTE ''SET CONSTRAINTS '' || names || '' IMMEDIATE''; \
EXECUTE ''SET CONSTRAINTS '' || names || '' DEFERRED''; END IF; END'";
