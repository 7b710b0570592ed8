//! The files that a script sends, rendered, and the way back from what was sent to each.

use std::collections::BTreeMap;

use crate::model::template::{Directives, SourceFile};
use crate::sql;

use super::locate::Located;
use super::runner::Text;

/// Files by the numbers that a script's texts carry.
#[derive(Debug, Default)]
pub struct Files<'a>(Vec<Sent<'a>>);

/// A file of the transaction, and the way back to it from its rendered text.
#[derive(Debug)]
struct Sent<'a> {
    file: &'a SourceFile,
    origin: sql::Origin,
}

impl<'a> Files<'a> {
    /// Renders one more.
    ///
    /// # Errors
    /// A placeholder without a value, or with one that PostgreSQL can't take.
    pub fn render(
        &mut self,
        file: &'a SourceFile,
        values: &BTreeMap<String, String>,
    ) -> Result<Text, String> {
        let sql::Rendered { sql, origin } = sql::render(file, values)?;
        self.0.push(Sent { file, origin });
        Ok(Text {
            file: self.0.len() - 1,
            settings: settings(&file.directives),
            sql,
        })
    }

    /// A new schema has no constraint but those that its files make, so where none says so nothing is put off.
    #[must_use]
    pub fn defer(&self) -> bool {
        let defers = |sent: &Sent<'_>| sent.file.text.to_ascii_lowercase().contains("deferred");
        self.0.iter().any(defers)
    }

    pub(super) fn directives(&self, number: usize) -> Option<&'a Directives> {
        Some(&self.0.get(number)?.file.directives)
    }

    /// The place in the file on disk, for a 1-based character position of what was sent of it.
    pub(super) fn place(&self, number: usize, position: usize) -> Option<Located> {
        let sent = self.0.get(number)?;
        Some(Located {
            place: Some(sql::locate(
                &sent.file.text,
                sent.origin.source_position(position),
            )),
            ..self.whole(number)?
        })
    }

    /// The file and no place in it.
    pub(super) fn whole(&self, number: usize) -> Option<Located> {
        Some(Located {
            file: self.0.get(number)?.file.path.display().to_string(),
            place: None,
        })
    }
}

fn settings(directives: &Directives) -> String {
    let one = |name: &str, time: Option<std::time::Duration>| {
        time.map(|time| format!("SET LOCAL {name} = {};", time.as_millis()))
            .unwrap_or_default()
    };
    one("statement_timeout", directives.statement_timeout)
        + &one("lock_timeout", directives.lock_timeout)
}

#[cfg(test)]
mod tests {
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
        let mut files = Files::default();
        let text = files.render(&file, &values).expect("all values");
        let before = text.sql.split("broken").next().expect("some text");
        assert_eq!(
            files.place(text.file, before.chars().count() + 1),
            Some(Located {
                file: "t/f.sql".to_owned(),
                place: Some(sql::Place {
                    line: 3,
                    column: 20,
                    text: "  {{ident:schema}}.broken;".to_owned(),
                }),
            })
        );
    }
}
