//! Fleets written to disk, piece by piece.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cli::{self, Run};
use super::database::Database;
use super::running::Running;
use super::server::OWNER;

/// A desired state in a folder of its own, for a database of its own.
pub struct Fleet {
    pub folder: tempfile::TempDir,
    pub database: Database,
    /// Goes into the YAML as it is, at top level.
    pub extra: String,
    /// Goes into `defaults:` as it is, two spaces deep.
    pub defaults: String,
    /// Tenant ids, and each tenant's body in flow style.
    pub tenants: Vec<(String, String)>,
    /// What the program's environment gets.
    pub env: Vec<(String, String)>,
}

impl Fleet {
    /// A fleet of the template file `010_base.sql`, without migrations and tenants.
    pub fn new(template: &str) -> Self {
        Self::on(Database::new(), template)
    }

    /// Such a fleet on this database.
    pub fn on(database: Database, template: &str) -> Self {
        let fleet = Self {
            folder: tempfile::tempdir().expect("a temporary folder"),
            database,
            extra: String::new(),
            defaults: format!("  owner: {OWNER}\n"),
            tenants: Vec::new(),
            env: Vec::new(),
        };
        fs::create_dir(fleet.path("template")).expect("a fresh folder");
        fs::create_dir(fleet.path("migrations")).expect("a fresh folder");
        fleet.write("template/010_base.sql", template);
        fleet
    }

    /// A fleet of one small table and these tenants.
    pub fn small(tenants: &[&str]) -> Self {
        let mut fleet = Self::new(
            "CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text);\n",
        );
        fleet.add(tenants);
        fleet
    }

    /// Adds tenants without settings of their own.
    pub fn add(&mut self, tenants: &[&str]) {
        self.tenants
            .extend(tenants.iter().map(|id| ((*id).to_owned(), "{}".to_owned())));
    }

    /// Adds or replaces a tenant.
    pub fn tenant(&mut self, id: &str, body: &str) {
        self.tenants.retain(|(known, _)| known != id);
        self.tenants.push((id.to_owned(), body.to_owned()));
    }

    /// Takes a tenant out of the file.
    pub fn remove(&mut self, id: &str) {
        self.tenants.retain(|(known, _)| known != id);
    }

    /// Writes a migration file.
    pub fn migration(&self, name: &str, sql: &str) {
        self.write(&format!("migrations/{name}"), sql);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("the folder can be written to");
    }

    /// The desired state as it stands in `fleet.yaml`.
    pub fn yaml(&self) -> String {
        let mut yaml = format!(
            "version: 1\nfleet: shop\ndefaults:\n  template: base\n  schema: \"t_{{tenant}}\"\n{}\
             history_table: history\ntemplates:\n  base: {{ path: template, migrations: migrations }}\n{}tenants:",
            self.defaults, self.extra
        );
        if self.tenants.is_empty() {
            yaml.push_str(" {}");
        }
        yaml.push('\n');
        for (id, body) in &self.tenants {
            writeln!(yaml, "  {id}: {body}").expect("a String takes all");
        }
        yaml
    }

    /// The program on this fleet, not started yet.
    pub fn command<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Command {
        let yaml = self.yaml();
        // Another program may be reading the file.
        if fs::read_to_string(self.path("fleet.yaml")).ok().as_ref() != Some(&yaml) {
            self.write("fleet.yaml", &yaml);
        }
        let mut command = cli::tenantry(self.folder.path(), args);
        command
            .env("TENANTRY_FILE", "fleet.yaml")
            .env("DATABASE_URL", self.database.url());
        command.envs(self.env.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the program on this fleet.
    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        cli::run(self.command(args))
    }

    /// Starts the program on this fleet.
    pub fn start<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Running {
        Running::start(self.command(args))
    }

    /// Starts an `apply` that writes NDJSON, with these arguments besides.
    pub fn start_apply(&self, args: &[&str]) -> Running {
        let all = ["apply", "--auto-approve", "--format", "ndjson"];
        self.start(all.iter().chain(args))
    }

    /// What each of these tenants' `counter` has come to.
    pub fn counters(&self, tenants: &[&str]) -> Vec<String> {
        let one = |tenant: &&str| {
            let sql = format!("SELECT n FROM t_{tenant}.counter");
            self.database.texts(&sql).concat()
        };
        tenants.iter().map(one).collect()
    }

    /// Runs the program on this fleet's file with one text in it replaced.
    #[track_caller]
    pub fn run_edited(&self, from: &str, to: &str, args: &[&str]) -> Run {
        let yaml = self.yaml();
        assert!(yaml.contains(from), "{from} isn't in\n{yaml}");
        self.write("edited.yaml", &yaml.replace(from, to));
        self.run([&["-f", "edited.yaml"], args].concat())
    }

    /// `plan`, whatever it says.
    pub fn plan(&self) -> serde_json::Value {
        self.run(["plan", "--format", "json"]).expect(0).json()
    }

    /// `apply` that must end with this code; its report.
    #[track_caller]
    pub fn apply(&self, code: i32) -> serde_json::Value {
        self.run(["apply", "--auto-approve", "--format", "json"])
            .expect(code)
            .json()
    }

    /// Ends the test unless a plan finds nothing to do.
    #[track_caller]
    pub fn expect_no_changes(&self) {
        let run = self.run(["plan", "--detailed-exitcode"]).expect(0);
        assert!(run.stdout.contains("No changes."), "{}", run.stdout);
    }
}

/// A report's outcome of one tenant.
#[track_caller]
pub fn outcome<'a>(report: &'a serde_json::Value, tenant: &str) -> &'a serde_json::Value {
    let outcomes = report["outcomes"]
        .as_array()
        .expect("a report has outcomes");
    let found = outcomes.iter().find(|outcome| outcome["tenant"] == tenant);
    found.unwrap_or_else(|| panic!("no outcome of {tenant} in {report:#}"))
}

/// `tenant code` of every blocked tenant of a plan.
pub fn blocked(plan: &serde_json::Value) -> Vec<String> {
    let blocked = plan["blocked"].as_array().expect("a plan has `blocked`");
    let line = |one: &serde_json::Value| {
        let text = |key: &str| one[key].as_str().expect("text").to_owned();
        format!("{} {}", text("tenant"), text("code"))
    };
    blocked.iter().map(line).collect()
}

/// The folder of the project.
pub fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sample fleet's files in a folder of their own.
pub fn sample() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for name in ["desired", "templates/merchant", "tenant_migrations"] {
        copy(&project().join(name), &folder.path().join(name));
    }
    folder
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a fresh folder");
    for entry in fs::read_dir(from).expect("the sample is there") {
        let entry = entry.expect("the sample can be read");
        fs::copy(entry.path(), to.join(entry.file_name())).expect("files can be copied");
    }
}
