//! A program that is still at work: what it has said so far, and signals to it.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};

use super::cli::Run;
use super::gate::until;

/// A started program whose output is read as it comes.
pub struct Running {
    child: Child,
    stdout: Heard,
    stderr: Heard,
}

impl Running {
    pub fn start(mut command: Command) -> Self {
        let mut child = command.spawn().expect("the program starts");
        let stdout = Heard::from(child.stdout.take().expect("stdout is a pipe"));
        let stderr = Heard::from(child.stderr.take().expect("stderr is a pipe"));
        Self {
            child,
            stdout,
            stderr,
        }
    }

    pub fn signal(&self, signal: Signal) {
        let pid = Pid::from_child(&self.child);
        kill_process(pid, signal).expect("nobody has waited for it");
    }

    /// Returns once stdout holds this.
    #[track_caller]
    pub fn until_out(&self, text: &str) {
        self.stdout.until(text);
    }

    /// Returns once stderr holds this.
    #[track_caller]
    pub fn until_err(&self, text: &str) {
        self.stderr.until(text);
    }

    /// Returns once stdout has so many lines, or the program has ended.
    #[track_caller]
    pub fn until_lines(&self, wanted: usize) {
        until(&format!("output has {wanted} lines"), || {
            self.stdout.is_over() || self.stdout.so_far().lines().count() >= wanted
        });
    }

    /// Waits for its end; one that a signal ended has no code.
    #[track_caller]
    pub fn end(mut self) -> Run {
        let mut status = None;
        until("the program ends", || {
            status = self.child.try_wait().expect("it can be waited for");
            status.is_some()
        });
        Run {
            code: status.and_then(|status| status.code()),
            stdout: self.stdout.finish(),
            stderr: self.stderr.finish(),
        }
    }
}

impl Drop for Running {
    /// A test that failed leaves none behind.
    fn drop(&mut self) {
        // It has ended already in every other test.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Heard {
    text: Arc<Mutex<String>>,
    /// There until joined.
    listener: Option<JoinHandle<()>>,
}

impl Heard {
    fn from(pipe: impl Read + Send + 'static) -> Self {
        let text = Arc::<Mutex<String>>::default();
        let listener = thread::spawn({
            let text = Arc::clone(&text);
            move || {
                for line in BufReader::new(pipe).lines() {
                    let line = line.expect("output is UTF-8");
                    let mut text = text.lock().expect("nobody panics with it");
                    text.push_str(&line);
                    text.push('\n');
                }
            }
        });
        Self {
            text,
            listener: Some(listener),
        }
    }

    #[track_caller]
    fn until(&self, text: &str) {
        let holds = || self.so_far().contains(text);
        until(&format!("output holds {text}"), || {
            holds() || self.is_over()
        });
        assert!(holds(), "{text} isn't in\n{}", self.so_far());
    }

    fn is_over(&self) -> bool {
        self.listener.as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn so_far(&self) -> String {
        self.text.lock().expect("nobody panics with it").clone()
    }

    fn finish(&mut self) -> String {
        if let Some(listener) = self.listener.take() {
            listener.join().expect("output is UTF-8");
        }
        self.so_far()
    }
}
