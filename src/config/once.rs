//! What several files may not both say.

use std::collections::HashMap;

use super::Problem;
use super::source::{Place, Source, Sources};
use super::tree::Entry;

/// Keys that one file of a desired state may have.
const ONCE: [&[&str]; 11] = [
    &["fleet"],
    &["defaults"],
    &["search_path"],
    &["history_table"],
    &["timeouts"],
    &["rollout"],
    &["secrets"],
    &["tenants_from"],
    &["backups", "path"],
    &["backups", "parallel"],
    &["backups", "repository"],
];

/// Maps that several files fill together, each name in one of them.
const BY_NAME: [(&[&str], &str); 4] = [
    (&["clusters"], "cluster"),
    (&["templates"], "template"),
    (&["backups", "policies"], "backup policy"),
    (&["tenants"], "tenant"),
];

/// Every key and name that two files declare.
pub(super) fn check(sources: &Sources, problems: &mut Vec<Problem>) {
    for path in ONCE {
        let mut declared = sources.find(path);
        if let Some((first, entry)) = declared.next() {
            let what = format!("`{}` stands in two files", path.join("."));
            let first = place(first, entry);
            problems
                .extend(declared.map(|(source, entry)| twice(&what, place(source, entry), first)));
        }
    }
    for (path, kind) in BY_NAME {
        by_name(sources, path, kind, problems);
    }
}

fn by_name(sources: &Sources, path: &[&str], kind: &str, problems: &mut Vec<Problem>) {
    let mut seen: HashMap<&str, Place<'_>> = HashMap::new();
    for (source, map) in sources.find(path) {
        for entry in map.node.entries() {
            let here = place(source, entry);
            match seen.get(entry.key.as_str()) {
                // Within one file it is a duplicate key, which was reported.
                Some(first) => {
                    let what = format!("{kind} `{}` is declared twice", entry.key);
                    problems.push(twice(&what, here, *first));
                }
                None => {
                    seen.insert(&entry.key, here);
                }
            }
        }
    }
}

fn place<'a>(source: &'a Source, entry: &Entry) -> Place<'a> {
    Place::new(&source.file, entry.key_at)
}

fn twice(what: &str, here: Place<'_>, first: Place<'_>) -> Problem {
    here.problem(format!("{what}; the other is at {first}"))
        .with_hint("Keep one of them.")
}
