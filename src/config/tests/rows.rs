//! Rows of a query beside what the files say of the same tenants.

use super::{folder, id, with_head};
use crate::config::{Problem, load};
use crate::model::desired::{Desired, TenantState};

/// What the rest of a file and these rows make.
fn desired(rest: &str, rows: &[&str]) -> Result<Desired, Vec<String>> {
    let source = "tenants_from: { query: SELECT 1, min: 0 }\nsecrets: [KEY]\n";
    let folder = folder(&[
        ("f.yaml", &with_head(&format!("{source}{rest}"))),
        ("template/020.sql", "SELECT {{literal:vars.key}};\n"),
    ]);
    let env = |name: &str| (name == "KEY").then(|| "hunter2".to_owned());
    let rows: Vec<String> = rows.iter().map(|row| (*row).to_owned()).collect();
    let told = |problems: Vec<Problem>| {
        let root = format!("{}/", folder.path().display());
        let line = |problem: &Problem| problem.to_string().replace(&root, "");
        problems.iter().map(line).collect()
    };
    let files = load(&folder.path().join("f.yaml"), &env).map_err(told)?;
    files.desired(&rows).map_err(told)
}

const ROW: &str = r#"{"id": "acme", "schema": "Row", "tags": ["row"], "vars": {"key": "row", "other": "row"}, "state": "absent"}"#;

#[test]
fn the_files_keys_go_before_the_rows() {
    let rest = "tenants: { acme: { tags: [file], state: present, vars: { key: file } }, own: { vars: { key: x } } }\n";
    let fleet = desired(rest, &[ROW]).unwrap();
    let acme = &fleet.tenants[&id("acme")];
    assert_eq!(acme.schema.to_string(), "Row");
    assert_eq!(acme.state, TenantState::Present);
    assert_eq!(acme.tags, ["file".to_owned()].into());
    let vars = [("key", "file"), ("other", "row")];
    assert_eq!(
        acme.vars,
        vars.map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into()
    );
    assert_eq!(fleet.tenants[&id("own")].schema.to_string(), "acq_own");
}

#[test]
fn a_secret_of_the_file_is_not_passed_over_for_the_rows_value() {
    let rest = "tenants: { acme: { state: present, vars: { key: '${KEY}' } } }\n";
    let found = desired(rest, &[ROW]).unwrap_err();
    assert_eq!(
        found,
        ["template/020.sql:1:1: `vars.key` is secret for 1 tenant (`acme`)"]
    );
}

#[test]
fn a_row_and_a_line_of_the_file_cannot_share_a_schema() {
    let rest = "tenants: { own: { schema: Row, vars: { key: x } } }\n";
    let found = desired(rest, &[ROW]).unwrap_err();
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].starts_with("f.yaml:")
            && found[0].contains("tenants `acme` and `own` share the schema \"Row\""),
        "{found:#?}"
    );
    assert!(
        found[0].contains(", row 1") || found[0].contains("row 1: "),
        "{found:#?}"
    );
    // A file that is silent about a tenant's schema says nothing before the row is read.
    let rest = "tenants: { own: { schema: acq_acme, vars: { key: x } }, acme: { tags: [] } }\n";
    assert!(desired(rest, &[ROW]).is_ok());
}
