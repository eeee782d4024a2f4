//! From the call of `record` to the decision: 100 tasks, a store on disk, 100 events a second at random moments; and after
//! pauses, in which the store moves its log, as between what a person does.
//!
//! Beside it the delay with which this machine wakes a thread that another one notifies, which no engine can undercut.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use ensue_engine::{Config, Decision, Engine, Listener};
use ensue_rule::{EventRef, Value};

use super::figure::Figure;
use super::machine::{self, Watch, quantile};
use super::scratch::Scratch;
use super::streams::SplitMix;
use super::tasks;
use crate::failure::Failure;

const TASKS: u32 = 100;
/// Scenes that are visited; few, so that most visits end in a leave.
const SCENES: u32 = 20;
const MEAN_GAP_MS: f64 = 10.0;
/// Longer than the store waits before it moves its log.
const PAUSE: Duration = Duration::from_millis(300);

/// When which decision came.
#[derive(Default)]
struct Decided(Mutex<Vec<(usize, Instant)>>);

impl Listener for Decided {
    fn on_decisions(&self, decisions: &[Decision]) {
        let now = machine::now();
        let number = |d: &Decision| match d.values.0.first() {
            Some((_, Value::Int(k))) => usize::try_from(*k).ok(),
            _ => None,
        };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend(decisions.iter().filter_map(number).map(|k| (k, now)));
    }

    fn wants_outcomes(&self) -> bool {
        false
    }
}

/// When events come.
#[derive(Clone, Copy)]
pub(super) enum Pace {
    Poisson,
    Pauses,
}

impl Pace {
    /// The time to the next event.
    fn gap(self, random: &mut SplitMix) -> Duration {
        match self {
            Self::Poisson => {
                let uniform = (f64::from(random.below(1 << 30)) + 1.0) / f64::from(1 << 30);
                Duration::from_secs_f64(-uniform.ln() * MEAN_GAP_MS / 1_000.0)
            }
            Self::Pauses => PAUSE,
        }
    }

    /// How often a thread is woken before, and again after, what is measured: for some 3 seconds.
    fn probes(self) -> usize {
        match self {
            Self::Poisson => 300,
            Self::Pauses => 10,
        }
    }
}

pub(super) fn latency(pace: Pace, events: usize) -> Result<Figure, Failure> {
    let scratch = Scratch::new("latency")?;
    let engine = Engine::open(Config::at(scratch.path("ensue.db")))?;
    tasks::apply(&engine, tasks::visits(TASKS)?)?;
    let decided = Arc::new(Decided::default());
    engine.set_listener(Some(decided.clone()));
    let mut probes = probe(pace);
    let watch = Watch::start();
    let Recordings { recorded, expected, checkpoints } = record(&engine, &scratch, pace, events);
    engine.flush()?;
    engine.close();
    let watched = watch.end();
    probes.extend(probe(pace));
    probes.sort_unstable_by(f64::total_cmp);
    let decided = std::mem::take(&mut *decided.0.lock().unwrap_or_else(PoisonError::into_inner));
    let took =
        |(k, at): &(usize, Instant)| Some((*k, at.checked_duration_since(*recorded.get(*k)?)?.as_secs_f64() * 1e6));
    let took: Vec<(usize, f64)> = decided.iter().filter_map(took).collect();
    let worst = took.iter().filter(|(k, _)| checkpoints.contains(k)).map(|(_, us)| *us).reduce(f64::max);
    let mut sorted: Vec<f64> = took.iter().map(|(_, us)| *us).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let variant = match pace {
        Pace::Poisson => None,
        Pace::Pauses => Some("pauses"),
    };
    let figure = Figure { rules: TASKS, ..Figure::new("latency", variant, events) };
    let figure = figure.counted(i64::try_from(sorted.len()).unwrap_or(i64::MAX), expected).watched(&watched);
    Ok(Figure {
        p50_us: quantile(&sorted, 0.5),
        p99_us: quantile(&sorted, 0.99),
        p999_us: quantile(&sorted, 0.999),
        worst_checkpoint_us: worst,
        wake_probe_p50_us: quantile(&probes, 0.5),
        wake_probe_p99_us: quantile(&probes, 0.99),
        ..figure
    })
}

/// What was recorded.
struct Recordings {
    /// When each event was.
    recorded: Vec<Instant>,
    /// How many decisions follow.
    expected: i64,
    /// Events during whose handling the main file of the store was written: a checkpoint.
    checkpoints: Vec<usize>,
}

fn record(engine: &Engine, scratch: &Scratch, pace: Pace, events: usize) -> Recordings {
    let (mut random, mut recorded, mut expected) = (SplitMix(1), Vec::with_capacity(events), 0);
    let (mut open, mut checkpoints) = (vec![false; usize::try_from(SCENES).unwrap_or(0)], Vec::new());
    let db = scratch.path("ensue.db");
    let written = || -> Option<SystemTime> { std::fs::metadata(&db).ok()?.modified().ok() };
    let mut last = written();
    let mut next = machine::now();
    for k in 0..events {
        next += pace.gap(&mut random);
        std::thread::sleep(next.saturating_duration_since(machine::now()));
        let now = written();
        if now != last {
            // Since the event before was recorded.
            checkpoints.extend(k.checked_sub(1));
            last = now;
        }
        let (n, leaves) = (random.below(SCENES), random.below(2) == 1);
        let visited = open.get_mut(usize::try_from(n).unwrap_or(usize::MAX));
        let was_open = visited.is_some_and(|v| std::mem::replace(v, !leaves));
        expected += i64::from(leaves && was_open);
        let scene = format!("scene{n}");
        let args = [("k", Value::Int(i64::try_from(k).unwrap_or(i64::MAX)))];
        let action_type = if leaves { "leave" } else { "pv" };
        recorded.push(machine::now());
        engine.record(&EventRef { action_type, scene: Some(&scene), args: &args, ..EventRef::default() });
    }
    Recordings { recorded, expected, checkpoints }
}

/// How long a thread that has slept for as long as the worker between two events takes to wake once it is notified, in
/// microseconds.
fn probe(pace: Pace) -> Vec<f64> {
    let shared = (Mutex::new(None::<Option<Instant>>), Condvar::new());
    let (slot, bell) = &shared;
    let lock = || slot.lock().unwrap_or_else(PoisonError::into_inner);
    std::thread::scope(|scope| {
        let sleeper = scope.spawn(|| {
            let mut times = Vec::with_capacity(pace.probes());
            let mut state = lock();
            loop {
                match state.take() {
                    Some(Some(sent)) => times.push(sent.elapsed().as_secs_f64() * 1e6),
                    Some(None) => return times,
                    None => {}
                }
                state = bell.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        });
        let mut random = SplitMix(2);
        for _ in 0..pace.probes() {
            std::thread::sleep(pace.gap(&mut random));
            *lock() = Some(Some(machine::now()));
            bell.notify_one();
        }
        std::thread::sleep(Duration::from_millis(5));
        *lock() = Some(None);
        bell.notify_one();
        sleeper.join().unwrap_or_default()
    })
}
