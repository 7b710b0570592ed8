//! One apply, and what happens to it.

use rustix::process::Signal;

use crate::support::byte_proxy::{At, ByteProxy, Harm, Way};
use crate::support::cli::Run;
use crate::support::proxy::{Fate, Proxy};
use crate::support::running::Running;
use crate::support::server::{OwnServer, url_through};

use super::world::World;

/// What happens while an apply runs. Lines are those of its output, which come as it goes on.
#[derive(Clone, Copy, Debug)]
pub enum Storm {
    Calm,
    /// It ends at this crash point.
    Crash(usize),
    Signal(Signal, usize),
    Line(At),
    /// The line is cut before or after so many COMMITs were carried out.
    Commit {
        number: usize,
        fate: Fate,
    },
    Restart(usize),
    /// Another apply begins, and waits for the lock or not.
    Second {
        line: usize,
        waits: bool,
    },
    /// And the first is killed.
    SecondAndKill {
        line: usize,
    },
}

/// The runs of a round, as they ended.
pub struct Ended {
    pub storm: Storm,
    pub runs: Vec<Run>,
}

impl Ended {
    /// The run, if it was the only one and wasn't killed.
    pub fn alone(&self) -> Option<&Run> {
        match &self.runs[..] {
            [run] if run.code.is_some() => Some(run),
            _ => None,
        }
    }
}

fn throw(world: &mut World) -> Storm {
    let dice = &mut world.dice;
    let line = dice.below(12);
    match dice.below(20) {
        0..=1 => Storm::Calm,
        2..=4 => Storm::Crash(1 + dice.below(130)),
        5 => Storm::Signal(Signal::KILL, line),
        6 => Storm::Signal(Signal::INT, line),
        7..=9 => {
            let (way, most) = if dice.chance(50) {
                (Way::ToServer, 45_000)
            } else {
                (Way::ToProgram, 9_000)
            };
            let harm = match dice.below(12) {
                0 => Harm::Stall,
                1..=4 => Harm::HalfClose,
                _ => Harm::Cut,
            };
            Storm::Line(At {
                way,
                bytes: dice.below(most),
                harm,
            })
        }
        10..=13 => Storm::Commit {
            number: 1 + dice.below(8),
            fate: [Fate::CutBefore, Fate::CutAfter][dice.below(2)],
        },
        14..=15 => Storm::Restart(line),
        16..=17 => Storm::Second {
            line,
            waits: dice.chance(50),
        },
        _ => Storm::SecondAndKill { line },
    }
}

/// Applies under a storm thrown at random.
pub fn apply(world: &mut World, server: &OwnServer) -> Ended {
    let storm = throw(world);
    let parallel = 1 + world.dice.below(4);
    world
        .log
        .push(format!("apply, {parallel} at once, {storm:?}"));
    let runs = run(world, server, storm, &parallel.to_string());
    let ended: Vec<String> = runs.iter().map(|run| format!("{:?}", run.code)).collect();
    world
        .log
        .push(format!("ended with {}", ended.join(" and ")));
    Ended { storm, runs }
}

fn run(world: &World, server: &OwnServer, storm: Storm, parallel: &str) -> Vec<Run> {
    let start = |args: &[&str]| {
        world
            .fleet
            .start_apply(&[&["--parallel", parallel], args].concat())
    };
    match storm {
        Storm::Calm => vec![start(&[]).end()],
        Storm::Crash(point) => {
            let mut command =
                world
                    .fleet
                    .command(["apply", "--auto-approve", "--format", "ndjson"]);
            command.env("TENANTRY_CRASH_AT", point.to_string());
            vec![Running::start(command).end()]
        }
        Storm::Signal(signal, line) => {
            let running = start(&[]);
            running.until_lines(line);
            running.signal(signal);
            vec![running.end()]
        }
        Storm::Line(at) => {
            let proxy = ByteProxy::start(server.server.upstream(), Some(at));
            let url = url_through(proxy.port, &world.fleet.database.name);
            let url = format!("{url}&connect_timeout=1");
            vec![start(&["--database-url", &url]).end()]
        }
        Storm::Commit { number, fate } => {
            let mut seen = 0;
            let judge = move |_: usize, text: &str| {
                seen += usize::from(text.contains("COMMIT\0"));
                if seen == number && text.contains("COMMIT\0") {
                    fate
                } else {
                    Fate::Pass
                }
            };
            let proxy = Proxy::in_front_of(server.server.upstream(), judge);
            let url = url_through(proxy.port, &world.fleet.database.name);
            vec![start(&["--database-url", &url]).end()]
        }
        Storm::Restart(line) => {
            let running = start(&[]);
            running.until_lines(line);
            server.restart();
            vec![running.end()]
        }
        Storm::Second { line, waits } => {
            let first = start(&[]);
            first.until_lines(line);
            let patience = if waits { "1min" } else { "0s" };
            let second = start(&["--lock-wait", patience]);
            vec![first.end(), second.end()]
        }
        Storm::SecondAndKill { line } => {
            let first = start(&[]);
            let second = start(&["--lock-wait", "1min"]);
            first.until_lines(line);
            first.signal(Signal::KILL);
            vec![first.end(), second.end()]
        }
    }
}
