//! Plans that know what tenants look like: drift is told before anything runs on top of it, and a saved plan is
//! carried out on what it was made for.

use std::fs;

use serde_json::Value;
use tenantry::plan::action::Precondition;
use tenantry::plan::saved::SavedPlan;

use crate::support::cli;
use crate::support::database::Database;
use crate::support::dump;
use crate::support::fleet::{Fleet, blocked, outcome, sample};
use crate::support::json_schema;
use crate::support::server::DEPLOY;

const ORDERS: &str = "
CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    kind varchar(20) NOT NULL CONSTRAINT orders_kind CHECK (kind IN ('retail', 'trade')),
    note text
);
CREATE INDEX orders_open ON orders (kind) WHERE kind NOT IN ('trade', 'none');
";

const NOTED: &str = "ALTER TABLE orders ADD COLUMN noted_at timestamptz;\n";

/// A live fleet of these tenants that has a migration to run.
fn due(tenants: &[&str]) -> Fleet {
    let mut fleet = Fleet::new(ORDERS);
    fleet.add(tenants);
    fleet.apply(0);
    fleet.migration("V1__noted.sql", NOTED);
    fleet
}

/// `code: message` of every notice.
fn notices(plan: &Value) -> Vec<String> {
    let notices = plan["notices"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    notices
        .map(|one| format!("{}: {}", text(&one["code"]), text(&one["message"])))
        .collect()
}

/// The tenants of each cohort.
fn cohorts(plan: &Value) -> Vec<Vec<&str>> {
    let cohorts = plan["cohorts"].as_array().expect("a list").iter();
    cohorts.map(|cohort| names(&cohort["tenants"])).collect()
}

fn names(ids: &Value) -> Vec<&str> {
    let ids = ids.as_array().expect("a list").iter();
    ids.map(|id| id.as_str().expect("text")).collect()
}

/// Changes the saved plan as another program would have written it.
fn rewrite(fleet: &Fleet, change: impl Fn(&mut Precondition)) {
    let place = fleet.path("plan.json");
    let text = fs::read_to_string(&place).expect("it was written");
    let SavedPlan {
        plan_id,
        created_at,
        mut plan,
        ..
    } = SavedPlan::parse(&text).expect("it is as it was written");
    for cohort in &mut plan.cohorts {
        change(&mut cohort.expects);
    }
    let text = SavedPlan::new(plan, plan_id, created_at).to_json();
    fs::write(place, text).expect("it can be written");
}

const APPLY: [&str; 5] = ["apply", "plan.json", "--auto-approve", "--format", "json"];

#[test]
fn drift_is_told_before_a_migration_and_stops_nothing() {
    let fleet = due(&["acme", "globex", "hooli", "initech"]);
    for tenant in ["acme", "hooli"] {
        fleet
            .database
            .run(&format!("DROP INDEX t_{tenant}.orders_open"));
    }
    fleet.database.run(
        "CREATE TABLE t_initech.\"od\x1b[31md\" (); CREATE TABLE t_initech.b (); \
         CREATE TABLE t_initech.c (); CREATE TABLE t_initech.d (); CREATE TABLE t_initech.e ()",
    );
    let run = fleet.run(["plan", "--format", "json"]).expect(0);
    let plan = run.json();
    assert_eq!(
        notices(&plan),
        [
            "drifted: 2 tenants have drifted: index orders_open missing; `tenantry drift` shows it",
            "drifted: 1 tenant has drifted: table \"od\u{1b}[31md\" extra, table b extra, table c extra and 2 more; \
             `tenantry drift` shows it",
        ]
    );
    assert_eq!(names(&plan["notices"][0]["tenants"]), ["acme", "hooli"]);
    assert_eq!(
        cohorts(&plan),
        [vec!["acme", "hooli"], vec!["globex"], vec!["initech"]]
    );
    let schema = fleet.run(["schema", "plan"]).expect(0).json();
    assert_eq!(json_schema::problems(&schema, &plan), [""; 0]);
    assert_eq!(
        fleet.run(["plan", "--format", "json"]).stdout,
        run.stdout,
        "equal input gives equal bytes"
    );
    for format in ["human", "markdown", "github"] {
        let text = fleet.run(["plan", "--format", format]).expect(0).stdout;
        assert!(text.contains("2 tenants have drifted: index"), "{text}");
        assert!(!text.contains('\x1b'), "{text}");
    }
    let report = fleet.apply(0);
    assert_eq!(report["summary"]["applied"], 4);
}

#[test]
fn who_has_drifted_is_blocked_where_the_file_says_so() {
    let mut fleet = due(&["acme", "globex", "hooli"]);
    fleet.database.run("DROP INDEX t_hooli.orders_open");
    fleet.extra = "rollout: { drifted: block }\n".to_owned();
    let plan = fleet.plan();
    assert_eq!(blocked(&plan), ["hooli drifted"]);
    let message = plan["blocked"][0]["message"].as_str().expect("text");
    assert!(message.contains("index orders_open missing"), "{message}");
    let report = fleet.apply(3);
    assert_eq!(report["summary"]["applied"], 2);
    // What is waived doesn't count.
    fleet
        .extra
        .push_str("waivers: [{ tenants: hooli, object: 'index *', reason: r, owner: ops }]\n");
    let plan = fleet.plan();
    assert_eq!(blocked(&plan), [""; 0]);
    assert_eq!(notices(&plan), [""; 0]);
    fleet.apply(0);
    // Nor does drift where nothing is due.
    fleet.extra = "rollout: { drifted: block }\n".to_owned();
    let plan = fleet.plan();
    assert_eq!(blocked(&plan), [""; 0]);
    assert_eq!(notices(&plan).len(), 1);
}

/// A restore brings the words back that the server has for a definition, not those it was made by.
#[test]
fn who_was_restored_stays_with_the_others() {
    let fleet = due(&["acme", "globex", "hooli"]);
    let structure = dump::structure(&fleet.database, "t_globex");
    fleet.database.run("DROP SCHEMA t_globex CASCADE");
    assert_eq!(dump::restore(&fleet.database, &structure), "");
    let plan = fleet.plan();
    assert_eq!(notices(&plan), [""; 0]);
    assert_eq!(cohorts(&plan), [["acme", "globex", "hooli"]]);
    let shapes = &plan["cohorts"][0]["expects"]["shapes"];
    assert_eq!(names(&shapes["fingerprints"]).len(), 2, "{plan:#}");
    fleet.run(["plan", "--out", "plan.json"]).expect(0);
    let report = fleet.run(APPLY).expect(0).json();
    assert_eq!(report["summary"]["applied"], 3);
}

#[test]
fn who_tells_its_own_name_stays_with_the_others() {
    let mut fleet = Fleet::new(
        "CREATE TABLE orders (id int);\nDO $$ BEGIN EXECUTE format('COMMENT ON TABLE orders IS %L', \
         'orders of ' || current_schema()); END $$;\n",
    );
    fleet.add(&["acme", "globex", "hooli"]);
    fleet.apply(0);
    fleet.migration("V1__noted.sql", NOTED);
    let plan = fleet.plan();
    assert_eq!(notices(&plan), [""; 0]);
    assert_eq!(cohorts(&plan), [["acme", "globex", "hooli"]]);
    let shapes = &plan["cohorts"][0]["expects"]["shapes"];
    assert_eq!(names(&shapes["fingerprints"]).len(), 1, "{plan:#}");
    fleet.run(["plan", "--out", "plan.json"]).expect(0);
    fleet
        .database
        .run("COMMENT ON TABLE t_globex.orders IS 'orders of t_acme'");
    let report = fleet.run(APPLY).expect(3).json();
    assert_eq!(outcome(&report, "globex")["status"], "stale");
    assert_eq!(report["summary"]["applied"], 2);
}

#[test]
fn a_saved_plan_is_stale_for_who_looks_otherwise_by_now() {
    let fleet = due(&["acme", "globex", "hooli"]);
    fleet.run(["plan", "--out", "plan.json"]).expect(0);
    fleet
        .database
        .run("CREATE INDEX by_hand ON t_globex.orders (note)");
    let report = fleet.run(APPLY).expect(3).json();
    let stale = outcome(&report, "globex");
    assert_eq!(stale["status"], "stale", "{report:#}");
    let message = stale["error"]["message"].as_str().expect("text");
    assert!(message.contains("its shape isn't the one"), "{message}");
    for tenant in ["acme", "hooli"] {
        assert_eq!(outcome(&report, tenant)["status"], "applied", "{report:#}");
    }
    // A plan of now knows the index.
    let report = fleet.apply(0);
    assert_eq!(outcome(&report, "globex")["status"], "applied");
}

#[test]
fn shapes_of_another_version_or_server_make_nothing_stale() {
    type Change = fn(&mut Precondition);
    let changes: [(i32, Change); 3] = [
        (3, |_| ()),
        (0, |expects| match expects {
            Precondition::History {
                shapes: Some(shapes),
                ..
            } => shapes.shape_version += 1,
            _ => panic!("{expects:?}"),
        }),
        (0, |expects| match expects {
            Precondition::History {
                shapes: Some(shapes),
                ..
            } => shapes.server += 1,
            _ => panic!("{expects:?}"),
        }),
    ];
    for (code, change) in changes {
        let fleet = due(&["acme", "globex"]);
        fleet.run(["plan", "--out", "plan.json"]).expect(0);
        fleet
            .database
            .run("CREATE INDEX by_hand ON t_globex.orders (note)");
        rewrite(&fleet, change);
        fleet.run(APPLY).expect(code);
    }
}

#[test]
fn who_may_build_nothing_plans_with_shapes_unchecked() {
    let fleet = due(&["acme", "globex"]);
    fleet.database.run(&format!(
        "DELETE FROM tenantry.reference; REVOKE CREATE ON DATABASE {} FROM {DEPLOY}",
        fleet.database.name
    ));
    let plan = fleet.plan();
    let told = notices(&plan);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with(
            "shape_unchecked: 2 tenants weren't checked for drift: no reference is kept"
        ),
        "{told:?}"
    );
    assert_eq!(cohorts(&plan), [["acme", "globex"]]);
    assert_eq!(plan["cohorts"][0]["expects"]["shapes"], Value::Null);
    fleet.run(["plan", "--out", "plan.json"]).expect(0);
    fleet
        .database
        .run("CREATE INDEX by_hand ON t_globex.orders (note)");
    fleet.run(APPLY).expect(0);
}

#[test]
fn what_is_compared_in_part_is_told() {
    let fleet = due(&["acme", "globex"]);
    fleet.database.run(&format!(
        "CREATE PUBLICATION {} FOR TABLE t_acme.orders",
        fleet.database.name
    ));
    let plan = fleet.plan();
    assert_eq!(
        notices(&plan),
        [
            "partial: 1 tenant was compared in part: table orders is part of a publication, which isn't compared"
        ]
    );
}

#[test]
fn a_reference_that_was_tampered_with_is_told_of() {
    let fleet = due(&["acme"]);
    fleet
        .database
        .run("UPDATE tenantry.reference SET fingerprint = 'x'");
    let told = notices(&fleet.plan());
    assert!(
        told.len() == 1 && told[0].starts_with("reference_rebuilt: "),
        "{told:?}"
    );
}

#[test]
fn a_clean_fleet_has_no_notices() {
    let sample = sample();
    let database = Database::new();
    let run = |args: &[&str]| {
        let mut command = cli::tenantry(sample.path(), args);
        command
            .env("TENANTRY_FILE", "desired")
            .env("DATABASE_URL", database.url());
        cli::run(command)
    };
    run(&["apply", "--auto-approve"]).expect(0);
    let plan = run(&["plan", "--format", "json"]).expect(0).json();
    assert_eq!(notices(&plan), [""; 0]);
    assert_eq!(plan["applyable"], false);
}
