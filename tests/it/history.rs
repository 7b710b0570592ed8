//! Histories and files that disagree: told with their names, never repaired silently, and nobody else's trouble.

use serde_json::{Value, json};

use crate::support::fleet::{Fleet, blocked, outcome};

/// Two tenants that have `V1__title` and `V2__tag`.
fn applied() -> Fleet {
    let fleet = Fleet::small(&["acme", "globex"]);
    fleet.migration("V1__title.sql", TITLE);
    fleet.migration("V2__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    fleet.apply(0);
    fleet
}

const TITLE: &str = "-- A title.\nALTER TABLE note ADD COLUMN title text;\n";

/// Every history row of a tenant, as text.
fn history(fleet: &Fleet, tenant: &str) -> Vec<String> {
    let sql = format!("SELECT h::text FROM t_{tenant}.history AS h ORDER BY version");
    fleet.database.texts(&sql)
}

fn versions(fleet: &Fleet, tenant: &str) -> Vec<String> {
    fleet.database.texts(&format!(
        "SELECT version FROM t_{tenant}.history ORDER BY version"
    ))
}

fn columns(fleet: &Fleet, tenant: &str) -> Vec<String> {
    fleet.database.texts(&format!(
        "SELECT attname FROM pg_attribute WHERE attrelid = 't_{tenant}.note'::regclass AND attnum > 0 \
         AND NOT attisdropped ORDER BY attnum"
    ))
}

/// The message of the first blocked tenant.
fn message(plan: &Value) -> &str {
    plan["blocked"][0]["message"].as_str().expect("text")
}

#[test]
fn an_edited_migration_blocks_with_both_checksums() {
    let fleet = applied();
    let before = history(&fleet, "acme");
    let recorded = fleet
        .database
        .texts("SELECT checksum FROM t_acme.history WHERE version = 1");
    let edited = TITLE.replace("title text", "title varchar(9)");
    fleet.migration("V1__title.sql", &edited);

    let plan = fleet.plan();
    assert_eq!(blocked(&plan), ["acme diverged", "globex diverged"]);
    let of_file = refinery_core::Migration::unapplied("V1__title", &edited)
        .expect("a good name")
        .checksum()
        .to_string();
    for checksum in [&recorded[0], &of_file] {
        assert!(
            message(&plan).contains(checksum),
            "{checksum} isn't in {}",
            message(&plan)
        );
    }
    fleet.run(["plan", "--detailed-exitcode"]).expect(2);
    fleet.run(["apply", "--auto-approve"]).expect(4);
    assert_eq!(history(&fleet, "acme"), before);

    fleet.migration("V1__title.sql", TITLE);
    fleet.expect_no_changes();
}

#[test]
fn line_ends_and_byte_order_marks_are_no_edit() {
    let fleet = applied();
    fleet.migration("V1__title.sql", &TITLE.replace('\n', "\r\n"));
    fleet.expect_no_changes();
    fleet.migration("V1__title.sql", &format!("\u{feff}{TITLE}"));
    fleet.expect_no_changes();
    let template =
        std::fs::read_to_string(fleet.path("template/010_base.sql")).expect("it is there");
    fleet.write("template/010_base.sql", &template.replace('\n', "\r\n"));
    assert_eq!(
        fleet.plan()["notices"],
        json!([]),
        "nor is the template outdated"
    );
}

#[test]
fn a_renamed_migration_diverges() {
    let fleet = applied();
    std::fs::rename(
        fleet.path("migrations/V1__title.sql"),
        fleet.path("migrations/V1__heading.sql"),
    )
    .expect("a rename");
    let plan = fleet.plan();
    assert_eq!(blocked(&plan), ["acme diverged", "globex diverged"]);
    for name in ["V1__title", "V1__heading"] {
        assert!(message(&plan).contains(name), "{}", message(&plan));
    }
}

#[test]
fn a_missing_file_blocks_those_who_have_it() {
    let mut fleet = applied();
    fleet.remove("globex");
    fleet.migration(
        "V3__late_comer.sql",
        "ALTER TABLE note ADD COLUMN late int;\n",
    );
    fleet.apply(0);
    fleet.add(&["globex"]);
    std::fs::remove_file(fleet.path("migrations/V3__late_comer.sql")).expect("it is there");

    let plan = fleet.plan();
    assert_eq!(blocked(&plan), ["acme missing"], "globex never had it");
    assert!(
        message(&plan).contains("V3__late_comer"),
        "{}",
        message(&plan)
    );
    assert_eq!(plan["summary"]["unchanged"], 1);
    let human = fleet.run(["plan"]).expect(0).stdout;
    assert!(
        human.contains("acme") && human.contains("V3__late_comer"),
        "{human}"
    );
}

#[test]
fn a_late_lower_version_blocks_and_is_never_run() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.migration("V10__ten.sql", "ALTER TABLE note ADD COLUMN ten int;\n");
    fleet.apply(0);
    fleet.migration("V5__five.sql", "ALTER TABLE note ADD COLUMN five int;\n");
    fleet.add(&["globex"]);

    let plan = fleet.plan();
    assert_eq!(blocked(&plan), ["acme late"]);
    assert!(message(&plan).contains("V5__five"), "{}", message(&plan));
    // A new tenant takes both in order.
    let report = fleet.apply(3);
    assert_eq!(outcome(&report, "globex")["status"], "applied");
    assert_eq!(versions(&fleet, "globex"), ["5", "10"]);
    assert_eq!(versions(&fleet, "acme"), ["10"]);
    assert_eq!(columns(&fleet, "acme"), ["id", "body", "ten"]);
}

#[test]
fn wrong_migration_folders_are_told_before_connecting() {
    for (wrong, words) in [
        ("V02__again.sql", "V2__tag.sql"),
        ("V1_title.sql", "V1_title.sql"),
        ("v3__lower.sql", "v3__lower.sql"),
        ("V3__.sql", "V3__.sql"),
        ("V__x.sql", "V__x.sql"),
        ("U3__undo.sql", "U3__undo.sql"),
        ("R__repeat.sql", "R__repeat.sql"),
        ("notes.sql", "notes.sql"),
        (
            "V99999999999999999999__huge.sql",
            "V99999999999999999999__huge.sql",
        ),
        ("V9__lonely.down.sql", "V9__lonely.down.sql"),
    ] {
        let fleet = Fleet::small(&["acme"]);
        fleet.migration("V1__title.sql", TITLE);
        fleet.migration("V2__tag.sql", "SELECT 1;\n");
        fleet.migration(wrong, "SELECT 1;\n");
        let nowhere = ["plan", "--database-url", "postgres:///x?host=/nowhere"];
        let run = fleet.run(nowhere).expect(65);
        for name in [words, wrong] {
            assert!(run.stderr.contains(name), "{wrong}: {}", run.stderr);
        }
        assert!(!run.stderr.contains("nowhere"), "{}", run.stderr);
    }
}

#[test]
fn a_spoilt_history_is_located_and_nobody_elses_trouble() {
    for (spoil, words) in [
        (
            "checksum = 'zzz'",
            "version 1: checksum \"zzz\" isn't a number",
        ),
        ("checksum = NULL", "version 1: checksum is NULL"),
        ("name = NULL", "version 1: name is NULL"),
        (
            "checksum = '-1'",
            "version 1: checksum \"-1\" isn't a number",
        ),
        ("checksum = ''", "version 1: checksum \"\" isn't a number"),
    ] {
        let fleet = applied();
        fleet.database.run(&format!(
            "UPDATE t_acme.history SET {spoil} WHERE version = 1"
        ));
        fleet.migration("V3__more.sql", "ALTER TABLE note ADD COLUMN more int;\n");
        let before = history(&fleet, "acme");

        let plan = fleet.plan();
        assert_eq!(blocked(&plan), ["acme history_unreadable"], "{spoil}");
        assert!(
            message(&plan).contains(words),
            "{spoil}: {}",
            message(&plan)
        );
        assert!(
            message(&plan).contains("\"t_acme\".\"history\""),
            "{}",
            message(&plan)
        );
        let report = fleet.apply(3);
        assert_eq!(outcome(&report, "globex")["status"], "applied");
        assert_eq!(history(&fleet, "acme"), before);
        assert_eq!(versions(&fleet, "globex"), ["1", "2", "3"]);
    }
}

#[test]
fn histories_that_look_strange_in_other_columns_are_no_trouble() {
    let fleet = applied();
    fleet
        .database
        .run("UPDATE t_acme.history SET applied_on = NULL");
    fleet
        .database
        .run("UPDATE t_globex.history SET applied_on = 'some day'");
    fleet.expect_no_changes();
}

#[test]
fn another_format_blocks_as_foreign() {
    for change in [
        "ALTER TABLE t_acme.history ALTER version TYPE int4",
        "ALTER TABLE t_acme.history ADD COLUMN installed_by text",
        "ALTER TABLE t_acme.history DROP COLUMN checksum",
        "ALTER TABLE t_acme.history RENAME TO h; CREATE VIEW t_acme.history AS SELECT * FROM t_acme.h",
    ] {
        let fleet = applied();
        fleet.database.run(change);
        fleet.migration("V3__more.sql", "ALTER TABLE note ADD COLUMN more int;\n");
        assert_eq!(blocked(&fleet.plan()), ["acme foreign_history"], "{change}");
        let report = fleet.apply(3);
        assert_eq!(outcome(&report, "globex")["status"], "applied");
        assert_eq!(columns(&fleet, "acme"), ["id", "body", "title", "tag"]);
    }
}

#[test]
fn a_history_that_is_gone_or_locked_away_blocks_its_tenant() {
    for change in [
        "DROP TABLE t_acme.history",
        "ALTER TABLE t_acme.history RENAME TO other",
        "ALTER TABLE t_acme.history OWNER TO postgres",
        "ALTER SCHEMA t_acme OWNER TO postgres",
    ] {
        let fleet = applied();
        let superuser = fleet.database.texts("SELECT current_user");
        fleet
            .database
            .run(&change.replace("postgres", &superuser[0]));
        assert_eq!(
            blocked(&fleet.plan()),
            ["acme history_unreadable"],
            "{change}"
        );
        fleet.run(["apply", "--auto-approve"]).expect(4);
    }
}

#[test]
fn histories_of_other_fleets_sizes_are_compared_whole() {
    let fleet = applied();
    fleet.database.run(
        "INSERT INTO t_acme.history SELECT 9223372036854775807, 'largest', 'x', '18446744073709551615'",
    );
    let plan = fleet.plan();
    assert_eq!(blocked(&plan), ["acme missing"]);
    assert!(
        message(&plan).contains("V9223372036854775807__largest"),
        "{}",
        message(&plan)
    );
}

#[test]
fn a_tag_limited_migration_comes_with_the_tag() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.tenant("globex", "{ tags: [enterprise] }");
    fleet.migration(
        "V1__audit.sql",
        "-- tenantry: only tag:enterprise\nALTER TABLE note ADD COLUMN audited_by text;\n",
    );
    fleet.migration("V2__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    fleet.apply(0);
    assert_eq!(versions(&fleet, "acme"), ["2"]);
    assert_eq!(versions(&fleet, "globex"), ["1", "2"]);
    fleet.expect_no_changes();

    // The tag comes later than V2: V1 is due all the same.
    fleet.tenant("acme", "{ tags: [enterprise] }");
    let report = fleet.apply(0);
    assert_eq!(outcome(&report, "acme")["steps"], json!(["V1__audit"]));
    assert_eq!(versions(&fleet, "acme"), ["1", "2"]);
    assert_eq!(columns(&fleet, "acme"), ["id", "body", "tag", "audited_by"]);

    // The tag goes: what is recorded stays part of the history.
    fleet.tenant("acme", "{}");
    fleet.expect_no_changes();
    assert_eq!(versions(&fleet, "acme"), ["1", "2"]);
}

#[test]
fn a_baseline_is_recorded_and_not_run() {
    let mut fleet = Fleet::new("CREATE TABLE note (id int PRIMARY KEY, body text, title text);\n");
    fleet.add(&["acme"]);
    fleet.tenant("globex", "{ tags: [enterprise] }");
    fleet.migration("V1__title.sql", TITLE);
    fleet.migration(
        "V2__audit.sql",
        "-- tenantry: only tag:enterprise\nALTER TABLE note ADD COLUMN audited_by text;\n",
    );
    fleet.migration("V3__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    let run = |args: &[&str]| {
        fleet.run_edited(
            "migrations: migrations }",
            "migrations: migrations, baseline: 2 }",
            args,
        )
    };
    run(&["apply", "--auto-approve"]).expect(0);
    assert_eq!(versions(&fleet, "acme"), ["1", "3"]);
    assert_eq!(columns(&fleet, "acme"), ["id", "body", "title", "tag"]);
    assert_eq!(
        versions(&fleet, "globex"),
        ["1", "2", "3"],
        "a baseline never covers tagged files"
    );
    assert_eq!(
        columns(&fleet, "globex"),
        ["id", "body", "title", "audited_by", "tag"]
    );
    run(&["plan", "--detailed-exitcode"]).expect(0);
    assert_eq!(
        fleet.database.texts(
            "SELECT DISTINCT direction || ' ' || coalesce(version::text, name) FROM tenantry.ledger ORDER BY 1"
        ),
        ["baseline 1", "up 2", "up 3", "up template"]
    );
}

#[test]
fn a_changed_template_is_a_notice_for_those_who_live() {
    let mut fleet = applied();
    fleet.write(
        "template/010_base.sql",
        "CREATE TABLE note (id bigint PRIMARY KEY, body text, colour text);\n",
    );
    let plan = fleet.plan();
    assert_eq!(plan["notices"][0]["code"], "template_outdated");
    assert_eq!(plan["notices"][0]["tenants"], json!(["acme", "globex"]));
    fleet.expect_no_changes();

    fleet.add(&["hooli"]);
    fleet.apply(0);
    assert_eq!(
        columns(&fleet, "acme"),
        ["id", "body", "title", "tag"],
        "no template runs again"
    );
    assert_eq!(
        columns(&fleet, "hooli"),
        ["id", "body", "colour", "title", "tag"]
    );
    assert_eq!(
        fleet.plan()["notices"][0]["tenants"],
        json!(["acme", "globex"])
    );
    assert_eq!(
        fleet
            .database
            .count("SELECT count(DISTINCT template_address) FROM tenantry.tenant"),
        2,
        "each tenant's own template is known"
    );
    assert_eq!(
        fleet.database.count(
            "SELECT count(*) FROM tenantry.tenant t JOIN tenantry.content c ON c.sha256 = t.template_address"
        ),
        3,
        "and kept"
    );
}

#[test]
fn template_files_that_come_and_go_outdate_the_template() {
    let fleet = applied();
    fleet.write("template/020_more.sql", "CREATE TABLE more (id int);\n");
    assert_eq!(fleet.plan()["notices"][0]["code"], "template_outdated");
    fleet.expect_no_changes();
    std::fs::remove_file(fleet.path("template/020_more.sql")).expect("it is there");
    assert_eq!(fleet.plan()["notices"], json!([]));
}
