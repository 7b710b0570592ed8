//! How much the product costs on top of its SQL: both sides in turn, in one run, as ratios.
//!
//! `cargo run --release --example bench [-- --quick] [--only NAME] [--workers N] [--tenants N] [--database-url URL]`
//!
//! Without a URL it starts a throwaway server; with `TMPDIR=/dev/shm` its files are in memory, which keeps a slow disk
//! out of the figures. With a URL, the role must be allowed to make databases; every database that is made is named
//! `tenantry_bench…` and removed at the end. NAME is `provision`, `latency`, `migrate`,
//! `no-op`, `markdown`, `memory` or `drift`, which alone looks at `--tenants`.

mod database;
mod drift;
mod measure;
mod product;
mod proxy;
mod raw;
mod table;
mod workload;

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use measure::Bench;
use tenantry::render;

/// Whatever ends the benchmark early.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        [measure::PEAK, what, folder, url] => peak(what, Path::new(folder), url),
        _ => Options::read(&words).and_then(run),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "bench: {error}");
            ExitCode::FAILURE
        }
    }
}

/// What the command line asks for.
#[derive(Debug)]
pub struct Options {
    /// A fifth of the tenants and fewer pairs.
    quick: bool,
    /// One of [`measure::NAMES`].
    only: Option<String>,
    workers: usize,
    /// Of the fleets whose tenants are compared.
    tenants: usize,
    url: Option<String>,
}

impl Options {
    fn read(words: &[&str]) -> Result<Self, Failure> {
        let mut options = Self {
            quick: false,
            only: None,
            workers: tenantry::apply::DEFAULT_PARALLEL,
            tenants: 1000,
            url: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or(format!("{word} needs a value"));
            match *word {
                "--quick" => options.quick = true,
                "--only" => options.only = Some(measurement(value()?)?),
                "--workers" => options.workers = value()?.parse()?,
                "--tenants" => options.tenants = value()?.parse()?,
                "--database-url" => options.url = Some((*value()?).to_owned()),
                other => return Err(format!("unknown argument {other:?}").into()),
            }
        }
        Ok(options)
    }
}

fn measurement(name: &str) -> Result<String, Failure> {
    let known = measure::NAMES;
    if known.contains(&name) {
        Ok(name.to_owned())
    } else {
        Err(format!("--only takes one of {}", known.join(", ")).into())
    }
}

fn run(options: Options) -> Result<(), Failure> {
    let bench = Bench::open(options)?;
    let out = &mut io::stdout();
    bench.print_machine(out)?;
    let result = bench.run(out);
    bench.clean_up()?;
    result
}

/// Plans once, makes a status or looks for drift, and prints the most memory this process needed, in KiB: run in a process of its own.
fn peak(what: &str, folder: &Path, url: &str) -> Result<(), Failure> {
    let fleet = product::Product::load(folder, url)?;
    let (differ, document) = match what {
        measure::STATUS => {
            let status = fleet.status()?;
            (status.summary.new, render::json::status(&status))
        }
        measure::DRIFT => (fleet.drift(fleet.tenants())?.1, String::new()),
        _ => {
            let plan = fleet.plan()?;
            (plan.summary.create, render::json::plan(&plan))
        }
    };
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next());
    let kib = kib.ok_or("the kernel doesn't tell VmHWM")?;
    writeln!(io::stdout(), "{kib} {differ} {}", document.len())?;
    Ok(())
}
