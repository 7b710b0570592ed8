//! Placeholders of SQL files against the values their tenants have.

use std::collections::{BTreeMap, BTreeSet};

use super::Problem;
use super::judge::Judge;
use super::near::list;
use super::tree::{Fate, Mark};
use crate::model::count;
use crate::model::desired::{Tenant, TenantState};
use crate::model::name::{TemplateName, TenantId};
use crate::model::template::{Placeholder, SourceFile, Template};

/// Every placeholder that a tenant which would run its file has no value for, once per file.
pub(super) fn check(
    templates: &BTreeMap<TemplateName, Template>,
    tenants: &BTreeMap<TenantId, Tenant>,
    judge: &mut Judge<'_>,
) {
    for (name, template) in templates {
        let users: Vec<(&TenantId, &Tenant)> = tenants
            .iter()
            .filter(|(_, tenant)| tenant.template == *name && tenant.state != TenantState::Absent)
            .collect();
        for file in &template.files {
            check_file(file, &users, judge);
        }
        for migration in template.migrations.0.values() {
            let users: Vec<_> = users
                .iter()
                .filter(|(_, tenant)| migration.is_for(&tenant.tags))
                .copied()
                .collect();
            for file in [Some(&migration.up), migration.down.as_ref()]
                .into_iter()
                .flatten()
            {
                check_file(file, &users, judge);
            }
        }
    }
}

fn check_file(file: &SourceFile, users: &[(&TenantId, &Tenant)], judge: &mut Judge<'_>) {
    let mut seen = BTreeSet::new();
    for placeholder in &file.placeholders {
        if seen.insert(placeholder.value.as_str()) {
            let problem = match placeholder.value.strip_prefix("vars.") {
                Some(variable) => undefined(file, placeholder, variable, users, judge),
                None => unknown(file, placeholder),
            };
            judge.problems.extend(problem);
        }
    }
}

fn unknown(file: &SourceFile, placeholder: &Placeholder) -> Option<Problem> {
    let value = &placeholder.value;
    let known = value == "tenant" || value == "schema";
    let message = format!("unknown value `{value}` in a placeholder");
    (!known).then(|| {
        at(file, placeholder, message).with_hint("Use `tenant`, `schema` or `vars.<name>`.")
    })
}

fn undefined(
    file: &SourceFile,
    placeholder: &Placeholder,
    variable: &str,
    users: &[(&TenantId, &Tenant)],
    judge: &Judge<'_>,
) -> Option<Problem> {
    let without: Vec<&str> = users
        .iter()
        .filter(|(_, tenant)| !tenant.vars.contains_key(variable))
        .map(|(id, _)| id.as_str())
        .collect();
    let first = without.first()?;
    let of = format!("{} ({})", count(without.len(), "tenant"), list(&without));
    let written = judge
        .sources
        .find(&["tenants", first, "vars", variable])
        .next();
    let secret = written.is_some_and(|(_, entry)| entry.node.fate == Fate::Secret);
    Some(if secret {
        at(
            file,
            placeholder,
            format!("`vars.{variable}` is secret for {of}"),
        )
        .with_hint("Keep secrets out of SQL files; their text stays in the catalog.")
    } else {
        at(
            file,
            placeholder,
            format!("`vars.{variable}` isn't defined for {of}"),
        )
        .with_hint(format!("Add `{variable}` to their `vars`."))
    })
}

fn at(file: &SourceFile, placeholder: &Placeholder, message: String) -> Problem {
    let line = u32::try_from(placeholder.line).unwrap_or(u32::MAX);
    Problem::new(&file.path, Mark { line, column: 1 }, message)
}
