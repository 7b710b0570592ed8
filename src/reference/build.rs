//! Builds references for real: a scratch schema each, made as an apply makes a tenant's, read, and rolled back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::thread;

use crate::model::desired::Timeouts;
use crate::model::name::{RoleName, SchemaName, TableName, qualified, quote_literal};
use crate::model::reference::{Recipe, Reference, SCHEMA};
use crate::model::shape::{Definition, ObjectKey, Shape};
use crate::model::template::ContentHash;
use crate::pg::catalog;
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::files::Files;
use crate::pg::locate::{self, Located};
use crate::pg::runner::{self, Script};
use crate::pg::shape;
use crate::pg::stage::Stage;
use crate::pg::wire::Wire;
use crate::report::Failure;

use super::content::Contents;
use super::locked;

/// How many are built side by side.
const AT_ONCE: usize = 4;

/// How often one is tried whose locks weren't free.
const TRIES: usize = 3;

/// Where references are built, and what from.
#[derive(Debug)]
pub(super) struct Bench<'a> {
    pub clients: &'a Clients,
    /// Whether it is another server than the managed one, which needn't know the owners.
    pub foreign: bool,
    /// Its `server_version_num`.
    pub version: i32,
    pub history_table: &'a TableName,
    pub application_name: &'a str,
    pub contents: Contents,
}

type Forms = BTreeMap<ObjectKey, Definition>;

/// What ended a building, and where.
struct Broken {
    attempted: String,
    error: PgError,
    located: Option<Located>,
}

impl From<PgError> for Broken {
    fn from(error: PgError) -> Self {
        Self {
            attempted: "building a reference".to_owned(),
            error,
            located: None,
        }
    }
}

impl Broken {
    /// A deadlock, a conflict, or a lock that wasn't free in time.
    fn is_passing(&self) -> bool {
        let code = self.error.sqlstate.as_deref();
        matches!(code, Some("40001" | "40P01" | "55P03"))
    }

    /// The scratch schema's name is another one each time.
    fn without(mut self, scratch: &SchemaName) -> Self {
        let PgError {
            message,
            detail,
            hint,
            ..
        } = &mut self.error;
        for text in [Some(message), detail.as_mut(), hint.as_mut()]
            .into_iter()
            .flatten()
        {
            *text = text.replace(scratch.as_str(), "{{ident:schema}}");
        }
        self
    }

    fn failure(self) -> Failure {
        locate::failure(&self.error, &self.attempted, self.located)
    }
}

impl Bench<'_> {
    /// Builds each, while `go_on` says so, and hands it over as soon as it is there.
    pub fn build(
        &self,
        recipes: BTreeSet<Recipe>,
        go_on: &(dyn Fn() -> bool + Sync),
        each: &(dyn Fn(Recipe, Result<Reference, Failure>) + Sync),
    ) {
        let workers = AT_ONCE.min(recipes.len());
        let queue = Mutex::new(recipes.into_iter());
        thread::scope(|scope| {
            for _ in 0..workers {
                scope.spawn(|| {
                    while go_on() {
                        let next = locked(&queue).next();
                        let Some(recipe) = next else { return };
                        let built = self.one(&recipe);
                        each(recipe, built);
                    }
                });
            }
        });
    }

    /// Several at once may meet at what their files share, and an apply at work may be met there too.
    fn one(&self, recipe: &Recipe) -> Result<Reference, Failure> {
        let mut tries = 1;
        loop {
            let built = self.clients.with(|wire| self.attempt(wire, recipe));
            match built {
                Err(broken) if broken.is_passing() && tries < TRIES => tries += 1,
                built => return built.map_err(Broken::failure),
            }
        }
    }

    fn attempt(&self, wire: &mut Wire, recipe: &Recipe) -> Result<Reference, Broken> {
        let scratch = scratch_name().map_err(PgError::own)?;
        let stage = Stage {
            schema: &scratch,
            owner: None,
            search_path: &recipe.search_path,
            timeouts: Timeouts::default(),
            application_name: self.application_name.to_owned(),
        };
        let result = self.transaction(wire, recipe, stage.clone());
        if !wire.is_closed() {
            let wire = wire.within(stage.one());
            if result.is_ok() {
                wire.run("ROLLBACK")?;
            } else {
                // The connection goes away whatever comes of it.
                let _ = wire.run(GIVE_UP);
            }
        }
        wire.take_notices();
        result.map_err(|broken| broken.without(&scratch))
    }

    fn transaction<'s>(
        &'s self,
        wire: &mut Wire,
        recipe: &'s Recipe,
        stage: Stage<'s>,
    ) -> Result<Reference, Broken> {
        wire.within(stage.one()).run(&stage.begin())?;
        let stage = Stage {
            owner: self.owner(wire, recipe)?,
            ..stage
        };
        self.run_files(wire, recipe, &stage)?;
        let oid = oid_of(wire, stage.schema)?;
        let (shape, after_dump) = self.read(wire, oid)?;
        Ok(Reference {
            built_in: stage.schema.clone(),
            shape,
            after_dump,
        })
    }

    /// Still as the owner, who may use and alter the schema whatever the connecting role inherits.
    fn read(&self, wire: &mut Wire, oid: u32) -> Result<(Shape, Forms), PgError> {
        let history = [self.history_table.as_str().to_owned()];
        let shape = shape::read(wire, &[oid], &history, &[], self.version)?.remove(&oid);
        let shape = shape.ok_or_else(|| PgError::own("the scratch schema can't be read"))?;
        let forms = shape::after_dump(wire, oid, &shape, &history, &[], self.version)?;
        Ok((shape, forms))
    }

    /// Nothing of a shape depends on who owns all of it, so where the owner is unknown the connecting role will do.
    fn owner<'r>(
        &self,
        wire: &mut Wire,
        recipe: &'r Recipe,
    ) -> Result<Option<&'r RoleName>, PgError> {
        let owner = &recipe.owner;
        let unreachable =
            self.foreign && catalog::unreachable_owner(wire, &[owner.to_string()])?.is_some();
        Ok((!unreachable).then_some(owner))
    }

    fn run_files(&self, wire: &mut Wire, recipe: &Recipe, stage: &Stage<'_>) -> Result<(), Broken> {
        let mut files = Files::default();
        let script = self
            .script(recipe, stage, &mut files)
            .map_err(PgError::own)?;
        let create = stage.create_schema();
        wire.within(stage.one()).run(&create)?;
        wire.within(stage.all(&script, &files));
        let Err((error, batch)) = runner::run(wire, &script) else {
            return Ok(());
        };
        let replay = || {
            wire.run("ROLLBACK").ok()?;
            wire.run(&stage.begin()).ok()?;
            locate::by_replay(wire, Some(&create), &script, &files)
        };
        let located = locate::find(&error, &batch, &script, &files, replay);
        let what = located
            .as_ref()
            .map_or("its files", |located| &located.file);
        Err(Broken {
            attempted: format!("building a reference, running {what}"),
            error,
            located,
        })
    }

    /// The files in the order they ran in, which needn't be that of their versions; no history has rows.
    fn script<'c>(
        &'c self,
        recipe: &'c Recipe,
        stage: &Stage<'_>,
        files: &mut Files<'c>,
    ) -> Result<Script, String> {
        let mut template = Vec::new();
        for (file, hash) in self.contents.of(recipe)? {
            template.push(files.render(file, &values(recipe, hash, stage.schema))?);
        }
        Ok(Script {
            history_table: qualified(stage.schema, self.history_table),
            new_history: true,
            pin: stage.pin(),
            between: stage.between(files.defer()),
            template,
            migrations: Vec::new(),
            tail: stage.between(files.defer()),
        })
    }
}

/// The values that a content is recorded with, and the name that the schema has here.
fn values(recipe: &Recipe, content: &ContentHash, schema: &SchemaName) -> BTreeMap<String, String> {
    let mut values = recipe.values.get(content).cloned().unwrap_or_default();
    values.insert(SCHEMA.to_owned(), schema.to_string());
    values
}

/// By chance, so that it stands in no file.
fn scratch_name() -> Result<SchemaName, String> {
    let id = uuid::Uuid::new_v4().as_u128();
    let hex = format!("{:016x}", (id >> 64) ^ (id & u128::from(u64::MAX)));
    SchemaName::new(format!("tenantry_ref_{hex}")).map_err(|bad| bad.0)
}

fn oid_of(wire: &mut Wire, schema: &SchemaName) -> Result<u32, PgError> {
    let sql = format!(
        "SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = {}",
        quote_literal(schema.as_str())
    );
    let sets = wire.simple(&sql)?;
    let oid = sets
        .first()
        .and_then(|set| set.rows.first()?.get(0)?.parse().ok());
    oid.ok_or_else(|| PgError::own("the files of the template dropped their own schema"))
}

/// Rolls back, for a connection that is dropped next: a pooler ends a session that is left within a transaction.
const GIVE_UP: &str = "ROLLBACK; BEGIN";
