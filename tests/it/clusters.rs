//! Several clusters side by side, one that is silent, and the examples that people copy.

use serde_json::{Value, json};

use crate::support::cli::{self, Run};
use crate::support::database::Database;
use crate::support::fleet::{Fleet, blocked, outcome, project};

/// acme and globex on `one`, hooli and initech on `two`; the fleet's own database is `one`.
pub fn two() -> (Fleet, Database) {
    let mut fleet = Fleet::small(&["acme", "globex"]);
    let other = Database::new();
    fleet.extra.push_str(
        "clusters:\n  one: { url: '${ONE}', parallel: 2 }\n  two: { url: '${TWO}', parallel: 2 }\n",
    );
    fleet.defaults.push_str("  cluster: one\n");
    for tenant in ["hooli", "initech"] {
        fleet.tenant(tenant, "{ cluster: two }");
    }
    let own = fleet.database.url();
    set(&mut fleet, "ONE", own);
    set(&mut fleet, "TWO", other.url());
    (fleet, other)
}

pub fn set(fleet: &mut Fleet, name: &str, value: String) {
    fleet.env.retain(|(known, _)| known != name);
    fleet.env.push((name.to_owned(), value));
}

pub fn nowhere() -> String {
    "postgres://x@%2Fno%2Fsuch%2Ffolder/x".to_owned()
}

#[test]
fn two_clusters_are_planned_and_applied_side_by_side() {
    let (fleet, other) = two();
    let plan = fleet.plan();
    assert_eq!(
        (&plan["complete"], &plan["summary"]["create"]),
        (&json!(true), &json!(4))
    );
    let clusters: Vec<&Value> = plan["steps"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|step| &step["cluster"])
        .collect();
    assert_eq!(clusters, ["one", "two"]);
    let report = fleet.apply(0);
    assert_eq!(outcome(&report, "hooli")["cluster"], "two");
    assert_eq!(fleet.database.schemas(), ["t_acme", "t_globex", "tenantry"]);
    assert_eq!(other.schemas(), ["t_hooli", "t_initech", "tenantry"]);
    fleet.expect_no_changes();

    let run = "SELECT run FROM tenantry.run";
    assert_eq!(
        fleet.database.texts(run),
        other.texts(run),
        "one run over both"
    );
    let tenants = "SELECT id FROM tenantry.tenant ORDER BY id";
    assert_eq!(fleet.database.texts(tenants), ["acme", "globex"]);
    assert_eq!(other.texts(tenants), ["hooli", "initech"]);
    let steps = "SELECT DISTINCT tenant FROM tenantry.step WHERE tenant <> '' ORDER BY 1";
    assert_eq!(
        other.texts(steps),
        ["hooli", "initech"],
        "each keeps its own tenants' rows"
    );
}

#[test]
fn a_plan_of_which_no_database_answered_has_failed() {
    let (mut fleet, _other) = two();
    set(&mut fleet, "ONE", nowhere());
    set(&mut fleet, "TWO", nowhere());
    for flags in [&["plan"][..], &["plan", "--detailed-exitcode"]] {
        let run = fleet.run(flags).expect(1);
        assert!(run.stdout.contains("unreachable"), "{}", run.stdout);
    }
}

#[test]
fn a_silent_cluster_blocks_its_own_tenants_only() {
    let (mut fleet, other) = two();
    set(&mut fleet, "TWO", nowhere());
    let plan = fleet.plan();
    assert_eq!(plan["complete"], false);
    assert_eq!(blocked(&plan), ["hooli unreachable", "initech unreachable"]);
    assert_eq!(plan["summary"]["create"], 2);
    let human = fleet.run(["plan", "--detailed-exitcode"]).expect(2).stdout;
    assert!(human.contains("cluster two can't be reached"), "{human}");

    let report = fleet.apply(3);
    assert_eq!(report["summary"]["applied"], 2);
    assert_eq!(report["summary"]["blocked"], 2);
    assert_eq!(fleet.database.schemas(), ["t_acme", "t_globex", "tenantry"]);
    assert_eq!(other.schemas(), [""; 0]);
    // The rest needs no flag.
    set(&mut fleet, "TWO", other.url());
    fleet.apply(0);
    assert_eq!(other.schemas(), ["t_hooli", "t_initech", "tenantry"]);
    fleet.expect_no_changes();
}

#[test]
fn a_silent_cluster_is_no_reason_to_say_that_all_is_well() {
    let (mut fleet, _other) = two();
    fleet.apply(0);
    set(&mut fleet, "TWO", nowhere());
    let run = fleet.run(["plan", "--detailed-exitcode"]).expect(2);
    assert!(!run.stdout.contains("No changes."), "{}", run.stdout);
    fleet.run(["apply", "--auto-approve"]).expect(4);
    // Nor are tenants that moved there created twice without a word.
    fleet.tenant("newcomer", "{}");
    let plan = fleet.plan();
    assert!(
        plan["notices"].to_string().contains("creations_unchecked"),
        "{plan:#}"
    );
}

#[test]
fn settings_that_make_no_sense_block_like_silence() {
    for url in ["", "nonsense", "postgres://h:port/x", "mysql://h/x"] {
        let (mut fleet, _other) = two();
        set(&mut fleet, "TWO", url.to_owned());
        let plan = fleet.plan();
        assert_eq!(
            blocked(&plan),
            ["hooli unreachable", "initech unreachable"],
            "{url:?}"
        );
    }
    let (mut fleet, _other) = two();
    fleet.env.retain(|(name, _)| name != "TWO");
    let plan = fleet.plan();
    assert_eq!(blocked(&plan), ["hooli unreachable", "initech unreachable"]);
    assert!(
        plan["blocked"][0]["message"].to_string().contains("TWO"),
        "{plan:#}"
    );
    fleet.run(["validate"]).expect(0);
}

#[test]
fn two_clusters_on_one_database_are_refused() {
    let (mut fleet, other) = two();
    let own = fleet.database.url();
    set(&mut fleet, "TWO", own);
    for args in [&["plan"][..], &["apply", "--auto-approve"]] {
        let run = fleet.run(args).expect(4);
        for words in ["one", "two", "one database"] {
            assert!(run.stderr.contains(words), "{}", run.stderr);
        }
    }
    // The flag goes before every cluster's own url.
    let url = other.url();
    fleet.run(["plan", "--database-url", &url]).expect(4);
    assert_eq!(fleet.database.schemas(), [""; 0]);
    assert_eq!(other.schemas(), [""; 0]);
}

#[test]
fn another_fleets_database_under_one_cluster_refuses_all() {
    let (fleet, other) = two();
    let stranger = Fleet::small(&["x"]);
    let yaml = stranger.yaml().replace("fleet: shop", "fleet: bank");
    stranger.write("bank.yaml", &yaml);
    stranger
        .run([
            "-f",
            "bank.yaml",
            "apply",
            "--auto-approve",
            "--database-url",
            &other.url(),
        ])
        .expect(0);
    let run = fleet.run(["apply", "--auto-approve"]).expect(4);
    assert!(
        run.stderr.contains("belongs to fleet bank"),
        "{}",
        run.stderr
    );
    assert_eq!(fleet.database.schemas(), [""; 0]);
    assert_eq!(other.schemas(), ["t_x", "tenantry"]);
}

#[test]
fn failures_on_one_cluster_leave_the_other_whole() {
    let (fleet, other) = two();
    fleet.apply(0);
    other.run("ALTER TABLE t_hooli.note ADD COLUMN title int");
    fleet.migration("V1__title.sql", "ALTER TABLE note ADD COLUMN title text;\n");
    let report = fleet.apply(3);
    assert_eq!(outcome(&report, "hooli")["error"]["sqlstate"], "42701");
    for tenant in ["acme", "globex", "initech"] {
        assert_eq!(outcome(&report, tenant)["status"], "applied");
    }
}

#[test]
fn the_first_setting_wins() {
    let fleet = Fleet::small(&["acme"]);
    let (flag, own, other) = (Database::new(), Database::new(), Database::new());
    let clusters = (
        "templates:\n",
        "clusters: { default: { url: '${MAIN}' } }\ntemplates:\n",
    );
    let run = |from: &str, to: &str, args: &[&str], env: &[(&str, String)]| {
        fleet.write("edited.yaml", &fleet.yaml().replace(from, to));
        let mut command =
            fleet.command([&["-f", "edited.yaml", "apply", "--auto-approve"], args].concat());
        command.env_remove("DATABASE_URL");
        command.envs(env.iter().map(|(name, value)| (*name, value)));
        cli::run(command).expect(0);
    };
    let made = |database: &Database| !database.schemas().is_empty();
    // DATABASE_URL is the last of the URLs.
    let all = [
        ("MAIN", own.url()),
        ("TENANTRY_DATABASE_URL", other.url()),
        ("DATABASE_URL", fleet.database.url()),
    ];
    run(
        clusters.0,
        clusters.1,
        &["--database-url", &flag.url()],
        &all,
    );
    assert_eq!(
        [made(&flag), made(&own), made(&other), made(&fleet.database)],
        [true, false, false, false]
    );
    run(clusters.0, clusters.1, &[], &all);
    assert_eq!(
        [made(&own), made(&other), made(&fleet.database)],
        [true, false, false]
    );
    run("", "", &[], &all);
    assert_eq!([made(&other), made(&fleet.database)], [true, false]);
    run("", "", &[], &all[2..]);
    assert!(made(&fleet.database));
}

/// An example, with these variables and nothing else.
fn example(name: &str, env: &[(&str, String)], args: &[&str]) -> Run {
    let path = format!("examples/{name}");
    let mut command = cli::tenantry(project(), [&["-f", &path], args].concat());
    command.envs(env.iter().map(|(name, value)| (*name, value)));
    cli::run(command)
}

fn walk(name: &str, env: &[(&str, String)]) {
    let run = |args: &[&str]| example(name, env, args);
    example(name, &[], &["validate"]).expect(0);
    run(&["plan", "--detailed-exitcode"]).expect(2);
    run(&["plan", "--sql"]).expect(0);
    run(&["apply", "--auto-approve"]).expect(0);
    let plan = run(&["plan", "--detailed-exitcode"]).expect(0);
    assert!(plan.stdout.contains("No changes."), "{}", plan.stdout);
    assert_eq!(plan.stderr, "");
}

#[test]
fn the_minimal_example_goes_all_the_way() {
    let database = Database::new();
    walk("minimal", &[("DATABASE_URL", database.url())]);
    assert_eq!(
        database.schemas(),
        ["tenant_alice", "tenant_bob", "tenantry"]
    );
}

#[test]
fn the_example_of_two_clusters_goes_all_the_way() {
    let (main, eu) = (Database::new(), Database::new());
    let env = [
        ("MAIN_DATABASE_URL", main.url()),
        ("EU_DATABASE_URL", eu.url()),
    ];
    walk("two-clusters", &env);
    assert_eq!(
        main.schemas(),
        ["tenantry", "venue_austin-lofts", "venue_harbour-inn"]
    );
    assert_eq!(
        eu.schemas(),
        ["tenantry", "venue_berlin-mitte", "venue_casa-lisboa"]
    );
}
