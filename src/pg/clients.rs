//! Connections to one target, handed out like tools from a shed.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use postgres::CancelToken;

use super::error::PgError;
use super::settings::Target;
use super::wire::Wire;

/// A check-out stack: as many connections as were ever needed at once, so at most one per worker.
#[derive(Debug)]
pub struct Clients {
    target: Target,
    idle: Mutex<Vec<Wire>>,
    busy: Mutex<Busy>,
}

/// What cancels the connections that are at work.
#[derive(Default)]
struct Busy {
    tokens: BTreeMap<u64, CancelToken>,
    next: u64,
}

impl std::fmt::Debug for Busy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} busy", self.tokens.len())
    }
}

impl Clients {
    /// No connection is made yet.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            idle: Mutex::default(),
            busy: Mutex::default(),
        }
    }

    /// Makes a connection that nobody else uses; [`cancel_all`](Self::cancel_all) doesn't reach it.
    ///
    /// # Errors
    /// What the server or the network said.
    pub fn connect(&self) -> Result<Wire, PgError> {
        Wire::connect(&self.target)
    }

    /// Leaves a connection to the next who needs one; its transaction must be over.
    pub fn put_back(&self, wire: Wire) {
        lock(&self.idle).push(wire);
    }

    /// Works with an idle connection, or a new one.
    ///
    /// It comes back if the work went well, with its transaction over. After an error it is doubtful, and
    /// dropped; if it broke, so are the idle ones, which have lost their server too.
    ///
    /// # Errors
    /// Those of the work, and of connecting.
    pub fn with<T, E: From<PgError>>(
        &self,
        work: impl FnOnce(&mut Wire) -> Result<T, E>,
    ) -> Result<T, E> {
        let mut wire = self.take()?;
        let result = {
            let _at_work = AtWork::new(&self.busy, wire.cancel_token());
            work(&mut wire)
        };
        if wire.is_closed() {
            // Dropped after the lock, since that takes a moment each.
            let lost = std::mem::take(&mut *lock(&self.idle));
            drop(lost);
        } else if result.is_ok() {
            self.put_back(wire);
        }
        result
    }

    fn take(&self) -> Result<Wire, PgError> {
        let idle = lock(&self.idle).pop();
        idle.map_or_else(|| self.connect(), Ok)
    }

    /// Asks the server to cancel what every connection at work is doing, and doesn't wait for it.
    pub fn cancel_all(&self) {
        let tokens: Vec<CancelToken> = lock(&self.busy).tokens.values().cloned().collect();
        for token in tokens {
            let target = self.target.clone();
            let cancel = move || {
                if let Err(error) = target.cancel(&token) {
                    log::warn!("{target}: cancelling: {}", PgError::from(error));
                }
            };
            if let Err(error) = thread::Builder::new().spawn(cancel) {
                log::warn!("{}: cancelling: {error}", self.target);
            }
        }
    }
}

/// Keeps a connection among the busy ones, through a panic too.
struct AtWork<'a> {
    busy: &'a Mutex<Busy>,
    number: u64,
}

impl<'a> AtWork<'a> {
    fn new(busy: &'a Mutex<Busy>, token: CancelToken) -> Self {
        let mut all = lock(busy);
        let number = all.next;
        all.next += 1;
        all.tokens.insert(number, token);
        Self { busy, number }
    }
}

impl Drop for AtWork<'_> {
    fn drop(&mut self) {
        lock(self.busy).tokens.remove(&self.number);
    }
}

/// Nothing panics while one is held, and what they hold is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
