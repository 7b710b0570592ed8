//! SIGINT and SIGTERM: the first lets running tenants finish, the second cancels them, the third ends the program.
//! While a plan is made or asked about, nothing has begun, and the first ends it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::{Handle, Signals};
use signal_hook::low_level;

use super::streams::Streams;
use crate::apply::cancel::Cancel;
use crate::error::Error;

/// Signals are heeded as long as it lives.
#[derive(Debug)]
pub struct Watch {
    handle: Handle,
    /// Whether a signal ends the program at once.
    idle: Arc<AtomicBool>,
}

impl Watch {
    /// Says whether nothing has begun yet.
    pub fn set_idle(&self, idle: bool) {
        self.idle.store(idle, Ordering::SeqCst);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.handle.close();
    }
}

/// Heeds signals from now on.
pub fn watch(cancel: &Arc<Cancel>, streams: &Arc<Streams>) -> Result<Watch, Error> {
    let mut signals = Signals::new([SIGINT, SIGTERM])
        .map_err(|error| Error::failed(format!("watching for signals: {error}")))?;
    let handle = signals.handle();
    let (cancel, streams) = (Arc::clone(cancel), Arc::clone(streams));
    let idle = Arc::new(AtomicBool::new(false));
    let watch = Watch {
        handle,
        idle: Arc::clone(&idle),
    };
    thread::spawn(move || {
        for signal in signals.forever() {
            heed(signal, idle.load(Ordering::SeqCst), &cancel, &streams);
        }
    });
    Ok(watch)
}

fn heed(signal: i32, idle: bool, cancel: &Cancel, streams: &Streams) {
    if idle || cancel.is_hard() {
        // Nothing is half done: the server rolls back what has no commit.
        let _ = low_level::emulate_default_handler(signal);
    }
    cancel.interrupt();
    streams.err(if cancel.is_hard() {
        "Interrupted again: running statements are cancelled.\n"
    } else {
        "Interrupted: running tenants finish, no others begin. Once more cancels them.\n"
    });
}
