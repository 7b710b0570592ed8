//! What the databases hold after a plan was carried out: a model of apply, with its rechecks.

use std::collections::BTreeMap;

use super::fleet::{Fleet, live_schema, uid};
use crate::model::migration::{AppliedMigration, history_fingerprint};
use crate::model::name::TenantId;
use crate::model::observed::{
    ControlState, ControlTenant, InstalledExtension, LiveDatabase, LiveHistory,
};
use crate::plan::action::{DatabaseAction, MigrationRef, Precondition, TenantAction};
use crate::plan::{Cohort, Plan};

impl Fleet {
    /// Changes the observed state as apply would. Panics where apply would find a tenant stale.
    pub(super) fn carry_out(&mut self, plan: &Plan) {
        for step in &plan.steps {
            let fleet = self.desired.fleet.clone();
            let database = self.database(step.cluster.as_str());
            match &step.action {
                DatabaseAction::CreateControlSchema { version }
                | DatabaseAction::UpgradeControlSchema { to: version, .. } => {
                    database.control = ControlState::Present {
                        version: *version,
                        fleet,
                        repository: None,
                        readers: Vec::new(),
                    };
                }
                action => change_extension(database, action),
            }
        }
        for cohort in &plan.cohorts {
            for id in &cohort.tenants {
                self.carry_out_one(cohort, id);
            }
        }
    }

    fn carry_out_one(&mut self, cohort: &Cohort, id: &TenantId) {
        let tenant = self.desired.tenants[id].clone();
        let rows: BTreeMap<i64, AppliedMigration> = self.desired.templates[&tenant.template]
            .migrations
            .0
            .iter()
            .map(|(version, file)| (*version, file.as_applied()))
            .collect();
        let history_table = self.desired.history_table.clone();
        let database = self.database(tenant.cluster.as_str());
        check(database, &cohort.expects, id, &tenant.schema);
        let recorded = |refs: &[MigrationRef]| -> Vec<AppliedMigration> {
            refs.iter().map(|one| rows[&one.version].clone()).collect()
        };
        for action in &cohort.actions {
            let live = database
                .schemas
                .entry(tenant.schema.clone())
                .or_insert_with(|| live_schema(LiveHistory::Rows(Vec::new())));
            let LiveHistory::Rows(history) = &mut live.history else {
                panic!("a history of rows was planned for");
            };
            match action {
                TenantAction::CreateTenant {
                    template,
                    template_address,
                    baseline,
                    migrations,
                } => {
                    history.extend([recorded(baseline), recorded(migrations)].concat());
                    database.tenants.insert(
                        id.clone(),
                        ControlTenant {
                            uid: uid(id),
                            schema: tenant.schema.clone(),
                            owner: live.owner.clone(),
                            template: template.clone(),
                            template_address: template_address.clone(),
                            history_table: history_table.clone(),
                            state: "present".to_owned(),
                            generation: 1,
                            values: BTreeMap::new(),
                            applied: None,
                        },
                    );
                }
                TenantAction::Migrate { migrations, .. } => history.extend(recorded(migrations)),
            }
            history.sort();
        }
    }
}

fn change_extension(database: &mut LiveDatabase, action: &DatabaseAction) {
    match action {
        DatabaseAction::InstallExtension {
            name,
            version,
            schema,
        } => {
            let available = &database.available[name];
            let version = version.clone().or(available.default_version.clone());
            for needed in &available.versions[version.as_ref().unwrap()].requires {
                assert!(
                    database.extensions.contains_key(needed),
                    "{name} needs {needed}"
                );
            }
            let installed = InstalledExtension {
                version: version.unwrap(),
                schema: schema.clone(),
            };
            let before = database.extensions.insert(name.clone(), installed);
            assert_eq!(before, None, "{name} was installed already");
        }
        DatabaseAction::UpdateExtension { name, from, to } => {
            let installed = database.extensions.get_mut(name).unwrap();
            assert_eq!(installed.version, *from);
            installed.version.clone_from(to);
        }
        DatabaseAction::CreateControlSchema { .. }
        | DatabaseAction::UpgradeControlSchema { .. } => unreachable!(),
    }
}

fn check(
    database: &LiveDatabase,
    expects: &Precondition,
    id: &TenantId,
    schema: &crate::model::name::SchemaName,
) {
    let row = database.tenants.get(id);
    let live = database.schemas.get(schema);
    match expects {
        Precondition::Absent => assert!(row.is_none() && live.is_none(), "{id} exists"),
        Precondition::SchemaMissing => assert!(row.is_some() && live.is_none(), "{id}"),
        Precondition::History { fingerprint, .. } => {
            let LiveHistory::Rows(history) = &live.unwrap().history else {
                panic!("{id} has no history");
            };
            assert_eq!(history_fingerprint(history), *fingerprint, "{id}");
        }
    }
}
