//! Small desired and observed states.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use refinery_core::Migration;
use uuid::Uuid;

use crate::error::Error;
use crate::model::desired::{
    Cluster, Desired, MaxFailures, OnDrift, Rollout, SchemaPattern, Tenant, TenantState, Timeouts,
};
use crate::model::migration::{MigrationFile, MigrationSet};
use crate::model::name::{
    ClusterName, ExtensionName, FleetName, RoleName, SchemaName, TableName, TemplateName, TenantId,
};
use crate::model::observed::{
    ControlState, ControlTenant, LiveDatabase, LiveHistory, LiveSchema, Observed, ServerFacts,
};
use crate::model::template::{
    DataLoss, Directives, Placeholder, SourceFile, Template, TemplateAddress,
};
use crate::plan::diff::{self, Options};
use crate::plan::{Blocked, CONTROL_VERSION, Plan};

pub(crate) const MAIN: &str = "main";
pub(crate) const MERCHANT: &str = "merchant";

pub(crate) fn tenant_id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

pub(crate) fn cluster(text: &str) -> ClusterName {
    ClusterName::new(text).unwrap()
}

pub(crate) fn schema(text: &str) -> SchemaName {
    SchemaName::new(text).unwrap()
}

pub(crate) fn template_name(text: &str) -> TemplateName {
    TemplateName::new(text).unwrap()
}

pub(crate) fn role(text: &str) -> RoleName {
    RoleName::new(text).unwrap()
}

pub(crate) fn table(text: &str) -> TableName {
    TableName::new(text).unwrap()
}

pub(crate) fn extension(text: &str) -> ExtensionName {
    ExtensionName::new(text).unwrap()
}

pub(crate) fn tags(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(crate) fn file(name: &str, text: &str) -> SourceFile {
    SourceFile {
        name: name.to_owned(),
        path: PathBuf::from(name),
        text: text.to_owned(),
        hash: crate::model::template::ContentHash::of(text),
        directives: Directives::default(),
        placeholders: Vec::<Placeholder>::new(),
        deletes: Vec::new(),
    }
}

pub(crate) fn migration(version: i64, name: &str) -> MigrationFile {
    let text = format!("CREATE TABLE t{version} ();\n");
    let full = format!("V{version}__{name}");
    MigrationFile {
        version,
        name: name.to_owned(),
        checksum: Migration::unapplied(&full, &text).unwrap().checksum(),
        up: file(&format!("{full}.sql"), &text),
        down: None,
    }
}

pub(crate) fn only(tag: &str, mut migration: MigrationFile) -> MigrationFile {
    migration.up.directives.only_tags.insert(tag.to_owned());
    migration
}

pub(crate) fn deleting(mut migration: MigrationFile, line: usize) -> MigrationFile {
    migration.up.deletes.push(DataLoss {
        line,
        what: "DROP TABLE".to_owned(),
    });
    migration
}

pub(crate) fn template(
    text: &str,
    baseline: i64,
    migrations: impl IntoIterator<Item = MigrationFile>,
) -> Template {
    let files = vec![file("010_tables.sql", text)];
    Template {
        address: TemplateAddress::of(&files),
        files,
        migrations: MigrationSet(
            migrations
                .into_iter()
                .map(|file| (file.version, file))
                .collect(),
        ),
        baseline,
    }
}

pub(crate) fn tenant(id: &str) -> Tenant {
    Tenant {
        cluster: cluster(MAIN),
        schema: schema(&format!("acq_{id}")),
        template: template_name(MERCHANT),
        owner: Some(role("app_owner")),
        state: TenantState::Present,
        tags: BTreeSet::new(),
        vars: BTreeMap::new(),
        backup: None,
        timeouts: Timeouts::default(),
    }
}

/// A database that is this fleet's and empty; `number` tells it from others.
pub(crate) fn database(number: u32) -> LiveDatabase {
    LiveDatabase {
        server: ServerFacts {
            version_num: 150_018,
            database: format!("db{number}"),
            system_identifier: "7400000000000000001".to_owned(),
            database_oid: number,
            role: role("deployer"),
            superuser: false,
            may_create: true,
            read_only: false,
        },
        control: ControlState::Present {
            version: CONTROL_VERSION,
            fleet: FleetName::new("payments").unwrap(),
            repository: None,
            readers: Vec::new(),
        },
        extensions: BTreeMap::new(),
        available: BTreeMap::new(),
        tenants: BTreeMap::new(),
        schemas: BTreeMap::new(),
        shapes: None,
        template_changes: BTreeMap::new(),
    }
}

pub(crate) fn live_schema(history: LiveHistory) -> LiveSchema {
    LiveSchema {
        oid: 16_400,
        owner: role("app_owner"),
        history,
    }
}

/// A desired state and what its databases say.
#[derive(Clone, Debug)]
pub(crate) struct Fleet {
    pub(crate) desired: Desired,
    pub(crate) observed: Observed,
    pub(crate) options: Options,
}

impl Fleet {
    /// One cluster, a template with migrations 1 and 2, and these tenants, none of which lives.
    pub(crate) fn of(tenants: &[&str]) -> Self {
        let merchant = template("CREATE TABLE m ();\n", 0, [1, 2].map(|v| migration(v, "x")));
        let declared = tenants.iter().map(|id| (tenant_id(id), tenant(id)));
        let desired = Desired {
            fleet: FleetName::new("payments").unwrap(),
            clusters: BTreeMap::new(),
            templates: [(template_name(MERCHANT), merchant)].into(),
            extensions: BTreeMap::new(),
            tenants: declared.collect(),
            search_path: vec![schema("extensions")],
            history_table: table("refinery_schema_history"),
            rollout: Rollout {
                canary_tags: tags(&["canary"]),
                max_failures: MaxFailures::Percent(5),
                drifted: OnDrift::Warn,
            },
            backups: None,
            schema_pattern: SchemaPattern {
                prefix: "acq_".to_owned(),
                suffix: String::new(),
            },
            secrets: BTreeSet::new(),
            waivers: Vec::new(),
        };
        let observed = Observed {
            databases: BTreeMap::new(),
        };
        let mut fleet = Self {
            desired,
            observed,
            options: Options::default(),
        };
        fleet.add_cluster(MAIN);
        fleet
    }

    /// The same, with every tenant live and up to date.
    pub(crate) fn live(tenants: &[&str]) -> Self {
        let mut fleet = Self::of(tenants);
        let plan = fleet.plan();
        fleet.carry_out(&plan);
        fleet
    }

    pub(crate) fn add_cluster(&mut self, name: &str) {
        let declared = Cluster::default();
        let number = u32::try_from(self.desired.clusters.len()).unwrap() + 1;
        self.desired.clusters.insert(cluster(name), declared);
        self.observed
            .databases
            .insert(cluster(name), Ok(database(number)));
    }

    pub(crate) fn tenant(&mut self, id: &str) -> &mut Tenant {
        self.desired.tenants.get_mut(&tenant_id(id)).unwrap()
    }

    pub(crate) fn template(&mut self) -> &mut Template {
        let name = template_name(MERCHANT);
        self.desired.templates.get_mut(&name).unwrap()
    }

    pub(crate) fn add_migration(&mut self, file: MigrationFile) {
        self.template().migrations.0.insert(file.version, file);
    }

    pub(crate) fn database(&mut self, name: &str) -> &mut LiveDatabase {
        let database = self.observed.databases.get_mut(&cluster(name)).unwrap();
        database.as_mut().unwrap()
    }

    pub(crate) fn row(&mut self, id: &str) -> &mut ControlTenant {
        let rows = &mut self.database(MAIN).tenants;
        rows.get_mut(&tenant_id(id)).unwrap()
    }

    pub(crate) fn set_history(&mut self, id: &str, history: LiveHistory) {
        let name = schema(&format!("acq_{id}"));
        self.database(MAIN).schemas.get_mut(&name).unwrap().history = history;
    }

    pub(crate) fn add_schema(&mut self, name: &str) {
        let live = live_schema(LiveHistory::NotRead);
        self.database(MAIN).schemas.insert(schema(name), live);
    }

    pub(crate) fn try_plan(&self) -> Result<Plan, Error> {
        diff::plan(&self.desired, &self.observed, &self.options)
    }

    pub(crate) fn plan(&self) -> Plan {
        self.try_plan().unwrap()
    }

    /// The only blocked tenant of the plan.
    pub(crate) fn blocked(&self) -> Blocked {
        let mut blocked = self.plan().blocked;
        assert_eq!(blocked.len(), 1, "{blocked:#?}");
        blocked.remove(0)
    }
}

/// The uid of a made-up control row.
pub(crate) fn uid(id: &TenantId) -> Uuid {
    let mut bytes = [0; 16];
    for (byte, letter) in bytes.iter_mut().zip(id.as_str().bytes()) {
        *byte = letter;
    }
    Uuid::from_bytes(bytes)
}
