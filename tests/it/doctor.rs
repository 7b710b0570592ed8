//! What `doctor` finds, and that its hints are SQL that helps.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use serde_json::{Value, json};

use crate::support::cli::Run;
use crate::support::database::Database;
use crate::support::fleet::Fleet;
use crate::support::pooler::{Pooler, Pooling};
use crate::support::server::{DEPLOY, OWNER};

fn doctor(fleet: &Fleet, code: i32, args: &[&str]) -> Value {
    let all = [&["doctor", "--format", "json"], args].concat();
    fleet.run(all).expect(code).json()
}

/// The checks of a word that aren't well, as `status message | hint`.
fn found(doctor: &Value, check: &str) -> Vec<String> {
    let checks = doctor["checks"].as_array().expect("checks");
    let text = |one: &Value, key: &str| one[key].as_str().unwrap_or_default().to_owned();
    let line = |one: &Value| {
        format!(
            "{} {} | {}",
            text(one, "status"),
            text(one, "message"),
            text(one, "hint")
        )
    };
    let of_word: Vec<&Value> = checks.iter().filter(|one| one["check"] == check).collect();
    assert!(!of_word.is_empty(), "no {check} in {doctor:#}");
    of_word
        .into_iter()
        .filter(|one| one["status"] != "ok")
        .map(line)
        .collect()
}

fn found_one(doctor: &Value, check: &str) -> String {
    found(doctor, check).remove(0)
}

/// The words of all checks that aren't well.
fn ill(doctor: &Value) -> Vec<String> {
    let checks = doctor["checks"].as_array().expect("checks").iter();
    let ill = checks.filter(|one| one["status"] != "ok");
    ill.map(|one| {
        format!(
            "{} {}",
            one["status"].as_str().expect("a word"),
            one["check"].as_str().expect("a word")
        )
    })
    .collect()
}

/// A small fleet, on a machine whose client programs are new enough for any server. A pooler, which would be one
/// more finding, stands before it where a test puts one.
fn fleet(tenants: &[&str]) -> Fleet {
    let mut fleet = Fleet::small(tenants);
    let bin = programs(&fleet, "99beta1");
    fleet.env.push(("TENANTRY_PG_BIN".to_owned(), bin));
    let url = fleet.database.direct_url();
    fleet.env.push(("DATABASE_URL".to_owned(), url));
    fleet
}

/// A role that may log in and nothing else, which the program connects as.
fn stranger(fleet: &mut Fleet) -> String {
    let role = format!("stranger_{}", fleet.database.name);
    fleet
        .database
        .run(&format!("CREATE ROLE {role} LOGIN PASSWORD 'tests-only'"));
    let url = fleet.database.direct_url().replace(DEPLOY, &role);
    fleet.env.push(("DATABASE_URL".to_owned(), url));
    role
}

fn hints(doctor: &Value) -> Vec<String> {
    let checks = doctor["checks"].as_array().expect("checks").iter();
    let failed = checks.filter(|one| one["status"] == "failed");
    failed
        .map(|one| one["hint"].as_str().expect("a hint").to_owned())
        .collect()
}

#[test]
fn a_healthy_fleet_is_well_before_and_after_its_first_apply() {
    let mut fleet = fleet(&["acme"]);
    fleet.extra = "extensions: [citext]\nsearch_path: [extensions]\n".to_owned();
    let checkup = doctor(&fleet, 0, &[]);
    assert_eq!(ill(&checkup), [""; 0], "{checkup:#}");
    assert_eq!(fleet.database.schemas(), [""; 0], "nothing is left behind");
    fleet.apply(0);
    let checkup = doctor(&fleet, 0, &[]);
    assert_eq!(ill(&checkup), [""; 0], "{checkup:#}");
    assert_eq!(
        (&checkup["format_version"], &checkup["fleet"]),
        (&json!("1.0"), &json!("shop"))
    );
    let checks = checkup["checks"].as_array().expect("checks");
    assert_eq!(
        checkup["summary"],
        json!({ "ok": checks.len(), "warning": 0, "failed": 0, "unknown": 0 })
    );
    assert!(
        checks
            .iter()
            .all(|one| one["cluster"] == "default" && one["hint"].is_null()),
        "{checkup:#}"
    );
    let text = fleet.run(["doctor"]).expect(0).stdout;
    for words in [
        "Cluster default\n",
        "  ok      connection     ",
        "from DATABASE_URL, with a password of",
        "those of 1 tenant can be read",
        "version 1 of fleet shop",
        &format!(
            "Doctor: {} ok, 0 warnings, 0 failed, 0 unknown.\n",
            checks.len()
        ),
    ] {
        assert!(text.contains(words), "no {words} in\n{text}");
    }
    assert!(!text.contains("tests-only"), "{text}");
    let quiet = fleet.run(["doctor", "-q"]).expect(0).stdout;
    assert_eq!(quiet.lines().count(), 1, "{quiet}");
}

#[test]
fn missing_rights_are_spelled_out_as_sql_that_gives_them() {
    let mut fleet = fleet(&["acme"]);
    let role = stranger(&mut fleet);
    let odd = format!("odd\"; -- \n{}", fleet.database.name);
    fleet.tenant("globex", &format!("{{ owner: {} }}", json!(odd)));
    fleet.database.run("CREATE SCHEMA shared");
    fleet.extra = "search_path: [shared]\n".to_owned();
    let checkup = doctor(&fleet, 1, &[]);
    assert_eq!(
        ill(&checkup),
        [
            "failed create",
            "failed owners",
            "failed owners",
            "failed search_path"
        ],
        "{checkup:#}"
    );
    let how = if fleet
        .database
        .count("SELECT current_setting('server_version_num')::int8")
        >= 160_000
    {
        " WITH INHERIT FALSE, SET TRUE"
    } else {
        ""
    };
    let hints_now = hints(&checkup);
    assert!(
        hints_now.contains(&format!("GRANT \"{OWNER}\" TO \"{role}\"{how};")),
        "{hints_now:#?}"
    );
    assert!(
        hints_now.contains(&format!(
            "GRANT CREATE ON DATABASE \"{}\" TO \"{role}\";",
            fleet.database.name
        )),
        "{hints_now:#?}"
    );
    assert!(
        hints_now.iter().all(|hint| !hint.contains('\n')),
        "{hints_now:#?}"
    );
    for hint in hints_now {
        fleet.database.run(&hint);
    }
    // A role that doesn't exist yet couldn't be asked for its rights.
    let checkup = doctor(&fleet, 1, &[]);
    assert_eq!(ill(&checkup), ["failed search_path"], "{checkup:#}");
    for hint in hints(&checkup) {
        fleet.database.run(&hint);
    }
    assert_eq!(ill(&doctor(&fleet, 0, &[])), [""; 0]);
    fleet.apply(0);
    fleet.expect_no_changes();
}

#[test]
fn a_role_that_may_not_connect_is_told_so() {
    let mut fleet = fleet(&["acme"]);
    stranger(&mut fleet);
    let database = fleet.database.name.clone();
    fleet.database.run(&format!(
        "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC"
    ));
    let connection = &found(&doctor(&fleet, 1, &[]), "connection")[0];
    assert!(
        connection.contains("CONNECT privilege") && connection.contains("| GRANT CONNECT"),
        "{connection}"
    );
}

/// What the check of poolers finds: `ok` and its message, or what isn't well.
fn pooler(fleet: &Fleet, code: i32, args: &[&str]) -> Vec<String> {
    let checkup = doctor(fleet, code, args);
    let ill = found(&checkup, "pooler");
    if !ill.is_empty() {
        return ill;
    }
    let checks = checkup["checks"].as_array().expect("checks");
    let one = checks.iter().find(|one| one["check"] == "pooler");
    vec![format!("ok {}", one.expect("the check")["message"])]
}

/// Gives the one cluster this `direct_url`.
fn direct(fleet: &mut Fleet, url: &str) {
    fleet.extra = format!("clusters: {{ main: {{ direct_url: {} }} }}\n", json!(url));
}

#[test]
fn a_pooler_is_a_warning_until_there_is_a_way_past_it() {
    let mut fleet = fleet(&["acme"]);
    assert_eq!(pooler(&fleet, 0, &[]), ["ok \"none\""]);
    let past = fleet.database.direct_url();
    direct(&mut fleet, &past);
    let found = pooler(&fleet, 0, &[]);
    assert!(
        found[0].contains("ok \"none; `direct_url` leads to the same database"),
        "{found:?}"
    );

    let between = Pooler::start(Pooling::of(3));
    let url = between.url(&fleet.database.name);
    fleet.env.push(("DATABASE_URL".to_owned(), url.clone()));
    fleet.extra.clear();
    let checkup = doctor(&fleet, 0, &[]);
    assert_eq!(ill(&checkup), ["warning pooler"], "{checkup:#}");
    let words = &found_one(&checkup, "pooler");
    assert!(
        words.contains("need a session | Set `direct_url:` of cluster default"),
        "{words}"
    );
    direct(&mut fleet, &past);
    let found = pooler(&fleet, 0, &[]);
    assert!(found[0].contains("`direct_url` leads past it"), "{found:?}");
    // The flag leads elsewhere altogether.
    let found = pooler(&fleet, 0, &["--database-url", &url]);
    assert!(found[0].contains("| Leave --database-url out"), "{found:?}");
    direct(&mut fleet, &url);
    let found = pooler(&fleet, 1, &[]);
    assert!(
        found[0].starts_with("failed `direct_url` leads to a transaction-pooling proxy too"),
        "{found:?}"
    );
}

#[test]
fn a_direct_url_that_leads_elsewhere_is_told() {
    let mut fleet = fleet(&["acme"]);
    let here = fleet.database.direct_url();
    let other = Database::new();
    for (url, words) in [
        (other.direct_url(), "leads to another database, \"t_"),
        (
            here.replace(DEPLOY, "nobody_there"),
            "role \"nobody_there\" does not exist",
        ),
        (
            here.replace(&fleet.database.name, "not_there"),
            "database \"not_there\" does not exist",
        ),
        (
            "host=/nowhere password=hush".to_owned(),
            "`direct_url` leads nowhere: /nowhere:5432",
        ),
        (
            "host=x pasword=hush".to_owned(),
            "connection settings (`direct_url`)",
        ),
        ("host=x password=${NOT_SET}".to_owned(), "NOT_SET isn't set"),
    ] {
        direct(&mut fleet, &url);
        let run = fleet.run(["doctor", "--format", "json"]).expect(1);
        assert!(
            !run.all().contains("hush") && !run.all().contains("tests-only"),
            "{}",
            run.all()
        );
        let checkup = run.json();
        assert_eq!(ill(&checkup), ["failed pooler"], "{checkup:#}");
        let found = found_one(&checkup, "pooler");
        assert!(found.contains(words) && !found.ends_with("| "), "{found}");
    }
}

#[test]
fn a_direct_url_may_be_of_another_role_that_can_become_the_owners() {
    let mut fleet = fleet(&["acme"]);
    let url = fleet.database.superuser_url();
    direct(&mut fleet, &url);
    let found = pooler(&fleet, 0, &[]);
    assert!(
        found[0].starts_with("warning `direct_url` connects as \"postgres\", a superuser"),
        "{found:?}"
    );
    let url = fleet.database.direct_url();
    let role = stranger(&mut fleet);
    direct(&mut fleet, &url.replace(DEPLOY, &role));
    fleet.env.pop();
    let checkup = doctor(&fleet, 1, &[]);
    assert_eq!(ill(&checkup), ["failed pooler"], "{checkup:#}");
    let hint = hints(&checkup).remove(0);
    assert!(
        hint.starts_with(&format!("GRANT \"{OWNER}\" TO \"{role}\"")),
        "{hint}"
    );
    fleet.database.run(&hint);
    assert_eq!(ill(&doctor(&fleet, 0, &[])), [""; 0]);
    fleet.database.run(&format!(
        "ALTER ROLE {role} SET default_transaction_read_only = on"
    ));
    let found = pooler(&fleet, 1, &[]);
    assert!(
        found[0].contains("leads to a standby, or to where"),
        "{found:?}"
    );
    fleet.database.run(&format!(
        "ALTER ROLE {role} RESET default_transaction_read_only"
    ));
    // What only a superuser is told by default, this role isn't told either.
    fleet
        .database
        .run("REVOKE EXECUTE ON FUNCTION pg_catalog.pg_control_system() FROM PUBLIC");
    assert_eq!(
        ill(&doctor(&fleet, 0, &[])),
        [""; 0],
        "the server's start tells it too"
    );
    fleet.database.run(&format!(
        "GRANT EXECUTE ON FUNCTION pg_catalog.pg_control_system() TO {role}"
    ));
    let found = pooler(&fleet, 0, &[]);
    assert!(
        found[0].starts_with("unknown the server hides its identity from one"),
        "{found:?}"
    );
}

/// Since PostgreSQL 16 a member may be one that can't become the role.
#[test]
fn a_membership_without_set_is_none() {
    let mut fleet = fleet(&["acme"]);
    if fleet
        .database
        .count("SELECT current_setting('server_version_num')::int8")
        < 160_000
    {
        return;
    }
    let role = stranger(&mut fleet);
    let database = fleet.database.name.clone();
    fleet.database.run(&format!(
        "GRANT CREATE ON DATABASE {database} TO {role}; GRANT {OWNER} TO {role} WITH SET FALSE, INHERIT TRUE"
    ));
    let checkup = doctor(&fleet, 1, &[]);
    assert_eq!(ill(&checkup), ["failed owners"]);
    let refused = fleet.run(["apply", "--auto-approve"]).expect(4).stderr;
    for hint in hints(&checkup) {
        assert!(refused.contains(&hint), "no {hint} in {refused}");
        fleet.database.run(&hint);
    }
    assert_eq!(ill(&doctor(&fleet, 0, &[])), [""; 0]);
    fleet.apply(0);
}

#[test]
fn a_control_schema_of_another_role_or_fleet_is_told() {
    let mut fleet = fleet(&["acme"]);
    fleet.apply(0);
    let role = stranger(&mut fleet);
    let database = fleet.database.name.clone();
    fleet.database.run(&format!(
        "GRANT CREATE ON DATABASE {database} TO {role}; GRANT {OWNER} TO {role}"
    ));
    let unreadable = doctor(&fleet, 1, &[]);
    assert!(
        found(&unreadable, "control_schema")[0].contains("no USAGE"),
        "{unreadable:#}"
    );
    for hint in hints(&unreadable) {
        fleet.database.run(&hint);
    }
    let checkup = doctor(&fleet, 1, &[]);
    let found_now = found(&checkup, "control_schema");
    assert!(
        found_now[0].contains(&format!(
            "can't write the schema tenantry, which \"{DEPLOY}\" owns"
        )),
        "{found_now:?}"
    );
    for hint in hints(&checkup) {
        fleet.database.run(&hint);
    }
    assert_eq!(ill(&doctor(&fleet, 0, &[])), [""; 0]);
    let run = fleet
        .run_edited("fleet: shop", "fleet: bank", &["doctor"])
        .expect(1);
    assert!(
        run.stdout.contains("belongs to fleet shop, not to bank"),
        "{}",
        run.stdout
    );
    fleet
        .database
        .run("INSERT INTO tenantry.schema_history VALUES (99, 'future', 'x', '1')");
    assert!(found(&doctor(&fleet, 1, &[]), "control_schema")[0].contains("version 99"));
}

#[test]
fn too_many_rights_are_a_warning_and_too_few_connections_too() {
    let mut fleet = fleet(&["acme"]);
    let url = fleet.database.superuser_url();
    fleet.env.push(("DATABASE_URL".to_owned(), url));
    let checkup = doctor(&fleet, 0, &[]);
    assert_eq!(ill(&checkup), ["warning role"], "{checkup:#}");
    fleet.env.pop();
    fleet.write(
        "template/020_many.sql",
        &"CREATE TABLE a (x int);\n".repeat(100),
    );
    let checkup = doctor(&fleet, 0, &["--parallel", "500"]);
    let connections = &found(&checkup, "connections")[0];
    assert!(
        connections.contains("500 wanted") && connections.contains("give --parallel "),
        "{connections}"
    );
    let locks = &found(&checkup, "locks")[0];
    assert!(locks.contains("max_locks_per_transaction = "), "{locks}");
    assert_eq!(checkup["summary"]["warning"], 2);
    fleet.database.run(&format!(
        "ALTER DATABASE {} CONNECTION LIMIT 5",
        fleet.database.name
    ));
    assert!(found(&doctor(&fleet, 0, &[]), "connections")[0].contains("8 wanted"));
}

#[test]
fn a_cluster_that_is_not_there_hides_no_other() {
    let mut fleet = fleet(&["acme"]);
    fleet.defaults.push_str("  cluster: a\n");
    let url = fleet.database.direct_url();
    fleet.extra = format!(
        "clusters:\n  a: {{ url: '{url}' }}\n  b: {{ url: '{url}' }}\n  c: {{ url: 'postgres://u:hush@%2Fnowhere/x' }}\n"
    );
    let run = fleet.run(["doctor", "--format", "json"]).expect(1);
    assert!(
        !run.all().contains("hush") && !run.all().contains("tests-only"),
        "{}",
        run.all()
    );
    let checkup = run.json();
    assert_eq!(
        ill(&checkup),
        ["failed connection", "failed identity"],
        "{checkup:#}"
    );
    assert!(found(&checkup, "identity")[0].contains("clusters a and b lead to one database"));
    let of_a = checkup["checks"].as_array().expect("checks").iter();
    assert!(
        of_a.filter(|one| one["cluster"] == "a").count() > 10,
        "{checkup:#}"
    );
}

#[test]
fn a_read_only_server_can_be_planned_for_only() {
    let fleet = fleet(&["acme"]);
    let name = &fleet.database.name;
    fleet.database.run(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    ));
    let checkup = doctor(&fleet, 1, &[]);
    assert_eq!(ill(&checkup), ["failed writable"]);
    for hint in hints(&checkup) {
        fleet.database.run(&hint);
    }
    assert_eq!(ill(&doctor(&fleet, 0, &[])), [""; 0]);
}

#[test]
fn extensions_that_cannot_be_had_are_told() {
    let mut fleet = fleet(&["acme"]);
    fleet.extra =
        "extensions: [nope, { name: citext, version: \"9.9\" }, { name: maybe, optional: true }]\n"
            .to_owned();
    let checkup = doctor(&fleet, 1, &[]);
    let extensions = found(&checkup, "extensions");
    assert_eq!(extensions.len(), 3, "{extensions:#?}");
    for (found, words) in extensions.iter().zip([
        "9.9",
        "nope isn't available",
        "warning optional extension maybe",
    ]) {
        assert!(found.contains(words), "{found}");
    }
}

/// A folder with programs that only say their version.
fn programs(fleet: &Fleet, version: &str) -> String {
    let folder = fleet.path("bin");
    fs::create_dir_all(&folder).expect("a folder");
    for program in ["pg_dump", "pg_restore"] {
        let path = folder.join(program);
        fs::write(
            &path,
            format!("#!/bin/sh\necho '{program} (PostgreSQL) {version}'\n"),
        )
        .expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("ours");
    }
    folder.display().to_string()
}

#[test]
fn client_programs_must_be_as_new_as_the_server() {
    let mut fleet = fleet(&["acme"]);
    let tools = |fleet: &Fleet, code: i32| found(&doctor(fleet, code, &[]), "client_tools");
    let empty = fleet.path("migrations").display().to_string();
    fleet.env.push(("TENANTRY_PG_BIN".to_owned(), empty));
    let missing = tools(&fleet, 0);
    assert!(
        missing[0].contains("pg_dump isn't found")
            && missing[0].contains("apt-get install postgresql-client-"),
        "{missing:?}"
    );
    fleet.env.pop();
    programs(&fleet, "13.4 (Debian 13.4-1)");
    let older = tools(&fleet, 0);
    assert!(
        older[0].starts_with("warning pg_dump 13 is older than the server"),
        "{older:?}"
    );
    fleet.extra =
        "backups: { policies: { nightly: { schedule: '0 2 * * *', keep: { last: 3 } } } }\n"
            .to_owned();
    let older = tools(&fleet, 1);
    assert!(
        older[1].starts_with("failed pg_restore 13 is older"),
        "{older:?}"
    );
    programs(&fleet, "99beta1");
    assert_eq!(tools(&fleet, 0), [""; 0]);
}

#[test]
fn the_backup_folder_counts_from_its_file_and_is_nobody_elses() {
    let mut fleet = fleet(&["acme"]);
    fleet.extra = "backups: { path: '${WHERE:-backups}' }\n".to_owned();
    let look = |fleet: &Fleet, code: i32| found(&doctor(fleet, code, &[]), "backup_folder");
    assert!(
        look(&fleet, 0)[0].contains("backups isn't there"),
        "{:?}",
        look(&fleet, 0)
    );
    let path = fleet.path("backups");
    fs::create_dir(&path).expect("a fresh folder");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).expect("ours");
    assert!(
        look(&fleet, 1)[0].contains("chmod go-w"),
        "{:?}",
        look(&fleet, 1)
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).expect("ours");
    assert_eq!(look(&fleet, 0), [""; 0]);
    fleet.extra = "backups: { path: '${WHERE}' }\n".to_owned();
    assert!(
        look(&fleet, 1)[0].contains("WHERE isn't set"),
        "{:?}",
        look(&fleet, 1)
    );
}

#[test]
fn a_query_of_tenants_that_fails_is_one_finding_among_others() {
    let mut fleet = fleet(&[]);
    fleet.extra = "tenants_from: { query: SELECT id FROM nowhere }\n".to_owned();
    let checkup = doctor(&fleet, 1, &[]);
    assert_eq!(ill(&checkup), ["failed tenants_from"], "{checkup:#}");
    assert!(found(&checkup, "tenants_from")[0].contains("relation \"nowhere\" does not exist"));
    fleet.extra =
        "tenants_from: { query: \"SELECT * FROM (VALUES ('A'), ('B')) AS t (id)\" }\n".to_owned();
    assert!(found(&doctor(&fleet, 1, &[]), "tenants_from")[0].contains("(and 1 other problem"));
    fleet.extra = "tenants_from: { query: SELECT 'a' AS id }\n".to_owned();
    assert_eq!(ill(&doctor(&fleet, 0, &[])), [""; 0]);
    let sql = fleet.run(["doctor", "--grants"]).expect(0).stdout;
    assert!(
        sql.contains("what the query of `tenants_from` reads"),
        "{sql}"
    );
}

#[test]
fn wrong_usage_is_told() {
    let fleet = fleet(&["acme"]);
    let usage = |args: &[&str]| -> Run { fleet.run([&["doctor"], args].concat()).expect(64) };
    usage(&["--role", "x"]);
    usage(&["--grants", "--role", ""]);
    usage(&["--grants", "--format", "json"]);
    usage(&["--format", "ndjson"]);
    usage(&["--tenant", "acme"]);
    // By default the operator is who connects.
    let sql = fleet.run(["doctor", "--grants"]).expect(0).stdout;
    assert!(
        sql.contains(&format!("TO \"{DEPLOY}\";")) && sql.contains("\"tenantry_reader\""),
        "{sql}"
    );
}
