//! Second forms: what a schema's objects are after `pg_dump` and `psql`, told beforehand from how it was built.

use std::collections::BTreeMap;

use serde_json::json;
use tenantry::model::shape::{Definition, ObjectKey, Shape};
use tenantry::pg::shape;
use tenantry::pg::wire::BEGIN;

use crate::support::database::Database;
use crate::support::dump;
use crate::support::server::OWNER;
use crate::support::shapes;

const TEMPLATE: &str = include_str!("support/expressions.sql");

/// Objects with more to them than their expressions, which must not get lost on the way, and those that stand in each
/// other's way.
const EDGES: &str = "
ALTER TABLE customers CLUSTER ON customers_case_idx;
ALTER INDEX customers_case_idx ALTER COLUMN 1 SET STATISTICS 300;
ALTER TABLE customers DISABLE TRIGGER customers_stamp;
ALTER TABLE ONLY events DISABLE TRIGGER events_stamp;
ALTER TABLE events_2024 ENABLE ALWAYS TRIGGER events_stamp;
ALTER TABLE vehicles ALTER COLUMN is_fit SET STATISTICS 77;
ALTER TABLE customers ALTER COLUMN tier SET STORAGE EXTERNAL;
ALTER TABLE customers ALTER COLUMN tier SET COMPRESSION pglz;
ALTER STATISTICS orders_stats SET STATISTICS 99;
CREATE INDEX events_case_idx ON events ((CASE WHEN source IN ('app', 'job') THEN 1 END));
ALTER INDEX events_2024_case_idx ALTER COLUMN 1 SET STATISTICS 55;
ALTER TABLE events_2024 CLUSTER ON events_2024_case_idx;
ALTER TABLE settings ENABLE ALWAYS RULE settings_keep;
ALTER TABLE events ADD CONSTRAINT events_early_check CHECK (source NOT IN ('x', 'y')) NOT VALID;
ALTER TABLE assets ADD CONSTRAINT assets_own_check CHECK (state IN ('a', 'b')) NO INHERIT;
CREATE TABLE boats (state varchar(10), CONSTRAINT assets_state_check CHECK (state IN ('ok', 'broken'))) INHERITS (assets);
CREATE TABLE dinghies (length integer, CONSTRAINT assets_state_check CHECK (state IN ('ok', 'broken'))) INHERITS (boats);
CREATE INDEX assets_fit_idx ON assets (is_fit);
CREATE VIEW fit_assets AS SELECT id FROM assets WHERE is_fit;
ALTER TABLE events ADD COLUMN is_app boolean GENERATED ALWAYS AS (source IN ('app', 'web')) STORED;
CREATE TYPE parcel AS (way channel, weight quantity);
CREATE TABLE parcels (id integer PRIMARY KEY, parcel parcel, parcels channel[], word varchar(10) NOT NULL DEFAULT CASE WHEN 'a'::varchar IN ('a', 'b') THEN 'c' END);
CREATE CONSTRAINT TRIGGER parcels_check AFTER INSERT ON parcels DEFERRABLE FOR EACH ROW WHEN (NEW.word IN ('a', 'b')) EXECUTE FUNCTION stamp();
CREATE DOMAIN strict_word AS varchar(10) NOT NULL DEFAULT CASE WHEN 'a'::varchar IN ('a', 'b') THEN 'c' END;
ALTER DOMAIN strict_word ADD CONSTRAINT later CHECK (VALUE NOT IN ('a', 'b')) NOT VALID;
ALTER VIEW trade_customers ALTER COLUMN name SET DEFAULT CASE WHEN 'a'::varchar IN ('a', 'b') THEN 'c' END;
CREATE TABLE chained (id integer PRIMARY KEY, other integer REFERENCES chained DEFERRABLE INITIALLY DEFERRED, word varchar(9) CHECK (word IN ('a', 'b')));
INSERT INTO chained VALUES (1, 2, 'a'), (2, 1, 'b');
CREATE FUNCTION is_known(w varchar) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RETURN is_code('AA-1') AND w IS NOT NULL; END $$;
CREATE TABLE seeded (w varchar(5) CHECK (is_known(w) AND w IN ('a', 'b')));
INSERT INTO seeded VALUES ('a');
CREATE VIEW loop_a AS SELECT 1 AS n, 'a'::varchar AS w;
CREATE VIEW loop_b AS SELECT n FROM loop_a WHERE w IN ('a', 'b');
CREATE MATERIALIZED VIEW empty_words WITH (fillfactor = 70) AS SELECT word FROM parcels WHERE word IN ('a', 'b') WITH NO DATA;
CREATE INDEX empty_words_idx ON empty_words (word) WHERE word NOT IN ('a', 'b');
CREATE PROCEDURE put(w varchar DEFAULT CASE WHEN 'a'::varchar IN ('a', 'b') THEN 'c' END) LANGUAGE sql BEGIN ATOMIC INSERT INTO parcels (id, word) SELECT 1, w WHERE w IN ('a', 'b'); END;
ALTER FUNCTION stamp() DEPENDS ON EXTENSION plpgsql;
ALTER PROCEDURE put(varchar) DEPENDS ON EXTENSION plpgsql;
ALTER TRIGGER customers_stamp ON customers DEPENDS ON EXTENSION plpgsql;
ALTER INDEX customers_case_idx DEPENDS ON EXTENSION plpgsql;
ALTER INDEX events_2024_case_idx DEPENDS ON EXTENSION plpgsql;
ALTER MATERIALIZED VIEW empty_words DEPENDS ON EXTENSION plpgsql;
CREATE VIEW \"Odd \"\"View\" AS SELECT word AS \"W \"\"x\" FROM parcels WHERE word IN ('a', 'b');
CREATE TABLE \"Odd.Table\" (\"a b\" varchar(5) CHECK (\"a b\" IN ('x', 'y')), \"c\"\"d\" boolean GENERATED ALWAYS AS (\"a b\" IN ('it''s', 'b')) STORED)";

/// What only newer servers have.
const EDGES_18: &str = "
CREATE TABLE news (id integer CONSTRAINT news_id_there NOT NULL, word varchar(5),
    is_word boolean GENERATED ALWAYS AS (word IN ('a', 'b')) VIRTUAL, CONSTRAINT news_word_check CHECK (word IN ('a', 'b')) NOT ENFORCED)";

/// What an existing schema gets on top.
const MIGRATION: &str = "ALTER TABLE settings ADD CONSTRAINT settings_scope_check CHECK (scope IN ('all', 'own', 'none'))";

/// A shape, and what else its objects may be.
struct Reference {
    first: Shape,
    second: BTreeMap<ObjectKey, Definition>,
}

impl Reference {
    /// Of these texts, built as the program does, in a transaction that comes to nothing.
    fn of(database: &Database, texts: &[&str]) -> Self {
        let mut wire = shapes::wire(database);
        let server = shapes::version(&mut wire);
        wire.run(BEGIN).expect("a transaction");
        wire.run(&built("scratch", texts)).expect("it can be built");
        let oid = wire.simple("SELECT 'scratch'::pg_catalog.regnamespace::oid");
        let oid = oid.expect("it is there")[0].rows[0].get(0).map(str::parse);
        let oid = oid.expect("a number").expect("a number");
        let mut read = || shape::read(&mut wire, &[oid], &[], &[], server).expect("it can be read");
        let first = read().remove(&oid).expect("it is there");
        let second = shape::after_dump(&mut wire, oid, &first, &[], &[], server);
        let mut again = shape::read(&mut wire, &[oid], &[], &[], server).expect("it can be read");
        assert_eq!(again.remove(&oid), Some(first.clone()), "it is as it was");
        Self {
            first,
            second: second.expect("they can be made"),
        }
    }

    /// The objects of a shape that are neither, and those that aren't there.
    fn strange(&self, live: &Shape) -> Vec<String> {
        let accepted = |key: &ObjectKey, live: &Definition| {
            let forms = [self.first.objects.get(key), self.second.get(key)];
            forms.into_iter().flatten().any(|form| alike(form, live))
        };
        let strange = live
            .objects
            .iter()
            .filter(|(key, live)| !accepted(key, live));
        let missing = self
            .first
            .objects
            .keys()
            .filter(|key| !live.objects.contains_key(key));
        strange
            .map(|(key, _)| key)
            .chain(missing)
            .map(named)
            .collect()
    }

    fn seconds(&self) -> Vec<String> {
        self.second.keys().map(named).collect()
    }
}

fn named(key: &ObjectKey) -> String {
    format!("{} {}", key.kind.as_str(), key.name)
}

/// A schema of this name, made of texts with the schema first on the path.
fn built(schema: &str, texts: &[&str]) -> String {
    let text = texts.join(";\n").replace("{{ident:schema}}", schema);
    format!(
        "CREATE SCHEMA {schema} AUTHORIZATION {OWNER}; SET LOCAL ROLE {OWNER}; \
         SET LOCAL search_path = {schema}, pg_catalog; {text}"
    )
}

/// A database with a tenant, which was built of these texts.
fn tenant(texts: &[&str]) -> Database {
    let database = Database::new();
    let sql = built("acme", texts);
    database.run(&format!("BEGIN; {sql}; COMMIT"));
    database
}

/// The schema moved by PostgreSQL's own tools.
fn moved(database: &Database) -> Database {
    let other = Database::new();
    let errors = dump::restore(&other, &dump::structure(database, "acme"));
    assert_eq!(errors, "");
    other
}

fn run_in(database: &Database, sql: &str) {
    database.run(&format!(
        "BEGIN; SET LOCAL ROLE {OWNER}; SET LOCAL search_path = acme, pg_catalog; {sql}; COMMIT"
    ));
}

fn live(database: &Database) -> Shape {
    let schema = "acme".to_owned();
    let mut shapes = shapes::read(database, std::slice::from_ref(&schema));
    shapes.remove(&schema).expect("it is there")
}

fn is_18() -> bool {
    let database = Database::new();
    shapes::version(&mut shapes::wire(&database)) >= 180_000
}

/// Equal but for the schema's name.
fn alike(one: &Definition, other: &Definition) -> bool {
    let neutral = |of: &Definition| of.source.as_ref().map(|source| source.neutral.clone());
    one.text == other.text && neutral(one) == neutral(other)
}

#[test]
fn a_dumped_and_restored_schema_is_made_of_first_and_second_forms() {
    let mut texts = vec![TEMPLATE, EDGES];
    texts.extend(is_18().then_some(EDGES_18));
    let original = tenant(&texts);
    let reference = Reference::of(&original, &texts);
    assert_eq!(reference.strange(&live(&original)), [""; 0]);
    let mut copy = moved(&original);
    for times in 1..=2 {
        let shape = live(&copy);
        assert_eq!(reference.strange(&shape), [""; 0], "after {times}");
        // The second forms are exactly what has changed.
        let is_changed =
            |(key, live): &(&ObjectKey, &Definition)| !alike(&reference.first.objects[*key], live);
        let changed = shape.objects.iter().filter(is_changed);
        let changed: Vec<String> = changed.map(|(key, _)| named(key)).collect();
        assert_eq!(changed, reference.seconds(), "after {times}");
        copy = moved(&copy);
    }
}

#[test]
fn a_migration_on_top_of_a_restored_schema_is_in_its_first_form() {
    let copy = moved(&tenant(&[TEMPLATE]));
    run_in(&copy, MIGRATION);
    let reference = Reference::of(&copy, &[TEMPLATE, MIGRATION]);
    let shape = live(&copy);
    assert_eq!(reference.strange(&shape), [""; 0]);
    let later = "constraint settings.settings_scope_check".to_owned();
    assert!(
        reference.seconds().contains(&later),
        "{:?}",
        reference.seconds()
    );
    assert_eq!(reference.strange(&live(&moved(&copy))), [""; 0]);
}

#[test]
fn what_really_changed_is_neither_form() {
    let change = |name: &str, sql: &str| {
        let (table, constraint) = name.split_once('.').expect("a constraint of a table");
        let sql = format!("ALTER TABLE {table} DROP CONSTRAINT {constraint}; {sql}");
        (format!("constraint {name}"), sql)
    };
    let kind = "customers.customers_kind_check";
    let nick = "customers.customers_nick_check";
    let changes = [
        change(kind, "ALTER TABLE customers ADD CONSTRAINT customers_kind_check CHECK (kind IN ('retail', 'trade', 'stuff'))"),
        change(kind, "ALTER TABLE customers ADD CONSTRAINT customers_kind_check CHECK (kind NOT IN ('retail', 'trade', 'staff'))"),
        change(kind, "ALTER TABLE customers ADD CONSTRAINT customers_kind_check CHECK (kind::varchar = ANY (ARRAY['retail', 'trade', 'staff']::varchar[]))"),
        change(nick, "ALTER TABLE customers ADD CONSTRAINT customers_nick_check CHECK (nick IN ('root', 'admin'))"),
        (
            "index customers_kind_idx".to_owned(),
            "DROP INDEX customers_kind_idx; CREATE INDEX customers_kind_idx ON customers (kind) WHERE kind IN ('trade', 'stuff')".to_owned(),
        ),
        (
            "policy orders.orders_see".to_owned(),
            "ALTER POLICY orders_see ON orders USING (may_see(orders) AND way NOT IN ('air', 'sea'))".to_owned(),
        ),
        (
            "view trade_customers".to_owned(),
            "CREATE OR REPLACE VIEW trade_customers WITH (security_barrier) AS \
             SELECT id, code, name, norm(name) AS n, rank FROM customers WHERE kind IN ('trade', 'stuff') WITH LOCAL CHECK OPTION".to_owned(),
        ),
    ];
    let original = tenant(&[TEMPLATE]);
    let reference = Reference::of(&original, &[TEMPLATE]);
    for (name, sql) in changes {
        let other = tenant(&[TEMPLATE, &sql]);
        for live in [live(&other), live(&moved(&other))] {
            let mut strange = reference.strange(&live);
            // The comment went with what it was on.
            strange.retain(|one| !one.starts_with("comment on "));
            assert_eq!(strange.join(", "), name, "{sql}");
        }
    }
}

#[test]
fn what_comes_out_with_more_changed_than_its_expressions_is_undone() {
    let database = Database::new();
    let item = |name: &str, statement: &str| {
        let frame = "SELECT relkind FROM pg_class WHERE relname = 'kept'";
        let statements = [
            format!("CREATE TABLE public.{name} ()"),
            statement.to_owned(),
        ];
        json!({ "before": frame, "after": frame, "statements": statements })
    };
    let items = json!([
        item("changed", "CREATE VIEW public.kept AS SELECT 1"),
        item("failed", "nonsense"),
        item("made", "SELECT 1"),
    ]);
    let make_again = include_str!("../../src/pg/queries/after_dump/make_again.sql");
    let setting = format!(
        "SET tenantry.again = '{}'",
        items.to_string().replace('\'', "''")
    );
    database.run(&format!("{setting}; {make_again}"));
    let tables = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace";
    assert_eq!(database.texts(tables), ["made"]);
}
