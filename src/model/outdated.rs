//! Tenants whose template has changed since they were made from it, and what today's would make of them.

use std::collections::{BTreeMap, BTreeSet};

use super::desired::{Desired, Tenant, TenantState};
use super::migration::History;
use super::name::TenantId;
use super::observed::ControlTenant;
use super::reference::{Recipe, SCHEMA};
use super::template::{ContentHash, Template};

/// Tenants that came the same way from the same template, and the same way from today's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outdated {
    pub tenants: BTreeSet<TenantId>,
    /// What the first of them is made from.
    pub then: Recipe,
    /// What it would be made from today: the template as it is, and those of its migrations that the baseline
    /// doesn't cover.
    pub now: Recipe,
    /// Whether the others' values are the first one's.
    pub has_one_set_of_values: bool,
}

/// The recorded tenants whose templates have changed, by what they were made from; those of whom that isn't known
/// are left out.
#[must_use]
pub fn outdated<'a>(
    desired: &Desired,
    rows: impl IntoIterator<Item = (&'a TenantId, &'a ControlTenant, Option<&'a History>)>,
) -> Vec<Outdated> {
    let mut ways: BTreeMap<[Recipe; 2], Outdated> = BTreeMap::new();
    for (id, row, history) in rows {
        let Some([then, now]) = recipes(desired, id, row, history) else {
            continue;
        };
        let way = [&then, &now].map(without_values);
        let outdated = ways.entry(way).or_insert_with(|| Outdated {
            tenants: BTreeSet::new(),
            then: then.clone(),
            now: now.clone(),
            has_one_set_of_values: true,
        });
        outdated.has_one_set_of_values &= outdated.then == then && outdated.now == now;
        outdated.tenants.insert(id.clone());
    }
    ways.into_values().collect()
}

fn recipes(
    desired: &Desired,
    id: &TenantId,
    row: &ControlTenant,
    history: Option<&History>,
) -> Option<[Recipe; 2]> {
    let tenant = desired.tenants.get(id)?;
    let template = desired.templates.get(&row.template)?;
    let is_outdated = tenant.state != TenantState::Absent
        && row.template == tenant.template
        && row.template_address != template.address.hash;
    let then = is_outdated.then(|| Recipe::of(row, history, &desired.search_path))??;
    let now = today(&then, template, &values(id, tenant));
    Some([then, now])
}

fn without_values(recipe: &Recipe) -> Recipe {
    Recipe {
        values: BTreeMap::new(),
        ..recipe.clone()
    }
}

/// The values that the files know, but for the schema's name.
fn values(id: &TenantId, tenant: &Tenant) -> BTreeMap<String, String> {
    let vars = tenant.vars.iter();
    let vars = vars.map(|(name, value)| (format!("vars.{name}"), value.clone()));
    vars.chain([("tenant".to_owned(), id.to_string())])
        .collect()
}

/// Values that the template used are kept, so that an edited one isn't taken for a change of the template.
fn today(then: &Recipe, template: &Template, values: &BTreeMap<String, String>) -> Recipe {
    let address = &template.address.hash;
    let mut now = Recipe {
        template_address: address.clone(),
        ..then.clone()
    };
    let kept = now.values.remove(&then.template_address);
    let kept = kept.unwrap_or_default();
    let placeholders = template.files.iter().flat_map(|file| &file.placeholders);
    let used: BTreeMap<String, String> = placeholders
        .map(|placeholder| &placeholder.value)
        .filter(|name| *name != SCHEMA)
        .filter_map(|name| Some((name.clone(), kept.get(name).or(values.get(name))?.clone())))
        .collect();
    now.applied.retain(|content| !is_covered(template, content));
    let (applied, values) = (&now.applied, &mut now.values);
    values.retain(|content, _| applied.contains(content));
    if !used.is_empty() {
        values.insert(address.clone(), used);
    }
    now
}

/// Whether the baseline stands for a migration of this text, and no later one has it too.
fn is_covered(template: &Template, content: &ContentHash) -> bool {
    let files = template.migrations.0.values();
    let mut same = files.filter(|file| file.up.hash == *content).peekable();
    same.peek().is_some()
        && same.all(|file| file.version <= template.baseline && !file.is_tag_limited())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::model::migration::{MigrationFile, MigrationSet};
    use crate::model::name::RoleName;
    use crate::model::template::{SourceFile, TemplateAddress};
    use crate::sql;

    fn file(name: &str, text: &str) -> SourceFile {
        sql::read(name, Path::new(name), text.as_bytes()).unwrap()
    }

    fn migration(version: i64, text: &str) -> (i64, MigrationFile) {
        let file = MigrationFile {
            version,
            name: "x".to_owned(),
            checksum: 0,
            up: file("x.sql", text),
            down: None,
        };
        (version, file)
    }

    fn used(content: &str, values: &[(&str, &str)]) -> (ContentHash, BTreeMap<String, String>) {
        let values = values.iter();
        let values = values.map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        (ContentHash::of(content), values.collect())
    }

    fn then() -> Recipe {
        Recipe {
            template_address: ContentHash::of("then"),
            applied: ["one", "two", "gone"].map(ContentHash::of).into(),
            values: [
                used("then", &[("vars.a", "kept"), ("vars.b", "kept")]),
                used("one", &[("vars.a", "one")]),
                used("two", &[("vars.a", "two")]),
            ]
            .into(),
            owner: RoleName::new("app_owner").unwrap(),
            search_path: Vec::new(),
        }
    }

    fn template(baseline: i64) -> Template {
        let text = "SELECT {{literal:vars.a}}, {{literal:vars.c}}, {{literal:schema}};\n";
        let files = vec![file("010.sql", text)];
        Template {
            address: TemplateAddress::of(&files),
            files,
            migrations: MigrationSet([migration(1, "one"), migration(2, "two")].into()),
            baseline,
        }
    }

    #[test]
    fn used_values_are_kept_and_new_ones_are_those_of_the_file() {
        let template = template(0);
        let (_, values) = used(
            "",
            &[("vars.a", "now"), ("vars.b", "now"), ("vars.c", "now")],
        );
        let now = today(&then(), &template, &values);
        assert_eq!(now.template_address, template.address.hash);
        assert_eq!(now.applied, then().applied);
        let (_, wanted) = used("", &[("vars.a", "kept"), ("vars.c", "now")]);
        assert_eq!(now.values[&template.address.hash], wanted);
        assert!(!now.values.contains_key(&then().template_address));
        assert_eq!(now.values.len(), 3);
    }

    #[test]
    fn what_the_baseline_covers_does_not_run_and_what_has_no_file_does() {
        let now = today(&then(), &template(1), &BTreeMap::new());
        assert_eq!(now.applied, ["two", "gone"].map(ContentHash::of));
        assert!(!now.values.contains_key(&ContentHash::of("one")));
        let mut template = template(1);
        template.migrations.0.extend([migration(3, "one")]);
        let now = today(&then(), &template, &BTreeMap::new());
        assert_eq!(now.applied, then().applied, "a later one says the same");
    }
}
