//! `completions`: scripts for shells.

use clap::{CommandFactory, ValueEnum};

use super::args::{Cli, Format};
use super::context::Context;
use super::output::Kind;
use super::{Exit, Failure};

/// Print a completion script for a shell
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  tenantry completions bash > /etc/bash_completion.d/tenantry
  tenantry completions zsh > ~/.zfunc/_tenantry
  tenantry completions fish > ~/.config/fish/completions/tenantry.fish")]
pub struct Args {
    /// The shell
    shell: Shell,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl From<Shell> for clap_complete::Shell {
    fn from(shell: Shell) -> Self {
        match shell {
            Shell::Bash => Self::Bash,
            Shell::Zsh => Self::Zsh,
            Shell::Fish => Self::Fish,
        }
    }
}

pub fn run(context: &Context<'_>, args: &Args) -> Result<Exit, Failure> {
    context.format(&[Format::Human])?;
    let mut script = Vec::new();
    let shell = clap_complete::Shell::from(args.shell);
    clap_complete::generate(shell, &mut Cli::command(), "tenantry", &mut script);
    context.print(&String::from_utf8_lossy(&script), Kind::Text)?;
    Ok(Exit::Done)
}
