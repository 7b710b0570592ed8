//! The journal: runs, steps and the ledger, as SQL that goes along with the work it records.

use std::collections::BTreeMap;

use postgres::types::Type;
use uuid::Uuid;

use crate::error::Exit;
use crate::model::name::{TenantId, quote_literal};
use crate::model::template::ContentHash;
use crate::pg::error::PgError;
use crate::pg::wire::Wire;
use crate::report::{Failure, Status};

/// A run as it begins.
#[derive(Clone, Debug)]
pub struct RunStart {
    pub run: Uuid,
    pub plan_id: Option<Uuid>,
    pub plan_digest: ContentHash,
    /// Every tenant of the run, those of other databases too.
    pub planned: Vec<String>,
    /// The run that it carries on.
    pub resumes: Option<Uuid>,
}

/// Records the start of a run; the id of the transaction that does.
pub fn start(wire: &mut Wire, start: &RunStart) -> Result<Option<String>, PgError> {
    let rows = wire.typed(
        "INSERT INTO tenantry.run (run, command, plan_id, plan_digest, planned, resumes, tool_version) \
         VALUES ($1, 'apply', $2, $3, $4, $5, $6) RETURNING pg_catalog.pg_current_xact_id()::text",
        &[
            (&start.run, Type::UUID),
            (&start.plan_id, Type::UUID),
            (&start.plan_digest.0, Type::TEXT),
            (&start.planned, Type::TEXT_ARRAY),
            (&start.resumes, Type::UUID),
            (&env!("CARGO_PKG_VERSION"), Type::TEXT),
        ],
    )?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// Whether a transaction was committed; `None` while it runs, or when the server has forgotten it.
pub fn was_committed(wire: &mut Wire, transaction: &str) -> Result<Option<bool>, PgError> {
    let rows = wire.typed(
        "SELECT pg_catalog.pg_xact_status($1::text::xid8)",
        &[(&transaction, Type::TEXT)],
    )?;
    let status: Option<&str> = rows.first().and_then(|row| row.get(0));
    Ok(match status {
        Some("committed") => Some(true),
        Some("aborted") => Some(false),
        _ => None,
    })
}

/// The run that carried this saved plan out to its end, if one did.
pub fn plan_already_done(wire: &mut Wire, plan_id: Uuid) -> Result<Option<Uuid>, PgError> {
    let rows = wire.typed(
        "SELECT run FROM tenantry.run WHERE plan_id = $1 AND state = 'done' LIMIT 1",
        &[(&plan_id, Type::UUID)],
    )?;
    Ok(rows.first().map(|row| row.get(0)))
}

/// Records how a run ended.
pub fn finish(wire: &mut Wire, run: Uuid, exit: Exit) -> Result<(), PgError> {
    let state = match exit {
        Exit::Done => "done",
        Exit::Partial => "partial",
        Exit::Interrupted => "interrupted",
        _ => "failed",
    };
    wire.typed(
        "UPDATE tenantry.run SET state = $2, exit_code = $3, finished_at = pg_catalog.clock_timestamp() \
         WHERE run = $1",
        &[
            (&run, Type::UUID),
            (&state, Type::TEXT),
            (&i32::from(exit as u8), Type::INT4),
        ],
    )?;
    Ok(())
}

/// A step that left nothing else behind: failed, stale, skipped, unknown, or database-wide.
#[derive(Clone, Debug)]
pub struct StepRow {
    /// Empty for a database-wide step.
    pub tenant: String,
    pub action: String,
    pub status: Status,
    pub error: Option<Failure>,
    pub took_ms: u64,
}

/// Records steps, all in one message.
pub fn steps(wire: &mut Wire, run: Uuid, steps: &[StepRow]) -> Result<(), PgError> {
    let column = |pick: fn(&StepRow) -> String| steps.iter().map(pick).collect::<Vec<String>>();
    let tenants = column(|step| step.tenant.clone());
    let actions = column(|step| step.action.clone());
    let statuses = column(|step| step.status.as_str().to_owned());
    let errors = column(|step| json(step.error.as_ref()));
    let took: Vec<i64> = steps.iter().map(|step| millis(step.took_ms)).collect();
    wire.typed(
        "INSERT INTO tenantry.step (run, tenant, action, status, error, took_ms) \
         SELECT $1, tenant, action, status, NULLIF(error, 'null')::jsonb, took \
           FROM ROWS FROM (pg_catalog.unnest($2::text[]), pg_catalog.unnest($3::text[]), \
                           pg_catalog.unnest($4::text[]), pg_catalog.unnest($5::text[]), \
                           pg_catalog.unnest($6::int8[])) \
                AS s (tenant, action, status, error, took) \
         ON CONFLICT DO NOTHING",
        &[
            (&run, Type::UUID),
            (&tenants, Type::TEXT_ARRAY),
            (&actions, Type::TEXT_ARRAY),
            (&statuses, Type::TEXT_ARRAY),
            (&errors, Type::TEXT_ARRAY),
            (&took, Type::INT8_ARRAY),
        ],
    )?;
    Ok(())
}

fn json(error: Option<&Failure>) -> String {
    serde_json::to_string(&error).unwrap_or_else(|_| "null".to_owned())
}

fn millis(took: u64) -> i64 {
    i64::try_from(took).unwrap_or(i64::MAX)
}

/// A tenant's row, as its transaction leaves it.
#[derive(Clone, Debug)]
pub struct TenantRow<'a> {
    pub uid: Uuid,
    pub id: &'a TenantId,
    pub schema: &'a str,
    pub owner: &'a str,
    pub template: &'a str,
    pub template_address: &'a ContentHash,
    pub history_table: &'a str,
    pub values: &'a Values,
}

/// Placeholder values by the hash of the content that used them.
pub type Values = BTreeMap<ContentHash, BTreeMap<String, String>>;

/// What was applied to a tenant.
#[derive(Clone, Debug)]
pub struct LedgerEntry<'a> {
    pub sha256: &'a ContentHash,
    /// `up` or `baseline`.
    pub direction: &'static str,
    pub version: Option<i64>,
    pub name: &'a str,
}

/// SQL that records a tenant's creation. A second one for the same uid provisions it anew.
pub fn insert_tenant(row: &TenantRow<'_>) -> String {
    format!(
        "INSERT INTO tenantry.tenant \
         (uid, id, schema_name, schema_oid, owner, template, template_address, history_table, values) \
         SELECT '{}', {}, n.nspname, n.oid, {}, {}, {}, {}, {} \
           FROM pg_catalog.pg_namespace n WHERE n.nspname = {} \
         ON CONFLICT (uid) DO UPDATE SET schema_oid = EXCLUDED.schema_oid, owner = EXCLUDED.owner, \
         template_address = EXCLUDED.template_address, values = EXCLUDED.values, state = 'present', \
         generation = tenant.generation + 1, shape = NULL, shape_version = NULL, \
         shape_server_major = NULL, changed_at = pg_catalog.clock_timestamp()",
        row.uid,
        quote_literal(row.id.as_str()),
        quote_literal(row.owner),
        quote_literal(row.template),
        quote_literal(&row.template_address.0),
        quote_literal(row.history_table),
        values_literal(row.values),
        quote_literal(row.schema),
    )
}

/// SQL that records a tenant's migration: values of the files it got are added.
pub fn touch_tenant(uid: Uuid, values: &Values) -> String {
    let values = if values.is_empty() {
        String::new()
    } else {
        format!("values = values || {}, ", values_literal(values))
    };
    format!(
        "UPDATE tenantry.tenant SET {values}shape = NULL, shape_version = NULL, \
         shape_server_major = NULL, changed_at = pg_catalog.clock_timestamp() WHERE uid = '{uid}'"
    )
}

fn values_literal(values: &Values) -> String {
    let json = serde_json::to_string(values).unwrap_or_else(|_| "{}".to_owned());
    format!("{}::jsonb", quote_literal(&json))
}

/// SQL that adds to the ledger.
pub fn ledger(run: Uuid, uid: Uuid, entries: &[LedgerEntry<'_>]) -> String {
    let rows: Vec<String> = entries
        .iter()
        .map(|entry| {
            let version = entry
                .version
                .map_or("NULL".to_owned(), |version| version.to_string());
            format!(
                "('{uid}', '{run}', {}, '{}', {version}, {})",
                quote_literal(&entry.sha256.0),
                entry.direction,
                quote_literal(entry.name)
            )
        })
        .collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "INSERT INTO tenantry.ledger (tenant_uid, run, sha256, direction, version, name) VALUES {}",
        rows.join(", ")
    )
}

/// SQL that records an applied tenant step; its presence proves that the transaction was committed.
pub fn applied_step(run: Uuid, tenant: &TenantId, action: &str) -> String {
    format!(
        "INSERT INTO tenantry.step (run, tenant, action, status, took_ms) VALUES ('{run}', {}, {}, 'applied', \
         1000 * pg_catalog.date_part('epoch', pg_catalog.clock_timestamp() - pg_catalog.transaction_timestamp()))",
        quote_literal(tenant.as_str()),
        quote_literal(action)
    )
}

/// Whether this run's step on this tenant was committed.
pub fn was_applied(wire: &mut Wire, run: Uuid, tenant: &TenantId) -> Result<bool, PgError> {
    let rows = wire.typed(
        "SELECT EXISTS (SELECT FROM tenantry.step WHERE run = $1 AND tenant = $2 AND status = 'applied')",
        &[(&run, Type::UUID), (&tenant.as_str(), Type::TEXT)],
    )?;
    Ok(rows.first().is_some_and(|row| row.get(0)))
}
