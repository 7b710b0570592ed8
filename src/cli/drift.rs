//! `drift`: shows which tenants aren't what their histories made; takes no lock and leaves nothing behind.

use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::NonEmptyStringValueParser;

use super::args::Format;
use super::context::Context;
use super::look::look;
use super::output::Kind;
use super::{Exit, Failure};
use crate::drift::Checked;
use crate::drift::baseline::Baseline;
use crate::drift::report::DriftReport;
use crate::error::Error;
use crate::model::desired::Desired;
use crate::pg::clients::Clients;
use crate::pg::settings::Target;
use crate::plan::diff::{self, Options};
use crate::render;
use crate::render::style::harmless;

/// Show which tenants aren't what their files and histories made
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenantry drift
  tenantry drift --tenant 'acme*' -v    some tenants, and every difference whole
  tenantry drift --strict               notices fail too
  tenantry drift --format json --output drift.json
  tenantry drift --baseline drift.json  fail for what is new since then
  tenantry drift --format junit         test results, a case a tenant
  tenantry drift --format markdown      a page for people

Each tenant is compared to what its own template, migrations and values make
in a scratch schema; migrations that are pending are no drift. Mend what
differs by a migration, or answer for it under `waivers:`.
Ends with 2 when there is drift, and else with 1 when a tenant couldn't be
compared.")]
pub struct Args {
    /// End with 2 for notices too
    #[arg(long)]
    strict: bool,

    /// An earlier result of `drift --format json`; end with 2 for what it doesn't have
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,

    /// Where to build what tenants are compared to, when their own database doesn't let you: any
    /// server of the same major version
    #[arg(long, value_name = "URL", value_parser = NonEmptyStringValueParser::new())]
    reference_url: Option<String>,
}

pub fn run(context: &Context<'_>, args: &Args) -> Result<Exit, Failure> {
    let format = context.format(&[Format::Human, Format::Json, Format::Markdown, Format::Junit])?;
    let reference = args.reference_url.as_deref();
    let reference = reference.map(|url| context.reference_target(url));
    let reference = reference.transpose()?;
    let output = context.output()?;
    let desired = context.load()?;
    let baseline = args.baseline.as_deref();
    let baseline = baseline.map(|path| read_baseline(path, &desired));
    let baseline = baseline.transpose()?;
    let mut checked = check(context, &desired, reference.as_ref())?;
    cleaned(context, &mut checked.report);
    if let Some(baseline) = baseline {
        checked.report = baseline.mark(checked.report);
    }
    let (text, kind) = document(context, &checked, format, args.strict);
    output.write(&context.streams, &text, kind)?;
    Ok(checked.report.exit(args.strict))
}

/// Reads the databases and compares.
fn check(
    context: &Context<'_>,
    desired: &Desired,
    reference: Option<&Target>,
) -> Result<Checked, Error> {
    let options = Options {
        selection: context.selection()?,
        ..Options::default()
    };
    // A slip in a filter is told before any database is asked.
    let selected = options.selection.pick(desired)?;
    let elsewhere = reference.map(|target| Clients::new(target.clone()));
    let alone = !options.selection.is_all();
    let (looked, checked) = look(context, desired, &selected, alone, elsewhere.as_ref());
    // What refuses a plan, such as another fleet's database, refuses this too.
    diff::plan(desired, &looked.observed, &options)?;
    for (cluster, words) in &looked.notices {
        context
            .streams
            .err(&format!("cluster {cluster}: {}\n", harmless(words)));
    }
    Ok(checked)
}

/// An earlier report, of this fleet.
fn read_baseline(path: &Path, desired: &Desired) -> Result<Baseline, Error> {
    let place = path.display();
    let text = fs::read_to_string(path).map_err(|error| {
        Error::usage(format!("reading the baseline {place}: {error}"))
            .hint("Name a result of `tenantry drift --format json`.")
    })?;
    Baseline::parse(&text, &desired.fleet).map_err(|error| Error {
        message: format!("{place}: {}", error.message),
        ..error
    })
}

/// Takes secrets out before anything is compared, so that a report which was written is the next one's baseline.
fn cleaned(context: &Context<'_>, report: &mut DriftReport) {
    let redactor = &context.streams.redactor;
    for finding in &mut report.findings {
        let texts = [
            &mut finding.message,
            &mut finding.hint,
            &mut finding.expected,
            &mut finding.found,
            &mut finding.diff,
        ];
        for text in texts.into_iter().flatten() {
            *text = redactor.text(text);
        }
        finding.object = redactor.text(&finding.object);
    }
}

fn document(
    context: &Context<'_>,
    checked: &Checked,
    format: Format,
    strict: bool,
) -> (String, Kind) {
    let report = &checked.report;
    match format {
        Format::Json => (render::json::drift(report), Kind::Json),
        Format::Markdown => (render::markdown::drift(report), Kind::Text),
        Format::Junit => (
            render::junit::drift(report, &checked.tenants, strict),
            Kind::Text,
        ),
        _ if context.global.quiet => (render::drift::brief(report), Kind::Text),
        _ => (
            render::drift::drift(report, context.is_verbose()),
            Kind::Text,
        ),
    }
}
