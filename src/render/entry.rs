//! Things to say about tenants, said once for all whom they fit.

use std::collections::BTreeMap;

use super::page::{Page, excerpt};
use super::style::{Label, harmless, paint};
use crate::model::words::without;
use crate::model::{count, name::TenantId};
use crate::report::Failure;

/// How many groups are shown one by one, unless the page is verbose.
const SHOWN: usize = 10;

/// A word about a tenant.
#[derive(Debug)]
pub(super) struct Entry<'a> {
    pub(super) tenant: &'a TenantId,
    /// Stands before the names, such as a code.
    pub(super) title: &'a str,
    pub(super) message: &'a str,
    pub(super) hint: Option<&'a str>,
    /// Where it went wrong, if that is known.
    pub(super) failure: Option<&'a Failure>,
}

impl Entry<'_> {
    /// Equal for tenants about whom the same is said.
    fn key(&self) -> (&str, String) {
        let tenant = self.tenant.as_str();
        let words = [
            without(self.message, tenant),
            without(self.hint.unwrap_or_default(), tenant),
            // A line of a file is the same for all.
            self.excerpt().unwrap_or_default().to_owned(),
        ];
        (self.title, words.join("\n"))
    }

    fn excerpt(&self) -> Option<&str> {
        self.failure.and_then(|failure| failure.excerpt.as_deref())
    }
}

/// Tenants about whom the same is said.
pub(super) struct Group<'e, 'a> {
    pub(super) first: &'e Entry<'a>,
    pub(super) tenants: Vec<&'a str>,
}

impl Group<'_, '_> {
    /// Whether the words are the same to the letter, the tenant's name included.
    pub(super) fn is_same_for_all(&self) -> bool {
        let first = self.first;
        self.tenants.len() == 1 || without(first.message, first.tenant.as_str()) == first.message
    }
}

/// Writes the entries, those of equal words together, in order of their titles.
pub(super) fn write(page: &mut Page, label: Label, entries: &[Entry<'_>]) {
    let groups = fold(entries);
    let shown = if page.is_verbose() {
        groups.len()
    } else {
        SHOWN.min(groups.len())
    };
    let (shown, rest) = groups.split_at(shown);
    for group in shown {
        write_group(page, label, group);
    }
    let rest: Vec<&str> = rest
        .iter()
        .flat_map(|group| group.tenants.iter().copied())
        .collect();
    if !rest.is_empty() {
        page.item(
            2,
            &format!("and {}, shown by -v:", count(rest.len(), "tenant")),
        );
        page.names(4, &rest);
    }
}

/// Puts the entries of equal words together, in order of their titles.
pub(super) fn fold<'e, 'a>(entries: &'e [Entry<'a>]) -> Vec<Group<'e, 'a>> {
    let mut places = BTreeMap::new();
    let mut groups: Vec<Group<'e, 'a>> = Vec::new();
    for entry in entries {
        let place = *places.entry(entry.key()).or_insert(groups.len());
        if place == groups.len() {
            groups.push(Group {
                first: entry,
                tenants: Vec::new(),
            });
        }
        groups[place].tenants.push(entry.tenant.as_str());
    }
    groups.sort_by_key(|group| group.first.title);
    groups
}

fn write_group(page: &mut Page, label: Label, group: &Group<'_, '_>) {
    let first = group.first;
    let title = |names: &str| match first.title {
        "" => paint(label, names),
        title => format!("{}: {names}", paint(label, title)),
    };
    let message = harmless(first.message);
    if let [one] = group.tenants[..] {
        page.item(2, &title(one));
        page.item(4, &message);
    } else {
        page.item(2, &title(&count(group.tenants.len(), "tenant")));
        page.names(4, &group.tenants);
        let example = if group.is_same_for_all() {
            ""
        } else {
            "for example: "
        };
        page.item(4, &format!("{example}{message}"));
    }
    if let Some(failure) = first.failure {
        write_place(page, failure);
    }
    if let Some(hint) = first.hint {
        page.hint(4, &harmless(hint));
    }
}

/// The place in the file, its line, and a caret under the column.
pub(super) fn write_place(page: &mut Page, failure: &Failure) {
    let (Some(file), Some(line), Some(column)) = (&failure.file, failure.line, failure.column)
    else {
        return;
    };
    page.line(&format!("    --> {}:{line}:{column}", harmless(file)));
    let Some(text) = &failure.excerpt else {
        return;
    };
    let number = line.to_string();
    // Tabs would put the caret elsewhere; everything else that moves a cursor is cut out with it.
    let text = text.replace(|c: char| c.is_control(), " ");
    let (shown, caret) = excerpt(&harmless(&text), column, 70 - number.len());
    let bar = paint(Label::Quiet, "|");
    page.line(&format!(
        "    {} {bar} {shown}",
        paint(Label::Quiet, &number)
    ));
    let (pad, caret) = caret.split_at(caret.len() - 1);
    let caret = paint(Label::Danger, caret);
    page.line(&format!(
        "    {} {bar} {pad}{caret}",
        " ".repeat(number.len())
    ));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fold_of(said: &[(&str, &str)]) -> Vec<usize> {
        let ids: Vec<TenantId> = said
            .iter()
            .map(|(id, _)| TenantId::new(*id).unwrap())
            .collect();
        let entries: Vec<Entry<'_>> = ids
            .iter()
            .zip(said)
            .map(|(tenant, (_, message))| Entry {
                tenant,
                title: "",
                message,
                hint: None,
                failure: None,
            })
            .collect();
        let groups = fold(&entries);
        groups.iter().map(|group| group.tenants.len()).collect()
    }

    #[test]
    fn short_ids_fold_like_long_ones() {
        let same = "a relation doesn't exist";
        assert_eq!(fold_of(&[("b", same), ("e", same), ("acme", same)]), [3]);
        let own = [
            ("a", "schema acq_a is there"),
            ("bo", "schema acq_bo is there"),
        ];
        assert_eq!(fold_of(&own), [2]);
        assert_eq!(fold_of(&[("b", "one"), ("c", "other")]), [1, 1]);
    }
}
