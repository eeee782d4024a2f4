//! What users cost in memory: those for whom nothing is alive, and those with one live run.

use ensue_engine::{Config, Engine, Recorded};
use ensue_matcher::{Arrival, Limits, Observation, Position, ProgramId, Runs};
use ensue_rule::{Event, EventRef, Timestamp};

use super::figure::Figure;
use super::machine::{self, Watch};
use super::rules;
use super::scratch::Scratch;
use super::tasks;
use crate::failure::Failure;

/// The rule of the bench begins a run with each event, and its window is ten minutes.
const WINDOW_MS: i64 = 600_000;

/// Events between two waits for the worker: fewer than its queue takes.
const BATCH: usize = 2_000;

/// How many users may be in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Limit {
    /// As many as an engine keeps there.
    Default,
    /// All.
    None,
}

/// In the engine, of whose users most are idle, and of whose users all have a live run, in memory or where they may rest in
/// the log; and the runs alone.
pub(super) fn users(n: usize) -> Result<Vec<Figure>, Failure> {
    // Apart enough that few of them are alive at a time.
    let idle = in_engine("idle", (n, Limit::Default), WINDOW_MS / 500)?;
    // A device does not have many; what they cost grows with them.
    let many = n.min(200_000);
    let live = in_engine("live", (many, Limit::None), 0)?;
    let resting = in_engine("resting", (many, Limit::Default), 0)?;
    Ok(vec![idle, live, resting, in_matcher(n)?])
}

/// One event of each user, so many milliseconds apart.
fn in_engine(variant: &'static str, (users, limit): (usize, Limit), apart: i64) -> Result<Figure, Failure> {
    let scratch = Scratch::new("users")?;
    let config = Config::at(scratch.path("ensue.db")).replay();
    let most = if limit == Limit::None { usize::MAX } else { config.users };
    let engine = Engine::open(Config { users: most, ..config })?;
    tasks::apply(&engine, tasks::visits(1)?)?;
    let (watch, before) = (Watch::start(), machine::data_mb());
    let (time, recorded) = machine::time(|| record(&engine, users, apart));
    recorded?;
    let after = machine::data_mb();
    engine.close();
    Ok(figure(variant, users, before.zip(after)).timed(time.as_secs_f64()).watched(&watch.end()))
}

fn record(engine: &Engine, users: usize, apart: i64) -> Result<(), Failure> {
    let mut ts = 1_700_000_000_000;
    for i in 0..users {
        let name = format!("user{i}");
        let (action_type, scene) = ("pv", Some("scene0"));
        let user_id = Some(name.as_str());
        let event = EventRef { ts: Some(Timestamp(ts)), action_type, scene, user_id, ..EventRef::default() };
        if engine.record(&event) != Recorded::Queued {
            return Err(Failure::new("an event of the bench is not wanted as it should be"));
        }
        ts += apart;
        if i % BATCH == BATCH - 1 {
            engine.flush()?;
            // Time passes for all, as on a device.
            engine.advance_to(Timestamp(ts))?;
        }
    }
    Ok(engine.flush()?)
}

/// The runs that a host with keyed state holds: one live run of each user.
fn in_matcher(users: usize) -> Result<Figure, Failure> {
    let set = rules::programs([rules::W1.to_owned()], Limits::default())?;
    let Some(program) = set.program(ProgramId(0)) else { return Err(Failure::new("the rule is not there")) };
    let event = Event { action_type: "A".into(), ..Event::default() };
    let (mut seen, mut out, mut all) = (Observation::default(), Vec::new(), Vec::with_capacity(users));
    let arrival = Arrival { position: Position { ts: Timestamp(1_700_000_000_000), seq: 1 }, ..Arrival::default() };
    set.observe(&event, arrival, &mut seen);
    let (watch, before) = (Watch::start(), machine::data_mb());
    for _ in 0..users {
        let mut runs = Runs::default();
        seen.hits().iter().for_each(|hit| runs.step(program, &seen, *hit, &mut out));
        all.push(runs);
    }
    let after = machine::data_mb();
    let live = all.iter().filter(|runs| !runs.is_idle()).count();
    let (live, users_) = (i64::try_from(live).unwrap_or(i64::MAX), i64::try_from(users).unwrap_or(i64::MAX));
    Ok(figure("runs", users, before.zip(after)).counted(live, users_).watched(&watch.end()))
}

fn figure(variant: &'static str, users: usize, data_mb: Option<(f64, f64)>) -> Figure {
    #[allow(clippy::cast_precision_loss, reason = "counts of users are far below 2^53")]
    let each = |mb: f64| mb.max(0.0) * 1024.0 * 1024.0 / users.max(1) as f64;
    Figure { bytes_per_user: data_mb.map(|(a, b)| each(b - a)), ..Figure::new("users", Some(variant), users) }
}
