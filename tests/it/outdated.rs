//! Templates that have changed since tenants were made from them: what `drift` and `plan` say of it.

use serde_json::Value;
use tenantry::config;
use tenantry::model::desired::Cluster;
use tenantry::observe::Targets;
use tenantry::observe::look::{Look, look};
use tenantry::pg::settings::resolve;
use tenantry::plan::diff::{self, Options};

use crate::support::fleet::Fleet;
use crate::support::server::DEPLOY;

const NOTE: &str = "\
CREATE TABLE note (id bigint PRIMARY KEY, body text);
CREATE INDEX note_body_idx ON note (body);
CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql AS $$ SELECT upper($1) $$;
INSERT INTO note VALUES (1, 'hello');
";

/// Two tenants, applied.
fn applied() -> Fleet {
    let mut fleet = Fleet::new(NOTE);
    fleet.add(&["acme", "globex"]);
    fleet.apply(0);
    fleet
}

/// Edits the template.
#[track_caller]
fn edit(fleet: &Fleet, from: &str, to: &str) {
    let template = "template/010_base.sql";
    let text = std::fs::read_to_string(fleet.path(template)).expect("it is there");
    assert!(text.contains(from), "{text}");
    fleet.write(template, &text.replace(from, to));
}

/// What is said after the hashes: of each tenant by `drift`, and of all by a plan.
#[track_caller]
fn told(fleet: &Fleet) -> (Vec<String>, Vec<String>) {
    let report = fleet.run(["drift", "--format", "json"]).expect(0).json();
    assert_eq!(report["summary"]["drifted"], 0, "{report:#}");
    let left = "SELECT nspname::text FROM pg_namespace WHERE nspname LIKE 'tenantry\\_%'";
    assert_eq!(fleet.database.texts(left), [""; 0], "nothing is left");
    (findings(&report), notices(fleet))
}

fn findings(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("a list").iter();
    let outdated = findings.filter(|one| one["kind"] == "template_outdated");
    let line = |one: &Value| {
        let text = |key: &str| one[key].as_str().expect("a text").to_owned();
        assert_eq!(text("level"), "notice");
        let message = text("message");
        let words = message.split_once(" now)").expect("the hashes").1;
        format!("{}{words}", text("tenant"))
    };
    outdated.map(line).collect()
}

/// What a plan says that has looked at the shapes.
fn notices(fleet: &Fleet) -> Vec<String> {
    fleet.run(["validate"]).expect(0);
    let loaded = config::load(&fleet.path("fleet.yaml"), &|_| None).expect("a good file");
    let desired = loaded.desired(&[]).expect("good tenants");
    let cluster = Cluster {
        url: Some(fleet.database.url()),
        ..Cluster::default()
    };
    let target = resolve(None, &cluster, &|_| None).expect("a good URL");
    let clusters = desired.clusters.keys();
    let targets: Targets = clusters
        .map(|name| (name.clone(), Ok(target.clone())))
        .collect();
    let selected = desired.tenants.keys().cloned().collect();
    let looked = look(Look {
        desired: &desired,
        targets: &targets,
        selected: &selected,
        alone: false,
        elsewhere: None,
    });
    let plan = diff::plan(&desired, &looked.observed, &Options::default()).expect("a plan");
    let outdated = plan
        .notices
        .iter()
        .filter(|one| one.code == "template_outdated");
    let line = |one: &tenantry::plan::Notice| {
        let tenants: Vec<&str> = one
            .tenants
            .iter()
            .map(tenantry::model::name::TenantId::as_str)
            .collect();
        let words = one.message.split_once(" now)").expect("the hashes").1;
        format!("{}{words}", tenants.join(" "))
    };
    outdated.map(line).collect()
}

/// Ends the test unless both tenants are said to be outdated by this.
#[track_caller]
fn expect(fleet: &Fleet, words: &str) {
    let (findings, notices) = told(fleet);
    let each = ["acme", "globex"].map(|id| format!("{id}{words}"));
    assert_eq!(findings, each);
    let all = format!("acme globex{words}; a migration brings them along");
    assert_eq!(notices, [all]);
}

#[test]
fn what_the_template_has_by_now_is_named() {
    let fleet = applied();
    edit(&fleet, "body text", "body text, at timestamptz");
    expect(&fleet, ": adds column note.at");
    edit(&fleet, "upper", "lower");
    edit(&fleet, "CREATE INDEX note_body_idx ON note (body);\n", "");
    expect(
        &fleet,
        ": adds column note.at, changes function shout(text), drops index note_body_idx",
    );
    let human = fleet.run(["drift"]).expect(0).stdout;
    assert!(
        human.contains("2 tenants: template base outdated\n    acme, globex\n"),
        "{human}"
    );
    fleet.run(["drift", "--strict"]).expect(2);
}

#[test]
fn where_only_rows_or_words_are_others_it_is_said() {
    let fleet = applied();
    edit(&fleet, "hello", "good day");
    expect(&fleet, ": seed data only");
}

#[test]
fn many_objects_are_a_number() {
    let fleet = applied();
    let table = |number: u32| format!("CREATE TABLE more_{number} (id int PRIMARY KEY);\n");
    fleet.write(
        "template/020_more.sql",
        &(1..6).map(table).collect::<String>(),
    );
    let first = "adds table more_1, table more_2, table more_3, table more_4";
    expect(&fleet, &format!(": {first}, table more_5"));
    fleet.write(
        "template/020_more.sql",
        &(1..9).map(table).collect::<String>(),
    );
    expect(&fleet, &format!(": {first}, and 4 more"));
}

/// Who came by another way is told for himself; a migration that the baseline covers by now is in the template.
#[test]
fn histories_are_told_apart() {
    let mut fleet = Fleet::new(NOTE);
    fleet.add(&["acme", "globex"]);
    fleet.tenant("hooli", "{ tags: [gold] }");
    fleet.migration(
        "V1__at.sql",
        "ALTER TABLE note ADD COLUMN at timestamptz;\n",
    );
    fleet.migration(
        "V2__gold.sql",
        "-- tenantry: only tag:gold\nALTER TABLE note ADD COLUMN gold int;\n",
    );
    fleet.apply(0);
    edit(
        &fleet,
        "body text",
        "body text, at timestamptz, gold int, title text",
    );
    let args = |args: &[&str]| {
        fleet.run_edited(
            "migrations: migrations }",
            "migrations: migrations, baseline: 1 }",
            args,
        )
    };
    let said = findings(&args(&["drift", "--format", "json"]).expect(0).json());
    let both = ": adds column note.gold, column note.title";
    assert_eq!(
        said[..2],
        ["acme", "globex"].map(|id| format!("{id}{both}"))
    );
    let other = "hooli: today's template doesn't build with its migrations: V2__gold.sql:2: ";
    assert!(said[2].starts_with(other), "{said:#?}");
    assert!(said[2].contains("column \"gold\" of relation \"note\" already exists"));
}

#[test]
fn a_template_that_does_not_build_names_its_line() {
    let fleet = applied();
    fleet.write(
        "template/020_more.sql",
        "CREATE TABLE good ();\nCREATE VIEW bad AS SELECT * FROM {{ident:schema}}.nothing;\n",
    );
    let (findings, notices) = told(&fleet);
    for line in findings.iter().chain(&notices) {
        assert!(
            line.contains(": today's template doesn't build with its migrations: "),
            "{line}"
        );
        assert!(line.contains("template/020_more.sql:2: "), "{line}");
        assert!(!line.contains("tenantry_ref_"), "{line}");
    }
    assert_eq!((findings.len(), notices.len()), (2, 1));
    assert_eq!(
        told(&fleet),
        (findings, notices),
        "it is the same each time"
    );
}

/// Values that the template used are those it was made with; new ones are today's.
#[test]
fn values_are_those_of_the_tenants() {
    let mut fleet = Fleet::new("CREATE TABLE note (kind text DEFAULT {{literal:vars.kind}});\n");
    fleet.tenant("acme", "{ vars: { kind: plain } }");
    fleet.tenant("globex", "{ vars: { kind: plain } }");
    fleet.apply(0);
    fleet.tenant("acme", "{ vars: { kind: other, table: more } }");
    fleet.tenant("globex", "{ vars: { kind: plain, table: more } }");
    edit(
        &fleet,
        ");\n",
        ");\nCREATE TABLE {{ident:vars.table}} ();\n",
    );
    expect(&fleet, ": adds table more");
    fleet.tenant("globex", "{ vars: { kind: plain, table: another } }");
    expect(&fleet, ": by the values of one of them adds table more");
}

#[test]
fn who_may_not_build_is_told_what_is_known() {
    let fleet = applied();
    edit(&fleet, "body text", "body text, at timestamptz");
    let revoke = format!(
        "REVOKE CREATE ON DATABASE {} FROM {DEPLOY}",
        fleet.database.name
    );
    fleet.database.run(&revoke);
    expect(&fleet, "");
}
