//! Notices: said, and never a change.

use super::fleet::*;
use crate::model::observed::ControlState;
use crate::plan::Notice;

fn only_notice(fleet: &Fleet) -> Notice {
    let mut notices = fleet.plan().notices;
    assert_eq!(notices.len(), 1, "{notices:#?}");
    notices.remove(0)
}

#[test]
fn a_changed_template_is_no_change_for_those_who_live() {
    let mut fleet = Fleet::live(&["acme", "globex"]);
    let made_from = fleet.template().address.hash.clone();
    let migrations = fleet.template().migrations.clone();
    *fleet.template() = template("CREATE TABLE other ();\n", 0, migrations.0.into_values());
    let notice = only_notice(&fleet);
    assert_eq!(notice.code, "template_outdated");
    assert_eq!(notice.tenants, [tenant_id("acme"), tenant_id("globex")]);
    let now = fleet.template().address.hash.clone();
    assert_ne!(made_from, now);
    for address in [made_from, now] {
        assert!(notice.message.contains(address.short()), "{notice:?}");
    }
    assert!(!fleet.plan().differs());
}

#[test]
fn another_owner_is_named() {
    let mut fleet = Fleet::live(&["acme"]);
    fleet.tenant("acme").owner = Some(role("someone"));
    let notice = only_notice(&fleet);
    assert_eq!(notice.code, "owner_differs");
    for word in ["app_owner", "someone"] {
        assert!(notice.message.contains(word), "{notice:?}");
    }
    assert!(!fleet.plan().differs());
}

/// Without a declared owner it is the role that made the tenant, not the one that looks.
#[test]
fn whoever_plans_needn_be_the_owner() {
    let mut fleet = Fleet::live(&["acme"]);
    fleet.tenant("acme").owner = None;
    fleet.database(MAIN).server.role = role("monitor");
    assert!(fleet.plan().notices.is_empty());
}

#[test]
fn a_role_without_create_is_told_only_when_it_matters() {
    let mut fleet = Fleet::of(&["acme"]);
    fleet.database(MAIN).server.may_create = false;
    let notice = only_notice(&fleet);
    assert_eq!(notice.code, "no_create");
    assert!(notice.message.contains("deployer") && notice.message.contains("db1"));
    assert_eq!(fleet.plan().summary.create, 1);
    let mut settled = Fleet::live(&["acme"]);
    settled.database(MAIN).server.may_create = false;
    assert!(settled.plan().notices.is_empty());
}

#[test]
fn a_read_only_database_can_be_planned_for() {
    let mut fleet = Fleet::of(&["acme"]);
    fleet.database(MAIN).server.read_only = true;
    assert_eq!(only_notice(&fleet).code, "read_only");
    assert_eq!(fleet.plan().summary.create, 1);
}

#[test]
fn creations_beside_an_unreadable_database_are_told() {
    let mut fleet = Fleet::of(&["acme"]);
    fleet.add_cluster("eu");
    fleet.database("eu").control = ControlState::Unreadable("no USAGE".into());
    let notice = only_notice(&fleet);
    assert_eq!(notice.code, "creations_unchecked");
    assert_eq!(notice.tenants, [tenant_id("acme")]);
    assert!(notice.message.contains("eu"));
    assert!(fleet.plan().complete, "it answered");
}
