//! Connections to one target, handed out like tools from a shed.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::descriptors;
use super::error::PgError;
use super::settings::Target;
use super::stack::{Held, Stack};
use super::wire::Wire;

/// A check-out stack: as many connections as were ever needed at once, so at most one per worker, and no more than
/// the server has slots for.
///
/// Who finds every slot taken waits for a connection of the stack while there is one, and from time to time for a
/// slot that has become free. Without any the wait is bounded.
#[derive(Debug)]
pub struct Clients {
    target: Target,
    stack: Mutex<Stack>,
    /// A connection has come back or is gone, or nobody is to wait any more.
    changed: Condvar,
}

/// How long a server without a free slot is asked for one, by a stack that has no connection.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Between two such questions, on average.
const PAUSE: Duration = Duration::from_millis(250);

impl Clients {
    /// No connection is made yet.
    pub fn new(target: Target) -> Self {
        Self {
            target,
            stack: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Makes a connection that nobody else uses.
    ///
    /// # Errors
    /// What the server or the network said; that every slot is taken, only after some patience.
    pub fn connect(&self) -> Result<Wire, PgError> {
        let since = Instant::now();
        loop {
            match self.make() {
                Err(error) if error.is_full() && since.elapsed() < PATIENCE => {
                    thread::sleep(jittered(PAUSE));
                }
                connected => return connected,
            }
        }
    }

    /// The same without patience.
    pub(super) fn make(&self) -> Result<Wire, PgError> {
        descriptors::check()?;
        Wire::connect(&self.target)
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
        let (_slot, mut held) = self.take()?;
        let result = work(&mut held.wire);
        held.uses += 1;
        if held.wire.is_closed() {
            // Dropped after the lock, since that takes a moment each.
            let lost = lock(&self.stack).lose_idle();
            drop(lost);
        } else if result.is_ok() && !held.is_worn() {
            lock(&self.stack).put_back(held);
        }
        result
    }

    /// Has the next who needs one wait for a connection that is used now, if there is any, before one is made.
    pub fn shrink(&self) {
        lock(&self.stack).shrink(jittered(PAUSE));
    }

    fn take(&self) -> Result<(Slot<'_>, Held), PgError> {
        let mut stack = lock(&self.stack);
        let ended_waits = stack.ended_waits;
        loop {
            if let Some(held) = stack.check_out() {
                return Ok((Slot(self), held));
            }
            if stack.begin() {
                let slot = Slot(self);
                drop(stack);
                match self.make() {
                    Ok(wire) => {
                        lock(&self.stack).has_room();
                        return Ok((slot, Held { wire, uses: 0 }));
                    }
                    Err(error) => {
                        drop(slot);
                        stack = self.after(error)?;
                    }
                }
            }
            if stack.ended_waits != ended_waits {
                return Err(PgError::own("ended before a connection was free"));
            }
            let wait = stack.until_retry();
            let waited = self.changed.wait_timeout(stack, wait);
            stack = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Only that there is no slot is worth waiting.
    fn after(&self, error: PgError) -> Result<MutexGuard<'_, Stack>, PgError> {
        let mut stack = lock(&self.stack);
        if !error.is_full() || stack.is_hopeless(PATIENCE) {
            return Err(error);
        }
        if stack.shrink(jittered(PAUSE)) && stack.tell() {
            log::warn!(
                "{}: no more connections can be made, so fewer tenants than asked for are at work at once: {error}",
                self.target
            );
        }
        Ok(stack)
    }

    /// Has everyone who waits for a connection give up.
    pub fn end_waits(&self) {
        lock(&self.stack).ended_waits += 1;
        self.changed.notify_all();
    }
}

/// One of the connections that are checked out or being made; counted until dropped, through a panic too.
struct Slot<'a>(&'a Clients);

impl Drop for Slot<'_> {
    fn drop(&mut self) {
        lock(&self.0.stack).end();
        self.0.changed.notify_all();
    }
}

/// Between half and one and a half of it, so that those who met don't meet again.
fn jittered(time: Duration) -> Duration {
    let noise = uuid::Uuid::new_v4().as_bytes()[0];
    time / 2 + time * u32::from(noise) / 255
}

/// Nothing panics while one is held, and what they hold is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
