//! The server's first process: started, waited for, and stopped with its owner.
#![allow(unsafe_code)] // the only place: a hook between fork and exec

use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};
use std::{fs, io, thread};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::Error;

/// How long a server may take to accept connections; a loaded machine needs seconds.
const START: Duration = Duration::from_mins(1);
/// How long it may take to stop before it is asked less kindly.
const STOP: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(10);

/// A running postmaster; stopped when dropped.
#[derive(Debug)]
pub struct Postmaster {
    pid: Pid,
    /// Hears of its end, once; later it is disconnected.
    ended: Mutex<Receiver<io::Result<ExitStatus>>>,
}

impl Postmaster {
    /// Starts it in a process group of its own, so that a terminal's Ctrl-C reaches its owner first.
    pub fn spawn(mut command: Command) -> io::Result<Self> {
        command.process_group(0);
        end_with_parent(&mut command);
        let (to_owner, started) = channel();
        let (at_end, ended) = channel();
        // The parent-death signal comes when the *thread* that spawned ends, so this one stays.
        thread::Builder::new()
            .name("postmaster".to_owned())
            .spawn(move || {
                let mut child = match command.spawn() {
                    Ok(child) => child,
                    Err(error) => return drop(to_owner.send(Err(error))),
                };
                // The owner waits for this, and may be gone only at the end.
                let _ = to_owner.send(Ok(Pid::from_child(&child)));
                let _ = at_end.send(child.wait());
            })?;
        let pid = started.recv().map_err(io::Error::other)??;
        Ok(Self {
            pid,
            ended: Mutex::new(ended),
        })
    }

    pub fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// Waits until line 8 of `postmaster.pid` says `ready`.
    pub fn wait_until_ready(&self, pid_file: &Path, log: &Path) -> Result<(), Error> {
        let since = Instant::now();
        while !is_ready(pid_file, self.pid()) {
            if self.has_ended(POLL) {
                return Err(unready("ended", log));
            }
            if since.elapsed() > START {
                return Err(unready("isn't ready after 60 s", log));
            }
        }
        Ok(())
    }

    /// Ends it like a crash: sessions are cut, nothing is written out.
    pub fn stop_immediate(&self) {
        self.stop(&[Signal::QUIT, Signal::KILL]);
    }

    /// Sends one signal after the other until it has ended.
    fn stop(&self, signals: &[Signal]) {
        for signal in signals {
            if self.has_ended(Duration::ZERO) {
                return;
            }
            // It may have ended since.
            let _ = kill_process(self.pid, *signal);
            if self.has_ended(STOP) {
                return;
            }
        }
    }

    fn has_ended(&self, wait: Duration) -> bool {
        let ended = self
            .ended
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        !matches!(ended.recv_timeout(wait), Err(RecvTimeoutError::Timeout))
    }
}

impl Drop for Postmaster {
    fn drop(&mut self) {
        // Fast, immediate, hard.
        self.stop(&[Signal::INT, Signal::QUIT, Signal::KILL]);
    }
}

/// Where the system can, has the postmaster stopped when its owner is killed; elsewhere the next start does it.
fn end_with_parent(command: &mut Command) {
    #[cfg(target_os = "linux")]
    // SAFETY: between fork and exec only async-signal-safe calls are allowed; this is one system call.
    unsafe {
        command.pre_exec(|| {
            rustix::process::set_parent_process_death_signal(Some(Signal::INT)).map_err(Into::into)
        });
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

/// The file's first line is the process id, its eighth the status; an older server's file may lie there still.
fn is_ready(pid_file: &Path, pid: u32) -> bool {
    let text = fs::read_to_string(pid_file).unwrap_or_default();
    let mut lines = text.lines().map(str::trim);
    lines.next() == Some(&pid.to_string()) && lines.nth(6) == Some("ready")
}

fn unready(what: &str, log: &Path) -> Error {
    let text = fs::read_to_string(log).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    let tail = &lines[lines.len().saturating_sub(20)..];
    Error::failed(format!(
        "the throwaway server {what}; it said:\n{}",
        tail.join("\n")
    ))
}
