//! Judges single values of the desired state and notes what is wrong, each at its place.

use std::collections::BTreeSet;

use super::Problem;
use super::rows::Rows;
use super::source::{Place, Sources};
use super::tree::Fate;
use crate::model::name::BadName;
use crate::model::near::{did_you_mean, list};

/// A kind of thing that is declared in one place and named in others.
pub(super) struct Kind<'a, N> {
    /// For people.
    pub(super) what: &'static str,
    /// Where it is declared.
    pub(super) map: &'static [&'static str],
    pub(super) declared: BTreeSet<&'a str>,
    pub(super) new: fn(String) -> Result<N, BadName>,
}

/// The files, and what was found wrong with them so far.
pub(super) struct Judge<'a> {
    pub(super) sources: &'a Sources,
    /// What `tenants_from` returned; none before it was asked, and without it.
    pub(super) rows: Option<&'a Rows>,
    pub(super) problems: &'a mut Vec<Problem>,
}

impl<'a> Judge<'a> {
    /// Notes a problem with what stands at a path.
    pub(super) fn problem(&mut self, path: &[&str], message: impl Into<String>, hint: &str) {
        let problem = self.place(path).problem(message);
        self.problems.push(problem.with_hint(hint));
    }

    /// Where something stands: in a file, or else in the row of the tenant it is about.
    pub(super) fn place(&self, path: &[&str]) -> Place<'a> {
        let sources: &'a Sources = self.sources;
        match path {
            ["tenants", id, ..] if !sources.has(path) => self
                .rows
                .and_then(|rows| rows.get(*id))
                .map_or_else(|| sources.place(path), |row| row.place(sources)),
            _ => sources.place(path),
        }
    }

    /// Whether a query will say more of the tenants than is known yet.
    pub(super) fn awaits_rows(&self) -> bool {
        self.rows.is_none() && self.sources.has(&["tenants_from"])
    }

    /// What `read` makes of the text at a path.
    pub(super) fn value<T>(
        &mut self,
        path: &[&str],
        text: &str,
        read: fn(&str) -> Result<T, String>,
        hint: &str,
    ) -> Option<T> {
        read(text)
            .map_err(|reason| self.problem(path, reason, hint))
            .ok()
    }

    /// The name that the text at a path is.
    pub(super) fn name<N>(
        &mut self,
        path: &[&str],
        text: &str,
        new: fn(String) -> Result<N, BadName>,
    ) -> Option<N> {
        new(text.to_owned())
            .map_err(|bad| self.problem(path, bad.0, "Choose another name."))
            .ok()
    }

    /// Checks the keys of a map, of its broken entries too.
    pub(super) fn keys<N>(&mut self, map: &[&str], new: fn(String) -> Result<N, BadName>) {
        for key in self.sources.names(map) {
            let mut path = map.to_vec();
            path.push(key);
            self.name(&path, key, new);
        }
    }

    /// The name in the text at a path, which must be declared.
    pub(super) fn reference<N>(
        &mut self,
        path: &[&str],
        text: &str,
        kind: &Kind<'_, N>,
    ) -> Option<N> {
        if kind.declared.contains(text) {
            return (kind.new)(text.to_owned()).ok();
        }
        let mut maps = self.sources.find(kind.map);
        let map_is_broken = maps.any(|(_, entry)| entry.node.fate == Fate::Broken);
        if self.sources.complete && !map_is_broken {
            let names: Vec<&str> = kind.declared.iter().copied().collect();
            let hint = did_you_mean(text, &names).unwrap_or_else(|| match names.as_slice() {
                [] => format!("Declare it under `{}`.", kind.map.join(".")),
                _ => format!("Use one of {}.", list(&names)),
            });
            self.problem(path, format!("unknown {} `{text}`", kind.what), &hint);
        }
        None
    }
}
