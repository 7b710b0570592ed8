//! What every command stands on: shared flags, environment, streams, the desired state and its targets.

use std::path::PathBuf;
use std::sync::Arc;

use super::Failure;
use super::args::{Format, Global};
use super::output::{Kind, Output};
use super::streams::Streams;
use crate::config::{self, Loaded, beside};
use crate::error::Error;
use crate::model::desired::{Cluster, Desired};
use crate::model::env::{Env, expand};
use crate::model::tenant_source::TenantSource;
use crate::observe::Targets;
use crate::pg::clients::Clients;
use crate::pg::error::PgError;
use crate::pg::settings::{self, Target};
use crate::pg::tenants_from;
use crate::plan::selection::Selection;

/// One of the resolvers of a cluster's settings.
type Resolve<'a> = fn(Option<&str>, &Cluster, Env<'a>) -> Result<Target, Error>;

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

    /// Reads the files of the desired state and remembers its secrets.
    pub fn files(&self) -> Result<Loaded, Failure> {
        let files = config::load(&self.global.file, self.env).map_err(Failure::Problems)?;
        let secrets = files.fleet().secrets.iter();
        for value in secrets.filter_map(|name| (self.env)(name)) {
            self.streams.redactor.learn_passwords_of(&value);
            self.streams.redactor.learn(&value);
        }
        Ok(files)
    }

    /// The desired state, with the tenants that a query names.
    pub fn load(&self) -> Result<Desired, Failure> {
        self.complete(self.files()?)
    }

    /// What the files say, with the tenants that a query names.
    pub fn complete(&self, files: Loaded) -> Result<Desired, Failure> {
        let rows = match files.tenants_from() {
            Some(source) => self.rows(files.fleet(), source)?,
            None => Vec::new(),
        };
        files.desired(&rows).map_err(Failure::Problems)
    }

    fn rows(&self, fleet: &Desired, source: &TenantSource) -> Result<Vec<String>, Error> {
        let cluster = &source.cluster;
        let target = match self.targets(fleet).remove(cluster) {
            Some(target) => target?,
            None => return Err(Error::failed(format!("cluster {cluster} isn't declared"))),
        };
        let place = target.place();
        let rows = Clients::new(target).with(|wire| tenants_from::read(wire, source));
        rows.map_err(|error: PgError| {
            Error::failed(format!(
                "{}: reading the tenants from cluster {cluster}, {place}: {error}",
                source.place
            ))
            .hint(hint(&error))
        })
    }

    /// Where each cluster is.
    pub fn targets(&self, desired: &Desired) -> Targets {
        let target = |cluster: &Cluster| self.target(cluster, settings::resolve);
        let clusters = desired.clusters.iter();
        clusters
            .map(|(name, cluster)| (name.clone(), target(cluster)))
            .collect()
    }

    /// Where the clusters with a `direct_url` are past a pooler; none where --database-url goes before it.
    pub fn direct_targets(&self, desired: &Desired) -> Targets {
        if self.global.database_url.is_some() {
            return Targets::new();
        }
        let target = |cluster: &Cluster| self.target(cluster, settings::resolve_direct);
        let clusters = desired.clusters.iter();
        clusters
            .filter(|(_, cluster)| cluster.direct_url.is_some())
            .map(|(name, cluster)| (name.clone(), target(cluster)))
            .collect()
    }

    /// The server that a flag names for references.
    pub fn reference_target(&self, url: &str) -> Result<Target, Error> {
        self.streams.redactor.learn_passwords_of(url);
        let streams = Arc::clone(&self.streams);
        let learn = move |secret: &str| streams.redactor.learn(secret);
        let target = settings::resolve_named("--reference-url", url, self.env);
        target.map(|target| target.on_secret(learn))
    }

    /// Resolves settings, whose secrets never get into output.
    fn target(&self, cluster: &Cluster, resolve: Resolve<'a>) -> Result<Target, Error> {
        for url in [&cluster.url, &cluster.direct_url].into_iter().flatten() {
            self.streams.redactor.learn_passwords_of(url);
        }
        let streams = Arc::clone(&self.streams);
        let learn = move |secret: &str| streams.redactor.learn(secret);
        let flag = self.global.database_url.as_deref();
        resolve(flag, cluster, self.env).map(|target| target.on_secret(learn))
    }

    /// The folder that `backups.path` names; none where there is no such key.
    pub fn backup_folder(&self, desired: &Desired) -> Option<Result<PathBuf, String>> {
        let backups = desired.backups.as_ref()?;
        let path = expand(backups.path.as_ref()?, self.env);
        Some(path.map(|path| beside(&backups.declared_in, &path)))
    }

    /// A variable of the environment.
    pub fn variable(&self, name: &str) -> Option<String> {
        (self.env)(name).filter(|value| !value.is_empty())
    }

    /// The tenants that the flags pick.
    pub fn selection(&self) -> Result<Selection, Error> {
        let global = &self.global;
        Selection::new(&global.tenant, &global.exclude, &global.tag)
    }

    /// Refuses flags that pick tenants, for a command that would pay no heed to them.
    pub fn expect_all_tenants(&self, command: &str) -> Result<(), Error> {
        if self.selection()?.is_all() {
            return Ok(());
        }
        Err(Error::usage(format!("{command} is about the whole fleet"))
            .hint("Leave --tenant, --exclude and --tag out."))
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

/// What to do about a query of tenants that failed.
fn hint(error: &PgError) -> String {
    let hint = match error.sqlstate.as_deref() {
        Some("57014") => {
            "Make the query faster, or give it longer: `timeouts: { statement: 2min }`."
        }
        Some("25006" | "0A000") => {
            "Write a query that only reads; it runs in a READ ONLY transaction."
        }
        Some("42501") => "Grant the connecting role SELECT on the tables that the query reads.",
        Some(code) if code.starts_with("42") => {
            "Correct the query; it runs with the connecting role's own search_path."
        }
        _ => "Check the query, and where its cluster leads.",
    };
    error.hint.clone().unwrap_or_else(|| hint.to_owned())
}

fn name(format: Format) -> &'static str {
    match format {
        Format::Human => "human",
        Format::Json => "json",
        Format::Ndjson => "ndjson",
        Format::Markdown => "markdown",
        Format::Github => "github",
        Format::Junit => "junit",
    }
}
