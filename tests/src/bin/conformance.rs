//! Runs conformance cases through the shipping matcher.
#![allow(clippy::print_stdout, reason = "what a command line tool is for")]

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;
use ensue_tests::case::Case;
use ensue_tests::load;
use ensue_tests::mode::{Mode, Subject};
use ensue_tests::watch::{self, Ended};

/// Runs conformance cases through the shipping matcher; exit 1 if one fails, 2 if there is none.
#[derive(Debug, Parser)]
#[command(name = "conformance")]
struct Args {
    /// How to run them: step, time, snapshot, trace, noted, batch, restart, noted-batch, noted-restart or all.
    #[arg(long, default_value = "step")]
    mode: String,
    /// Names what is random in a mode.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Shows the automaton of a failing case.
    #[arg(long)]
    verbose: bool,
    /// Case files, or folders of them.
    #[arg(required = true)]
    paths: Vec<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok((_, 0)) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(message) => {
            eprintln!("conformance: {message}");
            ExitCode::from(2)
        }
    }
}

fn run(args: &Args) -> Result<(usize, usize), String> {
    let modes = if args.mode == "all" { Mode::ALL.to_vec() } else { vec![Mode::from_name(&args.mode)?] };
    let mut cases = Vec::new();
    for path in &args.paths {
        cases.extend(load::cases(path)?);
    }
    if cases.is_empty() {
        return Err("no case found".into());
    }
    let (mut passed, mut failed) = (0, 0);
    for mode in modes {
        let (mut good, mut bad, mut left_out) = (0, 0, 0);
        for (path, case) in &cases {
            if !mode.takes(case) {
                left_out += 1;
                continue;
            }
            let complaints = check(mode, case, args.seed);
            if complaints.is_empty() {
                good += 1;
                continue;
            }
            bad += 1;
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            println!("FAIL {} {file} {}: {}", mode.name(), case.name, complaints.join("; "));
            if args.verbose {
                println!("{}", Subject::new(case).map_or_else(|e| e, |s| s.describe()));
            }
        }
        let note = if left_out > 0 { format!(", {left_out} left out (not for this mode)") } else { String::new() };
        println!("mode {}: {good} passed, {bad} failed{note}", mode.name());
        passed += good;
        failed += bad;
    }
    println!("{passed} passed, {failed} failed");
    Ok((passed, failed))
}

/// Checks a case on a thread of its own: a panic or an endless run is a failing case, not the end of the tool.
fn check(mode: Mode, case: &Case, seed: u64) -> Vec<String> {
    let owned = case.clone();
    match watch::within(Duration::from_secs(20), move || mode.check(&owned, seed)) {
        Ended::With(complaints) => complaints,
        Ended::Panicked(message) => vec![format!("panicked: {message}")],
        Ended::NotYet => vec!["did not end within 20 s".into()],
    }
}
