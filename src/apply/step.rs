//! One tenant, one transaction: lock, recheck, act, commit.

use std::collections::BTreeSet;

use uuid::Uuid;

use crate::control::journal;
use crate::crash;
use crate::model::migration::history_fingerprint;
use crate::model::observed::LiveHistory;
use crate::pg::error::PgError;
use crate::pg::history;
use crate::pg::locate::{self, Located};
use crate::pg::runner;
use crate::pg::wire::{BEGIN, OWN_PATH, ResultSet, SEE_ALL, Wire};
use crate::plan::action::Precondition;

use super::retry::Phase;
use super::shape;
use super::work::{Account, Prepared, Work};

/// How one attempt ended, when no error ended it.
#[derive(Debug)]
pub enum Attempt {
    /// Committed.
    Applied(Done),
    /// The same saved plan was carried out for this tenant before.
    Unchanged,
    /// The tenant isn't as planned; says what was found.
    Stale(String),
    /// Another transaction holds the tenant's lock.
    Locked,
}

/// A committed tenant.
#[derive(Debug)]
pub struct Done {
    pub steps: Vec<String>,
    pub notices: Vec<String>,
}

/// An error, and where it came up.
#[derive(Debug)]
pub struct Broken {
    pub phase: Phase,
    pub attempted: String,
    pub error: PgError,
    pub located: Option<Located>,
}

impl From<PgError> for Broken {
    /// What comes without a phase came while connecting.
    fn from(error: PgError) -> Self {
        Self {
            phase: Phase::Connect,
            attempted: "connecting".to_owned(),
            error,
            located: None,
        }
    }
}

fn own(attempted: &str) -> impl Fn(PgError) -> Broken {
    let attempted = attempted.to_owned();
    move |error| Broken {
        phase: Phase::Own,
        attempted: attempted.clone(),
        error,
        located: None,
    }
}

/// Tries the whole transaction once. Whatever goes wrong before COMMIT is rolled back here.
/// `server` is its `server_version_num`.
pub fn attempt(
    wire: &mut Wire,
    work: &Work<'_>,
    account: &Account,
    server: i32,
) -> Result<Attempt, Broken> {
    wire.take_notices();
    let result = transaction(wire, work, account, server);
    let open = !matches!(
        &result,
        Ok(Attempt::Applied(_))
            | Err(Broken {
                phase: Phase::Commit,
                ..
            })
    );
    if open && !wire.is_closed() {
        // The connection goes away with the doubt if even this fails.
        let end = if result.is_ok() { "ROLLBACK" } else { GIVE_UP };
        let _ = wire.within(work.stage().one()).run(end);
    }
    result
}

fn transaction(
    wire: &mut Wire,
    work: &Work<'_>,
    account: &Account,
    server: i32,
) -> Result<Attempt, Broken> {
    let opened = match wire.within(work.stage().one()).simple(&work.opening()) {
        Ok(opened) => opened,
        Err(error) if is_history_gone(work, &error) => {
            return Ok(Attempt::Stale(format!(
                "its history can't be read any more: {error}"
            )));
        }
        Err(error) => return Err(own("locking and checking the tenant")(error)),
    };
    if cell(&opened, 0, 0) != Some("t") {
        return Ok(Attempt::Locked);
    }
    let uid = match check(work, &opened) {
        Ok(uid) => uid,
        Err(_) if was_carried_out(&opened) => return Ok(Attempt::Unchanged),
        Err(found) => return Ok(Attempt::Stale(found)),
    };
    // The opening has ended as the owner, who sees the schema.
    if let Some(oid) = cell(&opened, 2, 0).and_then(|oid| oid.parse().ok()) {
        let found = shape::differs(wire, work, account, server, oid);
        if let Some(found) = found.map_err(own("reading the tenant's shape"))? {
            return Ok(Attempt::Stale(found));
        }
    }
    let prepared = work
        .prepare(uid, account)
        .map_err(|words| own("preparing the files")(PgError::own(words)))?;
    crash::panic_at(work.id.as_str());
    act(wire, work, &prepared)?;
    let notices = notices(wire)?;
    commit(wire, work, &prepared)?;
    Ok(Attempt::Applied(Done {
        steps: prepared.steps,
        notices,
    }))
}

/// The schema or its history table was dropped or locked away since planning.
fn is_history_gone(work: &Work<'_>, error: &PgError) -> bool {
    let gone = ["42P01", "3F000", "42703", "42501"];
    !work.creates()
        && gone
            .iter()
            .any(|code| error.sqlstate.as_deref() == Some(code))
}

fn cell(results: &[ResultSet], set: usize, column: usize) -> Option<&str> {
    results.get(set)?.rows.first()?.get(column)
}

/// Whether the saved plan being carried out was carried out for this tenant by an earlier run, and it still lives.
fn was_carried_out(opened: &[ResultSet]) -> bool {
    cell(opened, 1, 5) == Some("t") && cell(opened, 2, 0).is_some()
}

/// Compares what stands under the lock with what was planned; the tenant's uid if they agree.
fn check(work: &Work<'_>, opened: &[ResultSet]) -> Result<Uuid, String> {
    let recorded = cell(opened, 1, 0);
    let schema = cell(opened, 2, 0);
    match &work.cohort.expects {
        Precondition::Absent if recorded.is_some() => Err("a control row exists by now".to_owned()),
        Precondition::Absent if schema.is_some() => Err("the schema exists by now".to_owned()),
        Precondition::Absent => Ok(Uuid::new_v4()),
        Precondition::SchemaMissing if schema.is_some() => {
            Err("the schema is there again".to_owned())
        }
        Precondition::SchemaMissing => uid(recorded),
        Precondition::History { .. } if schema.is_none() => Err("the schema is gone".to_owned()),
        Precondition::History { fingerprint, .. } => {
            check_row(work, opened)?;
            let rows = opened.get(3).map_or(&[][..], |result| &result.rows);
            match history::parse(rows) {
                LiveHistory::Rows(history) if history_fingerprint(&history) == *fingerprint => {
                    uid(recorded)
                }
                LiveHistory::Rows(history) => Err(format!(
                    "its history has changed: {} now, ending at {}",
                    crate::model::count(history.len(), "migration"),
                    history
                        .last()
                        .map_or("nothing".to_owned(), ToString::to_string)
                )),
                LiveHistory::Unreadable(words) => {
                    Err(format!("its history can't be read: {words}"))
                }
                _ => Err("its history can't be read".to_owned()),
            }
        }
    }
}

fn uid(recorded: Option<&str>) -> Result<Uuid, String> {
    let text = recorded.ok_or("its control row is gone")?;
    Uuid::parse_str(text).map_err(|error| format!("its uid {text:?} makes no sense: {error}"))
}

/// The control row still names the schema, template and table that were planned with.
fn check_row(work: &Work<'_>, opened: &[ResultSet]) -> Result<(), String> {
    let expected = [
        ("schema", 1, work.tenant.schema.as_str()),
        ("template", 2, work.tenant.template.as_str()),
        ("history table", 3, work.desired.history_table.as_str()),
        ("state", 4, work.tenant.state.as_str()),
    ];
    for (what, column, planned) in expected {
        match cell(opened, 1, column) {
            Some(found) if found == planned => {}
            Some(found) => {
                return Err(format!(
                    "its control row names the {what} {found:?}, not {planned:?}"
                ));
            }
            None => return Err("its control row is gone".to_owned()),
        }
    }
    Ok(())
}

fn act(wire: &mut Wire, work: &Work<'_>, prepared: &Prepared<'_>) -> Result<(), Broken> {
    if let Some(create) = &prepared.create_schema {
        wire.within(work.stage().one())
            .run(create)
            .map_err(own(&format!("creating schema {}", work.tenant.schema)))?;
    }
    wire.within(work.stage().all(&prepared.script, &prepared.files));
    let Err((error, batch)) = runner::run(wire, &prepared.script) else {
        return Ok(());
    };
    let replay = || replay(wire, work, prepared);
    let located = locate::find(&error, &batch, &prepared.script, &prepared.files, replay);
    Err(Broken {
        phase: if located.is_some() {
            Phase::File
        } else {
            Phase::Own
        },
        attempted: located.as_ref().map_or_else(
            || format!("running {}", prepared.steps.join(", ")),
            |located| format!("running {}", located.file),
        ),
        error,
        located,
    })
}

fn replay(wire: &mut Wire, work: &Work<'_>, prepared: &Prepared<'_>) -> Option<Located> {
    wire.run("ROLLBACK").ok()?;
    let opened = wire.simple(&work.opening()).ok()?;
    if cell(&opened, 0, 0) != Some("t") {
        return None;
    }
    let create = prepared.create_schema.as_deref();
    let located = locate::by_replay(wire, create, &prepared.script, &prepared.files);
    wire.run(GIVE_UP).ok()?;
    located
}

/// Rolls back, for a connection that is dropped next. What a rollback leaves, such as locks of the session, must not
/// reach another client through a pooler, which ends a session that is left within a transaction.
const GIVE_UP: &str = "ROLLBACK; BEGIN";

/// The server's notices, each once; one that says a name was cut is an error (SQLSTATE 42622).
fn notices(wire: &mut Wire) -> Result<Vec<String>, Broken> {
    let mut texts = BTreeSet::new();
    for notice in wire.take_notices() {
        if notice.sqlstate == "42622" {
            let error = PgError {
                sqlstate: Some(notice.sqlstate),
                hint: Some(
                    "Shorten the name to 63 bytes: PostgreSQL would cut it silently.".to_owned(),
                ),
                ..PgError::own(notice.message)
            };
            return Err(Broken {
                phase: Phase::File,
                attempted: "running the files".to_owned(),
                error,
                located: None,
            });
        }
        texts.insert(format!("{}: {}", notice.severity, notice.message));
    }
    Ok(texts.into_iter().collect())
}

fn commit(wire: &mut Wire, work: &Work<'_>, prepared: &Prepared<'_>) -> Result<(), Broken> {
    let Err(error) = wire.within(work.stage().one()).run("COMMIT") else {
        return Ok(());
    };
    // A constraint that a file put off until now.
    let located = if locate::is_worth_replaying(&error) {
        replay(wire, work, prepared)
    } else {
        None
    };
    Err(Broken {
        phase: Phase::Commit,
        attempted: located.as_ref().map_or_else(
            || "committing".to_owned(),
            |located| format!("committing {}", located.file),
        ),
        error,
        located,
    })
}

/// After a COMMIT without an answer: takes the tenant's lock, so that the old transaction is over, and looks
/// whether its journal row is there. `None` while the lock is still held.
pub fn was_committed(wire: &mut Wire, work: &Work<'_>) -> Result<Option<bool>, PgError> {
    let lock = format!(
        "{BEGIN}; {OWN_PATH}; {SEE_ALL}; \
         SELECT pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended({}, 0))",
        crate::model::name::quote_literal(&crate::control::tenant_lock(work.id))
    );
    let free = cell(&wire.simple(&lock)?, 0, 0) == Some("t");
    let committed = if free {
        Some(journal::was_applied(wire, work.run, work.id)?)
    } else {
        None
    };
    wire.run("ROLLBACK")?;
    Ok(committed)
}
