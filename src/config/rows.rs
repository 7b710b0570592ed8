//! The rows that the query of `tenants_from` returned, judged like what people write.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::Problem;
use super::document::{StateWord, TenantEntry, Variable};
use super::source::{Place, Sources};
use crate::model::count;
use crate::model::name::TenantId;
use crate::model::near::{did_you_mean, list};

/// The tenants of the rows, by id.
pub(super) type Rows = BTreeMap<String, Row>;

/// A tenant as a row describes it.
#[derive(Debug)]
pub(super) struct Row {
    /// 1-based, in the query's order.
    number: usize,
    entry: TenantEntry,
}

impl Row {
    /// The row itself.
    pub(super) fn place<'a>(&self, sources: &'a Sources) -> Place<'a> {
        place(sources, self.number)
    }
}

fn place(sources: &Sources, row: usize) -> Place<'_> {
    Place {
        row: Some(row),
        ..sources.place(&["tenants_from", "query"])
    }
}

/// What each column holds, for people.
const COLUMNS: [(&str, &str); 6] = [
    ("id", "text"),
    ("template", "text"),
    ("schema", "text"),
    ("state", "text"),
    ("tags", "an array of text"),
    ("vars", "a JSON object of texts"),
];

/// Reads rows, each a JSON object by column; those of whom nothing can be said are left out.
pub(super) fn read(
    texts: &[String],
    min: usize,
    sources: &Sources,
    problems: &mut Vec<Problem>,
) -> Rows {
    let mut reader = Reader {
        sources,
        problems,
        misfits: BTreeMap::new(),
        rows: Rows::new(),
    };
    if texts.len() < min {
        reader.too_few(texts.len(), min);
    }
    for (text, number) in texts.iter().zip(1..) {
        // The server made it, so that it is an object.
        let cells: Map<String, Value> = serde_json::from_str(text).unwrap_or_default();
        if number == 1 {
            reader.columns(&cells);
            reader.repeated(text);
        }
        reader.row(number, &cells);
    }
    reader.tell_misfits();
    reader.rows
}

/// The names of a row's columns, each as often as it is there.
#[derive(Default)]
struct Names(Vec<String>);

impl<'de> Deserialize<'de> for Names {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(NamesVisitor)
    }
}

struct NamesVisitor;

impl<'de> Visitor<'de> for NamesVisitor {
    type Value = Names;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row as an object")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Names, M::Error> {
        let mut names = Vec::new();
        while let Some((name, IgnoredAny)) = map.next_entry()? {
            names.push(name);
        }
        Ok(Names(names))
    }
}

struct Reader<'a> {
    sources: &'a Sources,
    problems: &'a mut Vec<Problem>,
    /// By column: the first row whose value is of another kind, what it is, and in how many rows it is so.
    misfits: BTreeMap<&'static str, (usize, &'static str, usize)>,
    rows: Rows,
}

impl Reader<'_> {
    fn too_few(&mut self, found: usize, min: usize) {
        let message = format!("the query returned {}; `min` is {min}", count(found, "row"));
        let hint = "Check the query and the database it asks; lower `min` if so few are right.";
        let place = self.sources.place(&["tenants_from", "query"]);
        self.problems.push(place.problem(message).with_hint(hint));
    }

    fn problem(&mut self, row: usize, message: String, hint: String) {
        let problem = place(self.sources, row).problem(message);
        self.problems.push(problem.with_hint(hint));
    }

    /// All rows have the same columns.
    fn columns(&mut self, cells: &Map<String, Value>) {
        let known = COLUMNS.map(|(name, _)| name);
        let place = self.sources.place(&["tenants_from", "query"]);
        let mut tell = |message: String, hint: String| {
            self.problems.push(place.problem(message).with_hint(hint));
        };
        for column in cells.keys().filter(|name| !known.contains(&name.as_str())) {
            let hint = did_you_mean(column, &known)
                .unwrap_or_else(|| format!("Name columns of these: {}.", list(&known)));
            tell(
                format!("the query returns an unknown column {column:?}"),
                hint,
            );
        }
        if !cells.contains_key("id") {
            let hint = "Name the column that holds the tenants' ids `id`.";
            tell(
                "the query returns no column `id`".to_owned(),
                hint.to_owned(),
            );
        }
    }

    /// Of two columns with one name nobody can say which is meant.
    fn repeated(&mut self, text: &str) {
        let Names(mut names) = serde_json::from_str(text).unwrap_or_default();
        names.sort_unstable();
        let place = self.sources.place(&["tenants_from", "query"]);
        for same in names.chunk_by(PartialEq::eq).filter(|same| same.len() > 1) {
            let message = format!(
                "the query returns {} columns named {:?}",
                same.len(),
                same[0]
            );
            let problem = place.problem(message);
            let hint = "Name the columns one by one, and each name once.";
            self.problems.push(problem.with_hint(hint));
        }
    }

    fn row(&mut self, number: usize, cells: &Map<String, Value>) {
        let entry = TenantEntry::of_row(
            self.text(number, cells, 1),
            self.text(number, cells, 2),
            self.cell(number, cells, 4, tags),
            self.cell(number, cells, 5, vars),
            self.state(number, cells),
        );
        if let Some(id) = self.id(number, cells) {
            self.rows.insert(id, Row { number, entry });
        }
    }

    fn id(&mut self, number: usize, cells: &Map<String, Value>) -> Option<String> {
        if cells.get("id") == Some(&Value::Null) {
            let hint = "Leave out rows that are no tenants.".to_owned();
            self.problem(number, "`id` is NULL".to_owned(), hint);
            return None;
        }
        let id = self.text(number, cells, 0)?;
        if let Err(bad) = TenantId::new(&id) {
            let hint = "Return an id that matches, or leave the row out.".to_owned();
            self.problem(number, bad.0, hint);
            return None;
        }
        if let Some(first) = self.rows.get(&id) {
            let message = format!("tenant `{id}` is in row {} already", first.number);
            self.problem(number, message, "Return each tenant once.".to_owned());
            return None;
        }
        Some(id)
    }

    fn state(&mut self, number: usize, cells: &Map<String, Value>) -> Option<StateWord> {
        let text = self.text(number, cells, 3)?;
        let found = StateWord::WORDS.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let words = StateWord::WORDS.map(|(word, _)| word);
            let message = format!("unknown state {text:?}; it is one of {}", list(&words));
            let hint = did_you_mean(&text, &words)
                .unwrap_or_else(|| "Return NULL for `present`.".to_owned());
            self.problem(number, message, hint);
        }
        found.map(|(_, state)| *state)
    }

    fn text(&mut self, number: usize, cells: &Map<String, Value>, column: usize) -> Option<String> {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        self.cell(number, cells, column, text)
    }

    /// The value of a column, if there is one; one of another kind is noted.
    fn cell<T>(
        &mut self,
        number: usize,
        cells: &Map<String, Value>,
        column: usize,
        read: fn(&Value) -> Option<T>,
    ) -> Option<T> {
        let (name, _) = COLUMNS[column];
        let value = cells.get(name).filter(|value| !value.is_null())?;
        let read = read(value);
        if read.is_none() {
            let misfit = self.misfits.entry(name);
            misfit.or_insert((number, kind(value), 0)).2 += 1;
        }
        read
    }

    /// A column of the wrong type is one problem, whatever the number of rows.
    fn tell_misfits(&mut self) {
        for (column, (first, kind, rows)) in std::mem::take(&mut self.misfits) {
            let expected = COLUMNS.iter().find(|(name, _)| *name == column);
            let expected = expected.map_or("text", |(_, expected)| *expected);
            let others = match rows - 1 {
                0 => String::new(),
                more => format!(", as in {}", count(more, "other row")),
            };
            let message = format!("`{column}` is {kind}, not {expected}{others}");
            let hint = format!("Make it {expected} in the query.");
            self.problem(first, message, hint);
        }
    }
}

fn tags(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    value.as_array()?.iter().map(text).collect()
}

fn vars(value: &Value) -> Option<BTreeMap<String, Variable>> {
    let variable = |(name, value): (&String, &Value)| {
        Some((name.clone(), Variable(value.as_str()?.to_owned())))
    };
    value.as_object()?.iter().map(variable).collect()
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "NULL",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(items) if items.iter().all(Value::is_string) => "an array of text",
        Value::Array(_) => "an array that holds something else",
        Value::Object(_) => "an object that holds something else",
    }
}

/// Every tenant that files or rows declare. Of a tenant in both, the file's keys go before the row's; `vars` are
/// taken together by name.
pub(super) fn declared<'a>(
    sources: &'a Sources,
    rows: Option<&'a Rows>,
) -> BTreeMap<&'a str, Cow<'a, TenantEntry>> {
    let written = sources.merged(|document| document.tenants.as_ref());
    let mut declared: BTreeMap<&str, Cow<'_, TenantEntry>> = written
        .into_iter()
        .map(|(id, (_, entry))| (id, Cow::Borrowed(entry)))
        .collect();
    for (id, row) in rows.into_iter().flatten() {
        let row = &row.entry;
        let entry = match declared.get(id.as_str()) {
            None => Cow::Borrowed(row),
            Some(written) => Cow::Owned(both(sources, id, written, row)),
        };
        declared.insert(id, entry);
    }
    declared
}

fn both(sources: &Sources, id: &str, written: &TenantEntry, row: &TenantEntry) -> TenantEntry {
    let mut entry = written.clone();
    entry.template = entry.template.or_else(|| row.template.clone());
    entry.schema = entry.schema.or_else(|| row.schema.clone());
    entry.state = entry.state.or(row.state);
    entry.tags = entry.tags.or_else(|| row.tags.clone());
    for (name, value) in row.vars.iter().flatten() {
        // A secret of the file isn't in its entry, and goes before the row's value all the same.
        if !sources.has(&["tenants", id, "vars", name]) {
            let vars = entry.vars.get_or_insert_default();
            vars.insert(name.clone(), value.clone());
        }
    }
    entry
}
