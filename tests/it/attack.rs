//! Files, roles and neighbours that would make the program lie, hang, or carry something from tenant to tenant.

use crate::support::fleet::{Fleet, outcome};
use crate::support::server::{DEPLOY, OWNER};

/// `apply` by one worker, so that all tenants go over one connection.
#[track_caller]
fn apply_one_by_one(fleet: &Fleet, code: i32) -> serde_json::Value {
    fleet
        .run([
            "apply",
            "--auto-approve",
            "--format",
            "json",
            "--parallel",
            "1",
        ])
        .expect(code)
        .json()
}

#[test]
fn nothing_a_file_leaves_in_the_session_reaches_the_next_tenant() {
    let fleet = Fleet::small(&["acme", "globex", "initech"]);
    fleet.apply(0);
    fleet.migration(
        "V1__leave_things.sql",
        "INSERT INTO note (body) SELECT concat_ws('|', current_schema(), to_regclass('pg_temp.scratch'),
             current_setting('own.word', true), current_setting('row_security'),
             (SELECT count(*) FROM pg_cursors WHERE name = 'held'),
             (SELECT count(*) FROM pg_locks WHERE objid = 815 AND pid = pg_backend_pid()),
             (SELECT count(*) FROM pg_listening_channels()));
         CREATE TEMP TABLE scratch (x int);
         SELECT set_config('role', 'tenantry_owner', false), set_config('search_path', 'public', false),
                set_config('own.word', 'left', false), set_config('row_security', 'off', false),
                set_config('default_transaction_read_only', 'on', false);
         DECLARE held CURSOR WITH HOLD FOR SELECT 1;
         LISTEN somebody;
         SELECT pg_advisory_lock(815);",
    );
    apply_one_by_one(&fleet, 0);
    let bodies = |tenant: &str| {
        fleet
            .database
            .texts(&format!("SELECT body FROM t_{tenant}.note"))
    };
    for tenant in ["acme", "globex", "initech"] {
        // A setting nobody made is NULL at first and empty once it was reset.
        let found = bodies(tenant)[0].replace("||", "|");
        assert_eq!(found, format!("t_{tenant}|on|0|0|0"));
    }
    fleet.expect_no_changes();
}

#[test]
fn nothing_a_file_sets_reaches_the_next_file() {
    let fleet = Fleet::small(&["acme"]);
    fleet.migration(
        "V1__set.sql",
        "SET LOCAL TimeZone = 'Asia/Tokyo';
         CREATE TEMP TABLE scratch (x int);
         SELECT set_config('search_path', 'pg_catalog', false);",
    );
    fleet.migration(
        "V2__look.sql",
        "CREATE TEMP TABLE scratch (x int);
         INSERT INTO note (body) SELECT concat_ws('|', current_schema(), current_setting('TimeZone'),
             current_setting('lock_timeout'), current_setting('client_connection_check_interval'));",
    );
    fleet.apply(0);
    let zone = fleet
        .database
        .texts("SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'")[0]
        .clone();
    assert_eq!(
        fleet.database.texts("SELECT body FROM t_acme.note"),
        [format!("t_acme|{zone}|5s|500ms")]
    );
}

/// Makes a role that may log in, and has the program connect as it.
fn connect_as(fleet: &mut Fleet, role: &str, attributes: &str) -> String {
    let role = format!("{role}_{}", fleet.database.name);
    fleet.database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'tests-only' NOSUPERUSER NOBYPASSRLS {attributes}"
    ));
    let url = fleet.database.url().replace(DEPLOY, &role);
    fleet.env.push(("DATABASE_URL".to_owned(), url));
    role
}

#[test]
fn a_member_that_does_not_inherit_plans_applies_and_finds_drift() {
    // More than are read one by one.
    let mut fleet = Fleet::small(&["acme"]);
    let more: Vec<String> = (0..17).map(|number| format!("more{number}")).collect();
    fleet.add(&more.iter().map(String::as_str).collect::<Vec<_>>());
    let role = connect_as(&mut fleet, "stranger", "NOINHERIT");
    let database = &fleet.database.name;
    fleet.database.run(&format!(
        "GRANT {OWNER} TO {role}; GRANT CREATE ON DATABASE {database} TO {role}"
    ));
    fleet.apply(0);
    fleet.expect_no_changes();
    fleet.migration("V1__add_tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    fleet.apply(0);
    fleet.expect_no_changes();
    fleet.run(["drift", "--strict"]).expect(0);
    fleet
        .database
        .run("ALTER TABLE t_acme.note DROP COLUMN tag");
    for args in [&["drift"][..], &["drift", "--tenant", "acme"]] {
        let drift = fleet.run(args).expect(2).stdout;
        assert!(drift.contains("acme: column note.tag missing"), "{drift}");
    }
}

#[test]
fn a_history_with_hidden_rows_is_unreadable_not_empty() {
    let mut fleet = Fleet::small(&["acme", "globex"]);
    fleet.migration("V1__add_tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    fleet.apply(0);
    let role = connect_as(&mut fleet, "reader", "");
    fleet.database.run(&format!(
        "GRANT USAGE ON SCHEMA tenantry, t_acme, t_globex TO {role};
         GRANT SELECT ON ALL TABLES IN SCHEMA tenantry, t_acme, t_globex TO {role}"
    ));
    fleet.expect_no_changes();
    fleet
        .database
        .run("ALTER TABLE t_acme.history ENABLE ROW LEVEL SECURITY");
    let plan = fleet.plan();
    assert_eq!(plan["cohorts"], serde_json::json!([]));
    assert_eq!(plan["blocked"][0]["tenant"], "acme");
    assert_eq!(plan["blocked"][0]["code"], "history_unreadable");
    assert_eq!(plan["summary"]["unchanged"], 1);
}

#[test]
fn a_locked_history_blocks_its_tenant_and_holds_nobody() {
    let fleet = Fleet::small(&["acme", "globex"]);
    fleet.apply(0);
    let mut holder = fleet.database.admin();
    holder
        .batch_execute("BEGIN; LOCK TABLE t_acme.history")
        .expect("nobody uses it");
    let plan = fleet.plan();
    assert_eq!(plan["blocked"][0]["tenant"], "acme");
    assert_eq!(plan["blocked"][0]["code"], "history_unreadable");
    assert_eq!(plan["summary"]["unchanged"], 1);
}

#[test]
fn defaults_of_the_database_change_nothing_of_ours() {
    let fleet = Fleet::small(&["acme"]);
    let database = &fleet.database.name;
    for kind in ["name", "text", "uuid", "oid", "int8", "\"char\""] {
        fleet.database.run(&format!(
            "CREATE FUNCTION public.wrong({kind}, {kind}) RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 1';
             CREATE OPERATOR public.= (LEFTARG = {kind}, RIGHTARG = {kind}, FUNCTION = public.wrong)"
        ));
    }
    fleet.database.run(&format!(
        "ALTER DATABASE {database} SET search_path = public, pg_catalog;
         ALTER DATABASE {database} SET client_min_messages = error;
         ALTER DATABASE {database} SET standard_conforming_strings = off"
    ));
    fleet.apply(0);
    fleet.expect_no_changes();
    let long = "x".repeat(64);
    fleet.migration("V1__long.sql", &format!("CREATE TABLE {long} (id int);\n"));
    let report = fleet.apply(1);
    assert_eq!(outcome(&report, "acme")["error"]["sqlstate"], "42622");
}

#[test]
fn a_control_schema_of_another_tool_blocks_and_says_so() {
    let fleet = Fleet::small(&["acme"]);
    fleet.database.run(&format!(
        "CREATE SCHEMA tenantry; GRANT USAGE ON SCHEMA tenantry TO {DEPLOY};
         CREATE TABLE tenantry.fleet (x int); CREATE TABLE tenantry.schema_history (x int);
         CREATE TABLE tenantry.tenant (x int); GRANT SELECT ON ALL TABLES IN SCHEMA tenantry TO {DEPLOY}"
    ));
    let plan = fleet.plan();
    assert_eq!(plan["blocked"][0]["code"], "history_unreadable");
    assert_eq!(plan["complete"], true);
    fleet.run(["apply", "--auto-approve"]).expect(4);
}

#[test]
fn an_owner_we_cannot_become_is_refused_before_anything_is_changed() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    fleet.migration("V1__add_tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    for (owner, problem) in [
        ("pg_monitor", "can't become it"),
        ("no_such_role", "doesn't exist"),
    ] {
        fleet.tenant("globex", &format!("{{ owner: {owner} }}"));
        let run = fleet.run(["apply", "--auto-approve"]).expect(4);
        assert!(run.stderr.contains(problem), "{}", run.stderr);
    }
    assert_eq!(fleet.database.count("SELECT count(*) FROM tenantry.run"), 1);
}

#[test]
fn an_optional_extension_that_is_refused_leaves_nothing() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.extra = "extensions: [{ name: pageinspect, optional: true }]\n".to_owned();
    fleet.apply(0);
    assert_eq!(fleet.database.schemas(), ["t_acme", "tenantry"]);
}

/// A snapshot taken with the lock would show the tenant as it was before whoever held the lock committed.
#[test]
fn what_is_read_under_the_lock_is_not_older_than_the_lock() {
    let fleet = Fleet::small(&["acme"]);
    let database = &fleet.database.name;
    fleet.database.run(&format!(
        "ALTER DATABASE {database} SET default_transaction_isolation = 'repeatable read'"
    ));
    fleet.migration(
        "V1__note.sql",
        "INSERT INTO note (body) VALUES (current_setting('transaction_isolation'));",
    );
    fleet.apply(0);
    assert_eq!(
        fleet.database.texts("SELECT body FROM t_acme.note"),
        ["read committed"]
    );
}

#[test]
fn a_history_that_swallows_its_rows_fails_its_tenant() {
    let fleet = Fleet::small(&["acme", "globex"]);
    fleet.apply(0);
    fleet
        .database
        .run("CREATE RULE swallow AS ON INSERT TO t_acme.history DO INSTEAD NOTHING");
    fleet.migration("V1__add_tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    let report = fleet.apply(3);
    assert_eq!(outcome(&report, "globex")["status"], "applied");
    let message = outcome(&report, "acme")["error"]["message"].to_string();
    assert!(
        message.contains("the history took 0 of 1 rows"),
        "{message}"
    );
    let plan = fleet.plan();
    assert_eq!(plan["summary"]["migrate"], 1);
}
