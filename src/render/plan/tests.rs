use super::*;
use crate::model::name::{
    ClusterName, ExtensionName, FleetName, SchemaName, TemplateName, TenantId,
};
use crate::model::template::ContentHash;
use crate::plan::action::{DatabaseStep, Hazard, Precondition};
use crate::plan::{Blocked, BlockedCode, Notice, Summary, Withheld};

pub(in crate::render) fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

fn main_cluster() -> ClusterName {
    ClusterName::new("main").unwrap()
}

pub(in crate::render) fn many(prefix: &str, count: usize) -> Vec<TenantId> {
    (0..count)
        .map(|n| id(&format!("{prefix}-{n:03}")))
        .collect()
}

fn migration(version: i64, name: &str) -> MigrationRef {
    MigrationRef {
        version,
        name: name.to_owned(),
        sha256: ContentHash::of(name),
    }
}

pub(in crate::render) fn empty() -> Plan {
    Plan {
        format_version: "1.0".to_owned(),
        tool_version: "0.1.0".to_owned(),
        fleet: FleetName::new("payments").unwrap(),
        digest: ContentHash(String::new()),
        desired_digest: ContentHash(String::new()),
        complete: true,
        applyable: false,
        summary: Summary {
            unchanged: 1250,
            ..Summary::default()
        },
        steps: Vec::new(),
        cohorts: Vec::new(),
        blocked: Vec::new(),
        withheld: Vec::new(),
        unmanaged: Vec::new(),
        notices: Vec::new(),
    }
}

pub(in crate::render) fn creation() -> Cohort {
    Cohort {
        id: "c1".to_owned(),
        tenants: ["acme", "blue-peak"].map(id).to_vec(),
        expects: Precondition::Absent,
        actions: vec![TenantAction::CreateTenant {
            template: TemplateName::new("merchant").unwrap(),
            template_address: ContentHash(String::new()),
            baseline: vec![migration(1, "first"), migration(2, "second")],
            migrations: vec![migration(3, "add_audit_columns")],
        }],
        hazards: Vec::new(),
    }
}

pub(in crate::render) fn migrating(tenants: Vec<TenantId>) -> Cohort {
    Cohort {
        id: "c2".to_owned(),
        tenants,
        expects: Precondition::History {
            fingerprint: ContentHash(String::new()),
            shapes: None,
        },
        actions: vec![TenantAction::Migrate {
            template: TemplateName::new("merchant").unwrap(),
            from: Some(2),
            migrations: vec![migration(3, "drop_notes")],
        }],
        hazards: vec![note(4, "DROP COLUMN", false), note(9, "DELETE", true)],
    }
}

pub(in crate::render) fn note(line: usize, what: &str, allowed_by_file: bool) -> HazardNote {
    HazardNote {
        hazard: Hazard::DeletesData,
        file: "V3__drop_notes.sql".to_owned(),
        line,
        what: what.to_owned(),
        allowed_by_file,
    }
}

pub(in crate::render) fn blocked(
    tenant: &str,
    code: BlockedCode,
    message: &str,
    hint: &str,
) -> Blocked {
    Blocked {
        tenant: id(tenant),
        code,
        message: message.to_owned(),
        hint: hint.to_owned(),
    }
}

pub(in crate::render) fn full() -> Plan {
    let step = |action| DatabaseStep {
        cluster: main_cluster(),
        action,
    };
    Plan {
        complete: false,
        summary: Summary {
            create: 2,
            migrate: 62,
            blocked: 4,
            withheld: 1,
            unmanaged: 2,
            unchanged: 1180,
            ..Summary::default()
        },
        steps: vec![
            step(DatabaseAction::CreateControlSchema { version: 1 }),
            step(DatabaseAction::UpdateExtension {
                name: ExtensionName::new("citext").unwrap(),
                from: "1.5".to_owned(),
                to: "1.6".to_owned(),
            }),
        ],
        cohorts: vec![creation(), migrating(many("merchant", 62))],
        blocked: vec![
            blocked(
                "kilo",
                BlockedCode::Late,
                "V2 isn't recorded by tenant kilo",
                "Renumber it.",
            ),
            blocked(
                "lima",
                BlockedCode::Unreachable,
                "cluster b can't be reached",
                "Start it.",
            ),
            blocked(
                "mike",
                BlockedCode::Unreachable,
                "cluster b can't be reached",
                "Start it.",
            ),
            blocked(
                "nova",
                BlockedCode::Late,
                "V2 isn't recorded by tenant nova",
                "Renumber it.",
            ),
        ],
        withheld: vec![Withheld {
            tenant: id("oldco"),
            hazard: Hazard::DropsTenant,
            message: "tenant oldco is `absent` in the file and still lives; it is left as it is"
                .to_owned(),
            hint: "Drop it by hand.".to_owned(),
        }],
        unmanaged: vec![
            Unmanaged {
                cluster: main_cluster(),
                schema: SchemaName::new("acq_gone").unwrap(),
                tenant: Some(id("gone")),
                reason: UnmanagedReason::RemovedFromFile,
            },
            Unmanaged {
                cluster: main_cluster(),
                schema: SchemaName::new("acq_\u{1b}[2Jodd").unwrap(),
                tenant: None,
                reason: UnmanagedReason::Pattern,
            },
        ],
        notices: vec![Notice {
            code: "template_outdated".to_owned(),
            cluster: None,
            tenants: many("merchant", 62),
            message: "template merchant has changed since 62 tenants were made from it".to_owned(),
        }],
        ..empty()
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

const FULL: &str = r"Database-wide steps
  + main: create control schema tenantry, version 1
  ~ main: update extension citext from 1.5 to 1.6

2 tenants to create
  acme, blue-peak
  + create schema from template merchant
  = 2 migrations up to V2, inside the template
  + V3__add_audit_columns

62 tenants to migrate, from V2
  merchant-000, merchant-001, merchant-002, merchant-003, merchant-004,
  merchant-005, merchant-006, merchant-007, merchant-008, … and 53 more
  ~ V3__drop_notes
  ! DELETES_DATA V3__drop_notes.sql:4: DROP COLUMN
  ! DELETES_DATA V3__drop_notes.sql:9: DELETE, allowed by the file

Blocked
  late: 2 tenants
    kilo, nova
    for example: V2 isn't recorded by tenant kilo
    hint: Renumber it.
  unreachable: 2 tenants
    lima, mike
    cluster b can't be reached
    hint: Start it.

Withheld
  DROPS_TENANT: oldco
    tenant oldco is `absent` in the file and still lives; it is left as it is
    hint: Drop it by hand.

Unmanaged
  1 schema on cluster main: recorded, and no longer in the file
    gone (acq_gone)
  1 schema on cluster main: named like a tenant's, and recorded nowhere
    acq_\u{1b}[2Jodd

Notices
  template_outdated: template merchant has changed since 62 tenants were made
    from it
    merchant-000, merchant-001, merchant-002, merchant-003, merchant-004,
    merchant-005, merchant-006, merchant-007, merchant-008, … and 53 more

This plan is incomplete: not every database answered.
Plan: 2 to create, 62 to migrate, 0 to restore, 0 to drop, 4 blocked, 2 unmanaged, 1180 unchanged.
";

#[test]
fn every_section_in_order() {
    assert_eq!(plain(&plan(&full(), false)), FULL);
}

#[test]
fn lines_but_the_summary_fit_80_columns() {
    let text = plain(&plan(&full(), true));
    let long = text
        .lines()
        .filter(|line| line.chars().count() > 80)
        .count();
    assert_eq!(long, 1, "{text}");
}

#[test]
fn nothing_to_do_is_one_line() {
    assert_eq!(
        plain(&plan(&empty(), false)),
        "No changes. 1250 tenants match the desired state.\n"
    );
    let mut one = empty();
    one.summary.unchanged = 1;
    assert_eq!(
        summary(&one),
        "No changes. 1 tenant matches the desired state."
    );
}

#[test]
fn a_brief_plan_still_says_that_it_is_incomplete() {
    let text = plain(&brief(&full()));
    let lines: Vec<&str> = FULL.lines().collect();
    assert!(
        text.lines().eq(lines[lines.len() - 2..].iter().copied()),
        "{text}"
    );
}

#[test]
fn verbose_names_every_tenant() {
    let text = plain(&plan(&full(), true));
    assert!(!text.contains('…'), "{text}");
    assert!(text.contains("merchant-061"));
}

#[test]
fn five_thousand_tenants_read_as_a_handful_of_blocks() {
    let mut large = empty();
    large.cohorts = vec![migrating(many("merchant", 5000))];
    large.blocked = many("blocked", 5000)
        .iter()
        .map(|tenant| {
            let (message, hint) = (format!("{tenant} is moved"), format!("Move {tenant} back."));
            blocked(tenant.as_str(), BlockedCode::Moved, &message, &hint)
        })
        .collect();
    assert!(plain(&plan(&large, false)).lines().count() < 20);
}

#[test]
fn tenants_blocked_each_for_its_own_reason_are_still_named() {
    let mut odd = empty();
    odd.blocked = many("odd", 15)
        .iter()
        .enumerate()
        .map(|(n, tenant)| {
            let message = format!("reason {}", n * 7919);
            blocked(tenant.as_str(), BlockedCode::Diverged, &message, "Look.")
        })
        .collect();
    let text = plain(&plan(&odd, false));
    assert!(
        text.contains("  and 5 tenants, shown by -v:\n    odd-010, odd-011"),
        "{text}"
    );
}

#[test]
fn a_sign_stays_beside_its_name_however_long() {
    let name = "long_".repeat(20);
    let mut one = empty();
    let mut cohort = creation();
    cohort.actions = vec![TenantAction::Migrate {
        template: TemplateName::new("merchant").unwrap(),
        from: Some(2),
        migrations: vec![migration(3, &name)],
    }];
    one.cohorts = vec![cohort];
    let text = plain(&plan(&one, false));
    assert!(text.contains(&format!("\n  ~ V3__{name}\n")), "{text}");
}

#[test]
fn long_histories_of_new_tenants_are_folded() {
    let mut young = empty();
    let mut cohort = creation();
    cohort.actions = vec![TenantAction::CreateTenant {
        template: TemplateName::new("merchant").unwrap(),
        template_address: ContentHash(String::new()),
        baseline: Vec::new(),
        migrations: (1..=200).map(|version| migration(version, "m")).collect(),
    }];
    young.cohorts = vec![cohort];
    let text = plain(&plan(&young, false));
    assert!(text.contains("+ V10__m\n  + … and 190 more\n"), "{text}");
}
