//! The main line: plan, apply, plan again; a tenant and a migration more; what the server then holds.

use crate::support::cli;
use crate::support::database::Database;
use crate::support::fleet::{Fleet, outcome, project};
use crate::support::server::OWNER;

#[test]
fn a_fleet_is_planned_applied_and_then_unchanged() {
    let fleet = Fleet::small(&["acme", "globex"]);
    fleet.migration(
        "V1__add_title.sql",
        "ALTER TABLE note ADD COLUMN title text;\n",
    );

    fleet.run(["plan", "--detailed-exitcode"]).expect(2);
    assert_eq!(
        fleet.database.schemas(),
        [""; 0],
        "a plan leaves nothing behind"
    );
    let report = fleet.apply(0);
    assert_eq!(outcome(&report, "acme")["status"], "applied");
    fleet.expect_no_changes();

    assert_eq!(fleet.database.schemas(), ["t_acme", "t_globex", "tenantry"]);
    let columns = "SELECT n.nspname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = attrelid \
                   JOIN pg_namespace n ON n.oid = c.relnamespace \
                   WHERE relname = 'note' AND attnum > 0 ORDER BY 1";
    assert_eq!(
        fleet.database.texts(columns),
        [
            "t_acme.body",
            "t_acme.id",
            "t_acme.title",
            "t_globex.body",
            "t_globex.id",
            "t_globex.title"
        ]
    );
    assert_eq!(
        fleet
            .database
            .texts("SELECT version || ' ' || name FROM t_acme.history"),
        ["1 add_title"]
    );
    assert_eq!(
        fleet.database.count("SELECT count(*) FROM tenantry.tenant"),
        2
    );
    assert_eq!(
        fleet.database.texts("SELECT state FROM tenantry.run"),
        ["done"],
        "the journal knows how the run ended"
    );
    assert_eq!(
        fleet
            .database
            .count("SELECT count(*) FROM tenantry.step WHERE tenant <> '' AND took_ms >= 0"),
        2,
        "and how long each tenant took"
    );
}

#[test]
fn the_declared_owner_owns_schema_and_objects() {
    let fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    let owners = "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class c \
                  JOIN pg_namespace n ON n.oid = c.relnamespace WHERE nspname = 't_acme' \
                  UNION SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 't_acme'";
    assert_eq!(fleet.database.texts(owners), [OWNER]);
}

#[test]
fn a_new_tenant_and_a_new_migration_come_along() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    fleet.add(&["globex"]);
    fleet.migration("V2__add_tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");

    let plan = fleet.plan();
    assert_eq!(plan["summary"]["create"], 1);
    assert_eq!(plan["summary"]["migrate"], 1);
    let report = fleet.apply(0);
    assert_eq!(
        outcome(&report, "acme")["steps"],
        serde_json::json!(["V2__add_tag"])
    );
    fleet.expect_no_changes();
    let histories = "SELECT 'acme', version FROM t_acme.history UNION ALL SELECT 'globex', version FROM t_globex.history";
    assert_eq!(fleet.database.query(histories).len(), 2);
}

#[test]
fn the_sample_fleet_goes_all_the_way() {
    let database = Database::new();
    let run = |args: &[&str]| {
        let mut command = cli::tenantry(project(), args);
        command.env("DATABASE_URL", database.url());
        cli::run(command)
    };
    run(&["plan", "--detailed-exitcode"]).expect(2);
    run(&["apply", "--auto-approve"]).expect(0);
    let plan = run(&["plan", "--detailed-exitcode"]).expect(0);
    assert!(
        plan.stdout
            .contains("No changes. 12 tenants match the desired state."),
        "{}",
        plan.stdout
    );

    assert_eq!(database.count("SELECT count(*) FROM tenantry.tenant"), 12);
    assert_eq!(
        database.texts("SELECT extname || ' in ' || nspname FROM pg_extension e \
                        JOIN pg_namespace n ON n.oid = extnamespace WHERE extname <> 'plpgsql' ORDER BY 1"),
        ["btree_gin in extensions", "citext in extensions", "pg_trgm in extensions"]
    );
    assert_eq!(
        database.texts(
            "SELECT version FROM \"Legacy-Initech\".tenant_schema_migrations ORDER BY version"
        ),
        ["20250120000001", "20250120000002"]
    );
    assert_eq!(
        database.texts(
            "SELECT value FROM acq_blue-peak.settings"
                .replace("acq_blue-peak", "\"acq_blue-peak\"")
                .as_str()
        )[0],
        "\"CAD\"",
        "a tenant's own value went into its seed rows"
    );
}

#[test]
fn stock_refinery_finds_an_applied_tenant_up_to_date() {
    let fleet = Fleet::small(&["acme"]);
    fleet.migration(
        "V1__add_title.sql",
        "ALTER TABLE note ADD COLUMN title text;\n",
    );
    fleet.migration("V2__add_tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    fleet.apply(0);

    let migrations =
        refinery::load_sql_migrations(fleet.path("migrations")).expect("refinery reads the files");
    let mut runner = refinery::Runner::new(&migrations);
    runner.set_migration_table_name("t_acme.history");
    let mut client = fleet.database.admin();
    let report = runner
        .run(&mut client)
        .expect("refinery accepts the history");
    assert!(report.applied_migrations().is_empty());
    assert_eq!(
        runner
            .get_applied_migrations(&mut client)
            .expect("it reads its rows")
            .len(),
        2
    );
}

#[test]
fn a_plan_made_twice_is_the_same_to_the_byte() {
    let fleet = Fleet::small(&["acme", "globex"]);
    let plan = || fleet.run(["plan", "--format", "json"]).expect(0).stdout;
    assert_eq!(plan(), plan());
}

#[test]
fn the_sql_that_is_shown_runs_as_it_stands() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    fleet.add(&["globex"]);
    fleet.migration("V2__add_tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    let sql = fleet.run(["plan", "--sql"]).expect(0).stdout;
    // The run and the new file's text, which its rows refer to, are recorded when a run begins.
    fleet.database.run(
        "ALTER TABLE tenantry.step DROP CONSTRAINT step_run_fkey; \
         ALTER TABLE tenantry.ledger DROP CONSTRAINT ledger_sha256_fkey",
    );
    fleet.database.run(&sql);
    assert_eq!(fleet.database.schemas(), ["t_acme", "t_globex", "tenantry"]);
    assert_eq!(
        fleet.database.texts(
            "SELECT version FROM t_acme.history UNION ALL SELECT version FROM t_globex.history"
        ),
        ["2", "2"]
    );
}
