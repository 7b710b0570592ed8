//! How long an answer is waited for.
//!
//! A statement may take hours, so time alone doesn't tell a busy server from a frozen one. Two things do: a server
//! that lets nobody in any more, and a message that takes longer than the server's own timeouts allow.

use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError, channel};
use std::time::{Duration, Instant};
use std::{fmt, thread};

use super::settings::Target;

/// The longest pause between two knocks at a server that answers them.
const PAUSE: Duration = Duration::from_mins(1);

/// So many knocks in a row may go unheard.
const UNHEARD: u32 = 2;

/// Why no answer comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Silence {
    /// The server stopped answering; nothing came for so long.
    Server(Duration),
    /// The server answers others; this message took longer than it may.
    Message(Duration),
    /// The connection's thread ended.
    Gone,
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Server(time) => write!(
                f,
                "the server stopped answering: nothing came within {} s, and it lets nobody in",
                time.as_secs()
            ),
            Self::Message(time) => write!(
                f,
                "no answer came within {} s, which is longer than the timeouts allow",
                time.as_secs()
            ),
            Self::Gone => f.write_str("the connection's thread ended"),
        }
    }
}

/// Waits for an answer, up to `limit`, and knocks at the server's door meanwhile.
pub fn wait<T>(answer: &Receiver<T>, limit: Duration, target: &Target) -> Result<T, Silence> {
    let mut watch = Watch::new(limit, target);
    loop {
        match answer.recv_timeout(watch.next()) {
            Ok(answer) => return Ok(answer),
            Err(RecvTimeoutError::Disconnected) => return Err(Silence::Gone),
            Err(RecvTimeoutError::Timeout) => watch.look()?,
        }
    }
}

struct Watch<'a> {
    target: &'a Target,
    since: Instant,
    limit: Duration,
    /// How long a server may take to let somebody in.
    quiet: Duration,
    /// Hears whether a knock was answered.
    knock: Option<Receiver<bool>>,
    unheard: u32,
    pause: Duration,
}

impl<'a> Watch<'a> {
    fn new(limit: Duration, target: &'a Target) -> Self {
        let quiet = target.quiet();
        Self {
            target,
            since: Instant::now(),
            limit,
            quiet,
            knock: None,
            unheard: 0,
            pause: quiet,
        }
    }

    /// How long to wait before looking again.
    fn next(&self) -> Duration {
        self.pause
            .min(self.limit.saturating_sub(self.since.elapsed()))
    }

    fn look(&mut self) -> Result<(), Silence> {
        let waited = self.since.elapsed();
        if waited >= self.limit {
            return Err(Silence::Message(waited));
        }
        let heard = self.knock.take().map(|knock| knock.try_recv());
        if let Some(heard) = heard {
            if !matches!(heard, Ok(false) | Err(TryRecvError::Empty)) {
                self.unheard = 0;
                self.pause = (waited / 2).clamp(self.quiet, PAUSE.max(self.quiet));
                return Ok(());
            }
            self.unheard += 1;
            if self.unheard == UNHEARD {
                return Err(Silence::Server(waited));
            }
        }
        self.pause = self.quiet;
        self.knock = Some(knock(self.target.clone()));
        Ok(())
    }
}

/// Connects and leaves again, on a thread that nobody waits for. The receiver hears whether there was an answer of
/// any kind: a server that refuses is alive. Nothing is asked, since behind a proxy a question waits for its turn.
fn knock(target: Target) -> Receiver<bool> {
    let (to_asker, heard) = channel();
    let connect = move || {
        let connected = target.connect(|_| ());
        // The asker may have got its answer meanwhile.
        let _ = to_asker.send(!connected.is_err_and(|error| error.silent));
    };
    if let Err(error) = thread::Builder::new().spawn(connect) {
        log::warn!("looking whether the server answers: {error}");
    }
    heard
}
