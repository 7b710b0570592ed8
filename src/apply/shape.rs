//! Whether a tenant still looks as it did when a saved plan was made.

use crate::pg::error::PgError;
use crate::pg::shape;
use crate::pg::wire::Wire;
use crate::plan::action::{PlannedShapes, Precondition};

use super::work::{Account, Work};

/// What is otherwise, under the tenant's lock, in the schema with this oid; nothing where there is nothing to hold
/// against each other. `server` is its `server_version_num`.
///
/// A plan that this run made itself was made a moment ago under the run lock. It isn't checked: reading a shape takes
/// some milliseconds, several times as long as a small migration.
///
/// # Errors
/// The server's; the transaction goes on.
pub(super) fn differs(
    wire: &mut Wire,
    work: &Work<'_>,
    account: &Account,
    server: i32,
    oid: u32,
) -> Result<Option<String>, PgError> {
    let Some(planned) = planned(work, server) else {
        return Ok(None);
    };
    let history_table = work.desired.history_table.as_str().to_owned();
    let mut read = shape::read(wire, &[oid], &[history_table], &account.readers, server)?;
    let live = read.remove(&oid);
    let live = live.map(|shape| shape.nameless_fingerprint(&work.tenant.schema));
    Ok(match live {
        Some(live) if planned.fingerprints.contains(&live) => None,
        Some(_) => Some("its shape isn't the one that was planned for".to_owned()),
        None => Some("its shape can't be read any more".to_owned()),
    })
}

fn planned<'a>(work: &Work<'a>, server: i32) -> Option<&'a PlannedShapes> {
    work.plan_id?;
    let Precondition::History { shapes, .. } = &work.cohort.expects else {
        return None;
    };
    let planned = shapes.as_ref()?;
    planned.are_comparable(server / 10_000).then_some(planned)
}
