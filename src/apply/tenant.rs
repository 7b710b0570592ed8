//! One tenant from its turn to its outcome: attempts, retries, and the question whether a lost COMMIT arrived.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use crate::control;
use crate::pg::catalog;
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::report::{CancelReason, Event, Failure, Outcome, Reporter, Status};

use super::cancel::Cancel;
use super::retry::{self, MAX_RETRIES, Phase, Verdict};
use super::step::{self, Attempt, Broken, Done};
use super::work::{Account, Work};

/// How long a tenant's lock is polled for: longer than the server needs to notice a killed client.
const LOCK_PATIENCE: Duration = Duration::from_secs(30);

/// What every worker of a cluster shares.
pub struct Shop<'a> {
    pub clients: &'a Clients,
    pub account: &'a Account,
    /// `server_version_num`.
    pub server: i32,
    /// What to do when the lock table is too small.
    pub lock_hint: &'a str,
    pub cancel: &'a Cancel,
    pub reporter: &'a dyn Reporter,
}

/// Carries one tenant's step out. A panic inside is that tenant's failure, nobody else's.
pub fn run(shop: &Shop<'_>, work: &Work<'_>) -> Outcome {
    let started = Instant::now();
    shop.reporter
        .event(&Event::TenantStarted { tenant: work.id });
    let mut trial = Trial::new(shop, work);
    let end =
        catch_unwind(AssertUnwindSafe(|| trial.run())).unwrap_or_else(|_| End::Failed(internal()));
    let mut outcome = outcome(work, end);
    outcome.retries = trial.retries;
    outcome.took_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
    shop.reporter.event(&Event::TenantFinished(&outcome));
    outcome
}

/// A tenant that isn't tried.
pub fn skipped(work: &Work<'_>, why: &str) -> Outcome {
    let failure = Failure {
        message: format!("not tried: {why}"),
        ..Failure::default()
    };
    Outcome {
        error: Some(failure),
        ..blank(work, Status::Skipped)
    }
}

fn blank(work: &Work<'_>, status: Status) -> Outcome {
    Outcome {
        tenant: work.id.clone(),
        cluster: work.tenant.cluster.clone(),
        status,
        steps: Vec::new(),
        took_ms: 0,
        retries: 0,
        notices: Vec::new(),
        error: None,
    }
}

enum End {
    Applied(Done),
    Unchanged,
    Stale(String),
    Failed(Failure),
    Unknown(Failure),
}

fn outcome(work: &Work<'_>, end: End) -> Outcome {
    match end {
        End::Applied(done) => Outcome {
            steps: done.steps,
            notices: done.notices,
            ..blank(work, Status::Applied)
        },
        End::Unchanged => blank(work, Status::Unchanged),
        End::Stale(found) => Outcome {
            error: Some(Failure {
                message: format!("the tenant moved since planning: {found}"),
                hint: Some("Plan again, then apply.".to_owned()),
                ..Failure::default()
            }),
            ..blank(work, Status::Stale)
        },
        End::Failed(failure) => Outcome {
            error: Some(failure),
            ..blank(work, Status::Failed)
        },
        End::Unknown(failure) => Outcome {
            error: Some(failure),
            ..blank(work, Status::Unknown)
        },
    }
}

fn internal() -> Failure {
    Failure {
        message: "failed inside tenantry; its transaction was rolled back".to_owned(),
        hint: Some("Report this as a bug, with the output of -v.".to_owned()),
        ..Failure::default()
    }
}

struct Trial<'s, 'a> {
    shop: &'s Shop<'a>,
    work: &'s Work<'a>,
    retries: u32,
    waited_since: Option<Instant>,
}

impl<'s, 'a> Trial<'s, 'a> {
    fn new(shop: &'s Shop<'a>, work: &'s Work<'a>) -> Self {
        Self {
            shop,
            work,
            retries: 0,
            waited_since: None,
        }
    }

    fn run(&mut self) -> End {
        loop {
            let attempt = self
                .shop
                .clients
                .with(|wire| step::attempt(wire, self.work, self.shop.account, self.shop.server));
            let end = match attempt {
                Ok(Attempt::Applied(done)) => Some(End::Applied(done)),
                Ok(Attempt::Unchanged) => Some(End::Unchanged),
                Ok(Attempt::Stale(found)) => Some(End::Stale(found)),
                Ok(Attempt::Locked) => self.wait_for_lock(),
                Err(broken) => self.after(broken),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// What an error leads to; `None` to try again.
    fn after(&mut self, broken: Broken) -> Option<End> {
        match retry::judge(&broken.error, broken.phase) {
            Verdict::Unknown => {
                if broken.error.silent {
                    self.stop_all(CancelReason::ServerSilent);
                }
                self.resolve(broken)
            }
            Verdict::Silent => {
                self.stop_all(CancelReason::ServerSilent);
                Some(given_up(broken))
            }
            Verdict::Retry if self.may_retry() => {
                if broken.error.closed {
                    // So a pooler ends who has waited too long for a connection to the server: it has no more.
                    self.shop.clients.shrink();
                }
                self.pause(&broken.error.to_string());
                None
            }
            verdict => {
                if verdict == Verdict::Systemic {
                    self.stop_all(CancelReason::Systemic);
                }
                Some(End::Failed(self.failure(broken)))
            }
        }
    }

    /// What to do is known better here where the lock table is too small, and where we cancelled the statement.
    fn failure(&self, broken: Broken) -> Failure {
        let failure = failure(broken);
        let hint = match failure.sqlstate.as_deref() {
            Some("53200") => self.shop.lock_hint,
            Some("57014") if self.shop.cancel.is_hard() => CANCELLED,
            _ => return failure,
        };
        Failure {
            hint: Some(hint.to_owned()),
            ..failure
        }
    }

    fn stop_all(&self, reason: CancelReason) {
        if self.shop.cancel.stop(reason) {
            self.shop.reporter.event(&Event::Cancelled { reason });
        }
    }

    fn may_retry(&self) -> bool {
        self.retries < MAX_RETRIES && !self.shop.cancel.is_hard()
    }

    fn pause(&mut self, reason: &str) {
        self.retries += 1;
        let after = retry::back_off(self.retries, noise());
        self.shop.reporter.event(&Event::Retrying {
            tenant: self.work.id,
            attempt: self.retries,
            after,
            reason,
        });
        self.shop.cancel.sleep(after);
    }

    /// Polls for a lock that another transaction holds, naming its holder once.
    fn wait_for_lock(&mut self) -> Option<End> {
        let first = self.waited_since.is_none();
        let since = *self.waited_since.get_or_insert_with(Instant::now);
        let holder = self.holder();
        if since.elapsed() > LOCK_PATIENCE || self.shop.cancel.is_hard() {
            return Some(End::Failed(Failure {
                message: format!("the tenant's lock is held by {holder}"),
                hint: Some(
                    "End that session (pg_terminate_backend) or wait for it, then apply again."
                        .to_owned(),
                ),
                ..Failure::default()
            }));
        }
        if first {
            self.shop.reporter.event(&Event::Retrying {
                tenant: self.work.id,
                attempt: self.retries,
                after: POLL,
                reason: &format!("the tenant's lock is held by {holder}"),
            });
        }
        self.shop.cancel.sleep(POLL);
        None
    }

    fn holder(&self) -> String {
        let key = control::tenant_lock(self.work.id);
        let found = self
            .shop
            .clients
            .with(|wire| catalog::lock_holder(wire, &key));
        match found {
            Ok(Some(holder)) => holder.to_string(),
            Ok(None) => "a transaction that has ended by now".to_owned(),
            Err(error) => format!("an unknown session ({error})"),
        }
    }

    /// COMMIT was sent and the connection was lost: the journal row decides.
    fn resolve(&mut self, broken: Broken) -> Option<End> {
        let since = Instant::now();
        while since.elapsed() < LOCK_PATIENCE && !self.shop.cancel.is_hard() {
            let committed: Result<Option<bool>, PgError> = self
                .shop
                .clients
                .with(|wire| step::was_committed(wire, self.work));
            match committed {
                Ok(Some(true)) => return Some(End::Applied(self.done_unseen())),
                Ok(Some(false)) if self.may_retry() => {
                    self.pause("the connection was lost before the commit took place");
                    return None;
                }
                Ok(Some(false)) => return Some(End::Failed(failure(broken))),
                Ok(None) | Err(_) => {
                    self.shop.cancel.sleep(POLL);
                }
            }
        }
        let mut failure = failure(broken);
        failure.message = format!(
            "COMMIT was sent, no answer came, and the result couldn't be read: {}",
            failure.message
        );
        failure.hint = Some("Plan again: the plan shows whether it was applied.".to_owned());
        Some(End::Unknown(failure))
    }

    /// The work of a commit whose answer was lost.
    fn done_unseen(&self) -> Done {
        let steps = self
            .work
            .prepare(uuid::Uuid::nil(), self.shop.account)
            .map(|prepared| prepared.steps);
        Done {
            steps: steps.unwrap_or_default(),
            notices: vec![
                "the answer to COMMIT was lost; the journal shows it was carried out".to_owned(),
            ],
        }
    }
}

/// The server says the same of a timeout.
const CANCELLED: &str = "Apply again to go on: the second interrupt cancelled it.";

const POLL: Duration = Duration::from_millis(200);

fn failure(broken: Broken) -> Failure {
    retry::failure(&broken.error, &broken.attempted, broken.located)
}

/// A tenant whose server fell silent before COMMIT was sent: nothing of it can be committed any more, but what was
/// begun holds its locks until the server comes to itself.
fn given_up(broken: Broken) -> End {
    let nothing_sent = broken.phase == Phase::Connect;
    let mut failure = failure(broken);
    failure.hint = Some("Look after the server, then apply again.".to_owned());
    if nothing_sent {
        return End::Failed(failure);
    }
    failure.message += "; COMMIT wasn't sent, so nothing of it will be committed";
    End::Unknown(failure)
}

/// A byte of chance, to keep tenants from retrying in step.
fn noise() -> u8 {
    uuid::Uuid::new_v4().as_bytes()[0]
}
