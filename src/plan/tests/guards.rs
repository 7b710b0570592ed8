//! What refuses a whole run.

use super::fleet::*;
use crate::error::Exit;
use crate::model::name::FleetName;
use crate::model::observed::ControlState;

fn control(version: i64, fleet: &str) -> ControlState {
    ControlState::Present {
        version,
        fleet: FleetName::new(fleet).unwrap(),
        repository: None,
        readers: Vec::new(),
    }
}

fn refusal(fleet: &Fleet) -> String {
    let error = fleet.try_plan().unwrap_err();
    assert_eq!(error.exit, Exit::Refused);
    assert!(error.hint.is_some_and(|hint| !hint.is_empty()));
    error.message
}

#[test]
fn another_fleets_database() {
    let mut fleet = Fleet::of(&["acme"]);
    fleet.add_cluster("eu");
    fleet.database("eu").control = control(1, "lending");
    let message = refusal(&fleet);
    for word in ["db2", "eu", "lending", "payments"] {
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn a_newer_control_schema_names_the_version_needed() {
    let mut fleet = Fleet::of(&["acme"]);
    fleet.database(MAIN).control = control(7, "payments");
    let message = refusal(&fleet);
    assert!(message.contains("version 7") && message.contains("main"));
}

#[test]
fn two_clusters_on_one_database() {
    let mut fleet = Fleet::of(&["acme"]);
    fleet.add_cluster("eu");
    assert!(fleet.try_plan().is_ok(), "two databases of one server");
    fleet.database("eu").server.database_oid = 1;
    let message = refusal(&fleet);
    assert!(message.contains("eu and main"), "{message}");
    fleet.database("eu").server.system_identifier = "another server".to_owned();
    assert!(fleet.try_plan().is_ok());
}

#[test]
fn references_to_nothing_are_an_invalid_state() {
    let mut template = Fleet::of(&["acme"]);
    template.tenant("acme").template = template_name("lost");
    let mut place = Fleet::of(&["acme"]);
    place.tenant("acme").cluster = cluster("lost");
    for fleet in [template, place] {
        let error = fleet.try_plan().unwrap_err();
        assert_eq!(error.exit, Exit::Invalid);
        assert!(error.message.contains("acme") && error.message.contains("lost"));
    }
}
