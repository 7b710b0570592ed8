//! `drift` against live fleets: who was changed by hand is named, with what, and nobody else.

use serde_json::Value;

use crate::support::dump;
use crate::support::fleet::{Fleet, project, sample};
use crate::support::gate::{Gate, WAIT};
use crate::support::server::{DEPLOY, OWNER, OwnServer};
use crate::support::shapes;
use crate::support::{cli, database::Database};

/// More tenants than are read one by one.
fn many() -> Vec<String> {
    (0..24).map(|number| format!("m{number:02}")).collect()
}

const ORDERS: &str = "
CREATE TYPE state AS ENUM ('new', 'paid');
CREATE TABLE orders (
    id bigserial PRIMARY KEY,
    state state NOT NULL DEFAULT 'new',
    kind varchar(20) NOT NULL CONSTRAINT orders_kind CHECK (kind IN ('retail', 'trade')),
    note text
);
COMMENT ON TABLE orders IS 'what is paid for';
CREATE INDEX orders_open ON orders (kind) WHERE kind NOT IN ('trade', 'none');
CREATE FUNCTION label(o orders) RETURNS text LANGUAGE sql STABLE AS $$ SELECT o.kind || '.' || o.id $$;
CREATE VIEW open_orders AS SELECT id, kind FROM orders WHERE kind IN ('retail', 'trade') AND NOT note LIKE 'x%';
";

fn orders(tenants: &[String]) -> Fleet {
    let mut fleet = Fleet::new(ORDERS);
    fleet.add(&tenants.iter().map(String::as_str).collect::<Vec<_>>());
    fleet.apply(0);
    fleet
}

/// `tenant kind object` of every finding.
fn findings(fleet: &Fleet, code: i32) -> Vec<String> {
    let run = fleet.run(["drift", "--format", "json"]).expect(code);
    told(&run.json())
}

fn told(report: &Value) -> Vec<String> {
    let findings = report["findings"].as_array().expect("a list").iter();
    let words = |one: &Value| {
        ["tenant", "kind", "object"].map(|key| one[key].as_str().unwrap_or("-").to_owned())
    };
    findings.map(|one| words(one).join(" ")).collect()
}

#[test]
fn a_clean_fleet_has_no_finding() {
    let sample = sample();
    let example = |name: &str| project().join("examples").join(name);
    for (folder, file) in [
        (sample.path().to_owned(), "desired"),
        (example("minimal"), "fleet.yaml"),
        (example("two-clusters"), "fleet.yaml"),
    ] {
        let (database, other) = (Database::new(), Database::new());
        let run = |args: &[&str]| {
            let mut command = cli::tenantry(&folder, args);
            command
                .env("TENANTRY_FILE", file)
                .env("DATABASE_URL", database.url())
                .env("MAIN_DATABASE_URL", database.url())
                .env("EU_DATABASE_URL", other.url());
            cli::run(command)
        };
        run(&["apply", "--auto-approve"]).expect(0);
        let drift = run(&["drift"]).expect(0);
        assert!(drift.stdout.starts_with("No drift."), "{}", drift.stdout);
        let report = run(&["drift", "--format", "json", "--strict"])
            .expect(0)
            .json();
        assert_eq!(told(&report), [""; 0]);
        // The references that apply has kept are those that would be built.
        database.run("DELETE FROM tenantry.reference");
        run(&["drift", "--strict"]).expect(0);
        assert_eq!(database.count("SELECT count(*) FROM tenantry.reference"), 0);
    }
}

#[test]
fn who_was_changed_is_named_among_many_and_equal_changes_are_folded() {
    let tenants = many();
    let fleet = orders(&tenants);
    assert_eq!(findings(&fleet, 0), [""; 0]);
    for tenant in ["m03", "m07", "m21"] {
        fleet
            .database
            .run(&format!("DROP INDEX t_{tenant}.orders_open"));
    }
    fleet
        .database
        .run("ALTER TABLE t_m11.orders ALTER note SET NOT NULL");
    assert_eq!(
        findings(&fleet, 2),
        [
            "m03 missing index orders_open",
            "m07 missing index orders_open",
            "m11 changed column orders.note",
            "m21 missing index orders_open",
        ]
    );
    let human = fleet.run(["drift"]).expect(2).stdout;
    assert!(
        human.contains("3 tenants: index orders_open missing\n"),
        "{human}"
    );
    assert!(human.contains("Drift: 4 of 24 tenants differ"), "{human}");
}

/// Equal texts up to the tenants' names hide nothing.
#[test]
fn a_name_that_is_a_word_of_the_text_hides_nothing() {
    let mut fleet = Fleet::new(ORDERS);
    fleet.defaults = fleet
        .defaults
        .replace("  owner", "  schema: \"{tenant}\"\n  owner");
    let mut fleet_yaml = many();
    fleet_yaml.extend(["paid", "orders", "s", "kind"].map(str::to_owned));
    fleet.add(&fleet_yaml.iter().map(String::as_str).collect::<Vec<_>>());
    let yaml = |fleet: &Fleet| fleet.yaml().replacen("  schema: \"t_{tenant}\"\n", "", 1);
    fleet.write("plain.yaml", &yaml(&fleet));
    let run = |args: &[&str]| fleet.run([&["-f", "plain.yaml"], args].concat());
    run(&["apply", "--auto-approve"]).expect(0);
    run(&["drift"]).expect(0);
    fleet
        .database
        .run("COMMENT ON TABLE m05.orders IS 'what is m05 for'");
    let report = run(&["drift", "--format", "json"]).expect(2).json();
    assert_eq!(told(&report), ["m05 changed comment on table orders"]);
}

#[test]
fn a_fleet_that_was_dumped_restored_and_migrated_has_not_drifted() {
    let tenants = many();
    let fleet = orders(&tenants);
    let structure = dump::structure(&fleet.database, "t_*");
    let histories: Vec<String> = tenants
        .iter()
        .flat_map(|id| {
            let sql = format!("SELECT format('INSERT INTO t_{id}.history VALUES (%s, %L, %L, %L)', version, name, applied_on, checksum) FROM t_{id}.history");
            fleet.database.texts(&sql)
        })
        .collect();
    for id in &tenants {
        fleet.database.run(&format!("DROP SCHEMA t_{id} CASCADE"));
    }
    assert_eq!(dump::restore(&fleet.database, &structure), "");
    fleet.database.run(&histories.join(";"));
    assert_eq!(findings(&fleet, 0), [""; 0]);
    fleet.migration(
        "V1__kinds.sql",
        "ALTER TABLE orders ADD CONSTRAINT orders_note CHECK (note NOT IN ('a', 'b'));\n",
    );
    fleet.apply(0);
    assert_eq!(findings(&fleet, 0), [""; 0]);
    fleet.database.run(
        "ALTER TABLE t_m01.orders DROP CONSTRAINT orders_kind, ADD CONSTRAINT orders_kind CHECK (kind IN ('retail', 'tradE'));
         ALTER TABLE t_m02.orders DROP CONSTRAINT orders_note, ADD CONSTRAINT orders_note CHECK (note IN ('a', 'b'));
         CREATE OR REPLACE VIEW t_m03.open_orders AS SELECT id, kind FROM t_m03.orders WHERE kind IN ('retail', 'trade') AND note LIKE 'x%'",
    );
    assert_eq!(
        findings(&fleet, 2),
        [
            "m01 changed constraint orders.orders_kind",
            "m02 changed constraint orders.orders_note",
            "m03 changed view open_orders",
        ]
    );
}

#[test]
fn other_schemas_of_the_database_change_nothing() {
    let fleet = orders(&many());
    fleet.database.run("DROP INDEX t_m03.orders_open");
    let before = fleet.run(["drift", "--format", "json"]).expect(2).stdout;
    let others: Vec<String> = (0..100)
        .map(|number| {
            format!("CREATE SCHEMA other_{number}; CREATE TABLE other_{number}.orders (id int PRIMARY KEY, state t_m04.state);")
        })
        .collect();
    fleet.database.run(&others.concat());
    let after = fleet.run(["drift", "--format", "json"]).expect(2).stdout;
    assert_eq!(before, after);
}

#[test]
fn a_tenant_that_an_apply_is_at_work_on_is_left_out() {
    let fleet = orders(&many());
    let mut gate = Gate::shut(&fleet.database);
    fleet.migration(
        "V1__slow.sql",
        &format!("ALTER TABLE orders ADD COLUMN slow int;\nDROP VIEW open_orders;\n{WAIT}"),
    );
    let apply = fleet.start_apply(&["--tenant", "m02"]);
    gate.until_waiting(1);
    let report = fleet.run(["drift", "--format", "json"]).expect(0).json();
    assert_eq!(told(&report), [""; 0]);
    gate.open();
    apply.end().expect(0);
    assert_eq!(findings(&fleet, 0), [""; 0]);
}

#[test]
fn a_fleet_that_is_made_again_on_another_server_has_the_same_fingerprints() {
    let here = orders(&["acme".to_owned()]);
    let mut there = Fleet::on(Database::on(&OwnServer::new().server), ORDERS);
    // Objects that were there before have other numbers then.
    there.add(&["first", "second", "zz"]);
    there.apply(0);
    let fingerprints = |fleet: &Fleet, schemas: &[&str]| -> Vec<String> {
        let read = shapes::read(&fleet.database, schemas);
        read.values().map(|shape| shape.fingerprint().0).collect()
    };
    let one = fingerprints(&here, &["t_acme"]);
    let others = fingerprints(&there, &["t_first", "t_second", "t_zz"]);
    assert_eq!(others, vec![one[0].clone(); 3]);
}

/// A role that is let read the tenants after references were kept, and that the template lets in by itself.
#[test]
fn a_new_reader_is_no_drift() {
    let mut fleet = Fleet::small(&["acme", "globex"]);
    let role = format!("reader_{}", fleet.database.name);
    fleet.database.run(&format!("CREATE ROLE {role}"));
    let grant = format!("GRANT USAGE ON SCHEMA {{{{ident:schema}}}} TO {role};\n");
    fleet.write("template/020_reader.sql", &grant);
    fleet.apply(0);
    assert_eq!(findings(&fleet, 0), [""; 0]);
    fleet
        .database
        .run(&format!("GRANT SELECT ON tenantry.tenant TO {role}"));
    assert_eq!(findings(&fleet, 0), [""; 0]);
    fleet
        .database
        .run(&format!("GRANT CREATE ON SCHEMA t_acme TO {role}"));
    assert_eq!(findings(&fleet, 2), ["acme grant grants on schema"]);
    fleet.extra = "waivers: [{ tenants: acme, object: 'grants on schema', reason: r, owner: o }]\n"
        .to_owned();
    let report = fleet.run(["drift", "--format", "json"]).expect(0).json();
    assert_eq!(report["summary"]["waived"], 1);
}

#[test]
fn an_object_is_waived_by_the_name_that_drift_prints() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    fleet
        .database
        .run("CREATE FUNCTION t_acme.f(text[], integer[]) RETURNS int LANGUAGE sql AS 'SELECT 1'");
    let object = "function f(text[], integer[])";
    assert_eq!(findings(&fleet, 2), [format!("acme extra {object}")]);
    fleet.extra =
        format!("waivers: [{{ tenants: acme, object: '{object}', reason: r, owner: o }}]\n");
    fleet.run(["drift"]).expect(0);
}

#[test]
fn a_role_with_settings_of_its_own_reads_the_same() {
    let fleet = orders(&many());
    let role = format!("set_{}", fleet.database.name);
    fleet.database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'tests-only' IN ROLE {OWNER};
         GRANT USAGE ON SCHEMA tenantry TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA tenantry TO {role};
         ALTER ROLE {role} SET standard_conforming_strings = off;
         ALTER ROLE {role} SET quote_all_identifiers = on;
         ALTER ROLE {role} SET search_path = nowhere"
    ));
    let url = fleet.database.url().replace(DEPLOY, &role);
    fleet.run(["drift", "--database-url", &url]).expect(0);
    fleet
        .run(["drift", "--tenant", "m01", "--database-url", &url])
        .expect(0);
}

#[test]
fn objects_that_another_session_holds_are_worth_another_look() {
    for tenants in [&many()[..2], &many()] {
        let fleet = orders(tenants);
        let mut other = fleet.database.admin();
        other
            .batch_execute("BEGIN; LOCK TABLE t_m01.orders IN ACCESS EXCLUSIVE MODE")
            .expect("nobody uses it");
        let run = fleet.run(["drift", "--format", "json"]).expect(1);
        let report = run.json();
        assert_eq!(told(&report), ["m01 unreadable schema"]);
        let hint = report["findings"][0]["hint"].as_str().expect("a hint");
        assert!(hint.starts_with("Look again"), "{hint}");
        other.batch_execute("ROLLBACK").expect("it was open");
        assert_eq!(findings(&fleet, 0), [""; 0]);
    }
}
