//! `status`: every tenant in its place, from what the server holds, and as a role that may only read.

use serde_json::{Value, json};

use crate::clusters::{nowhere, set, two};
use crate::support::cli::Run;
use crate::support::fleet::Fleet;
use crate::support::json_schema;
use crate::support::server::DEPLOY;
use crate::support::statements;

/// A migration that fails where a note has no body.
const NOT_NULL: &str = "ALTER TABLE note ALTER body SET NOT NULL;\n";

/// acme is up to date, globex failed, hooli is blocked, initech new, oldco gone from the file.
fn mixed() -> Fleet {
    let mut fleet = Fleet::small(&["acme", "globex", "hooli", "oldco"]);
    fleet.apply(0);
    fleet.remove("oldco");
    fleet
        .database
        .run("INSERT INTO t_globex.note (body) VALUES (NULL); DROP SCHEMA t_hooli CASCADE");
    fleet.migration("V1__not_null.sql", NOT_NULL);
    fleet.apply(3);
    fleet.add(&["initech"]);
    fleet
}

fn status(fleet: &Fleet) -> Value {
    fleet.run(["status", "--format", "json"]).expect(0).json()
}

fn of<'a>(status: &'a Value, tenant: &str) -> &'a Value {
    let tenants = status["tenants"].as_array().expect("a list");
    let found = tenants.iter().find(|one| one["tenant"] == tenant);
    found.unwrap_or_else(|| panic!("no {tenant} in {status:#}"))
}

fn states(status: &Value) -> Vec<String> {
    let tenants = status["tenants"].as_array().expect("a list").iter();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    tenants
        .map(|one| format!("{} {}", text(&one["tenant"]), text(&one["state"])))
        .collect()
}

#[test]
fn every_tenant_stands_in_its_place() {
    let fleet = mixed();
    fleet.database.run("CREATE SCHEMA t_stray");
    let status = status(&fleet);
    assert_eq!(
        states(&status),
        [
            "acme up_to_date",
            "globex pending",
            "hooli blocked",
            "initech new",
            "oldco unmanaged",
            "- unmanaged"
        ]
    );
    let runs = fleet
        .database
        .texts("SELECT run FROM tenantry.run ORDER BY started_at DESC");
    let acme = of(&status, "acme");
    assert_eq!(
        (&acme["cluster"], &acme["schema"], &acme["version"]),
        (&json!("default"), &json!("t_acme"), &json!(1))
    );
    assert_eq!(acme["pending"], json!([]));
    assert_eq!(acme["last"]["status"], "applied");
    assert_eq!(acme["last"]["run"], json!(runs[0]));
    let at = "SELECT extract(epoch FROM at) = extract(epoch FROM $$x$$::timestamptz) FROM tenantry.step \
              WHERE tenant = 'acme' ORDER BY at DESC LIMIT 1";
    let at = at.replace(
        "$$x$$",
        &format!("'{}'", acme["last"]["at"].as_str().unwrap()),
    );
    assert_eq!(
        fleet.database.texts(&at),
        ["true"],
        "when, to the microsecond"
    );

    let globex = of(&status, "globex");
    assert_eq!(globex["pending"], json!(["V1__not_null"]));
    assert_eq!(globex["version"], Value::Null);
    assert_eq!(globex["last"]["status"], "failed");
    assert_eq!(globex["last"]["error"]["sqlstate"], "23502");
    assert_eq!(of(&status, "hooli")["blocked"]["code"], "schema_missing");
    assert_eq!(of(&status, "hooli")["last"]["run"], json!(runs[1]));
    assert_eq!(of(&status, "initech")["last"], Value::Null);
    assert_eq!(of(&status, "oldco")["last"]["status"], "applied");
    assert_eq!(status["tenants"][5]["schema"], "t_stray");
    assert_eq!(
        status["summary"],
        json!({ "up_to_date": 1, "pending": 1, "new": 1, "blocked": 1, "withheld": 0,
                "absent": 0, "suspended": 0, "unmanaged": 2, "failed": 1 })
    );
    let ends: Vec<&Value> = status["runs"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|run| &run["state"])
        .collect();
    assert_eq!(ends, ["partial", "done"]);
    assert_eq!(status["complete"], true);
}

#[test]
fn people_read_what_stands_alike_as_one() {
    let mut fleet = mixed();
    let more: Vec<String> = (0..30).map(|number| format!("more-{number:02}")).collect();
    fleet.add(&more.iter().map(String::as_str).collect::<Vec<_>>());
    fleet
        .run(["apply", "--auto-approve", "--tenant", "more-*"])
        .expect(0);
    let text = fleet.run(["status"]).expect(0).stdout;
    assert!(
        text.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    let begins = "31 tenants up to date, at V1\n  acme, more-00, more-01,";
    assert!(text.starts_with(begins), "{text}");
    for words in [
        "1 tenant with 1 migration pending\n  globex\n  ~ V1__not_null\n  last: failed ",
        "SQLSTATE 23502",
        "1 tenant blocked: schema_missing\n  hooli\n",
        "1 tenant to create\n  initech\n",
        "1 schema unmanaged: live, and not in the file\n  oldco\n",
        " in several runs\n",
        "Last runs\n",
        " apply done, ",
        "all 30 applied\n",
        " apply partial, ",
        ": 1 of 2 applied, 1 failed\n",
    ] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
    let sum = "Fleet shop: 34 tenants, 31 up to date, 1 pending, 1 to create, 1 blocked,\n  \
               1 unmanaged, 1 failed last.\n";
    assert!(text.ends_with(sum), "{text}");
    let all = fleet.run(["status", "-v"]).expect(0).stdout;
    for id in &more {
        assert!(
            all.contains(&format!(
                "\n  {id}: cluster default, schema t_{id}, applied "
            )),
            "{all}"
        );
    }
    let quiet = fleet.run(["status", "-q"]).expect(0).stdout;
    assert_eq!(quiet, sum);
}

#[test]
fn absent_tenants_are_told_from_those_that_are_still_there() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    fleet.tenant("acme", "{ state: absent }");
    fleet.tenant("globex", "{ state: absent }");
    fleet.tenant("hooli", "{ state: suspended }");
    let status = status(&fleet);
    assert_eq!(
        states(&status),
        ["acme withheld", "globex absent", "hooli blocked"]
    );
    let text = fleet.run(["status"]).expect(0).stdout;
    for words in [
        "1 tenant withheld: absent in the file, still there",
        "1 tenant absent, as the file says",
        "1 tenant blocked: unsupported",
    ] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
}

#[test]
fn filters_narrow_it() {
    let fleet = mixed();
    let run = |args: &[&str]| -> Vec<String> {
        let all = [&["status", "--format", "json"], args].concat();
        states(&fleet.run(all).expect(0).json())
    };
    assert_eq!(run(&["--tenant", "acme"]), ["acme up_to_date"]);
    assert_eq!(
        run(&["--exclude", "acme", "--exclude", "hooli"]),
        ["globex pending", "initech new"]
    );
    fleet.run(["status", "--tenant", "acm"]).expect(64);
}

#[test]
fn it_fits_its_schema_and_is_the_same_to_the_byte() {
    let fleet = mixed();
    let text = || fleet.run(["status", "--format", "json"]).expect(0).stdout;
    assert_eq!(text(), text());
    let schema = fleet.run(["schema", "status"]).expect(0).json();
    assert_eq!(json_schema::problems(&schema, &status(&fleet)), [""; 0]);
    assert_eq!(status(&fleet)["format_version"], "1.0");
}

/// What a status of this fleet sends to the server.
fn sent(fleet: &Fleet) -> Option<Vec<String>> {
    let before = statements::of(&fleet.database)?.len();
    fleet.run(["status"]).expect(0);
    Some(statements::of(&fleet.database)?.split_off(before))
}

#[test]
fn every_statement_stands_in_a_transaction_that_only_reads() {
    let Some(sent) = sent(&mixed()) else {
        return;
    };
    assert!(sent.iter().any(|sql| sql.contains("RECURSIVE newest")));
    let mut is_open = false;
    for sql in sent {
        let begins = sql.contains("ISOLATION LEVEL REPEATABLE READ, READ ONLY;");
        assert!(begins || is_open, "{sql}");
        assert!(!sql.contains("advisory_xact_lock"), "{sql}");
        is_open = !sql.trim_end().ends_with("COMMIT");
    }
    assert!(!is_open);
}

#[test]
fn it_asks_as_much_for_many_tenants_as_for_one() {
    let one = Fleet::small(&["acme"]);
    one.apply(0);
    let mut many = Fleet::small(&["acme"]);
    let more: Vec<String> = (0..40).map(|number| format!("more-{number:02}")).collect();
    many.add(&more.iter().map(String::as_str).collect::<Vec<_>>());
    many.apply(0);
    // The histories' own statements go a hundred to a message, which is one entry of the log.
    let number = |fleet| sent(fleet).map(|sent| sent.len());
    assert_eq!(number(&one), number(&many));
}

#[test]
fn a_running_run_is_told_from_a_killed_one() {
    use crate::support::gate::{Gate, WAIT, until};
    use rustix::process::Signal;
    let fleet = Fleet::small(&["acme", "globex"]);
    fleet.apply(0);
    let sql = format!("ALTER TABLE note ADD COLUMN title text;\n{WAIT}");
    fleet.migration("V1__add_title.sql", &sql);
    let mut gate = Gate::shut(&fleet.database);
    let running = fleet.start_apply(&["--parallel", "1"]);
    gate.until_waiting(1);
    let live = &status(&fleet)["runs"][0];
    assert_eq!(live["state"], "running");
    let holder = live["holder"].as_str().expect("who runs is named");
    assert!(
        holder.contains("pid ") && holder.contains(DEPLOY),
        "{holder}"
    );
    let text = fleet.run(["status"]).expect(0).stdout;
    assert!(text.contains(" apply running, "), "{text}");
    assert!(text.contains("    held by pid "), "{text}");

    running.signal(Signal::KILL);
    running.end();
    until("its sessions are gone", || fleet.database.is_quiet());
    let dead = &status(&fleet)["runs"][0];
    assert_eq!(
        (&dead["state"], &dead["holder"]),
        (&json!("killed"), &Value::Null)
    );
    gate.open();
}

#[test]
fn a_silent_cluster_is_said_and_the_other_read() {
    let (mut fleet, other) = two();
    fleet.apply(0);
    set(&mut fleet, "TWO", nowhere());
    let status = status(&fleet);
    assert_eq!(
        states(&status),
        [
            "acme up_to_date",
            "globex up_to_date",
            "hooli blocked",
            "initech blocked"
        ]
    );
    assert_eq!(of(&status, "hooli")["blocked"]["code"], "unreachable");
    assert_eq!(status["complete"], false);
    assert_eq!(
        status["unread"],
        json!([]),
        "it is said once, by its tenants"
    );
    assert_eq!(status["runs"][0]["clusters"], json!(["one"]));
    set(&mut fleet, "ONE", nowhere());
    let run = fleet.run(["status"]).expect(1);
    assert!(
        run.stderr
            .contains("no database of the fleet could be read"),
        "{}",
        run.stderr
    );
    assert!(run.stdout.contains("4 blocked"), "{}", run.stdout);
    set(&mut fleet, "TWO", other.url());
    fleet.run(["status"]).expect(0);
}

/// The program as a role that may only read: some tables of the control schema, and the histories.
fn as_reader(fleet: &mut Fleet, role: &str, tables: &str) -> Run {
    fleet.database.run(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'tests-only'; \
         GRANT USAGE ON SCHEMA tenantry, t_acme, t_globex TO {role}; \
         GRANT SELECT ON {tables} TO {role}; \
         GRANT SELECT ON t_acme.history, t_globex.history TO {role}"
    ));
    let url = fleet
        .database
        .url()
        .replace(&format!("{DEPLOY}:"), &format!("{role}:"));
    fleet.env.push(("TENANTRY_DATABASE_URL".into(), url));
    let run = fleet.run(["status", "--format", "json"]).expect(0);
    let text = fleet.run(["status"]).expect(0).stdout;
    fleet
        .database
        .run(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    Run {
        stderr: text,
        ..run
    }
}

#[test]
fn a_role_that_may_only_read_sees_it_all() {
    let mut fleet = mixed();
    let deploy = status(&fleet);
    let name = format!("{}_reader", fleet.database.name);
    let run = as_reader(&mut fleet, &name, "ALL TABLES IN SCHEMA tenantry");
    assert_eq!(run.json()["tenants"], deploy["tenants"]);
    assert_eq!(run.json()["runs"], deploy["runs"]);
}

#[test]
fn what_a_role_may_not_read_is_said() {
    let mut fleet = mixed();
    let tables = "tenantry.fleet, tenantry.tenant, tenantry.schema_history";
    let name = format!("{}_half", fleet.database.name);
    let run = as_reader(&mut fleet, &name, tables);
    let status = run.json();
    assert_eq!(status["complete"], false);
    assert_eq!(of(&status, "acme")["state"], "up_to_date");
    assert_eq!(of(&status, "acme")["last"], Value::Null);
    let said = status["unread"][0]["message"].as_str().expect("why");
    assert!(said.contains("permission denied"), "{said}");
    let text = run.stderr;
    for words in [
        "Unreadable journals",
        "hint: Run the SQL that `tenantry doctor --grants` prints.",
        "incomplete",
    ] {
        assert!(text.contains(words), "{words} in\n{text}");
    }
}

#[test]
fn strangers_words_move_no_cursor_and_tell_no_secret() {
    let mut fleet = Fleet::small(&["acme"]);
    fleet.tenant("evil", "{ schema: \"t_\\e[2J\\u202Egrave\" }");
    fleet.extra.push_str("secrets: [TOKEN]\n");
    fleet.env.push(("TOKEN".into(), "swordfish-1".into()));
    fleet.apply(0);
    fleet.migration(
        "V1__says.sql",
        "DO $$ BEGIN RAISE EXCEPTION E'\\x1b[31mred swordfish-1 \\r\\n%', current_schema(); END $$;\n",
    );
    fleet.apply(1);
    for args in [
        &["status"][..],
        &["status", "-v"],
        &["runs", "show"],
        &["status", "--format", "json"],
    ] {
        let run = fleet.run(args).expect(0);
        assert!(!run.all().contains("swordfish-1"), "{}", run.all());
        assert!(
            !run.all()
                .contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'),
            "{:?}",
            run.all()
        );
    }
    let said = fleet.run(["status"]).expect(0).stdout;
    assert!(said.contains("red ***"), "{said}");
}

#[test]
fn another_fleets_database_is_refused_and_nothing_recorded_is_no_error() {
    let fleet = Fleet::small(&["acme"]);
    let nothing = status(&fleet);
    assert_eq!(states(&nothing), ["acme new"]);
    assert_eq!(nothing["runs"], json!([]));
    fleet.apply(0);
    let run = fleet
        .run_edited("fleet: shop", "fleet: bank", &["status"])
        .expect(4);
    assert!(
        run.stderr.contains("belongs to fleet shop"),
        "{}",
        run.stderr
    );
}

#[test]
fn a_commit_that_was_not_heard_of_counts_once_it_is_recorded() {
    let fleet = Fleet::small(&["acme"]);
    fleet.apply(0);
    // As a run leaves it whose connection was lost for good after COMMIT.
    fleet.database.run(
        "INSERT INTO tenantry.step (run, tenant, action, status) \
         SELECT run, 'acme', '', 'unknown' FROM tenantry.run",
    );
    let status = status(&fleet);
    assert_eq!(of(&status, "acme")["last"]["status"], "applied");
    assert_eq!(status["runs"][0]["counts"]["applied"], 1);
    assert_eq!(status["runs"][0]["counts"]["unknown"], 0);
}
