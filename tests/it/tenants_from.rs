//! Tenants that a query names: what it may say, what it may not do, and rows of every bad kind.

use serde_json::json;

use crate::support::cli::{self, Run};
use crate::support::fleet::{Fleet, blocked};
use crate::support::server::DEPLOY;

/// A fleet whose tenants stand in the table `app.customer`.
fn fleet(query: &str, min: usize) -> Fleet {
    let mut fleet = Fleet::small(&[]);
    fleet.database.run(&format!(
        "CREATE SCHEMA app; CREATE TABLE app.customer (n int GENERATED ALWAYS AS IDENTITY, id text, template text, \
           schema text, tags text[], vars jsonb, state text); \
         GRANT USAGE ON SCHEMA app TO {DEPLOY}; GRANT SELECT ON app.customer TO {DEPLOY}; \
         ALTER ROLE {DEPLOY} IN DATABASE {} SET search_path = app",
        fleet.database.name
    ));
    from(&mut fleet, query, min);
    fleet
}

/// The table's usual query; the role's own path leads to it.
const ALL: &str = "SELECT id, template, schema, tags, vars, state FROM customer ORDER BY n";

fn from(fleet: &mut Fleet, query: &str, min: usize) {
    let source = json!({ "query": query, "min": min });
    fleet.extra = format!("tenants_from: {source}\n");
}

fn customers(fleet: &Fleet, values: &str) {
    fleet.database.run(&format!(
        "INSERT INTO app.customer (id, template, schema, tags, vars, state) VALUES {values}"
    ));
}

fn ids(fleet: &Fleet, ids: &[&str]) {
    for id in ids {
        customers(fleet, &format!("('{id}', NULL, NULL, NULL, NULL, NULL)"));
    }
}

/// A run that ends with 65, and the lines of its problems.
#[track_caller]
fn problems(fleet: &Fleet) -> Vec<String> {
    let run = fleet.run(["plan"]).expect(65);
    assert_eq!(run.stdout, "");
    let lines = run.stderr.lines();
    lines
        .filter(|line| line.starts_with("fleet.yaml:"))
        .map(|line| line.split_once(": ").expect("a place").1.to_owned())
        .collect()
}

#[track_caller]
fn failed(fleet: &Fleet, code: i32, words: &str) -> Run {
    let run = fleet.run(["plan"]).expect(code);
    assert!(run.stderr.contains(words), "{}", run.stderr);
    assert!(run.stderr.contains("hint: "), "{}", run.stderr);
    run
}

#[test]
fn tenants_come_go_and_change_with_the_query() {
    let mut fleet = fleet(ALL, 2);
    fleet.tenant("globex", "{ schema: Big, vars: { currency: EUR } }");
    fleet.tenant("by-hand", "{}");
    fleet.write(
        "template/010_base.sql",
        "CREATE TABLE t (c text DEFAULT {{literal:vars.currency}}, s text DEFAULT {{literal:vars.size}});\n",
    );
    fleet.tenant("by-hand", "{ vars: { currency: USD, size: s } }");
    customers(
        &fleet,
        "('acme', 'base', 'Acme \"1\"', '{canary}', '{\"currency\": \"it''s\", \"size\": \"m\"}', 'present'), \
         ('globex', NULL, 'ignored', NULL, '{\"currency\": \"CAD\", \"size\": \"l\"}', NULL), \
         ('oldco', NULL, NULL, NULL, '{\"currency\": \"-\", \"size\": \"-\"}', 'absent')",
    );
    let plan = fleet.plan();
    assert_eq!(plan["summary"]["create"], 3, "{plan:#}");
    fleet.run(["plan", "--out", "plan.json"]).expect(0);
    fleet.apply(0);
    fleet.expect_no_changes();
    let schemas = fleet.database.schemas();
    assert_eq!(
        schemas,
        ["Acme \"1\"", "Big", "app", "t_by-hand", "tenantry"]
    );
    let defaults = |schema: &str| {
        fleet.database.texts(&format!(
            "SELECT pg_get_expr(adbin, adrelid) FROM pg_attrdef JOIN pg_class c ON c.oid = adrelid \
             WHERE relnamespace = '{schema}'::regnamespace ORDER BY adnum"
        ))
    };
    assert_eq!(
        defaults("\"Acme \"\"1\"\"\""),
        ["'it''s'::text", "'m'::text"]
    );
    // The file's word for currency, the row's for size.
    assert_eq!(defaults("\"Big\""), ["'EUR'::text", "'l'::text"]);

    // A saved plan was made for the list as it was then.
    fleet
        .database
        .run("DELETE FROM app.customer WHERE id = 'acme'");
    let run = fleet
        .run(["apply", "plan.json", "--auto-approve"])
        .expect(4);
    assert!(
        run.stderr.contains("another desired state"),
        "{}",
        run.stderr
    );
    // Who left the list is shown and kept.
    let plan = fleet.plan();
    assert_eq!(plan["summary"]["drop"], 0);
    assert_eq!(
        plan["unmanaged"],
        json!([{ "cluster": "default", "schema": "Acme \"1\"", "tenant": "acme", "reason": "removed_from_file" }])
    );
    fleet.run(["apply", "--auto-approve"]).expect(0);
    assert!(fleet.database.schemas().contains(&"Acme \"1\"".to_owned()));
    // Back again, it is the same tenant.
    customers(
        &fleet,
        "('acme', NULL, 'Acme \"1\"', NULL, '{\"currency\": \"it''s\", \"size\": \"m\"}', NULL)",
    );
    fleet.expect_no_changes();
}

#[test]
fn filters_see_rows_like_lines_of_the_file() {
    let fleet = fleet(ALL, 1);
    customers(
        &fleet,
        "('acme', NULL, NULL, '{big}', NULL, NULL), ('acme-eu', NULL, NULL, NULL, NULL, NULL), \
         ('zeta', NULL, NULL, '{big,new}', NULL, NULL)",
    );
    let created = |args: &[&str]| {
        let all = [&["plan", "--format", "json"], args].concat();
        fleet.run(all).expect(0).json()["cohorts"][0]["tenants"].clone()
    };
    assert_eq!(created(&["--tenant", "acme*"]), json!(["acme", "acme-eu"]));
    assert_eq!(created(&["--exclude", "acme*"]), json!(["zeta"]));
    assert_eq!(created(&["--tag", "big"]), json!(["acme", "zeta"]));
    let run = fleet.run(["plan", "--tenant", "acmee"]).expect(64);
    assert!(run.stderr.contains("acme"), "{}", run.stderr);
}

#[test]
fn hostile_rows_are_told_all_at_once_by_row() {
    let fleet = fleet(ALL, 1);
    let long = "a".repeat(64);
    let wide = "é".repeat(32);
    customers(
        &fleet,
        &format!(
            "('good', NULL, NULL, NULL, NULL, NULL), \
             (NULL, NULL, NULL, NULL, NULL, NULL), \
             ('it''s', NULL, NULL, NULL, NULL, NULL), \
             ('a\"b', NULL, NULL, NULL, NULL, NULL), \
             (E'a\\nfleet.yaml:1:1: forged', NULL, NULL, NULL, NULL, NULL), \
             (E'a\\x1b[2J', NULL, NULL, NULL, NULL, NULL), \
             ('{long}', NULL, NULL, NULL, NULL, NULL), \
             ('größe', NULL, NULL, NULL, NULL, NULL), \
             ('good', NULL, NULL, NULL, NULL, NULL), \
             ('one', NULL, '{wide}', NULL, NULL, NULL), \
             ('two', NULL, 'pg_two', NULL, NULL, NULL), \
             ('three', NULL, 't_good', NULL, NULL, NULL), \
             ('four', E'ba\\nse', NULL, NULL, NULL, NULL), \
             ('five', NULL, NULL, NULL, NULL, 'presnt'), \
             ('six', NULL, NULL, '{{a,NULL}}', NULL, NULL), \
             ('seven', NULL, NULL, NULL, '{{\"n\": 1}}', NULL), \
             ('eight', NULL, NULL, NULL, '[]', NULL), \
             ('nine', NULL, 'tenantry_x', NULL, NULL, NULL), \
             ('', NULL, NULL, NULL, NULL, NULL)"
        ),
    );
    let found = problems(&fleet);
    let expected = [
        "row 2: `id` is NULL",
        "row 3: tenant id \"it's\"",
        "row 4: tenant id \"a\\\"b\"",
        "row 5: tenant id \"a\\nfleet.yaml:1:1: forged\"",
        "row 6: tenant id \"a\\u{1b}[2J\"",
        "row 7: tenant id \"aaaa",
        "row 8: tenant id \"größe\"",
        "row 9: tenant `good` is in row 1 already",
        "row 10: schema name \"éé",
        "row 11: schema \"pg_two\" is PostgreSQL's own",
        "row 12: tenants `good` and `three` share the schema \"t_good\"",
        "row 13: unknown template `ba\\nse`",
        "row 14: unknown state \"presnt\"",
        "row 15: `tags` is an array that holds something else, not an array of text",
        "row 16: `vars` is an object that holds something else, not a JSON object of texts, as in 1 other row",
        "row 18: schema \"tenantry_x\" begins with \"tenantry\"",
        "row 19: tenant id \"\"",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found} isn't {expected}");
    }
    assert!(found[10].contains(", row 1"), "{}", found[10]);
}

#[test]
fn rows_without_what_tenants_need_are_told() {
    let mut fleet = fleet("SELECT id, NULL AS schema FROM customer ORDER BY n", 1);
    ids(&fleet, &["a", "b"]);
    fleet.write(
        "template/010_base.sql",
        "CREATE TABLE t (c text DEFAULT {{literal:vars.currency}});\n",
    );
    fleet.tenant("a", "{ vars: { currency: EUR } }");
    let run = fleet.run(["plan"]).expect(65);
    assert!(
        run.stderr
            .contains("`vars.currency` isn't defined for 1 tenant (`b`)"),
        "{}",
        run.stderr
    );
    let yaml = fleet.yaml().replace("  template: base\n", "");
    fleet.write("edited.yaml", &yaml);
    let run = fleet.run(["plan", "-f", "edited.yaml"]).expect(65);
    assert!(
        run.stderr.contains("row 2: tenant `b` names no template"),
        "{}",
        run.stderr
    );
}

#[test]
fn too_few_rows_end_the_run() {
    let mut fleet = fleet(ALL, 1);
    assert_eq!(problems(&fleet), ["the query returned 0 rows; `min` is 1"]);
    ids(&fleet, &["a", "b"]);
    from(&mut fleet, ALL, 3);
    assert_eq!(problems(&fleet), ["the query returned 2 rows; `min` is 3"]);
    fleet.run(["apply", "--auto-approve"]).expect(65);
    assert_eq!(fleet.database.schemas(), ["app"]);
    fleet.extra = format!(
        "tenants_from: {}\n",
        json!({ "query": "SELECT 'x' AS id WHERE false" })
    );
    assert_eq!(problems(&fleet), ["the query returned 0 rows; `min` is 1"]);
    from(&mut fleet, "SELECT id FROM customer WHERE false", 0);
    fleet.expect_nothing();
}

impl Fleet {
    /// An empty fleet in a fresh database has nothing to do.
    #[track_caller]
    fn expect_nothing(&self) {
        assert_eq!(self.plan()["summary"]["create"], 0);
    }
}

#[test]
fn columns_are_told_once_however_many_rows() {
    let mut fleet = fleet("SELECT n AS id, id AS tennant, tags FROM customer", 1);
    ids(&fleet, &["a", "b", "c"]);
    let found = problems(&fleet);
    assert_eq!(
        found,
        [
            "the query returns an unknown column \"tennant\"",
            "row 1: `id` is a number, not text, as in 2 other rows",
        ]
    );
    from(
        &mut fleet,
        "SELECT 1, ARRAY[id] AS vars, '{a}'::text AS tags FROM customer",
        1,
    );
    let found = problems(&fleet);
    assert_eq!(
        found,
        [
            "the query returns an unknown column \"?column?\"",
            "the query returns no column `id`",
            "row 1: `tags` is text, not an array of text, as in 2 other rows",
            "row 1: `vars` is an array of text, not a JSON object of texts, as in 2 other rows",
        ]
    );
    // Which one is meant nobody can say, be they equal or not.
    from(
        &mut fleet,
        "SELECT id, n::text AS id, NULL AS schema, * FROM customer",
        1,
    );
    let found = problems(&fleet);
    assert_eq!(
        found,
        [
            "the query returns 2 columns named \"schema\"",
            "the query returns 3 columns named \"id\"",
            "the query returns an unknown column \"n\"",
        ]
    );
    // What PostgreSQL takes for text is text, and a JSON array is an array.
    from(
        &mut fleet,
        "SELECT id::varchar(9) AS id, 'present'::name AS state, '[\"x\"]'::jsonb AS tags, '{\"a\": \"1\"}'::json AS vars \
         FROM customer -- all",
        1,
    );
    assert_eq!(fleet.plan()["summary"]["create"], 3);
}

#[test]
fn a_query_can_only_read() {
    let mut fleet = fleet(ALL, 1);
    ids(&fleet, &["acme"]);
    fleet.database.run(&format!(
        "CREATE TABLE app.seen (id text); GRANT ALL ON app.seen TO {DEPLOY}; CREATE SEQUENCE app.s; \
         GRANT ALL ON SEQUENCE app.s TO {DEPLOY}; \
         CREATE FUNCTION app.mark(text) RETURNS text LANGUAGE sql AS 'INSERT INTO app.seen VALUES ($1) RETURNING id'; \
         CREATE FUNCTION app.open() RETURNS text LANGUAGE plpgsql AS \
           'BEGIN PERFORM set_config(''transaction_read_only'', ''off'', false); RETURN mark(''x''); END'; \
         CREATE FUNCTION app.leave() RETURNS text LANGUAGE plpgsql AS 'BEGIN COMMIT; RETURN ''x''; END'"
    ));
    for (query, words) in [
        ("SELECT mark(id) AS id FROM customer", "SQLSTATE 25006"),
        ("SELECT open() AS id", "SQLSTATE 25001"),
        ("SELECT leave() AS id", "SQLSTATE 2D000"),
        ("SELECT nextval('s')::text AS id", "SQLSTATE 25006"),
        ("SELECT id FROM customer FOR UPDATE", "SQLSTATE 25006"),
        (
            "WITH w AS (INSERT INTO seen VALUES ('x') RETURNING id) SELECT id FROM w",
            "SQLSTATE 0A000",
        ),
        ("SELECT id INTO stolen FROM customer", "SQLSTATE 42601"),
    ] {
        from(&mut fleet, query, 1);
        failed(&fleet, 1, words);
    }
    for query in [
        "SELECT id FROM customer; COMMIT; DROP TABLE customer",
        "SELECT id FROM customer) AS x; DROP TABLE customer; SELECT (1",
        "SELECT (id; COMMIT) FROM customer",
        "COMMIT",
        "INSERT INTO seen VALUES ('x')",
        "SELECT id FROM customer \\g",
    ] {
        from(&mut fleet, query, 1);
        let run = fleet.run(["validate"]).expect(65);
        assert!(run.stderr.contains("fleet.yaml:10:"), "{}", run.stderr);
    }
    assert_eq!(fleet.database.count("SELECT count(*) FROM app.seen"), 0);
    assert_eq!(fleet.database.count("SELECT count(*) FROM app.customer"), 1);
}

#[test]
fn a_query_that_fails_is_told_in_the_servers_words() {
    let mut fleet = fleet("SELECT idd FROM customer", 1);
    let run = failed(&fleet, 1, "column \"idd\" does not exist");
    assert!(run.stderr.contains("fleet.yaml:10:"), "{}", run.stderr);
    fleet.database.run("CREATE TABLE app.hidden (id text)");
    from(&mut fleet, "SELECT id FROM hidden", 1);
    failed(&fleet, 1, "permission denied");
    from(&mut fleet, "SELECT 'x' || pg_sleep(20) AS id", 1);
    fleet.extra += "timeouts: { statement: 300ms }\n";
    failed(&fleet, 1, "SQLSTATE 57014");
    let nowhere = ["plan", "--database-url", "postgres:///x?host=/nowhere"];
    let run = fleet.run(nowhere).expect(1);
    assert!(run.stderr.contains("reading the tenants"), "{}", run.stderr);
}

#[test]
fn validate_needs_no_database_and_says_what_it_cannot_know() {
    let mut fleet = fleet(ALL, 100);
    // What the row may say isn't missing yet.
    fleet.defaults.push_str("  backup: nightly\n");
    fleet.extra +=
        "backups: { policies: { nightly: { schedule: '0 2 * * *', keep: { last: 3 } } } }\n";
    fleet.write(
        "template/010_base.sql",
        "CREATE TABLE t (c text DEFAULT {{literal:vars.currency}});\n",
    );
    fleet.tenant("acme", "{ tags: [big] }");
    let yaml = fleet.yaml().replace("  template: base\n", "");
    fleet.write("edited.yaml", &yaml);
    let args = [
        "validate",
        "-f",
        "edited.yaml",
        "--database-url",
        "postgres:///x?host=/nowhere",
    ];
    let run = fleet.run(args).expect(0);
    assert!(
        run.stdout
            .contains("More tenants come from the query at edited.yaml:")
            && run.stdout.contains("100 rows at least"),
        "{}",
        run.stdout
    );
    for (wrong, words) in [
        (
            "{ query: 'SELECT 1', minimum: 3 }",
            "unknown field `minimum`",
        ),
        ("{ min: 3 }", "has no `query`"),
        ("{ query: 'SELECT 1', min: -1 }", "it must be from 0"),
        (
            "{ query: 'SELECT 1', cluster: other }",
            "unknown cluster `other`",
        ),
        ("{ query: 'SELECT ${KEY}' }", "would show the secret KEY"),
    ] {
        fleet.extra = format!("secrets: [KEY]\ntenants_from: {wrong}\n");
        let mut command = fleet.command(["validate"]);
        command.env("KEY", "hunter2");
        let run = cli::run(command).expect(65);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}

#[test]
fn five_thousand_rows_are_a_fleet() {
    let mut fleet = fleet(
        "SELECT 'c' || g AS id FROM generate_series(1, 5000) g",
        5000,
    );
    let plan = fleet.plan();
    assert_eq!(plan["summary"]["create"], 5000);
    assert!(blocked(&plan).is_empty());
    from(
        &mut fleet,
        "SELECT 'C' || g AS id FROM generate_series(1, 5000) g",
        5000,
    );
    assert_eq!(problems(&fleet).len(), 5000);
}

#[test]
fn the_query_runs_where_it_says_and_its_tenants_live_on_the_default_cluster() {
    let mut fleet = fleet(ALL, 1);
    let other = Fleet::small(&[]);
    ids(&fleet, &["acme"]);
    let clusters = format!(
        "clusters:\n  here: {{ url: '{}' }}\n  there: {{ url: '{}' }}\n",
        fleet.database.url(),
        other.database.url()
    );
    let source = json!({ "query": "SELECT id FROM app.customer", "cluster": "here" });
    fleet.extra = format!("{clusters}tenants_from: {source}\n");
    let run = fleet.run(["validate"]).expect(65);
    assert!(
        run.stderr
            .contains("live on the default cluster, and there is none"),
        "{}",
        run.stderr
    );
    fleet.defaults.push_str("  cluster: there\n");
    fleet.apply(0);
    assert_eq!(other.database.schemas(), ["t_acme", "tenantry"]);
    fleet.extra = fleet
        .extra
        .replace(",\"cluster\":\"here\"", "")
        .replace("\"cluster\":\"here\",", "");
    let run = fleet.run(["plan"]).expect(1);
    assert!(run.stderr.contains("cluster there"), "{}", run.stderr);
}

#[test]
fn runs_are_shown_whatever_the_query_says_now() {
    let mut fleet = fleet(ALL, 1);
    ids(&fleet, &["acme"]);
    fleet.apply(0);
    from(&mut fleet, "SELECT id FROM nowhere", 1);
    failed(&fleet, 1, "42P01");
    let runs = fleet.run(["runs", "show"]).expect(0).stdout;
    assert!(runs.contains("apply    done"), "{runs}");
}
