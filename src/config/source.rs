//! The files of a desired state side by side: what each says, and where.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::document::{Document, typed};
use super::json_schema::json_schema;
use super::tree::{Entry, Flaw, Mark, Node};
use super::{Problem, parse, shape};
use crate::model::env::Env;

/// A YAML file that could be read.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) file: PathBuf,
    pub(super) tree: Node,
    pub(super) document: Document,
}

/// All files, in name order.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) list: Vec<Source>,
    /// Whether every file could be read; else nobody can say that a name is declared nowhere.
    pub(super) complete: bool,
}

/// A place in one of the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place<'a> {
    pub(super) file: &'a Path,
    pub(super) mark: Mark,
    /// Of the query that stands there, 1-based.
    pub(super) row: Option<usize>,
}

impl<'a> Place<'a> {
    /// A place in a file's own text.
    pub(super) fn new(file: &'a Path, mark: Mark) -> Self {
        Self {
            file,
            mark,
            row: None,
        }
    }

    /// A problem here. What a row holds may be anyone's words, so that they stay on one line.
    pub(super) fn problem(self, message: impl Into<String>) -> Problem {
        let message = message.into();
        let Some(row) = self.row else {
            return Problem::new(self.file, self.mark, message);
        };
        Problem {
            row: Some(row),
            ..Problem::new(
                self.file,
                self.mark,
                format!("row {row}: {}", one_line(&message)),
            )
        }
    }
}

fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

impl std::fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Mark { line, column } = self.mark;
        write!(f, "{}:{line}:{column}", self.file.display())?;
        self.row.map_or(Ok(()), |row| write!(f, ", row {row}"))
    }
}

impl Sources {
    /// Reads the texts of files; what is wrong with them is added to `problems`.
    pub(super) fn read(
        texts: Vec<(PathBuf, String)>,
        env: Env<'_>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut complete = true;
        let mut trees = Vec::new();
        for (file, text) in texts {
            let (tree, flaws) = parse::parse(&text);
            report(&file, flaws, problems);
            complete &= tree.is_some();
            trees.extend(tree.map(|tree| (file, tree)));
        }
        let secrets = declared_secrets(&trees);
        let schema = json_schema();
        let mut list = Vec::new();
        for (file, mut tree) in trees {
            report(
                &file,
                shape::check(&mut tree, &schema, env, &secrets),
                problems,
            );
            complete &= tree.fate == super::tree::Fate::Kept;
            let document = typed(&tree).unwrap_or_else(|reason| {
                complete = false;
                if tree.fate == super::tree::Fate::Kept {
                    problems.push(Problem::new(&file, Mark::START, reason));
                }
                Document::default()
            });
            list.push(Source {
                file,
                tree,
                document,
            });
        }
        Self { list, complete }
    }

    /// The entries at a path, with their files, in file order.
    pub(super) fn find(&self, path: &[&str]) -> impl Iterator<Item = (&Source, &Entry)> {
        self.list
            .iter()
            .filter_map(move |source| Some((source, source.tree.find(path)?)))
    }

    /// Whether one of the files says something at this path, broken or not.
    pub(super) fn has(&self, path: &[&str]) -> bool {
        self.find(path).next().is_some()
    }

    /// Whether what stands at this path is there and nothing in it was found broken.
    pub(super) fn is_whole(&self, path: &[&str]) -> bool {
        self.find(path)
            .next()
            .is_some_and(|(_, entry)| entry.node.is_whole())
    }

    /// Where the first entry at a path stands; the start of the first file when there is none.
    pub(super) fn place(&self, path: &[&str]) -> Place<'_> {
        self.find(path).next().map_or_else(
            || self.start(),
            |(source, entry)| Place::new(&source.file, entry.place()),
        )
    }

    /// Where the items stand of the first list at a path.
    pub(super) fn item_places(&self, path: &[&str]) -> Vec<Place<'_>> {
        let list = self.find(path).next().into_iter();
        list.flat_map(|(source, entry)| {
            let file = source.file.as_path();
            let place = move |item: &Node| Place::new(file, item.at);
            entry.node.items().map(place)
        })
        .collect()
    }

    /// The start of the first file.
    pub(super) fn start(&self) -> Place<'_> {
        let first = self.list.first();
        Place::new(
            first.map_or(Path::new(""), |source| &source.file),
            Mark::START,
        )
    }

    /// The first file's word on something that only one file may say.
    pub(super) fn once<'a, T>(
        &'a self,
        get: impl Fn(&'a Document) -> Option<&'a T>,
    ) -> Option<&'a T> {
        self.list.iter().find_map(|source| get(&source.document))
    }

    /// Maps of several files as one; a name's first declaration counts.
    pub(super) fn merged<'a, T>(
        &'a self,
        get: impl Fn(&'a Document) -> Option<&'a BTreeMap<String, T>>,
    ) -> BTreeMap<&'a str, (&'a Source, &'a T)> {
        let mut merged = BTreeMap::new();
        for source in &self.list {
            for (name, value) in get(&source.document).into_iter().flatten() {
                merged.entry(name.as_str()).or_insert((source, value));
            }
        }
        merged
    }

    /// The names declared in the map at this path, broken ones too.
    pub(super) fn names(&self, path: &[&str]) -> BTreeSet<&str> {
        self.find(path)
            .flat_map(|(_, entry)| entry.node.entries())
            .map(|entry| entry.key.as_str())
            .collect()
    }
}

fn report(file: &Path, flaws: Vec<Flaw>, problems: &mut Vec<Problem>) {
    problems.extend(flaws.into_iter().map(|flaw| Problem {
        hint: flaw.hint,
        ..Problem::new(file, flaw.at, flaw.message)
    }));
}

/// The names under `secrets:`, read before anything is filled in.
fn declared_secrets(trees: &[(PathBuf, Node)]) -> BTreeSet<String> {
    trees
        .iter()
        .filter_map(|(_, tree)| tree.get("secrets"))
        .flat_map(|entry| entry.node.items().filter_map(Node::text))
        .map(str::to_owned)
        .collect()
}
