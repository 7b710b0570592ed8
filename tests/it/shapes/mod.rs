//! Shapes as the server gives them: what they see, and what they don't mind.

mod cases;

use std::collections::BTreeSet;

use postgres::Client;
use tenantry::model::name::quote_ident;
use tenantry::model::shape::{Kind, ObjectKey, Shape, Undescribed};
use tenantry::pg::wire::begin_reading;

use crate::support::database::Database;
use crate::support::server::{DEPLOY, OWNER};
use crate::support::shapes::{self, HISTORY};

use cases::{Case, case};

const RICH: &str = include_str!("../support/rich.sql");

/// A database with the extensions, and what belongs to no schema.
fn ground() -> Database {
    let database = Database::new();
    database.run(&format!(
        "CREATE SCHEMA extensions; GRANT USAGE ON SCHEMA extensions TO PUBLIC; \
         CREATE EXTENSION citext SCHEMA extensions; CREATE EXTENSION hstore SCHEMA extensions; \
         CREATE EXTENSION ltree SCHEMA extensions; CREATE FOREIGN DATA WRAPPER fdw; \
         CREATE SERVER far FOREIGN DATA WRAPPER fdw; GRANT USAGE ON FOREIGN SERVER far TO {OWNER}"
    ));
    database
}

/// Makes a schema and runs SQL in it, as whoever the connection is.
fn make(client: &mut Client, schema: &str, sql: &str) {
    let name = quote_ident(schema);
    let reader = format!("GRANT USAGE ON SCHEMA {name} TO {DEPLOY}");
    run_in(client, schema, &format!("CREATE SCHEMA {name}; {reader}"));
    run_in(client, schema, sql);
}

#[track_caller]
fn run_in(client: &mut Client, schema: &str, sql: &str) {
    let path = quote_ident(schema);
    client
        .batch_execute(&format!("SET search_path = {path}, pg_catalog"))
        .expect("a name");
    client
        .batch_execute(sql)
        .unwrap_or_else(|error| panic!("{schema}: {sql:.300}: {error:?}"));
}

/// The keys whose definitions differ, those that one side lacks among them.
fn differing(a: &Shape, b: &Shape) -> BTreeSet<ObjectKey> {
    let keys = a.objects.keys().chain(b.objects.keys());
    let differ = keys.filter(|key| {
        let said = |shape: &Shape| {
            let definition = shape.objects.get(key)?;
            let source = definition
                .source
                .as_ref()
                .map(|source| source.neutral.clone());
            Some((definition.text.clone(), source))
        };
        said(a) != said(b)
    });
    differ.cloned().collect()
}

#[track_caller]
fn assert_same(a: &Shape, b: &Shape) {
    let both = |key| (key, a.objects.get(key), b.objects.get(key));
    let differ = differing(a, b);
    let differ: Vec<_> = differ.iter().map(both).collect();
    assert!(differ.is_empty(), "{differ:#?}");
    assert_eq!(a.undescribed, b.undescribed);
    assert_eq!(a.fingerprint(), b.fingerprint());
}

#[test]
fn a_rich_schema_is_the_same_under_every_name_and_wholly_described() {
    let database = ground();
    let mut client = database.admin();
    client
        .batch_execute(&format!(
            "GRANT CREATE ON DATABASE {} TO {OWNER}; SET ROLE {OWNER}",
            database.name
        ))
        .expect("a role");
    let names = [
        "tenant_1",
        "s",
        "id",
        "Legacy-Initech",
        "a.b",
        "x\"y",
        "select",
        "norm",
        "retail",
        "é",
        "it's \\n",
    ];
    for name in names {
        make(&mut client, name, RICH);
    }
    let shapes = shapes::read(&database, &names);
    let first = &shapes["tenant_1"];
    assert_eq!(first.undescribed, BTreeSet::new());
    for (key, definition) in &first.objects {
        assert!(
            !definition.text.contains("tenant_1"),
            "{key:?}: {definition:?}"
        );
    }
    for name in names {
        assert_same(first, &shapes[name]);
    }
}

#[test]
fn every_kind_missing_extra_or_changed_is_seen_where_it_is() {
    let database = ground();
    let mut client = database.admin();
    for kind in Kind::ALL {
        see(&database, &mut client, kind, &case(kind));
    }
}

/// Makes schemas that differ in this one respect.
fn see(database: &Database, client: &mut Client, kind: Kind, case: &Case) {
    let of = |what: &str| format!("{what} {}", kind.as_str());
    let (bare, made, twin, missing) = (of("bare"), of("made"), of("twin"), of("missing"));
    let whole = format!("{};{}", case.ground, case.make);
    make(client, &bare, case.ground);
    make(client, &made, &whole);
    make(client, &twin, &whole);
    make(client, &missing, &format!("{whole};{}", case.drop));
    let changed: Vec<String> = (0..case.changes.len())
        .map(|n| of(&format!("changed {n}")))
        .collect();
    for (schema, change) in changed.iter().zip(case.changes) {
        make(client, schema, &whole);
        run_in(client, schema, change);
    }
    let all: Vec<&str> = [&bare, &made, &twin, &missing]
        .into_iter()
        .chain(&changed)
        .map(String::as_str)
        .collect();
    let shapes = shapes::read(database, &all);
    assert_same(&shapes[&made], &shapes[&twin]);
    assert_same(&shapes[&bare], &shapes[&missing]);
    let key = ObjectKey {
        kind,
        name: case.name.to_owned(),
    };
    let has = |schema: &str| shapes[schema].objects.contains_key(&key);
    assert!(has(&made), "{key:?} among {:#?}", shapes[&made].objects);
    assert!(!has(&bare) && !has(&missing), "{key:?}");
    for (schema, change) in changed.iter().zip(case.changes) {
        let differ = differing(&shapes[&made], &shapes[schema]);
        assert!(
            differ.contains(&key),
            "{change}: {key:?} isn't in {differ:?}"
        );
        assert!(shapes[schema].undescribed.is_empty(), "{change}");
    }
}

#[test]
fn order_of_columns_does_not_count() {
    let database = ground();
    let mut client = database.admin();
    let rest = "CREATE INDEX i ON t (c, a); CREATE STATISTICS st ON b, c FROM t; GRANT SELECT (c) ON t TO app_owner;";
    let straight = format!("CREATE TABLE t (a int, b int NOT NULL, c text, UNIQUE (c, a)); {rest}");
    let crooked = format!(
        "CREATE TABLE t (gone int, c text, gone2 int, b int NOT NULL, a int, UNIQUE (c, a)); \
         ALTER TABLE t DROP gone, DROP gone2; {rest}"
    );
    make(&mut client, "straight", &straight);
    make(&mut client, "crooked", &crooked);
    let shapes = shapes::read(&database, &["straight", "crooked"]);
    assert_same(&shapes["straight"], &shapes["crooked"]);
}

/// What shadows `pg_catalog`, and what differs only in what a name means.
#[test]
fn own_objects_are_told_from_those_of_the_server() {
    let database = ground();
    let mut client = database.admin();
    let shadows = "CREATE TABLE pg_class (oid int, relname text); CREATE DOMAIN text AS varchar; \
         CREATE FUNCTION lower(v varchar) RETURNS varchar LANGUAGE sql IMMUTABLE AS 'SELECT v'; \
         CREATE TABLE t (a text, b pg_catalog.text, CHECK (lower(b::varchar) = pg_catalog.lower(b))); \
         CREATE VIEW v AS SELECT p.oid FROM pg_class p JOIN pg_catalog.pg_class q USING (oid);";
    for name in ["one", "oid", "lower", "text"] {
        make(&mut client, name, shadows);
    }
    let other = shadows.replace("(lower(b", "(pg_catalog.lower(b");
    make(&mut client, "other", &other);
    make(
        &mut client,
        "theirs",
        &shadows.replace("FROM pg_class p", "FROM one.pg_class p"),
    );
    let shapes = shapes::read(
        &database,
        &["one", "oid", "lower", "text", "other", "theirs"],
    );
    for name in ["oid", "lower", "text"] {
        assert_same(&shapes["one"], &shapes[name]);
    }
    for (name, kind, object) in [
        ("other", Kind::Constraint, "t.t_b_check"),
        ("theirs", Kind::View, "v"),
    ] {
        let key = ObjectKey {
            kind,
            name: object.to_owned(),
        };
        assert_eq!(
            differing(&shapes["one"], &shapes[name]),
            BTreeSet::from([key])
        );
    }
}

/// What came with PostgreSQL 18.
#[test]
fn what_is_newer_is_seen() {
    let database = ground();
    if database.count("SELECT current_setting('server_version_num')::int8") < 180_000 {
        return;
    }
    let mut client = database.admin();
    let plain = "CREATE TABLE base (no int); CREATE TABLE t (id int, no int CONSTRAINT filled NOT NULL, twice int GENERATED ALWAYS AS (no * 2) VIRTUAL, \
         CONSTRAINT pos CHECK (no > 0), CONSTRAINT once UNIQUE (no))";
    make(&mut client, "plain", plain);
    let changes = [
        ("named", plain.replace("CONSTRAINT filled ", ""), None),
        (
            "stored",
            plain.replace("VIRTUAL", "STORED"),
            Some((Kind::Column, "t.twice")),
        ),
        (
            "unenforced",
            plain.replace("(no > 0)", "(no > 0) NOT ENFORCED"),
            Some((Kind::Constraint, "t.pos")),
        ),
        (
            "unchecked",
            format!(
                "{}; ALTER TABLE t ADD CONSTRAINT filled NOT NULL no NOT VALID",
                plain.replace("CONSTRAINT filled NOT NULL", "")
            ),
            Some((Kind::Constraint, "t.filled")),
        ),
        (
            "alone",
            plain.replace("filled NOT NULL", "filled NOT NULL NO INHERIT"),
            Some((Kind::Constraint, "t.filled")),
        ),
    ];
    for (name, sql, seen) in changes {
        make(&mut client, name, &sql);
        let shapes = shapes::read(&database, &["plain", name]);
        let seen = seen.map(|(kind, name)| ObjectKey {
            kind,
            name: name.to_owned(),
        });
        let differ = differing(&shapes["plain"], &shapes[name]);
        assert_eq!(differ, seen.into_iter().collect(), "{name}");
    }
}

/// Whose state was changed though the server made it: its own name would hold numbers.
#[test]
fn internal_triggers_are_known_by_their_constraint() {
    let database = ground();
    let mut client = database.admin();
    let sql = "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY LIST (id); CREATE TABLE p1 PARTITION OF p DEFAULT; \
         CREATE TABLE t (id int REFERENCES p, u int UNIQUE DEFERRABLE) PARTITION BY LIST (u); CREATE TABLE t1 PARTITION OF t DEFAULT;";
    let off =
        format!("{sql} ALTER TABLE t1 DISABLE TRIGGER ALL; ALTER TABLE p1 DISABLE TRIGGER ALL;");
    make(&mut client, "on", sql);
    make(&mut client, "off", &off);
    make(&mut client, "off_too", &off);
    let shapes = shapes::read(&database, &["on", "off", "off_too"]);
    assert_same(&shapes["off"], &shapes["off_too"]);
    let differ = differing(&shapes["on"], &shapes["off"]);
    assert!(
        differ.len() > 2 && differ.iter().all(|key| key.kind == Kind::Trigger),
        "{differ:?}"
    );
    let name = "t1.t_id_fkey \"RI_FKey_check_ins\"";
    assert!(differ.iter().any(|key| key.name == name), "{differ:?}");
}

/// Bodies, settings and comments that name the schema say the same under each name, where tokens can tell.
#[test]
fn text_that_is_kept_as_written_is_neutralised_by_tokens() {
    let database = ground();
    let mut client = database.admin();
    for name in ["t1", "Legacy-Initech"] {
        let own = quote_ident(name);
        let sql = format!(
            "CREATE TABLE s (id int); CREATE FUNCTION f() RETURNS int LANGUAGE sql SET search_path = {own}, pg_catalog \
             AS $$ SELECT count(*)::int FROM {own}.s WHERE s.id > 0 AND 't1.s' <> 's.' -- t1.s $$; \
             COMMENT ON FUNCTION f() IS 'of t1.s'"
        );
        make(&mut client, name, &sql.replace("-- t1.s $$", "-- t1.s\n$$"));
    }
    let shapes = shapes::read(&database, &["t1", "Legacy-Initech"]);
    assert_same(&shapes["t1"], &shapes["Legacy-Initech"]);
    let key = ObjectKey {
        kind: Kind::Function,
        name: "f()".to_owned(),
    };
    let source = shapes["Legacy-Initech"].objects[&key]
        .source
        .clone()
        .expect("a body");
    assert!(
        source.raw.contains("FROM \"Legacy-Initech\".s"),
        "{source:?}"
    );
    assert!(
        source
            .raw
            .starts_with("SET search_path=\"Legacy-Initech\", pg_catalog\n"),
        "{source:?}"
    );
}

#[test]
fn the_history_and_its_readers_say_nothing() {
    let database = ground();
    let mut client = database.admin();
    make(&mut client, "plain", "CREATE TABLE t (id int)");
    let history = format!(
        "CREATE TABLE t (id int); CREATE TABLE {HISTORY} (version serial PRIMARY KEY, name text CHECK (name <> '')); \
         CREATE INDEX extra ON {HISTORY} (name); COMMENT ON COLUMN {HISTORY}.name IS 'x'; \
         CREATE STATISTICS st ON version, name FROM {HISTORY}; \
         GRANT SELECT ON {HISTORY} TO {DEPLOY}; ALTER TABLE {HISTORY} OWNER TO app_owner"
    );
    make(&mut client, "recorded", &history);
    make(
        &mut client,
        "granted",
        "CREATE TABLE t (id int); GRANT CREATE ON SCHEMA granted TO app_owner",
    );
    let shapes = shapes::read(&database, &["plain", "recorded", "granted"]);
    assert_same(&shapes["plain"], &shapes["recorded"]);
    let said: Vec<&ObjectKey> = shapes["plain"]
        .objects
        .keys()
        .filter(|key| key.kind == Kind::Grant)
        .collect();
    assert!(said.is_empty(), "{said:?}");
    let key = ObjectKey {
        kind: Kind::Grant,
        name: "schema".to_owned(),
    };
    assert_eq!(
        shapes["granted"].objects[&key].text,
        "GRANT CREATE TO app_owner"
    );
}

#[test]
fn an_owner_is_said_once_for_an_object() {
    let database = ground();
    let mut client = database.admin();
    let sql = "CREATE TABLE t (id serial); GRANT SELECT (id) ON t TO PUBLIC; CREATE TYPE mine AS ENUM ('a')";
    make(&mut client, "one", sql);
    client
        .batch_execute("CREATE SCHEMA all_theirs AUTHORIZATION app_owner")
        .expect("a schema");
    run_in(
        &mut client,
        "all_theirs",
        &format!(
            "GRANT USAGE ON SCHEMA all_theirs TO {DEPLOY}; SET ROLE app_owner; {sql}; RESET ROLE"
        ),
    );
    make(
        &mut client,
        "mixed",
        &format!("{sql}; ALTER TABLE t OWNER TO app_owner"),
    );
    let shapes = shapes::read(&database, &["one", "all_theirs", "mixed"]);
    assert_same(&shapes["one"], &shapes["all_theirs"]);
    let owners = shapes["mixed"]
        .objects
        .iter()
        .filter(|(key, _)| key.kind == Kind::Owner);
    let owners: Vec<(&str, &str)> = owners
        .map(|(key, said)| (key.name.as_str(), said.text.as_str()))
        .collect();
    assert_eq!(
        owners,
        [("sequence t_id_seq", "app_owner"), ("table t", "app_owner")]
    );
}

#[test]
fn what_cannot_be_described_is_said() {
    let database = ground();
    let mut client = database.admin();
    make(&mut client, "told", "CREATE TABLE t (id int PRIMARY KEY)");
    make(
        &mut client,
        "odd",
        "CREATE TABLE t (id int PRIMARY KEY); CREATE PUBLICATION p FOR TABLE t; CREATE PUBLICATION q FOR TABLES IN SCHEMA odd; \
         CREATE FUNCTION odd.started() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; \
         CREATE EVENT TRIGGER seen ON sql_drop EXECUTE FUNCTION odd.started(); COMMENT ON EVENT TRIGGER seen IS 'x'; \
         CREATE EXTENSION lo; \
         CREATE OPERATOR FAMILY extensions.fam USING btree; CREATE FUNCTION odd.cmp(text, int) RETURNS int LANGUAGE sql AS 'SELECT 1'; \
         ALTER OPERATOR FAMILY extensions.fam USING btree ADD FUNCTION 1 odd.cmp(text, int)",
    );
    let shapes = shapes::read(&database, &["told", "odd"]);
    assert_eq!(shapes["told"].undescribed, BTreeSet::new());
    let said = BTreeSet::from([
        Undescribed::Publication("schema".to_owned()),
        Undescribed::Publication("table t".to_owned()),
        Undescribed::Unknown("event trigger seen".to_owned()),
        Undescribed::Unknown("extension lo".to_owned()),
        Undescribed::Unknown(
            "function 1 (text, integer) of operator family extensions.fam for access method btree: cmp(text,integer)"
                .to_owned(),
        ),
    ]);
    assert_eq!(shapes["odd"].undescribed, said);
}

/// What deparsing depends on is pinned, and the caller's transaction is as it was.
#[test]
fn settings_do_not_show() {
    let database = ground();
    let mut client = database.admin();
    make(&mut client, "t1", RICH);
    let before = shapes::read(&database, &["t1"]);
    let wire = &mut shapes::wire(&database);
    wire.run(&begin_reading()).expect("a transaction");
    wire.run(
        "SET LOCAL search_path = t1, extensions; SET LOCAL quote_all_identifiers = on; SET LOCAL \"DateStyle\" = 'German'; \
         SET LOCAL \"IntervalStyle\" = 'iso_8601'; SET LOCAL \"TimeZone\" = 'Asia/Tokyo'; SET LOCAL bytea_output = 'escape'; \
         SET LOCAL extra_float_digits = -4",
    )
    .expect("settings");
    let after = shapes::read_within(wire, &database, &["t1"]);
    assert_same(&before["t1"], &after["t1"]);
    let sql = "SELECT current_setting('search_path'), current_setting('TimeZone'), count(*) FROM pg_locks \
               WHERE pid = pg_backend_pid() AND relation >= 16384 AND relation::regclass::text !~ '^pg_'";
    let sets = wire.simple(sql).expect("a row");
    let row = &sets[0].rows[0];
    assert_eq!(
        [0, 1, 2].map(|at| row.get(at)),
        [Some("t1, extensions"), Some("Asia/Tokyo"), Some("0")]
    );
    wire.run("COMMIT").expect("nothing is wrong with it");
}

#[test]
fn a_schema_that_may_not_be_used_is_missing() {
    let database = ground();
    let mut client = database.admin();
    make(&mut client, "open", "CREATE TABLE t (id int)");
    make(&mut client, "shut", "CREATE TABLE t (id int)");
    run_in(
        &mut client,
        "shut",
        &format!("REVOKE USAGE ON SCHEMA shut FROM {DEPLOY}"),
    );
    let shapes = shapes::read(&database, &["open", "shut"]);
    assert_eq!(shapes.keys().collect::<Vec<_>>(), ["open"]);
}
