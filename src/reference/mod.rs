//! References: read from what an apply has kept, or built for real in a transaction that is rolled back.

mod build;
mod cache;
mod content;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::model::name::{TableName, TemplateName};
use crate::model::observed::{LiveDatabase, ServerFacts};
use crate::model::reference::{Recipe, Reference};
use crate::model::template::Template;
use crate::pg::catalog;
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::wire::begin_reading;
use crate::report::Failure;

use build::Bench;
use cache::Cached;

/// A database whose references are wanted.
#[derive(Clone, Copy, Debug)]
pub struct Site<'a> {
    pub clients: &'a Clients,
    pub server: &'a ServerFacts,
    /// Made in the scratch schema as in a tenant's, and left out of the shape.
    pub history_table: &'a TableName,
    /// Where to build, if not there: a server of the same major version.
    pub elsewhere: Option<&'a Clients>,
    /// The name under which the server shows who builds.
    pub application_name: &'a str,
    /// Templates as they are today, whose texts needn't be kept yet.
    pub today: &'a BTreeMap<TemplateName, Template>,
}

/// Where nothing is built that wasn't applied.
pub static NO_TEMPLATES: BTreeMap<TemplateName, Template> = BTreeMap::new();

impl<'a> Site<'a> {
    /// A database that was observed.
    #[must_use]
    pub fn of(
        clients: &'a Clients,
        database: &'a LiveDatabase,
        history_table: &'a TableName,
        elsewhere: Option<&'a Clients>,
    ) -> Self {
        Self {
            clients,
            server: &database.server,
            history_table,
            elsewhere,
            application_name: "tenantry/reference",
            today: &NO_TEMPLATES,
        }
    }
}

/// What became of the recipes.
#[derive(Debug, Default)]
pub struct Obtained {
    pub references: BTreeMap<Recipe, Result<Arc<Reference>, Unbuilt>>,
    /// What people should know of what was kept.
    pub notices: Vec<String>,
}

/// Why there is no reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unbuilt {
    /// None was kept, and this role can't build one: it has no CREATE on the database, or only reads there.
    NoRight,
    /// Names the file and the line where one is at fault.
    Failed(Box<Failure>),
}

/// References for all of these recipes, or why there are none. Leaves nothing behind.
#[must_use]
pub fn obtain(site: &Site<'_>, recipes: &BTreeSet<Recipe>) -> Obtained {
    let Cached {
        references,
        poisoned,
    } = match kept(site, recipes) {
        Ok(cached) => cached,
        Err(error) => return all(recipes, &failed(&error, "reading the kept references")),
    };
    let missing = missing(recipes, &references);
    let built = match builder(site, &missing) {
        Ok(bench) => on_bench(&bench, missing),
        Err(why) => all(&missing, &why).references,
    };
    let mut references: BTreeMap<_, _> = references
        .into_iter()
        .map(|(recipe, reference)| (recipe, Ok(Arc::new(reference))))
        .collect();
    references.extend(built);
    let notices = poisoned.iter().map(|recipe| {
        let built = references.get(recipe).is_some_and(Result::is_ok);
        poisoned_words(recipe, site.server, built)
    });
    Obtained {
        notices: notices.collect(),
        references,
    }
}

/// Builds and keeps those of these references that aren't kept yet, while `go_on` says so; what went wrong.
#[must_use]
pub fn keep(
    site: &Site<'_>,
    recipes: &BTreeSet<Recipe>,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Vec<String> {
    let cached = match kept(site, recipes) {
        Ok(cached) => cached,
        Err(error) => return vec![format!("reading the kept references: {error}")],
    };
    let missing = missing(recipes, &cached.references);
    let mut words: Vec<String> = cached
        .poisoned
        .iter()
        .map(|recipe| poisoned_words(recipe, site.server, true))
        .collect();
    match builder(site, &missing) {
        Ok(bench) => words.extend(build_and_store(site, &bench, missing, go_on)),
        Err(Unbuilt::Failed(failure)) => words.push(unkept(&failure)),
        // Who may apply may build; if not, who asks is told.
        Err(Unbuilt::NoRight) => {}
    }
    words
}

fn build_and_store(
    site: &Site<'_>,
    bench: &Bench<'_>,
    missing: BTreeSet<Recipe>,
    go_on: &(dyn Fn() -> bool + Sync),
) -> Vec<String> {
    let words = Mutex::new(Vec::new());
    bench.build(missing, go_on, &|recipe, built| {
        let stored = built.and_then(|reference| {
            let store = |wire: &mut _| cache::store(wire, site.server, &recipe, &reference);
            let stored: Result<(), PgError> = site.clients.with(store);
            stored.map_err(|error| error_of(&error, "keeping it"))
        });
        if let Err(failure) = stored {
            locked(&words).push(unkept(&failure));
        }
    });
    words.into_inner().unwrap_or_else(PoisonError::into_inner)
}

/// In order, each once: many tenants may have one reference's trouble.
fn unkept(failure: &Failure) -> String {
    let place = failure.file.as_ref().map(|file| match failure.line {
        Some(line) => format!(" ({file}:{line})"),
        None => format!(" ({file})"),
    });
    format!(
        "a reference wasn't kept: {}{}",
        failure.message,
        place.unwrap_or_default()
    )
}

/// The references that were kept and are what their hashes say.
fn kept(site: &Site<'_>, recipes: &BTreeSet<Recipe>) -> Result<Cached, PgError> {
    if recipes.is_empty() {
        return Ok(Cached::default());
    }
    site.clients.with(|wire| {
        wire.run(&begin_reading())?;
        let cached = cache::read(wire, site.server, recipes)?;
        wire.run("COMMIT")?;
        Ok(cached)
    })
}

fn missing(
    recipes: &BTreeSet<Recipe>,
    references: &BTreeMap<Recipe, Reference>,
) -> BTreeSet<Recipe> {
    let missing = recipes
        .iter()
        .filter(|recipe| !references.contains_key(*recipe));
    missing.cloned().collect()
}

/// Where to build and what from.
fn builder<'a>(site: &Site<'a>, recipes: &BTreeSet<Recipe>) -> Result<Bench<'a>, Unbuilt> {
    let mut bench = Bench {
        clients: site.elsewhere.unwrap_or(site.clients),
        foreign: site.elsewhere.is_some(),
        version: site.server.version_num,
        history_table: site.history_table,
        application_name: site.application_name,
        contents: content::Contents::default(),
    };
    if recipes.is_empty() {
        return Ok(bench);
    }
    match site.elsewhere {
        Some(elsewhere) => bench.version = judge(elsewhere, site.server)?,
        None if !may_build(site.server) => return Err(Unbuilt::NoRight),
        None => {}
    }
    let read = site.clients.with(|wire| {
        wire.run(&begin_reading())?;
        let contents = content::read(wire, recipes, site.today)?;
        wire.run("COMMIT")?;
        Ok(contents)
    });
    bench.contents = read.map_err(|error| failed(&error, "reading the texts of templates"))?;
    Ok(bench)
}

fn may_build(server: &ServerFacts) -> bool {
    server.may_create && !server.read_only
}

/// Whether references can be built on another server than the managed one; its version.
fn judge(elsewhere: &Clients, managed: &ServerFacts) -> Result<i32, Unbuilt> {
    let read = elsewhere.with(|wire| {
        wire.run(&begin_reading())?;
        let server = catalog::server(wire)?;
        wire.run("COMMIT")?;
        Ok(server)
    });
    let attempted = "looking at the server for references";
    let server = read.map_err(|error: PgError| failed(&error, attempted))?;
    if server.major() != managed.major() {
        return Err(refused(
            format!(
                "the server for references is PostgreSQL {}, and the managed one is {}",
                server.major(),
                managed.major()
            ),
            "Give a server of the same major version.",
        ));
    }
    if !may_build(&server) {
        let message = format!(
            "role {:?} can't build on the server for references: it has no CREATE on database {:?}, or only reads there",
            server.role.as_str(),
            server.database
        );
        return Err(refused(
            message,
            "Grant CREATE on that database, or give another.",
        ));
    }
    Ok(server.version_num)
}

fn refused(message: String, hint: &str) -> Unbuilt {
    Unbuilt::Failed(Box::new(Failure {
        message,
        hint: Some(hint.to_owned()),
        ..Failure::default()
    }))
}

fn on_bench(
    bench: &Bench<'_>,
    recipes: BTreeSet<Recipe>,
) -> BTreeMap<Recipe, Result<Arc<Reference>, Unbuilt>> {
    let built = Mutex::new(BTreeMap::new());
    bench.build(recipes, &|| true, &|recipe, reference| {
        let reference = reference.map(Arc::new);
        let reference = reference.map_err(|failure| Unbuilt::Failed(Box::new(failure)));
        locked(&built).insert(recipe, reference);
    });
    built.into_inner().unwrap_or_else(PoisonError::into_inner)
}

fn all(recipes: &BTreeSet<Recipe>, why: &Unbuilt) -> Obtained {
    let references = recipes
        .iter()
        .map(|recipe| (recipe.clone(), Err(why.clone())));
    Obtained {
        references: references.collect(),
        notices: Vec::new(),
    }
}

fn failed(error: &PgError, attempted: &str) -> Unbuilt {
    Unbuilt::Failed(Box::new(error_of(error, attempted)))
}

fn error_of(error: &PgError, attempted: &str) -> Failure {
    crate::pg::locate::failure(error, attempted, None)
}

fn poisoned_words(recipe: &Recipe, server: &ServerFacts, built: bool) -> String {
    let address = recipe.address(server.version_num);
    let then = if built {
        "it was built again"
    } else {
        "it isn't used"
    };
    format!(
        "the stored reference {} was not what its hash says; {then}",
        address.short()
    )
}

/// Nothing panics while one is held.
fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
