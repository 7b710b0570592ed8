//! From the server's error to a file, a line and a column.

use crate::pg::error::PgError;
use crate::pg::runner::{Batch, Text};
use crate::pg::wire::Wire;
use crate::report::Failure;
use crate::sql;

use super::retry;
use super::work::{Prepared, Sent};

/// Where in which file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located {
    pub file: String,
    /// None for a constraint that is only checked once the file is over.
    pub place: Option<sql::Place>,
}

/// The place an error's own position points at, if it lies in a file.
#[must_use]
pub fn by_position(error: &PgError, batch: &Batch, prepared: &Prepared<'_>) -> Option<Located> {
    let (number, position) = batch.file_at(error.position?)?;
    Some(place(prepared.files.get(number)?, position))
}

/// Finds the failing statement of an error without a position, by running the files once more, one statement a
/// message, in the open transaction, or the file that put off a check that fails. The good path never pays for this.
///
/// The caller has opened the transaction anew and rolls it back whatever comes out.
pub fn by_replay(wire: &mut Wire, prepared: &Prepared<'_>) -> Option<Located> {
    if let Some(create) = &prepared.create_schema {
        wire.run(create).ok()?;
    }
    wire.run(&prepared.script.pin).ok()?;
    for text in texts(prepared) {
        wire.run(&text.settings).ok()?;
        let sent = prepared.files.get(text.file)?;
        for statement in sql::statements(&text.sql) {
            if wire.run(&text.sql[statement.range.clone()]).is_err() {
                let position = text.sql[..statement.range.start].chars().count() + 1;
                return Some(place(sent, position));
            }
        }
        if wire.run(&prepared.script.between).is_err() {
            return Some(Located {
                file: sent.file.path.display().to_string(),
                place: None,
            });
        }
    }
    None
}

/// The place of an error that names none and isn't worth running everything again for: where only one file has run
/// it is that file, and where that has one statement, this one.
#[must_use]
pub fn by_elimination(prepared: &Prepared<'_>) -> Option<Located> {
    let mut all = texts(prepared);
    let (text, None) = (all.next()?, all.next()) else {
        return None;
    };
    let sent = prepared.files.get(text.file)?;
    let statements = sql::statements(&text.sql);
    if let [statement] = &statements[..] {
        let position = text.sql[..statement.range.start].chars().count() + 1;
        return Some(place(sent, position));
    }
    Some(Located {
        file: sent.file.path.display().to_string(),
        place: None,
    })
}

fn texts<'p>(prepared: &'p Prepared<'_>) -> impl Iterator<Item = &'p Text> {
    let migrations = prepared
        .script
        .migrations
        .iter()
        .filter_map(|recorded| recorded.run.as_ref());
    prepared.script.template.iter().chain(migrations)
}

/// The place in the file on disk, for a 1-based character position of what was sent of it.
fn place(sent: &Sent<'_>, position: usize) -> Located {
    Located {
        file: sent.file.path.display().to_string(),
        place: Some(sql::locate(
            &sent.file.text,
            sent.origin.source_position(position),
        )),
    }
}

/// An error as it goes into the report.
#[must_use]
pub fn failure(error: &PgError, attempted: &str, located: Option<Located>) -> Failure {
    let hint = error
        .hint
        .clone()
        .or_else(|| retry::hint(error).map(str::to_owned));
    let mut failure = Failure {
        message: format!("{attempted}: {error}"),
        sqlstate: error.sqlstate.clone(),
        hint,
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::path::Path;

    use super::*;

    #[test]
    fn places_are_those_of_the_file_on_disk() {
        let text = "-- é\r\nSELECT {{literal:vars.a}},\r\n  {{ident:schema}}.broken;\r\n";
        let file = sql::read("f.sql", Path::new("t/f.sql"), text.as_bytes()).expect("a good file");
        let value = "long\nand with lines\n".repeat(9);
        let values = [("vars.a", value.as_str()), ("schema", "a_rather_long_name")];
        let values: BTreeMap<String, String> = values
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let sql::Rendered { sql, origin } = sql::render(&file, &values).expect("all values");
        let before = sql.split("broken").next().expect("some text");
        let sent = Sent {
            file: &file,
            origin,
        };
        assert_eq!(
            place(&sent, before.chars().count() + 1),
            Located {
                file: "t/f.sql".to_owned(),
                place: Some(sql::Place {
                    line: 3,
                    column: 20,
                    text: "  {{ident:schema}}.broken;".to_owned(),
                }),
            }
        );
    }
}
