//! Hazards of a plan and the flags that allow them.

use super::fleet::*;
use crate::error::Exit;
use crate::plan::Plan;
use crate::plan::action::Hazard;
use crate::plan::hazard::{Allow, refused};

fn deleting_plan(tenants: &[&str], allowed_by_file: bool) -> Plan {
    let mut fleet = Fleet::live(tenants);
    let mut file = deleting(migration(3, "drop"), 4);
    file.up.directives.allows_deletes_data = allowed_by_file;
    fleet.add_migration(file);
    fleet.plan()
}

fn still_refused(plan: &Plan, flags: &[&str]) -> Vec<String> {
    let allow: Vec<Allow> = flags.iter().map(|f| Allow::parse(f).unwrap()).collect();
    refused(plan, &allow)
        .into_iter()
        .flat_map(|one| one.tenants)
        .map(|id| id.to_string())
        .collect()
}

#[test]
fn a_hazard_names_its_file_and_line() {
    let plan = deleting_plan(&["acme", "globex"], false);
    let note = &plan.cohorts[0].hazards[0];
    assert_eq!(note.hazard, Hazard::DeletesData);
    assert_eq!((note.file.as_str(), note.line), ("V3__drop.sql", 4));
    assert_eq!(note.what, "DROP TABLE");
}

#[test]
fn a_new_tenant_has_no_data_to_lose() {
    let mut fleet = Fleet::of(&["acme"]);
    fleet.add_migration(deleting(migration(3, "drop"), 4));
    assert!(fleet.plan().cohorts[0].hazards.is_empty());
}

#[test]
fn flags_allow_for_all_or_for_those_they_name() {
    let plan = deleting_plan(&["acme", "globex"], false);
    let cases: [(&[&str], &[&str]); 6] = [
        (&[], &["acme", "globex"]),
        (&["DELETES_DATA"], &[]),
        (&["DELETES_DATA@acme"], &["globex"]),
        (&["DELETES_DATA@a*", "DELETES_DATA@glob?x"], &[]),
        (&["DROPS_TENANT"], &["acme", "globex"]),
        (&["DELETES_DATA@none"], &["acme", "globex"]),
    ];
    for (flags, expected) in cases {
        assert_eq!(still_refused(&plan, flags), expected, "{flags:?}");
    }
}

#[test]
fn a_files_own_directive_allows_it() {
    assert!(still_refused(&deleting_plan(&["acme"], true), &[]).is_empty());
}

#[test]
fn the_flag_to_paste_allows_what_was_refused() {
    for tenants in [&["acme"][..], &["acme", "globex"]] {
        let plan = deleting_plan(tenants, false);
        let flag = &refused(&plan, &[])[0].flag;
        let word = flag.strip_prefix("--allow ").unwrap();
        assert!(still_refused(&plan, &[word]).is_empty(), "{flag}");
    }
    let one = deleting_plan(&["acme"], false);
    assert_eq!(refused(&one, &[])[0].flag, "--allow DELETES_DATA@acme");
}

#[test]
fn unknown_hazards_and_bad_globs_are_wrong_usage() {
    for text in ["", "deletes_data", "DELETES", "DELETES_DATA@[", "@acme"] {
        let error = Allow::parse(text).unwrap_err();
        assert_eq!(error.exit, Exit::Usage, "{text}");
        assert!(error.hint.is_some());
    }
    let hint = Allow::parse("DROPS").unwrap_err().hint.unwrap();
    for hazard in Hazard::ALL {
        assert!(hint.contains(hazard.as_str()));
        assert_eq!(serde_json::to_value(hazard).unwrap(), hazard.as_str());
    }
}
