//! The run lock: one changing run a database, held by an open transaction on a connection of its own.
//!
//! It keeps two runs from doing each other's work. Correctness doesn't rest on it but on the tenants' locks,
//! which the server frees by itself as it does this one.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::control::RUN_LOCK;
use crate::error::{Error, Exit};
use crate::model::name::{ClusterName, quote_literal};
use crate::pg::catalog::{self, LockHolder};
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::wire::{BEGIN, Wire};
use crate::report::Event;

use super::locks::Taking;

/// A held run lock; dropping it frees the lock.
#[derive(Debug)]
pub struct RunLock {
    wire: Mutex<(Wire, Instant)>,
}

/// How often a held lock is looked after.
const LOOK_AFTER: Duration = Duration::from_secs(2);

const POLL: Duration = Duration::from_millis(250);

/// How often a holder that nobody finds is taken for one that has just ended.
const VANISHED: u32 = 10;

/// How long the server may take to answer about a lock, which needs no work.
const ANSWER: Duration = Duration::from_secs(30);

impl RunLock {
    /// Takes the lock, waiting for another run as long as it is told to.
    ///
    /// # Errors
    /// Exit 5, naming the holder, when another run keeps it.
    pub fn take(
        clients: &Clients,
        cluster: &ClusterName,
        application: &str,
        taking: &Taking<'_>,
    ) -> Result<Self, Error> {
        let fault = |error: PgError| {
            Error::failed(format!("cluster {cluster}: taking the run lock: {error}"))
        };
        let mut wire = clients.connect().map_err(fault)?;
        let since = Instant::now();
        let mut told = false;
        let mut vanished = 0;
        while !try_lock(&mut wire, application).map_err(fault)? {
            let holder = catalog::lock_holder(&mut wire, RUN_LOCK).ok().flatten();
            if holder.is_none() && vanished < VANISHED {
                // It has ended since the lock was tried.
                vanished += 1;
                taking.cancel.sleep(POLL / 5);
                continue;
            }
            let ours = |holder: &LockHolder| holder.application.as_deref() == Some(application);
            if holder.as_ref().is_some_and(ours) {
                return Err(twice(cluster));
            }
            let holder = holder.map_or("a session that can't be seen".to_owned(), |holder| {
                holder.to_string()
            });
            let waited = since.elapsed() >= taking.patience;
            if waited || taking.cancel.reason().is_some() {
                return Err(held(&holder, cluster));
            }
            if !std::mem::replace(&mut told, true) {
                let holder = &holder;
                taking.reporter.event(&Event::Waiting { cluster, holder });
            }
            taking.cancel.sleep(POLL);
        }
        let wire = Mutex::new((wire, Instant::now()));
        Ok(Self { wire })
    }

    /// Whether the lock is still ours; asks the server at most every two seconds, one worker at a time.
    pub fn is_held(&self) -> bool {
        let Ok(mut guard) = self.wire.try_lock() else {
            return true;
        };
        let (wire, seen) = &mut *guard;
        if seen.elapsed() < LOOK_AFTER {
            return true;
        }
        *seen = Instant::now();
        wire.within(ANSWER).run("SELECT").is_ok()
    }

    /// Runs SQL that can't fail on the lock's connection: an error would end its transaction, and free the lock.
    pub fn run(&self, sql: &str) -> Result<(), PgError> {
        let mut guard = self.wire.lock().unwrap_or_else(PoisonError::into_inner);
        guard.0.within(ANSWER).run(sql)
    }
}

impl Drop for RunLock {
    /// Says so to the server, which otherwise notices some time after the connection is gone: the next run would find
    /// the lock held by nobody.
    fn drop(&mut self) {
        let held = self.wire.get_mut().unwrap_or_else(PoisonError::into_inner);
        // A lost connection has freed it already.
        let _ = held.0.within(ANSWER).run("ROLLBACK");
    }
}

/// From PostgreSQL 17 on; the run lasts as long as it lasts.
const NO_TIMEOUT: &str = "SELECT pg_catalog.set_config(s.name, '0', true) \
     FROM pg_catalog.pg_settings s WHERE s.name OPERATOR(pg_catalog.=) 'transaction_timeout'";

fn try_lock(wire: &mut Wire, application: &str) -> Result<bool, PgError> {
    let results = wire.within(ANSWER).simple(&format!(
        "{BEGIN}; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL client_connection_check_interval = 500; \
         SET LOCAL application_name = {}; \
         SELECT pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended({}, 0)); {NO_TIMEOUT}",
        quote_literal(application),
        quote_literal(RUN_LOCK),
    ))?;
    let got = results
        .first()
        .and_then(|result| result.rows.first()?.get(0))
        == Some("t");
    if !got {
        wire.run("ROLLBACK")?;
    }
    Ok(got)
}

/// This run holds the lock itself. The plan knows it too, where the server tells who it is.
fn twice(cluster: &ClusterName) -> Error {
    Error::refused(format!(
        "cluster {cluster} leads to the database of another cluster of this run"
    ))
    .hint("Keep one of the two clusters and declare its tenants there.")
}

fn held(holder: &str, cluster: &ClusterName) -> Error {
    Error::new(
        Exit::Locked,
        format!("cluster {cluster} is locked by another run: {holder}"),
    )
    .hint("Wait for it with `--lock-wait 5min`, or end that session with pg_terminate_backend.")
}
