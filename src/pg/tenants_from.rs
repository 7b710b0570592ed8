//! The rows of the desired state's `tenants_from`: somebody's own query, in a transaction that can't write.

use std::time::Duration;

use postgres::types::Type;

use crate::model::desired::Timeouts;
use crate::model::tenant_source::TenantSource;

use super::error::PgError;
use super::wire::Wire;

/// Nobody who plans waits longer than this.
const LONGEST: Duration = Duration::from_mins(5);

/// The rows, each as a JSON object, in the query's order.
///
/// The query runs as the connecting role with that role's own `search_path`, as it would for the application. It is
/// a part of one statement of ours, so that it can't be several, and its transaction is rolled back, so that nothing
/// it set stays in the session.
///
/// # Errors
/// The server's own words.
pub fn read(wire: &mut Wire, source: &TenantSource) -> Result<Vec<String>, PgError> {
    wire.run(&begin(source.timeouts))?;
    let none: [(&(dyn postgres::types::ToSql + Sync), Type); 0] = [];
    let rows = wire.typed(&select(&source.query), &none)?;
    wire.run("ROLLBACK")?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn begin(timeouts: Timeouts) -> String {
    let statement = timeouts.statement.0.min(LONGEST);
    format!(
        "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY; SET LOCAL standard_conforming_strings = on; \
         SET LOCAL lock_timeout = {}; SET LOCAL statement_timeout = {}; \
         SET LOCAL application_name = 'tenantry/observe'",
        timeouts.lock.0.as_millis(),
        statement.as_millis(),
    )
}

/// A line comment at the query's end must not reach what follows.
fn select(query: &str) -> String {
    format!("SELECT pg_catalog.to_json(q.*)::pg_catalog.text FROM (\n{query}\n) AS q")
}
