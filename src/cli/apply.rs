//! `apply`: shows the plan, asks once, carries it out, and always reports.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use uuid::Uuid;

use super::args::Format;
use super::context::Context;
use super::output::{Kind, Output};
use super::plan::{self, Making};
use super::progress::{self, Ndjson};
use super::{Exit, Failure, or_failed, resume, signals};
use crate::apply::cancel::Cancel;
use crate::apply::locks::{Locks, Taking};
use crate::apply::{self, Request};
use crate::error::Error;
use crate::model::count;
use crate::model::desired::Desired;
use crate::model::duration::parse_duration;
use crate::model::name::FleetName;
use crate::observe::Targets;
use crate::plan::Plan;
use crate::plan::digest::desired_digest;
use crate::plan::hazard::{self, Allow};
use crate::plan::saved::SavedPlan;
use crate::render;
use crate::report::{CancelReason, Event, Report, Reporter, Silent};

/// Carry the plan out: show it, ask, do it, report
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenantry apply
  tenantry apply plan.json                      a plan saved by `plan --out`
  tenantry apply --auto-approve --format json   in CI: the report as JSON
  tenantry apply --auto-approve --format github in CI: what failed, at its line
  tenantry apply --allow DELETES_DATA@acme      one hazard, for one tenant
  tenantry apply --tenant sandbox               one tenant first
  tenantry apply --resume 4f1c2a9b              what a run has left
  tenantry apply --only-failed                  tenants that failed last

What isn't blocked is carried out. A tenant is changed wholly or not at all.
After a failure, an interruption or a kill, apply again to go on, or with
--resume for the tenants of that run alone: those that weren't applied or found
unchanged in it are planned anew, with --only-failed the failed ones of them.
No other run changes these databases from before the plan is made until the
end, the question included; --lock-wait waits for one that is under way, then
plans.")]
pub struct Args {
    /// A plan saved by `plan --out`; without it, a plan is made now
    #[arg(value_name = "PLAN")]
    saved: Option<PathBuf>,

    /// Don't ask
    #[arg(long)]
    auto_approve: bool,

    /// Allow what a hazard warns of, for tenants whose ids match, or for all; may be repeated
    #[arg(long, value_name = "HAZARD[@GLOB]")]
    allow: Vec<String>,

    /// How long to wait for another run to end
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration)]
    lock_wait: Duration,

    #[command(flatten)]
    narrowing: resume::Narrowing,

    #[command(flatten)]
    making: Making,
}

/// A plan, and its name if it was saved.
struct Job {
    plan: Plan,
    plan_id: Option<Uuid>,
    resumes: Option<Uuid>,
}

pub fn run(context: &Context<'_>, args: &Args) -> Result<Exit, Failure> {
    let format = context.format(&[Format::Human, Format::Json, Format::Ndjson, Format::Github])?;
    let allow: Result<Vec<Allow>, Error> =
        args.allow.iter().map(|text| Allow::parse(text)).collect();
    let allow = allow?;
    let files = context.files()?;
    // Found out before anything is changed.
    let output = context.output()?;
    let teller = Teller::new(context, format, &output);
    let started = Instant::now();
    let fleet = files.fleet().fleet.clone();
    let desired = match context.complete(files) {
        Err(Failure::Error(error)) => {
            return Ok(unplanned(context, teller, &fleet, &error, started, output));
        }
        desired => desired?,
    };
    let watching = Watching::new(context)?;
    let targets = context.targets(&desired);
    let locked = lock(context, args, &desired, &targets, &watching, &teller);
    let made = locked.and_then(|locks| Ok((locks, job(context, args, &desired)?)));
    let (locks, job) = match made {
        Err(error) if error.exit != Exit::Usage => {
            return Ok(unplanned(context, teller, &fleet, &error, started, output));
        }
        made => made?,
    };
    let on_stdout = format == Format::Human && output.is_stdout();
    let asks = job.plan.has_changes() && !args.auto_approve;
    show(context, &job.plan, on_stdout, asks);
    let request = Request {
        desired: &desired,
        plan: &job.plan,
        plan_id: job.plan_id,
        resumes: job.resumes,
        targets: &targets,
        parallel: context.global.parallel,
        lock_wait: args.lock_wait,
    };
    let result = approve(context, args, &job.plan, &allow)
        .and_then(|()| watching.apply(&request, locks, teller.reporter()));
    let report = result.unwrap_or_else(|error| {
        let report = apply::untried(&request, &error);
        refused(context, &teller, report, &error)
    });
    Ok(end(context, teller, &report, started, output))
}

/// Locks what is about to be planned, as nobody else should change it between the plan and its end. A saved plan is
/// locked when it is carried out.
fn lock(
    context: &Context<'_>,
    args: &Args,
    desired: &Desired,
    targets: &Targets,
    watching: &Watching,
    teller: &Teller,
) -> Result<Locks, Error> {
    if args.saved.is_some() {
        return watching.idle(Ok(Locks::none()));
    }
    // A slip in a filter is told before any database is asked.
    let picked = context.selection()?.pick(desired)?;
    let tenants = picked.iter().filter_map(|id| desired.tenants.get(id));
    let taking = Taking {
        targets,
        patience: args.lock_wait,
        cancel: &watching.cancel,
        reporter: teller.reporter(),
    };
    let locks = Locks::take(&tenants.map(|tenant| &tenant.cluster).collect(), &taking);
    watching.idle(locks)
}

fn job(context: &Context<'_>, args: &Args, desired: &Desired) -> Result<Job, Error> {
    let Some(path) = &args.saved else {
        return made(context, args, desired);
    };
    let global = &context.global;
    let filtered = [&global.tenant, &global.exclude, &global.tag]
        .iter()
        .any(|filter| !filter.is_empty());
    if filtered || !args.making.provision_empty.is_empty() {
        return Err(
            Error::usage("a saved plan says itself which tenants it is about")
                .hint("Give --tenant, --exclude, --tag and --provision-empty to `plan --out`."),
        );
    }
    let saved = read(path, desired)?;
    Ok(Job {
        plan: saved.plan,
        plan_id: Some(saved.plan_id),
        resumes: None,
    })
}

/// A plan made now, for the tenants that the flags and the journals leave.
fn made(context: &Context<'_>, args: &Args, desired: &Desired) -> Result<Job, Error> {
    let mut selection = context.selection()?;
    // A slip in a filter is told before any database is asked.
    selection.pick(desired)?;
    let targets = context.targets(desired);
    let narrowed = resume::narrow(context, &args.narrowing, desired, &targets)?;
    let resumes = narrowed.as_ref().and_then(|narrowed| narrowed.run);
    if let Some(narrowed) = narrowed {
        selection = selection.within(narrowed.tenants);
    }
    Ok(Job {
        plan: plan::make(context, desired, &args.making, selection)?.plan,
        plan_id: None,
        resumes,
    })
}

fn read(path: &Path, desired: &Desired) -> Result<SavedPlan, Error> {
    let place = path.display();
    let bytes = std::fs::read(path).map_err(|error| {
        Error::usage(format!("reading the plan {place}: {error}"))
            .hint("Name a file that `tenantry plan --out FILE` wrote.")
    })?;
    let text = String::from_utf8(bytes).map_err(|error| {
        Error::refused(format!("{place}: the file isn't a saved plan: {error}"))
            .hint("Write one with `tenantry plan --out FILE`.")
    })?;
    let saved = SavedPlan::parse(&text).map_err(|error| Error {
        message: format!("{place}: {}", error.message),
        ..error
    })?;
    if saved.plan.desired_digest == desired_digest(desired) {
        return Ok(saved);
    }
    Err(Error::refused(format!(
        "{place} was made for another desired state of fleet {}",
        saved.plan.fleet
    ))
    .hint("Plan again with `tenantry plan --out`, or check out the files it was made from."))
}

/// The plan goes where people look; with `-q` it is left out unless it is all there is to show, or asked about.
fn show(context: &Context<'_>, plan: &Plan, on_stdout: bool, asks: bool) {
    // The report or the question, if there is one, stands apart.
    let gap = if plan.has_changes() { "\n" } else { "" };
    let text = plan::human(context, plan) + gap;
    if on_stdout {
        context.streams.out(&text);
    } else if asks || !context.global.quiet {
        context.streams.err(&text);
    }
}

fn refuse_hazards(plan: &Plan, allow: &[Allow]) -> Result<(), Error> {
    let refused = hazard::refused(plan, allow);
    if refused.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = refused
        .iter()
        .map(|one| {
            let (note, tenants) = (&one.note, count(one.tenants.len(), "tenant"));
            let (hazard, what) = (note.hazard.as_str(), &note.what);
            format!(
                "\n  {hazard} isn't allowed: {}:{}: {what}, for {tenants}",
                note.file, note.line
            )
        })
        .collect();
    let mut flags: Vec<&str> = refused.iter().map(|one| one.flag.as_str()).collect();
    flags.sort_unstable();
    flags.dedup();
    Err(
        Error::refused(format!("nothing was changed{}", lines.concat())).hint(format!(
            "Once you have looked at it, pass {}",
            flags.join(" ")
        )),
    )
}

fn confirm(context: &Context<'_>) -> Result<(), Error> {
    let stdin = io::stdin();
    if !stdin.is_terminal() {
        return Err(
            Error::usage("there is no terminal to ask on; nothing was changed")
                .hint("Pass --auto-approve to carry the plan out without being asked."),
        );
    }
    context
        .streams
        .err("Carry this plan out? Only `yes` is taken as a yes: ");
    let mut answer = String::new();
    stdin
        .read_line(&mut answer)
        .map_err(|error| Error::failed(format!("reading the answer: {error}")))?;
    if !answer.ends_with('\n') {
        // The end of the input leaves the cursor behind the question.
        context.streams.err("\n");
    }
    if answer.trim() == "yes" {
        Ok(())
    } else {
        Err(Error::refused("the plan was declined; nothing was changed"))
    }
}

/// Whether the plan may be carried out.
fn approve(context: &Context<'_>, args: &Args, plan: &Plan, allow: &[Allow]) -> Result<(), Error> {
    if !plan.has_changes() {
        return Ok(());
    }
    refuse_hazards(plan, allow)?;
    if args.auto_approve {
        return Ok(());
    }
    confirm(context)
}

/// Tells what ended the apply before there was a plan; the exit code.
fn unplanned(
    context: &Context<'_>,
    teller: Teller,
    fleet: &FleetName,
    error: &Error,
    started: Instant,
    output: Output,
) -> Exit {
    let report = apply::unplanned(fleet, error);
    let report = refused(context, &teller, report, error);
    end(context, teller, &report, started, output)
}

/// What ended the apply early is told at once, and is the report too.
fn refused(context: &Context<'_>, teller: &Teller, report: Report, error: &Error) -> Report {
    context.streams.error(error);
    if let Some(failure) = &report.error {
        teller.reporter().event(&Event::Refused {
            exit: report.exit,
            error: failure,
        });
    }
    report
}

/// Tells the report; the exit code.
fn end(
    context: &Context<'_>,
    teller: Teller,
    report: &Report,
    started: Instant,
    output: Output,
) -> Exit {
    let (text, kind) = document(context, teller, report, started.elapsed(), &output);
    tell(context, report, &text, kind, output)
}

/// Writes the report; the exit code.
fn tell(context: &Context<'_>, report: &Report, text: &str, kind: Kind, output: Output) -> Exit {
    let exit = Exit::of_code(report.exit);
    if exit == Exit::Refused && report.error.is_none() && report.outcomes.is_empty() {
        let error = Error::refused("nothing was changed: every tenant that differs is blocked");
        let hint = "Follow the hints of the plan's section `Blocked`.";
        context.streams.error(&error.hint(hint));
    }
    let written = output.write(&context.streams, text, kind);
    match written.and_then(|()| context.streams.finish()) {
        Ok(()) => exit,
        Err(error) => {
            // What was done must be told somewhere.
            context.streams.err(text);
            context.streams.error(&error);
            untold(report, exit)
        }
    }
}

/// The exit code when the report couldn't be written: 1 would say that nothing was changed.
fn untold(report: &Report, exit: Exit) -> Exit {
    if exit == Exit::Done && report.has_changed() {
        Exit::Partial
    } else {
        or_failed(exit)
    }
}

/// The signal handler, and what it stops.
struct Watching {
    cancel: Arc<Cancel>,
    watch: signals::Watch,
}

impl Watching {
    fn new(context: &Context<'_>) -> Result<Self, Error> {
        let cancel = Arc::new(Cancel::default());
        let watch = signals::watch(&cancel, &context.streams)?;
        Ok(Self { cancel, watch })
    }

    fn apply(
        &self,
        request: &Request<'_>,
        locks: Locks,
        reporter: &dyn Reporter,
    ) -> Result<Report, Error> {
        self.watch.set_idle(false);
        self.told(apply::apply(request, locks, &self.cancel, reporter))
    }

    /// From now until the run begins a signal ends the program at once; one that came before ends it here.
    fn idle<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        self.watch.set_idle(true);
        self.told(result.and_then(|got| match self.cancel.reason() {
            None => Ok(got),
            Some(_) => Err(Error::failed("interrupted; nothing was changed")),
        }))
    }

    /// An error of an interrupted run leads to 130.
    fn told<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        result.map_err(|error| {
            if self.cancel.reason() >= Some(CancelReason::Interrupt) {
                Error {
                    exit: Exit::Interrupted,
                    ..error
                }
            } else {
                error
            }
        })
    }
}

/// Who tells what happens, and in which form the report comes.
enum Teller {
    Human(Box<dyn Reporter>),
    Json(Box<dyn Reporter>),
    Github(Box<dyn Reporter>),
    Ndjson(Ndjson),
}

impl Teller {
    fn new(context: &Context<'_>, format: Format, output: &Output) -> Self {
        let streams = &context.streams;
        let progress = || -> Box<dyn Reporter> {
            if context.global.quiet {
                Box::new(Silent)
            } else {
                progress::human(streams)
            }
        };
        match format {
            Format::Human | Format::Markdown | Format::Junit => Self::Human(progress()),
            Format::Json => Self::Json(progress()),
            Format::Github => Self::Github(progress()),
            Format::Ndjson => Self::Ndjson(Ndjson::new(streams, output.is_stdout())),
        }
    }

    fn reporter(&self) -> &dyn Reporter {
        match self {
            Self::Human(reporter) | Self::Json(reporter) | Self::Github(reporter) => {
                reporter.as_ref()
            }
            Self::Ndjson(reporter) => reporter,
        }
    }
}

/// What is left to be written at the end.
fn document(
    context: &Context<'_>,
    teller: Teller,
    report: &Report,
    elapsed: Duration,
    output: &Output,
) -> (String, Kind) {
    let told = report.error.is_some() && output.is_stdout();
    match teller {
        Teller::Human(_) if told => (String::new(), Kind::Text),
        Teller::Human(_) if report.outcomes.is_empty() && report.databases.is_empty() => {
            (String::new(), Kind::Text)
        }
        Teller::Human(_) => {
            let text = render::report::report(report, elapsed, context.is_verbose());
            (text, Kind::Text)
        }
        Teller::Json(_) => (render::json::report(report), Kind::Json),
        Teller::Github(_) => (render::github::report(report, elapsed), Kind::Text),
        Teller::Ndjson(reporter) => (reporter.into_kept().unwrap_or_default(), Kind::Json),
    }
}
