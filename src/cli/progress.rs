//! What is told while an apply runs: a bar on a terminal, lines elsewhere, events as NDJSON, or nothing.

use std::io::IsTerminal;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::streams::Streams;
use crate::model::count;
use crate::render::json;
use crate::render::style::{Label, harmless, paint};
use crate::report::{DatabaseOutcome, Event, Outcome, Reporter, Status};

/// A bar on a terminal, lines elsewhere.
pub fn human(streams: &Arc<Streams>) -> Box<dyn Reporter> {
    let streams = Arc::clone(streams);
    if std::io::stderr().is_terminal() {
        Box::new(Bar {
            streams,
            bar: ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden()),
        })
    } else {
        Box::new(Lines { streams })
    }
}

/// A line for each thing that happens.
struct Lines {
    streams: Arc<Streams>,
}

impl Reporter for Lines {
    fn event(&self, event: &Event<'_>) {
        if let Some(line) = line(event) {
            self.streams.err(&format!("{line}\n"));
        }
    }
}

/// A bar that counts tenants; only what didn't go well gets a line above it.
struct Bar {
    streams: Arc<Streams>,
    bar: ProgressBar,
}

impl Reporter for Bar {
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::RunStarted { tenants, .. } => self.start(*tenants),
            Event::TenantFinished(outcome) => {
                self.bar.inc(1);
                if outcome.status != Status::Applied {
                    self.above(event);
                }
            }
            Event::TenantStarted { .. } | Event::WaveStarted { .. } | Event::Refused { .. } => {}
            Event::RunFinished { .. } => {
                self.bar.finish_and_clear();
                self.streams.draw(None);
            }
            Event::Waiting { .. }
            | Event::DatabaseStep(_)
            | Event::Retrying { .. }
            | Event::Cancelled { .. } => self.above(event),
        }
    }
}

impl Bar {
    fn start(&self, tenants: usize) {
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len} tenants, {elapsed}");
        self.bar
            .set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        self.bar.set_length(tenants as u64);
        self.bar.set_draw_target(ProgressDrawTarget::stderr());
        self.streams.draw(Some(self.bar.clone()));
        // Seen before the first tenant is done, and moving while all of them take long.
        self.bar.enable_steady_tick(Duration::from_secs(1));
    }

    fn above(&self, event: &Event<'_>) {
        if let Some(line) = line(event) {
            self.streams.err(&format!("{line}\n"));
        }
    }
}

/// Each event as a line of JSON, to stdout or kept for a file.
pub struct Ndjson {
    streams: Arc<Streams>,
    kept: Option<Mutex<String>>,
}

impl Ndjson {
    /// Writes to stdout as things happen, or keeps all for a file that appears at once.
    pub fn new(streams: &Arc<Streams>, to_stdout: bool) -> Self {
        Self {
            streams: Arc::clone(streams),
            kept: (!to_stdout).then(Mutex::default),
        }
    }

    /// The lines that were kept.
    pub fn into_kept(self) -> Option<String> {
        let kept = self.kept?;
        Some(kept.into_inner().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Reporter for Ndjson {
    fn event(&self, event: &Event<'_>) {
        let line = json::event(event);
        match &self.kept {
            None => self.streams.out_json(&line),
            Some(kept) => kept
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push_str(&line),
        }
    }
}

/// An event in words; none for what needs no line.
fn line(event: &Event<'_>) -> Option<String> {
    Some(match event {
        Event::Waiting { cluster, holder } => format!(
            "cluster {cluster} is locked by another run, waiting for it: {}",
            harmless(holder)
        ),
        Event::RunStarted {
            run,
            tenants,
            databases,
        } if *databases > 0 => format!("run {run}: {}", count(*tenants, "tenant")),
        Event::DatabaseStep(step) => database_step(step),
        Event::WaveStarted { wave, tenants } => {
            format!("wave {wave}: {}", count(*tenants, "tenant"))
        }
        Event::Retrying {
            tenant,
            attempt,
            after,
            reason,
        } => format!(
            "{tenant}: trying again in {} ms (retry {attempt}): {}",
            after.as_millis(),
            harmless(reason)
        ),
        Event::TenantFinished(outcome) => tenant(outcome),
        Event::Cancelled { reason } => format!("no more tenants are begun: {}", reason.why()),
        // A run without databases has nothing to do, and a refusal is told as the error it is.
        Event::RunStarted { .. }
        | Event::TenantStarted { .. }
        | Event::Refused { .. }
        | Event::RunFinished { .. } => return None,
    })
}

fn status(status: Status) -> String {
    let label = match status {
        Status::Applied | Status::Unchanged => Label::Good,
        Status::Stale | Status::Skipped => Label::Warning,
        Status::Failed | Status::Unknown => Label::Danger,
    };
    paint(label, status.as_str())
}

fn database_step(step: &DatabaseOutcome) -> String {
    let (what, status) = (harmless(&step.step), status(step.status));
    format!("cluster {}: {what}: {status}", step.cluster)
}

fn tenant(outcome: &Outcome) -> String {
    let why = outcome
        .error
        .as_ref()
        .map(|failure| format!(": {}", harmless(&failure.message)))
        .unwrap_or_default();
    format!(
        "{}: {} in {} ms{why}",
        outcome.tenant,
        status(outcome.status),
        outcome.took_ms
    )
}
