//! A terminal that the program may ask on.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::cli::{self, Run};

/// The side of a terminal where somebody types.
pub struct Terminal(File);

impl Terminal {
    /// A terminal for a command to ask on; its output still goes where it went.
    pub fn of(command: &mut Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&ours).expect("it is ours");
        unlockpt(&ours).expect("it is ours");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let theirs = OpenOptions::new()
            .read(true)
            .open(name.to_str().expect("a path"))
            .expect("it can be opened");
        command.stdin(Stdio::from(theirs));
        Self(File::from(ours))
    }

    fn type_in(&mut self, text: &str) {
        self.0
            .write_all(text.as_bytes())
            .expect("it takes what is typed");
    }
}

/// Runs a command on a terminal of its own where this was typed; its output still goes into pipes.
pub fn run(mut command: Command, typed: &str) -> Run {
    let mut terminal = Terminal::of(&mut command);
    terminal.type_in(typed);
    let run = cli::run(command);
    drop(terminal);
    run
}
