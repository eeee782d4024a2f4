//! The kill test: a process is ended at any moment, again and again; nothing is lost and nothing doubled.
#![allow(clippy::print_stdout, reason = "what a command line tool is for")]

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ensue_tests::kill::child;
use ensue_tests::kill::point::POINTS;
use ensue_tests::kill::round::Rounds;

/// Ends a process that records, applies and acknowledges with SIGKILL, at named points and at random, and checks what its
/// store has: all that was acknowledged, every decision once, the matches of an uninterrupted run.
#[derive(Debug, Parser)]
#[command(name = "kill")]
struct Args {
    /// How many times
    #[arg(long, default_value_t = 60)]
    rounds: u64,
    /// Names what happens
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where the stores are, and stay where something is wrong; else in a folder that is removed
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Moves the boundary of transactions: commits reach the file up to 32 at a time. Must fail
    #[arg(long)]
    lose: bool,
    /// What a child is to do
    #[arg(long, hide = true)]
    child: Option<String>,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if let Some(order) = &args.child {
        return match serde_json::from_str(order) {
            Ok(order) => {
                child::run(&order);
                ExitCode::SUCCESS
            }
            Err(_) => ExitCode::from(2),
        };
    }
    match folder(args.dir.as_deref()) {
        Ok((folder, _removed)) => run(&args, &folder),
        Err(why) => {
            println!("no folder for the stores: {why}");
            ExitCode::from(2)
        }
    }
}

fn folder(dir: Option<&std::path::Path>) -> std::io::Result<(PathBuf, Option<tempfile::TempDir>)> {
    let Some(dir) = dir else {
        let temporary = tempfile::tempdir()?;
        return Ok((temporary.path().to_owned(), Some(temporary)));
    };
    std::fs::create_dir_all(dir)?;
    Ok((dir.canonicalize()?, None))
}

fn run(args: &Args, folder: &std::path::Path) -> ExitCode {
    let tally = Rounds::new(folder, args.seed, args.lose).run(args.rounds);
    for wrong in &tally.failed {
        println!("FAIL {wrong}");
    }
    for point in POINTS {
        println!("point {} hits={}", point.name(), tally.hits.get(&point).copied().unwrap_or(0));
    }
    println!("{} passed, {} failed", tally.passed, tally.failed.len());
    if tally.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
