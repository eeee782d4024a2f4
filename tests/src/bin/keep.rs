//! Keeps a store of the present format for the tests of later versions: `tests/formats/README.md` says when.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a tool of the tests: what goes wrong has to stop it")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Parser;
use ensue_engine::Engine;
use ensue_tests::kill::life::Life;
use ensue_tests::kill::look;
use ensue_tests::told::Told;
use serde_json::Value;

/// Writes a store that has lived a while, and beside it (`.json`) what it must answer for ever.
#[derive(Debug, Parser)]
#[command(name = "keep")]
struct Args {
    /// Where to
    path: PathBuf,
    /// Names what it lives through
    #[arg(long, default_value_t = 7)]
    seed: u64,
}

/// Events that the store has, the last of them in its journal, and events that come after.
const BEFORE: u64 = 400;
const LAST: u64 = 6;
const AFTER: u64 = 80;

fn main() {
    let args = Args::parse();
    let life = Life { seed: args.seed, live: false };
    let dir = tempfile::tempdir_in(args.path.parent().unwrap()).unwrap();
    let engine = Engine::open(Life::config(&args.path)).unwrap();
    let mut version = 0;
    life.after(&engine, &mut version, 0).unwrap();
    for n in 1..=BEFORE - LAST {
        life.event(n).record(&engine);
        life.after(&engine, &mut version, n).unwrap();
    }
    let made = engine.decisions(usize::MAX).unwrap();
    let acknowledged: Vec<&str> = made.iter().step_by(2).map(|d| &*d.id).collect();
    engine.ack(&acknowledged).unwrap();
    for n in BEFORE - LAST + 1..=BEFORE {
        life.event(n).record(&engine);
        engine.flush().unwrap();
    }
    // As a process leaves it that is killed.
    let kept = look::copy(&args.path, dir.path()).unwrap();
    let waiting: Vec<Value> =
        engine.decisions(usize::MAX).unwrap().iter().map(|d| serde_json::to_value(d).unwrap()).collect();
    engine.close();
    println!("{} changes wait in the journal", look::settle(&kept).unwrap());
    let with_entries = |path: &Path| PathBuf::from(format!("{}-entries", path.display()));
    std::fs::rename(&kept, &args.path).unwrap();
    std::fs::rename(with_entries(&kept), with_entries(&args.path)).unwrap();
    let parts = [("waiting", waiting.clone()), ("events", tail(life)), ("told", told_after(&args.path, life))];
    let parts = parts.map(|(name, objects)| format!("\"{name}\": {}", one_a_line(&objects)));
    std::fs::write(args.path.with_extension("json"), format!("{{{}}}\n", parts.join(",\n"))).unwrap();
    println!("{} decisions wait", waiting.len());
}

fn tail(life: Life) -> Vec<Value> {
    (BEFORE + 1..=BEFORE + AFTER).map(|n| life.event(n).json()).collect()
}

/// What the events that come after let out, in a copy of the store.
fn told_after(path: &std::path::Path, life: Life) -> Vec<Value> {
    let dir = tempfile::tempdir().unwrap();
    let copy = look::copy(path, dir.path()).unwrap();
    let engine = Engine::open(Life::config(&copy)).unwrap();
    let told = Arc::new(Told::default());
    engine.set_listener(Some(told.clone()));
    for n in BEFORE + 1..=BEFORE + AFTER {
        life.event(n).record(&engine);
    }
    engine.flush().unwrap();
    engine.close();
    told.take().iter().map(|o| serde_json::to_value(o).unwrap()).collect()
}

fn one_a_line(objects: &[Value]) -> String {
    let lines: Vec<String> = objects.iter().map(ToString::to_string).collect();
    format!("[\n{}\n]", lines.join(",\n"))
}
