//! Everything database-wide, in one transaction before any tenant: control schema, extensions, content, the run's row.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use crate::control::content::{self, Content};
use crate::control::install;
use crate::control::journal::{self, RunStart, StepRow};
use crate::model::desired::Desired;
use crate::model::name::{
    ClusterName, ExtensionName, RoleName, SchemaName, SqlName, quote_literal,
};
use crate::pg::catalog::{self, ControlTables};
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::wire::{BEGIN, OWN_PATH, Wire, guards};
use crate::plan::action::DatabaseAction;
use crate::report::{DatabaseOutcome, Failure, Status};

use super::cancel::Cancel;
use super::retry::{self, Phase, Verdict};

/// What one database is prepared for.
#[derive(Debug)]
pub struct Preparation<'a> {
    pub cluster: &'a ClusterName,
    pub desired: &'a Desired,
    pub actions: Vec<&'a DatabaseAction>,
    pub contents: Vec<Content>,
    pub run: RunStart,
}

/// Carries the preparation out: all of it, or nothing. `readers` gets those who were let read the tenants, which is
/// known only once there is a control schema.
pub fn prepare(
    clients: &Clients,
    preparation: &Preparation<'_>,
    cancel: &Cancel,
    readers: &mut Vec<RoleName>,
) -> Vec<DatabaseOutcome> {
    let broken = match clients.with(|wire| attempt(wire, preparation, readers)) {
        Ok(outcomes) => return outcomes,
        Err(broken) => broken,
    };
    match broken.was_committed(clients, cancel) {
        Some(true) => broken.outcomes,
        Some(false) => broken.fail(
            preparation.cluster,
            (Status::Skipped, Status::Failed),
            "rolled back with the step that failed",
        ),
        None => broken.fail(
            preparation.cluster,
            (Status::Unknown, Status::Unknown),
            "COMMIT was sent, no answer came, and the result couldn't be read",
        ),
    }
}

fn attempt(
    wire: &mut Wire,
    preparation: &Preparation<'_>,
    readers: &mut Vec<RoleName>,
) -> Result<Vec<DatabaseOutcome>, Broken> {
    let mut steps = Steps {
        preparation,
        wire,
        readers,
        outcomes: Vec::new(),
        committing: None,
    };
    let Err((what, error)) = steps.run() else {
        return Ok(steps.outcomes);
    };
    let (outcomes, committing) = (steps.outcomes, steps.committing);
    // The connection is given up with the transaction if even this fails.
    let _ = wire.run("ROLLBACK");
    Err(Broken {
        what,
        error,
        outcomes,
        committing,
    })
}

/// A preparation that an error ended.
struct Broken {
    what: String,
    error: PgError,
    /// Of the steps that went well before.
    outcomes: Vec<DatabaseOutcome>,
    /// The id of the transaction, once COMMIT was sent.
    committing: Option<String>,
}

impl From<PgError> for Broken {
    fn from(error: PgError) -> Self {
        Self {
            what: "connecting".to_owned(),
            error,
            outcomes: Vec::new(),
            committing: None,
        }
    }
}

impl Broken {
    /// Whether the transaction was committed all the same; `None` when that couldn't be found out.
    fn was_committed(&self, clients: &Clients, cancel: &Cancel) -> Option<bool> {
        let unanswered = retry::judge(&self.error, Phase::Commit) == Verdict::Unknown;
        let transaction = self.committing.as_ref().filter(|_| unanswered);
        let Some(transaction) = transaction else {
            return Some(false);
        };
        let since = Instant::now();
        while since.elapsed() < PATIENCE && !cancel.is_hard() {
            let read: Result<Option<bool>, PgError> =
                clients.with(|wire| journal::was_committed(wire, transaction));
            if let Ok(Some(committed)) = read {
                return Some(committed);
            }
            cancel.sleep(POLL);
        }
        None
    }

    fn fail(
        self,
        cluster: &ClusterName,
        (before, last): (Status, Status),
        why: &str,
    ) -> Vec<DatabaseOutcome> {
        let mut outcomes = self.outcomes;
        for outcome in &mut outcomes {
            outcome.status = before;
            outcome.error = Some(Failure {
                message: why.to_owned(),
                ..Failure::default()
            });
        }
        outcomes.push(DatabaseOutcome {
            cluster: cluster.clone(),
            error: Some(retry::failure(&self.error, &self.what, None)),
            step: self.what,
            status: last,
        });
        outcomes
    }
}

/// How long the result of a COMMIT without an answer is asked for.
const PATIENCE: Duration = Duration::from_secs(30);

const POLL: Duration = Duration::from_millis(200);

type Fault = (String, PgError);

struct Steps<'p, 'a> {
    preparation: &'p Preparation<'a>,
    wire: &'p mut Wire,
    readers: &'p mut Vec<RoleName>,
    outcomes: Vec<DatabaseOutcome>,
    committing: Option<String>,
}

impl Steps<'_, '_> {
    fn run(&mut self) -> Result<(), Fault> {
        let timeouts = crate::model::desired::Timeouts::default();
        let begin = format!(
            "{BEGIN}; {OWN_PATH}; {} SET LOCAL application_name = {}",
            guards(timeouts),
            quote_literal(&format!("tenantry/{}", self.preparation.run.run.simple())),
        );
        self.send("starting the run", &begin)?;
        for action in &self.preparation.actions {
            self.act(action)?;
        }
        self.committing = self.record()?;
        self.send("committing the database-wide steps", "COMMIT")
    }

    /// The id of the transaction.
    fn record(&mut self) -> Result<Option<String>, Fault> {
        let at = |error| ("recording the run".to_owned(), error);
        content::keep(self.wire, &self.preparation.contents).map_err(at)?;
        let transaction = journal::start(self.wire, &self.preparation.run).map_err(at)?;
        let rows: Vec<StepRow> = self.outcomes.iter().map(step_row).collect();
        if !rows.is_empty() {
            journal::steps(self.wire, self.preparation.run.run, &rows).map_err(at)?;
        }
        let fleet = catalog::fleet(self.wire).map_err(at)?;
        *self.readers = fleet.map(|row| row.readers).unwrap_or_default();
        Ok(transaction)
    }

    fn act(&mut self, action: &DatabaseAction) -> Result<(), Fault> {
        let what = describe(action);
        let fault = |error| (what.clone(), error);
        if self.is_done(action).map_err(fault)? {
            self.push(what, Status::Unchanged, None);
            return Ok(());
        }
        let skipped = match action {
            DatabaseAction::CreateControlSchema { .. } => {
                install::create(self.wire, &self.preparation.desired.fleet).map_err(fault)?;
                None
            }
            DatabaseAction::UpgradeControlSchema { from, .. } => {
                install::upgrade(self.wire, *from).map_err(fault)?;
                None
            }
            DatabaseAction::InstallExtension {
                name,
                version,
                schema,
            } => self
                .install(name, version.as_deref(), schema)
                .map_err(fault)?,
            DatabaseAction::UpdateExtension { name, to, .. } => {
                let sql = format!(
                    "ALTER EXTENSION {} UPDATE TO {}",
                    name.quoted(),
                    quote_literal(to)
                );
                self.extension(name, &sql).map_err(fault)?
            }
        };
        let status = if skipped.is_some() {
            Status::Skipped
        } else {
            Status::Applied
        };
        self.push(what, status, skipped);
        Ok(())
    }

    fn push(&mut self, step: String, status: Status, error: Option<Failure>) {
        self.outcomes.push(DatabaseOutcome {
            cluster: self.preparation.cluster.clone(),
            step,
            status,
            error,
        });
    }

    /// Whether an earlier run of the same saved plan, or someone else, has done it since planning.
    fn is_done(&mut self, action: &DatabaseAction) -> Result<bool, PgError> {
        Ok(match action {
            DatabaseAction::CreateControlSchema { .. } => {
                matches!(catalog::control_tables(self.wire)?, ControlTables::Readable)
            }
            DatabaseAction::UpgradeControlSchema { to, .. } => {
                catalog::fleet(self.wire)?.is_some_and(|row| row.version >= *to)
            }
            DatabaseAction::InstallExtension { name, version, .. } => {
                catalog::extensions(self.wire)?
                    .get(name)
                    .is_some_and(|found| version.as_ref().is_none_or(|pin| *pin == found.version))
            }
            DatabaseAction::UpdateExtension { name, to, .. } => catalog::extensions(self.wire)?
                .get(name)
                .is_some_and(|found| found.version == *to),
        })
    }

    fn install(
        &mut self,
        name: &ExtensionName,
        version: Option<&str>,
        schema: &SchemaName,
    ) -> Result<Option<Failure>, PgError> {
        let make_schema = self.shared_schema(schema)?;
        let version = version.map(|version| format!(" VERSION {}", quote_literal(version)));
        let sql = format!(
            "{make_schema}CREATE EXTENSION {} WITH SCHEMA {}{}",
            name.quoted(),
            schema.quoted(),
            version.unwrap_or_default()
        );
        self.extension(name, &sql)
    }

    /// What makes a schema for extensions, if it isn't there: everyone may use what is in it, nobody but its owner
    /// may add to it.
    fn shared_schema(&mut self, schema: &SchemaName) -> Result<String, PgError> {
        let exists = format!(
            "SELECT FROM pg_catalog.pg_namespace WHERE nspname = {}",
            quote_literal(schema.as_str())
        );
        let found = self.wire.simple(&exists)?;
        if found.iter().any(|result| !result.rows.is_empty()) {
            return Ok(String::new());
        }
        let schema = schema.quoted();
        Ok(format!(
            "CREATE SCHEMA {schema}; GRANT USAGE ON SCHEMA {schema} TO PUBLIC; "
        ))
    }

    /// An optional extension that the server refuses is a warning, and only its own statement is undone.
    fn extension(&mut self, name: &ExtensionName, sql: &str) -> Result<Option<Failure>, PgError> {
        let declared = self.preparation.desired.extensions.get(name);
        if !declared.is_some_and(|extension| extension.optional) {
            return self.wire.run(sql).map(|()| None);
        }
        self.wire.run("SAVEPOINT optional_extension")?;
        match self.wire.run(sql) {
            Ok(()) => self.wire.run("RELEASE optional_extension").map(|()| None),
            Err(error) if error.closed => Err(error),
            Err(error) => {
                self.wire.run("ROLLBACK TO optional_extension")?;
                Ok(Some(retry::failure(&error, "optional extension", None)))
            }
        }
    }

    fn send(&mut self, what: &str, sql: &str) -> Result<(), Fault> {
        self.wire.run(sql).map_err(|error| (what.to_owned(), error))
    }
}

fn step_row(outcome: &DatabaseOutcome) -> StepRow {
    StepRow {
        tenant: String::new(),
        action: outcome.step.clone(),
        status: outcome.status,
        error: outcome.error.clone(),
        took_ms: 0,
    }
}

/// A step in words, for people and the journal.
#[must_use]
pub fn describe(action: &DatabaseAction) -> String {
    match action {
        DatabaseAction::CreateControlSchema { version } => {
            format!("create control schema tenantry, version {version}")
        }
        DatabaseAction::UpgradeControlSchema { from, to } => {
            format!("upgrade control schema tenantry from version {from} to {to}")
        }
        DatabaseAction::InstallExtension {
            name,
            version,
            schema,
        } => {
            let version = version
                .as_ref()
                .map(|version| format!(" {version}"))
                .unwrap_or_default();
            format!("install extension {name}{version} in schema {schema}")
        }
        DatabaseAction::UpdateExtension { name, from, to } => {
            format!("update extension {name} from {from} to {to}")
        }
    }
}

/// The texts that tenants of these templates are made of, each once.
#[must_use]
pub fn contents(
    desired: &Desired,
    templates: &BTreeSet<&crate::model::name::TemplateName>,
) -> Vec<Content> {
    let mut seen = BTreeSet::new();
    templates
        .iter()
        .filter_map(|name| desired.templates.get(*name))
        .flat_map(content::of_template)
        .filter(|content| seen.insert(content.sha256.clone()))
        .collect()
}
