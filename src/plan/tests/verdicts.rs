//! States, tags, baselines and absence: what becomes of a tenant that nothing blocks.

use super::fleet::*;
use crate::model::desired::TenantState;
use crate::plan::action::{Precondition, TenantAction};
use crate::plan::{BlockedCode, UnmanagedReason};

fn versions(action: &TenantAction) -> (Vec<i64>, Vec<i64>) {
    let numbers = |refs: &[crate::plan::action::MigrationRef]| {
        refs.iter().map(|one| one.version).collect::<Vec<_>>()
    };
    match action {
        TenantAction::CreateTenant {
            baseline,
            migrations,
            ..
        } => (numbers(baseline), numbers(migrations)),
        TenantAction::Migrate { migrations, .. } => (Vec::new(), numbers(migrations)),
    }
}

#[test]
fn new_tenants_are_one_cohort_and_then_nothing_is_left() {
    let mut fleet = Fleet::of(&["acme", "globex", "initech"]);
    let plan = fleet.plan();
    assert_eq!((plan.cohorts.len(), plan.summary.create), (1, 3));
    assert_eq!(plan.cohorts[0].expects, Precondition::Absent);
    assert_eq!(versions(&plan.cohorts[0].actions[0]), (vec![], vec![1, 2]));
    fleet.carry_out(&plan);
    let plan = fleet.plan();
    assert!(!plan.differs() && !plan.applyable && plan.complete);
    assert_eq!(plan.summary.unchanged, 3);
}

#[test]
fn a_new_migration_is_due_for_every_live_tenant() {
    let mut fleet = Fleet::live(&["acme", "globex"]);
    fleet.add_migration(migration(3, "y"));
    let plan = fleet.plan();
    assert_eq!((plan.cohorts.len(), plan.summary.migrate), (1, 2));
    assert_eq!(versions(&plan.cohorts[0].actions[0]), (vec![], vec![3]));
    assert!(matches!(
        plan.cohorts[0].actions[0],
        TenantAction::Migrate { from: Some(2), .. }
    ));
}

#[test]
fn the_baseline_is_recorded_and_not_run() {
    let mut fleet = Fleet::of(&["acme"]);
    fleet.template().baseline = 1;
    let plan = fleet.plan();
    assert_eq!(versions(&plan.cohorts[0].actions[0]), (vec![1], vec![2]));
    fleet.carry_out(&plan);
    assert!(!fleet.plan().differs());
}

#[test]
fn a_raised_baseline_changes_nothing_for_those_who_live() {
    let mut fleet = Fleet::live(&["acme"]);
    fleet.template().baseline = 3;
    fleet.add_migration(migration(3, "y"));
    let plan = fleet.plan();
    assert_eq!(versions(&plan.cohorts[0].actions[0]), (vec![], vec![3]));
}

#[test]
fn a_baseline_never_covers_a_tag_limited_migration() {
    let mut fleet = Fleet::of(&["acme", "gold"]);
    fleet.template().baseline = 2;
    fleet.add_migration(only("gold", migration(1, "x")));
    fleet.tenant("gold").tags = tags(&["gold"]);
    let plan = fleet.plan();
    let found: Vec<_> = plan
        .cohorts
        .iter()
        .map(|cohort| (cohort.tenants[0].as_str(), versions(&cohort.actions[0])))
        .collect();
    let expected = [("acme", (vec![2], vec![])), ("gold", (vec![2], vec![1]))];
    assert_eq!(found, expected);
}

#[test]
fn a_tag_limited_migration_is_never_late_and_stays_when_the_tag_goes() {
    let mut fleet = Fleet::live(&["acme"]);
    fleet.add_migration(only("gold", migration(0, "g")));
    assert!(!fleet.plan().differs());
    fleet.tenant("acme").tags = tags(&["gold"]);
    let plan = fleet.plan();
    assert_eq!(versions(&plan.cohorts[0].actions[0]), (vec![], vec![0]));
    fleet.carry_out(&plan);
    assert!(!fleet.plan().differs());
    fleet.tenant("acme").tags.clear();
    assert!(!fleet.plan().differs());
}

/// A tag-limited migration far ahead doesn't make the ordinary ones after it late.
#[test]
fn a_recorded_tag_limited_migration_moves_no_line() {
    let mut fleet = Fleet::of(&["acme"]);
    fleet.add_migration(only("gold", migration(100, "g")));
    fleet.tenant("acme").tags = tags(&["gold"]);
    let plan = fleet.plan();
    fleet.carry_out(&plan);
    fleet.add_migration(migration(3, "y"));
    let plan = fleet.plan();
    assert_eq!(versions(&plan.cohorts[0].actions[0]), (vec![], vec![3]));
}

#[test]
fn absent_and_live_is_withheld_and_no_change() {
    let mut fleet = Fleet::live(&["acme"]);
    fleet.tenant("acme").state = TenantState::Absent;
    let plan = fleet.plan();
    assert_eq!((plan.summary.withheld, plan.summary.unchanged), (1, 0));
    assert!(!plan.differs());
    assert!(plan.withheld[0].message.contains("acme") && !plan.withheld[0].hint.is_empty());
}

#[test]
fn absent_and_on_another_cluster_is_withheld() {
    let mut fleet = Fleet::live(&["acme"]);
    fleet.add_cluster("eu");
    fleet.tenant("acme").cluster = cluster("eu");
    fleet.tenant("acme").state = TenantState::Absent;
    assert_eq!(fleet.plan().summary.withheld, 1);
}

/// Dropping the schema by hand, as the hint says, settles it.
#[test]
fn absent_and_gone_is_unchanged() {
    let mut fleet = Fleet::live(&["acme"]);
    fleet.tenant("acme").state = TenantState::Absent;
    fleet.database(MAIN).schemas.clear();
    let plan = fleet.plan();
    assert_eq!((plan.summary.withheld, plan.summary.unchanged), (0, 1));
}

#[test]
fn absent_and_never_made_is_unchanged() {
    let mut fleet = Fleet::of(&["acme"]);
    fleet.tenant("acme").state = TenantState::Absent;
    let plan = fleet.plan();
    assert!(!plan.differs() && plan.summary.unchanged == 1);
}

#[test]
fn changes_of_suspension_are_unsupported() {
    let mut fleet = Fleet::of(&["acme"]);
    fleet.tenant("acme").state = TenantState::Suspended;
    let never_made = fleet.blocked();
    let plan = Fleet::of(&["acme"]).plan();
    fleet.carry_out(&plan);
    let to = fleet.blocked();
    fleet.row("acme").state = "suspended".to_owned();
    assert_eq!(fleet.plan().summary.unchanged, 1, "it is as it should be");
    fleet.tenant("acme").state = TenantState::Present;
    let from = fleet.blocked();
    let cases = [
        (never_made, "not made yet", "present"),
        (to, "present and should be suspended", "present"),
        (from, "suspended and should be present", "suspended"),
    ];
    for (blocked, says, hint) in cases {
        assert_eq!(blocked.code, BlockedCode::Unsupported);
        assert!(
            blocked.message.contains("acme on cluster main"),
            "{blocked:?}"
        );
        assert!(blocked.message.contains(says), "{blocked:?}");
        assert!(blocked.hint.contains(hint), "{blocked:?}");
    }
}

#[test]
fn who_left_the_file_is_unmanaged_and_untouched() {
    let mut fleet = Fleet::live(&["acme", "globex"]);
    fleet.desired.tenants.remove(&tenant_id("acme"));
    fleet.add_migration(migration(3, "y"));
    fleet.add_schema("acq_stray");
    fleet.add_schema("acq_");
    fleet.add_schema("billing");
    let plan = fleet.plan();
    let found: Vec<_> = plan
        .unmanaged
        .iter()
        .map(|one| (one.schema.as_str(), one.tenant.is_some(), one.reason))
        .collect();
    let expected = [
        ("acq_acme", true, UnmanagedReason::RemovedFromFile),
        ("acq_stray", false, UnmanagedReason::Pattern),
    ];
    assert_eq!(found, expected);
    assert_eq!((plan.summary.unmanaged, plan.summary.migrate), (2, 1));
    let json = serde_json::to_string(&(&plan.cohorts, &plan.steps, &plan.blocked)).unwrap();
    assert!(!json.contains("acme"), "{json}");
}

#[test]
fn who_left_the_file_is_unmanaged_even_without_a_schema() {
    let mut fleet = Fleet::live(&["acme", "globex"]);
    fleet.desired.tenants.remove(&tenant_id("acme"));
    fleet.database(MAIN).schemas.remove(&schema("acq_acme"));
    assert_eq!(fleet.plan().unmanaged[0].tenant, Some(tenant_id("acme")));
}

#[test]
fn unmanaged_schemas_are_no_difference() {
    let mut fleet = Fleet::live(&["acme"]);
    fleet.desired.tenants.clear();
    let plan = fleet.plan();
    assert_eq!(plan.summary.unmanaged, 1);
    assert!(!plan.differs() && !plan.applyable);
}

/// The naming pattern doesn't claim shared schemas or tenantry's own.
#[test]
fn shared_and_own_schemas_are_never_unmanaged() {
    let mut fleet = Fleet::of(&[]);
    fleet.desired.schema_pattern.prefix = String::new();
    fleet.desired.schema_pattern.suffix = "s".to_owned();
    for name in ["extensions", "tenantry_scratch_0123456789abcdefs", "books"] {
        fleet.add_schema(name);
    }
    let plan = fleet.plan();
    let found: Vec<&str> = plan.unmanaged.iter().map(|u| u.schema.as_str()).collect();
    assert_eq!(found, ["books"]);
}

#[test]
fn provision_empty_makes_only_the_named_tenant_anew() {
    let mut fleet = Fleet::live(&["acme", "globex"]);
    fleet.database(MAIN).schemas.clear();
    fleet.options.provision_empty.insert(tenant_id("acme"));
    let plan = fleet.plan();
    assert_eq!(plan.cohorts[0].tenants, [tenant_id("acme")]);
    assert_eq!(plan.cohorts[0].expects, Precondition::SchemaMissing);
    assert_eq!(plan.blocked[0].tenant, tenant_id("globex"));
    assert_eq!(plan.blocked[0].code, BlockedCode::SchemaMissing);
    fleet.carry_out(&plan);
    assert!(!fleet.plan().has_changes());
}

#[test]
fn the_control_schema_is_made_or_upgraded_first() {
    use crate::model::observed::ControlState;
    use crate::plan::action::DatabaseAction;
    let mut fleet = Fleet::of(&["acme"]);
    fleet.database(MAIN).control = ControlState::Absent;
    let create = DatabaseAction::CreateControlSchema { version: 1 };
    assert_eq!(fleet.plan().steps[0].action, create);
    fleet.database(MAIN).control = ControlState::Present {
        version: 0,
        fleet: fleet.desired.fleet.clone(),
        repository: None,
        readers: Vec::new(),
    };
    let upgrade = DatabaseAction::UpgradeControlSchema { from: 0, to: 1 };
    assert_eq!(fleet.plan().steps[0].action, upgrade);
}

/// A database without a tenant to be present gets neither extensions nor a control schema.
#[test]
fn an_unused_database_is_left_alone() {
    let mut fleet = Fleet::of(&["acme"]);
    fleet.add_cluster("eu");
    fleet.database("eu").control = crate::model::observed::ControlState::Absent;
    super::extensions::declare(&mut fleet, "citext", None, false);
    super::extensions::offer(&mut fleet, "citext", "1.6", &[]);
    fleet.database("eu").available = fleet.database(MAIN).available.clone();
    let plan = fleet.plan();
    assert!(plan.steps.iter().all(|step| step.cluster.as_str() == MAIN));
    assert_eq!(plan.summary.extensions, 1);
}
