//! Extensions as prerequisites: order, pins, what can't be had.

use super::fleet::*;
use crate::model::desired::Extension;
use crate::model::observed::{AvailableVersion, InstalledExtension};
use crate::plan::action::DatabaseAction;
use crate::plan::{BlockedCode, Plan};

pub(super) fn declare(fleet: &mut Fleet, name: &str, version: Option<&str>, optional: bool) {
    let declared = Extension {
        schema: schema("extensions"),
        version: version.map(str::to_owned),
        optional,
    };
    fleet.desired.extensions.insert(extension(name), declared);
}

/// Trusted, and the default when it is the first version offered.
pub(super) fn offer(fleet: &mut Fleet, name: &str, version: &str, requires: &[&str]) {
    let offered = AvailableVersion {
        superuser: true,
        trusted: true,
        requires: requires.iter().map(|name| extension(name)).collect(),
    };
    let available = &mut fleet.database(MAIN).available;
    let available = available.entry(extension(name)).or_default();
    available.default_version.get_or_insert(version.to_owned());
    available.versions.insert(version.to_owned(), offered);
}

fn install(fleet: &mut Fleet, name: &str, version: &str) {
    let installed = InstalledExtension {
        version: version.to_owned(),
        schema: schema("extensions"),
    };
    let extensions = &mut fleet.database(MAIN).extensions;
    extensions.insert(extension(name), installed);
}

fn steps(plan: &Plan) -> Vec<String> {
    plan.steps
        .iter()
        .map(|step| match &step.action {
            DatabaseAction::InstallExtension { name, version, .. } => {
                format!("{name} {}", version.as_deref().unwrap_or("default"))
            }
            DatabaseAction::UpdateExtension { name, from, to } => format!("{name} {from}>{to}"),
            other => format!("{other:?}"),
        })
        .collect()
}

fn codes(plan: &Plan) -> Vec<&str> {
    plan.notices.iter().map(|n| n.code.as_str()).collect()
}

#[test]
fn what_is_required_comes_first_declared_or_not() {
    let mut fleet = Fleet::of(&["acme"]);
    for (name, requires) in [
        ("a", &["m", "z"][..]),
        ("m", &["y"]),
        ("y", &[]),
        ("z", &[]),
    ] {
        offer(&mut fleet, name, "1.0", requires);
    }
    declare(&mut fleet, "a", None, false);
    declare(&mut fleet, "z", Some("1.0"), false);
    let plan = fleet.plan();
    assert_eq!(
        steps(&plan),
        ["y default", "m default", "z 1.0", "a default"]
    );
    assert_eq!(plan.summary.extensions, 4);
    fleet.carry_out(&plan);
    assert!(!fleet.plan().differs());
}

#[test]
fn a_circle_of_requirements_ends() {
    let mut fleet = Fleet::of(&["acme"]);
    offer(&mut fleet, "a", "1.0", &["b"]);
    offer(&mut fleet, "b", "1.0", &["a"]);
    declare(&mut fleet, "a", None, false);
    assert_eq!(steps(&fleet.plan()), ["b default", "a default"]);
}

#[test]
fn a_pin_updates_and_no_pin_leaves_alone() {
    let mut fleet = Fleet::live(&["acme"]);
    offer(&mut fleet, "citext", "1.6", &[]);
    install(&mut fleet, "citext", "1.5");
    declare(&mut fleet, "citext", None, false);
    assert!(!fleet.plan().differs());
    declare(&mut fleet, "citext", Some("1.6"), false);
    let blocked = fleet.blocked();
    assert!(
        blocked
            .message
            .contains("no update path leads to the pinned 1.6")
    );
    let available = &mut fleet.database(MAIN).available;
    let citext = available.get_mut(&extension("citext")).unwrap();
    citext.update_targets.push("1.6".to_owned());
    let plan = fleet.plan();
    assert_eq!(steps(&plan), ["citext 1.5>1.6"]);
    fleet.carry_out(&plan);
    assert!(!fleet.plan().differs());
}

#[test]
fn an_unavailable_pin_names_what_the_server_offers() {
    let mut fleet = Fleet::of(&["acme"]);
    offer(&mut fleet, "citext", "1.6", &[]);
    declare(&mut fleet, "citext", Some("9.9"), false);
    let blocked = fleet.blocked();
    assert_eq!(blocked.code, BlockedCode::ExtensionMissing);
    assert!(blocked.message.contains("citext") && blocked.message.contains("9.9"));
    assert!(blocked.message.contains("offers 1.6"), "{blocked:?}");
}

#[test]
fn a_missing_requirement_blocks_whoever_declares_it() {
    let mut fleet = Fleet::of(&["acme"]);
    offer(&mut fleet, "a", "1.0", &["lost"]);
    declare(&mut fleet, "a", None, false);
    let blocked = fleet.blocked();
    assert!(blocked.message.contains("a requires lost"), "{blocked:?}");
}

/// What only an unavailable optional extension needs isn't installed either.
#[test]
fn an_optional_extension_is_a_notice_and_leaves_nothing() {
    let mut fleet = Fleet::of(&["acme"]);
    offer(&mut fleet, "a", "1.0", &["m", "lost"]);
    offer(&mut fleet, "m", "1.0", &[]);
    declare(&mut fleet, "a", None, true);
    let plan = fleet.plan();
    assert_eq!(steps(&plan), Vec::<String>::new());
    assert_eq!(codes(&plan), ["extension_unavailable"]);
    assert_eq!(plan.summary.create, 1);
}

#[test]
fn every_missing_extension_is_named() {
    let mut fleet = Fleet::of(&["acme"]);
    declare(&mut fleet, "one", None, false);
    declare(&mut fleet, "two", None, false);
    let message = fleet.blocked().message;
    assert!(
        message.contains("one") && message.contains("two"),
        "{message}"
    );
}

#[test]
fn an_untrusted_one_is_a_notice_for_those_who_are_no_superuser() {
    let mut fleet = Fleet::of(&["acme"]);
    offer(&mut fleet, "uncommon", "1.0", &[]);
    declare(&mut fleet, "uncommon", None, false);
    assert!(fleet.plan().notices.is_empty());
    let available = &mut fleet.database(MAIN).available;
    let offered = available.get_mut(&extension("uncommon")).unwrap();
    offered.versions.get_mut("1.0").unwrap().trusted = false;
    let plan = fleet.plan();
    assert_eq!(codes(&plan), ["extension_untrusted"]);
    for word in [
        "uncommon",
        "deployer",
        "rds.allowed_extensions",
        "cloudsqlsuperuser",
        "azure.extensions",
    ] {
        assert!(plan.notices[0].message.contains(word), "{word}");
    }
    assert_eq!(plan.summary.extensions, 1, "a warning, not a block");
    fleet.database(MAIN).server.superuser = true;
    assert!(fleet.plan().notices.is_empty());
}

#[test]
fn an_untrusted_optional_one_is_left_out_so_that_a_plan_can_be_empty() {
    let mut fleet = Fleet::live(&["acme"]);
    offer(&mut fleet, "uncommon", "1.0", &[]);
    declare(&mut fleet, "uncommon", None, true);
    let available = &mut fleet.database(MAIN).available;
    let offered = available.get_mut(&extension("uncommon")).unwrap();
    offered.versions.get_mut("1.0").unwrap().trusted = false;
    let plan = fleet.plan();
    assert_eq!(codes(&plan), ["extension_unavailable"]);
    assert!(!plan.differs(), "{plan:?}");
    fleet.database(MAIN).server.superuser = true;
    assert_eq!(fleet.plan().summary.extensions, 1);
}

#[test]
fn one_in_another_schema_stays_there() {
    let mut fleet = Fleet::live(&["acme"]);
    install(&mut fleet, "citext", "1.6");
    declare(&mut fleet, "citext", None, false);
    let mine = &mut fleet.database(MAIN).extensions;
    mine.get_mut(&extension("citext")).unwrap().schema = schema("public");
    let plan = fleet.plan();
    assert_eq!(codes(&plan), ["extension_elsewhere"]);
    assert!(!plan.differs());
}
