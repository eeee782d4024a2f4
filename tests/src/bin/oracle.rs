//! Random patterns and streams: the matcher against the brute-force oracle.
#![allow(clippy::print_stdout, reason = "what a command line tool is for")]

use std::process::ExitCode;

use clap::Parser;
use ensue_tests::check::{self, Verdict};
use ensue_tests::world::{Checked, World};

/// Compares the matcher with a brute-force oracle on random cases; a failure is printed as the smallest case found.
#[derive(Debug, Parser)]
#[command(name = "oracle")]
struct Args {
    /// How many cases.
    #[arg(long, default_value_t = 1_000)]
    cases: u64,
    /// Names the first case; the others follow.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Instead as many streams of several users, partitions and triggers, out of order, through the engine; in half of them
    /// users are put away and come back, also across a restart.
    #[arg(long)]
    worlds: bool,
    /// Prints every case, with its answer.
    #[arg(long)]
    show: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.worlds {
        return worlds(&args);
    }
    let (mut passed, mut failed, mut left_out) = (0, 0, 0);
    for n in 0..args.cases {
        // Far apart, so that neighbouring seeds share no case.
        let seed = args.seed.wrapping_mul(1_000_000).wrapping_add(n);
        if args.show {
            println!("{}", serde_json::to_string(&check::make(seed)).unwrap_or_default());
        }
        match check::random_case(seed) {
            Verdict::Agree => passed += 1,
            Verdict::NotBuilt => left_out += 1,
            Verdict::Differ(d) => {
                failed += 1;
                println!("FAIL {}: {}", d.case.name, d.complaints.join("; "));
                match serde_json::to_string(&[&d.case]) {
                    Ok(json) => println!("{json}"),
                    Err(error) => println!("the case cannot be written as JSON: {error}"),
                }
            }
        }
    }
    if left_out > 0 {
        println!("{left_out} left out: the matcher says that their rules are not built yet");
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }
}

fn worlds(args: &Args) -> ExitCode {
    let (mut passed, mut failed, mut left_out, mut all) = (0, 0, 0, Checked::default());
    for n in 0..args.cases {
        let seed = args.seed.wrapping_mul(1_000_000).wrapping_add(n);
        match World::new(seed).check(seed) {
            Ok(None) => left_out += 1,
            Ok(Some(world)) => {
                passed += 1;
                all += world;
            }
            Err(complaints) => {
                failed += 1;
                println!("FAIL world.{seed}: {}", complaints.join("\n  "));
            }
        }
    }
    let Checked { told, returns, bridged, reopened } = all;
    println!("{told} matches and timeouts; {left_out} streams too large for the oracle");
    println!(
        "{returns} returns of users who were put away, {bridged} of them to live runs that then matched; opened again {reopened} times"
    );
    println!("{passed} passed, {failed} failed");
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) }
}
