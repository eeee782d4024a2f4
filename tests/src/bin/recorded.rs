//! Prints conformance cases as recordings, one object a line: what the faces in other languages run.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use ensue_tests::load;
use ensue_tests::recorded::Recorded;

/// Prints conformance cases as task documents with recorded events and the answer, one object a line.
#[derive(Debug, Parser)]
#[command(name = "recorded")]
struct Args {
    /// Every how manieth case of those that can be recorded.
    #[arg(long, default_value_t = 1)]
    every: usize,
    /// Case files, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("recorded: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<(), String> {
    let mut cases = Vec::new();
    for path in &args.paths {
        cases.extend(load::cases(path)?);
    }
    let recorded = cases.iter().filter_map(|(_, case)| Recorded::of(case));
    let mut out = std::io::stdout().lock();
    for recorded in recorded.step_by(args.every.max(1)) {
        let line = serde_json::to_string(&recorded).map_err(|e| e.to_string())?;
        writeln!(out, "{line}").map_err(|e| e.to_string())?;
    }
    out.flush().map_err(|e| e.to_string())
}
