//! The desired state exactly as people write it. The only file that names `serde_yaml`.
//!
//! These types are the one description of a document: their JSON Schema is what editors get and what `shape`
//! checks a tree against, so a key stands here and nowhere else. Two keywords of ours steer that check:
//! `x-expanded` says that a text's `${…}` stay as written until it is used, `x-secret` that a text may be secret.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde_yaml::value::{Mapping, Value as Yaml};

use super::tree::{Fate, Node, Value};

/// The desired state of a fleet, or one of the files that make it up together.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "tenantry desired state")]
pub(super) struct Document {
    /// The version of this format; stands in every file.
    #[schemars(required, range(min = 1, max = 1))]
    #[serde(rename = "version")]
    _version: Option<u64>,
    /// The fleet's name, written into every database it manages.
    pub(super) fleet: Option<String>,
    /// Connection targets. Without any, one cluster `default` comes from the connection settings.
    pub(super) clusters: Option<BTreeMap<String, ClusterEntry>>,
    /// What holds for every tenant that says nothing else.
    pub(super) defaults: Option<Defaults>,
    /// What follows the tenant's own schema; `pg_temp` comes after it.
    pub(super) search_path: Option<Vec<String>>,
    /// The history table in each tenant's schema, in refinery's format.
    pub(super) history_table: Option<String>,
    /// What every database must have; never inside a tenant's schema.
    pub(super) extensions: Option<Vec<ExtensionEntry>>,
    /// Kinds of tenants.
    pub(super) templates: Option<BTreeMap<String, TemplateEntry>>,
    /// Where backups live and how long they are kept.
    pub(super) backups: Option<BackupsEntry>,
    /// Limits of every tenant's transaction.
    pub(super) timeouts: Option<TimeoutsEntry>,
    /// In what order tenants are changed, and when to stop.
    pub(super) rollout: Option<RolloutEntry>,
    /// Environment variables whose values never appear in output.
    pub(super) secrets: Option<Vec<String>>,
    /// Differences of live tenants that somebody answers for; the lists of several files are one.
    pub(super) waivers: Option<Vec<WaiverEntry>>,
    /// The tenants, by id.
    pub(super) tenants: Option<BTreeMap<String, TenantEntry>>,
    /// Tenants that the application's own table names, beside those under `tenants`.
    pub(super) tenants_from: Option<TenantsFromEntry>,
}

/// Tenants read from a database while it is observed. A tenant of both keeps what the row says of keys that its entry
/// under `tenants` leaves out; `vars` are taken together by name. A tenant that left the query is unmanaged, never
/// removed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantsFromEntry {
    /// One query that only reads. Columns: `id`, and optionally `template`, `schema`, `state` (text), `tags` (an array
    /// of text) and `vars` (a JSON object of texts); NULL is as good as no column. It runs as the connecting role,
    /// with that role's own `search_path`, for as long as `timeouts` lets a statement run, five minutes at most.
    #[schemars(example = "SELECT id, tags FROM app.customers WHERE NOT deleted")]
    pub(super) query: String,
    /// Fewer rows than this are an error; 1 unless said otherwise.
    #[schemars(range(min = 0, max = 1_000_000))]
    pub(super) min: Option<usize>,
    /// The cluster it runs on; the default one unless said otherwise. The tenants live on the default one.
    pub(super) cluster: Option<String>,
}

/// A connection target.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClusterEntry {
    /// `postgres://…`, or `keyword=value …`; variables are resolved when it is used.
    #[schemars(extend("x-expanded" = "when used"))]
    pub(super) url: Option<String>,
    /// The same past a pooling proxy, for what needs a session; variables are resolved when it is used.
    #[schemars(extend("x-expanded" = "when used"))]
    pub(super) direct_url: Option<String>,
    /// A program and its arguments whose first line of output is the password of a new connection; run without a
    /// shell, for 10 s at most, for each of them. Variables are resolved when it is used.
    pub(super) password_command: Option<Vec<Argument>>,
    /// How many tenants are changed at once.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) parallel: Option<usize>,
}

/// A program or an argument of it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("x-expanded" = "when used"))]
pub(super) struct Argument(pub(super) String);

/// What holds for every tenant that says nothing else.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Defaults {
    /// The cluster a tenant lives in.
    pub(super) cluster: Option<String>,
    /// The template a tenant is made from.
    pub(super) template: Option<String>,
    /// The naming convention, such as `acq_{tenant}`.
    pub(super) schema: Option<String>,
    /// The role that owns schemas and objects; without it, the connecting role.
    pub(super) owner: Option<String>,
    /// The backup policy.
    pub(super) backup: Option<String>,
}

/// One tenant; its keys win over `defaults`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TenantEntry {
    /// The cluster it lives in.
    pub(super) cluster: Option<String>,
    /// The template it is made from.
    pub(super) template: Option<String>,
    /// Its schema; `{tenant}` stands for the id.
    pub(super) schema: Option<String>,
    /// The role that owns its schema and objects.
    pub(super) owner: Option<String>,
    /// Its backup policy.
    pub(super) backup: Option<String>,
    /// Words to select tenants by.
    pub(super) tags: Option<Vec<String>>,
    /// Values for `{{literal:vars.…}}` in SQL files.
    pub(super) vars: Option<BTreeMap<String, Variable>>,
    /// `present` unless said otherwise.
    pub(super) state: Option<StateWord>,
    /// Limits of its transaction.
    pub(super) timeouts: Option<TimeoutsEntry>,
    #[serde(rename = "restore_from")]
    _restore_from: Option<Later>,
}

impl TenantEntry {
    /// What a row of `tenants_from` can say.
    pub(super) fn of_row(
        template: Option<String>,
        schema: Option<String>,
        tags: Option<Vec<String>>,
        vars: Option<BTreeMap<String, Variable>>,
        state: Option<StateWord>,
    ) -> Self {
        Self {
            template,
            schema,
            tags,
            vars,
            state,
            ..Self::default()
        }
    }
}

/// A value of a tenant.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(transparent)]
#[schemars(inline, extend("x-secret" = true))]
pub(super) struct Variable(pub(super) String);

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum StateWord {
    Present,
    Suspended,
    Absent,
}

impl StateWord {
    /// All of them, as they are written.
    pub(super) const WORDS: [(&'static str, Self); 3] = [
        ("present", Self::Present),
        ("suspended", Self::Suspended),
        ("absent", Self::Absent),
    ];
}

/// An extension: its name, or a map.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(super) enum ExtensionEntry {
    Name(String),
    Full(FullExtension),
}

/// An extension with more than its name.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct FullExtension {
    /// As in `pg_available_extensions`.
    pub(super) name: String,
    /// The schema it is made in; `extensions` unless said otherwise.
    pub(super) schema: Option<String>,
    /// The version it must have.
    pub(super) version: Option<String>,
    /// Not available on a server: a warning, not a failure.
    pub(super) optional: Option<bool>,
}

/// A kind of tenant.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TemplateEntry {
    /// The folder whose `*.sql` files make a new tenant, in name order.
    pub(super) path: String,
    /// The folder of `V<version>__<name>.sql` files.
    pub(super) migrations: Option<String>,
    /// Migrations up to this version are already inside the template.
    #[schemars(range(min = 0))]
    pub(super) baseline: Option<i64>,
}

/// Where backups live and how long they are kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BackupsEntry {
    /// The repository's folder; variables are resolved when it is used.
    #[schemars(extend("x-expanded" = "when used"))]
    pub(super) path: Option<String>,
    /// How many tenants are backed up at once.
    #[schemars(range(min = 1, max = 1000))]
    pub(super) parallel: Option<usize>,
    /// The repository's id, so that an empty volume is never mistaken for it.
    pub(super) repository: Option<String>,
    /// Policies, by name.
    pub(super) policies: Option<BTreeMap<String, PolicyEntry>>,
}

/// When a tenant is backed up and how long the sets are kept.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct PolicyEntry {
    /// Five fields, as cron takes them.
    pub(super) schedule: String,
    /// An IANA time zone; UTC unless said otherwise.
    pub(super) timezone: Option<String>,
    /// What is kept.
    pub(super) keep: KeepEntry,
    /// How far a fresh backup is proven; `checksum` unless said otherwise.
    pub(super) verify: Option<VerifyWord>,
}

/// Retention rules; a set stays when one of them keeps it.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KeepEntry {
    /// Everything younger than this, such as `30d`.
    #[schemars(example = "30d")]
    pub(super) within: Option<String>,
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) last: Option<u32>,
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) hourly: Option<u32>,
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) daily: Option<u32>,
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) weekly: Option<u32>,
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) monthly: Option<u32>,
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) yearly: Option<u32>,
    /// So many good sets stay whatever the rules say.
    #[schemars(range(min = 1, max = 10_000))]
    pub(super) min_good: Option<u32>,
}

#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum VerifyWord {
    Checksum,
    Archive,
    Restore,
}

/// Limits of a transaction, such as `5s` or `10min`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TimeoutsEntry {
    /// How long a statement waits for a lock.
    #[schemars(example = "5s")]
    pub(super) lock: Option<String>,
    /// How long one statement may run.
    #[schemars(example = "10min")]
    pub(super) statement: Option<String>,
    /// How long an open transaction may wait for us.
    #[schemars(example = "1min")]
    pub(super) idle: Option<String>,
}

/// In what order tenants are changed, and when to stop.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RolloutEntry {
    /// The tenants that are changed first.
    pub(super) canary: Option<CanaryEntry>,
    /// More failures than this stop a run: a number, or per cent such as `5%`.
    pub(super) max_failures: Option<FailuresEntry>,
    /// What a plan does with a drifted tenant that has something due.
    pub(super) drifted: Option<DriftedWord>,
}

/// The tenants that are changed first.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CanaryEntry {
    /// A tenant with one of these tags is a canary.
    pub(super) tags: Vec<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
pub(super) enum FailuresEntry {
    Count(#[schemars(range(min = 0, max = 1_000_000))] usize),
    Percent(String),
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(super) enum DriftedWord {
    Warn,
    Block,
}

/// Differences that `drift` counts and doesn't fail for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaiverEntry {
    /// The tenants it is for: a pattern over their ids.
    #[schemars(example = "acme*")]
    pub(super) tenants: String,
    /// What may differ, as `drift` calls it: a pattern over kind and name.
    #[schemars(example = "index merchants_*")]
    pub(super) object: String,
    /// Why it may.
    pub(super) reason: String,
    /// Who answers for it.
    pub(super) owner: String,
    /// The last day that it holds on, in UTC; for ever without one.
    #[schemars(example = "2026-12-31")]
    pub(super) expires: Option<String>,
}

/// A key that is known but not supported yet; its values never pass the structure check.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Later;

impl JsonSchema for Later {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Later".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "not": {}, "description": "Not supported yet." })
    }
}

/// Types a tree that passed the structure check; what didn't pass is left out.
pub(super) fn typed(root: &Node) -> Result<Document, String> {
    serde_yaml::from_value(yaml(root)).map_err(|error| error.to_string())
}

fn yaml(node: &Node) -> Yaml {
    match &node.value {
        Value::Nothing | Value::Fraction => Yaml::Null,
        Value::Flag(flag) => Yaml::Bool(*flag),
        Value::Number(number) => Yaml::Number((*number).into()),
        Value::Text(text) => Yaml::String(text.clone()),
        Value::List(_) => Yaml::Sequence(node.items().map(yaml).collect()),
        Value::Map(entries) => Yaml::Mapping(
            entries
                .iter()
                .filter(|entry| entry.node.fate == Fate::Kept)
                .map(|entry| (Yaml::String(entry.key.clone()), yaml(&entry.node)))
                .collect::<Mapping>(),
        ),
    }
}
