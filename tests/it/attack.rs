//! Files, roles and neighbours that would make the program lie, hang, or carry something from tenant to tenant.

use crate::support::fleet::{Fleet, outcome};

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
