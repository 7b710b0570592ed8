//! Every reason to block a tenant, reached and told in words.

use super::fleet::*;
use crate::model::migration::MigrationFile;
use crate::model::name::TenantId;
use crate::model::observed::{ControlState, LiveHistory, Unreachable};
use crate::plan::BlockedCode as Code;
use crate::plan::diff::plan;

/// The code, what the message and the hint must name, and the world.
type Case = (Code, &'static [&'static str], &'static str, Fleet);

fn acme() -> Fleet {
    Fleet::live(&["acme"])
}

fn changed(change: impl FnOnce(&mut Fleet)) -> Fleet {
    let mut fleet = acme();
    change(&mut fleet);
    fleet
}

fn history_cases() -> Vec<Case> {
    vec![
        (
            Code::Diverged,
            &["acme", "main", "V2__x", "checksum"],
            "V2__x.sql",
            changed(|fleet| {
                fleet.template().migrations.0.get_mut(&2).unwrap().checksum += 1;
            }),
        ),
        (
            Code::Diverged,
            &["acme", "main", "V2__x", "V2__y"],
            "V2__x.sql",
            changed(|fleet| fleet.add_migration(migration(2, "y"))),
        ),
        (
            Code::Missing,
            &["acme", "main", "V2__x", MERCHANT],
            "V2__x.sql",
            changed(|fleet| {
                fleet.template().migrations.0.remove(&2);
            }),
        ),
        (
            Code::Late,
            &["acme", "main", "V0__z.sql", "V2"],
            "above 2",
            changed(|fleet| fleet.add_migration(migration(0, "z"))),
        ),
        (
            Code::HistoryUnreadable,
            &["acme", "main", "acq_acme", "no SELECT"],
            "`tenantry doctor --grants`",
            changed(|fleet| {
                fleet.set_history("acme", LiveHistory::Unreadable("no SELECT".into()));
            }),
        ),
        (
            Code::HistoryUnreadable,
            &["acme", "main", "acq_acme", "is gone"],
            "Restore",
            changed(|fleet| fleet.set_history("acme", LiveHistory::Absent)),
        ),
        (
            Code::HistoryUnreadable,
            &["acme", "main", "wasn't read"],
            "Plan again",
            changed(|fleet| fleet.set_history("acme", LiveHistory::NotRead)),
        ),
        (
            Code::HistoryUnreadable,
            &["main", "tenantry", "no USAGE"],
            "`tenantry doctor --grants`",
            changed(|fleet| {
                fleet.database(MAIN).control = ControlState::Unreadable("no USAGE".into());
            }),
        ),
        (
            Code::ForeignHistory,
            &["acme", "main", "refinery_schema_history", "id integer"],
            "`history_table:`",
            changed(|fleet| {
                fleet.set_history("acme", LiveHistory::Foreign("id integer".into()));
            }),
        ),
    ]
}

fn place_cases() -> Vec<Case> {
    vec![
        (
            Code::SchemaExists,
            &["acme", "main", "acq_acme"],
            "Rename",
            {
                let mut fleet = Fleet::of(&["acme"]);
                fleet.add_schema("acq_acme");
                fleet
            },
        ),
        (
            Code::SchemaExists,
            &["newco", "main", "acq_acme", "tenant acme's"],
            "`schema:`",
            changed(|fleet| {
                let acme = fleet.desired.tenants.remove(&tenant_id("acme")).unwrap();
                fleet.desired.tenants.insert(tenant_id("newco"), acme);
            }),
        ),
        (
            Code::SchemaMissing,
            &["acme", "main", "acq_acme"],
            "`--provision-empty acme`",
            changed(|fleet| fleet.database(MAIN).schemas.clear()),
        ),
        (
            Code::Moved,
            &["acme", "eu", "main"],
            "back to main",
            changed(|fleet| {
                fleet.add_cluster("eu");
                fleet.tenant("acme").cluster = cluster("eu");
            }),
        ),
        (
            Code::SchemaChanged,
            &["acme", "main", "acq_acme", "elsewhere"],
            "back to \"acq_acme\"",
            changed(|fleet| fleet.tenant("acme").schema = schema("elsewhere")),
        ),
        (
            Code::TemplateChanged,
            &["acme", "main", MERCHANT, "other"],
            "back to merchant",
            changed(|fleet| {
                let other = fleet.template().clone();
                fleet
                    .desired
                    .templates
                    .insert(template_name("other"), other);
                fleet.tenant("acme").template = template_name("other");
            }),
        ),
        (
            Code::HistoryTableChanged,
            &["acme", "main", "refinery_schema_history", "other_history"],
            "back to \"refinery_schema_history\"",
            changed(|fleet| fleet.desired.history_table = table("other_history")),
        ),
        (
            Code::ExtensionMissing,
            &["main", "citext", "isn't available"],
            "`optional: true`",
            changed(|fleet| super::extensions::declare(fleet, "citext", None, false)),
        ),
        (
            Code::Unreachable,
            &["main", "connection refused"],
            "Start it.",
            changed(|fleet| {
                let why = Unreachable {
                    message: "connection refused".into(),
                    hint: Some("Start it.".into()),
                };
                fleet.observed.databases.insert(cluster(MAIN), Err(why));
            }),
        ),
        (
            Code::Unreachable,
            &["main", "wasn't asked"],
            "Check",
            changed(|fleet| fleet.observed.databases.clear()),
        ),
    ]
}

#[test]
fn each_code_is_reached_with_its_words() {
    for (code, words, hint, fleet) in history_cases().into_iter().chain(place_cases()) {
        let blocked = fleet.blocked();
        assert_eq!(blocked.code, code, "{blocked:?}");
        for word in words {
            assert!(blocked.message.contains(word), "{word}: {blocked:?}");
        }
        assert!(blocked.hint.contains(hint), "{hint}: {blocked:?}");
        assert!(fleet.desired.tenants.contains_key(&blocked.tenant));
        let plan = fleet.plan();
        assert!(plan.cohorts.is_empty(), "{plan:?}");
        assert!(plan.differs() && plan.summary.blocked == 1, "{plan:?}");
    }
}

#[test]
fn codes_are_written_as_they_are_called() {
    let all = [
        Code::Diverged,
        Code::Missing,
        Code::Late,
        Code::HistoryUnreadable,
        Code::ForeignHistory,
        Code::SchemaExists,
        Code::SchemaMissing,
        Code::Moved,
        Code::SchemaChanged,
        Code::TemplateChanged,
        Code::HistoryTableChanged,
        Code::ExtensionMissing,
        Code::Unreachable,
        Code::Unsupported,
        Code::BackupsExist,
        Code::RepositoryUnreadable,
    ];
    for code in all {
        let json = serde_json::to_value(code).unwrap();
        assert_eq!(json, code.as_str());
    }
}

/// Whoever edited `cluster:` while the tenant's schema stands at another cluster made no new tenant.
#[test]
fn an_edited_cluster_never_makes_a_second_tenant() {
    let mut fleet = acme();
    fleet.add_cluster("eu");
    fleet.tenant("acme").cluster = cluster("eu");
    let plan = fleet.plan();
    assert!(!plan.has_changes());
    assert!(plan.unmanaged.is_empty(), "it is declared: {plan:?}");
}

#[test]
fn one_unreachable_cluster_leaves_the_others_alone() {
    let mut fleet = Fleet::of(&["acme", "berlin"]);
    fleet.add_cluster("eu");
    fleet.tenant("berlin").cluster = cluster("eu");
    let why = Unreachable {
        message: "timeout".into(),
        hint: None,
    };
    fleet.observed.databases.insert(cluster("eu"), Err(why));
    let plan = fleet.plan();
    assert!(!plan.complete && plan.applyable);
    assert_eq!(plan.summary.create, 1);
    let blocked: Vec<(&TenantId, Code)> =
        plan.blocked.iter().map(|b| (&b.tenant, b.code)).collect();
    assert_eq!(blocked, [(&tenant_id("berlin"), Code::Unreachable)]);
    let notice = plan
        .notices
        .iter()
        .find(|n| n.code == "creations_unchecked");
    assert!(notice.unwrap().message.contains("eu"));
}

#[test]
fn enum_values_used_where_they_are_added_block_as_unsupported() {
    let mut fleet = Fleet::of(&["acme", "globex"]);
    let migrations = &mut fleet.template().migrations.0;
    let text_of = |migration: &mut MigrationFile, text: &str| migration.up.text = text.to_owned();
    text_of(
        migrations.get_mut(&1).unwrap(),
        "ALTER TYPE status ADD VALUE 'paid';",
    );
    text_of(
        migrations.get_mut(&2).unwrap(),
        "UPDATE bill SET status = 'paid';",
    );
    let plan = plan(&fleet.desired, &fleet.observed, &fleet.options).unwrap();
    assert_eq!((plan.cohorts.len(), plan.blocked.len()), (0, 2));
    assert_eq!(plan.blocked[0].code, Code::Unsupported);
    for word in ["V1__x.sql", "V2__x.sql", "paid", "status", "55P04"] {
        assert!(plan.blocked[0].message.contains(word), "{word}");
    }
    assert!(plan.blocked[0].hint.contains("V1__x.sql"));
}

#[test]
fn another_owner_blocks_those_with_work_to_do() {
    let mut fleet = acme();
    fleet.tenant("acme").owner = Some(role("someone"));
    assert!(!fleet.plan().differs(), "nothing is to be done");
    fleet.add_migration(migration(9, "new"));
    let plan = fleet.plan();
    assert!(!plan.has_changes());
    let blocked = &plan.blocked[0];
    assert_eq!(blocked.code, Code::Unsupported);
    for word in ["acme", "main", "app_owner", "someone"] {
        assert!(blocked.message.contains(word), "{blocked:?}");
    }
    assert!(blocked.hint.contains("app_owner"), "{blocked:?}");
    fleet.tenant("acme").owner = None;
    assert_eq!(
        fleet.plan().summary.migrate,
        1,
        "its recorded owner goes on"
    );
}
