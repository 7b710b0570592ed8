//! Second forms: what a schema's objects are after `pg_dump` and `psql`, told beforehand from how it was built.

use std::collections::BTreeMap;

use tenantry::model::shape::{Definition, ObjectKey, Shape};
use tenantry::pg::shape;
use tenantry::pg::wire::BEGIN;

use crate::support::database::Database;
use crate::support::dump;
use crate::support::server::OWNER;
use crate::support::shapes;

const TEMPLATE: &str = include_str!("support/rich.sql");

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

/// Equal but for the schema's name.
fn alike(one: &Definition, other: &Definition) -> bool {
    let neutral = |of: &Definition| of.source.as_ref().map(|source| source.neutral.clone());
    one.text == other.text && neutral(one) == neutral(other)
}

#[test]
fn a_dumped_and_restored_schema_is_made_of_first_and_second_forms() {
    let original = tenant(&[TEMPLATE]);
    let reference = Reference::of(&original, &[TEMPLATE]);
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
        let changed = tenant(&[TEMPLATE, &sql]);
        let lost = |strange: Vec<String>| -> Vec<String> {
            let comment = |one: &String| !one.starts_with("comment on ");
            strange.into_iter().filter(comment).collect()
        };
        assert_eq!(
            lost(reference.strange(&live(&changed))),
            [name.clone()],
            "{sql}"
        );
        assert_eq!(
            lost(reference.strange(&live(&moved(&changed)))),
            [name],
            "{sql}, moved"
        );
    }
}
