//! The command line: arguments in, documents and progress out; owns stdout and stderr.
//!
//! One file a command, each with its `Args` and a `run` that ends in an exit code.

mod apply;
mod args;
mod completions;
mod context;
mod demo;
mod doctor;
mod drift;
mod journals;
mod logging;
mod look;
mod output;
mod plan;
mod progress;
mod redact;
mod resume;
mod runs;
mod schema;
mod signals;
mod status;
mod streams;
mod validate;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{CommandFactory, Parser};

use crate::config::Problem;
use crate::error::{Error, Exit};
use crate::render::{self, diagnosis};
use args::{Cli, Color, Command, Format};
use context::Context;
use output::Kind;
use streams::Streams;

/// What ends a command before it is done.
#[derive(Debug)]
enum Failure {
    Error(Error),
    /// The desired state is wrong.
    Problems(Vec<Problem>),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Error(error)
    }
}

/// Runs the program.
pub fn main() -> ExitCode {
    run(std::env::args_os()).into()
}

fn run(arguments: impl Iterator<Item = OsString>) -> Exit {
    let arguments: Vec<OsString> = arguments.collect();
    match Cli::try_parse_from(&arguments) {
        Ok(cli) => {
            let streams = Streams::new(cli.global.color);
            logging::start(&cli.global, &streams);
            perform(cli, &streams)
        }
        Err(error) => {
            let streams = Streams::new(Color::Auto);
            // What is wrong is quoted, and may be a connection string in the wrong place.
            for argument in arguments {
                let argument = argument.to_string_lossy();
                streams.redactor.learn_passwords_of(&argument);
            }
            explain(&error, &streams)
        }
    }
}

/// A connection variable that isn't UTF-8. It would be taken for one that isn't set, and with it another database
/// for the one that is meant.
fn unreadable(variables: impl Iterator<Item = (OsString, OsString)>) -> Option<Error> {
    let name = variables
        .filter(|(_, value)| value.to_str().is_none())
        .filter_map(|(name, _)| name.into_string().ok())
        .find(|name| name.ends_with("DATABASE_URL") || name.starts_with("PG"))?;
    let message = format!("the environment variable {name} isn't UTF-8");
    Some(Error::usage(message).hint("Set it anew, or unset it."))
}

fn perform(cli: Cli, streams: &Arc<Streams>) -> Exit {
    if let Some(error) = unreadable(std::env::vars_os()) {
        streams.error(&error);
        return error.exit;
    }
    let env = |name: &str| std::env::var(name).ok();
    let context = Context::new(cli.global, Arc::clone(streams), &env);
    let exit = dispatch(&context, &cli.command);
    match streams.finish() {
        Ok(()) => exit,
        Err(error) => {
            streams.error(&error);
            or_failed(exit)
        }
    }
}

/// Runs a command and tells what ended it early.
fn dispatch(context: &Context<'_>, command: &Command) -> Exit {
    let result = match command {
        Command::Validate(args) => validate::run(context, args),
        Command::Plan(args) => plan::run(context, args),
        Command::Apply(args) => apply::run(context, args),
        Command::Status(args) => status::run(context, args),
        Command::Drift(args) => drift::run(context, args),
        Command::Runs(args) => runs::run(context, args),
        Command::Schema(args) => schema::run(context, args),
        Command::Completions(args) => completions::run(context, args),
        Command::Doctor(args) => doctor::run(context, args),
        Command::Demo(args) => demo::run(context, args),
    };
    match result {
        Ok(exit) => exit,
        Err(Failure::Error(error)) => {
            context.streams.error(&error);
            annotate(context, || render::github::error(&error));
            error.exit
        }
        Err(Failure::Problems(problems)) => {
            context.streams.err(&diagnosis::problems(&problems));
            annotate(context, || render::github::problems(&problems));
            Exit::Invalid
        }
    }
}

/// Where annotations were asked for, what ended a command is a result too.
fn annotate(context: &Context<'_>, text: impl FnOnce() -> String) {
    if context.global.format == Some(Format::Github)
        && let Err(error) = context.print(&text(), Kind::Text)
    {
        context.streams.error(&error);
    }
}

/// The exit code of work that went well while its output didn't.
fn or_failed(exit: Exit) -> Exit {
    if exit == Exit::Done {
        Exit::Failed
    } else {
        exit
    }
}

/// Help and version are results; everything else that clap says is wrong usage.
fn explain(error: &clap::Error, streams: &Streams) -> Exit {
    let text = error.render().ansi().to_string();
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    ) {
        streams.out(&text);
        return match streams.finish() {
            Ok(()) => Exit::Done,
            Err(error) => {
                streams.error(&error);
                Exit::Failed
            }
        };
    }
    streams.err(&text);
    if let Some(variable) = variable_behind(error) {
        streams.err(&diagnosis::hint(&format!(
            "The environment sets {variable}; correct it, or unset it."
        )));
    }
    Exit::Usage
}

/// The set variable of an argument whose value is wrong, as the value may come from there unseen.
fn variable_behind(error: &clap::Error) -> Option<String> {
    let Some(ContextValue::String(wrong)) = error.get(ContextKind::InvalidArg) else {
        return None;
    };
    let mut command = Cli::command();
    command.build();
    let argument = command
        .get_arguments()
        .find(|one| one.to_string() == *wrong)?;
    let variable = argument.get_env()?;
    std::env::var_os(variable).map(|_| variable.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::streams::captured;
    use super::*;

    /// How a command line ends, and what it says on stdout and stderr.
    fn said(line: &str) -> (Exit, String, String) {
        let (streams, out, err) = captured::streams();
        let exit = match Cli::try_parse_from(line.split(' ')) {
            Ok(cli) => perform(cli, &streams),
            Err(error) => explain(&error, &streams),
        };
        (exit, out.text(), err.text())
    }

    fn exit(line: &str) -> Exit {
        said(line).0
    }

    #[test]
    fn wrong_usage_is_64_and_help_is_0() {
        assert_eq!(exit("tenantry"), Exit::Usage);
        assert_eq!(exit("tenantry --nonsense"), Exit::Usage);
        assert_eq!(exit("tenantry plan --parallel 0"), Exit::Usage);
        assert_eq!(exit("tenantry schema manifesto"), Exit::Usage);
        assert_eq!(exit("tenantry plan -q -v"), Exit::Usage);
        assert_eq!(exit("tenantry plan --database-url="), Exit::Usage);
        assert_eq!(exit("tenantry plan --out x --output x"), Exit::Usage);
        assert_eq!(exit("tenantry --version"), Exit::Done);
        assert_eq!(exit("tenantry plan --help"), Exit::Done);
    }

    #[test]
    fn help_that_was_asked_for_is_data_and_other_words_are_not() {
        let (_, out, err) = said("tenantry plan --help");
        assert!(
            out.contains("--detailed-exitcode") && err.is_empty(),
            "{err}"
        );
        let (_, out, err) = said("tenantry --nonsense");
        assert!(err.contains("--nonsense") && out.is_empty(), "{out}");
    }

    #[test]
    fn connection_variables_that_cannot_be_read_are_refused() {
        use std::os::unix::ffi::OsStringExt;
        let judge = |name: &str, value: &[u8]| {
            let pair = (OsString::from(name), OsString::from_vec(value.to_vec()));
            unreadable([pair].into_iter()).map(|error| error.exit)
        };
        assert_eq!(judge("DATABASE_URL", b"\xff"), Some(Exit::Usage));
        assert_eq!(judge("PGHOST", b"\xff"), Some(Exit::Usage));
        assert_eq!(judge("PGHOST", b"/run"), None);
        assert_eq!(judge("LESS", b"\xff"), None);
    }

    #[test]
    fn a_format_that_a_command_lacks_is_wrong_usage() {
        assert_eq!(exit("tenantry validate --format ndjson"), Exit::Usage);
        assert_eq!(exit("tenantry plan --format ndjson"), Exit::Usage);
    }

    #[test]
    fn a_desired_state_that_is_not_there_is_invalid() {
        assert_eq!(exit("tenantry -f /nowhere validate"), Exit::Invalid);
    }
}
