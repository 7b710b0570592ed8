//! A plan as a comment on a pull request: the summary first, folded by cohort, never longer than a comment may be.
//! Drift in the same form.

mod drift;
mod paper;
#[cfg(test)]
mod tests;

use super::entry::{self, Entry};
use super::plan::{blocked, summary, title, unmanaged, withheld};
use crate::apply::prepare;
use crate::model::count;
use crate::model::name::TenantId;
use crate::plan::action::{HazardNote, MigrationRef, TenantAction};
use crate::plan::{Cohort, Plan};
pub use drift::drift;
use paper::{Section, code, document};

/// Longer lists are folded.
const SHOWN: usize = 10;

const NOTE: &str = "> Parts of this plan are left out, as a comment holds no more. \
    `tenantry plan -v` shows everything.\n";

/// The plan in GitHub's Markdown; at most 65,536 characters, cut between rows.
#[must_use]
pub fn plan(plan: &Plan) -> String {
    let mut head = format!(
        "### tenantry plan of {}\n\n**{}**\n\n",
        code(plan.fleet.as_str()),
        summary(plan)
    );
    if !plan.complete {
        head.push_str("> This plan is incomplete: not every database answered.\n");
    }
    let digest = code(plan.digest.short());
    let foot = format!(
        "\nPlan {digest}, by tenantry {}\n",
        code(&plan.tool_version)
    );
    let sections = [
        steps(plan),
        cohorts(plan),
        entries("Blocked", &blocked(plan)),
        entries("Withheld", &withheld(plan)),
        unmanaged_schemas(plan),
        notices(plan),
    ];
    document(&head, NOTE, &sections, &foot)
}

fn steps(plan: &Plan) -> Section {
    let mut section = Section::new("Database-wide steps", "step");
    for step in &plan.steps {
        let (cluster, what) = (step.cluster.as_str(), prepare::describe(&step.action));
        section.item(format!("- {}: {}\n", code(cluster), code(&what)));
    }
    section
}

fn cohorts(plan: &Plan) -> Section {
    let mut section = Section::new("Tenants", "cohort");
    for cohort in &plan.cohorts {
        write_cohort(&mut section, cohort);
    }
    section
}

fn write_cohort(section: &mut Section, cohort: &Cohort) {
    let tenants: Vec<&str> = cohort.tenants.iter().map(TenantId::as_str).collect();
    section.item_of_names(&format!("**{}**", title(cohort)), &tenants, "tenant");
    for action in &cohort.actions {
        write_action(section, action);
    }
    let hazards = cohort.hazards.iter().map(hazard).collect();
    section.list("hazard", hazards, SHOWN);
}

fn write_action(section: &mut Section, action: &TenantAction) {
    let run = match action {
        TenantAction::CreateTenant {
            template,
            baseline,
            migrations,
            ..
        } => {
            let template = code(template.as_str());
            let mut made = vec![format!("create schema from template {template}")];
            if let Some(last) = baseline.last() {
                let inside = count(baseline.len(), "migration");
                made.push(format!(
                    "{inside} up to V{}, inside the template",
                    last.version
                ));
            }
            section.list("step", made, SHOWN);
            migrations
        }
        TenantAction::Migrate { migrations, .. } => migrations,
    };
    section.list("migration", run.iter().map(migration).collect(), SHOWN);
}

fn migration(one: &MigrationRef) -> String {
    code(&format!("V{}__{}", one.version, one.name))
}

fn hazard(note: &HazardNote) -> String {
    let place = code(&format!("{}:{}", note.file, note.line));
    let allowed = if note.allowed_by_file {
        ", allowed by the file"
    } else {
        ""
    };
    let hazard = code(note.hazard.as_str());
    format!(
        "**Hazard** {hazard} at {place}: {}{allowed}",
        code(&note.what)
    )
}

/// Tenants about whom something is said, those of equal words together.
fn entries(title: &'static str, entries: &[Entry<'_>]) -> Section {
    let mut section = Section::new(title, "reason");
    for group in entry::fold(entries) {
        let first = group.first;
        let head = format!("**{}**", first.title);
        section.item_of_names(&head, &group.tenants, "tenant");
        let example = if group.is_same_for_all() {
            ""
        } else {
            "for example: "
        };
        let mut said = vec![format!("{example}{}", code(first.message))];
        said.extend(first.hint.map(|hint| format!("hint: {}", code(hint))));
        section.list("sentence", said, SHOWN);
    }
    section
}

fn unmanaged_schemas(plan: &Plan) -> Section {
    let mut section = Section::new("Unmanaged", "group");
    for group in unmanaged(plan) {
        let schemas = count(group.schemas.len(), "schema");
        let cluster = code(group.cluster.as_str());
        let head = format!("**{schemas}** on cluster {cluster}, {}", group.why);
        section.item_of_names(&head, &group.schemas, "schema");
    }
    section
}

fn notices(plan: &Plan) -> Section {
    let mut section = Section::new("Notices", "notice");
    for notice in &plan.notices {
        let cluster = notice.cluster.as_ref();
        let cluster = cluster.map(|name| format!("cluster {}: ", code(name.as_str())));
        let (title, message) = (code(&notice.code), code(&notice.message));
        let head = format!("{title}: {}{message}", cluster.unwrap_or_default());
        if notice.tenants.is_empty() {
            section.item(format!("\n{head}\n\n"));
        } else {
            let tenants: Vec<&str> = notice.tenants.iter().map(TenantId::as_str).collect();
            section.item_of_names(&head, &tenants, "tenant");
        }
    }
    section
}
