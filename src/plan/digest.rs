//! The digest of a desired state: what a saved plan is tied to.
//!
//! It covers what decides the work on a database: resolved tenants, their values, templates,
//! migrations, extensions, `search_path` and the history table. URLs, the environment, backups, and
//! the rollout's order and limits may change between plan and apply.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::model::desired::{Desired, Extension, Tenant, Timeouts};
use crate::model::migration::MigrationFile;
use crate::model::name::{
    ClusterName, ExtensionName, FleetName, RoleName, SchemaName, TableName, TemplateName, TenantId,
};
use crate::model::template::{ContentHash, Template};

/// One hash over everything that a plan of this desired state follows from.
#[must_use]
pub fn desired_digest(desired: &Desired) -> ContentHash {
    let view = DesiredView {
        fleet: &desired.fleet,
        search_path: &desired.search_path,
        history_table: &desired.history_table,
        extensions: view(&desired.extensions, ExtensionView::of),
        templates: view(&desired.templates, TemplateView::of),
        tenants: view(&desired.tenants, TenantView::of),
    };
    ContentHash::of(&serde_json::to_string(&view).expect("the view holds only text and numbers"))
}

fn view<'a, K: Ord, T, V>(map: &'a BTreeMap<K, T>, of: fn(&'a T) -> V) -> BTreeMap<&'a K, V> {
    map.iter().map(|(key, value)| (key, of(value))).collect()
}

#[derive(Serialize)]
struct DesiredView<'a> {
    fleet: &'a FleetName,
    search_path: &'a [SchemaName],
    history_table: &'a TableName,
    extensions: BTreeMap<&'a ExtensionName, ExtensionView<'a>>,
    templates: BTreeMap<&'a TemplateName, TemplateView<'a>>,
    tenants: BTreeMap<&'a TenantId, TenantView<'a>>,
}

#[derive(Serialize)]
struct ExtensionView<'a> {
    schema: &'a SchemaName,
    version: Option<&'a str>,
    optional: bool,
}

impl<'a> ExtensionView<'a> {
    fn of(extension: &'a Extension) -> Self {
        Self {
            schema: &extension.schema,
            version: extension.version.as_deref(),
            optional: extension.optional,
        }
    }
}

#[derive(Serialize)]
struct TemplateView<'a> {
    address: &'a ContentHash,
    baseline: i64,
    migrations: Vec<MigrationView<'a>>,
}

impl<'a> TemplateView<'a> {
    fn of(template: &'a Template) -> Self {
        Self {
            address: &template.address.hash,
            baseline: template.baseline,
            migrations: template
                .migrations
                .0
                .values()
                .map(MigrationView::of)
                .collect(),
        }
    }
}

#[derive(Serialize)]
struct MigrationView<'a> {
    version: i64,
    name: &'a str,
    up: &'a ContentHash,
    down: Option<&'a ContentHash>,
}

impl<'a> MigrationView<'a> {
    fn of(file: &'a MigrationFile) -> Self {
        Self {
            version: file.version,
            name: &file.name,
            up: &file.up.hash,
            down: file.down.as_ref().map(|down| &down.hash),
        }
    }
}

#[derive(Serialize)]
struct TenantView<'a> {
    cluster: &'a ClusterName,
    schema: &'a SchemaName,
    template: &'a TemplateName,
    owner: Option<&'a RoleName>,
    state: &'static str,
    tags: &'a BTreeSet<String>,
    vars: &'a BTreeMap<String, String>,
    timeouts: TimeoutsView,
}

impl<'a> TenantView<'a> {
    fn of(tenant: &'a Tenant) -> Self {
        Self {
            cluster: &tenant.cluster,
            schema: &tenant.schema,
            template: &tenant.template,
            owner: tenant.owner.as_ref(),
            state: tenant.state.as_str(),
            tags: &tenant.tags,
            vars: &tenant.vars,
            timeouts: TimeoutsView::of(tenant.timeouts),
        }
    }
}

/// In milliseconds, as PostgreSQL takes them.
#[derive(Serialize)]
struct TimeoutsView {
    lock: u128,
    statement: u128,
    idle: u128,
}

impl TimeoutsView {
    fn of(timeouts: Timeouts) -> Self {
        Self {
            lock: timeouts.lock.0.as_millis(),
            statement: timeouts.statement.0.as_millis(),
            idle: timeouts.idle.0.as_millis(),
        }
    }
}
