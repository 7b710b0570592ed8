//! `plan`: shows what would be done; takes no lock and leaves nothing behind.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::args::{Format, tenant_id};
use super::context::Context;
use super::look::look;
use super::output::{Kind, Output};
use super::redact::Redactor;
use super::{Exit, Failure};
use crate::apply::work::Account;
use crate::drift;
use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::name::{ClusterName, TenantId};
use crate::model::observed::{ControlState, Observed};
use crate::observe;
use crate::plan::diff::{self, Options};
use crate::plan::saved::SavedPlan;
use crate::plan::selection::Selection;
use crate::plan::{Notice, Plan};
use crate::render;
use crate::render::style::harmless;

/// Show what would be done
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenantry plan
  tenantry plan --tenant 'acme*' -v     some tenants' plan, every one named
  tenantry plan --detailed-exitcode     2 when something differs, for CI
  tenantry plan --out plan.json         save it, for `tenantry apply plan.json`
  tenantry plan --sql                   the SQL, of one tenant of each cohort
  tenantry plan --format json           for programs
  tenantry plan --format markdown       a comment on a pull request
  tenantry plan --format github         annotations in a GitHub workflow")]
pub struct Args {
    /// End with 2 when changes are pending or tenants are blocked
    #[arg(long)]
    detailed_exitcode: bool,

    /// Save the plan, for `apply FILE`
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Show the SQL of one tenant of each cohort instead
    #[arg(long)]
    sql: bool,

    #[command(flatten)]
    making: Making,
}

/// What a plan is asked for, beside the shared flags.
#[derive(Debug, Default, clap::Args)]
pub struct Making {
    /// Make this recorded tenant, whose schema is gone, anew and without data; may be repeated
    #[arg(long, value_name = "TENANT", value_parser = tenant_id)]
    pub provision_empty: Vec<TenantId>,
}

/// A plan and what it was made from.
pub struct Made {
    pub plan: Plan,
    pub observed: Observed,
}

pub fn run(context: &Context<'_>, args: &Args) -> Result<Exit, Failure> {
    let format = context.format(&[
        Format::Human,
        Format::Json,
        Format::Markdown,
        Format::Github,
    ])?;
    if args.sql && format != Format::Human {
        let error = Error::usage("--sql and --format exclude each other");
        return Err(error.hint("Leave one of them out.").into());
    }
    let saving = args.out.as_deref().map(|path| saving(context, path));
    let saving = saving.transpose()?;
    let desired = context.load()?;
    let made = make(context, &desired, &args.making, context.selection()?)?;
    let exit = made.exit(args.detailed_exitcode);
    if args.sql {
        context.print(&made.sql(&desired)?, Kind::Text)?;
    } else {
        let (text, kind) = document(context, &made.plan, &desired, format);
        context.print(&text, kind)?;
    }
    if let Some((path, output)) = saving {
        save(context, made.plan, output)?;
        tell_saved(context, path);
    }
    Ok(exit)
}

/// Looks at the databases and the shapes of a selection's tenants, and compares.
pub fn make(
    context: &Context<'_>,
    desired: &Desired,
    making: &Making,
    selection: Selection,
) -> Result<Made, Error> {
    // A slip in a filter is told before any database is asked.
    let selected = selection.pick(desired)?;
    let (looked, checked) = look(context, desired, &selected, false, None);
    let standings = drift::standings(&checked, &looked.observed, &looked.measured, &selected);
    let options = Options {
        selection,
        provision_empty: making.provision_empty.iter().cloned().collect(),
        standings,
    };
    let plan = diff::plan(desired, &looked.observed, &options)?;
    let notices = looked.notices.into_iter().map(rebuilt).collect();
    let plan = cleaned(plan.noticing(notices), &context.streams.redactor);
    Ok(Made {
        plan,
        observed: looked.observed,
    })
}

/// The plan of the selected tenants as far as it can be told without their shapes.
pub fn glance(context: &Context<'_>, desired: &Desired) -> Result<Made, Error> {
    let options = Options {
        selection: context.selection()?,
        ..Options::default()
    };
    // A slip in a filter is told before any database is asked.
    options.selection.pick(desired)?;
    let observed = observe::observe(desired, &context.targets(desired));
    let plan = diff::plan(desired, &observed, &options)?;
    let plan = cleaned(plan, &context.streams.redactor);
    Ok(Made { plan, observed })
}

/// What is to be known of a database's references.
fn rebuilt((cluster, message): (ClusterName, String)) -> Notice {
    Notice {
        code: "reference_rebuilt".to_owned(),
        cluster: Some(cluster),
        tenants: Vec::new(),
        message,
    }
}

/// The plan with no secret in what servers said, and its digest made after that.
fn cleaned(mut plan: Plan, redactor: &Redactor) -> Plan {
    let blocked = plan
        .blocked
        .iter_mut()
        .flat_map(|one| [&mut one.message, &mut one.hint]);
    let notices = plan.notices.iter_mut().map(|one| &mut one.message);
    for text in blocked.chain(notices) {
        *text = redactor.text(text);
    }
    plan.sealed()
}

impl Made {
    /// A plan of which no database answered says nothing: in CI it must not pass for one with something to do.
    fn exit(&self, detailed: bool) -> Exit {
        let databases = &self.observed.databases;
        if !databases.is_empty() && databases.values().all(Result::is_err) {
            Exit::Failed
        } else if detailed && self.plan.differs() {
            Exit::Differs
        } else {
            Exit::Done
        }
    }

    fn sql(&self, desired: &Desired) -> Result<String, Error> {
        let account_on = |cluster: &ClusterName| -> Option<Account> {
            let live = self.observed.databases.get(cluster)?.as_ref().ok()?;
            let readers = match &live.control {
                ControlState::Present { readers, .. } => readers.clone(),
                ControlState::Absent | ControlState::Unreadable(_) => Vec::new(),
            };
            let role = live.server.role.clone();
            Some(Account { role, readers })
        };
        render::sql::plan(&self.plan, desired, &account_on)
    }
}

fn document(
    context: &Context<'_>,
    plan: &Plan,
    desired: &Desired,
    format: Format,
) -> (String, Kind) {
    match format {
        Format::Json | Format::Ndjson => (render::json::plan(plan), Kind::Json),
        Format::Human | Format::Junit => (human(context, plan), Kind::Text),
        Format::Markdown => (render::markdown::plan(plan), Kind::Text),
        Format::Github => (render::github::plan(plan, &desired.templates), Kind::Text),
    }
}

/// The plan for people; quietly, its end.
pub fn human(context: &Context<'_>, plan: &Plan) -> String {
    if context.global.quiet {
        render::plan::brief(plan)
    } else {
        render::plan::plan(plan, context.is_verbose())
    }
}

/// The place for a saved plan, checked to take it and to be no other result's.
fn saving<'p>(context: &Context<'_>, path: &'p Path) -> Result<(&'p Path, Output), Error> {
    let place = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
    let others = context.global.output.as_deref();
    if others.is_some_and(|other| place(other).ok() == place(path).ok()) {
        let error = Error::usage("--out and --output name the same file");
        return Err(error.hint("Give each a file of its own."));
    }
    Ok((path, Output::open(Some(path))?))
}

fn tell_saved(context: &Context<'_>, path: &Path) {
    if !context.global.quiet {
        let path = harmless(&path.display().to_string());
        context.streams.err(&format!(
            "The plan is saved: `tenantry apply {path}` carries it out.\n"
        ));
    }
}

fn save(context: &Context<'_>, plan: Plan, output: Output) -> Result<(), Error> {
    let now = jiff::Timestamp::now().to_string();
    let saved = SavedPlan::new(plan, Uuid::new_v4(), now);
    output.write(&context.streams, &saved.to_json(), Kind::Sealed)
}
