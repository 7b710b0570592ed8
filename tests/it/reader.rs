//! The two roles that `doctor --grants` prints the SQL for, made by that SQL alone, and a role that reads and lacks some.

use serde_json::{Value, json};

use crate::support::cli::Run;
use crate::support::database::Database;
use crate::support::fleet::{Fleet, blocked};
use crate::support::server::DEPLOY;

/// A fleet, and an operator and a reader of its own that don't exist yet.
struct Cast {
    fleet: Fleet,
    operator: String,
    reader: String,
    owner: String,
}

impl Cast {
    fn new(suffix: &str, tenants: &[&str]) -> Self {
        let mut fleet = Fleet::small(tenants);
        let role = |kind: &str| format!("{kind}_{}{suffix}", fleet.database.name);
        let (operator, reader, owner) = (role("op"), role("ci"), role("own"));
        fleet.defaults = format!("  owner: {}\n", json!(owner));
        // The usual roles of the tests have nothing to do with it.
        let revoke = format!(
            "REVOKE CREATE ON DATABASE {} FROM {DEPLOY}",
            fleet.database.name
        );
        fleet.database.run(&revoke);
        Self {
            fleet,
            operator,
            reader,
            owner,
        }
    }

    /// What `doctor --grants` prints, asked by a superuser.
    fn printed(&self) -> String {
        let url = self.fleet.database.superuser_url();
        let args = [
            "doctor",
            "--grants",
            "--role",
            &self.operator,
            "--read-only-role",
            &self.reader,
            "--database-url",
            &url,
        ];
        self.fleet.run(args).expect(0).stdout
    }

    /// Runs it, and gives the new roles the password that every role of the tests has.
    fn grant(&self) -> String {
        let sql = self.printed();
        self.fleet.database.run(&sql);
        for role in [&self.operator, &self.reader] {
            let role = role.replace('"', "\"\"");
            let password = format!("ALTER ROLE \"{role}\" PASSWORD 'tests-only'");
            self.fleet.database.run(&password);
        }
        sql
    }

    fn run_as(&self, role: &str, args: &[&str]) -> Run {
        let escaped: Vec<String> = role.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let url = self
            .fleet
            .database
            .url()
            .replacen(DEPLOY, &escaped.concat(), 1);
        self.fleet.run([args, &["--database-url", &url]].concat())
    }

    fn plan_as_reader(&self) -> Value {
        self.run_as(&self.reader, &["plan", "--format", "json"])
            .expect(0)
            .json()
    }

    #[track_caller]
    fn apply_as_operator(&self) {
        self.run_as(&self.operator, &["apply", "--auto-approve"])
            .expect(0);
        let run = self.run_as(&self.operator, &["plan", "--detailed-exitcode"]);
        run.expect(0);
    }

    #[track_caller]
    fn reader_sees_no_changes(&self) {
        let run = self.run_as(&self.reader, &["plan", "--detailed-exitcode"]);
        let run = run.expect(0);
        assert!(run.stdout.contains("No changes."), "{}", run.stdout);
        let tenants = self.status_as_reader()["tenants"].clone();
        for tenant in tenants.as_array().expect("tenants") {
            assert_eq!(tenant["state"], "up_to_date", "{tenant:#}");
        }
    }

    /// `status`, which could read everything.
    #[track_caller]
    fn status_as_reader(&self) -> Value {
        let run = self.run_as(&self.reader, &["status", "--format", "json"]);
        let status = run.expect(0).json();
        assert_eq!(status["unread"], json!([]), "{status:#}");
        status
    }

    /// The runs that `runs show` shows, and what it couldn't read.
    #[track_caller]
    fn runs_as_reader(&self, args: &[&str]) -> Value {
        let all = [&["runs", "show", "--format", "json"], args].concat();
        let runs = self.run_as(&self.reader, &all).expect(0).json();
        assert_eq!(runs["unread"], json!([]), "{runs:#}");
        runs
    }

    /// Privileges of the reader, as the server judges them.
    fn reader_may(&self, sql: &str) -> Vec<String> {
        let role = self.reader.replace('\'', "''");
        self.fleet
            .database
            .texts(&sql.replace("$reader", &format!("'{role}'")))
    }
}

#[test]
fn the_printed_sql_makes_two_roles_that_are_enough_and_no_more() {
    let mut cast = Cast::new("", &["acme", "globex"]);
    let first = cast.grant();
    let (database, operator) = (&cast.fleet.database.name, &cast.operator);
    assert!(
        first.contains(&format!(
            "GRANT CONNECT, CREATE ON DATABASE \"{database}\" TO \"{operator}\";"
        )),
        "{first}"
    );
    // Before there is anything.
    let status = cast.status_as_reader();
    assert_eq!(status["tenants"][0]["state"], "new", "{status:#}");
    assert_eq!(cast.runs_as_reader(&[])["runs"], json!([]));
    let plan = cast.plan_as_reader();
    assert_eq!(plan["summary"]["create"], 2, "{plan:#}");
    assert!(
        plan["notices"]
            .to_string()
            .contains("has no CREATE on database"),
        "{plan:#}"
    );
    cast.apply_as_operator();
    cast.reader_sees_no_changes();
    // What came later is seen without another grant.
    cast.fleet.add(&["hooli"]);
    cast.fleet
        .migration("V1__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    let plan = cast.plan_as_reader();
    assert_eq!(
        (&plan["summary"]["create"], &plan["summary"]["migrate"]),
        (&json!(1), &json!(2))
    );
    cast.apply_as_operator();
    cast.reader_sees_no_changes();
    // A saved plan of the reader's is the operator's to apply.
    cast.fleet
        .migration("V2__tag.sql", "ALTER TABLE note ADD COLUMN more text;\n");
    cast.run_as(&cast.reader, &["plan", "--out", "plan.json"])
        .expect(0);
    cast.run_as(&cast.reader, &["apply", "plan.json", "--auto-approve"])
        .expect(4);
    cast.run_as(&cast.operator, &["apply", "plan.json", "--auto-approve"])
        .expect(0);
    cast.reader_sees_no_changes();
    // And it sees what became of all that.
    let runs = cast.runs_as_reader(&[]);
    let runs = runs["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 3, "{runs:#?}");
    assert!(
        runs.iter()
            .all(|run| run["actor"] == *cast.operator && run["state"] == "done"),
        "{runs:#?}"
    );
    let newest = runs[0]["run"].as_str().expect("an id");
    let steps = cast.runs_as_reader(&[newest])["steps"].clone();
    assert_eq!(steps.as_array().map(Vec::len), Some(3), "{steps:#}");
    let status = cast.status_as_reader();
    for tenant in status["tenants"].as_array().expect("tenants") {
        assert_eq!(tenant["last"]["run"], newest, "{status:#}");
    }

    // Printed again it makes no role, and changes nothing.
    let second = cast.printed();
    assert!(
        !second.contains("CREATE ROLE") && !second.contains("CREATE SCHEMA"),
        "{second}"
    );
    let privileges = |cast: &Cast| {
        cast.fleet.database.texts(
            "SELECT concat_ws(' ', nspname, relname, nspacl::text, relacl::text) FROM pg_namespace n \
             LEFT JOIN pg_class c ON relnamespace = n.oid WHERE nspname !~ '^pg_' ORDER BY 1",
        )
    };
    let before = privileges(&cast);
    cast.fleet.database.run(&second);
    assert_eq!(privileges(&cast), before);

    // The reader reads histories and the control schema, and nothing else; it writes nothing.
    let readable = "SELECT DISTINCT CASE nspname WHEN 'tenantry' THEN nspname ELSE nspname || '.' || relname END \
         FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace \
         WHERE nspname !~ '^(pg_|information_schema$)' AND relkind IN ('r', 'S', 'v') \
           AND CASE relkind WHEN 'S' THEN has_sequence_privilege($reader, c.oid, 'SELECT, USAGE') \
                    ELSE has_any_column_privilege($reader, c.oid, 'SELECT') END ORDER BY 1";
    assert_eq!(
        cast.reader_may(readable),
        [
            "t_acme.history",
            "t_globex.history",
            "t_hooli.history",
            "tenantry"
        ]
    );
    let writable = "SELECT relname FROM pg_class c WHERE relkind IN ('r', 'v') AND relnamespace::regnamespace::text !~ '^pg_' \
         AND (has_table_privilege($reader, c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') \
              OR has_any_column_privilege($reader, c.oid, 'INSERT, UPDATE'))";
    assert_eq!(cast.reader_may(writable), [""; 0]);
    let creates = "SELECT nspname FROM pg_namespace n \
         WHERE nspname NOT IN ('public') AND has_schema_privilege($reader, n.oid, 'CREATE') \
         UNION ALL SELECT datname FROM pg_database d \
         WHERE datname = current_database() AND has_database_privilege($reader, d.oid, 'CREATE')";
    assert_eq!(cast.reader_may(creates), [""; 0]);
    let member = "SELECT rolname FROM pg_roles r WHERE pg_has_role($reader, r.oid, 'MEMBER') AND rolname <> $reader";
    assert_eq!(cast.reader_may(member), [""; 0]);
    let attributes = "SELECT concat(rolname = $reader, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb) FROM pg_roles \
         WHERE rolname LIKE '%' || split_part($reader, 'ci_', 2) ORDER BY 1";
    assert_eq!(cast.reader_may(attributes), ["fffff", "fffff", "tffff"]);
}

#[test]
fn hostile_names_are_quoted_in_the_printed_sql() {
    let mut cast = Cast::new("\"; DROP ROLE x --\n\u{1b}[2J", &[]);
    cast.fleet
        .tenant("acme", "{ schema: \"A\\\"; -- \\n\\u202e\" }");
    cast.fleet.tenant("globex", "{ schema: \"back\\\\slash\" }");
    cast.grant();
    cast.apply_as_operator();
    cast.reader_sees_no_changes();
    let sql = cast.printed();
    assert!(!sql.contains(['\u{1b}', '\u{202e}']), "{sql}");
    assert!(
        sql.contains("GRANT USAGE ON SCHEMA U&\"A\"\"; -- \\+00000A\\+00202E\" TO"),
        "{sql}"
    );
    cast.fleet.database.run(&sql);
    let of_script = |line: &str| line.is_empty() || line.starts_with("--") || line.ends_with(';');
    assert!(sql.lines().all(of_script), "{sql}");
    cast.reader_sees_no_changes();
}

#[test]
fn a_fleet_that_lives_already_is_granted_tenant_by_tenant() {
    let mut cast = Cast::new("", &["acme", "globex"]);
    let database = cast.fleet.database.name.clone();
    // Made by the tests' own role, who owns the tenants too.
    cast.fleet
        .database
        .run(&format!("GRANT CREATE ON DATABASE {database} TO {DEPLOY}"));
    cast.fleet.defaults = String::new();
    cast.fleet.apply(0);
    let sql = cast.grant();
    assert!(
        sql.contains("GRANT SELECT ON TABLE \"t_acme\".\"history\" TO"),
        "{sql}"
    );
    cast.reader_sees_no_changes();
    // The operator takes over what another role has made.
    cast.fleet.defaults = format!("  owner: {}\n", json!(cast.owner));
    cast.grant();
    cast.fleet.add(&["hooli"]);
    cast.run_as(&cast.operator, &["apply", "--auto-approve"])
        .expect(0);
    let plan = cast.plan_as_reader();
    assert!(
        blocked(&plan).is_empty() && plan["summary"]["create"] == 0,
        "{plan:#}"
    );
}

#[test]
fn what_a_reader_may_not_see_is_unreadable_and_never_guessed() {
    let cast = Cast::new("", &["acme", "globex", "hooli"]);
    cast.grant();
    cast.apply_as_operator();
    let reader = cast.reader.clone();
    cast.fleet.database.run(&format!(
        "REVOKE USAGE ON SCHEMA t_acme FROM {reader}; REVOKE SELECT ON t_globex.history FROM {reader}"
    ));
    cast.fleet
        .migration("V1__tag.sql", "ALTER TABLE note ADD COLUMN tag text;\n");
    let plan = cast.plan_as_reader();
    assert_eq!(
        blocked(&plan),
        ["acme history_unreadable", "globex history_unreadable"]
    );
    assert_eq!(plan["summary"]["migrate"], 1);
    let run = cast
        .run_as(&reader, &["doctor", "--format", "json"])
        .expect(1);
    let doctor = run.json();
    let of = |check: &str| {
        let checks = doctor["checks"].as_array().expect("checks");
        let found = checks.iter().find(|one| one["check"] == check);
        found
            .unwrap_or_else(|| panic!("no {check} in {doctor:#}"))
            .clone()
    };
    let histories = of("histories");
    assert_eq!(histories["status"], "failed");
    assert!(
        histories["message"]
            .to_string()
            .contains("those of 2 tenants (`acme`, `globex`) can't be read"),
        "{histories}"
    );
    assert_eq!(of("create")["status"], "failed");
    // The printed SQL gives back what is missing.
    cast.fleet.database.run(&cast.printed());
    assert!(blocked(&cast.plan_as_reader()).is_empty());

    for (revoked, words) in [
        (
            "SELECT ON tenantry.tenant",
            "tenantry.tenant is missing, or SELECT on it isn't granted",
        ),
        (
            "USAGE ON SCHEMA tenantry",
            "has no USAGE on schema tenantry",
        ),
    ] {
        cast.fleet
            .database
            .run(&format!("REVOKE {revoked} FROM {reader}"));
        let plan = cast.plan_as_reader();
        assert_eq!(
            (&plan["summary"]["create"], &plan["summary"]["blocked"]),
            (&json!(0), &json!(3))
        );
        assert!(
            plan["blocked"][0]["message"].to_string().contains(words),
            "{plan:#}"
        );
    }
}

#[test]
fn each_grant_that_is_missing_is_told_by_every_command_that_needs_it() {
    let cast = Cast::new("", &["acme"]);
    let sql = cast.grant();
    cast.apply_as_operator();
    let (reader, database) = (cast.reader.clone(), &cast.fleet.database);
    let run = database.texts("SELECT run FROM tenantry.run").remove(0);
    let said = |args: &[&str]| {
        let run = cast.run_as(&reader, args);
        (run.code, run.all())
    };
    // What is taken away; the words of plan, status and runs, where they need it.
    let cases = [
        (
            "USAGE ON SCHEMA tenantry",
            [Some("no USAGE on schema tenantry"); 3],
        ),
        (
            "SELECT ON tenantry.fleet",
            [Some("tenantry.fleet is missing, or SELECT"); 3],
        ),
        (
            "SELECT ON tenantry.schema_history",
            [Some("tenantry.schema_history is missing, or SELECT"); 3],
        ),
        (
            "SELECT ON tenantry.tenant",
            [Some("tenantry.tenant is missing, or SELECT"); 3],
        ),
        (
            "SELECT ON tenantry.run",
            [
                None,
                Some("permission denied for table run"),
                Some("permission denied for table run"),
            ],
        ),
        (
            "SELECT ON tenantry.step",
            [
                None,
                Some("permission denied for table step"),
                Some("permission denied for table step"),
            ],
        ),
        (
            "SELECT ON t_acme.history",
            [
                Some("no SELECT on history"),
                Some("no SELECT on history"),
                None,
            ],
        ),
        (
            "USAGE ON SCHEMA t_acme",
            [
                Some("no USAGE on the schema"),
                Some("no USAGE on the schema"),
                None,
            ],
        ),
    ];
    for (privilege, words) in cases {
        database.run(&format!("REVOKE {privilege} FROM {reader}"));
        let commands: [&[&str]; 4] = [
            &["plan"],
            &["status", "-v"],
            &["runs", "show"],
            &["runs", "show", &run],
        ];
        for (command, words) in commands
            .into_iter()
            .zip(words.into_iter().chain([words[2]]))
        {
            let (code, all) = said(command);
            let Some(words) = words else {
                assert_eq!(code, Some(0), "{privilege}, {command:?}: {all}");
                assert!(
                    !all.contains("denied")
                        && !all.contains("no SELECT")
                        && !all.contains("no USAGE"),
                    "{privilege}, {command:?}: {all}"
                );
                continue;
            };
            let all = all.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(all.contains(words), "{privilege}, {command:?}: {all}");
            assert!(
                all.contains("`tenantry doctor --grants`"),
                "{privilege}, {command:?}: {all}"
            );
        }
        // Which gives it back.
        let granted = cast.printed();
        database.run(&granted);
        cast.reader_sees_no_changes();
        cast.runs_as_reader(&[&run]);
    }
    assert!(!sql.contains("t_acme"), "there was none then: {sql}");
}

#[test]
fn a_control_schema_made_for_nobody_is_not_taken_for_ours() {
    let cast = Cast::new("", &["acme"]);
    cast.grant();
    let (operator, reader) = (&cast.operator, &cast.reader);
    // The operator's by right, and yet somebody's thing is in it.
    cast.fleet
        .database
        .run("CREATE FUNCTION tenantry.x() RETURNS int LANGUAGE sql AS 'SELECT 1'");
    assert_eq!(blocked(&cast.plan_as_reader()), ["acme history_unreadable"]);
    cast.run_as(operator, &["apply", "--auto-approve"])
        .expect(4);
    // Empty, and another's: who owns it could drop what is in it.
    cast.fleet.database.run(&format!(
        "DROP FUNCTION tenantry.x(); ALTER SCHEMA tenantry OWNER TO {reader}; \
         GRANT ALL ON SCHEMA tenantry TO {operator}; \
         ALTER DEFAULT PRIVILEGES FOR ROLE {reader} IN SCHEMA tenantry GRANT SELECT ON TABLES TO {operator}"
    ));
    let apply = ["apply", "--auto-approve", "--format", "json"];
    let run = cast.run_as(operator, &apply).expect(1);
    assert!(run.all().contains("made for another role"), "{}", run.all());
    assert_eq!(cast.fleet.database.schemas(), ["tenantry"]);
}

#[test]
fn a_reader_finds_drift_by_kept_references_or_by_another_server() {
    let cast = Cast::new("", &["acme", "globex"]);
    cast.grant();
    cast.apply_as_operator();
    cast.grant();
    let database = &cast.fleet.database;
    let drift = |args: &[&str]| cast.run_as(&cast.reader, &[&["drift"], args].concat());
    let found = drift(&[]).expect(0).stdout;
    assert!(found.starts_with("No drift. 2 tenants"), "{found}");
    database.run("DELETE FROM tenantry.reference; ALTER TABLE t_acme.note ALTER body SET NOT NULL");
    let refused = drift(&[]).expect(1).stdout;
    assert!(refused.contains("--reference-url"), "{refused}");
    let elsewhere = Database::new();
    let url = elsewhere.url();
    let report = drift(&["--format", "json", "--reference-url", &url]);
    let report = report.expect(2).json();
    assert_eq!(report["findings"][0]["object"], "column note.body");
    assert_eq!(report["summary"]["drifted"], 1, "{report:#}");
    assert_eq!(elsewhere.schemas(), [""; 0]);
}
