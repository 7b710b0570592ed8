//! A tenant's transaction being written, action by action.

use std::collections::BTreeMap;

use refinery_core::Migration;
use uuid::Uuid;

use super::{Account, Prepared, Work};
use crate::control::journal::{self, LedgerEntry, TenantRow, Values};
use crate::model::migration::MigrationFile;
use crate::model::name::{RoleName, qualified};
use crate::model::template::{ContentHash, SourceFile};
use crate::pg::files::Files;
use crate::pg::runner::{Recorded, Script, Text};
use crate::pg::wire::OWN_PATH;
use crate::plan::action::{MigrationRef, TenantAction};

/// A transaction being written.
pub(super) struct Writing<'w, 'a> {
    work: &'w Work<'a>,
    values: BTreeMap<String, String>,
    used: Values,
    files: Files<'a>,
    template: Vec<Text>,
    migrations: Vec<Recorded>,
    ledger: Vec<LedgerEntry<'a>>,
    steps: Vec<String>,
}

impl<'w, 'a> Writing<'w, 'a> {
    pub fn new(work: &'w Work<'a>) -> Self {
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
            files: Files::default(),
            template: Vec::new(),
            migrations: Vec::new(),
            ledger: Vec::new(),
            steps: Vec::new(),
        }
    }

    pub fn action(&mut self, action: &TenantAction) -> Result<(), String> {
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
        self.files.render(file, &self.values)
    }

    /// Freezes the values a file used, under the content they belong to.
    fn remember(&mut self, file: &SourceFile, content: &ContentHash) {
        for placeholder in &file.placeholders {
            if let Some(value) = self.values.get(&placeholder.value) {
                let used = self.used.entry(content.clone()).or_default();
                used.insert(placeholder.value.clone(), value.clone());
            }
        }
    }

    pub fn finish(mut self, uid: Uuid, account: &Account) -> Prepared<'a> {
        // refinery's runner takes them in this order, whatever list they came from.
        self.migrations
            .sort_by_key(|recorded| recorded.migration.version());
        let work = self.work;
        let stage = work.stage();
        let script = Script {
            history_table: qualified(&work.tenant.schema, &work.desired.history_table),
            new_history: work.creates(),
            pin: stage.pin(),
            between: stage.between(!work.creates() || self.files.defer()),
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
            create_schema: work.creates().then(|| stage.create_schema()),
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
            work.stage().afresh(),
            OWN_PATH.to_owned(),
            row,
            journal::ledger(work.run, uid, &self.ledger),
            journal::applied_step(work.run, work.id, &self.steps.join(", ")),
        ]
        .join(";\n")
    }
}
