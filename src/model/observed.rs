//! The observed state: what the databases answered, read in a fixed number of round trips each.

use std::collections::BTreeMap;
use std::sync::Arc;

use uuid::Uuid;

use super::migration::History;
use super::name::{
    ClusterName, ExtensionName, FleetName, RoleName, SchemaName, TableName, TemplateName, TenantId,
};
use super::shape::Shape;
use super::template::ContentHash;

/// The fleet as its databases describe it.
#[derive(Clone, Debug)]
pub struct Observed {
    pub databases: BTreeMap<ClusterName, Result<LiveDatabase, Unreachable>>,
}

/// A database that didn't answer; a value, so that the others go on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreachable {
    /// The driver's or server's own words.
    pub message: String,
    pub hint: Option<String>,
}

/// One database.
#[derive(Clone, Debug)]
pub struct LiveDatabase {
    pub server: ServerFacts,
    pub control: ControlState,
    /// Installed extensions.
    pub extensions: BTreeMap<ExtensionName, InstalledExtension>,
    /// What `pg_available_extension_versions` offers.
    pub available: BTreeMap<ExtensionName, AvailableExtension>,
    /// Rows of `tenantry.tenant`.
    pub tenants: BTreeMap<TenantId, ControlTenant>,
    /// Schemas that exist, save PostgreSQL's own.
    pub schemas: BTreeMap<SchemaName, LiveSchema>,
    /// The shapes of the selected tenants' schemas, where they were asked for.
    pub shapes: Option<LiveShapes>,
    /// What the templates of selected tenants have changed in since, in words, where it was asked for and can be told.
    pub template_changes: BTreeMap<TenantId, Arc<str>>,
}

impl LiveDatabase {
    /// A tenant's history, where it could be read.
    #[must_use]
    pub fn history(&self, row: &ControlTenant) -> Option<&History> {
        match &self.schemas.get(&row.schema)?.history {
            LiveHistory::Rows(history) => Some(history),
            _ => None,
        }
    }
}

/// The shapes of many schemas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LiveShapes {
    /// In no order.
    pub groups: Vec<ShapeGroup>,
    pub unreadable: BTreeMap<SchemaName, Unreadable>,
}

/// Why a schema's objects couldn't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The server's own words.
    pub message: String,
    /// Whether another session held them, so that it is worth another look.
    pub is_locked: bool,
}

#[cfg(test)]
impl Unreadable {
    /// That nobody will get by another look.
    pub(crate) fn for_good(message: &str) -> Self {
        Self {
            message: message.to_owned(),
            is_locked: false,
        }
    }
}

/// Schemas that are alike, up to their own names as whole words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShapeGroup {
    /// Sorted, at least one.
    pub schemas: Vec<SchemaName>,
    /// Of the first of them.
    pub shape: Shape,
}

/// What a server says of itself and of us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerFacts {
    /// `server_version_num`, e.g. 150018.
    pub version_num: i32,
    pub database: String,
    /// With `database_oid`: which database this is, whatever its address.
    pub system_identifier: String,
    pub database_oid: u32,
    pub role: RoleName,
    pub superuser: bool,
    /// CREATE on the database.
    pub may_create: bool,
    /// A standby, or `default_transaction_read_only`.
    pub read_only: bool,
}

impl ServerFacts {
    /// The major version, e.g. 15.
    #[must_use]
    pub fn major(&self) -> i32 {
        self.version_num / 10_000
    }
}

/// The state of the `tenantry` schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ControlState {
    /// No schema `tenantry`, or one that is empty yet.
    Absent,
    /// Of this format and fleet.
    Present {
        version: i64,
        fleet: FleetName,
        /// The repository the fleet's backups live in, where one was made.
        repository: Option<String>,
        /// Roles that were let read the tenants, and with them their histories.
        readers: Vec<RoleName>,
    },
    /// A schema `tenantry` without our `fleet` table, or one we can't read.
    Unreadable(String),
}

/// An extension that is installed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstalledExtension {
    pub version: String,
    pub schema: SchemaName,
}

/// An extension the server could install.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AvailableExtension {
    pub default_version: Option<String>,
    pub versions: BTreeMap<String, AvailableVersion>,
    /// Versions the installed one can be updated to (`pg_extension_update_paths`).
    pub update_targets: Vec<String>,
}

/// One version of an available extension.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AvailableVersion {
    /// Needs a superuser, unless `trusted`.
    pub superuser: bool,
    pub trusted: bool,
    pub requires: Vec<ExtensionName>,
}

/// A row of `tenantry.tenant`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ControlTenant {
    pub uid: Uuid,
    pub schema: SchemaName,
    pub owner: RoleName,
    pub template: TemplateName,
    pub template_address: ContentHash,
    pub history_table: TableName,
    /// `present`, `suspended` or `absent`.
    pub state: String,
    pub generation: i64,
    /// Values of placeholders, by the hash of the content that used them.
    pub values: BTreeMap<ContentHash, BTreeMap<String, String>>,
    /// The migrations that ran on it since it was last made, in the order they did, shared by all tenants of which
    /// they are equal. `None` where the ledger can't be read, or doesn't know how the tenant was made.
    pub applied: Option<Arc<[Ran]>>,
}

/// A migration that ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    pub version: i64,
    pub content: ContentHash,
}

/// A schema that exists.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LiveSchema {
    pub oid: u32,
    pub owner: RoleName,
    /// Read for tenants of the control schema only.
    pub history: LiveHistory,
}

/// A tenant's history table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LiveHistory {
    /// Not looked at: the schema is no tenant's.
    NotRead,
    /// The table isn't there.
    Absent,
    Rows(History),
    /// The table isn't of refinery's int8 format; says what differs.
    Foreign(String),
    /// It can't be read, or a row of it makes no sense; says which.
    Unreadable(String),
}
