//! The `tenantry` schema of each managed database: fleet identity, tenants, content, journal, ledger.
//!
//! The SQL that writes it lives here; it is sent by `apply` inside its own transactions.

pub mod content;
pub mod install;
pub mod journal;
pub mod runs;

/// The control schema's name.
pub const SCHEMA: &str = "tenantry";

/// The newest migration of the control schema that this binary knows.
pub const VERSION: i64 = crate::plan::CONTROL_VERSION;

/// The key of the lock that one changing run holds on each of its databases.
pub const RUN_LOCK: &str = "tenantry/run";

/// The key of the lock of one tenant.
#[must_use]
pub fn tenant_lock(id: &crate::model::name::TenantId) -> String {
    format!("tenantry/tenant/{id}")
}
