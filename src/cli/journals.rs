//! The journals of all databases of a fleet, read as one.

use std::collections::BTreeMap;

use uuid::Uuid;

use crate::control::runs::{self as journal, Record, Source};
use crate::error::{Error, Exit};
use crate::model::name::{ClusterName, FleetName};
use crate::model::observed::Unreachable;
use crate::observe::{self, Targets};
use crate::render;
use crate::runs::{self, Run, RunPrefix, Unread};
use crate::status::Journal;

/// How many runs an error names.
const NAMED: usize = 5;

/// Where a fleet's journals are.
#[derive(Clone, Copy, Debug)]
pub struct Journals<'a> {
    pub fleet: &'a FleetName,
    pub targets: &'a Targets,
}

impl Journals<'_> {
    fn source<'s>(&'s self, cluster: &'s ClusterName) -> Source<'s> {
        Source {
            cluster,
            fleet: self.fleet,
        }
    }

    /// The newest runs, or those whose ids begin with `prefix`, and what couldn't be read.
    pub fn runs(&self, prefix: Option<&RunPrefix>, limit: usize) -> (Vec<Run>, Vec<Unread>) {
        let read = observe::side_by_side(self.targets, |cluster, wire| {
            journal::runs(wire, self.source(cluster), prefix, limit)
        });
        let (read, unread) = apart(read);
        let mut runs = runs::merge(read.into_values().flatten());
        runs.truncate(limit);
        (runs, unread)
    }

    /// Every tenant's last outcome and the newest runs, by database, and what couldn't be read.
    pub fn whole(&self, limit: usize) -> (BTreeMap<ClusterName, Journal>, Vec<Unread>) {
        apart(observe::side_by_side(self.targets, |cluster, wire| {
            journal::journal(wire, self.source(cluster), limit)
        }))
    }

    /// The one run whose id begins with `prefix`, and what couldn't be read.
    ///
    /// # Errors
    /// Ends with `exit` when there is none, or more than one; runs that come near are named.
    pub fn find(&self, prefix: &RunPrefix, exit: Exit) -> Result<(Run, Vec<Unread>), Error> {
        let (mut found, unread) = self.runs(Some(prefix), NAMED);
        match found.pop() {
            Some(run) if found.is_empty() => Ok((run, unread)),
            None => Err(self.unknown(prefix, exit, &unread)),
            Some(run) => {
                found.push(run);
                let list = render::runs::list(&found);
                let message = format!("several runs begin with {prefix}:{list}");
                Err(Error::new(exit, message).hint("Write more digits of the one you mean."))
            }
        }
    }

    fn unknown(&self, prefix: &RunPrefix, exit: Exit, unread: &[Unread]) -> Error {
        let (newest, _) = self.runs(None, NAMED);
        let newest = match &newest[..] {
            [] => String::new(),
            newest => format!("; the newest are:{}", render::runs::list(newest)),
        };
        let hint = unread.iter().find_map(|one| one.hint.clone());
        let unread = unread.iter().map(|one| {
            let (cluster, message) = (&one.cluster, &one.message);
            format!("\ncluster {cluster} couldn't be read: {message}")
        });
        let unread: String = unread.collect();
        let fleet = self.fleet;
        let message = format!("no run of fleet {fleet} begins with {prefix}{newest}{unread}");
        let usual = || "Look runs up with `tenantry runs show`.".to_owned();
        Error::new(exit, message).hint(hint.unwrap_or_else(usual))
    }

    /// What every database that answers has recorded of a run.
    pub fn record(&self, run: Uuid) -> (Record, Vec<Unread>) {
        let read = observe::side_by_side(self.targets, |cluster, wire| {
            journal::record(wire, self.source(cluster), run)
        });
        let (read, unread) = apart(read);
        let mut record = Record::default();
        for mut one in read.into_values() {
            record.planned.append(&mut one.planned);
            record.steps.append(&mut one.steps);
        }
        record
            .steps
            .sort_by(|a, b| (&a.tenant, &a.at, &a.action).cmp(&(&b.tenant, &b.at, &b.action)));
        (record, unread)
    }
}

/// What was read, and what couldn't be.
fn apart<T>(
    read: BTreeMap<ClusterName, Result<T, Unreachable>>,
) -> (BTreeMap<ClusterName, T>, Vec<Unread>) {
    let mut good = BTreeMap::new();
    let mut unread = Vec::new();
    for (cluster, result) in read {
        match result {
            Ok(value) => {
                good.insert(cluster, value);
            }
            Err(Unreachable { message, hint }) => unread.push(Unread {
                cluster,
                message,
                hint,
            }),
        }
    }
    (good, unread)
}
