//! A terminal that the program may ask on.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::cli::{self, Run};

/// Runs a command on a terminal of its own where this was typed; its output still goes into pipes.
pub fn run(mut command: Command, typed: &str) -> Run {
    let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
    grantpt(&ours).expect("it is ours");
    unlockpt(&ours).expect("it is ours");
    let name = ptsname(&ours, Vec::new()).expect("it has a name");
    let theirs = OpenOptions::new()
        .read(true)
        .open(name.to_str().expect("a path"))
        .expect("it can be opened");
    let mut ours = File::from(ours);
    ours.write_all(typed.as_bytes())
        .expect("it takes what is typed");
    command.stdin(Stdio::from(theirs));
    let run = cli::run(command);
    drop(ours);
    run
}
