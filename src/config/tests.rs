//! Whole desired states, good and bad, through `load`.

use std::fs;
use std::path::Path;
use std::time::Duration;

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

#[test]
fn structure_is_told_with_its_place() {
    for (text, expected) in [
        (
            "",
            "f.yaml:1:1: the file is empty | A desired state begins with `version: 1`, `fleet:` and `tenants:`.",
        ),
        (
            "# nothing\n",
            "f.yaml:1:1: the file is empty | A desired state begins with `version: 1`, `fleet:` and `tenants:`.",
        ),
        (
            "- a\n",
            "f.yaml:1:1: the file: expected a map, found a list",
        ),
        (
            "version: 1\ntenants: {}\n",
            "f.yaml:1:1: `fleet` is missing | Add `fleet: <name>`.",
        ),
        (
            "version: 1\nfleet: f\n",
            "f.yaml:1:1: `tenants` is missing | Add `tenants:`; an empty fleet says `tenants: {}`.",
        ),
        (
            "fleet: f\ntenants: {}\n",
            "f.yaml:1:1: the file has no `version` | Add `version:`.",
        ),
        (
            "version: 2\nfleet: f\ntenants: {}\n",
            "f.yaml:1:10: `version` is 2; it must be 1",
        ),
        (
            "version: 1\nfleet: f\ntenants:\n",
            "f.yaml:3:1: `tenants`: expected a map, found nothing | Write `{}` if it is meant to be empty.",
        ),
        (
            "version: 1\nfleet: 5\ntenants: {}\n",
            "f.yaml:2:8: `fleet`: expected text, found a number | Put it in quotes.",
        ),
        (
            "version: 1\nfleet: f\ntenants: { a: \n",
            "f.yaml:4:1: while parsing a node, did not find expected node content",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\n---\nversion: 1\n",
            "f.yaml:4:1: a second YAML document begins here | Put it into a file of its own.",
        ),
        (
            "version: 1\nfleet: !x f\ntenants: {}\n",
            "f.yaml:2:8: YAML tags (`!…`) mean nothing here | Remove the tag.",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\ntenants_from: { query: select }\n",
            "f.yaml:4:1: `tenants_from` isn't supported yet | Remove it.",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\nclusters: { a: { direct_url: x } }\n",
            "f.yaml:4:18: `direct_url` isn't supported yet | Remove it.",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\nclusters: { a: { password_command: [x] } }\n",
            "f.yaml:4:18: `password_command` isn't supported yet | Remove it.",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\nrollout: { drifted: blok }\n",
            "f.yaml:4:21: `drifted`: unknown word `blok`; it is one of `warn`, `block` | Did you mean `block`?",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\nextensions: [5]\n",
            "f.yaml:4:14: an item of `extensions`: expected text or a map, found a number | Put it in quotes.",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\nextensions: [{ schema: x }]\n",
            "f.yaml:4:14: an item of `extensions` has no `name` | Add `name:`.",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\nextensions: [a, { name: a }]\n",
            "f.yaml:4:17: extension `a` is declared twice; the other is at f.yaml:4:14 | Keep one of them.",
        ),
        (
            "version: 1\nfleet: f\ntenants: {}\nsearch_path: [$user]\n",
            "f.yaml:4:1: `$user` in search_path would be another schema for every role | Name the schema itself.",
        ),
    ] {
        assert_eq!(problems(text), [expected], "{text}");
    }
}

#[test]
fn values_are_told_with_their_place() {
    for (rest, expected) in [
        (
            "tenants: { a: }\n",
            "f.yaml:6:12: `a`: expected a map, found nothing | Write `{}` if it is meant to be empty.",
        ),
        (
            "tenants:\n  x: &x {}\n  *x : {}\n",
            "f.yaml:8:3: a key must be a plain word | Write the word itself, not an alias, a list or a map.",
        ),
        (
            "tenants:\n  x: &x {}\n  y:\n    <<: *x\n",
            "f.yaml:9:5: merge keys (`<<`) aren't supported | Put what is shared under `defaults`, or write it out.",
        ),
        (
            "tenants: { a: { restore_from: { backup: latest } } }\n",
            "f.yaml:6:17: `restore_from` isn't supported yet | Remove it.",
        ),
        (
            "tenants: { a: { state: gone } }\n",
            "f.yaml:6:24: `state`: unknown word `gone`; it is one of `present`, `suspended`, `absent`",
        ),
        (
            "tenants: { a: { schema: pg_a } }\n",
            "f.yaml:6:25: schema \"pg_a\" is PostgreSQL's own (pg_*) | Choose another schema.",
        ),
        (
            "tenants: { a: { schema: shared } }\nsearch_path: [shared]\n",
            "f.yaml:6:25: schema \"shared\" is declared as shared by all tenants | Choose another schema.",
        ),
        (
            "tenants: { a: { schema: extensions } }\nextensions: [citext]\n",
            "f.yaml:6:25: schema \"extensions\" is declared as shared by all tenants | Choose another schema.",
        ),
        (
            &format!("tenants: {{ a: {{ schema: {} }} }}\n", "é".repeat(32)),
            &format!(
                "f.yaml:6:25: schema name \"{}\" is 64 bytes long; PostgreSQL keeps 63 | Choose another name.",
                "é".repeat(32)
            ),
        ),
        (
            &format!("tenants: {{ {}: {{}} }}\n", "a".repeat(60)),
            &format!(
                "f.yaml:6:12: schema name \"acq_{}\" is 64 bytes long; PostgreSQL keeps 63 | Choose another name.",
                "a".repeat(60)
            ),
        ),
        (
            "tenants: { a: { cluster: eu } }\n",
            "f.yaml:6:26: unknown cluster `eu` | Use one of `default`.",
        ),
        (
            "tenants: { a: {} }\nclusters: { x: {}, y: {} }\n",
            "f.yaml:6:12: tenant `a` names no cluster | Add `cluster:` to it, or to `defaults`.",
        ),
        (
            "tenants: { a: { backup: nightly } }\n",
            "f.yaml:6:25: unknown backup policy `nightly` | Declare it under `backups.policies`.",
        ),
        (
            "tenants: { a: { timeouts: { lock: 5 } } }\n",
            "f.yaml:6:35: `lock`: expected text, found a number | Put it in quotes.",
        ),
        (
            "tenants: { a: { timeouts: { lock: 0s } } }\n",
            "f.yaml:6:35: `0s` isn't longer than nothing | Write it like `5s` or `10min`.",
        ),
        (
            "tenants: { a: { owner: '${SECRET}' } }\nsecrets: [SECRET]\n",
            "f.yaml:6:24: `owner` would show the secret SECRET | Use a variable that isn't a secret.",
        ),
        (
            "tenants: {}\ntimeouts: { statement: 30d }\n",
            "f.yaml:7:24: `30d` isn't from 1ms to 24d | Write it like `5s` or `10min`.",
        ),
        (
            "tenants: {}\nrollout: { max_failures: '5' }\n",
            "f.yaml:7:26: `5` is neither a number nor per cent up to 100% | Write it like `3` or `5%`.",
        ),
        (
            "tenants: {}\nclusters: { x: { parallel: 0 } }\n",
            "f.yaml:7:28: `parallel` is 0; it must be from 1 to 1000",
        ),
        (
            "tenants: {}\nclusters: { x: { url: '${A' } }\n",
            "f.yaml:7:23: `url`: `${` begins a variable that `}` doesn't end | Set the variable, or write ${NAME:-default}.",
        ),
        (
            "tenants: {}\nbackups: { policies: { p: { schedule: 0 2 * *, keep: { last: 1 } } } }\n",
            "f.yaml:7:39: `0 2 * *` is no schedule: Pattern must have 5 fields when seconds are disallowed | Write minute, hour, day, month and weekday, such as `0 2 * * *`.",
        ),
        (
            "tenants: {}\nbackups: { policies: { p: { schedule: 0 2 * * *, timezone: Mars, keep: { last: 1 } } } }\n",
            "f.yaml:7:60: unknown time zone `Mars` | Use a name of the IANA database, such as `Europe/Berlin`.",
        ),
        (
            "tenants: {}\nbackups: { policies: { p: { schedule: 0 2 * * *, keep: { min_good: 1 } } } }\n",
            "f.yaml:7:50: `keep` has no rule that keeps a backup | Add a rule, such as `within: 30d` or `last: 3`.",
        ),
        (
            "tenants: {}\nbackups: { policies: { p: { keep: { last: 1 } } } }\n",
            "f.yaml:7:24: `p` has no `schedule` | Add `schedule:`.",
        ),
    ] {
        assert_eq!(problems(&with_head(rest)), [expected], "{rest}");
    }
}

#[test]
fn a_broken_default_is_told_once_whatever_leans_on_it() {
    let tenants = "tenants: { a: {}, b: {}, c: { backup: nightly } }\n";
    for (head, expected) in [
        (
            "defaults: { template: 5 }",
            "f.yaml:3:23: `template`: expected text, found a number | Put it in quotes.",
        ),
        (
            "defaults: { template: shopp }",
            "f.yaml:3:23: unknown template `shopp` | Did you mean `shop`?",
        ),
        (
            "defaults: { template: shop, schema: acq }",
            "f.yaml:3:37: the naming convention \"acq\" must hold {tenant} once | Write it like `acq_{tenant}`.",
        ),
    ] {
        let text = format!(
            "version: 1\nfleet: f\n{head}\ntemplates: {{ shop: {{ path: template }} }}\n\
             backups: {{ policies: {{ nightly: {{ schedule: 0 2 * * *, keep: {{ last: 1 }} }} }} }}\n{tenants}"
        );
        assert_eq!(problems(&text), [expected], "{head}");
    }
}

#[test]
fn a_broken_template_is_not_an_unknown_one() {
    let text = "version: 1\nfleet: f\ndefaults: { template: shop }\ntemplates: { shop: { pth: template } }\ntenants: { a: {} }\n";
    let expected = "f.yaml:4:22: unknown field `pth` | Did you mean `path`?";
    assert_eq!(problems(text), [expected]);
}

#[test]
fn everything_that_can_be_said_is_understood() {
    let desired = loaded(&with_head(
        "\
clusters:
  main: { url: 'postgres://${HOST}/db', parallel: 8 }
  eu: {}
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
    assert_eq!(b.timeouts.statement.0, Duration::from_secs(3600));
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
fn an_unreadable_file_hides_nothing_in_the_others() {
    let folder = folder(&[
        ("d/1.yaml", "version: 1\nfleet: [\n"),
        (
            "d/2.yaml",
            "version: 1\ntenants: { a: { template: shop, state: gone } }\n",
        ),
    ]);
    let found = load_in(&folder, "d").unwrap_err();
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("d/1.yaml:3:1: "), "{found:#?}");
    assert!(found[1].starts_with("d/2.yaml:2:40: `state`"), "{found:#?}");
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
            "empty:1:1: can't be read: the folder holds no *.yaml or *.yml file | Name the desired state's file or folder with -f.",
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
fn documents_that_unfold_without_end_are_refused_quickly() {
    let mut laughs = "version: 1\nfleet: f\na0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..10 {
        let alias = format!("*a{}", n - 1);
        laughs += &format!("a{n}: &a{n} [{}]\n", vec![alias; 10].join(", "));
    }
    let deep = format!("version: 1\ntenants: {}", "[".repeat(1_000_000));
    let nested = format!("version: 1\ntenants: {}{}", "[".repeat(33), "]".repeat(33));
    let wide = format!("version: 1\nsecrets: [{}]", "a,".repeat(1_000_001));
    for (text, expected) in [
        (laughs, "the document unfolds to more than 1000000 values"),
        (deep, "recursion limit exceeded"),
        (nested, "nested deeper than 32 levels"),
        (wide, "the document unfolds to more than 1000000 values"),
        (
            "a: &a [*a]".to_owned(),
            "an alias inside the value it stands for",
        ),
    ] {
        let found = problems(&text);
        assert!(
            found.len() == 1 && found[0].contains(expected),
            "{found:#?}"
        );
    }
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
        "migrations/V6__six.sql:1:1: not UTF-8",
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
        let desired = load(&Path::new(ROOT).join(path), &|_| None).unwrap();
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
