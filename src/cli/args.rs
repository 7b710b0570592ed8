//! The command line as typed data: what people may write, and its help.

use std::path::PathBuf;

use clap::builder::NonEmptyStringValueParser;
use clap::builder::styling::{AnsiColor, Styles};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use super::{apply, completions, demo, doctor, drift, plan, runs, schema, status, validate};
use crate::model::name::{BadName, TenantId};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

const EXIT_CODES: &str = "\
Exit codes:
  0    done, or nothing to do
  1    failed, nothing was changed
  2    differs: changes pending or tenants blocked (plan --detailed-exitcode),
       drift found
  3    partial: something was changed, and something else wasn't;
       the run is named, and `apply --resume RUN` goes on with it
  4    refused, nothing was changed: hazard not allowed, stale plan,
       prompt declined, another fleet's database, all tenants blocked
  5    locked by another run
  64   wrong usage
  65   invalid desired state, template or migration
  130  interrupted

stdout is data; progress, logs, prompts and errors go to stderr.";

const EXAMPLES: &str = "\
Examples:
  tenantry demo                      see it work on a throwaway server
  tenantry validate                  check the files, without a database
  tenantry plan                      show what would be done
  tenantry apply                     show it, ask, and do it
  tenantry status                    show where every tenant stands
  tenantry drift                     show who isn't what the files made
  tenantry doctor                    show what stands in the way of an apply";

/// Keeps a fleet of PostgreSQL tenant schemas equal to a YAML file.
#[derive(Debug, Parser)]
#[command(name = "tenantry", version, styles = STYLES, max_term_width = 100)]
#[command(after_help = EXAMPLES, after_long_help = format!("{EXAMPLES}\n\n{EXIT_CODES}"))]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    Validate(validate::Args),
    Plan(plan::Args),
    Apply(apply::Args),
    Status(status::Args),
    Drift(drift::Args),
    Runs(runs::Args),
    Schema(schema::Args),
    Completions(completions::Args),
    Doctor(doctor::Args),
    Demo(demo::Args),
}

/// Flags of every command, accepted before and after it.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Shared options")]
pub struct Global {
    /// The desired state: a file, or a folder whose *.yaml and *.yml are read
    #[arg(
        short,
        long,
        global = true,
        env = "TENANTRY_FILE",
        default_value = "desired/"
    )]
    #[arg(value_name = "PATH", hide_env_values = true)]
    pub file: PathBuf,

    /// Where the database is: postgresql://user@host:port/database?sslmode=verify-full, or
    /// "host=… user=… service=…" as libpq takes it; goes before a cluster's `url`,
    /// `TENANTRY_DATABASE_URL` and `DATABASE_URL`. What it leaves open comes from the service
    /// file, `PG*`, and the password file
    #[arg(long, global = true, value_name = "URL")]
    // Empty as a variable that isn't set, it would lead to the database of `PG*`.
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    pub database_url: Option<String>,

    /// Only tenants whose ids match; may be repeated
    #[arg(long, global = true, value_name = "GLOB")]
    pub tenant: Vec<String>,

    /// Not the tenants whose ids match; may be repeated
    #[arg(long, global = true, value_name = "GLOB")]
    pub exclude: Vec<String>,

    /// Only tenants with this tag; may be repeated
    #[arg(long, global = true, value_name = "TAG")]
    pub tag: Vec<String>,

    /// Tenants changed side by side on each cluster [default: the cluster's `parallel`, or 8]
    #[arg(long, global = true, value_name = "N", value_parser = parallel)]
    pub parallel: Option<usize>,

    /// Form of the result [default: human]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub format: Option<Format>,

    /// Write the result to a file instead of stdout; it appears whole or not at all
    #[arg(long, global = true, value_name = "PATH")]
    pub output: Option<PathBuf>,

    /// Whether to colour text; `auto` does on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, env = "TENANTRY_COLOR", default_value = "auto")]
    #[arg(value_name = "WHEN", hide_env_values = true)]
    pub color: Color,

    /// No progress, and no more text than needed
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// Name every tenant; twice: log more (`TENANTRY_LOG` takes a filter)
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,

    /// Form of the log lines on stderr
    #[arg(
        long,
        global = true,
        env = "TENANTRY_LOG_FORMAT",
        default_value = "text"
    )]
    #[arg(value_name = "FORMAT", hide_env_values = true)]
    pub log_format: LogFormat,
}

/// Form of a command's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Text for people
    Human,
    /// One JSON document
    Json,
    /// One JSON document a line, as things happen
    Ndjson,
    /// A comment on a pull request
    Markdown,
    /// Annotations of a GitHub workflow
    Github,
    /// Test results, as CI servers read them
    Junit,
}

/// Whether text has colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// Form of log lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Text,
    Json,
}

/// Reads a tenant's id.
pub fn tenant_id(text: &str) -> Result<TenantId, BadName> {
    TenantId::new(text)
}

fn parallel(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("one worker is the least there can be".to_owned()),
        Ok(number) => Ok(number),
        Err(error) => Err(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn shared_flags_stand_before_and_after_the_command() {
        let parse = |line: &str| Cli::try_parse_from(line.split(' ')).unwrap().global;
        let before = parse("tenantry --tenant a* --database-url x -q plan");
        let after = parse("tenantry plan --tenant a* --database-url x -q");
        assert_eq!(before.tenant, ["a*"]);
        assert_eq!(format!("{before:?}"), format!("{after:?}"));
    }

    /// A command, its subcommands, and theirs.
    fn with_all_below(command: &clap::Command) -> Vec<clap::Command> {
        let below = command.get_subcommands();
        let own = below.filter(|command| command.get_name() != "help");
        let mut all: Vec<clap::Command> = own.flat_map(with_all_below).collect();
        all.push(command.clone());
        all
    }

    #[test]
    fn help_shows_examples_and_fits_on_80_columns() {
        let mut command = Cli::command().term_width(80);
        command.build();
        let commands = with_all_below(&command);
        assert!(commands.len() > 6, "{commands:?}");
        for mut command in commands {
            let help = command.render_long_help().to_string();
            assert!(help.contains("Examples:\n  tenantry "), "{help}");
            // Where clap itself has to wrap a line of ours, it doesn't know what to indent.
            let (_, ours) = help.split_once("Examples:").unwrap();
            let written = command.get_after_long_help().or(command.get_after_help());
            assert_eq!(
                format!("Examples:{ours}").trim_end(),
                written.unwrap().to_string()
            );
            assert!(
                help.lines().all(|line| line.chars().count() <= 80),
                "{help}"
            );
        }
    }

    #[test]
    fn consent_has_no_environment_variable() {
        let mut command = Cli::command();
        command.build();
        let variables: Vec<String> = command
            .get_subcommands()
            .chain([&command])
            .flat_map(clap::Command::get_arguments)
            .filter_map(|arg| Some(arg.get_env()?.to_str()?.to_owned()))
            .collect();
        assert!(variables.contains(&"TENANTRY_FILE".to_owned()));
        let known = ["TENANTRY_FILE", "TENANTRY_COLOR", "TENANTRY_LOG_FORMAT"];
        assert!(
            variables.iter().all(|name| known.contains(&name.as_str())),
            "{variables:?}"
        );
    }
}
