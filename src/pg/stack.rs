//! The books of a check-out stack: what is idle, what is out, and how many there may be.

use std::time::{Duration, Instant};

use super::wire::Wire;

/// How many transactions a connection serves before it is given up. A server process keeps what it has learned of
/// every table, about 16 kB each, so after 200 tenants of 20 tables it is 65 MB larger; a new one costs milliseconds.
const MOST_USES: u32 = 200;

/// A connection, and how many transactions it has served.
#[derive(Debug)]
pub struct Held {
    pub wire: Wire,
    pub uses: u32,
}

impl Held {
    /// Whether it has served long enough.
    pub fn is_worn(&self) -> bool {
        self.uses >= MOST_USES
    }
}

/// Idle connections, and the count of those that are out.
#[derive(Debug)]
pub struct Stack {
    idle: Vec<Held>,
    /// Checked out, or being made.
    out: usize,
    /// How many there may be; the server's word on it.
    limit: usize,
    /// When one more than the limit may be tried.
    retry_at: Instant,
    /// Since when the server has had no slot and we no connection.
    stuck_since: Option<Instant>,
    told: bool,
    /// How often all waits were ended.
    pub ended_waits: u64,
}

impl Default for Stack {
    fn default() -> Self {
        Self {
            idle: Vec::new(),
            out: 0,
            limit: usize::MAX,
            retry_at: Instant::now(),
            stuck_since: None,
            told: false,
            ended_waits: 0,
        }
    }
}

/// How long one that tries for more keeps others from it.
const TRY: Duration = Duration::from_secs(1);

/// While the stack has connections there is no hurry to try for more.
const UNHURRIED: u32 = 8;

impl Stack {
    /// An idle connection.
    pub fn check_out(&mut self) -> Option<Held> {
        let held = self.idle.pop()?;
        self.out += 1;
        Some(held)
    }

    /// Whether a new one may be made; then it is out already.
    pub fn begin(&mut self) -> bool {
        let now = Instant::now();
        let tries = self.open() >= self.limit && now >= self.retry_at;
        if tries {
            // One at a time.
            self.retry_at = now + TRY;
        }
        let may = tries || self.open() < self.limit;
        self.out += usize::from(may);
        may
    }

    /// One that was out is idle or gone.
    pub fn end(&mut self) {
        self.out -= 1;
    }

    pub fn put_back(&mut self, held: Held) {
        self.idle.push(held);
    }

    /// Gives the idle ones up.
    pub fn lose_idle(&mut self) -> Vec<Held> {
        std::mem::take(&mut self.idle)
    }

    /// No more than there are now, until a while has gone by; whether there are any.
    pub fn shrink(&mut self, pause: Duration) -> bool {
        let some = self.open() > 0;
        self.limit = self.open();
        self.retry_at = Instant::now() + pause * if some { UNHURRIED } else { 1 };
        some
    }

    /// A connection was made.
    pub fn has_room(&mut self) {
        self.limit = self.limit.max(self.open());
        self.stuck_since = None;
    }

    /// Whether there is no connection to wait for, and has been none for too long.
    pub fn is_hopeless(&mut self, patience: Duration) -> bool {
        self.open() == 0 && self.stuck_since.get_or_insert_with(Instant::now).elapsed() >= patience
    }

    /// How long to wait for a connection before another is tried.
    pub fn until_retry(&self) -> Duration {
        self.retry_at.saturating_duration_since(Instant::now())
    }

    /// True the first time.
    pub fn tell(&mut self) -> bool {
        !std::mem::replace(&mut self.told, true)
    }

    fn open(&self) -> usize {
        self.idle.len() + self.out
    }
}
