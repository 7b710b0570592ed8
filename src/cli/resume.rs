//! `apply --resume` and `--only-failed`: which tenants an apply is narrowed to.

use std::collections::BTreeSet;

use uuid::Uuid;

use super::context::Context;
use super::journals::Journals;
use crate::error::{Error, Exit};
use crate::model::count;
use crate::model::desired::Desired;
use crate::model::name::TenantId;
use crate::model::near;
use crate::observe::Targets;
use crate::report::short_run;
use crate::runs::{self, Run, RunPrefix, RunState, Unread};

/// What an apply may be narrowed by.
#[derive(Debug, clap::Args)]
pub struct Narrowing {
    /// Go on with a run that ended half way: plan anew for its tenants that aren't done
    #[arg(long, value_name = "RUN", conflicts_with = "saved")]
    resume: Option<RunPrefix>,

    /// Only tenants that failed last, or in the run that is resumed
    #[arg(long, conflicts_with = "saved")]
    only_failed: bool,
}

/// The tenants that an apply is about.
#[derive(Debug)]
pub struct Narrowed {
    pub tenants: BTreeSet<TenantId>,
    /// The run that is carried on.
    pub run: Option<Uuid>,
    /// What there is to say when nobody is left.
    nobody: String,
}

/// Finds the tenants in the journals; `None` when nothing was asked for.
///
/// # Errors
/// A run that no journal knows is refused (4), one that still goes on is locked (5).
pub fn narrow(
    context: &Context<'_>,
    args: &Narrowing,
    desired: &Desired,
    targets: &Targets,
) -> Result<Option<Narrowed>, Error> {
    let journals = Journals {
        fleet: &desired.fleet,
        targets,
    };
    let (narrowed, unread) = match &args.resume {
        Some(prefix) => of_run(&journals, prefix, args.only_failed)?,
        None if args.only_failed => failed_last(&journals)?,
        None => return Ok(None),
    };
    narrowed.tell(context, desired, &unread);
    Ok(Some(narrowed))
}

fn of_run(
    journals: &Journals<'_>,
    prefix: &RunPrefix,
    only_failed: bool,
) -> Result<(Narrowed, Vec<Unread>), Error> {
    let (run, _) = journals.find(prefix, Exit::Refused)?;
    if run.state == RunState::Running {
        return Err(still_going_on(&run));
    }
    let (record, unread) = journals.record(run.run);
    let id = short_run(run.run);
    let narrowed = Narrowed {
        tenants: runs::left(&record.planned, &record.steps, only_failed),
        run: Some(run.run),
        nobody: if only_failed {
            format!("No tenant of run {id} has failed.")
        } else {
            let planned = count(run.tenants, "tenant");
            format!("Nothing is left of run {id}, which was about {planned}.")
        },
    };
    Ok((narrowed, unread))
}

fn still_going_on(run: &Run) -> Error {
    let holder = run.holder.as_deref().unwrap_or("it has just begun");
    let id = short_run(run.run);
    Error::new(Exit::Locked, format!("run {id} still goes on: {holder}"))
        .hint("Wait for its end, then resume it if something is left.")
}

fn failed_last(journals: &Journals<'_>) -> Result<(Narrowed, Vec<Unread>), Error> {
    let (read, unread) = journals.whole(0);
    if read.is_empty() && !unread.is_empty() {
        let said: Vec<String> = unread.iter().map(words).collect();
        return Err(Error::failed(format!(
            "no journal could be read: {}",
            said.join("; ")
        )));
    }
    let last = read.into_values().flat_map(|journal| journal.last);
    let failed = last.filter(|(_, last)| runs::is_failed(last.status));
    let narrowed = Narrowed {
        tenants: failed.map(|(id, _)| id).collect(),
        run: None,
        nobody: "No tenant's last outcome is a failure.".to_owned(),
    };
    Ok((narrowed, unread))
}

fn words(unread: &Unread) -> String {
    format!("cluster {}: {}", unread.cluster, unread.message)
}

impl Narrowed {
    /// What people should know before they see the plan.
    fn tell(&self, context: &Context<'_>, desired: &Desired, unread: &[Unread]) {
        let mut lines: Vec<String> = unread
            .iter()
            .map(|one| format!("What this journal says isn't known: {}.\n", words(one)))
            .collect();
        let gone: Vec<&str> = self
            .tenants
            .iter()
            .filter(|id| !desired.tenants.contains_key(*id))
            .map(TenantId::as_str)
            .collect();
        if !gone.is_empty() {
            lines.push(format!(
                "No longer in the file, so left as they are: {}.\n",
                near::list(&gone)
            ));
        }
        if self.tenants.is_empty() {
            lines.push(format!("{}\n", self.nobody));
        }
        if !context.global.quiet {
            context.streams.err(&lines.concat());
        }
    }
}
