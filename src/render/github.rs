//! Plan, problems and report as annotations: workflow commands of GitHub Actions, one a line.
//!
//! A runner takes every line that begins with `::` for a command, so nothing but the line itself may end it: line ends
//! are escaped as GitHub's toolkit does (`actions/toolkit`, `packages/core/src/command.ts`).

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use super::entry::{self, Entry, Group};
use super::plan::{blocked, summary, withheld};
use super::report;
use super::style::harmless_lines;
use crate::config::Problem;
use crate::error::Error;
use crate::model::count;
use crate::model::name::TemplateName;
use crate::model::template::Template;
use crate::plan::action::{HazardNote, TenantAction};
use crate::plan::{Cohort, Plan};
use crate::report::{Failure, Report, Status};

/// GitHub shows ten annotations of a level for each step.
const SHOWN: usize = 9;

/// How many tenants an annotation names.
const NAMES_SHOWN: usize = 10;

#[derive(Clone, Copy)]
enum Level {
    Error,
    Warning,
    Notice,
}

/// A place in a file of the project.
struct Place {
    file: PathBuf,
    line: usize,
    /// 0 when it isn't known.
    column: usize,
}

/// Something to show beside the files, or above them when it has no place.
struct Annotation {
    level: Level,
    place: Option<Place>,
    title: String,
    message: String,
}

impl fmt::Display for Annotation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let level = match self.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        };
        write!(f, "::{level} ")?;
        if let Some(Place { file, line, column }) = &self.place {
            let file = property(&normal(file).display().to_string());
            write!(f, "file={file},line={line},")?;
            if *column > 0 {
                write!(f, "col={column},")?;
            }
        }
        let (title, message) = (property(&self.title), data(&self.message));
        writeln!(f, "title={title}::{message}")
    }
}

/// A message as it may stand behind the second `::`.
#[must_use]
pub fn data(text: &str) -> String {
    harmless_lines(text)
        .replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A value as it may stand between the commas.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

/// The path without its detours: GitHub compares it with the repository's own names.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        let goes_back = part == Component::ParentDir;
        let has_name = matches!(normal.components().next_back(), Some(Component::Normal(_)));
        if goes_back && has_name {
            normal.pop();
        } else if part != Component::CurDir {
            normal.push(part);
        }
    }
    normal
}

/// An error that ended a command.
#[must_use]
pub fn error(error: &Error) -> String {
    text([Annotation {
        level: Level::Error,
        place: None,
        title: "tenantry".to_owned(),
        message: with_hint(&error.message, error.hint.as_deref()),
    }])
}

/// Every problem of the desired state at its place.
#[must_use]
pub fn problems(problems: &[Problem]) -> String {
    let mut sorted: Vec<&Problem> = problems.iter().collect();
    sorted.sort();
    let annotations = sorted.into_iter().map(|problem| Annotation {
        level: Level::Error,
        place: Some(Place {
            file: problem.file.clone(),
            line: problem.line.max(1),
            column: problem.column,
        }),
        title: "tenantry".to_owned(),
        message: with_hint(&problem.message, problem.hint.as_deref()),
    });
    text(annotations)
}

/// What keeps tenants from being planned, what to look at first, and the summary.
#[must_use]
pub fn plan(plan: &Plan, templates: &BTreeMap<TemplateName, Template>) -> String {
    let blocked = entries(Level::Error, &blocked(plan));
    let withheld = entries(Level::Warning, &withheld(plan));
    let notices = plan.notices.iter().map(|notice| Annotation {
        level: Level::Notice,
        place: None,
        title: notice.code.clone(),
        message: notice.message.clone(),
    });
    let incomplete = if plan.complete {
        ""
    } else {
        "This plan is incomplete: not every database answered.\n"
    };
    let end = Annotation {
        level: Level::Notice,
        place: None,
        title: "tenantry plan".to_owned(),
        message: format!("{incomplete}{}", summary(plan)),
    };
    text(
        blocked
            .into_iter()
            .chain(hazards(plan, templates))
            .chain(withheld)
            .chain(notices)
            .chain([end]),
    )
}

/// What failed, at its place in the files, and the numbers.
#[must_use]
pub fn report(report: &Report, elapsed: Duration) -> String {
    let mut annotations = Vec::new();
    annotations.extend(
        report
            .error
            .as_ref()
            .map(|failure| of_failure("tenantry", failure)),
    );
    for step in &report.databases {
        let failure = step.error.as_ref();
        annotations.extend(failure.map(|failure| of_failure(&step.step, failure)));
    }
    for (status, level) in [
        (Status::Failed, Level::Error),
        (Status::Unknown, Level::Error),
        (Status::Stale, Level::Warning),
    ] {
        let found = report.outcomes.iter().filter(|one| one.status == status);
        let found: Vec<Entry<'_>> = found
            .map(|outcome| Entry {
                title: status.as_str(),
                ..report::entry_of(outcome)
            })
            .collect();
        annotations.extend(entries(level, &found));
    }
    // What ended before it began is no run that could be looked up.
    annotations.extend(report.error.is_none().then(|| Annotation {
        level: Level::Notice,
        place: None,
        title: "tenantry apply".to_owned(),
        message: report::summary(report, elapsed),
    }));
    text(annotations)
}

fn text(annotations: impl IntoIterator<Item = Annotation>) -> String {
    annotations
        .into_iter()
        .fold(String::new(), |mut text, one| {
            // A String takes all.
            let _ = write!(text, "{one}");
            text
        })
}

fn with_hint(message: &str, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("{message}\nhint: {hint}"),
        None => message.to_owned(),
    }
}

fn of_failure(title: &str, failure: &Failure) -> Annotation {
    Annotation {
        level: Level::Error,
        place: place_of(failure),
        title: title.to_owned(),
        message: with_hint(&failure.message, failure.hint.as_deref()),
    }
}

fn place_of(failure: &Failure) -> Option<Place> {
    Some(Place {
        file: PathBuf::from(failure.file.as_ref()?),
        line: failure.line?,
        column: failure.column.unwrap_or(0),
    })
}

/// One annotation for all tenants about whom the same is said, and one for those that there is no room for.
fn entries(level: Level, entries: &[Entry<'_>]) -> Vec<Annotation> {
    let groups = entry::fold(entries);
    let (shown, rest) = groups.split_at(SHOWN.min(groups.len()));
    let mut annotations: Vec<Annotation> = shown.iter().map(|group| one(level, group)).collect();
    let rest: Vec<&str> = rest
        .iter()
        .flat_map(|group| group.tenants.clone())
        .collect();
    if !rest.is_empty() {
        annotations.push(Annotation {
            level,
            place: None,
            title: format!("{} more", count(rest.len(), "tenant")),
            message: names(&rest),
        });
    }
    annotations
}

fn one(level: Level, group: &Group<'_, '_>) -> Annotation {
    let first = group.first;
    let example = if group.is_same_for_all() {
        ""
    } else {
        "for example: "
    };
    let message = format!("{}: {example}{}", names(&group.tenants), first.message);
    Annotation {
        level,
        place: first.failure.and_then(place_of),
        title: format!("{}, {}", first.title, count(group.tenants.len(), "tenant")),
        message: with_hint(&message, first.hint),
    }
}

fn names(tenants: &[&str]) -> String {
    let shown = NAMES_SHOWN.min(tenants.len());
    let some = tenants[..shown].join(", ");
    match tenants.len() - shown {
        0 => some,
        more => format!("{some}, … and {more} more"),
    }
}

/// Every hazard once, with the number of tenants it is met by.
fn hazards<'a>(
    plan: &'a Plan,
    templates: &'a BTreeMap<TemplateName, Template>,
) -> impl Iterator<Item = Annotation> + 'a {
    let mut met: BTreeMap<_, (&HazardNote, usize)> = BTreeMap::new();
    for cohort in &plan.cohorts {
        for note in &cohort.hazards {
            let file =
                file_of(note, cohort, templates).unwrap_or_else(|| PathBuf::from(&note.file));
            let key = (file, note.line, note.hazard, &note.what);
            met.entry(key).or_insert((note, 0)).1 += cohort.tenants.len();
        }
    }
    met.into_iter()
        .map(|((file, line, hazard, what), (note, tenants))| {
            let (level, allowed) = if note.allowed_by_file {
                (Level::Notice, ", allowed by the file")
            } else {
                (Level::Warning, "")
            };
            let tenants = count(tenants, "tenant");
            Annotation {
                level,
                place: Some(Place {
                    file,
                    line,
                    column: 0,
                }),
                title: hazard.as_str().to_owned(),
                message: format!("{what}, for {tenants}{allowed}"),
            }
        })
}

/// The path of the migration that a hazard is in.
fn file_of(
    note: &HazardNote,
    cohort: &Cohort,
    templates: &BTreeMap<TemplateName, Template>,
) -> Option<PathBuf> {
    let template = match cohort.actions.first()? {
        TenantAction::CreateTenant { template, .. } | TenantAction::Migrate { template, .. } => {
            template
        }
    };
    let migrations = &templates.get(template)?.migrations.0;
    let file = migrations.values().find(|file| file.up.name == note.file)?;
    Some(file.up.path.clone())
}

#[cfg(test)]
mod tests;
