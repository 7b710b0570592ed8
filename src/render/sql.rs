//! What a plan would run, as SQL to read: one tenant of each cohort.

use std::fmt::Write as _;

use uuid::Uuid;

use super::style::{harmless, harmless_lines};
use crate::apply::prepare;
use crate::apply::work::{Account, Work};
use crate::error::{Error, Exit};
use crate::model::count;
use crate::model::desired::Desired;
use crate::model::name::{ClusterName, RoleName};
use crate::plan::{Cohort, Plan};

/// The SQL of every cohort's first tenant; `account_on` says who works on a cluster.
///
/// # Errors
/// A placeholder without a value (65).
pub fn plan(
    plan: &Plan,
    desired: &Desired,
    account_on: &dyn Fn(&ClusterName) -> Option<Account>,
) -> Result<String, Error> {
    let mut text = String::new();
    for step in &plan.steps {
        let what = harmless(&prepare::describe(&step.action));
        let _ = writeln!(text, "-- cluster {}: {what}", step.cluster);
    }
    for cohort in &plan.cohorts {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&cohort_sql(cohort, desired, account_on)?);
    }
    Ok(text)
}

fn cohort_sql(
    cohort: &Cohort,
    desired: &Desired,
    account_on: &dyn Fn(&ClusterName) -> Option<Account>,
) -> Result<String, Error> {
    let missing = || {
        Error::failed(format!(
            "cohort {} has no tenant to show SQL for",
            cohort.id
        ))
    };
    let id = cohort.tenants.first().ok_or_else(missing)?;
    let tenant = desired.tenants.get(id).ok_or_else(missing)?;
    let work = Work {
        run: Uuid::nil(),
        plan_id: None,
        desired,
        id,
        tenant,
        template: desired
            .templates
            .get(&tenant.template)
            .ok_or_else(missing)?,
        cohort,
    };
    let of_owner = |role: RoleName| Account {
        role,
        readers: Vec::new(),
    };
    let account = account_on(&tenant.cluster)
        .or_else(|| tenant.owner.clone().map(of_owner))
        .ok_or_else(missing)?;
    let sql = work
        .preview(&account)
        .map_err(|words| Error::new(Exit::Invalid, format!("tenant {id}: {words}")))?;
    Ok(format!(
        "-- cohort {}, {}, as it runs for {id}\n{}",
        cohort.id,
        count(cohort.tenants.len(), "tenant"),
        harmless_lines(&sql)
    ))
}
