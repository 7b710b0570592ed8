//! `runs`: what runs have done, from the journals that they keep in the databases.

use clap::Subcommand;

use super::args::Format;
use super::context::Context;
use super::journals::Journals;
use super::output::Kind;
use super::{Exit, Failure};
use crate::error::Error;
use crate::render;
use crate::runs::{self, FORMAT_VERSION, RunPrefix, Runs};

/// Look at what runs have done
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenantry runs show
  tenantry runs show 4f1c2a9b           one run, and what became of each tenant")]
pub struct Args {
    #[command(subcommand)]
    command: RunsCommand,
}

#[derive(Debug, Subcommand)]
enum RunsCommand {
    Show(Show),
}

/// Show the newest runs, or one with what became of its tenants
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenantry runs show
  tenantry runs show 4f1c2a9b           one run, and what became of each tenant
  tenantry runs show --limit 100        more than the newest 20
  tenantry runs show --format json      for programs

`applied` counts tenants that were applied, or found as they should be, of all
that were planned; `left` those that weren't tried, moved, or aren't recorded.
A run is `killed` when it is recorded as running and its lock is free.")]
struct Show {
    /// The run's id, or 4 or more of its first digits; without it, the newest runs
    #[arg(value_name = "RUN")]
    run: Option<RunPrefix>,

    /// How many of the newest runs to show
    #[arg(long, value_name = "N", default_value = "20", conflicts_with = "run")]
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
}

pub fn run(context: &Context<'_>, args: &Args) -> Result<Exit, Failure> {
    let format = context.format(&[Format::Human, Format::Json])?;
    let RunsCommand::Show(args) = &args.command;
    context.expect_all_tenants("runs show")?;
    // The journals don't depend on what the query of `tenants_from` says now.
    let files = context.files()?;
    let desired = files.fleet();
    let targets = context.targets(desired);
    let journals = Journals {
        fleet: &desired.fleet,
        targets: &targets,
    };
    let runs = match &args.run {
        Some(run) => one(&journals, run)?,
        None => newest(&journals, args.limit),
    };
    let (text, kind) = match format {
        Format::Json => (render::json::runs(&runs), Kind::Json),
        _ => (render::runs::runs(&runs, context.is_verbose()), Kind::Text),
    };
    context.print(&text, kind)?;
    if runs.unread.len() == targets.len() {
        return Err(Error::failed("no database of the fleet could be read").into());
    }
    Ok(Exit::Done)
}

fn newest(journals: &Journals<'_>, limit: u32) -> Runs {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let (runs, unread) = journals.runs(None, limit);
    Runs {
        format_version: FORMAT_VERSION.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        fleet: journals.fleet.clone(),
        runs,
        steps: None,
        unrecorded: None,
        unread,
    }
}

fn one(journals: &Journals<'_>, prefix: &RunPrefix) -> Result<Runs, Error> {
    let (run, _) = journals.find(prefix, Exit::Failed)?;
    let (record, unread) = journals.record(run.run);
    Ok(Runs {
        unrecorded: Some(runs::unrecorded(&record.planned, &record.steps)),
        steps: Some(record.steps),
        unread,
        runs: vec![run],
        format_version: FORMAT_VERSION.to_owned(),
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        fleet: journals.fleet.clone(),
    })
}
