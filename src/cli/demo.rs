//! stub
use super::context::Context;
use super::{Exit, Failure};
/// Demo
#[derive(Debug, clap::Args)]
pub struct Args {}
pub fn run(_context: &Context<'_>, _args: &Args) -> Result<Exit, Failure> {
    Ok(Exit::Done)
}
