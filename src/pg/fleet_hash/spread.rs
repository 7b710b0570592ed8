//! Work spread over connections: whoever is free takes the next piece.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use postgres::types::Type;

use crate::pg::clients::Clients;
use crate::pg::error::PgError;

use super::deparse::{self, Outcome};
use super::found::{Found, Open};
use super::legs::{LEGS, Leg};
use super::session::Session;
use super::{Keys, Scope};

/// Objects deparsed by one message, whose locks go with it.
const PORTION: usize = 2_000;

/// Objects deparsed by one server process, which remembers every table behind them: 4 kB an object where they are
/// spread over a dozen tables, so that it stays below 256 MB.
const MOST: usize = 40_000;

/// How long all schemas together that others have locked are waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Everything that the connections share.
#[derive(Debug)]
pub struct Spread<'a> {
    clients: &'a Clients,
    scope: Scope,
    connections: usize,
    /// The moment to read at.
    snapshot: String,
    /// No connection could be made beside the first.
    is_alone: AtomicBool,
    found: Mutex<Found>,
    busy: Mutex<Vec<Open>>,
}

type Queue<T> = Mutex<VecDeque<T>>;

impl<'a> Spread<'a> {
    /// For at most so many connections, of which `first` gives the moment.
    pub fn new(
        clients: &'a Clients,
        scope: Scope,
        connections: usize,
        first: &mut Session,
    ) -> Result<Self, PgError> {
        Ok(Self {
            clients,
            scope,
            connections: connections.max(1),
            snapshot: first.export()?,
            is_alone: AtomicBool::new(false),
            found: Mutex::default(),
            busy: Mutex::default(),
        })
    }

    /// All of it; `first` keeps the moment alive.
    pub fn run(self, first: &mut Session) -> Result<Keys, PgError> {
        let others = self.sweep(first)?;
        let open = std::mem::take(&mut lock(&self.found).open);
        if !open.is_empty() {
            self.deparse(first, others, open.into_iter().collect())?;
        }
        let found = self.found.into_inner();
        let found = found.unwrap_or_else(PoisonError::into_inner);
        Ok(found.keys(&self.scope.schemas))
    }

    /// One more connection. There may be no slot, or another server behind the same name, which doesn't know the
    /// moment: no reason to fail.
    fn one_more(&self) -> Option<Session> {
        if self.is_alone.load(Ordering::Relaxed) {
            return None;
        }
        let session = Session::at(self.clients, &self.snapshot);
        let session = session.inspect_err(|error| {
            log::info!("reading over fewer connections: {error}");
            self.is_alone.store(true, Ordering::Relaxed);
        });
        session.ok()
    }

    /// Sweeps all legs, and gives the connections back that helped.
    fn sweep(&self, first: &mut Session) -> Result<Vec<Session>, PgError> {
        let legs: Queue<&Leg> = Mutex::new(LEGS.iter().collect());
        thread::scope(|scope| {
            let helpers: Vec<_> = (1..self.connections)
                .map(|_| scope.spawn(|| self.help_sweep(&legs)))
                .collect();
            let own = self.sweep_legs(first, &legs);
            let sessions: Result<Vec<_>, _> = helpers.into_iter().map(joined).collect();
            own?;
            Ok(sessions?.into_iter().flatten().collect())
        })
    }

    fn help_sweep(&self, legs: &Queue<&Leg>) -> Result<Option<Session>, PgError> {
        let Some(mut session) = self.one_more() else {
            return Ok(None);
        };
        self.sweep_legs(&mut session, legs)?;
        Ok(Some(session))
    }

    fn sweep_legs(&self, session: &mut Session, legs: &Queue<&Leg>) -> Result<(), PgError> {
        while let Some(leg) = next(legs) {
            let rows = session.wire.typed(
                &leg.sweep(self.scope.server),
                &[
                    (&self.scope.schemas, Type::OID_ARRAY),
                    (&self.scope.histories, Type::OID_ARRAY),
                    (&self.scope.readers, Type::OID_ARRAY),
                ],
            )?;
            let mut found = lock(&self.found);
            for row in &rows {
                found.take_in(leg.number, row);
            }
        }
        Ok(())
    }

    /// Hashes what must be deparsed; what is locked now comes last.
    fn deparse(
        &self,
        first: &mut Session,
        others: Vec<Session>,
        open: Vec<Open>,
    ) -> Result<(), PgError> {
        let schemas: Vec<u32> = open.iter().map(|(schema, _)| *schema).collect();
        let locked = first.locked(&schemas)?;
        let (busy, free): (Vec<Open>, Vec<Open>) = open
            .into_iter()
            .partition(|(schema, _)| locked.contains(schema));
        lock(&self.busy).extend(busy);
        let portions: Queue<Vec<Open>> = Mutex::new(portions(free));
        thread::scope(|scope| {
            let mut others = others.into_iter();
            let portions = &portions;
            let helpers: Vec<_> = (1..self.connections)
                .map(|_| {
                    let session = others.next();
                    scope.spawn(move || self.deparse_portions(session, portions))
                })
                .collect();
            let own = self
                .deparse_on(first, portions, MOST)
                .and_then(|()| self.deparse_portions(None, portions));
            helpers.into_iter().try_for_each(joined)?;
            own
        })?;
        // Something is left where there can't be another connection.
        self.deparse_on(first, &portions, usize::MAX)?;
        let busy = std::mem::take(&mut *lock(&self.busy));
        self.take_in(deparse::one_by_one(
            first,
            busy,
            PATIENCE,
            self.scope.server,
        )?);
        Ok(())
    }

    /// Over as many connections, one after the other, as it takes.
    fn deparse_portions(
        &self,
        session: Option<Session>,
        portions: &Queue<Vec<Open>>,
    ) -> Result<(), PgError> {
        let mut next_session = session;
        while !lock(portions).is_empty() {
            let Some(mut session) = next_session.take().or_else(|| self.one_more()) else {
                return Ok(());
            };
            self.deparse_on(&mut session, portions, MOST)?;
        }
        Ok(())
    }

    /// Until the connection has deparsed so many objects.
    fn deparse_on(
        &self,
        session: &mut Session,
        portions: &Queue<Vec<Open>>,
        most: usize,
    ) -> Result<(), PgError> {
        while session.deparsed < most {
            let Some(portion) = next(portions) else {
                break;
            };
            self.take_in(deparse::portion(session, portion, self.scope.server)?);
        }
        Ok(())
    }

    fn take_in(&self, outcome: Outcome) {
        let mut found = lock(&self.found);
        for (schema, hash) in outcome.hashes {
            found.mix(schema, hash);
        }
        found.unreadable.extend(outcome.unreadable);
        lock(&self.busy).extend(outcome.busy);
    }
}

/// Whole schemas, as many as go into a message; at least one.
fn portions(open: Vec<Open>) -> VecDeque<Vec<Open>> {
    let mut portions: VecDeque<Vec<Open>> = VecDeque::new();
    for schema in open {
        let fits = |portion: &&mut Vec<Open>| deparse::objects(portion) + schema.1.len() <= PORTION;
        match portions.back_mut().filter(fits) {
            Some(portion) => portion.push(schema),
            None => portions.push_back(vec![schema]),
        }
    }
    portions
}

fn next<T>(queue: &Queue<T>) -> Option<T> {
    lock(queue).pop_front()
}

fn joined<T>(helper: thread::ScopedJoinHandle<'_, Result<T, PgError>>) -> Result<T, PgError> {
    helper
        .join()
        .unwrap_or_else(|_| Err(PgError::own("hashing the schemas failed inside tenantry")))
}

/// What they hold is whole at any time.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
