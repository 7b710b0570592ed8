//! Hostile names and values through every command: what the server then holds is exactly what was declared.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::json;

use crate::support::cli;
use crate::support::fleet::{Fleet, outcome};
use crate::support::statements;

/// Schema names that PostgreSQL accepts and people wish it didn't.
fn names() -> Vec<String> {
    let bytes_63 = [
        "é".repeat(31) + "x",
        "数".repeat(21),
        "🦀".repeat(15) + "abc",
        "a".repeat(63),
    ];
    let odd = [
        "say \"hi\"",
        "\"",
        "\"\"",
        "back\\slash",
        "\\",
        "ends in \\",
        "$$",
        "$x$ body $x$",
        "'; DROP SCHEMA \"t_plain\" CASCADE; --",
        "\"; DROP SCHEMA \"t_plain\" CASCADE; --",
        "it's",
        "two\nlines",
        "carriage\rreturn",
        "tab\tbed",
        " ",
        "  spaces  ",
        "UPPER",
        "Upper",
        "upper",
        "select",
        "a.b",
        "a, public",
        "-- comment",
        "/* comment",
        "*/",
        "{{ident:schema}}",
        "{{literal:vars.value}}",
        "{tenants}",
        "$ {HOME}",
        "%s %I %L",
        ":name",
        "$1",
        "U&\"\\0041\"",
        "E'x'",
        "\u{202e}right to left",
        "\u{1b}[31mred",
        "\u{7f}\u{1}",
        "\u{85}next line",
        "\u{feff}mark",
        "е (cyrillic)",
        "::set-output name=x::y",
        "|cell|`code`",
        "<script>",
        "#hash",
        "PG_upper",
        "Public",
        "null",
        "~",
        "0",
        "[x]",
        "&a *b !c",
    ];
    let all = bytes_63.into_iter().chain(odd.map(str::to_owned));
    // The schema of another tenant that the names above aim at.
    all.chain(["t_plain".to_owned()]).collect()
}

/// Values for a tenant's variable; the names, and more.
fn values() -> Vec<String> {
    let mut values = names();
    let more = [
        "",
        "'",
        "''",
        "'''",
        "\\'",
        "\\\\'; SELECT 1; --",
        "$tag$'$tag$",
        "E'\\x41'",
        "\\x41\\u0041\\n",
        "line\n-- tenantry: no-transaction\nCOMMIT;\n\\! id\n",
        "{{literal:vars.value}} {{ident:tenant}} {{",
        "}}",
        "\r\n\t\u{b}",
        "\u{1f469}\u{200d}\u{1f680}",
    ];
    values.extend(more.map(str::to_owned));
    values.push("long ' \\ \" ".repeat(2000));
    values
}

/// A YAML scalar that says exactly this, whatever is in it.
fn yaml(text: &str) -> String {
    let mut scalar = String::from("\"");
    for c in text.chars() {
        match c {
            ' '..='~' if c != '"' && c != '\\' => scalar.push(c),
            // `${…}` would be the environment's.
            _ => write!(scalar, "\\U{:08X}", u32::from(c)).expect("a String takes all"),
        }
    }
    scalar.push('"');
    scalar
}

const TEMPLATE: &str = "\
CREATE TABLE said (of text PRIMARY KEY, value text);
INSERT INTO said VALUES ('value',{{literal:vars.value}}), ('tenant', {{literal:tenant}}), ('schema', {{literal:schema}});
INSERT INTO {{ident:schema}}.said VALUES ('qualified', {{literal:vars.value}}::text || '');
CREATE TABLE {{ident:schema}}.{{ident:tenant}} (id int);
CREATE FUNCTION told() RETURNS text LANGUAGE sql AS $f$ SELECT value FROM said WHERE of = 'value' $f$;
COMMENT ON TABLE said IS {{literal:vars.value}};
DO $do$ BEGIN EXECUTE format('COMMENT ON FUNCTION told() IS %L', current_schema()); END $do$;
";

const MIGRATION: &str = "INSERT INTO said VALUES ('migrated',{{literal:vars.value}});\n";

/// One tenant for each name, and its value.
fn hostile() -> (Fleet, Vec<(String, String, String)>) {
    let mut fleet = Fleet::new(TEMPLATE);
    fleet.migration("V1__said.sql", MIGRATION);
    let values = values();
    let names = names();
    let tenants: Vec<_> = values
        .into_iter()
        .enumerate()
        .map(|(index, value)| {
            let schema = names.get(index).cloned();
            let schema = schema.unwrap_or_else(|| format!("plain {index}"));
            (format!("t{index}"), schema, value)
        })
        .collect();
    for (id, schema, value) in &tenants {
        let body = format!(
            "{{ schema: {}, vars: {{ value: {} }} }}",
            yaml(schema),
            yaml(value)
        );
        fleet.tenant(id, &body);
    }
    (fleet, tenants)
}

#[test]
fn hostile_names_and_values_arrive_as_they_are() {
    let (fleet, tenants) = hostile();
    fleet.run(["validate"]).expect(0);
    let count = tenants.len();
    let plan = fleet.plan();
    assert_eq!(plan["summary"]["create"], count);
    for args in [
        &["plan"][..],
        &["plan", "-v"],
        &["plan", "-vv"],
        &["plan", "--color", "always", "-v"],
        &["plan", "--format", "markdown"],
        &["plan", "--format", "github"],
        &["plan", "--sql"],
    ] {
        let run = fleet.run(args).expect(0);
        let raw = ['\u{202e}', '\u{7f}', '\u{1}', '\u{85}', '\r'];
        assert!(
            !run.all().contains(raw),
            "{args:?} passes control characters on"
        );
        assert!(
            !run.all().contains("\u{1b}[31mred"),
            "{args:?} passes colours on"
        );
    }
    fleet.apply(0);
    fleet.expect_no_changes();

    expect_as_declared(&fleet, &tenants);
}

/// Ends the test unless every name and value on the server is what was declared, to the byte.
#[track_caller]
fn expect_as_declared(fleet: &Fleet, tenants: &[(String, String, String)]) {
    let found: BTreeSet<String> = fleet.database.schemas().into_iter().collect();
    let mut expected: BTreeSet<String> = tenants
        .iter()
        .map(|(_, schema, _)| schema.clone())
        .collect();
    expected.insert("tenantry".to_owned());
    assert_eq!(found, expected);

    let mut client = fleet.database.admin();
    for (id, schema, value) in tenants {
        let quoted = format!("\"{}\"", schema.replace('"', "\"\""));
        let sql = format!("SELECT of, value FROM {quoted}.said ORDER BY of");
        let rows = client.query(&sql, &[]).expect("it is readable");
        let said: Vec<(String, String)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
        let expected = [
            ("migrated", value),
            ("qualified", value),
            ("schema", schema),
            ("tenant", id),
            ("value", value),
        ];
        let expected = expected.map(|(of, value)| (of.to_owned(), value.clone()));
        assert_eq!(said, expected, "{schema:?}");
        let comments = format!(
            "SELECT obj_description('{0}.said'::regclass), obj_description('{0}.told'::regproc)",
            quoted.replace('\'', "''").replace('\\', "\\\\")
        );
        let comments = comments.replace("('", "(E'");
        let row = client.query_one(&comments, &[]).expect("they are readable");
        let told: Option<String> = row.get(0);
        assert_eq!(told.unwrap_or_default(), *value);
        assert_eq!(row.get::<_, String>(1), *schema);
    }
    let rows = client
        .query("SELECT id, schema_name FROM tenantry.tenant", &[])
        .expect("it is readable");
    let recorded: BTreeSet<(String, String)> =
        rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    let declared = tenants
        .iter()
        .map(|(id, schema, _)| (id.clone(), schema.clone()))
        .collect();
    assert_eq!(recorded, declared);
}

/// A server that reads backslashes in plain strings, as old applications ask it to.
#[test]
fn hostile_names_and_values_arrive_where_backslashes_escape() {
    let (fleet, tenants) = hostile();
    let name = &fleet.database.name;
    fleet.database.run(&format!(
        "ALTER DATABASE {name} SET standard_conforming_strings = off; \
         ALTER DATABASE {name} SET escape_string_warning = off; ALTER DATABASE {name} SET backslash_quote = off"
    ));
    // A file is read as it was checked, whatever the database's setting.
    let plain = "COMMENT ON COLUMN said.of IS 'C:\\new\\';\n";
    fleet.migration("V2__plain.sql", plain);
    fleet.apply(0);
    fleet.expect_no_changes();
    let comment = "SELECT col_description('t_plain.said'::regclass, 1)";
    assert_eq!(fleet.database.texts(comment), ["C:\\new\\"]);
    expect_as_declared(&fleet, &tenants);
}

#[test]
fn hostile_names_move_no_cursor() {
    let (mut fleet, _) = hostile();
    fleet.apply(0);
    fleet.tenants.clear();
    fleet.database.run("CREATE SCHEMA \"t_\u{1b}[31mred\"");
    let verbose = fleet.run(["plan", "-v"]).expect(0);
    for name in [
        "\\u{1b}[31mred",
        "t_\\u{1b}[31mred",
        "\\u{202e}right",
        "two\\nlines",
        "\\u{85}next",
    ] {
        assert!(
            verbose.stdout.contains(name),
            "no {name} in {}",
            verbose.stdout
        );
    }
    for args in [
        &["plan"][..],
        &["plan", "-v"],
        &["plan", "--color", "always", "-v"],
        &["apply", "-v"],
    ] {
        let run = fleet.run(args).expect(0);
        let raw = [
            "\u{1b}[31mred",
            "\u{202e}",
            "\u{7f}",
            "\u{85}",
            "\r",
            "two\nlines",
        ];
        assert!(
            !raw.iter().any(|raw| run.all().contains(raw)),
            "{:?}",
            run.all()
        );
    }
}

#[test]
fn hostile_tenants_migrate_fail_and_are_reported() {
    let (fleet, tenants) = hostile();
    fleet.apply(0);
    fleet.migration(
        "V2__more.sql",
        "ALTER TABLE {{ident:schema}}.said ADD COLUMN more text DEFAULT {{literal:vars.value}};\n",
    );
    let sql = fleet.run(["plan", "--sql"]).expect(0).stdout;
    assert!(sql.contains("ADD COLUMN more"), "{sql}");
    let report = fleet.apply(0);
    assert_eq!(report["summary"]["applied"], tenants.len());
    fleet.expect_no_changes();

    fleet.migration(
        "V3__fails.sql",
        "SELECT 1;\nSELECT {{literal:vars.value}}, missing;\n",
    );
    let run = fleet
        .run([
            "apply",
            "--auto-approve",
            "--parallel",
            "1",
            "--tenant",
            "t4",
        ])
        .expect(1);
    assert!(run.all().contains("V3__fails.sql:2:"), "{}", run.all());
    let report = fleet
        .run(["apply", "--auto-approve", "--format", "json"])
        .expect(1)
        .json();
    let failed = report["outcomes"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|one| one["status"] == "failed");
    for outcome in failed {
        assert_eq!(outcome["error"]["line"], 2, "{outcome:#}");
        assert_eq!(outcome["error"]["sqlstate"], "42703", "{outcome:#}");
    }
    if let Some(sent) = statements::of(&fleet.database) {
        assert!(
            !sent.iter().any(|sql| sql.contains("statement: DROP")),
            "a name was run"
        );
    }
}

#[test]
fn hostile_names_are_kept_in_saved_plans() {
    let (fleet, tenants) = hostile();
    fleet.run(["plan", "--out", "plan.json"]).expect(0);
    let report = fleet
        .run(["apply", "plan.json", "--auto-approve", "--format", "json"])
        .expect(0)
        .json();
    assert_eq!(report["summary"]["applied"], tenants.len());
    fleet.expect_no_changes();
}

#[test]
fn hostile_owners_history_tables_and_shared_schemas() {
    let database_names = ["Owner \"x\"; --", "own'er\\"];
    for name in database_names {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        let mut fleet = Fleet::small(&["acme"]);
        fleet.database.run(&format!(
            "DO $$ BEGIN CREATE ROLE {quoted}; EXCEPTION WHEN duplicate_object THEN NULL; END $$; \
             GRANT {quoted} TO tenantry_deploy"
        ));
        fleet.database.run(&format!(
            "CREATE SCHEMA {quoted}; GRANT USAGE ON SCHEMA {quoted} TO PUBLIC"
        ));
        fleet.migration("V1__x.sql", "ALTER TABLE note ADD COLUMN x int;\n");
        fleet.defaults = format!("  owner: {}\n", yaml(name));
        fleet.extra = format!("search_path: [{0}]\nextensions: [citext]\n", yaml(name));
        let run = |args: &[&str]| {
            fleet.run_edited(
                "history_table: history",
                &format!("history_table: {}", yaml(name)),
                args,
            )
        };
        run(&["plan", "--sql"]).expect(0);
        run(&["apply", "--auto-approve"]).expect(0);
        run(&["plan", "--detailed-exitcode"]).expect(0);
        let rows = format!("SELECT count(*) FROM t_acme.{quoted}");
        assert_eq!(fleet.database.count(&rows), 1);
        let owner = "SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 't_acme'";
        assert_eq!(fleet.database.texts(owner), [name]);
        // Roles belong to the server, so this one goes with its objects.
        fleet
            .database
            .run(&format!("DROP OWNED BY {quoted}; DROP ROLE {quoted}"));
    }
}

#[test]
fn a_schema_that_would_break_an_extensions_script_is_refused() {
    for name in ["say \"x\"", "$x", "back\\slash", "it's"] {
        let mut fleet = Fleet::small(&["acme"]);
        fleet.extra = format!("extensions: [{{ name: citext, schema: {} }}]\n", yaml(name));
        let run = fleet.run(["validate"]).expect(65);
        assert!(
            run.stderr.contains("holds a quote, `$` or `\\`"),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn names_of_64_bytes_and_reserved_ones_are_refused() {
    let long = ["é".repeat(32), "数".repeat(21) + "x", "a".repeat(64)];
    for name in &long {
        let mut fleet = Fleet::small(&[]);
        fleet.tenant("acme", &format!("{{ schema: {} }}", yaml(name)));
        let run = fleet.run(["validate"]).expect(65);
        assert!(run.stderr.contains("64 bytes long"), "{}", run.stderr);
    }
    for (name, words) in [
        ("pg_acme", "PostgreSQL's own"),
        ("pg_", "PostgreSQL's own"),
        ("information_schema", "can't hold a tenant"),
        ("public", "can't hold a tenant"),
        ("tenantry", "tenantry's own"),
        ("tenantry_reference_0123456789abcdef", "tenantry's own"),
        ("extensions", "shared by all tenants"),
        ("common", "shared by all tenants"),
        ("", "empty"),
        ("a\0b", "NUL"),
    ] {
        let mut fleet = Fleet::small(&[]);
        fleet.extra = "search_path: [common]\nextensions: [citext]\n".to_owned();
        fleet.tenant("acme", &format!("{{ schema: {} }}", yaml(name)));
        let run = fleet.run(["validate"]).expect(65);
        assert!(run.stderr.contains(words), "{name:?}: {}", run.stderr);
        assert!(run.stderr.contains("fleet.yaml:13:19: "), "{}", run.stderr);
    }
    for id in ["Acme", "a.b", "a b", "é", "-a", "_a", "../x", "a\"b"] {
        let mut fleet = Fleet::small(&[]);
        fleet.tenant(&yaml(id), "{}");
        let run = fleet.run(["validate"]).expect(65);
        assert!(
            run.stderr
                .contains("doesn't match [a-z0-9][a-z0-9_-]{0,62}"),
            "{id:?}: {}",
            run.stderr
        );
    }
}

#[test]
fn equal_schemas_are_refused_and_case_tells_them_apart() {
    let mut fleet = Fleet::small(&[]);
    fleet.tenant("a", "{ schema: shared_by_two }");
    fleet.tenant("b", "{ schema: shared_by_two }");
    let run = fleet.run(["validate"]).expect(65);
    assert!(
        run.stderr.contains("share the schema \"shared_by_two\""),
        "{}",
        run.stderr
    );
    // The pattern and an explicit name can meet too.
    let mut fleet = Fleet::small(&["a"]);
    fleet.tenant("b", "{ schema: t_a }");
    fleet.run(["validate"]).expect(65);
    // These are two schemas.
    let mut fleet = Fleet::small(&["a"]);
    fleet.tenant("b", "{ schema: T_a }");
    fleet.apply(0);
    assert_eq!(fleet.database.schemas(), ["T_a", "t_a", "tenantry"]);
}

#[test]
fn a_name_the_server_would_cut_fails_its_tenant() {
    let fleet = Fleet::small(&["acme", "globex"]);
    let long = "x".repeat(64);
    fleet.write(
        "template/020_long.sql",
        &format!("CREATE TABLE {long} (id int);\n"),
    );
    // The control schema was made.
    let report = fleet.apply(3);
    assert_eq!(outcome(&report, "acme")["error"]["sqlstate"], "42622");
    let schemas = fleet.database.schemas();
    assert!(
        !schemas.iter().any(|name| name.starts_with("t_")),
        "{schemas:?}"
    );
}

#[test]
fn long_ids_keep_apart_what_the_server_would_cut() {
    let mut fleet = Fleet::small(&[]);
    let ids = ["a".repeat(62) + "1", "a".repeat(62) + "2"];
    for (number, id) in ids.iter().enumerate() {
        fleet.tenant(id, &format!("{{ schema: s{number} }}"));
    }
    let report = fleet.apply(0);
    for id in &ids {
        assert_eq!(outcome(&report, id)["status"], "applied");
    }
    assert_eq!(fleet.plan()["unmanaged"], json!([]));
    fleet.expect_no_changes();
}

#[test]
fn hostile_file_names_of_the_desired_state() {
    let fleet = Fleet::small(&["acme"]);
    let name = "fl\u{1b}[31meet\n\u{202e}.yaml";
    fleet.write(name, "version: 1\nfleet: Bad\n");
    let mut command = cli::tenantry(fleet.folder.path(), ["validate", "-f", name]);
    command.env("NO_COLOR", "1");
    let run = cli::run(command).expect(65);
    assert!(
        !run.stderr.contains(['\u{1b}', '\u{202e}']),
        "{:?}",
        run.stderr
    );
    assert_eq!(
        run.stderr
            .lines()
            .filter(|line| line.starts_with("fl\\u{1b}"))
            .count(),
        2
    );
}
