//! Whole desired states, good and bad, through `load`.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::{Problem, json_schema, load};
use crate::model::desired::{Desired, MaxFailures, TenantState};
use crate::model::name::TenantId;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A template and a migration folder that nothing is wrong with, beside the given files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let good = [
        ("template/010_tables.sql", "create table t (id int);\n"),
        ("migrations/V1__one.sql", "select 1;\n"),
        ("migrations/V2__two.sql", "select 2;\n"),
        ("migrations/V2__two.down.sql", "select -2;\n"),
    ];
    for (name, text) in good.iter().chain(files) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// Loads what lies in a folder; files in problems are told relative to it.
fn load_in(folder: &tempfile::TempDir, path: &str) -> Result<Desired, Vec<String>> {
    let env = |name: &str| match name {
        "WORD" => Some("canary".to_owned()),
        "SECRET" => Some("hunter2".to_owned()),
        _ => None,
    };
    let root = format!("{}/", folder.path().display());
    let told = |problem: &Problem| {
        let hint = problem.hint.as_deref();
        hint.map_or_else(|| problem.to_string(), |hint| format!("{problem} | {hint}"))
            .replace(&root, "")
    };
    load(&folder.path().join(path), &env).map_err(|problems| problems.iter().map(told).collect())
}

/// The problems of one file `f.yaml`.
fn problems(text: &str) -> Vec<String> {
    load_in(&folder(&[("f.yaml", text)]), "f.yaml").map_or_else(|problems| problems, |_| Vec::new())
}

fn loaded(text: &str) -> Desired {
    load_in(&folder(&[("f.yaml", text)]), "f.yaml").unwrap()
}

fn id(text: &str) -> TenantId {
    TenantId::new(text).unwrap()
}

/// A desired state that nothing is wrong with, up to its tenants.
const HEAD: &str = "\
version: 1
fleet: f
defaults: { template: shop, schema: 'acq_{tenant}' }
templates:
  shop: { path: template, migrations: migrations }
";

fn with_head(rest: &str) -> String {
    format!("{HEAD}{rest}")
}

#[test]
fn twelve_problems_are_told_at_once() {
    let text = "\
version: 1
fleet: payments
defaults: { template: shop, schema: 'acq_{tenant}' }
templates:
  shop: { path: template, migrations: migrations, basline: 0 }
clusters:
  default: { url: '${DATABASE_URL}', parallel: many }
rollout: { max_failures: 5%, max_failures: 3 }
tenants:
  acme: { tags: canary }
  Bad_Id: {}
  globex: { schema: acq_initech }
  initech: {}
  hooli: { template: shopp }
  umbrella: { vars: { currency: '${CURRENCY}' } }
  stark: { ownr: app }
  globex: {}
";
    let folder = folder(&[
        ("f.yaml", text),
        ("migrations/notes.sql", ""),
        ("migrations/V02__again.sql", ""),
    ]);
    let expected = [
        "f.yaml:5:51: unknown field `basline` | Did you mean `baseline`?",
        "f.yaml:7:48: `parallel`: expected a whole number, found text",
        "f.yaml:8:30: duplicate key `max_failures`; it first stands at 8:12 | Remove one of the two.",
        "f.yaml:10:17: `tags`: expected a list, found text | Put it in brackets: `[…]`.",
        "f.yaml:11:3: tenant id \"Bad_Id\" doesn't match [a-z0-9][a-z0-9_-]{0,62} | Choose another name.",
        "f.yaml:13:3: tenants `globex` and `initech` share the schema \"acq_initech\" on the cluster `default`; \
         the other is at f.yaml:12:21 | Give one of them another schema.",
        "f.yaml:14:22: unknown template `shopp` | Did you mean `shop`?",
        "f.yaml:15:33: `currency`: the environment variable CURRENCY isn't set | Set the variable, or write ${NAME:-default}.",
        "f.yaml:16:12: unknown field `ownr` | Did you mean `owner`?",
        "f.yaml:17:3: duplicate key `globex`; it first stands at 12:3 | Remove one of the two.",
        "migrations/V2__two.sql:1:1: version 2 is also that of migrations/V02__again.sql | \
         Give one of the two files a version of its own.",
        "migrations/notes.sql:1:1: not a migration: its name isn't of the form `V<version>__<name>` | \
         Name it `V<version>__<name>.sql`, or move it out of the folder.",
    ];
    assert_eq!(load_in(&folder, "f.yaml").unwrap_err(), expected);
}
