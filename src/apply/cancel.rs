//! Ranked reasons to stop, seen by every worker, and waits that end with them.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::report::CancelReason;

/// Shared by the signal handler and the workers.
#[derive(Debug, Default)]
pub struct Cancel {
    reason: Mutex<Option<CancelReason>>,
    changed: Condvar,
}

impl Cancel {
    /// Notes a reason; a stronger one replaces a weaker one. Returns whether it did.
    pub fn stop(&self, reason: CancelReason) -> bool {
        let mut current = self.lock();
        let stronger = *current < Some(reason);
        if stronger {
            *current = Some(reason);
            self.changed.notify_all();
        }
        stronger
    }

    /// What a SIGINT or SIGTERM means: the first lets running tenants finish, the second cancels them.
    pub fn interrupt(&self) {
        let first = self
            .lock()
            .is_none_or(|reason| reason < CancelReason::Interrupt);
        self.stop(if first {
            CancelReason::Interrupt
        } else {
            CancelReason::SecondInterrupt
        });
    }

    /// Why no more work is handed out, if so.
    pub fn reason(&self) -> Option<CancelReason> {
        *self.lock()
    }

    /// Whether running work is to end too.
    pub fn is_hard(&self) -> bool {
        self.reason() == Some(CancelReason::SecondInterrupt)
    }

    /// Waits, but not past a hard cancel. Returns whether the whole time went by.
    pub fn sleep(&self, time: Duration) -> bool {
        let hard =
            |reason: &mut Option<CancelReason>| *reason == Some(CancelReason::SecondInterrupt);
        let waited = self
            .changed
            .wait_timeout_while(self.lock(), time, |reason| !hard(reason));
        waited.unwrap_or_else(PoisonError::into_inner).1.timed_out()
    }

    /// Blocks until the reason is at least this strong, or `done` says that nobody cares any more.
    pub fn wait_for(&self, reason: CancelReason, done: &dyn Fn() -> bool) -> bool {
        let mut current = self.lock();
        while *current < Some(reason) {
            if done() {
                return false;
            }
            current = self
                .changed
                .wait(current)
                .unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// Wakes all that wait, so that they look at `done` again.
    pub fn wake(&self) {
        let _held = self.lock();
        self.changed.notify_all();
    }

    /// Nothing panics while it is held, and a reason is whole at any time.
    fn lock(&self) -> MutexGuard<'_, Option<CancelReason>> {
        self.reason.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stronger_reasons_replace_weaker_ones() {
        let cancel = Cancel::default();
        assert!(cancel.stop(CancelReason::TooManyFailures));
        assert!(!cancel.stop(CancelReason::TooManyFailures));
        cancel.interrupt();
        assert_eq!(cancel.reason(), Some(CancelReason::Interrupt));
        cancel.interrupt();
        assert!(cancel.is_hard());
        assert!(!cancel.stop(CancelReason::TooManyFailures));
        assert!(cancel.is_hard());
    }

    #[test]
    fn a_hard_cancel_ends_a_wait() {
        let cancel = Cancel::default();
        cancel.stop(CancelReason::SecondInterrupt);
        assert!(!cancel.sleep(Duration::from_hours(1)));
    }
}
