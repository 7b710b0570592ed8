//! What is told of a tenant without its shape: its schema, history, owner, template and values.

use super::report::{Finding, FindingKind};
use super::{GRANTS, Living};
use crate::model::desired::Desired;
use crate::model::migration::{AppliedMigration, Comparison};
use crate::model::name::{SqlName as _, TemplateName};
use crate::model::observed::{LiveHistory, LiveSchema};
use crate::model::template::Template;

/// Everything but the shape.
pub(super) fn findings(desired: &Desired, one: &Living<'_>) -> Vec<Finding> {
    let Some(schema) = one.live.schemas.get(&one.row.schema) else {
        return vec![missing_schema(one)];
    };
    let template = desired.templates.get(&one.row.template);
    let mut findings = Vec::new();
    findings.extend(history(one, schema, template));
    findings.extend(owner(one, schema));
    findings.extend(template.and_then(|template| outdated(one, template)));
    findings.extend(values(one));
    findings
}

fn missing_schema(one: &Living<'_>) -> Finding {
    Finding::new(FindingKind::MissingSchema, "schema")
        .saying("recorded, but its schema is gone")
        .hint(format!(
            "Restore it from a backup, or pass `--provision-empty {}` to apply.",
            one.id
        ))
}

fn history(one: &Living<'_>, schema: &LiveSchema, template: Option<&Template>) -> Option<Finding> {
    let table = one.row.history_table.quoted();
    let diverged =
        |message: String| Finding::new(FindingKind::HistoryDiverged, "history").saying(message);
    let unreadable =
        |message: String| Finding::new(FindingKind::Unreadable, "history").saying(message);
    match &schema.history {
        LiveHistory::Rows(rows) => {
            let found = template?.migrations.compare(rows, &one.tenant.tags);
            comparison(&found, &one.row.template)
        }
        LiveHistory::Absent => Some(
            diverged(format!("the history table {table} is gone"))
                .hint("Restore the tenant or its history table from a backup."),
        ),
        LiveHistory::Foreign(differs) => Some(diverged(format!(
            "the history table {table} isn't of refinery's format: {differs}"
        ))),
        LiveHistory::Unreadable(words) => Some(
            unreadable(format!("the history table {table} can't be read: {words}")).hint(GRANTS),
        ),
        LiveHistory::NotRead => Some(unreadable(format!("the history table {table} wasn't read"))),
    }
}

/// What is due, or late, is no drift.
fn comparison(found: &Comparison, template: &TemplateName) -> Option<Finding> {
    let (message, recorded): (String, &AppliedMigration) = match found {
        Comparison::Due(_) | Comparison::Late { .. } => return None,
        Comparison::Diverged { recorded, file } if recorded.name == file.name => {
            let message = format!(
                "records {recorded} with checksum {}; the file has checksum {}",
                recorded.checksum, file.checksum
            );
            (message, recorded)
        }
        Comparison::Diverged { recorded, file } => {
            (format!("records {recorded}; the file is {file}"), recorded)
        }
        Comparison::Missing(recorded) => {
            let message = format!("records {recorded}, which has no file in template {template}");
            (message, recorded)
        }
    };
    let finding = Finding::new(FindingKind::HistoryDiverged, "history").saying(message);
    Some(finding.hint(format!("Put {recorded}.sql back as it was applied.")))
}

/// Who made a schema owns it.
fn owner(one: &Living<'_>, schema: &LiveSchema) -> Option<Finding> {
    let (is, wanted) = (&schema.owner, &one.row.owner);
    (is != wanted).then(|| {
        let message = format!("owned by role {}, not by {}", is.quoted(), wanted.quoted());
        Finding::new(FindingKind::Owner, "schema").saying(message)
    })
}

fn outdated(one: &Living<'_>, template: &Template) -> Option<Finding> {
    let (made_from, now) = (&one.row.template_address, &template.address.hash);
    (made_from != now).then(|| {
        let object = format!("template {}", one.row.template);
        let words = one.live.template_changes.get(one.id);
        let message = format!(
            "changed since the tenant was made from it ({} then, {} now){}",
            made_from.short(),
            now.short(),
            words.map_or(String::new(), |words| format!(": {words}"))
        );
        Finding::new(FindingKind::TemplateOutdated, object)
            .saying(message)
            .hint("Bring the change by a migration.")
    })
}

/// The values that a tenant's files used are kept; what the file says of them now reaches new files only.
fn values(one: &Living<'_>) -> Vec<Finding> {
    let used = one.row.values.values().flatten();
    let mut edited: Vec<Finding> = used
        .filter_map(|(name, used)| {
            let now = one.tenant.vars.get(name.strip_prefix("vars.")?);
            let now = match now {
                Some(now) if now == used => return None,
                Some(now) => format!("the file says {now:?}"),
                None => "the file has none".to_owned(),
            };
            let message = format!("{used:?} when the tenant's files used it; {now} today");
            Some(Finding::new(FindingKind::ValuesEdited, name).saying(message))
        })
        .collect();
    edited.sort();
    edited.dedup();
    edited
}
