//! `validate`: checks the files; needs no database.

use super::args::Format;
use super::context::Context;
use super::output::Kind;
use super::{Exit, Failure};
use crate::model::count;
use crate::model::desired::Desired;

/// Check the desired state, its templates and migrations, without a database
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenantry validate
  tenantry validate -f fleets/eu.yaml
  tenantry validate --format github     annotations in a GitHub workflow

Every problem is shown at once, as file:line:column. Ends with 65 if there is
one.")]
pub struct Args {}

pub fn run(context: &Context<'_>, _args: &Args) -> Result<Exit, Failure> {
    context.format(&[Format::Human, Format::Github])?;
    let desired = context.load()?;
    // A file that was asked for is written, quiet or not.
    if !context.global.quiet || context.global.output.is_some() {
        context.print(&verdict(&desired), Kind::Text)?;
    }
    Ok(Exit::Done)
}

fn verdict(desired: &Desired) -> String {
    let migrations = desired
        .templates
        .values()
        .map(|template| template.migrations.0.len())
        .sum();
    format!(
        "Valid: fleet {}, {}, {}, {}.\n",
        desired.fleet,
        count(desired.tenants.len(), "tenant"),
        count(desired.templates.len(), "template"),
        count(migrations, "migration")
    )
}
