//! `status`: where every tenant stands; takes no lock and leaves nothing behind.

use super::args::Format;
use super::context::Context;
use super::journals::Journals;
use super::output::Kind;
use super::plan;
use super::{Exit, Failure};
use crate::error::Error;
use crate::model::observed::Observed;
use crate::observe::Targets;
use crate::render;
use crate::status::{self, FleetStatus, RUNS_SHOWN, Sources};

/// Show where every tenant stands
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenantry status
  tenantry status -v                    every tenant on a line of its own
  tenantry status --tenant 'acme*'      some tenants
  tenantry status --format json         for programs

Needs to read the tenants' histories and the schema tenantry, and no more.")]
pub struct Args {}

pub fn run(context: &Context<'_>, _args: &Args) -> Result<Exit, Failure> {
    let format = context.format(&[Format::Human, Format::Json])?;
    let desired = context.load()?;
    let made = plan::glance(context, &desired)?;
    let targets = answering(context.targets(&desired), &made.observed);
    let journals = Journals {
        fleet: &desired.fleet,
        targets: &targets,
    };
    let (journals, unread) = journals.whole(RUNS_SHOWN);
    let status = status::of(&Sources {
        desired: &desired,
        observed: &made.observed,
        plan: &made.plan,
        selected: &context.selection()?.pick(&desired)?,
        journals: &journals,
        unread: &unread,
    });
    let (text, kind) = document(context, &status, format);
    context.print(&text, kind)?;
    if status::is_anything_readable(&made.observed) {
        Ok(Exit::Done)
    } else {
        Err(Error::failed("no database of the fleet could be read").into())
    }
}

/// Those that don't answer have been waited for once already.
fn answering(mut targets: Targets, observed: &Observed) -> Targets {
    targets.retain(|cluster, _| matches!(observed.databases.get(cluster), Some(Ok(_))));
    targets
}

fn document(context: &Context<'_>, status: &FleetStatus, format: Format) -> (String, Kind) {
    match format {
        Format::Json => (render::json::status(status), Kind::Json),
        _ if context.global.quiet => (render::status::brief(status), Kind::Text),
        _ => (
            render::status::status(status, context.is_verbose()),
            Kind::Text,
        ),
    }
}
