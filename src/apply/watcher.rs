//! Cancels running statements when a second interrupt asks for it.
//!
//! By SQL, over the connection that holds the run lock: it is there whatever else is at work, and reaches the right
//! server whatever stands before it. The protocol's cancel request doesn't: the driver hangs up on it before it was
//! served, on which PgBouncer forgets the request or, in some versions, ends (pgbouncer/pgbouncer#801).

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use uuid::Uuid;

use crate::model::name::quote_literal;
use crate::pg::error::PgError;
use crate::report::CancelReason;

use super::cancel::Cancel;
use super::databases::{Database, Databases};

/// Watches over the waves of a run.
pub(super) struct Watcher<'a> {
    pub run: Uuid,
    pub databases: &'a Databases,
    pub cancel: &'a Cancel,
}

impl Watcher<'_> {
    /// Works, under the watcher's eyes.
    pub fn beside<T>(&self, work: impl FnOnce() -> T) -> T {
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                let over = || done.load(Ordering::SeqCst);
                if self.cancel.wait_for(CancelReason::SecondInterrupt, &over) {
                    self.cancel_until(&over);
                }
            });
            let result = work();
            done.store(true, Ordering::SeqCst);
            self.cancel.wake();
            result
        })
    }

    /// Again and again, since a request that comes between two statements cancels neither.
    fn cancel_until(&self, over: &dyn Fn() -> bool) {
        let sql = cancel_all(self.run);
        while !over() {
            for (cluster, database) in &self.databases.0 {
                database.clients.end_waits();
                if let Err(error) = send(database, &sql) {
                    log::warn!("cluster {cluster}: cancelling: {error}");
                }
            }
            thread::sleep(Duration::from_millis(200));
        }
    }
}

fn send(database: &Database, sql: &str) -> Result<(), PgError> {
    let anew = |_| database.clients.connect()?.run(sql);
    database.lock.run(sql).or_else(anew)
}

/// Every statement of the run's tenants, which are known by their application names.
fn cancel_all(run: Uuid) -> String {
    format!(
        "SELECT pg_catalog.pg_stat_clear_snapshot(); \
         SELECT pg_catalog.pg_cancel_backend(pid) FROM pg_catalog.pg_stat_activity \
         WHERE pg_catalog.starts_with(application_name, {}) AND state OPERATOR(pg_catalog.=) 'active'",
        quote_literal(&format!("tenantry/{}/", run.simple()))
    )
}
