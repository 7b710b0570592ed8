//! Whole desired states, good and bad, through `load`.

mod problems;
mod rows;

use std::fs;
use std::path::Path;
use std::time::Duration;

use super::{Problem, json_schema, load};
use crate::model::desired::{Desired, MaxFailures, TenantState};
use crate::model::name::ClusterName;
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
    load(&folder.path().join(path), &env)
        .and_then(|files| files.desired(&[]))
        .map_err(|problems| problems.iter().map(told).collect())
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
fn everything_that_can_be_said_is_understood() {
    let desired = loaded(&with_head(
        "\
clusters:
  main: { url: 'postgres://${HOST}/db', parallel: 8 }
  eu: { direct_url: 'host=${HOST}', password_command: [token, '--for=${NOT_SET}'] }
search_path: [extensions, shared]
history_table: history
extensions: [pgcrypto, { name: citext, schema: ext, version: '1.6', optional: true }]
backups:
  path: ${NOT_SET}/backups
  repository: 5c1e
  policies: { hourly: { schedule: 15 * * * *, timezone: Europe/Berlin, keep: { within: 2d, last: 3 }, verify: archive } }
timeouts: { lock: 500ms }
rollout: { canary: { tags: ['${WORD}'] }, max_failures: 3, drifted: warn }
secrets: [HOST, SECRET]
tenants:
  a: { cluster: eu, tags: [x, '${WORD:-y}'], vars: { currency: EUR, key: '${SECRET}' }, backup: hourly, owner: o }
  b: { cluster: main, state: absent, schema: 'Legacy {tenant}', timeouts: { statement: 1h } }
  c: { cluster: main, state: suspended }
  '1': &one { cluster: main }
  two: *one
",
    ));
    let url = desired
        .clusters
        .values()
        .filter_map(|cluster| cluster.url.as_deref());
    assert_eq!(url.collect::<Vec<_>>(), ["postgres://${HOST}/db"]);
    let eu = &desired.clusters[&ClusterName::new("eu").unwrap()];
    assert_eq!(eu.direct_url.as_deref(), Some("host=${HOST}"));
    let command = ["token", "--for=${NOT_SET}"].map(str::to_owned);
    assert_eq!(eu.password_command.as_deref(), Some(&command[..]));
    assert_eq!(desired.search_path.len(), 2);
    assert_eq!(desired.extensions.len(), 2);
    assert_eq!(desired.rollout.max_failures, MaxFailures::Count(3));
    assert!(desired.rollout.canary_tags.contains("canary"));
    let backups = desired.backups.unwrap();
    assert_eq!(backups.path.as_deref(), Some("${NOT_SET}/backups"));
    assert!(backups.declared_in.ends_with("f.yaml"));
    let a = &desired.tenants[&id("a")];
    assert_eq!((a.cluster.as_str(), a.schema.as_str()), ("eu", "acq_a"));
    assert!(a.tags.contains("canary") && a.tags.contains("x"));
    let vars: Vec<_> = a
        .vars
        .iter()
        .map(|(k, v)| (k.as_str(), v.as_str()))
        .collect();
    assert_eq!(vars, [("currency", "EUR")], "a secret goes no further");
    assert_eq!(a.timeouts.lock.0, Duration::from_millis(500));
    let b = &desired.tenants[&id("b")];
    assert_eq!(
        (b.state, b.schema.as_str()),
        (TenantState::Absent, "Legacy b")
    );
    assert_eq!(b.timeouts.statement.0, Duration::from_hours(1));
    assert_eq!(b.timeouts.lock.0, Duration::from_millis(500));
    assert_eq!(desired.tenants[&id("c")].state, TenantState::Suspended);
    assert_eq!(desired.tenants[&id("two")].schema.as_str(), "acq_two");
    assert_eq!(desired.tenants[&id("1")].schema.as_str(), "acq_1");
    let template = desired.templates.values().next().unwrap();
    let migrations: Vec<i64> = template.migrations.0.keys().copied().collect();
    assert_eq!(migrations, [1, 2]);
    assert!(template.migrations.0[&2].down.is_some());
}

#[test]
fn an_empty_fleet_is_said_in_so_many_words() {
    assert!(
        loaded("version: 1\nfleet: f\ntenants: {}\n")
            .tenants
            .is_empty()
    );
}

#[test]
fn files_of_a_folder_are_one_fleet() {
    let one = "version: 1\nfleet: f\ndefaults: { template: shop }\ntemplates: { shop: { path: ../template } }\n";
    let two = "version: 1\ntenants: { a: {} }\n";
    let three = "version: 1\ntenants: { b: {} }\n";
    let good = folder(&[
        ("d/one.yaml", one),
        ("d/two.yml", two),
        ("d/three.yaml", three),
        ("d/.hidden.yaml", "nonsense: ["),
        ("d/README.md", "nonsense: ["),
    ]);
    assert_eq!(load_in(&good, "d").unwrap().tenants.len(), 2);

    let bad = folder(&[
        ("d/1.yaml", one),
        ("d/2.yaml", two),
        (
            "d/3.yaml",
            "fleet: g\ntenants: { c: {}, a: {} }\ntemplates: { shop: { path: t } }\nbackups: { path: x }\n",
        ),
        ("d/4.yaml", "version: 1\nbackups: { path: y }\n"),
    ]);
    let expected = [
        "d/3.yaml:1:1: `fleet` stands in two files; the other is at d/1.yaml:2:1 | Keep one of them.",
        "d/3.yaml:1:1: the file has no `version` | Add `version:`.",
        "d/3.yaml:2:19: tenant `a` is declared twice; the other is at d/2.yaml:2:12 | Keep one of them.",
        "d/3.yaml:3:14: template `shop` is declared twice; the other is at d/1.yaml:4:14 | Keep one of them.",
        "d/4.yaml:2:12: `backups.path` stands in two files; the other is at d/3.yaml:4:12 | Keep one of them.",
    ];
    assert_eq!(load_in(&bad, "d").unwrap_err(), expected);
}

#[test]
fn what_is_not_there_is_told() {
    let folder = folder(&[("empty/x.txt", ""), ("big.yaml", &" ".repeat(17 << 20))]);
    for (path, expected) in [
        (
            "nowhere",
            "nowhere:1:1: can't be read: No such file or directory (os error 2) | Name the desired state's file or folder with -f.",
        ),
        (
            "empty",
            "empty:1:1: the folder holds no *.yaml or *.yml file | Name the desired state's file or folder with -f.",
        ),
        (
            "big.yaml",
            "big.yaml:1:1: the file is larger than 16 MiB | Split it; a folder's files are read together.",
        ),
    ] {
        assert_eq!(load_in(&folder, path).unwrap_err(), [expected]);
    }
    fs::write(
        folder.path().join("latin.yaml"),
        b"version: 1\nfleet: \xe9\n",
    )
    .unwrap();
    let expected = "latin.yaml:2:1: not UTF-8 from this line on | Save the file as UTF-8.";
    assert_eq!(load_in(&folder, "latin.yaml").unwrap_err(), [expected]);
}

#[test]
fn files_that_have_no_place_in_their_folder_are_told() {
    let folder = folder(&[
        ("f.yaml", &with_head("tenants: {}\n")),
        ("template/020.SQL", ""),
        ("template/parts/030.sql", ""),
        ("template/docs/notes.md", ""),
        ("migrations/V3__a-b.sql", ""),
        ("migrations/V4__gone.down.sql", ""),
        ("migrations/V1__other.down.sql", ""),
        ("outside.sql", ""),
    ]);
    let link = |name: &str| {
        let path = folder.path().join(name);
        std::os::unix::fs::symlink(folder.path().join("outside.sql"), path).unwrap();
    };
    link("template/040.sql");
    link("migrations/V5__five.sql");
    fs::write(folder.path().join("migrations/V6__six.sql"), b"\xff").unwrap();
    let found = load_in(&folder, "f.yaml").unwrap_err();
    let places: Vec<&str> = found
        .iter()
        .map(|problem| problem.split(" | ").next().unwrap())
        .collect();
    let expected = [
        "migrations/V1__other.down.sql:1:1: there is no V1__other.sql to undo",
        "migrations/V3__a-b.sql:1:1: not a migration: `a-b` isn't made of letters, digits and `_`",
        "migrations/V4__gone.down.sql:1:1: there is no V4__gone.sql to undo",
        "migrations/V5__five.sql:1:1: a link that leads out of its folder",
        "migrations/V6__six.sql:1:1: the file isn't UTF-8 from here on",
        "template/020.SQL:1:1: not a file of the template",
        "template/040.sql:1:1: a link that leads out of its folder",
        "template/parts:1:1: a folder within this one, whose SQL files aren't read",
    ];
    assert_eq!(places, expected);
}

#[test]
fn folders_and_baselines_must_exist() {
    let text = "version: 1\nfleet: f\ntenants: {}\ntemplates:\n  a: { path: nowhere }\n  b: { path: template, migrations: migrations, baseline: 3 }\n  c: { path: template, migrations: migrations, baseline: 2 }\n";
    let found = problems(text);
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(
        found[0].starts_with("f.yaml:5:14: the folder "),
        "{found:#?}"
    );
    let expected = "f.yaml:6:58: there is no migration of the version 3 | Use 0 or a version that exists: `2`, `1`.";
    assert_eq!(found[1], expected);
}

#[test]
fn the_sample_fleet_and_the_examples_load_without_an_environment() {
    for (path, tenants) in [
        ("desired", 12),
        ("examples/minimal/fleet.yaml", 2),
        ("examples/two-clusters/fleet.yaml", 4),
    ] {
        let desired = load(&Path::new(ROOT).join(path), &|_| None)
            .unwrap()
            .desired(&[])
            .unwrap();
        assert_eq!(desired.tenants.len(), tenants, "{path}");
    }
}

#[test]
fn editors_have_the_schema_that_files_are_checked_by() {
    let path = Path::new(ROOT).join("desired/.schema.json");
    let made = format!("{:#}\n", json_schema());
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        written, made,
        "UPDATE_EXPECT=1 rewrites desired/.schema.json"
    );
}

#[test]
fn waivers_of_several_files_are_one_list() {
    let waiver = |object: &str, rest: &str| {
        format!("waivers: [{{ tenants: 'a*', object: {object}, reason: r, owner: o{rest} }}]\n")
    };
    let first = with_head("tenants: { a: {} }\n") + &waiver("view v", ", expires: 2026-12-31");
    let second = "version: 1\n".to_owned() + &waiver("index *", "");
    let folder = folder(&[
        (
            "d/a.yaml",
            &first
                .replace(": template,", ": ../template,")
                .replace("migrations: migrations", "migrations: ../migrations"),
        ),
        ("d/b.yaml", &second),
    ]);
    let waivers = load_in(&folder, "d").unwrap().waivers;
    let told: Vec<(&str, Option<String>)> = waivers
        .iter()
        .map(|one| (one.object.as_str(), one.expires.map(|day| day.to_string())))
        .collect();
    assert_eq!(
        told,
        [("view v", Some("2026-12-31".to_owned())), ("index *", None)]
    );
}
