//! What every command stands on: shared flags, environment, streams, the desired state and its targets.

use std::sync::Arc;

use super::Failure;
use super::args::{Format, Global};
use super::output::{Kind, Output};
use super::streams::Streams;
use crate::config;
use crate::error::Error;
use crate::model::desired::Desired;
use crate::model::env::Env;
use crate::observe::Targets;
use crate::pg::settings;
use crate::plan::selection::Selection;

/// The surroundings of one command.
pub struct Context<'a> {
    pub global: Global,
    pub streams: Arc<Streams>,
    env: Env<'a>,
}

impl<'a> Context<'a> {
    /// Remembers the passwords that are in sight already.
    #[must_use]
    pub fn new(global: Global, streams: Arc<Streams>, env: Env<'a>) -> Self {
        let context = Self {
            global,
            streams,
            env,
        };
        let urls = ["TENANTRY_DATABASE_URL", "DATABASE_URL"].map(env);
        let flag = context.global.database_url.clone();
        for url in urls.into_iter().chain([flag]).flatten() {
            context.streams.redactor.learn_passwords_of(&url);
        }
        if let Some(password) = env("PGPASSWORD") {
            context.streams.redactor.learn(&password);
        }
        context
    }

    /// The format asked for, if the command has it; the first of `known` is the default.
    pub fn format(&self, known: &[Format]) -> Result<Format, Error> {
        let asked = self.global.format;
        let format = asked.or(known.first().copied()).unwrap_or(Format::Human);
        if known.contains(&format) {
            return Ok(format);
        }
        let names: Vec<&str> = known.iter().map(|known| name(*known)).collect();
        Err(Error::usage(format!(
            "--format {} isn't a format of this command",
            name(format)
        ))
        .hint(format!("Use {}.", names.join(" or "))))
    }

    /// Reads the desired state and remembers its secrets.
    pub fn load(&self) -> Result<Desired, Failure> {
        let desired = config::load(&self.global.file, self.env).map_err(Failure::Problems)?;
        for value in desired.secrets.iter().filter_map(|name| (self.env)(name)) {
            self.streams.redactor.learn_passwords_of(&value);
            self.streams.redactor.learn(&value);
        }
        Ok(desired)
    }

    /// Where each cluster is.
    pub fn targets(&self, desired: &Desired) -> Targets {
        let redactor = &self.streams.redactor;
        let flag = self.global.database_url.as_deref();
        let mut targets = Targets::new();
        for (name, cluster) in &desired.clusters {
            if let Some(url) = &cluster.url {
                redactor.learn_passwords_of(url);
            }
            let target = settings::resolve(flag, cluster, self.env);
            if let Some(password) = target.as_ref().ok().and_then(|it| it.password()) {
                redactor.learn(password);
            }
            targets.insert(name.clone(), target);
        }
        targets
    }

    /// The tenants that the flags pick.
    pub fn selection(&self) -> Result<Selection, Error> {
        let global = &self.global;
        Selection::new(&global.tenant, &global.exclude, &global.tag)
    }

    /// Where the result goes, checked to take it.
    pub fn output(&self) -> Result<Output, Error> {
        Output::open(self.global.output.as_deref())
    }

    /// Writes a result that needs no work to be made.
    pub fn print(&self, text: &str, kind: Kind) -> Result<(), Error> {
        self.output()?.write(&self.streams, text, kind)
    }

    /// Whether every tenant is to be named.
    pub fn is_verbose(&self) -> bool {
        self.global.verbose > 0
    }
}

fn name(format: Format) -> &'static str {
    match format {
        Format::Human => "human",
        Format::Json => "json",
        Format::Ndjson => "ndjson",
        Format::Markdown => "markdown",
        Format::Github => "github",
    }
}
