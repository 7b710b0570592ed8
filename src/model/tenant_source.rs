//! Tenants that a query names: the desired state's `tenants_from`.

use super::desired::Timeouts;
use super::name::ClusterName;

/// The query that reads tenants from the application's own table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TenantSource {
    /// Whose database it runs in.
    pub cluster: ClusterName,
    /// One statement that only reads, without a semicolon.
    pub query: String,
    /// Fewer rows than this are an error.
    pub min: usize,
    /// The fleet's own; they bound the query too.
    pub timeouts: Timeouts,
    /// `file:line:column` of the query, for messages.
    pub place: String,
}
