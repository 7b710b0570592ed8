//! The driver's client on a thread of its own, so that nobody waits for ever for a server that stopped answering.
//!
//! The driver has no read timeout, and its client, when dropped, waits for every answer that is still due
//! (sfackler/rust-postgres#755). Here only that thread waits; whoever asks may give up at any time.

use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use postgres::Client;

/// What is done with the client, one thing at a time.
type Job = Box<dyn FnOnce(&mut Client) + Send>;

/// A client and its thread; dropping the line lets both go.
pub struct Line {
    /// There until dropped.
    jobs: Option<Sender<Job>>,
    /// Disconnected once the client is gone.
    gone: Receiver<()>,
}

/// How long a server may take to see a connection off.
const FAREWELL: Duration = Duration::from_millis(500);

impl Line {
    /// Connects on the line's thread. The receiver hears how that went, once.
    pub fn open<E: Send + 'static>(
        connect: impl FnOnce() -> Result<Client, E> + Send + 'static,
    ) -> io::Result<(Self, Receiver<Result<(), E>>)> {
        let (jobs, to_do) = channel::<Job>();
        let (to_opener, opened) = channel();
        let (alive, gone) = channel();
        let work = move || {
            // Dropped last, after the client.
            let _alive: Sender<()> = alive;
            let (answer, client) = match connect() {
                Ok(client) => (Ok(()), Some(client)),
                Err(error) => (Err(error), None),
            };
            // An opener that gave up has left a client that nobody needs.
            let is_heard = to_opener.send(answer).is_ok();
            if let (true, Some(mut client)) = (is_heard, client) {
                for job in &to_do {
                    job(&mut client);
                }
            }
        };
        thread::Builder::new()
            .name("connection".to_owned())
            .spawn(work)?;
        let jobs = Some(jobs);
        Ok((Self { jobs, gone }, opened))
    }

    /// Has something done with the client. The receiver hears the answer, or of the thread's end.
    pub fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Client) -> T + Send + 'static,
    ) -> Receiver<T> {
        let (to_asker, answer) = channel();
        let job = move |client: &mut Client| {
            // Nobody listens any more if it took too long.
            let _ = to_asker.send(question(client));
        };
        if let Some(jobs) = &self.jobs {
            // Without its thread the line is dead, and the receiver hears that.
            let _ = jobs.send(Box::new(job));
        }
        answer
    }

    /// Lets the client go without waiting for it.
    pub fn abandon(&mut self) {
        self.jobs = None;
        self.gone = channel().1;
    }
}

impl Drop for Line {
    /// Waits a short time, so that a server that answers knows of it when this returns.
    fn drop(&mut self) {
        self.jobs = None;
        let _ = self.gone.recv_timeout(FAREWELL);
    }
}
