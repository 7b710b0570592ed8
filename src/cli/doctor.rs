//! `doctor`: looks at what stands between a fleet and its next apply; changes nothing.

use std::path::PathBuf;

use super::args::Format;
use super::context::Context;
use super::output::Kind;
use super::{Exit, Failure};
use crate::doctor::checkup::{Check, Checkup, Finding};
use crate::doctor::grants::{self, READER, Roles};
use crate::doctor::{self, Request};
use crate::error::Error;
use crate::model::count;
use crate::model::desired::Desired;
use crate::model::name::{BadName, ClusterName, RoleName};
use crate::render;

/// Check servers, rights and tools; print the SQL that grants what is missing
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenantry doctor
  tenantry doctor --parallel 32         is there room for so many workers?
  tenantry doctor --format json         for programs
  tenantry doctor --grants --role deploy --read-only-role ci

Every hint is one line, SQL where a right is missing. Ends with 1 if a check
failed; warnings don't count. --grants prints the SQL for two roles: the
operator, who applies, and the reader, who plans and sees no tenant's data.
Run it as a superuser in the database of each cluster.")]
pub struct Args {
    /// Print the SQL that gives the operator and the reader what they need
    #[arg(long)]
    grants: bool,

    /// The operator [default: the connecting role, unless it is a superuser]
    #[arg(long, value_name = "NAME", requires = "grants", value_parser = role_name)]
    role: Option<RoleName>,

    /// The reader
    #[arg(long, value_name = "NAME", requires = "grants", value_parser = role_name)]
    #[arg(default_value = READER)]
    read_only_role: RoleName,
}

fn role_name(text: &str) -> Result<RoleName, BadName> {
    RoleName::new(text)
}

pub fn run(context: &Context<'_>, args: &Args) -> Result<Exit, Failure> {
    let format = context.format(&[Format::Human, Format::Json])?;
    context.expect_all_tenants("doctor")?;
    if args.grants {
        return print_grants(context, args, format);
    }
    let (desired, query) = desired(context)?;
    let (targets, direct) = (context.targets(&desired), context.direct_targets(&desired));
    let bin = context.variable("TENANTRY_PG_BIN").map(PathBuf::from);
    let backups = context.backup_folder(&desired);
    let checkup = doctor::examine(&Request {
        desired: &desired,
        targets: &targets,
        direct: &direct,
        parallel: context.global.parallel,
        bin: bin.as_deref(),
        backups: backups.as_ref(),
    });
    let checkup = match query {
        Some(check) => checkup.with(check),
        None => checkup,
    };
    let (text, kind) = document(context, &checkup, format);
    context.print(&text, kind)?;
    Ok(match checkup.summary.failed {
        0 => Exit::Done,
        _ => Exit::Failed,
    })
}

/// The desired state, and what came of its query: one that fails is a finding, and hides no other.
fn desired(context: &Context<'_>) -> Result<(Desired, Option<Check>), Failure> {
    let files = context.files()?;
    let Some(source) = files.tenants_from().cloned() else {
        return Ok((context.complete(files)?, None));
    };
    let fleet = files.fleet().clone();
    let (desired, finding) = match context.complete(files) {
        Ok(desired) => {
            let tenants = count(desired.tenants.len(), "tenant");
            let message = format!("{tenants} with those of the query");
            (desired, Finding::ok(message))
        }
        Err(failure) => (fleet, failed(failure)),
    };
    let check = Check::new(Some(&source.cluster), "tenants_from", finding);
    Ok((desired, Some(check)))
}

fn failed(failure: Failure) -> Finding {
    match failure {
        Failure::Error(error) => Finding::failed(
            error.message,
            error.hint.unwrap_or_else(|| CORRECT.to_owned()),
        ),
        Failure::Problems(problems) => {
            let first = problems
                .first()
                .map(ToString::to_string)
                .unwrap_or_default();
            let others = match problems.len().saturating_sub(1) {
                0 => String::new(),
                more => format!(
                    " (and {}, which `plan` shows)",
                    count(more, "other problem")
                ),
            };
            Finding::failed(first + &others, CORRECT)
        }
    }
}

const CORRECT: &str = "Correct the query, or the rows that it returns.";

fn document(context: &Context<'_>, checkup: &Checkup, format: Format) -> (String, Kind) {
    match format {
        Format::Human => (
            render::doctor::checkup(checkup, context.global.quiet),
            Kind::Text,
        ),
        _ => (render::json::checkup(checkup), Kind::Json),
    }
}

fn print_grants(context: &Context<'_>, args: &Args, format: Format) -> Result<Exit, Failure> {
    if format != Format::Human {
        let error = Error::usage("--grants prints SQL, which has no other format");
        return Err(error.hint("Leave --format out.").into());
    }
    let files = context.files()?;
    let query_on: Option<ClusterName> = files.tenants_from().map(|source| source.cluster.clone());
    let desired = context.complete(files)?;
    let roles = Roles {
        operator: args.role.clone(),
        reader: args.read_only_role.clone(),
    };
    let targets = context.targets(&desired);
    let sql = grants::sql(&desired, &targets, &roles, query_on.as_ref())?;
    context.print(&sql, Kind::Text)?;
    Ok(Exit::Done)
}
