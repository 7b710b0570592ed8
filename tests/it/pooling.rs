//! Everything per tenant is right through a PgBouncer in transaction mode.

use postgres::Client;
use rustix::process::Signal;

use tenantry::model::desired::Cluster;
use tenantry::pg::clients::Clients;
use tenantry::pg::pooling::is_pooled;
use tenantry::pg::settings;

use crate::support::fleet::{Fleet, outcome};
use crate::support::gate::{Gate, WAIT, until};
use crate::support::pooler::{Pooler, Pooling};
use crate::support::server::{DEPLOY, OWNER};

/// Has the program go through a pooler of its own.
fn through(fleet: &mut Fleet, pooling: Pooling<'_>) -> Pooler {
    let pooler = Pooler::start(pooling);
    let url = pooler.url(&fleet.database.name);
    fleet.env.push(("DATABASE_URL".to_owned(), url));
    pooler
}

#[test]
fn a_fleet_is_made_and_migrated_with_fewer_server_connections_than_workers() {
    let mut fleet = Fleet::small(&NINE);
    let _pooler = through(&mut fleet, Pooling::of(3));
    fleet.apply(0);
    fleet.expect_no_changes();
    fleet.migration(
        "V1__more.sql",
        "ALTER TABLE note ADD COLUMN tag text;\nINSERT INTO note (tag) SELECT current_schema();\n",
    );
    fleet.apply(0);
    fleet.expect_no_changes();
    for (tenant, _) in &fleet.tenants {
        let tags = fleet
            .database
            .texts(&format!("SELECT tag FROM t_{tenant}.note"));
        assert_eq!(tags, [format!("t_{tenant}")]);
    }
    let sessions = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = '{DEPLOY}'"
    );
    assert_eq!(fleet.database.count(&sessions), 3, "and it keeps them");
}

const NINE: [&str; 9] = ["t1", "t2", "t3", "t4", "t5", "t6", "t7", "t8", "t9"];

/// Applies with more workers than a pooler with these settings has room for; what it said.
#[track_caller]
fn apply_crowded(size: usize, extra: &str, migration: &str) -> String {
    let mut fleet = Fleet::small(&NINE);
    fleet.migration("V1__more.sql", migration);
    let pooling = Pooling {
        extra,
        ..Pooling::of(size)
    };
    let _pooler = through(&mut fleet, pooling);
    let run = fleet
        .run(["apply", "--auto-approve", "--parallel", "8"])
        .expect(0);
    fleet.expect_no_changes();
    run.stderr
}

#[test]
fn a_pooler_that_takes_no_more_clients_fails_nobody() {
    let said = apply_crowded(5, "max_client_conn = 3", "SELECT pg_sleep(0.1);");
    assert!(said.contains("no more connections allowed"), "{said}");
}

#[test]
fn a_pooler_that_lets_nobody_wait_long_fails_nobody() {
    let said = apply_crowded(3, "query_wait_timeout = 1", "SELECT pg_sleep(0.7);");
    assert!(said.contains("(retry 1)"), "some were sent away: {said}");
}

#[test]
fn a_pooler_with_a_single_connection_is_told_what_it_lacks() {
    let mut fleet = Fleet::small(&["acme"]);
    let pooling = Pooling {
        extra: "query_wait_timeout = 1",
        ..Pooling::of(1)
    };
    let _pooler = through(&mut fleet, pooling);
    let run = fleet.run(["apply", "--auto-approve"]).expect(4);
    assert!(run.stdout.contains("default_pool_size"), "{}", run.stdout);
}

#[test]
fn a_pooler_before_a_full_server_fails_nobody() {
    let mut fleet = Fleet::small(&NINE);
    fleet.tenant("canary", "{ tags: [canary] }");
    fleet.extra = "rollout: { canary: { tags: [canary] } }\n".into();
    let _pooler = through(&mut fleet, Pooling::of(9));
    fleet.migration("V1__wait.sql", WAIT);
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start_apply(&["--parallel", "8"]);
    gate.until_waiting(1);
    let name = &fleet.database.name;
    fleet
        .database
        .run(&format!("ALTER DATABASE {name} CONNECTION LIMIT 0"));
    gate.open();
    running.end().expect(0);
    fleet.expect_no_changes();
}

#[test]
fn the_second_interrupt_cancels_through_a_pooler() {
    let mut fleet = Fleet::small(&["acme", "globex", "hooli"]);
    // Not one connection more than are at work: a cancel that needed one would wait for ever.
    let pooler = through(&mut fleet, Pooling::of(3));
    fleet.migration("V1__wait.sql", WAIT);
    let mut gate = Gate::shut(&fleet.database);
    let args = ["apply", "--auto-approve", "--format", "json"];
    let running = fleet.start(args.iter().chain(&["--parallel", "3"]));
    gate.until_waiting(2);
    running.signal(Signal::INT);
    running.until_err("Interrupted: running tenants finish");
    running.signal(Signal::INT);
    let report = running.end().expect(130).json();
    assert_eq!(report["cancelled"], "second_interrupt");
    until("nothing is left", || {
        fleet.database.tenants_at_work().is_empty()
    });
    assert!(
        fleet
            .database
            .schemas()
            .iter()
            .all(|name| !name.starts_with("t_"))
    );
    gate.open();
    // It is still there.
    pooler
        .client(&fleet.database.name)
        .batch_execute("SELECT")
        .unwrap();
    fleet.apply(0);
    fleet.expect_no_changes();
}

/// What a client finds in each server process of a pool. All of them are held at once, so each is seen.
fn everywhere(pooler: &Pooler, database: &str, size: usize, sql: &str) -> Vec<String> {
    let mut clients: Vec<Client> = (0..size).map(|_| pooler.client(database)).collect();
    for client in &mut clients {
        client
            .batch_execute("BEGIN")
            .expect("a server connection each");
    }
    let found = clients.iter_mut().map(|client| {
        let rows = client.simple_query(sql).expect("good SQL");
        let cell = |row: &postgres::SimpleQueryMessage| match row {
            postgres::SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
            _ => None,
        };
        rows.iter().find_map(cell).unwrap_or_default()
    });
    let found = found.collect();
    for client in &mut clients {
        client.batch_execute("COMMIT").expect("it goes through");
    }
    found
}

const LEAVE_THINGS: &str = "CREATE TEMP TABLE scratch (x int);
    SELECT set_config('role', 'tenantry_owner', false), set_config('search_path', 'public', false),
           set_config('own.word', 'left', false), set_config('TimeZone', 'Asia/Tokyo', false),
           set_config('lock_timeout', '4711', false);
    DECLARE held CURSOR WITH HOLD FOR SELECT 1;
    LISTEN somebody;
    SELECT pg_advisory_lock(815);
";

/// What another client would meet, and the rest of its settings.
const LOOK_AROUND: &str = "SELECT concat_ws('|', to_regclass('pg_temp.scratch'), current_user,
    current_setting('search_path'), coalesce(current_setting('own.word', true), ''), current_setting('TimeZone'),
    current_setting('lock_timeout'), (SELECT count(*) FROM pg_cursors WHERE name = 'held'),
    (SELECT count(*) FROM pg_listening_channels()),
    (SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'),
    (SELECT count(*) FROM pg_prepared_statements))";

#[test]
fn nothing_a_file_leaves_reaches_another_client() {
    let mut fleet = Fleet::small(&["acme", "globex", "hooli"]);
    let size = 3;
    let pooler = through(&mut fleet, Pooling::of(size));
    let name = fleet.database.name.clone();
    let before = everywhere(&pooler, &name, size, LOOK_AROUND);
    let as_ever = vec![before[0].clone(); size];
    assert_eq!(before, as_ever);

    fleet.migration("V1__leave_things.sql", LEAVE_THINGS);
    fleet.apply(0);
    assert_eq!(everywhere(&pooler, &name, size, LOOK_AROUND), as_ever);

    fleet.migration("V2__fail.sql", &format!("{LEAVE_THINGS}; SELECT 1/0;"));
    let report = fleet.apply(1);
    assert_eq!(outcome(&report, "acme")["error"]["sqlstate"], "22012");
    assert_eq!(everywhere(&pooler, &name, size, LOOK_AROUND), as_ever);

    fleet.migration(
        "V2__fail.sql",
        &format!(
            "CREATE TABLE late (x int UNIQUE DEFERRABLE INITIALLY DEFERRED); \
             INSERT INTO late VALUES (1), (1); {LEAVE_THINGS}"
        ),
    );
    let report = fleet.apply(1);
    assert_eq!(outcome(&report, "acme")["error"]["sqlstate"], "23505");
    assert_eq!(everywhere(&pooler, &name, size, LOOK_AROUND), as_ever);
}

#[test]
fn nothing_another_client_left_reaches_a_file() {
    // What an extension or procedural language brings is there once it was used.
    let look = "INSERT INTO note (body) SELECT concat(name, '=', setting) \
        FROM pg_settings WHERE name <> 'application_name' AND name NOT LIKE '%.%' ORDER BY name;
        INSERT INTO note (body) SELECT concat('temp=', to_regclass('pg_temp.note'));\n";
    let made = |fleet: &Fleet| {
        fleet.migration("V1__look.sql", look);
        fleet.apply(0);
        fleet
            .database
            .texts("SELECT body FROM t_acme.note ORDER BY id")
    };
    let mut direct = Fleet::small(&["acme"]);
    // What is compared with must not go through a pooler.
    direct
        .env
        .push(("DATABASE_URL".to_owned(), direct.database.direct_url()));
    let mut shared = Fleet::small(&["acme"]);
    let size = 4;
    let pooler = through(&mut shared, Pooling::of(size));
    let leave = "SET search_path = public; SET TimeZone = 'Asia/Tokyo'; SET DateStyle = 'German';
        SET lock_timeout = 4711; SET bytea_output = 'escape'; SET transform_null_equals = on; SET array_nulls = off;
        SET default_toast_compression = 'pglz'; SET quote_all_identifiers = on; SET check_function_bodies = off;
        SET default_transaction_isolation = 'serializable'; SET client_min_messages = 'error';
        SET IntervalStyle = 'iso_8601'; SET extra_float_digits = 0; SET row_security = off; SET work_mem = '99kB';
        CREATE TEMP TABLE note (x int); SET ROLE tenantry_owner; SELECT 'left'";
    let name = shared.database.name.clone();
    // The first file of a transaction is the one that nothing of ours stands before.
    direct.apply(0);
    shared.apply(0);
    assert_eq!(everywhere(&pooler, &name, size, leave), vec!["left"; size]);
    let (found, wanted) = (made(&shared), made(&direct));
    assert!(wanted.len() > 300, "{wanted:?}");
    for (found, wanted) in found.iter().zip(&wanted) {
        assert_eq!(found, wanted);
    }
    assert_eq!(found.len(), wanted.len());
    shared.expect_no_changes();
    let owner = "SELECT DISTINCT relowner::regrole FROM pg_class WHERE relnamespace = 't_acme'::regnamespace";
    assert_eq!(shared.database.texts(owner), [OWNER]);
}

fn pooled(url: &str) -> bool {
    let cluster = Cluster {
        url: Some(url.to_owned()),
        ..Cluster::default()
    };
    let target = settings::resolve(None, &cluster, &|_| None).expect("a good URL");
    is_pooled(&Clients::new(target)).expect("the server answers")
}

#[test]
fn pooling_is_never_mistaken() {
    let fleet = Fleet::small(&[]);
    let name = &fleet.database.name;
    for _ in 0..20 {
        assert!(!pooled(&fleet.database.direct_url()), "directly");
    }
    for (size, round_robin) in [
        (1, false),
        (1, true),
        (2, false),
        (2, true),
        (5, false),
        (5, true),
    ] {
        let pooling = Pooling {
            round_robin,
            ..Pooling::of(size)
        };
        let pooler = Pooler::start(pooling);
        for round in 0..20 {
            if round == 10 {
                everywhere(&pooler, name, size, "SELECT 1");
            }
            assert!(pooled(&pooler.url(name)), "{pooling:?}, round {round}");
        }
    }
    let by_session = Pooler::start(Pooling {
        extra: "pool_mode = session",
        ..Pooling::of(5)
    });
    assert!(!pooled(&by_session.url(name)), "a session is a session");
}
