//! From the server's error to a file, a line and a column.

use crate::report::Failure;
use crate::sql;

use super::error::PgError;
use super::files::Files;
use super::runner::{Batch, Script};
use super::wire::Wire;

/// Where in which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub file: String,
    /// None for a constraint that is only checked once the file is over.
    pub place: Option<sql::Place>,
}

/// The place of an error that a script's message was answered with. `replay` opens the transaction anew and goes
/// [`by_replay`].
pub fn find(
    error: &PgError,
    batch: &Batch,
    script: &Script,
    files: &Files<'_>,
    replay: impl FnOnce() -> Option<Located>,
) -> Option<Located> {
    let located = by_position(error, batch, files);
    if located.is_some() {
        located
    } else if is_worth_replaying(error) {
        replay()
    } else if took_too_long(error) {
        by_elimination(script, files)
    } else {
        None
    }
}

/// The place an error's own position points at, if it lies in a file.
fn by_position(error: &PgError, batch: &Batch, files: &Files<'_>) -> Option<Located> {
    let (number, position) = batch.file_at(error.position?)?;
    files.place(number, position)
}

/// Finds the failing statement of an error without a position, by running the files once more, one statement a
/// message, in the open transaction, or the file that put off a check that fails. The good path never pays for this.
///
/// The caller has opened the transaction anew and rolls it back whatever comes out.
pub fn by_replay(
    wire: &mut Wire,
    create_schema: Option<&str>,
    script: &Script,
    files: &Files<'_>,
) -> Option<Located> {
    if let Some(create) = create_schema {
        wire.run(create).ok()?;
    }
    wire.run(&script.pin).ok()?;
    for text in script.texts() {
        wire.run(&text.settings).ok()?;
        for statement in sql::statements(&text.sql) {
            if wire.run(&text.sql[statement.range.clone()]).is_err() {
                let position = text.sql[..statement.range.start].chars().count() + 1;
                return files.place(text.file, position);
            }
        }
        if wire.run(&script.between).is_err() {
            return files.whole(text.file);
        }
    }
    None
}

/// The place of an error that names none and isn't worth running everything again for: where only one file has run
/// it is that file, and where that has one statement, this one.
fn by_elimination(script: &Script, files: &Files<'_>) -> Option<Located> {
    let mut all = script.texts();
    let (text, None) = (all.next()?, all.next()) else {
        return None;
    };
    let statements = sql::statements(&text.sql);
    if let [statement] = &statements[..] {
        let position = text.sql[..statement.range.start].chars().count() + 1;
        return files.place(text.file, position);
    }
    files.whole(text.file)
}

/// Errors of a statement's own data or logic come again; those of locks, resources and cancels needn't.
#[must_use]
pub fn is_worth_replaying(error: &PgError) -> bool {
    let class = error.sqlstate.as_deref().and_then(|code| code.get(..2));
    !error.closed
        && !matches!(
            class,
            None | Some("40" | "53" | "55" | "57" | "08" | "58" | "XX")
        )
}

/// Errors of a statement that waited or ran too long, or met another's: to run it again would take as long again.
fn took_too_long(error: &PgError) -> bool {
    matches!(error.sqlstate.as_deref(), Some("57014" | "55P03" | "40P01"))
}

/// An error as it goes into a report.
#[must_use]
pub fn failure(error: &PgError, attempted: &str, located: Option<Located>) -> Failure {
    let mut failure = Failure {
        message: format!("{attempted}: {error}"),
        sqlstate: error.sqlstate.clone(),
        hint: error.hint.clone(),
        ..Failure::default()
    };
    if let Some(located) = located {
        failure.file = Some(located.file);
        failure.line = located.place.as_ref().map(|place| place.line);
        failure.column = located.place.as_ref().map(|place| place.column);
        failure.excerpt = located.place.map(|place| place.text);
    }
    failure
}
