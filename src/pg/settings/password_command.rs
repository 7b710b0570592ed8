//! A cluster's `password_command`: a program that prints the password of each new connection.
//!
//! No shell is between; it reads nothing, and is ended with its children after [`LIMIT`].

use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::model::env::{Env, expand};

/// How long it may take.
pub const LIMIT: Duration = Duration::from_secs(10);

/// More of a password isn't read, in bytes.
const LONGEST_PASSWORD: u64 = 64 * 1024;

/// Nor more of what it says, in bytes; and so much of that is told, in characters, from its end.
const LONGEST_WORDS: u64 = 64 * 1024;
const TOLD: usize = 500;

/// The program and its arguments, variables resolved.
#[derive(Clone)]
pub struct PasswordCommand {
    /// As the file has it; what a variable stands for isn't shown.
    name: String,
    argv: Vec<String>,
}

impl PasswordCommand {
    /// Resolves the variables of `password_command`.
    ///
    /// # Errors
    /// A variable isn't set, or the program has no name.
    pub fn new(argv: &[String], env: Env<'_>) -> Result<Self, String> {
        let expanded = argv
            .iter()
            .map(|argument| expand(argument, env))
            .collect::<Result<Vec<_>, _>>()?;
        if expanded.first().is_none_or(String::is_empty) {
            return Err("it names no program".to_owned());
        }
        Ok(Self {
            name: argv[0].clone(),
            argv: expanded,
        })
    }

    /// Runs it; the password is the first line of its output. `learn` hears of that line before anything is told.
    ///
    /// # Errors
    /// It can't be run, fails, takes too long or prints no password; with the end of what it said on stderr.
    pub fn run(&self, learn: &dyn Fn(&str)) -> Result<String, String> {
        self.output(LIMIT, learn)
            .map_err(|problem| format!("password_command `{}` {problem}", self.name))
    }

    fn output(&self, limit: Duration, learn: &dyn Fn(&str)) -> Result<String, String> {
        let deadline = Instant::now() + limit;
        let mut child = self
            .spawn()
            .map_err(|error| format!("can't be run: {error}"))?;
        let group = Pid::from_child(&child);
        let line = child.stdout.take().map(|pipe| read(pipe, first_line));
        let words = child.stderr.take().map(|pipe| read(pipe, beginning));
        let status = end(child, deadline);
        if status.is_none() {
            // It may have ended this very moment.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let line = until(deadline, line);
        let password = String::from_utf8(line).map_err(|_| "prints what isn't UTF-8".to_owned());
        if let Ok(password) = &password {
            learn(password);
        }
        match status {
            None => Err(format!(
                "isn't done after {} s and was killed{}",
                limit.as_secs(),
                told(&until(deadline, words))
            )),
            Some(status) if !status.success() => Err(format!(
                "failed ({status}){}",
                told(&until(deadline, words))
            )),
            Some(_) => password.and_then(|password| {
                if password.is_empty() {
                    return Err(format!(
                        "prints no password{}",
                        told(&until(deadline, words))
                    ));
                }
                Ok(password)
            }),
        }
    }

    /// In a process group of its own, which can be killed as a whole and which no terminal's Ctrl-C reaches.
    fn spawn(&self) -> io::Result<Child> {
        Command::new(&self.argv[0])
            .args(&self.argv[1..])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0)
            .spawn()
    }
}

/// Reads a part of a pipe on a thread of its own, since another process may keep the pipe open.
fn read<R: Read + Send + 'static>(mut pipe: R, part: fn(&mut R) -> Vec<u8>) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        // Nobody may be waiting any more.
        let _ = sender.send(part(&mut pipe));
        // The program shouldn't fail for want of a reader.
        let _ = io::copy(&mut pipe, &mut io::sink());
    });
    receiver
}

/// The first line without its end. What can't be read is as if it weren't there.
fn first_line(pipe: &mut impl Read) -> Vec<u8> {
    let mut line = Vec::new();
    let _ = BufReader::new(pipe.take(LONGEST_PASSWORD)).read_until(b'\n', &mut line);
    if line.ends_with(b"\n") {
        line.pop();
    }
    if line.ends_with(b"\r") {
        line.pop();
    }
    line
}

fn beginning(pipe: &mut impl Read) -> Vec<u8> {
    let mut words = Vec::new();
    let _ = pipe.take(LONGEST_WORDS).read_to_end(&mut words);
    words
}

/// Waits for its end; `None` at the deadline.
fn end(mut child: Child, deadline: Instant) -> Option<ExitStatus> {
    let (sender, receiver) = channel();
    thread::spawn(move || drop(sender.send(child.wait())));
    receiver.recv_timeout(left(deadline)).ok()?.ok()
}

/// What was read by then, and a moment for what a killed process has left.
fn until(deadline: Instant, receiver: Option<Receiver<Vec<u8>>>) -> Vec<u8> {
    let wait = left(deadline).max(Duration::from_millis(200));
    receiver
        .and_then(|receiver| receiver.recv_timeout(wait).ok())
        .unwrap_or_default()
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// The end of what it said, on one line.
fn told(words: &[u8]) -> String {
    let text = String::from_utf8_lossy(words);
    let words: Vec<&str> = text
        .split(|character: char| character.is_whitespace() || character.is_control())
        .filter(|word| !word.is_empty())
        .collect();
    let line = words.join(" ");
    let skipped = line.chars().count().saturating_sub(TOLD);
    match line.chars().skip(skipped).collect::<String>() {
        end if end.is_empty() => "; it said nothing on stderr".to_owned(),
        end => format!("; it said: {end}"),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn run(script: &str, limit: Duration) -> (Result<String, String>, Vec<String>) {
        let argv = ["sh", "-c", script].map(str::to_owned);
        let learnt = Mutex::new(Vec::new());
        let command = PasswordCommand::new(&argv, &|_| None).unwrap();
        let output = command.output(limit, &|secret| {
            learnt.lock().unwrap().push(secret.to_owned());
        });
        (output, learnt.into_inner().unwrap())
    }

    #[test]
    fn the_password_is_the_first_line() {
        let cases = [
            ("printf hush", "hush"),
            ("printf ' hu sh \\r\\nmore\\n'", " hu sh "),
            ("echo hush; yes | head -c 300000", "hush"),
            ("cat; echo \"$#\"", "0"),
        ];
        for (script, expected) in cases {
            let (output, learnt) = run(script, LIMIT);
            assert_eq!(output.as_deref(), Ok(expected), "{script}");
            assert_eq!(learnt, [expected]);
        }
    }

    #[test]
    fn whoever_keeps_the_pipes_open_keeps_nobody_waiting() {
        let since = Instant::now();
        let (output, _) = run("echo hush; sleep 60 &", LIMIT);
        assert_eq!(output.as_deref(), Ok("hush"));
        assert!(since.elapsed() < LIMIT, "{:?}", since.elapsed());
    }

    #[test]
    fn failures_say_what_it_said() {
        let cases = [
            (
                "echo hush; echo 'no\n token' >&2; exit 3",
                "failed (exit status: 3); it said: no token",
            ),
            (
                "exit 3",
                "failed (exit status: 3); it said nothing on stderr",
            ),
            ("true", "prints no password; it said nothing on stderr"),
            (
                "echo; echo hush; echo late >&2",
                "prints no password; it said: late",
            ),
            ("printf '\\377'", "prints what isn't UTF-8"),
        ];
        for (script, words) in cases {
            assert_eq!(
                run(script, LIMIT).0.as_ref().map_err(String::as_str),
                Err(words),
                "{script}"
            );
        }
        let (output, learnt) = run("echo hush; exit 1", LIMIT);
        assert_eq!((output.is_err(), learnt), (true, vec!["hush".to_owned()]));
        let (output, _) = run("yes no | head -c 5000 >&2; exit 1", LIMIT);
        assert!(output.unwrap_err().chars().count() < 600);
    }

    #[test]
    fn one_that_takes_too_long_is_killed_with_its_children() {
        let folder = tempfile::tempdir().unwrap();
        let pid_file = folder.path().join("pid");
        let script = format!("sleep 600 & echo $! > {}; wait", pid_file.display());
        let (output, _) = run(&script, Duration::from_secs(1));
        let words = "isn't done after 1 s and was killed; it said nothing on stderr";
        assert_eq!(output.unwrap_err(), words);
        let pid = std::fs::read_to_string(pid_file).unwrap();
        let stat = format!("/proc/{}/stat", pid.trim());
        let lives = || std::fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        let since = Instant::now();
        while lives() {
            assert!(
                since.elapsed() < Duration::from_secs(30),
                "the child outlives it"
            );
            thread::sleep(Duration::from_millis(10));
        }
    }

    #[test]
    fn variables_are_resolved_and_not_shown() {
        let argv = ["${PROGRAM}", "-${ARGUMENT}"].map(str::to_owned);
        let env = |name: &str| (name != "ARGUMENT").then(|| "/nowhere/hush".to_owned());
        let error = PasswordCommand::new(&argv, &env).err().unwrap();
        assert!(error.contains("ARGUMENT"), "{error}");
        let command = PasswordCommand::new(&argv[..1], &env).unwrap();
        let error = command.run(&|_| {}).unwrap_err();
        assert!(
            error.starts_with("password_command `${PROGRAM}` can't be run: "),
            "{error}"
        );
        assert!(!error.contains("hush"), "{error}");
        for argv in [vec![], vec![String::new()]] {
            assert!(PasswordCommand::new(&argv, &env).is_err());
        }
    }
}
