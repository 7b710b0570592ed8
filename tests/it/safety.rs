//! What is never done: nothing is dropped, no stranger's schema is touched, no other fleet's database is changed.

use serde_json::{Value, json};

use crate::support::database::Database;
use crate::support::fleet::{Fleet, blocked, outcome};
use crate::support::statements;

/// Two live tenants with a row each.
fn live() -> Fleet {
    let fleet = Fleet::small(&["acme", "globex"]);
    fleet.apply(0);
    fleet.database.run(
        "INSERT INTO t_acme.note (body) VALUES ('a'); INSERT INTO t_globex.note (body) VALUES ('g')",
    );
    fleet
}

/// Which transaction last wrote each catalog row and table row of a schema, and what it holds.
fn state(database: &Database, schema: &str) -> Vec<String> {
    let mut lines = database.texts(&format!(
        "SELECT concat_ws(' ', 'schema', oid, xmin, nspowner, nspacl) FROM pg_namespace WHERE nspname = '{schema}' \
         UNION ALL SELECT concat_ws(' ', 'class', oid, xmin, relname, relkind, relowner, relacl, relfilenode) \
           FROM pg_class WHERE relnamespace = '{schema}'::regnamespace \
         UNION ALL SELECT concat_ws(' ', 'column', attrelid, xmin, attname, atttypid, attnotnull) \
           FROM pg_attribute WHERE attrelid IN (SELECT oid FROM pg_class WHERE relnamespace = '{schema}'::regnamespace) \
         UNION ALL SELECT concat_ws(' ', 'function', oid, xmin, proname, prosrc) \
           FROM pg_proc WHERE pronamespace = '{schema}'::regnamespace \
         UNION ALL SELECT concat_ws(' ', 'constraint', oid, xmin, conname) \
           FROM pg_constraint WHERE connamespace = '{schema}'::regnamespace \
         ORDER BY 1"
    ));
    let tables = database.texts(&format!(
        "SELECT relname FROM pg_class WHERE relnamespace = '{schema}'::regnamespace AND relkind = 'r' ORDER BY 1"
    ));
    for table in tables {
        lines.extend(database.texts(&format!(
            "SELECT concat_ws(' ', 'row', ctid, xmin, t::text) FROM {schema}.{table} AS t ORDER BY 1"
        )));
    }
    assert!(!lines.is_empty(), "{schema} isn't there");
    lines
}

/// Ends the test if the program ever sent one of these words to the database.
#[track_caller]
fn never_sent(database: &Database, words: &[&str]) {
    let Some(sent) = statements::of(database) else {
        return;
    };
    assert!(
        sent.iter()
            .any(|sql| sql.contains("CREATE SCHEMA \"t_acme\"")),
        "the log shows what was sent"
    );
    for sql in sent {
        let upper = sql.to_uppercase();
        let found = words.iter().find(|word| upper.contains(**word));
        assert_eq!(found, None, "{sql}");
    }
}

const DESTRUCTION: [&str; 4] = ["DROP SCHEMA", "DROP OWNED", "DROP TABLE", "DELETE FROM"];

#[test]
fn a_tenant_that_leaves_the_file_is_unmanaged() {
    let mut fleet = live();
    let before = state(&fleet.database, "t_globex");
    fleet.remove("globex");
    let plan = fleet.plan();
    assert_eq!(
        plan["unmanaged"],
        json!([{ "cluster": "default", "schema": "t_globex", "tenant": "globex", "reason": "removed_from_file" }])
    );
    fleet.expect_no_changes();
    fleet.apply(0);
    // Not even when there is other work.
    fleet.migration("V1__x.sql", "ALTER TABLE note ADD COLUMN x int;\n");
    fleet.apply(0);
    assert_eq!(state(&fleet.database, "t_globex"), before);
    assert_eq!(
        fleet.database.count("SELECT count(*) FROM tenantry.tenant"),
        2
    );
    never_sent(&fleet.database, &DESTRUCTION);

    // Back in the file, it goes on where it was.
    fleet.add(&["globex"]);
    let report = fleet.apply(0);
    assert_eq!(outcome(&report, "globex")["steps"], json!(["V1__x"]));
}

#[test]
fn an_absent_tenant_is_withheld() {
    let mut fleet = live();
    let before = state(&fleet.database, "t_globex");
    fleet.tenant("globex", "{ state: absent }");
    fleet.tenant("never", "{ state: absent }");
    let plan = fleet.plan();
    assert_eq!(plan["withheld"][0]["tenant"], "globex");
    assert_eq!(
        plan["withheld"].as_array().map(Vec::len),
        Some(1),
        "{plan:#}"
    );
    assert_eq!(
        (&plan["summary"]["drop"], &plan["summary"]["withheld"]),
        (&json!(0), &json!(1))
    );
    fleet.run(["plan", "--detailed-exitcode"]).expect(0);
    fleet.apply(0);
    let allowed = [
        "apply",
        "--auto-approve",
        "--allow",
        "DROPS_TENANT",
        "--allow",
        "DROPS_TENANT@globex",
    ];
    fleet.run(allowed).expect(0);
    assert_eq!(state(&fleet.database, "t_globex"), before);
    never_sent(&fleet.database, &DESTRUCTION);
}

#[test]
fn an_emptied_fleet_leaves_everyone_where_they_are() {
    let mut fleet = live();
    let before = [
        state(&fleet.database, "t_acme"),
        state(&fleet.database, "t_globex"),
    ];
    fleet.tenants.clear();
    let plan = fleet.plan();
    assert_eq!(plan["summary"]["unmanaged"], 2);
    assert_eq!(plan["applyable"], false);
    fleet.apply(0);
    let after = [
        state(&fleet.database, "t_acme"),
        state(&fleet.database, "t_globex"),
    ];
    assert_eq!(after, before);
}

#[test]
fn a_file_cut_anywhere_removes_nobody() {
    let fleet = live();
    let before = [
        state(&fleet.database, "t_acme"),
        state(&fleet.database, "t_globex"),
    ];
    let whole = fleet.yaml();
    let ends = whole
        .char_indices()
        .map(|(at, _)| at)
        .step_by(7)
        .chain([whole.len()]);
    let mut accepted = 0;
    for end in ends {
        fleet.write("cut.yaml", &whole[..end]);
        let run = fleet.run(["-f", "cut.yaml", "apply", "--auto-approve"]);
        assert!(
            matches!(run.code, Some(0 | 4 | 65)),
            "cut at {end}: {run:?}"
        );
        accepted += i32::from(run.code == Some(0));
    }
    assert!(accepted > 0, "the whole file is good");
    let after = [
        state(&fleet.database, "t_acme"),
        state(&fleet.database, "t_globex"),
    ];
    assert_eq!(after, before);
    never_sent(&fleet.database, &DESTRUCTION);
}

#[test]
fn a_schema_that_nobody_recorded_is_never_touched() {
    let fleet = Fleet::small(&["acme", "globex"]);
    fleet.database.run(
        "CREATE SCHEMA t_globex AUTHORIZATION tenantry_owner; SET ROLE tenantry_owner; \
         CREATE TABLE t_globex.note (id int PRIMARY KEY, body text); INSERT INTO t_globex.note VALUES (1, 'mine'); \
         CREATE FUNCTION t_globex.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; RESET ROLE; \
         CREATE SCHEMA t_stray; CREATE TABLE t_stray.t (id int)",
    );
    let before = [
        state(&fleet.database, "t_globex"),
        state(&fleet.database, "t_stray"),
    ];
    let plan = fleet.plan();
    assert_eq!(blocked(&plan), ["globex schema_exists"]);
    assert_eq!(plan["unmanaged"][0]["schema"], "t_stray");
    assert_eq!(plan["unmanaged"][0]["reason"], "pattern");
    let report = fleet.apply(3);
    assert_eq!(outcome(&report, "acme")["status"], "applied");
    fleet.run(["apply", "--auto-approve"]).expect(4);
    let provision = ["apply", "--auto-approve", "--provision-empty", "globex"];
    fleet.run(provision).expect(4);
    let after = [
        state(&fleet.database, "t_globex"),
        state(&fleet.database, "t_stray"),
    ];
    assert_eq!(after, before);
    let recorded = fleet.database.texts("SELECT id FROM tenantry.tenant");
    assert_eq!(recorded, ["acme"]);
}

#[test]
fn where_everyone_is_blocked_nothing_is_prepared() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.extra = "extensions: [citext]\n".to_owned();
    fleet.database.run("CREATE SCHEMA t_acme");
    let plan = fleet.plan();
    assert_eq!(plan["steps"], json!([]));
    assert_eq!(plan["applyable"], false);
    fleet.run(["apply", "--auto-approve"]).expect(4);
    assert_eq!(fleet.database.schemas(), ["t_acme"]);
    // One who isn't is reason enough.
    fleet.add(&["globex"]);
    assert_eq!(fleet.plan()["steps"].as_array().map(Vec::len), Some(2));
}

#[test]
fn a_role_that_only_reads_can_plan_and_changes_nothing() {
    let mut fleet = live();
    fleet.database.run(
        "DO $$ BEGIN CREATE ROLE tenantry_reader LOGIN PASSWORD 'tests-only'; \
         EXCEPTION WHEN duplicate_object THEN NULL; END $$; \
         GRANT USAGE ON SCHEMA tenantry, t_acme, t_globex TO tenantry_reader; \
         GRANT SELECT ON ALL TABLES IN SCHEMA tenantry TO tenantry_reader; \
         GRANT SELECT ON t_acme.history, t_globex.history TO tenantry_reader",
    );
    let url = fleet
        .database
        .url()
        .replace("tenantry_deploy", "tenantry_reader");
    let run = |fleet: &Fleet, args: &[&str]| fleet.run([args, &["--database-url", &url]].concat());
    let plan = run(&fleet, &["plan", "--detailed-exitcode"]).expect(0);
    assert!(plan.stdout.contains("No changes."), "{}", plan.stdout);

    fleet
        .database
        .run("REVOKE USAGE ON SCHEMA t_globex FROM tenantry_reader");
    fleet.add(&["hooli"]);
    let plan = run(&fleet, &["plan", "--format", "json"]).expect(0).json();
    assert_eq!(
        blocked(&plan),
        ["globex history_unreadable"],
        "unreadable, never guessed"
    );
    assert!(
        plan["notices"].to_string().contains("no_create"),
        "{plan:#}"
    );
    let before = state(&fleet.database, "t_acme");
    let apply = run(&fleet, &["apply", "--auto-approve"]);
    assert!(matches!(apply.code, Some(1 | 4)), "{apply:?}");
    assert_eq!(state(&fleet.database, "t_acme"), before);
    assert_eq!(fleet.database.schemas(), ["t_acme", "t_globex", "tenantry"]);
    assert_eq!(
        fleet.database.count("SELECT count(*) FROM tenantry.tenant"),
        2
    );

    // Nor is a control schema that can't be read taken for one that isn't there.
    fleet
        .database
        .run("REVOKE USAGE ON SCHEMA tenantry FROM tenantry_reader");
    let plan = run(&fleet, &["plan", "--format", "json"]).expect(0).json();
    assert_eq!(plan["summary"]["create"], 0, "{plan:#}");
    assert_eq!(plan["summary"]["blocked"], 3);
    run(&fleet, &["apply", "--auto-approve"]).expect(4);
}

#[test]
fn another_fleets_database_is_refused() {
    let fleet = live();
    let before = [
        state(&fleet.database, "t_acme"),
        state(&fleet.database, "tenantry"),
    ];
    fleet.migration("V1__x.sql", "ALTER TABLE note ADD COLUMN x int;\n");
    for command in [
        &["plan"][..],
        &["apply", "--auto-approve"],
        &["plan", "--format", "json"],
    ] {
        let run = fleet
            .run_edited("fleet: shop", "fleet: bank", command)
            .expect(4);
        assert!(
            run.stderr.contains("belongs to fleet shop, not to bank"),
            "{}",
            run.stderr
        );
        assert_eq!(run.stdout, "");
    }
    let after = [
        state(&fleet.database, "t_acme"),
        state(&fleet.database, "tenantry"),
    ];
    assert_eq!(after, before);
}

#[test]
fn a_newer_control_schema_is_refused_by_its_version() {
    let fleet = live();
    // Columns that this program doesn't know may be gone.
    fleet.database.run(
        "INSERT INTO tenantry.schema_history VALUES (99, 'future', 'x', '1'); \
         ALTER TABLE tenantry.tenant DROP COLUMN template_address CASCADE",
    );
    let before = state(&fleet.database, "tenantry");
    fleet.migration("V1__x.sql", "ALTER TABLE note ADD COLUMN x int;\n");
    for command in [&["plan"][..], &["apply", "--auto-approve"]] {
        let run = fleet.run(command).expect(4);
        assert!(run.stderr.contains("version 99"), "{}", run.stderr);
    }
    assert_eq!(state(&fleet.database, "tenantry"), before);
}

#[test]
fn a_schema_of_our_name_that_isnt_ours_blocks_everything() {
    for sql in [
        "CREATE SCHEMA tenantry; CREATE TABLE tenantry.treasure (id int)",
        "CREATE SCHEMA tenantry",
        "CREATE SCHEMA tenantry AUTHORIZATION tenantry_deploy; CREATE TABLE tenantry.treasure (id int)",
        "CREATE SCHEMA tenantry; CREATE TABLE tenantry.fleet (fleet text, repository text); \
         CREATE TABLE tenantry.treasure (id int); GRANT ALL ON SCHEMA tenantry TO PUBLIC; \
         GRANT ALL ON ALL TABLES IN SCHEMA tenantry TO PUBLIC",
    ] {
        let fleet = Fleet::small(&["acme"]);
        fleet.database.run(sql);
        let before = state(&fleet.database, "tenantry");
        let plan = fleet.plan();
        assert_eq!(blocked(&plan), ["acme history_unreadable"], "{sql}");
        assert_eq!(plan["applyable"], false);
        fleet.run(["apply", "--auto-approve"]).expect(4);
        assert_eq!(state(&fleet.database, "tenantry"), before);
        assert_eq!(fleet.database.schemas(), ["tenantry"]);
    }
}

#[test]
fn a_read_only_database_is_planned_and_not_applied() {
    let fleet = Fleet::small(&["acme"]);
    let name = &fleet.database.name;
    fleet.database.run(&format!(
        "ALTER DATABASE {name} SET default_transaction_read_only = on"
    ));
    let plan = fleet.plan();
    assert_eq!(plan["summary"]["create"], 1);
    assert!(
        plan["notices"].to_string().contains("read_only"),
        "{plan:#}"
    );
    let run = fleet.run(["apply", "--auto-approve"]).expect(4);
    assert!(run.stderr.contains("read-only"), "{}", run.stderr);
    assert_eq!(fleet.database.schemas(), [""; 0]);
}

#[test]
fn edited_places_of_live_tenants_are_blocked() {
    let fleet = live();
    std::fs::create_dir(fleet.path("template2")).expect("a fresh folder");
    fleet.write("template2/010.sql", "CREATE TABLE other (id int);\n");
    let before = [
        state(&fleet.database, "t_acme"),
        state(&fleet.database, "tenantry"),
    ];
    let cases = [
        (
            "acme: {}",
            "acme: { schema: elsewhere }",
            vec!["acme schema_changed"],
        ),
        (
            "template: base\n",
            "template: spare\n",
            vec!["acme template_changed", "globex template_changed"],
        ),
        (
            "history_table: history\n",
            "history_table: other_history\n",
            vec!["acme history_table_changed", "globex history_table_changed"],
        ),
        (
            "acme: {}",
            "acme: { state: suspended }",
            vec!["acme unsupported"],
        ),
        // Two live tenants that change places are both blocked.
        (
            "acme: {}\n  globex: {}",
            "acme: { schema: t_globex }\n  globex: { schema: t_acme }",
            vec!["acme schema_changed", "globex schema_changed"],
        ),
        // A new id for a recorded schema isn't a rename.
        (
            "acme: {}",
            "acme2: { schema: t_acme }",
            vec!["acme2 schema_exists"],
        ),
    ];
    for (from, to, expected) in cases {
        let spare = "templates:\n  spare: { path: template2 }\n";
        let yaml = fleet
            .yaml()
            .replace("templates:\n", spare)
            .replace(from, to);
        fleet.write("edited.yaml", &yaml);
        let plan = fleet
            .run(["-f", "edited.yaml", "plan", "--format", "json"])
            .expect(0)
            .json();
        assert_eq!(blocked(&plan), expected, "{to}");
        assert_eq!(plan["summary"]["create"], 0, "{to}");
        let hints = plan["blocked"].as_array().expect("a list");
        assert!(hints.iter().all(|one| one["hint"] != ""), "{plan:#}");
        fleet
            .run(["-f", "edited.yaml", "apply", "--auto-approve"])
            .expect(4);
    }
    let after = [
        state(&fleet.database, "t_acme"),
        state(&fleet.database, "tenantry"),
    ];
    assert_eq!(after, before);
    fleet.expect_no_changes();
}

#[test]
fn a_live_tenant_on_another_cluster_has_moved() {
    let mut fleet = Fleet::small(&["acme", "globex"]);
    let other = Database::new();
    fleet.extra = "clusters: { one: { url: '${ONE}' }, two: { url: '${TWO}' } }\n".to_owned();
    fleet.defaults.push_str("  cluster: one\n");
    fleet.env = vec![
        ("ONE".to_owned(), fleet.database.url()),
        ("TWO".to_owned(), other.url()),
    ];
    fleet.apply(0);
    let before = state(&fleet.database, "t_acme");
    fleet.tenant("acme", "{ cluster: two }");
    assert_eq!(blocked(&fleet.plan()), ["acme moved"]);
    fleet.run(["apply", "--auto-approve"]).expect(4);
    assert_eq!(state(&fleet.database, "t_acme"), before);
    assert_eq!(other.schemas(), [""; 0]);
}

#[test]
fn a_recorded_tenant_without_schema_is_blocked_until_asked_for() {
    let fleet = live();
    let uids = || {
        fleet
            .database
            .texts("SELECT uid FROM tenantry.tenant ORDER BY id")
    };
    let before = uids();
    fleet.database.run("DROP SCHEMA t_acme CASCADE");
    let plan = fleet.plan();
    assert_eq!(blocked(&plan), ["acme schema_missing"]);
    let hint = plan["blocked"][0]["hint"].as_str().expect("text");
    assert!(hint.contains("--provision-empty acme"), "{hint}");
    fleet.run(["apply", "--auto-approve"]).expect(4);
    assert_eq!(fleet.database.schemas(), ["t_globex", "tenantry"]);

    fleet
        .run(["apply", "--auto-approve", "--provision-empty", "acmee"])
        .expect(64);
    fleet
        .run(["apply", "--auto-approve", "--provision-empty", "globex"])
        .expect(4);
    let provision = ["--provision-empty", "acme"];
    let run = fleet.run([&["plan", "--detailed-exitcode"][..], &provision].concat());
    assert!(run.expect(2).stdout.contains("1 to create"));
    fleet
        .run([&["apply", "--auto-approve"][..], &provision].concat())
        .expect(0);
    assert_eq!(fleet.database.count("SELECT count(*) FROM t_acme.note"), 0);
    assert_eq!(uids(), before, "the tenant is the same one");
    fleet.expect_no_changes();
}

/// In the URL of every command below, and under `secrets:`. Nothing else may hold these words.
const IN_URL: &str = "C4NARY-in-url";
const IN_ENV: &str = "C4NARY \"in\" env\\";

/// A fleet whose connection and variables are secret.
fn secretive() -> Fleet {
    let mut fleet = Fleet::small(&["acme", "globex"]);
    fleet.tenant("hooli", "{ vars: { token: '${API_TOKEN}', clear: plain } }");
    fleet.extra.push_str(
        "secrets: [API_TOKEN]\nclusters: { default: { url: '${MAIN}' } }\n\
                   backups: { path: '${API_TOKEN}' }\n",
    );
    fleet.migration("V1__x.sql", "ALTER TABLE note ADD COLUMN x int;\n");
    let url = fleet.database.url();
    fleet.env = [
        ("MAIN", url.replace(":tests-only@", &format!(":{IN_URL}@"))),
        ("API_TOKEN", IN_ENV.to_owned()),
        ("TENANTRY_LOG", "trace".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    fleet
}

#[track_caller]
fn no_secret_in(text: &str) {
    assert!(!text.contains("C4NARY"), "{text}");
}

#[test]
fn secrets_are_in_no_output_of_any_command() {
    if crate::support::server::server().own().is_none() {
        // A given server asks for the right password.
        return;
    }
    let fleet = secretive();
    let run = |args: &[&str], code: i32| {
        for form in [&["-vv"][..], &["-vv", "--log-format", "json"]] {
            let run = fleet.run([args, form].concat()).expect(code);
            no_secret_in(&run.all());
        }
    };
    run(&["validate"], 0);
    run(&["schema", "desired"], 0);
    run(&["plan"], 0);
    run(&["plan", "--sql"], 0);
    run(&["plan", "--format", "json"], 0);
    run(&["plan", "--out", "plan.json", "--output", "plan.txt"], 0);
    run(&["apply"], 64);
    run(
        &[
            "apply",
            "--auto-approve",
            "--format",
            "ndjson",
            "--output",
            "report.json",
        ],
        0,
    );
    run(&["apply", "plan.json", "--auto-approve"], 4);
    fleet.migration(
        "V2__fails.sql",
        "SELECT pg_catalog.current_setting('no.such');\n",
    );
    run(&["apply", "--auto-approve"], 1);
    run(&["apply", "--auto-approve", "--format", "json"], 1);
    fleet
        .database
        .run("UPDATE t_hooli.history SET checksum = 'x'");
    run(&["plan"], 0);
    for name in ["plan.json", "plan.txt", "report.json"] {
        no_secret_in(&std::fs::read_to_string(fleet.path(name)).expect("it was written"));
    }
    for table in ["fleet", "tenant", "run", "step", "content", "ledger"] {
        let rows = fleet
            .database
            .texts(&format!("SELECT t::text FROM tenantry.{table} AS t"));
        no_secret_in(&rows.concat());
    }
    if let Some(sent) = statements::of(&fleet.database) {
        no_secret_in(&sent.concat());
    }
}

#[test]
fn secrets_that_the_server_says_are_masked() {
    let mut fleet = secretive();
    fleet.env.retain(|(name, _)| name != "MAIN");
    fleet.env.push(("MAIN".to_owned(), fleet.database.url()));
    fleet.apply(0);
    fleet.database.run(&format!(
        "CREATE TABLE public.said (word text); GRANT SELECT ON public.said TO PUBLIC; \
         INSERT INTO public.said VALUES ('{IN_ENV}')"
    ));
    let says = "DO $$ DECLARE word text := (SELECT word FROM public.said); BEGIN \
                RAISE WARNING 'heard %', word; RAISE EXCEPTION 'said %', word USING HINT = word, DETAIL = word; END $$;\n";
    fleet.migration("V2__says.sql", says);
    for args in [
        &["apply", "--auto-approve", "-vv"][..],
        &["apply", "--auto-approve", "--format", "json"],
        &["apply", "--auto-approve", "--format", "ndjson"],
        &[
            "apply",
            "--auto-approve",
            "--format",
            "json",
            "--output",
            "report.json",
        ],
        &["apply", "--auto-approve", "--output", "report.txt"],
        &[
            "apply",
            "--auto-approve",
            "--format",
            "ndjson",
            "--output",
            "report.ndjson",
        ],
    ] {
        let run = fleet.run(args).expect(1);
        no_secret_in(&run.all());
        // With nothing on stdout, events are the file's alone.
        let told = run.all().contains("said ***") || args.contains(&"report.ndjson");
        assert!(told, "{args:?}: {}", run.all());
    }
    for name in ["report.json", "report.txt", "report.ndjson"] {
        let report = std::fs::read_to_string(fleet.path(name)).expect("it was written");
        assert!(report.contains("said ***"), "{report}");
        no_secret_in(&report);
    }
}

#[test]
fn secrets_are_in_no_error() {
    let fleet = secretive();
    let socket = fleet
        .path("no-such-socket")
        .display()
        .to_string()
        .replace('/', "%2F");
    let urls = [
        format!("postgres://u:{IN_URL}@{socket}/x"),
        format!("postgres://u:{IN_URL}@127.0.0.1:1/x?connect_timeout=2"),
        format!("postgres://u:{IN_URL}@127.0.0.1:99999/x"),
        format!("postgres://u:{IN_URL}@127.0.0.1:port/x"),
        format!("postgres://u:{IN_URL}@127.0.0.1/x?sslmode=sometimes"),
        format!("postgres://u@127.0.0.1:1/x?password={IN_URL}&nonsense=1"),
        format!("postgres://u:{IN_URL}%zz@127.0.0.1:1/x"),
        format!("postgres://u:{IN_URL}/@127.0.0.1:1/x"),
        format!("host=127.0.0.1 port=1 user=u password={IN_URL}"),
        format!("host=127.0.0.1 port=1 user=u password='{IN_URL} x"),
        format!("host=127.0.0.1 port=1 password = {IN_URL} nonsense=1"),
        format!("psotgres://u:{IN_URL}@127.0.0.1/x"),
        format!("u:{IN_URL}@127.0.0.1/x"),
    ];
    for url in &urls {
        for args in [
            &["plan"][..],
            &["plan", "--format", "json"],
            &["apply", "--auto-approve"],
        ] {
            let flag = fleet.run([args, &["-vv", "--database-url", url]].concat());
            no_secret_in(&flag.all());
            let mut command = fleet.command([args, &["-vv"]].concat());
            command.env("MAIN", url);
            no_secret_in(&cli_run(command));
        }
    }
    // Under PG* the password stands apart.
    let mut command = fleet.command(["plan", "-vv"]);
    command
        .env_remove("DATABASE_URL")
        .env("MAIN", "")
        .env("PGPASSWORD", IN_URL);
    command
        .env("PGHOST", "/nowhere")
        .env("PGSSLMODE", "sometimes");
    no_secret_in(&cli_run(command));
}

fn cli_run(command: std::process::Command) -> String {
    crate::support::cli::run(command).all()
}

#[test]
fn secrets_are_in_no_problem_of_the_files() {
    let fleet = secretive();
    let url = format!("postgres://u:{IN_URL}@h/db");
    for (from, to) in [
        ("url: '${MAIN}'", format!("url: ['{url}']")),
        ("url: '${MAIN}'", format!("url: {{ '{url}': 1 }}")),
        ("url: '${MAIN}'", format!("url: '{url}', '{url}': 1")),
        ("url: '${MAIN}'", format!("url: '{url}', parallel: '{url}'")),
        ("url: '${MAIN}'", format!("url: '{url}${{'")),
        ("acme: {}", "acme: { schema: '${API_TOKEN}' }".to_owned()),
        ("acme: {}", "acme: { tags: ['${API_TOKEN}'] }".to_owned()),
        ("acme: {}", "acme: { template: '${API_TOKEN}' }".to_owned()),
        ("acme: {}", "acme: { state: '${API_TOKEN}' }".to_owned()),
        ("acme: {}", "acme: { cluster: '${API_TOKEN}' }".to_owned()),
        ("acme: {}", "acme: { backup: '${API_TOKEN}' }".to_owned()),
        (
            "acme: {}",
            "acme: { timeouts: { lock: '${API_TOKEN}' } }".to_owned(),
        ),
        (
            "acme: {}",
            "acme: { schema: '${API_TOKEN:-x}${MISSING}' }".to_owned(),
        ),
        ("fleet: shop", "fleet: '${API_TOKEN}'".to_owned()),
        ("path: template,", "path: '${API_TOKEN}',".to_owned()),
        (
            "history_table: history",
            "history_table: '${API_TOKEN}'".to_owned(),
        ),
    ] {
        let run = fleet.run_edited(from, &to, &["validate", "-vv"]).expect(65);
        no_secret_in(&run.all());
    }
    fleet.write("template/020_token.sql", "SELECT {{literal:vars.token}};\n");
    let run = fleet.run(["validate"]).expect(65);
    no_secret_in(&run.all());
    assert!(
        run.stderr
            .contains("`vars.token` is secret for 1 tenant (`hooli`)"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_secret_that_looks_like_a_word_of_the_report_keeps_the_json_whole() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.extra = "secrets: [WORD]\n".to_owned();
    fleet.env = vec![("WORD".to_owned(), "default".to_owned())];
    let plan = fleet.run(["plan", "--format", "json"]).expect(0);
    let document: Value = plan.json();
    assert_eq!(document["steps"][0]["cluster"], "***");
    assert!(document["summary"]["create"].is_number());
}
