//! Backup policies.

use std::collections::BTreeMap;

use super::document::{KeepEntry, PolicyEntry, VerifyWord};
use super::judge::Judge;
use super::values;
use crate::model::desired::{BackupPolicy, Backups, Keep, VerifyLevel};
use crate::model::name::PolicyName;

/// The backups of all files; `None` where none says anything of them.
pub(super) fn resolve(judge: &mut Judge<'_>) -> Option<Backups> {
    judge.keys(&["backups", "policies"], PolicyName::new);
    let sources = judge.sources;
    let path = ["backups", "path"];
    let declared = sources.find(&path).chain(sources.find(&path[..1])).next();
    let declared_in = declared.map(|(source, _)| source.file.clone())?;
    let merged = sources.merged(|document| document.backups.as_ref()?.policies.as_ref());
    let policies: BTreeMap<PolicyName, BackupPolicy> = merged
        .into_iter()
        .filter_map(|(name, (_, entry))| {
            let policy = policy(judge, name, entry)?;
            Some((PolicyName::new(name).ok()?, policy))
        })
        .collect();
    Some(Backups {
        path: sources.once(|d| d.backups.as_ref()?.path.as_ref()).cloned(),
        parallel: sources
            .once(|d| d.backups.as_ref()?.parallel.as_ref())
            .copied(),
        repository: sources
            .once(|d| d.backups.as_ref()?.repository.as_ref())
            .cloned(),
        policies,
        declared_in,
    })
}

fn policy(judge: &mut Judge<'_>, name: &str, entry: &PolicyEntry) -> Option<BackupPolicy> {
    let at = |key| ["backups", "policies", name, key];
    let hint = "Write minute, hour, day, month and weekday, such as `0 2 * * *`.";
    let schedule = judge.value(&at("schedule"), &entry.schedule, values::schedule, hint);
    let timezone = entry.timezone.as_deref().unwrap_or("UTC");
    let hint = "Use a name of the IANA database, such as `Europe/Berlin`.";
    let zone = judge.value(&at("timezone"), timezone, values::timezone, hint);
    let keep = keep(judge, &at("keep"), &entry.keep);
    schedule.and(zone)?;
    Some(BackupPolicy {
        schedule: entry.schedule.clone(),
        timezone: timezone.to_owned(),
        keep: keep?,
        verify: match entry.verify {
            None | Some(VerifyWord::Checksum) => VerifyLevel::Checksum,
            Some(VerifyWord::Archive) => VerifyLevel::Archive,
            Some(VerifyWord::Restore) => VerifyLevel::Restore,
        },
    })
}

/// Retention rules. Without any rule that keeps, everything would be due for removal, so that is refused.
fn keep(judge: &mut Judge<'_>, path: &[&str], entry: &KeepEntry) -> Option<Keep> {
    let within_path = [path, &["within"]].concat();
    let within = match &entry.within {
        Some(text) => Some(judge.value(
            &within_path,
            text,
            values::duration,
            "Write it like `30d` or `12h`.",
        )?),
        None => None,
    };
    let keep = Keep {
        within,
        last: entry.last,
        hourly: entry.hourly,
        daily: entry.daily,
        weekly: entry.weekly,
        monthly: entry.monthly,
        yearly: entry.yearly,
        min_good: entry.min_good,
    };
    let guards_only = Keep {
        min_good: entry.min_good,
        ..Keep::default()
    };
    if keep == guards_only && judge.sources.is_whole(path) {
        let hint = "Add a rule, such as `within: 30d` or `last: 3`.";
        judge.problem(path, "`keep` has no rule that keeps a backup", hint);
        return None;
    }
    Some(keep)
}
