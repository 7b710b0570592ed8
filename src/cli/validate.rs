//! `validate`: checks the files; needs no database.

use super::args::Format;
use super::context::Context;
use super::output::Kind;
use super::{Exit, Failure};
use crate::config::Loaded;
use crate::model::count;

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
    let files = context.files()?;
    // A file that was asked for is written, quiet or not.
    if !context.global.quiet || context.global.output.is_some() {
        context.print(&verdict(&files), Kind::Text)?;
    }
    Ok(Exit::Done)
}

fn verdict(files: &Loaded) -> String {
    let fleet = files.fleet();
    let migrations = fleet
        .templates
        .values()
        .map(|template| template.migrations.0.len())
        .sum();
    format!(
        "Valid: fleet {}, {}, {}, {}.\n{}",
        fleet.fleet,
        count(fleet.tenants.len(), "tenant"),
        count(fleet.templates.len(), "template"),
        count(migrations, "migration"),
        awaited(files)
    )
}

/// What can't be known without a database.
fn awaited(files: &Loaded) -> String {
    files.tenants_from().map_or_else(String::new, |source| {
        format!(
            "More tenants come from the query at {}, {} at least; `plan` asks it, and checks them.\n",
            source.place,
            count(source.min, "row")
        )
    })
}
