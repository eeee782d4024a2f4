//! `ensue completions`: what a shell needs to complete the arguments.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::failure::{Failure, Outcome};
use crate::output::Output;

/// Print the completion script of a shell
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Which shell
    shell: Shell,
}

pub(crate) fn run<C: CommandFactory>(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut C::command(), "ensue", &mut script);
    out.text(&String::from_utf8_lossy(&script))?;
    Ok(Outcome::Well)
}
