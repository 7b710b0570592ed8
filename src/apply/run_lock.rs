//! The run lock: one changing run a database, held by an open transaction on a connection of its own.
//!
//! It keeps two runs from doing each other's work. Correctness doesn't rest on it but on the tenants' locks,
//! which the server frees by itself as it does this one.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::control::RUN_LOCK;
use crate::error::{Error, Exit};
use crate::model::name::{ClusterName, quote_literal};
use crate::pg::catalog;
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::wire::{BEGIN, Wire};

use super::cancel::Cancel;

/// A held run lock; dropping it frees the lock.
#[derive(Debug)]
pub struct RunLock {
    wire: Mutex<(Wire, Instant)>,
}

/// How often a held lock is looked after.
const LOOK_AFTER: Duration = Duration::from_secs(2);

const POLL: Duration = Duration::from_millis(250);

/// How long the server may take to answer about a lock, which needs no work.
const ANSWER: Duration = Duration::from_secs(30);

impl RunLock {
    /// Takes the lock, waiting up to `patience` for another run.
    ///
    /// # Errors
    /// Exit 5, naming the holder, when another run keeps it.
    pub fn take(
        clients: &Clients,
        cluster: &ClusterName,
        application: &str,
        patience: Duration,
        cancel: &Cancel,
    ) -> Result<Self, Error> {
        let fault = |error: PgError| {
            Error::failed(format!("cluster {cluster}: taking the run lock: {error}"))
        };
        let mut wire = clients.connect().map_err(fault)?;
        let since = Instant::now();
        loop {
            if try_lock(&mut wire, application).map_err(fault)? {
                let wire = Mutex::new((wire, Instant::now()));
                return Ok(Self { wire });
            }
            let given_up = cancel.reason().is_some() || since.elapsed() >= patience;
            if given_up {
                return Err(held(&mut wire, cluster));
            }
            cancel.sleep(POLL);
        }
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

    /// Frees the lock.
    pub fn free(self) {
        let (mut wire, _) = self
            .wire
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        // A lost connection has freed it already.
        let _ = wire.within(ANSWER).run("ROLLBACK");
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

fn held(wire: &mut Wire, cluster: &ClusterName) -> Error {
    let holder = match catalog::lock_holder(wire, RUN_LOCK) {
        Ok(Some(holder)) => holder.to_string(),
        _ => "a session that can't be seen".to_owned(),
    };
    Error::new(
        Exit::Locked,
        format!("cluster {cluster} is locked by another run: {holder}"),
    )
    .hint("Wait for it with `--lock-wait 5min`, or end that session with pg_terminate_backend.")
}
