//! `examples/ci`: the workflow's steps run in order in a shell, the cron line and the unit's command too.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_yaml::Value;
use tempfile::TempDir;

use crate::support::cli::Run;
use crate::support::database::Database;
use crate::support::fleet::{project, sample};
use crate::support::server::DEPLOY;

const PROGRAM: &str = env!("CARGO_BIN_EXE_tenantry");

/// GitHub's command line as far as the workflow uses it; it refuses what GitHub refuses, and remembers the rest.
const GH: &str = r#"#!/bin/bash
set -euo pipefail
printf '%s\n' "$*" >> "$GITHUB/calls"
comment() {
    [ "$(LC_ALL=C.UTF-8 wc -m < "$1")" -le 65536 ] || { echo "Body is too long (maximum is 65536 characters)" >&2; exit 1; }
    cp "$1" "$GITHUB/comment.md"
}
case "$*" in
"pr comment 7 --body-file "*) comment "$5" ;;
"api --method PATCH repos/acme/tenants/issues/comments/31 --field body=@"*) comment "${6#body=@}" ;;
"api repos/acme/tenants/issues/7/comments "*) [ ! -f "$GITHUB/comment.md" ] || echo 31 ;;
"api repos/acme/tenants/commits/merged/pulls "*) echo head ;;
"api repos/acme/tenants/actions/runs?event=pull_request&status=success&head_sha=head "*)
    [ ! -d "$GITHUB/artifacts/pull_request" ] || echo pull_request ;;
"run download "*" --name tenantry-plan --dir .") cp "$GITHUB/artifacts/$3/tenantry-plan/"* . ;;
*) echo "unknown: gh $*" >&2; exit 1 ;;
esac
"#;

/// A repository on GitHub with its workflow, and the database that it is about.
struct Repository {
    /// What is checked out.
    folder: TempDir,
    /// What GitHub keeps: comments, artifacts, summaries.
    github: TempDir,
    database: Database,
    reader: String,
    workflow: Value,
}

impl Repository {
    /// The sample fleet, applied once, with a role that may only read.
    fn new() -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::SeqCst);
        let file = project().join("examples/ci/github-workflow.yaml");
        let text = fs::read_to_string(file).expect("there is a workflow");
        let repository = Self {
            folder: sample(),
            github: tempfile::tempdir().expect("a temporary folder"),
            database: Database::new(),
            reader: format!("reader_{}_{number}", std::process::id()),
            workflow: serde_yaml::from_str(&text).expect("it is YAML"),
        };
        let gh = repository.github.path().join("gh");
        fs::write(&gh, GH).expect("a fresh folder");
        fs::set_permissions(&gh, fs::Permissions::from_mode(0o755)).expect("it is ours");
        repository
            .shell(
                "tenantry apply --auto-approve",
                "",
                &repository.database.url(),
            )
            .expect(0);
        repository.make_roles();
        repository
    }

    /// As its README says; the role that applies is there.
    fn make_roles(&self) {
        let role = &self.reader;
        let grants = format!("tenantry doctor --grants --role {DEPLOY} --read-only-role {role}");
        assert!(
            example("README.md")
                .contains("tenantry doctor --grants --role deploy --read-only-role ci")
        );
        let url = self.database.superuser_url();
        let sql = self.shell(&grants, "", &url).expect(0).stdout;
        self.database.run(&sql);
        let password = format!("ALTER ROLE {role} PASSWORD 'tests-only'");
        self.database.run(&password);
    }

    fn reader_url(&self) -> String {
        let url = self.database.url();
        let (_, place) = url.split_once('@').expect("the URL names a user");
        format!("postgres://{}:tests-only@{place}", self.reader)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.path().join(name), text).expect("the folder can be written to");
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.folder.path().join(name)).unwrap_or_default()
    }

    /// Another tenant and another migration, as a pull request would bring them.
    fn change(&self) {
        let tenants = self.read("desired/tenants.yaml");
        self.write(
            "desired/tenants.yaml",
            &(tenants + "\n  zephyr: { vars: { currency: USD } }\n"),
        );
        self.write(
            "tenant_migrations/V20250301000001__add_settlement_notes.sql",
            "ALTER TABLE merchants ADD COLUMN settlement_note text;\n",
        );
    }

    /// Runs a script as the workflow's shell does, with the program and GitHub's on PATH.
    fn shell(&self, script: &str, event: &str, database_url: &str) -> Run {
        let environment = BTreeMap::from([("DATABASE_URL".to_owned(), database_url.to_owned())]);
        self.run_script(script, event, &environment)
    }

    fn run_script(&self, script: &str, event: &str, environment: &BTreeMap<String, String>) -> Run {
        let github = self.github.path();
        let bin = Path::new(PROGRAM).parent().expect("it is in a folder");
        let kept = std::env::var("PATH").expect("there is a PATH");
        let mut command = Command::new("bash");
        command
            .args(["--noprofile", "--norc", "-eo", "pipefail", "-c", script])
            .current_dir(self.folder.path())
            .env_clear();
        command
            .env(
                "PATH",
                format!("{}:{}:{kept}", bin.display(), github.display()),
            )
            .env("HOME", github)
            .env("GITHUB", github)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", event)
            .env("GITHUB_REPOSITORY", "acme/tenants")
            .env("GITHUB_RUN_ID", event)
            .env("GITHUB_SHA", "merged")
            .env("GITHUB_WORKFLOW", "Tenants")
            .env("GITHUB_STEP_SUMMARY", github.join("summary.md"))
            .env("GITHUB_OUTPUT", github.join("output"))
            .env("GITHUB_ENV", github.join("env"))
            .envs(environment);
        Run::of(command.output().expect("bash starts"))
    }

    /// Runs a job's steps, after one that failed only those that want to run all the same. How the first one that
    /// failed ended, or else the last.
    fn job(&self, name: &str, event: &str) -> Run {
        let job = &self.workflow["jobs"][name];
        let mut last: Option<Run> = None;
        for step in job["steps"].as_sequence().expect("a job has steps") {
            let has_failed = last.as_ref().is_some_and(|run| run.code != Some(0));
            let runs = match step["if"].as_str() {
                Some("success() || failure()") => true,
                Some(condition) => {
                    !has_failed && condition == format!("github.event_name == '{event}'")
                }
                None => !has_failed,
            };
            if !runs {
                continue;
            }
            if let Some(action) = step["uses"].as_str() {
                self.act(action, &step["with"], event);
                continue;
            }
            let script = step["run"].as_str().expect("a step runs or uses something");
            let mut environment = self.environment(&job["env"]);
            environment.extend(self.environment(&step["env"]));
            let run = self.run_script(script, event, &environment);
            if !has_failed {
                last = Some(run);
            }
        }
        last.expect("a job runs something")
    }

    /// Variables with GitHub's expressions replaced.
    fn environment(&self, declared: &Value) -> BTreeMap<String, String> {
        let pairs = declared.as_mapping().into_iter().flatten();
        pairs
            .map(|(name, value)| {
                let value = match value.as_str().expect("text") {
                    "${{ secrets.TENANTRY_READ_DATABASE_URL }}" => self.reader_url(),
                    "${{ secrets.TENANTRY_DATABASE_URL }}" => self.database.url(),
                    "${{ github.token }}" => "token".to_owned(),
                    "${{ github.event.pull_request.number }}" => "7".to_owned(),
                    other => panic!("unknown: {other}"),
                };
                (name.as_str().expect("text").to_owned(), value)
            })
            .collect()
    }

    /// What GitHub's own actions do.
    fn act(&self, action: &str, with: &Value, event: &str) {
        if action.starts_with("actions/checkout@") {
            return;
        }
        assert!(action.starts_with("actions/upload-artifact@"), "{action}");
        let (name, path) = (
            with["name"].as_str(),
            with["path"].as_str().expect("a path"),
        );
        let kept = self.github.path().join("artifacts").join(event);
        let kept = kept.join(name.expect("a name"));
        fs::create_dir_all(&kept).expect("a folder of ours");
        fs::copy(self.folder.path().join(path), kept.join(path)).expect("the step made it");
        // The next job has a folder of its own.
        fs::remove_file(self.folder.path().join(path)).expect("it is there");
    }

    fn kept(&self, name: &str) -> String {
        fs::read_to_string(self.github.path().join(name)).unwrap_or_default()
    }

    /// Somebody drops an index of a tenant without telling anybody.
    fn drop_by_hand(&self) {
        let index =
            "SELECT indexrelid::regclass::text FROM pg_index JOIN pg_class c ON c.oid = indrelid
            WHERE relnamespace = 'acq_acme'::regnamespace AND NOT indisunique ORDER BY 1 LIMIT 1";
        let index = self.database.texts(index).concat();
        self.database.run(&format!("DROP INDEX {index}"));
    }

    /// Somebody takes a tenant's last migration back without telling anybody.
    fn change_by_hand(&self) {
        self.database.run(
            "ALTER TABLE acq_acme.merchants DROP COLUMN settlement_note;
             DELETE FROM acq_acme.tenant_schema_migrations WHERE version = 20250301000001",
        );
    }

    fn has_new_column(&self) -> i64 {
        self.database
            .count("SELECT count(*) FROM pg_attribute WHERE attname = 'settlement_note'")
    }
}

impl Drop for Repository {
    fn drop(&mut self) {
        let role = &self.reader;
        // A test that failed may not have got so far.
        let _ = self
            .database
            .admin()
            .batch_execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
    }
}

#[test]
fn a_pull_request_is_planned_merged_and_looked_at_every_night() {
    let repository = Repository::new();
    repository.change();
    let validated = repository.job("validate", "pull_request").expect(0);
    assert!(
        validated
            .stdout
            .starts_with("Valid: fleet payments, 13 tenants"),
        "{}",
        validated.stdout
    );

    repository.job("plan", "pull_request").expect(0);
    let comment = repository.kept("comment.md");
    let (marker, plan) = comment.split_once('\n').expect("a line");
    assert_eq!(marker, "<!-- tenantry plan -->");
    assert!(
        plan.starts_with("### tenantry plan of `payments`\n\n**Plan: 1 to create, 12 to migrate, "),
        "{plan}"
    );
    assert!(plan.contains("**1 tenant to create**: `zephyr`"), "{plan}");
    assert!(
        plan.contains("- `V20250301000001__add_settlement_notes`"),
        "{plan}"
    );
    assert_eq!(repository.kept("summary.md"), plan);
    assert_eq!(repository.has_new_column(), 0, "a plan changes nothing");

    // Another push to the branch.
    repository.job("plan", "pull_request").expect(0);
    let calls = repository.kept("calls");
    assert_eq!(calls.matches("pr comment").count(), 1, "{calls}");
    assert_eq!(calls.matches("--method PATCH").count(), 1, "{calls}");
    assert!(
        calls.lines().all(|call| call.len() < 300),
        "no comment is an argument: {calls}"
    );

    let applied = repository.job("apply", "push").expect(0);
    assert!(
        applied
            .stdout
            .starts_with("::notice title=tenantry apply::Applied: 13 tenants, 0 failed"),
        "{}",
        applied.stdout
    );
    assert_eq!(repository.has_new_column(), 13);

    repository.job("nightly", "schedule").expect(0);
    let summary = repository.kept("summary.md");
    assert!(
        summary.contains("**No changes. 13 tenants match the desired state.**"),
        "{summary}"
    );
    let words = "**No drift. 13 tenants are what their histories say.**";
    assert!(summary.contains(words), "{summary}");
    repository.change_by_hand();
    let pending = repository.job("nightly", "schedule").expect(2);
    assert_eq!(
        repository.kept("summary.md").matches(words).count(),
        2,
        "{}",
        pending.all()
    );
    repository.drop_by_hand();
    repository.job("nightly", "schedule").expect(2);
    let summary = repository.kept("summary.md");
    assert!(
        summary.contains("**Drift: 1 of 13 tenants differs.**"),
        "{summary}"
    );
    let plans = summary.matches("### tenantry plan of `payments`").count();
    assert_eq!(plans, 2 + 3, "the plan is shown beside the drift");
}

#[test]
fn a_plan_that_became_stale_is_refused_and_made_again_by_hand() {
    let repository = Repository::new();
    let lost = repository.job("apply", "push").expect(4);
    assert!(
        lost.stdout.contains("::error title=No plan::"),
        "{}",
        lost.stdout
    );

    repository.change();
    repository.job("plan", "pull_request").expect(0);
    // Merged in between.
    repository.write(
        "tenant_migrations/V20250302000001__add_memo.sql",
        "ALTER TABLE merchants ADD COLUMN memo text;\n",
    );
    let refused = repository.job("apply", "push").expect(4);
    let words = "::error title=tenantry::plan.json was made for another desired state";
    assert!(refused.stdout.contains(words), "{}", refused.all());
    let start = "::error title=Refused::Nothing was changed.";
    assert!(refused.stdout.contains(start), "{}", refused.all());
    assert!(
        refused
            .stderr
            .contains("was made for another desired state"),
        "{}",
        refused.stderr
    );
    assert_eq!(repository.has_new_column(), 0);

    repository.job("plan", "workflow_dispatch").expect(0);
    assert_eq!(
        repository.kept("calls").matches("pr comment").count(),
        1,
        "there is no pull request"
    );
    repository.job("apply", "workflow_dispatch").expect(0);
    assert_eq!(repository.has_new_column(), 13);
}

#[test]
fn what_is_wrong_in_the_files_is_annotated() {
    let repository = Repository::new();
    repository.write(
        "desired/tenants.yaml",
        "version: 1\ntenants:\n  acme: { templat: merchant }\n",
    );
    let run = repository.job("validate", "pull_request").expect(65);
    assert!(
        run.stdout
            .starts_with("::error file=desired/tenants.yaml,line=3,col=11,title=tenantry::"),
        "{}",
        run.stdout
    );
}

#[test]
fn a_migration_that_fails_is_annotated_at_its_line() {
    let repository = Repository::new();
    repository.write(
        "tenant_migrations/V20250301000001__add_settlement_notes.sql",
        "-- Two lines down.\n\nALTER TABLE merchant ADD COLUMN settlement_note text;\n",
    );
    repository.job("plan", "pull_request").expect(0);
    let run = repository.job("apply", "push").expect(1);
    let place = "::error file=tenant_migrations/V20250301000001__add_settlement_notes.sql,line=3,";
    assert!(run.stdout.contains(place), "{}", run.all());
}

/// A tag can be moved to other code; what a job may do stands in the file.
#[test]
fn the_workflow_keeps_to_good_practice() {
    let file = project().join("examples/ci/github-workflow.yaml");
    let text = fs::read_to_string(file).expect("there is a workflow");
    let workflow: Value = serde_yaml::from_str(&text).expect("it is YAML");
    assert_eq!(workflow["permissions"]["contents"], "read");
    let jobs = workflow["jobs"].as_mapping().expect("it has jobs");
    assert_eq!(jobs.len(), 4);
    for (name, job) in jobs {
        for step in job["steps"].as_sequence().expect("a job has steps") {
            if let Some(script) = step["run"].as_str() {
                assert!(
                    !script.contains("${{"),
                    "{name:?}: text of strangers in a script:\n{script}"
                );
            }
        }
    }
    for line in text.lines().filter(|line| line.contains("uses:")) {
        let (_, pin) = line.split_once('@').expect("a version");
        let (hash, version) = pin.split_once(" # v").unwrap_or_else(|| panic!("{line}"));
        assert!(
            hash.len() == 40 && hash.chars().all(|c| c.is_ascii_hexdigit()),
            "{line}"
        );
        assert!(version.starts_with(|c: char| c.is_ascii_digit()), "{line}");
    }
}

fn example(name: &str) -> String {
    let path = project().join("examples/ci").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A line of /etc/cron.d: five fields of time, a user, and what `sh` gets.
#[test]
fn the_cron_line_sends_mail_when_the_fleet_differs() {
    let repository = Repository::new();
    let text = example("cron/tenantry");
    let is_entry = |line: &&str| line.starts_with(|c: char| c.is_ascii_digit() || c == '*');
    let entries: Vec<&str> = text.lines().filter(is_entry).collect();
    let [entry] = entries[..] else {
        panic!("one entry: {entries:?}");
    };
    let fields: Vec<&str> = entry.splitn(7, ' ').collect();
    let times = ["17", "3", "*", "*", "*"];
    assert_eq!(fields[..6], [&times[..], &["tenantry"]].concat());
    // cron ends a command there.
    assert!(!fields[6].contains('%'), "{}", fields[6]);
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#') && *line != entry)
    {
        let (name, _) = line.split_once('=').unwrap_or_else(|| panic!("{line}"));
        assert!(
            name.chars().all(|c| c.is_ascii_uppercase() || c == '_'),
            "{line}"
        );
    }
    let here = repository.folder.path().display().to_string();
    let script = format!("exec sh -c '{}'", fields[6].replace("/srv/tenants", &here));
    let nightly = || {
        repository
            .shell(&script, "", &repository.reader_url())
            .expect(0)
            .all()
    };
    assert_eq!(nightly().trim(), "", "no mail");
    repository.change();
    assert!(
        nightly().contains("Plan: 1 to create, 12 to migrate"),
        "{}",
        nightly()
    );
    repository.drop_by_hand();
    assert!(
        nightly().contains("Drift: 1 of 12 tenants differs"),
        "{}",
        nightly()
    );
}

/// `name=value` lines by section, as systemd reads them.
fn unit(text: &str) -> BTreeMap<String, Vec<(String, String)>> {
    let mut sections: BTreeMap<String, Vec<(String, String)>> = BTreeMap::new();
    let mut current = String::new();
    for line in text
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
    {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            name.clone_into(&mut current);
            continue;
        }
        let (key, value) = line.split_once('=').unwrap_or_else(|| panic!("{line}"));
        let section = sections.entry(current.clone()).or_default();
        section.push((key.to_owned(), value.to_owned()));
    }
    sections
}

fn setting<'u>(
    unit: &'u BTreeMap<String, Vec<(String, String)>>,
    section: &str,
    key: &str,
) -> &'u str {
    let found = unit[section].iter().find(|(name, _)| name == key);
    &found.unwrap_or_else(|| panic!("no {key} in {section}")).1
}

#[test]
fn the_units_compare_every_night() {
    let repository = Repository::new();
    let service = unit(&example("systemd/tenantry-drift.service"));
    let timer = unit(&example("systemd/tenantry-drift.timer"));
    assert_eq!(service.keys().collect::<Vec<_>>(), ["Service", "Unit"]);
    assert_eq!(
        timer.keys().collect::<Vec<_>>(),
        ["Install", "Timer", "Unit"]
    );
    assert_eq!(setting(&service, "Service", "Type"), "oneshot");
    assert_eq!(setting(&timer, "Timer", "OnCalendar"), "*-*-* 03:17:00");
    assert_eq!(setting(&timer, "Install", "WantedBy"), "timers.target");
    let lines = service["Service"]
        .iter()
        .filter(|(name, _)| name == "ExecStart");
    let scripts: Vec<&str> = lines
        .map(|(_, line)| {
            line.strip_prefix("/usr/local/bin/")
                .expect("an absolute path")
        })
        .collect();
    assert_eq!(scripts.len(), 2, "drift, and what is pending");
    let nightly = |expected: &[i32]| {
        // The first that fails is the last that is run.
        for (script, code) in scripts.iter().zip(expected) {
            repository
                .shell(script, "", &repository.reader_url())
                .expect(*code);
        }
    };
    nightly(&[0, 0]);
    repository.change();
    nightly(&[0, 2]);
    repository.drop_by_hand();
    nightly(&[2]);
}

/// Where systemd is, it judges the units itself; a bare container has none.
#[test]
fn systemd_accepts_the_units() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        return;
    };
    assert!(version.status.success());
    let folder = tempfile::tempdir().expect("a temporary folder");
    let units = ["tenantry-drift.service", "tenantry-drift.timer"].map(|name| {
        // It looks for the program and the user on this machine.
        let text = example(&format!("systemd/{name}"))
            .replace("/usr/local/bin/tenantry", PROGRAM)
            .replace("User=tenantry", "User=root");
        let path = folder.path().join(name);
        fs::write(&path, text).expect("a fresh folder");
        path
    });
    let judged = Command::new("systemd-analyze")
        .arg("verify")
        .args(units)
        .output();
    let judged = Run::of(judged.expect("it starts")).expect(0);
    assert!(!judged.all().contains("tenantry-drift"), "{}", judged.all());
}
