//! What holds for every tenant that says nothing else.

use super::judge::{Judge, Kind};
use crate::model::desired::{SchemaPattern, Timeouts};
use crate::model::name::{ClusterName, PolicyName, RoleName, SchemaName, TemplateName};

/// What stands for a tenant's id in a schema's name.
pub(super) const TENANT: &str = "{tenant}";

/// The cluster of a fleet that declares none.
pub(super) const IMPLIED_CLUSTER: &str = "default";

/// The fleet's `defaults`, and what a tenant's own words are checked against.
pub(super) struct FleetWide<'a> {
    pub(super) cluster: Setting<'a, ClusterName>,
    pub(super) template: Setting<'a, TemplateName>,
    pub(super) backup: Setting<'a, PolicyName>,
    /// The naming convention as written; `None` where it names no schema for each tenant.
    pub(super) schema: Option<&'a str>,
    pub(super) owner: Option<RoleName>,
    pub(super) timeouts: Timeouts,
    pub(super) schema_pattern: SchemaPattern,
    /// Schemas that no tenant may live in.
    pub(super) shared: Vec<SchemaName>,
}

/// A key that names something declared, with what the defaults say.
pub(super) struct Setting<'a, N> {
    kind: Kind<'a, N>,
    fallback: Option<N>,
    /// Whether the defaults say anything, right or wrong.
    has_fallback: bool,
}

impl<N: Clone> Setting<'_, N> {
    /// What the text at a path names, or else the defaults.
    pub(super) fn named(
        &self,
        judge: &mut Judge<'_>,
        path: &[&str],
        text: Option<&str>,
    ) -> Option<N> {
        match text {
            Some(text) => judge.reference(path, text, &self.kind),
            None => self.fallback.clone(),
        }
    }

    /// Whether the defaults say anything, right or wrong.
    pub(super) fn has_fallback(&self) -> bool {
        self.has_fallback
    }

    /// What a tenant's own text names, or else the defaults.
    pub(super) fn of_tenant(
        &self,
        judge: &mut Judge<'_>,
        id: &str,
        key: &str,
        text: Option<&str>,
    ) -> Option<N> {
        self.named(judge, &["tenants", id, key], text)
    }

    /// The same, where a tenant must have it.
    pub(super) fn demanded_of_tenant(
        &self,
        judge: &mut Judge<'_>,
        id: &str,
        key: &str,
        text: Option<&str>,
    ) -> Option<N> {
        let said = judge.sources.has(&["tenants", id, key]) || judge.awaits_rows();
        if text.is_none() && !self.has_fallback && !said {
            let hint = format!("Add `{key}:` to it, or to `defaults`.");
            judge.problem(
                &["tenants", id],
                format!("tenant `{id}` names no {key}"),
                &hint,
            );
        }
        self.of_tenant(judge, id, key, text)
    }
}

impl<'a> FleetWide<'a> {
    /// Reads `defaults`.
    pub(super) fn read(judge: &mut Judge<'a>, shared: Vec<SchemaName>, timeouts: Timeouts) -> Self {
        let defaults = judge.sources.once(|document| document.defaults.as_ref());
        let schema = defaults.and_then(|defaults| defaults.schema.as_deref());
        let schema = schema.unwrap_or(TENANT);
        let owner = defaults.and_then(|defaults| defaults.owner.as_deref());
        Self {
            cluster: cluster(judge),
            template: setting(
                judge,
                Kind {
                    what: "template",
                    map: &["templates"],
                    declared: judge.sources.names(&["templates"]),
                    new: TemplateName::new,
                },
                &["defaults", "template"],
                defaults.and_then(|defaults| defaults.template.as_deref()),
            ),
            backup: setting(
                judge,
                Kind {
                    what: "backup policy",
                    map: &["backups", "policies"],
                    declared: judge.sources.names(&["backups", "policies"]),
                    new: PolicyName::new,
                },
                &["defaults", "backup"],
                defaults.and_then(|defaults| defaults.backup.as_deref()),
            ),
            owner: owner.and_then(|owner| judge.name(&["defaults", "owner"], owner, RoleName::new)),
            schema_pattern: schema_pattern(judge, schema),
            schema: Some(schema).filter(|schema| names_each(schema)),
            timeouts,
            shared,
        }
    }
}

fn setting<'a, N>(
    judge: &mut Judge<'a>,
    kind: Kind<'a, N>,
    path: &[&str],
    text: Option<&str>,
) -> Setting<'a, N> {
    Setting {
        fallback: text.and_then(|text| judge.reference(path, text, &kind)),
        has_fallback: judge.sources.has(path),
        kind,
    }
}

/// The default cluster; a fleet with one cluster needs no word for it.
fn cluster<'a>(judge: &mut Judge<'a>) -> Setting<'a, ClusterName> {
    let mut declared = judge.sources.names(&["clusters"]);
    if declared.is_empty() {
        declared.insert(IMPLIED_CLUSTER);
    }
    let only = declared.first().copied().filter(|_| declared.len() == 1);
    let defaults = judge.sources.once(|document| document.defaults.as_ref());
    let kind = Kind {
        what: "cluster",
        map: &["clusters"],
        declared,
        new: ClusterName::new,
    };
    let path = ["defaults", "cluster"];
    let text = defaults.and_then(|defaults| defaults.cluster.as_deref());
    let mut setting = setting(judge, kind, &path, text);
    if let (false, Some(only)) = (setting.has_fallback, only) {
        setting.fallback = ClusterName::new(only).ok();
        setting.has_fallback = true;
    }
    setting
}

/// Whether a naming convention gives each tenant a schema of its own.
fn names_each(schema: &str) -> bool {
    schema.matches(TENANT).count() == 1
}

fn schema_pattern(judge: &mut Judge<'_>, schema: &str) -> SchemaPattern {
    let (prefix, suffix) = schema.split_once(TENANT).unwrap_or((schema, ""));
    if !names_each(schema) {
        let message = format!("the naming convention {schema:?} must hold {TENANT} once");
        let hint = "Write it like `acq_{tenant}`.";
        judge.problem(&["defaults", "schema"], message, hint);
    }
    SchemaPattern {
        prefix: prefix.to_owned(),
        suffix: suffix.to_owned(),
    }
}
