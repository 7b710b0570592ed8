//! Placeholders of SQL files against the values their tenants have.

use std::collections::{BTreeMap, BTreeSet};

use super::Problem;
use super::judge::Judge;
use super::tree::{Fate, Mark};
use crate::model::count;
use crate::model::desired::{Tenant, TenantState};
use crate::model::name::{TemplateName, TenantId};
use crate::model::near::list;
use crate::model::template::{Placeholder, SourceFile, Template};

/// Every placeholder that a tenant which would run its file has no value for, once per file.
pub(super) fn check(
    templates: &BTreeMap<TemplateName, Template>,
    tenants: &BTreeMap<TenantId, Tenant>,
    judge: &mut Judge<'_>,
) {
    // A row may give a value yet.
    let knows_all = !judge.awaits_rows();
    for (name, template) in templates {
        let users: Vec<(&TenantId, &Tenant)> = tenants
            .iter()
            .filter(|(_, tenant)| tenant.template == *name && tenant.state != TenantState::Absent)
            .filter(|_| knows_all)
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
                None => unknown(file, placeholder).into_iter().collect(),
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

/// Tenants that have no value for it, and those whose value is a secret, which a file may not show.
fn undefined(
    file: &SourceFile,
    placeholder: &Placeholder,
    variable: &str,
    users: &[(&TenantId, &Tenant)],
    judge: &Judge<'_>,
) -> Vec<Problem> {
    let (secret, undefined): (Vec<&str>, Vec<&str>) = users
        .iter()
        .filter(|(_, tenant)| !tenant.vars.contains_key(variable))
        .map(|(id, _)| id.as_str())
        .partition(|id| is_secret(id, variable, judge));
    let problem = |is: &str, tenants: &[&str], hint: String| {
        let of = format!("{} ({})", count(tenants.len(), "tenant"), list(tenants));
        let message = format!("`vars.{variable}` {is} for {of}");
        (!tenants.is_empty()).then(|| at(file, placeholder, message).with_hint(hint))
    };
    let keep = "Keep secrets out of SQL files; their text stays in the catalog.";
    let add = format!("Add `{variable}` to their `vars`.");
    [
        problem("is secret", &secret, keep.to_owned()),
        problem("isn't defined", &undefined, add),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn is_secret(tenant: &str, variable: &str, judge: &Judge<'_>) -> bool {
    let written = judge
        .sources
        .find(&["tenants", tenant, "vars", variable])
        .next();
    written.is_some_and(|(_, entry)| entry.node.fate == Fate::Secret)
}

fn at(file: &SourceFile, placeholder: &Placeholder, message: String) -> Problem {
    let line = u32::try_from(placeholder.line).unwrap_or(u32::MAX);
    Problem::new(&file.path, Mark { line, column: 1 }, message)
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::config::source::Sources;
    use crate::model::desired::Timeouts;
    use crate::model::migration::{MigrationFile, MigrationSet};
    use crate::model::name::{ClusterName, SchemaName};
    use crate::model::template::{ContentHash, Directives, PlaceholderKind, TemplateAddress};

    fn file(name: &str, only: &[&str], values: &[&str]) -> SourceFile {
        let lines = values.iter().zip(1..).map(|(value, line)| Placeholder {
            kind: PlaceholderKind::Literal,
            value: (*value).to_owned(),
            line,
        });
        SourceFile {
            name: name.to_owned(),
            path: PathBuf::from(name),
            text: String::new(),
            hash: ContentHash::of(""),
            directives: Directives {
                only_tags: only.iter().map(|tag| (*tag).to_owned()).collect(),
                ..Directives::default()
            },
            placeholders: lines.collect(),
            deletes: Vec::new(),
        }
    }

    fn template() -> Template {
        let files = vec![file(
            "010.sql",
            &[],
            &["tenant", "schema", "vars.currency", "time"],
        )];
        let migration = MigrationFile {
            version: 1,
            name: "one".to_owned(),
            checksum: 0,
            up: file("V1__one.sql", &["big"], &["vars.quota"]),
            down: Some(file("V1__one.down.sql", &["big"], &["vars.key"])),
        };
        Template {
            address: TemplateAddress::of(&files),
            files,
            migrations: MigrationSet([(1, migration)].into()),
            baseline: 0,
        }
    }

    fn tenant(id: &str, state: TenantState, tag: &str, vars: &[&str]) -> (TenantId, Tenant) {
        let tenant = Tenant {
            cluster: ClusterName::new("default").unwrap(),
            schema: SchemaName::new(id).unwrap(),
            template: TemplateName::new("shop").unwrap(),
            owner: None,
            state,
            tags: [tag.to_owned()].into(),
            vars: vars
                .iter()
                .map(|name| ((*name).to_owned(), String::new()))
                .collect(),
            backup: None,
            timeouts: Timeouts::default(),
        };
        (TenantId::new(id).unwrap(), tenant)
    }

    #[test]
    fn values_must_be_there_for_those_who_run_the_file() {
        let text = "version: 1\nsecrets: [KEY]\ntenants: { b: { vars: { key: '${KEY}' } } }\n";
        let mut problems = Vec::new();
        let files = vec![(PathBuf::from("f.yaml"), text.to_owned())];
        let sources = Sources::read(files, &|_| Some(String::new()), &mut problems);
        let templates = [(TemplateName::new("shop").unwrap(), template())].into();
        let tenants = [
            tenant("a", TenantState::Present, "small", &["currency"]),
            tenant("b", TenantState::Present, "big", &["currency", "quota"]),
            tenant("c", TenantState::Present, "big", &["key"]),
            tenant("d", TenantState::Absent, "big", &[]),
            tenant("e", TenantState::Suspended, "small", &[]),
        ]
        .into();
        let judge = &mut Judge {
            sources: &sources,
            rows: None,
            problems: &mut problems,
        };
        check(&templates, &tenants, judge);
        let told: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            told,
            [
                "010.sql:3:1: `vars.currency` isn't defined for 2 tenants (`c`, `e`)",
                "010.sql:4:1: unknown value `time` in a placeholder",
                "V1__one.sql:1:1: `vars.quota` isn't defined for 1 tenant (`c`)",
                "V1__one.down.sql:1:1: `vars.key` is secret for 1 tenant (`b`)",
            ]
        );
    }
}
