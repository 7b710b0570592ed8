//! As many tenants at once as there is room for, and what is said when there is little.

use std::process::{Command, Stdio};

use postgres::{Client, NoTls};
use tenantry::server::Server;

use crate::support::cli::{self, Run};
use crate::support::database::Database;
use crate::support::fleet::{Fleet, outcome};
use crate::support::gate::{Gate, WAIT};
use crate::support::server::{DEPLOY, OWNER, start};

/// How many connections anyone but a superuser may have to it; -1 is any number.
fn limit(database: &Database, connections: i32) {
    let name = &database.name;
    database.run(&format!(
        "ALTER DATABASE {name} CONNECTION LIMIT {connections}"
    ));
}

/// A fleet whose canary waits at the gate, so that the room for the others can be changed before they begin. It goes
/// to the server directly, since a pooler would hold the connections that are counted.
fn with_a_canary(tenants: &[&str]) -> Fleet {
    let mut fleet = Fleet::small(tenants);
    fleet.tenant("canary", "{ tags: [canary] }");
    fleet.extra = "rollout: { canary: { tags: [canary] } }\n".into();
    fleet
        .env
        .push(("DATABASE_URL".to_owned(), fleet.database.direct_url()));
    fleet
}

const TENANTS: [&str; 9] = ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9"];

#[test]
fn a_full_server_makes_workers_wait_and_fails_nobody() {
    let fleet = with_a_canary(&TENANTS);
    fleet.migration("V1__wait.sql", WAIT);
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start_apply(&["--parallel", "8"]);
    gate.until_waiting(1);
    limit(&fleet.database, 1);
    gate.open();
    let run = running.end().expect(0);
    assert!(
        run.stderr.contains("no more connections can be made"),
        "{}",
        run.stderr
    );
    assert!(!run.stdout.contains("\"retrying\""), "{}", run.stdout);
    limit(&fleet.database, -1);
    fleet.expect_no_changes();
}

#[test]
fn workers_go_on_once_there_is_room_again() {
    let fleet = with_a_canary(&TENANTS);
    fleet.migration("V1__wait.sql", WAIT);
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start_apply(&["--parallel", "4"]);
    gate.until_waiting(1);
    limit(&fleet.database, 1);
    gate.open();
    let mut gate = Gate::shut(&fleet.database);
    running.until_err("no more connections can be made");
    limit(&fleet.database, -1);
    gate.until_waiting(4);
    gate.open();
    running.end().expect(0);
}

#[test]
fn without_any_connection_the_run_ends_and_says_why() {
    let fleet = with_a_canary(&TENANTS);
    fleet.migration("V1__wait.sql", WAIT);
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start_apply(&["--parallel", "3"]);
    gate.until_waiting(1);
    limit(&fleet.database, 0);
    fleet.database.run(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'tenantry/%/canary' \
         AND datname = current_database()",
    );
    let run = running.end();
    limit(&fleet.database, -1);
    let events = run.events();
    let canary = events
        .iter()
        .find(|event| event["event"] == "tenant_finished")
        .unwrap();
    assert_eq!(canary["error"]["sqlstate"], "53300");
    assert!(
        canary["error"]["hint"]
            .as_str()
            .unwrap()
            .contains("max_connections")
    );
    gate.open();
}

#[test]
fn more_workers_than_there_is_room_for_are_fewer() {
    let mut fleet = Fleet::small(&TENANTS);
    let role = format!("narrow_{}", fleet.database.name);
    fleet.database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'tests-only' CONNECTION LIMIT 3; GRANT {OWNER} TO {role}; \
         GRANT CREATE ON DATABASE {} TO {role}",
        fleet.database.name
    ));
    // A pooler would hold connections of the role, which are counted here.
    let url = fleet.database.direct_url().replace(DEPLOY, &role);
    fleet.env.push(("DATABASE_URL".to_owned(), url));
    fleet.migration("V1__wait.sql", WAIT);
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start_apply(&["--parallel", "8"]);
    gate.until_waiting(2);
    running.until_err(
        "warn: cluster default: 2 tenants at work at once instead of 8: \
         the connecting role's CONNECTION LIMIT has room for 2",
    );
    gate.open();
    let run = running.end().expect(0);
    assert!(
        !run.stderr.contains("no more connections"),
        "{}",
        run.stderr
    );

    fleet.migration("V2__more.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    let run = fleet.run(["apply", "--auto-approve"]).expect(0);
    assert!(
        !run.stderr.contains("at once"),
        "nobody asked: {}",
        run.stderr
    );
}

/// A fleet on a server of its own.
fn on(server: &Server, template: &str) -> Fleet {
    let mut admin = Client::connect(&server.url("postgres", "postgres"), NoTls)
        .expect("the server has just started");
    admin
        .batch_execute(&format!(
            "CREATE ROLE {OWNER}; CREATE ROLE {DEPLOY} LOGIN IN ROLE {OWNER}; \
             GRANT CREATE ON DATABASE postgres TO {DEPLOY}"
        ))
        .expect("roles can be made");
    let mut fleet = Fleet::new(template);
    fleet
        .env
        .push(("DATABASE_URL".to_owned(), server.url(DEPLOY, "postgres")));
    fleet
}

#[test]
fn a_lock_table_that_is_too_small_is_told_with_its_right_size() {
    let small = [
        ("max_locks_per_transaction", "10"),
        ("max_connections", "20"),
    ];
    let server = start(&small);
    let tables: Vec<String> = (0..300)
        .map(|number| format!("CREATE TABLE t{number} (id bigserial PRIMARY KEY, body text);"))
        .collect();
    let mut fleet = on(&server, &tables.join("\n"));
    fleet.add(&["acme", "globex"]);
    let run = fleet
        .run([
            "apply",
            "--auto-approve",
            "--format",
            "json",
            "--parallel",
            "4",
        ])
        .expect(3);
    let wanted = "warn: cluster default: 1 tenant at work at once instead of 4: a tenant takes about 3620 locks";
    assert!(run.stderr.contains(wanted), "{}", run.stderr);
    let report = run.json();
    assert_eq!(report["cancelled"], "systemic");
    let error = &outcome(&report, "acme")["error"];
    assert_eq!(error["sqlstate"], "53200");
    // 2 × 3620 entries over 20 connections.
    let hint = error["hint"].as_str().unwrap();
    assert!(
        hint.contains("max_locks_per_transaction on the server to 362 or more"),
        "{hint}"
    );

    let enough = [
        ("max_locks_per_transaction", "362"),
        ("max_connections", "20"),
    ];
    let server = start(&enough);
    let mut fleet = on(&server, &tables.join("\n"));
    fleet.add(&["acme", "globex"]);
    fleet.apply(0);
}

/// Runs a command that may open so many files.
fn with_files(files: usize, command: &Command) -> Run {
    let mut limited = Command::new("sh");
    limited
        .args(["-c", &format!("ulimit -n {files} && exec \"$@\""), "sh"])
        .arg(command.get_program())
        .args(command.get_args())
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    limited.current_dir(command.get_current_dir().expect("it has one"));
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    cli::run(limited)
}

#[test]
fn few_file_descriptors_mean_few_workers() {
    let fleet = Fleet::small(&TENANTS);
    let command = fleet.command(["apply", "--auto-approve", "--parallel", "8"]);
    let run = with_files(32, &command).expect(0);
    assert!(run.stderr.contains("raise `ulimit -n`"), "{}", run.stderr);
    fleet.expect_no_changes();
}

#[test]
fn too_few_file_descriptors_are_refused_before_anything_is_changed() {
    let fleet = Fleet::small(&TENANTS);
    let command = fleet.command(["apply", "--auto-approve"]);
    // The plan's own connection needs nearly as many as the first of the apply.
    for files in [14, 12, 10, 8, 6] {
        let run = with_files(files, &command);
        assert!(matches!(run.code, Some(1 | 4)), "{files}: {run:?}");
        assert!(run.all().contains("raise `ulimit -n`"), "{files}: {run:?}");
        assert!(!run.all().contains("panicked"), "{files}: {run:?}");
        assert_eq!(fleet.database.schemas(), Vec::<String>::new());
    }
}
