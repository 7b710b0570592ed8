//! `drift`: who isn't what the files and the history made, in every form, and what it exits with.

use serde_json::Value;

use crate::support::cli::Run;
use crate::support::fleet::Fleet;
use crate::support::json_schema;

const NOTE: &str = "ALTER TABLE note ADD COLUMN at timestamptz;\n";

/// Three tenants, applied: globex's schema is gone, and the file of a migration is another one.
fn diverged() -> Fleet {
    let fleet = Fleet::small(&["acme", "globex", "hooli"]);
    fleet.migration("V1__at.sql", NOTE);
    fleet.apply(0);
    fleet.migration("V1__at.sql", &format!("-- Edited.\n{NOTE}"));
    fleet.database.run("DROP SCHEMA t_globex CASCADE");
    fleet
}

fn json(fleet: &Fleet, args: &[&str]) -> Value {
    let run = fleet.run([&["drift", "--format", "json"], args].concat());
    run.json()
}

/// Tenant, kind and object of the findings of a level.
fn told(report: &Value, level: &str) -> Vec<String> {
    let findings = report["findings"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    findings
        .filter(|one| one["level"] == level)
        .map(|one| {
            ["tenant", "kind", "object"]
                .map(|key| text(&one[key]))
                .join(" ")
        })
        .collect()
}

const DIVERGED: [&str; 3] = [
    "acme history_diverged history",
    "globex missing_schema schema",
    "hooli history_diverged history",
];

#[test]
fn what_histories_and_schemas_say_is_told_in_every_form() {
    let fleet = diverged();
    let run = fleet.run(["drift", "--format", "json"]).expect(2);
    let report = run.json();
    assert_eq!(told(&report, "drift"), DIVERGED);
    assert_eq!(report["summary"]["drifted"], 3);
    let schema = fleet.run(["schema", "drift"]).expect(0).json();
    assert_eq!(json_schema::problems(&schema, &report), [""; 0]);
    assert_eq!(fleet.run(["drift", "--format", "json"]).stdout, run.stdout);

    let human = fleet.run(["drift"]).expect(2).stdout;
    assert!(
        human.contains("\n  2 tenants: history diverged\n    acme, hooli\n"),
        "{human}"
    );
    assert!(human.contains("--provision-empty globex"), "{human}");
    let quiet = fleet.run(["drift", "-q"]).expect(2).stdout;
    assert!(quiet.starts_with("Drift: 3 of 3 tenants differ"), "{quiet}");
    let page = fleet
        .run(["drift", "--format", "markdown"])
        .expect(2)
        .stdout;
    assert!(
        page.starts_with("### tenantry drift of `shop`\n\n**Drift: 3 of 3 tenants"),
        "{page}"
    );

    let junit = fleet.run(["drift", "--format", "junit"]).expect(2).stdout;
    let document = roxmltree::Document::parse(&junit).expect("it is XML");
    let cases = document
        .descendants()
        .filter(|node| node.has_tag_name("testcase"));
    let names: Vec<&str> = cases.filter_map(|case| case.attribute("name")).collect();
    assert_eq!(names, ["acme", "globex", "hooli"]);
    assert_eq!(junit.matches("<failure ").count(), 3, "{junit}");
}

#[test]
fn only_the_tenants_that_were_picked_are_looked_at() {
    let fleet = diverged();
    let report = json(&fleet, &["--tenant", "hoo*"]);
    assert_eq!(told(&report, "drift"), DIVERGED[2..]);
    assert!(!report.to_string().contains("acme"), "{report:#}");
    fleet.run(["drift", "--tenant", "nobody"]).expect(64);
}

#[test]
fn a_schema_of_another_owner_has_drifted_until_somebody_answers_for_it() {
    let mut fleet = Fleet::small(&["acme", "globex"]);
    fleet.apply(0);
    let role = fleet.database.texts("SELECT current_user::text").concat();
    let sql = format!("ALTER SCHEMA t_acme OWNER TO {role}");
    fleet.database.run(&sql);
    fleet.run(["drift"]).expect(2);
    let waiver = |expires: &str| {
        format!(
            "waivers: [{{ tenants: 'a*', object: schema, reason: r, owner: ops, expires: {expires} }}]\n"
        )
    };
    fleet.extra = waiver("2999-12-31");
    let report = json(&fleet, &[]);
    assert_eq!(report["summary"]["waived"], 1);
    assert_eq!(report["findings"][0]["waived"]["owner"], "ops");
    assert_ne!(fleet.run(["drift"]).code, Some(2));
    fleet.extra = waiver("2001-12-31");
    let report = json(&fleet, &[]);
    assert_eq!(report["summary"]["waived"], 0);
    assert_eq!(told(&report, "notice"), ["- expired_waiver waiver schema"]);
    fleet.run(["drift"]).expect(2);
}

#[test]
fn a_baseline_makes_only_what_is_new_fail() {
    let fleet = diverged();
    fleet
        .run(["drift", "--format", "json", "--output", "known.json"])
        .expect(2);
    let known = || -> Run { fleet.run(["drift", "--baseline", "known.json", "--format", "json"]) };
    let run = known();
    assert_eq!(run.json()["summary"]["new"], 0);
    assert_ne!(run.code, Some(2));
    fleet.database.run("DROP SCHEMA t_hooli CASCADE");
    let report = known().expect(2).json();
    let new: Vec<&Value> = report["findings"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|one| one["new"] == true)
        .collect();
    assert_eq!(new.len(), 1, "{report:#}");
    assert_eq!(new[0]["kind"], "missing_schema");
}

#[test]
fn what_is_no_baseline_is_refused_before_any_database_is_asked() {
    let fleet = diverged();
    fleet
        .run(["plan", "--format", "json", "--output", "plan.json"])
        .expect(0);
    fleet
        .run(["drift", "--format", "json", "--output", "drift.json"])
        .expect(2);
    let text = std::fs::read_to_string(fleet.path("drift.json")).expect("it was written");
    fleet.write("other.json", &text.replace("\"shop\"", "\"other\""));
    fleet.write(
        "newer.json",
        &text.replace("\"format_version\": \"1.0\"", "\"format_version\": \"2.0\""),
    );
    for (file, why) in [
        ("none.json", "No such file"),
        ("plan.json", "isn't a report of drift"),
        ("other.json", "is of fleet \"other\"; this is fleet shop"),
        ("newer.json", "has format \"2.0\""),
    ] {
        let nowhere = "postgres://nobody@127.0.0.1:1/none";
        let run = fleet
            .run(["drift", "--baseline", file, "--database-url", nowhere])
            .expect(64);
        assert!(
            run.stderr.contains(file) && run.stderr.contains(why),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_database_that_does_not_answer_is_never_in_sync() {
    let fleet = Fleet::small(&["acme"]);
    let nowhere = "postgres://nobody@127.0.0.1:1/none";
    let run = fleet.run(["drift", "--database-url", nowhere]).expect(1);
    assert!(
        run.stdout.contains("This report is incomplete"),
        "{}",
        run.stdout
    );
    assert!(
        run.stdout.contains("acme: database unreadable"),
        "{}",
        run.stdout
    );
    let page = fleet
        .run(["drift", "--format", "junit", "--database-url", nowhere])
        .expect(1);
    assert!(
        page.stdout
            .contains("<error message=\"database unreadable\""),
        "{}",
        page.stdout
    );
}

#[test]
fn the_password_of_a_reference_url_is_never_shown() {
    let fleet = Fleet::small(&["acme"]);
    for url in [
        "postgres://u:hunter2@127.0.0.1:1/none",
        "postgres://u:hunter2@127.0.0.1:1/none?nonsense=hunter2",
        "host=127.0.0.1 password=hunter2 port=x",
    ] {
        let run = fleet.run(["drift", "-vv", "--reference-url", url]);
        assert!(!run.all().contains("hunter2"), "{}", run.all());
    }
    let run = fleet.run(["drift", "--reference-url", "nonsense"]);
    assert!(run.stderr.contains("--reference-url"), "{}", run.stderr);
}

const SHOP: &str = "\
CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL);
CREATE INDEX note_body_idx ON note (body);
CREATE FUNCTION shout(text) RETURNS text LANGUAGE sql AS $$ SELECT upper($1) $$;
";

#[test]
fn a_fleet_as_it_was_made_is_one_line_and_what_is_pending_is_no_drift() {
    let mut fleet = Fleet::new(SHOP);
    fleet.add(&["acme", "globex", "hooli"]);
    fleet.apply(0);
    let said = "No drift. 3 tenants are what their histories say.\n";
    assert_eq!(fleet.run(["drift", "--strict"]).expect(0).stdout, said);
    fleet.migration("V1__at.sql", NOTE);
    assert_eq!(fleet.run(["drift"]).expect(0).stdout, said);
    fleet.apply(0);
    assert_eq!(fleet.run(["drift"]).expect(0).stdout, said);
}

#[test]
fn what_was_changed_by_hand_is_told_once_for_all_and_names_nobody_else() {
    let mut fleet = Fleet::new(SHOP);
    fleet.add(&["acme", "globex", "hooli"]);
    fleet.apply(0);
    fleet.database.run(
        "DROP INDEX t_acme.note_body_idx; DROP INDEX t_globex.note_body_idx;
         ALTER TABLE t_acme.note ALTER body DROP NOT NULL",
    );
    let run = fleet.run(["drift", "--format", "json"]).expect(2);
    assert!(!run.stdout.contains("hooli"), "{}", run.stdout);
    let report = run.json();
    assert_eq!(
        told(&report, "drift"),
        [
            "acme missing index note_body_idx",
            "acme changed column note.body",
            "globex missing index note_body_idx",
        ]
    );
    let human = fleet.run(["drift"]).expect(2).stdout;
    assert!(
        human.contains("  2 tenants: index note_body_idx missing\n    acme, globex\n"),
        "{human}"
    );
    fleet.extra = "waivers: [{ tenants: '*', object: '*', reason: r, owner: o }]\n".to_owned();
    fleet.run(["drift"]).expect(0);
}

/// A comment says what it likes, and does nothing.
#[test]
fn text_of_strangers_acts_in_no_form() {
    let mut fleet = Fleet::new(SHOP);
    fleet.add(&["acme"]);
    fleet.apply(0);
    fleet.database.run(
        "COMMENT ON TABLE t_acme.note IS E'\\x1b[2J ]]> </failure>\\n```\\n<img src=x> @you \u{202e}';
         CREATE TABLE t_acme.\"<b>\\x1b ]]>\" ()",
    );
    for format in ["human", "json", "markdown", "junit"] {
        let said = fleet.run(["drift", "--format", format]).expect(2).stdout;
        assert!(!said.contains(['\u{1b}', '\u{202e}']), "{said:?}");
        match format {
            "json" => drop(serde_json::from_str::<Value>(&said).expect("it is JSON")),
            "junit" => {
                let document = roxmltree::Document::parse(&said).expect("it is XML");
                assert_eq!(said.matches("<failure ").count(), 2, "{said}");
                assert!(!document.descendants().any(|node| node.has_tag_name("img")));
            }
            _ => {}
        }
    }
}
