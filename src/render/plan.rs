//! A plan for people: what would be done, folded by cohort, and what can't be.

use std::collections::BTreeMap;

use super::entry::{self, Entry};
use super::page::Page;
use super::style::{Label, harmless, paint};
use crate::apply::prepare;
use crate::model::count;
use crate::model::name::ClusterName;
use crate::plan::action::{DatabaseAction, HazardNote, MigrationRef, TenantAction};
use crate::plan::{Cohort, Plan, Unmanaged, UnmanagedReason};

/// How many migrations of a cohort are listed, unless everything is.
const MIGRATIONS_SHOWN: usize = 10;

/// The whole plan; `verbose` names every tenant and migration.
#[must_use]
pub fn plan(plan: &Plan, verbose: bool) -> String {
    let mut page = Page::new(verbose);
    steps(&mut page, plan);
    for cohort in &plan.cohorts {
        write_cohort(&mut page, cohort);
    }
    section(&mut page, "Blocked", Label::Danger, &blocked(plan));
    section(&mut page, "Withheld", Label::Warning, &withheld(plan));
    write_unmanaged(&mut page, plan);
    notices(&mut page, plan);
    page.gap();
    end(&mut page, plan);
    page.finish()
}

/// Nothing but how the plan ends: whether all of it is there, and its numbers.
#[must_use]
pub fn brief(plan: &Plan) -> String {
    let mut page = Page::new(false);
    end(&mut page, plan);
    page.finish()
}

fn end(page: &mut Page, plan: &Plan) {
    if !plan.complete {
        let what = "This plan is incomplete: not every database answered.";
        page.line(&paint(Label::Warning, what));
    }
    page.line(&paint(Label::Heading, &summary(plan)));
}

/// The plan in one sentence.
pub(super) fn summary(plan: &Plan) -> String {
    let numbers = &plan.summary;
    if !plan.differs() {
        let matches = if numbers.unchanged == 1 {
            "matches"
        } else {
            "match"
        };
        let tenants = count(numbers.unchanged, "tenant");
        return format!("No changes. {tenants} {matches} the desired state.");
    }
    format!(
        "Plan: {} to create, {} to migrate, {} to restore, {} to drop, {} blocked, {} unmanaged, {} unchanged.",
        numbers.create,
        numbers.migrate,
        numbers.restore,
        numbers.drop,
        numbers.blocked,
        numbers.unmanaged,
        numbers.unchanged
    )
}

fn steps(page: &mut Page, plan: &Plan) {
    if plan.steps.is_empty() {
        return;
    }
    page.section("Database-wide steps");
    for step in &plan.steps {
        let sign = match step.action {
            DatabaseAction::CreateControlSchema { .. }
            | DatabaseAction::InstallExtension { .. } => paint(Label::Add, "+"),
            DatabaseAction::UpgradeControlSchema { .. }
            | DatabaseAction::UpdateExtension { .. } => paint(Label::Change, "~"),
        };
        let what = harmless(&prepare::describe(&step.action));
        page.item(2, &format!("{sign} {}: {what}", step.cluster));
    }
}

fn write_cohort(page: &mut Page, cohort: &Cohort) {
    page.section(&title(cohort));
    page.names(2, &names(&cohort.tenants));
    for action in &cohort.actions {
        write_action(page, action);
    }
    for hazard in &cohort.hazards {
        write_hazard(page, hazard);
    }
}

fn names<T: ToString>(names: &[T]) -> Vec<String> {
    names.iter().map(ToString::to_string).collect()
}

/// What is done to a cohort, and to how many.
pub(super) fn title(cohort: &Cohort) -> String {
    let tenants = count(cohort.tenants.len(), "tenant");
    match &cohort.actions[..] {
        [TenantAction::CreateTenant { .. }] => format!("{tenants} to create"),
        [TenantAction::Migrate { from: None, .. }] => {
            format!("{tenants} to migrate, from an empty history")
        }
        [
            TenantAction::Migrate {
                from: Some(from), ..
            },
        ] => format!("{tenants} to migrate, from V{from}"),
        _ => format!("{tenants} to change"),
    }
}

fn write_action(page: &mut Page, action: &TenantAction) {
    match action {
        TenantAction::CreateTenant {
            template,
            baseline,
            migrations: run,
            ..
        } => {
            let sign = paint(Label::Add, "+");
            page.item(2, &format!("{sign} create schema from template {template}"));
            if let Some(last) = baseline.last() {
                let inside = count(baseline.len(), "migration");
                let what = format!("= {inside} up to V{}, inside the template", last.version);
                page.item(2, &paint(Label::Quiet, &what));
            }
            migrations(page, &sign, run);
        }
        TenantAction::Migrate {
            migrations: run, ..
        } => migrations(page, &paint(Label::Change, "~"), run),
    }
}

fn migrations(page: &mut Page, sign: &str, run: &[MigrationRef]) {
    let shown = if page.is_verbose() {
        run.len()
    } else {
        MIGRATIONS_SHOWN.min(run.len())
    };
    for migration in &run[..shown] {
        let name = harmless(&migration.name);
        page.item(2, &format!("{sign}\u{a0}V{}__{name}", migration.version));
    }
    if shown < run.len() {
        page.item(2, &format!("{sign} … and {} more", run.len() - shown));
    }
}

fn write_hazard(page: &mut Page, note: &HazardNote) {
    let hazard = paint(Label::Danger, &format!("! {}", note.hazard.as_str()));
    let (file, what) = (harmless(&note.file), harmless(&note.what));
    let allowed = if note.allowed_by_file {
        ", allowed by the file"
    } else {
        ""
    };
    page.item(
        2,
        &format!("{hazard} {file}:{}: {what}{allowed}", note.line),
    );
}

/// The blocked tenants, and why they are.
pub(super) fn blocked(plan: &Plan) -> Vec<Entry<'_>> {
    plan.blocked
        .iter()
        .map(|blocked| Entry {
            tenant: &blocked.tenant,
            title: blocked.code.as_str(),
            message: &blocked.message,
            hint: Some(&blocked.hint),
            failure: None,
        })
        .collect()
}

/// The tenants whose destruction nobody allowed.
pub(super) fn withheld(plan: &Plan) -> Vec<Entry<'_>> {
    plan.withheld
        .iter()
        .map(|withheld| Entry {
            tenant: &withheld.tenant,
            title: withheld.hazard.as_str(),
            message: &withheld.message,
            hint: Some(&withheld.hint),
            failure: None,
        })
        .collect()
}

fn section(page: &mut Page, title: &str, label: Label, entries: &[Entry<'_>]) {
    if !entries.is_empty() {
        page.section(title);
        entry::write(page, label, entries);
    }
}

/// Schemas that are unmanaged for the same reason.
pub(super) struct Strangers<'a> {
    pub(super) cluster: &'a ClusterName,
    pub(super) why: &'static str,
    /// With their tenants, as far as they are known.
    pub(super) schemas: Vec<String>,
}

/// The unmanaged schemas, by cluster and reason.
pub(super) fn unmanaged(plan: &Plan) -> Vec<Strangers<'_>> {
    let mut groups: BTreeMap<_, Vec<String>> = BTreeMap::new();
    for one in &plan.unmanaged {
        let key = (&one.cluster, one.reason);
        groups.entry(key).or_default().push(name_of(one));
    }
    let group = |((cluster, reason), schemas)| Strangers {
        cluster,
        why: match reason {
            UnmanagedReason::RemovedFromFile => "recorded, and no longer in the file",
            UnmanagedReason::Pattern => "named like a tenant's, and recorded nowhere",
        },
        schemas,
    };
    groups.into_iter().map(group).collect()
}

fn write_unmanaged(page: &mut Page, plan: &Plan) {
    if plan.unmanaged.is_empty() {
        return;
    }
    page.section("Unmanaged");
    for group in unmanaged(plan) {
        let schemas = count(group.schemas.len(), "schema");
        let (cluster, why) = (group.cluster, group.why);
        page.item(2, &format!("{schemas} on cluster {cluster}: {why}"));
        page.names(4, &group.schemas);
    }
}

fn name_of(unmanaged: &Unmanaged) -> String {
    let schema = harmless(unmanaged.schema.as_str());
    match &unmanaged.tenant {
        Some(tenant) => format!("{tenant} ({schema})"),
        None => schema,
    }
}

fn notices(page: &mut Page, plan: &Plan) {
    if plan.notices.is_empty() {
        return;
    }
    page.section("Notices");
    for notice in &plan.notices {
        let cluster = notice
            .cluster
            .as_ref()
            .map(|cluster| format!("cluster {cluster}: "))
            .unwrap_or_default();
        let code = paint(Label::Warning, &notice.code);
        page.item(
            2,
            &format!("{code}: {cluster}{}", harmless(&notice.message)),
        );
        if !notice.tenants.is_empty() {
            page.names(4, &names(&notice.tenants));
        }
    }
}

#[cfg(test)]
pub(super) mod tests;
