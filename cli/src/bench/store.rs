//! What the disk costs: a stream of wanted events through the store, and opening one.

use std::path::Path;
use std::time::Duration;

use ensue_engine::{Config, Engine};

use super::figure::Figure;
use super::machine::{self, Watch, quantile};
use super::restart::record_visits;
use super::scratch::Scratch;
use super::tasks;
use crate::failure::Failure;

const TASKS: u32 = 100;
const OPENINGS: u32 = 40;

/// Wanted events one after the other, as fast as the store takes them; all are committed in the end.
pub(super) fn sustained(events: usize) -> Result<Figure, Failure> {
    let watch = Watch::start();
    let mut failed = None;
    let passes = machine::repeat(|| {
        pass(events).unwrap_or_else(|failure| {
            failed = Some(failure);
            (Duration::ZERO, 0)
        })
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    let (kept, all) = (i64::try_from(passes.result), i64::try_from(events));
    let figure = Figure { rules: TASKS, ..Figure::new("sustained", None, events) }.timed(passes.seconds);
    let figure = figure.counted(kept.unwrap_or(i64::MAX), all.unwrap_or(i64::MAX)).watched(&watch.end());
    Ok(Figure { noisy: figure.noisy || passes.noisy, ..figure })
}

fn pass(events: usize) -> Result<(Duration, u64), Failure> {
    let scratch = Scratch::new("sustained")?;
    let engine = Engine::open(Config::at(scratch.path("ensue.db")).replay())?;
    tasks::apply(&engine, tasks::visits(TASKS)?)?;
    let (time, recorded) = machine::time(|| record_visits(&engine, events));
    recorded?;
    let stored = engine.stats().stored;
    engine.close();
    Ok((time, stored))
}

/// The call of `open`, and how long it takes until a store is ready: one that is there, with 100 tasks, and a new one.
pub(super) fn open() -> Result<Vec<Figure>, Failure> {
    let scratch = Scratch::new("open")?;
    let there = scratch.path("there.db");
    let engine = Engine::open(Config::at(&there))?;
    tasks::apply(&engine, tasks::visits(TASKS)?)?;
    engine.close();
    let watch = Watch::start();
    let (mut returns, mut existing, mut new) = (Vec::new(), Vec::new(), Vec::new());
    for n in 0..OPENINGS {
        let (returned, ready) = opening(&there)?;
        returns.push(returned);
        existing.push(ready);
        new.push(opening(&scratch.path(&format!("new-{n}.db")))?.1);
    }
    let watched = watch.end();
    let of = [("returns", TASKS, returns), ("existing", TASKS, existing), ("new", 0, new)];
    Ok(of.into_iter().map(|(variant, rules, times)| figure(variant, rules, times).watched(&watched)).collect())
}

/// Until `open` returned, and until the store was ready, in microseconds.
fn opening(path: &Path) -> Result<(f64, f64), Failure> {
    let begin = machine::now();
    let engine = Engine::open(Config::at(path))?;
    let returned = begin.elapsed();
    engine.ready()?;
    let ready = begin.elapsed();
    engine.close();
    Ok((returned.as_secs_f64() * 1e6, ready.as_secs_f64() * 1e6))
}

fn figure(variant: &'static str, rules: u32, mut times: Vec<f64>) -> Figure {
    times.sort_unstable_by(f64::total_cmp);
    let at = |share| quantile(&times, share);
    Figure { rules, p50_us: at(0.5), p99_us: at(0.99), ..Figure::new("open", Some(variant), 0) }
}
