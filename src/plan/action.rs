//! The closed list of things tenantry can do, and what a person should weigh before each.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::name::{ClusterName, ExtensionName, SchemaName, TemplateName};
use crate::model::shape::SHAPE_VERSION;
use crate::model::template::ContentHash;

/// A step on a whole database.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DatabaseStep {
    pub cluster: ClusterName,
    #[serde(flatten)]
    pub action: DatabaseAction,
}

/// What is done to a database before its tenants.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum DatabaseAction {
    CreateControlSchema {
        version: i64,
    },
    UpgradeControlSchema {
        from: i64,
        to: i64,
    },
    InstallExtension {
        name: ExtensionName,
        /// `None` takes the server's default.
        version: Option<String>,
        schema: SchemaName,
    },
    UpdateExtension {
        name: ExtensionName,
        from: String,
        to: String,
    },
}

impl DatabaseAction {
    /// Whether it counts under `extensions` in the summary.
    #[must_use]
    pub fn is_extension(&self) -> bool {
        matches!(
            self,
            Self::InstallExtension { .. } | Self::UpdateExtension { .. }
        )
    }
}

/// What is done to one tenant.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum TenantAction {
    CreateTenant {
        template: TemplateName,
        template_address: ContentHash,
        /// Recorded without being run: already inside the template.
        baseline: Vec<MigrationRef>,
        migrations: Vec<MigrationRef>,
    },
    Migrate {
        template: TemplateName,
        /// The newest version recorded so far.
        from: Option<i64>,
        migrations: Vec<MigrationRef>,
    },
}

/// A migration file by identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct MigrationRef {
    pub version: i64,
    pub name: String,
    pub sha256: ContentHash,
}

/// What must hold, under the tenant's lock, for its step to go on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Precondition {
    /// Neither a schema nor a control row.
    Absent,
    /// A control row whose schema is gone (`--provision-empty`).
    SchemaMissing,
    /// A control row, the schema, and this history.
    History {
        fingerprint: ContentHash,
        /// Left out for tenants whose shapes weren't compared.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        shapes: Option<PlannedShapes>,
    },
}

/// What the tenants of a cohort looked like when they were planned.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct PlannedShapes {
    /// Fingerprints of another version are never compared.
    pub shape_version: i32,
    /// The server's major version; fingerprints of another one are never compared.
    pub server: i32,
    /// Sorted, at least one: those of the live shapes, each without its schema's own name.
    pub fingerprints: Vec<ContentHash>,
}

impl PlannedShapes {
    /// Whether this program's fingerprints of a server, given as its major version, may be held against these.
    #[must_use]
    pub fn are_comparable(&self, server: i32) -> bool {
        self.shape_version == SHAPE_VERSION && self.server == server
    }
}

/// Why a person should look first.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Hazard {
    DeletesData,
    DropsTenant,
}

impl Hazard {
    /// Every hazard there is.
    pub const ALL: [Self; 2] = [Self::DeletesData, Self::DropsTenant];

    /// The word as it stands in output and after `--allow`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::DeletesData => "DELETES_DATA",
            Self::DropsTenant => "DROPS_TENANT",
        }
    }
}

/// A hazard and the statement it stands on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub struct HazardNote {
    pub hazard: Hazard,
    /// The file's name.
    pub file: String,
    /// 1-based.
    pub line: usize,
    /// What the statement does, such as `DROP COLUMN`.
    pub what: String,
    /// Whether the file's own directive allows it.
    pub allowed_by_file: bool,
}
