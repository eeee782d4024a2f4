//! `ensue`: the rule author's tool. Tries rules on recorded events, and says what is wrong with them.
//!
//! Arguments, files and printing only: rules are read by `ensue-dsl`, compiled by `ensue-matcher` and run by
//! `ensue-engine`. A command is a file; each returns whether all was well, and whatever stops it is a [`Failure`].

mod bench;
mod check;
mod compare;
mod compile;
mod completions;
mod diagnostics;
mod explain;
mod failure;
mod format;
mod input;
mod output;
mod recording;
mod run;
mod subject;
mod why;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

use failure::{Failure, Outcome};
use output::Output;

/// Tries rules on recorded events, and says what is wrong with them.
#[derive(Debug, Parser)]
#[command(name = "ensue", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Print one JSON object a line
    #[arg(long, global = true, display_order = 100)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    Run(run::Args),
    Why(why::Args),
    Compare(compare::Args),
    Check(check::Args),
    Format(format::Args),
    Compile(compile::Args),
    Explain(explain::Args),
    Bench(bench::Args),
    Completions(completions::Args),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let mut out = Output::stdout(cli.json);
    let done = match &cli.command {
        Command::Run(args) => run::run(args, &mut out),
        Command::Why(args) => why::run(args, &mut out),
        Command::Compare(args) => compare::run(args, &mut out),
        Command::Check(args) => check::run(args, &mut out),
        Command::Format(args) => format::run(args, &mut out),
        Command::Compile(args) => compile::run(args, &mut out),
        Command::Explain(args) => explain::run(args, &mut out),
        Command::Bench(args) => bench::run(args, &mut out),
        Command::Completions(args) => completions::run::<Cli>(args, &mut out),
    };
    let done = done.and_then(|outcome| out.flush().map(|()| outcome));
    match done {
        // Where nobody reads on, whoever read has seen enough.
        Ok(Outcome::Well) | Err(Failure::BrokenPipe) => ExitCode::SUCCESS,
        Ok(Outcome::Refused) => ExitCode::from(1),
        Err(Failure::Message(message)) => {
            output::note(&format!("ensue: {message}"));
            ExitCode::from(2)
        }
    }
}
