//! refinery's runner over our open transaction, in one message.
//!
//! The stock runner commits a migration's SQL and its history row apart, takes several round trips and skips late
//! files for good. So the caller decides what is due, and this bridge gives the runner exactly that: it answers its
//! question for the history with "nothing yet", keeps its `CREATE TABLE` for a new history only, and joins all it
//! wants to execute into one message that ends with the caller's own SQL. The rows a history gets are refinery's.

use std::ops::Range;

use refinery_core::traits::sync::{Migrate, Query, Transaction};
use refinery_core::{Migration, Runner};

use super::error::PgError;
use super::wire::Wire;

/// What one transaction runs after its locks and checks.
#[derive(Debug, Default)]
pub struct Script {
    /// The history table, qualified and quoted.
    pub history_table: String,
    /// Whether the history table is made first.
    pub new_history: bool,
    /// Pins role and search path; repeated before every file and history row.
    pub pin: String,
    /// Stands for the pin between two files of the script.
    pub between: String,
    /// Run before the migrations, in this order.
    pub template: Vec<Text>,
    /// Ascending by version.
    pub migrations: Vec<Recorded>,
    /// Runs last.
    pub tail: String,
}

impl Script {
    /// The files that run, in this order.
    pub fn texts(&self) -> impl Iterator<Item = &Text> {
        let migrations = self.migrations.iter();
        let migrations = migrations.filter_map(|recorded| recorded.run.as_ref());
        self.template.iter().chain(migrations)
    }
}

/// PostgreSQL up to 16 stores byte offsets of the message with defaults, checks and index expressions. With equal
/// offsets for all tenants the stored trees are equal too, and compare without being deparsed.
const ALIGNMENT: usize = 4096;

/// Rendered SQL of one file.
#[derive(Clone, Debug)]
pub struct Text {
    /// The caller's number for the file, given back by [`Batch::file_at`].
    pub file: usize,
    /// Settings that hold for this file only, as `SET LOCAL`; the next pin takes them back.
    pub settings: String,
    pub sql: String,
}

/// A migration and what runs for it.
#[derive(Debug)]
pub struct Recorded {
    /// Over the unrendered text: its checksum goes into the history.
    pub migration: Migration,
    /// `None` records the migration without running it.
    pub run: Option<Text>,
}

/// A message as it was sent, and which bytes of it came from which file.
#[derive(Debug)]
pub struct Batch {
    pub text: String,
    files: Vec<(Range<usize>, usize)>,
    /// Files start at a multiple of this many bytes.
    alignment: usize,
}

impl Batch {
    fn own(&mut self, sql: &str) {
        if !sql.is_empty() {
            self.text.push_str(sql);
            self.end_statement();
        }
    }

    /// Every file starts at a multiple of the alignment, whatever the length of names and times before it.
    fn file(&mut self, text: &Text) {
        let padded = self.text.len().next_multiple_of(self.alignment);
        self.text
            .extend(std::iter::repeat_n(' ', padded - self.text.len()));
        let start = self.text.len();
        self.text.push_str(&text.sql);
        self.files.push((start..self.text.len(), text.file));
        self.end_statement();
    }

    /// A file may end in a line comment, or without a semicolon.
    fn end_statement(&mut self) {
        self.text.push_str("\n;\n");
    }

    /// The file a 1-based character position of the message lies in, and the position within that file's SQL.
    #[must_use]
    pub fn file_at(&self, position: usize) -> Option<(usize, usize)> {
        let byte = self.text.char_indices().nth(position.checked_sub(1)?)?.0;
        let (range, file) = self.files.iter().find(|(range, _)| range.contains(&byte))?;
        let within = self.text[range.start..byte].chars().count() + 1;
        Some((*file, within))
    }
}

/// The message of a script for people to read: not padded, and not sent.
pub fn compose(script: &Script) -> Result<String, PgError> {
    let mut bridge = Bridge::new(script, None);
    bridge.run()?;
    Ok(bridge.batch.text)
}

/// Runs a script in the open transaction of `wire`.
///
/// # Errors
/// The server's error, with the message it was raised by, so that its position can be found in a file.
pub fn run(wire: &mut Wire, script: &Script) -> Result<(), (PgError, Batch)> {
    let mut bridge = Bridge::new(script, Some(wire));
    match bridge.run() {
        Ok(()) => Ok(()),
        Err(error) => Err((error, bridge.batch)),
    }
}

struct Bridge<'a> {
    script: &'a Script,
    wire: Option<&'a mut Wire>,
    batch: Batch,
    create_history: String,
    failure: Option<PgError>,
}

impl<'a> Bridge<'a> {
    fn new(script: &'a Script, wire: Option<&'a mut Wire>) -> Self {
        Self {
            script,
            batch: Batch {
                text: String::new(),
                files: Vec::new(),
                alignment: if wire.is_some() { ALIGNMENT } else { 1 },
            },
            wire,
            create_history: String::new(),
            failure: None,
        }
    }

    fn run(&mut self) -> Result<(), PgError> {
        let migrations: Vec<Migration> = self
            .script
            .migrations
            .iter()
            .map(|recorded| recorded.migration.clone())
            .collect();
        let mut runner = Runner::new(&migrations).set_grouped(true);
        runner.set_migration_table_name(&self.script.history_table);
        match runner.run(self) {
            Ok(_) => Ok(()),
            Err(error) => Err(self
                .failure
                .take()
                .unwrap_or_else(|| PgError::own(format!("refinery: {error}")))),
        }
    }

    /// The pairs of (migration's SQL, history row) as refinery wrote them, with our SQL around them.
    fn fill(&mut self, queries: &[&str]) {
        let script = self.script;
        self.batch.own(&script.pin);
        self.batch.own(&self.create_history);
        let mut first = true;
        for text in &script.template {
            self.one_file(text, &mut first);
        }
        for (recorded, pair) in script.migrations.iter().zip(queries.chunks(2)) {
            if let Some(text) = &recorded.run {
                self.one_file(text, &mut first);
            }
            self.batch.own(&script.pin);
            self.batch.own(pair[1]);
        }
        self.batch.own(&script.tail);
    }

    fn one_file(&mut self, text: &Text, first: &mut bool) {
        let script = self.script;
        let is_first = std::mem::replace(first, false);
        self.batch.own(if is_first {
            &script.pin
        } else {
            &script.between
        });
        self.batch.own(&text.settings);
        self.batch.file(text);
    }
}

impl Transaction for Bridge<'_> {
    type Error = PgError;

    fn execute<'q, I: Iterator<Item = &'q str>>(&mut self, queries: I) -> Result<usize, PgError> {
        let queries: Vec<&str> = queries.collect();
        self.fill(&queries);
        if let Some(wire) = self.wire.as_mut() {
            wire.run(&self.batch.text)
                .inspect_err(|error| self.failure = Some(error.clone()))?;
        }
        Ok(queries.len())
    }
}

impl Query<Vec<Migration>> for Bridge<'_> {
    /// The runner is given exactly what is due, so to it the history is empty.
    fn query(&mut self, _query: &str) -> Result<Vec<Migration>, PgError> {
        Ok(Vec::new())
    }
}

impl Migrate for Bridge<'_> {
    fn assert_migrations_table(&mut self, table: &str) -> Result<usize, refinery_core::Error> {
        if self.script.new_history {
            self.create_history = Self::assert_migrations_table_query(table);
        }
        Ok(0)
    }
}
