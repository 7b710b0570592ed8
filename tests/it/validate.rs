//! Files that are wrong: every problem at once, each with its place, and nothing but that.

use std::fmt::Write as _;
use std::fs;

use serde_json::Value;

use crate::support::cli::{self, Run};
use crate::support::fleet::{Fleet, project};
use crate::support::json_schema;

/// A program without database and environment, on these files.
fn validate(files: &[(&str, &str)]) -> Run {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let good = [
        ("template/010_tables.sql", "CREATE TABLE t (id int);\n"),
        ("migrations/V1__one.sql", "SELECT 1;\n"),
        ("migrations/V2__two.sql", "SELECT 2;\n"),
    ];
    for (name, text) in good.iter().chain(files) {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a fresh folder");
        fs::write(path, text).expect("the folder can be written to");
    }
    cli::run(cli::tenantry(folder.path(), ["validate", "-f", "f.yaml"]))
}

const HEAD: &str = "\
version: 1
fleet: payments
defaults: { template: shop, schema: 'acq_{tenant}' }
templates:
  shop: { path: template, migrations: migrations }
";

#[test]
fn twelve_problems_are_twelve_located_messages() {
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
    let run = validate(&[
        ("f.yaml", text),
        ("migrations/notes.sql", ""),
        ("migrations/V02__again.sql", ""),
    ])
    .expect(65);
    assert_eq!(run.stdout, "");
    for (place, words) in [
        ("f.yaml:5:51: ", "basline"),
        ("f.yaml:7:48: ", "whole number"),
        ("f.yaml:8:30: ", "duplicate key `max_failures`"),
        ("f.yaml:10:17: ", "expected a list"),
        ("f.yaml:11:3: ", "Bad_Id"),
        ("f.yaml:13:3: ", "share the schema \"acq_initech\""),
        ("f.yaml:14:22: ", "unknown template `shopp`"),
        ("f.yaml:15:33: ", "CURRENCY isn't set"),
        ("f.yaml:16:12: ", "unknown field `ownr`"),
        ("f.yaml:17:3: ", "duplicate key `globex`"),
        ("migrations/V2__two.sql:1:1: ", "migrations/V02__again.sql"),
        ("migrations/notes.sql:1:1: ", "not a migration"),
    ] {
        let found = run.stderr.lines().find(|line| line.starts_with(place));
        let found = found.unwrap_or_else(|| panic!("no {place} in\n{}", run.stderr));
        assert!(found.contains(words), "{found}");
    }
    assert!(
        run.stderr.ends_with("12 problems in 3 files.\n"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_wrong_file_ends_every_command_before_it_connects() {
    let fleet = Fleet::small(&["acme", "globex"]);
    let wrong = fleet.yaml().replace("acme: {}", "acme: { colour: red }");
    fleet.write("wrong.yaml", &wrong);
    for command in [
        &["plan"][..],
        &["plan", "--format", "json"],
        &["apply", "--auto-approve"],
        &["apply", "--auto-approve", "--format", "json"],
    ] {
        let nowhere = [
            "-f",
            "wrong.yaml",
            "--database-url",
            "postgres:///x?host=/nowhere",
        ];
        let run = fleet.run(command.iter().chain(&nowhere)).expect(65);
        assert_eq!(run.stdout, "", "{command:?}");
        assert!(
            run.stderr.contains("unknown field `colour`"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn the_sample_fleet_is_valid_without_an_environment() {
    let mut command = cli::tenantry(project(), ["validate"]);
    command.env_clear();
    let run = cli::run(command).expect(0);
    assert_eq!(
        run.stdout,
        "Valid: fleet payments, 12 tenants, 1 template, 2 migrations.\n"
    );
    assert_eq!(run.stderr, "");
}

#[test]
fn emptied_and_cut_files_never_read_as_no_tenants() {
    for (rest, words) in [
        ("", "`tenants` is missing"),
        ("tenants:\n", "found nothing"),
        ("tenants: null\n", "found nothing"),
        ("tenants: ~\n", "found nothing"),
        ("tenants: []\n", "expected a map, found a list"),
        ("tenants: { acme: {}, glo", "f.yaml:7:1: "),
    ] {
        let run = validate(&[("f.yaml", &format!("{HEAD}{rest}"))]).expect(65);
        assert!(run.stderr.contains(words), "{rest}: {}", run.stderr);
    }
    for text in ["", "\n", "# all gone\n", "---\n", "null\n", "~\n"] {
        let run = validate(&[("f.yaml", text)]).expect(65);
        assert!(
            run.stderr.contains("f.yaml:1:1: "),
            "{text:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn bombs_and_large_files_end_soon() {
    let mut bomb = format!("{HEAD}tenants: {{}}\nbackups:\n  a: &a [x, x, x, x, x, x, x, x, x]\n");
    for (name, inner) in ["b", "c", "d", "e", "f", "g", "h", "i", "j"]
        .iter()
        .zip("abcdefghi".chars())
    {
        let line = vec![format!("*{inner}"); 9].join(", ");
        writeln!(bomb, "  {name}: &{name} [{line}]").expect("a String takes all");
    }
    let deep = format!("{HEAD}tenants: {}\n", "[".repeat(100_000));
    let large = format!("{HEAD}tenants: {{}}\n#{}\n", " ".repeat(17 << 20));
    for text in [bomb, deep, large] {
        let run = validate(&[("f.yaml", &text)]).expect(65);
        assert!(
            run.stderr.contains("f.yaml:"),
            "{}",
            &run.stderr[..200.min(run.stderr.len())]
        );
        assert!(
            run.stderr.len() < 10_000,
            "{} bytes of messages",
            run.stderr.len()
        );
    }
}

#[test]
fn files_that_lie_elsewhere_or_arent_text_are_refused() {
    let run = validate(&[
        ("f.yaml", &format!("{HEAD}tenants: {{ a: {{}} }}\n")),
        (
            "template/020_commit.sql",
            "CREATE TABLE u (id int);\nCOMMIT;\n",
        ),
        ("template/030_path.sql", "SET search_path = public;\n"),
        (
            "template/040_concurrent.sql",
            "CREATE INDEX CONCURRENTLY ON t (id);\n",
        ),
        ("template/050_meta.sql", "\\i other.sql\n"),
        ("template/060_open.sql", "SELECT $x$ never closed;\n"),
        ("template/070_raw.sql", "SELECT {{vars.x}};\n"),
        (
            "migrations/V3__new_word.sql",
            "-- tenantry: hurry\nSELECT 1;\n",
        ),
    ])
    .expect(65);
    for place in [
        "template/020_commit.sql:2:1: ",
        "template/030_path.sql:1:1: ",
        "template/040_concurrent.sql:1:",
        "template/050_meta.sql:1:1: ",
        "template/060_open.sql:1:8: ",
        "template/070_raw.sql:1:8: ",
        "migrations/V3__new_word.sql:1:",
    ] {
        assert!(run.stderr.contains(place), "no {place} in\n{}", run.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_out_of_its_folder_is_refused() {
    let fleet = Fleet::small(&["acme"]);
    fleet.write("outside.sql", "SELECT 1;\n");
    std::os::unix::fs::symlink(
        fleet.path("outside.sql"),
        fleet.path("migrations/V1__outside.sql"),
    )
    .expect("a link");
    let run = fleet.run(["validate"]).expect(65);
    assert!(
        run.stderr.contains("migrations/V1__outside.sql:1:1: "),
        "{}",
        run.stderr
    );
}

/// One JSON Schema, as printed.
fn schema(of: &str) -> Value {
    let run = cli::run(cli::tenantry(project(), ["schema", of])).expect(0);
    assert_eq!(run.stderr, "");
    let schema = run.json();
    assert!(schema["$schema"].is_string());
    schema
}

#[test]
fn plans_and_reports_are_what_their_schemas_say() {
    let mut fleet = Fleet::small(&["acme", "globex", "hooli", "initech"]);
    fleet.extra = "extensions: [citext, { name: no_such_thing, optional: true }]\n".to_owned();
    fleet.migration("V1__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    let (plan, report) = (schema("plan"), schema("report"));
    let check = |schema: &Value, document: &Value| {
        let problems = json_schema::problems(schema, document);
        assert_eq!(problems, [""; 0], "{document:#}");
    };
    check(&plan, &fleet.plan());
    check(&report, &fleet.apply(0));

    // Now with everything a plan and a report can hold.
    fleet
        .database
        .run("CREATE SCHEMA t_stray; CREATE SCHEMA t_taken; DROP SCHEMA t_hooli CASCADE");
    fleet.remove("globex");
    fleet.tenant("initech", "{ state: absent }");
    fleet.add(&["taken", "umbrella"]);
    fleet.migration(
        "V2__fails.sql",
        "ALTER TABLE note DROP COLUMN tag;\nSELECT 1 / (SELECT count(*) FROM note);\n",
    );
    let full = fleet.plan();
    for section in ["cohorts", "blocked", "withheld", "unmanaged", "notices"] {
        assert_ne!(
            full[section],
            serde_json::json!([]),
            "{section} is empty in {full:#}"
        );
    }
    check(&plan, &full);
    let allow = [
        "apply",
        "--auto-approve",
        "--allow",
        "DELETES_DATA",
        "--format",
        "json",
    ];
    let failed = fleet.run(allow).expect(1).json();
    assert!(
        failed["outcomes"][0]["error"]["file"].is_string(),
        "{failed:#}"
    );
    check(&report, &failed);
}

#[test]
fn the_checker_of_schemas_sees_what_is_wrong() {
    let schema = schema("plan");
    let mut plan = Fleet::small(&["acme"]).plan();
    plan["steps"][0]["action"] = "dance".into();
    plan["summary"]["create"] = "one".into();
    plan["cohorts"][0]["colour"] = "red".into();
    plan.as_object_mut().expect("an object").remove("digest");
    let problems = json_schema::problems(&schema, &plan).join("\n");
    for words in [
        "$.steps[0] fits no branch",
        "$.summary.create is \"one\"",
        "$.cohorts[0].colour isn't in the schema",
        "$ has no \"digest\"",
    ] {
        assert!(problems.contains(words), "no {words} in\n{problems}");
    }
}

#[test]
fn the_schema_of_the_desired_state_knows_the_sample_fleet() {
    let schema = schema("desired");
    assert_eq!(schema["additionalProperties"], false);
    for file in [
        "desired/fleet.yaml",
        "examples/minimal/fleet.yaml",
        "examples/two-clusters/fleet.yaml",
    ] {
        let text = fs::read_to_string(project().join(file)).expect("the file is there");
        let named = text
            .lines()
            .next()
            .and_then(|line| line.strip_prefix("# yaml-language-server: $schema="));
        let named = named.unwrap_or_else(|| panic!("{file} names no schema"));
        let folder = project().join(file);
        let folder = folder.parent().expect("a folder");
        let stored = fs::read_to_string(folder.join(named)).expect("the named schema is there");
        let stored: Value = serde_json::from_str(&stored).expect("it is JSON");
        assert_eq!(stored, schema, "{file}");
    }
    for key in [
        "version",
        "fleet",
        "clusters",
        "defaults",
        "search_path",
        "history_table",
        "extensions",
        "templates",
        "backups",
        "timeouts",
        "rollout",
        "secrets",
        "tenants",
    ] {
        assert!(
            schema["properties"].get(key).is_some(),
            "{key} isn't in the schema"
        );
    }
}
