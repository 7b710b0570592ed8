//! `schema`: JSON Schemas of what the program reads and writes.

use clap::ValueEnum;

use super::args::Format;
use super::context::Context;
use super::output::Kind;
use super::{Exit, Failure};
use crate::config;
use crate::drift::report::DriftReport;
use crate::plan::Plan;
use crate::render::json;
use crate::report::Report;
use crate::runs::Runs;
use crate::status::FleetStatus;

/// Print a JSON Schema
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenantry schema desired --output desired/.schema.json   for editors
  tenantry schema plan                                    of plan --format json")]
pub struct Args {
    /// What the schema describes
    #[arg(value_name = "OF")]
    of: Of,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Of {
    /// The desired state's YAML
    Desired,
    /// The result of `plan --format json`
    Plan,
    /// The result of `apply --format json`
    Report,
    /// The result of `status --format json`
    Status,
    /// The result of `drift --format json`
    Drift,
    /// The result of `runs show --format json`
    Runs,
}

pub fn run(context: &Context<'_>, args: &Args) -> Result<Exit, Failure> {
    context.format(&[Format::Json])?;
    let schema = match args.of {
        Of::Desired => config::json_schema(),
        Of::Plan => schemars::schema_for!(Plan).to_value(),
        Of::Report => schemars::schema_for!(Report).to_value(),
        Of::Status => schemars::schema_for!(FleetStatus).to_value(),
        Of::Drift => schemars::schema_for!(DriftReport).to_value(),
        Of::Runs => schemars::schema_for!(Runs).to_value(),
    };
    context.print(&json::schema(&schema), Kind::Json)?;
    Ok(Exit::Done)
}
