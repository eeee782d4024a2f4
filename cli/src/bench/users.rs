//! What users cost in memory: those for whom nothing is alive, and those with one live run; and what it costs to bring one
//! back whose live run rests in the log.

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
    /// Few: who comes again was away.
    Few,
    /// All.
    None,
}

impl Limit {
    fn users(self) -> usize {
        match self {
            Self::Default => Config::in_memory().users,
            Self::Few => 16,
            Self::None => usize::MAX,
        }
    }
}

/// In the engine, of whose users most are idle, and of whose users all have a live run, in memory or where they may rest in
/// the log; and the runs alone.
pub(super) fn users(n: usize) -> Result<Vec<Figure>, Failure> {
    // Apart enough that few of them are alive at a time.
    let idle = in_engine("idle", (n.min(500_000), Limit::Default), WINDOW_MS / 500)?;
    // A device does not have many; what they cost grows with them.
    let many = n.min(200_000);
    let live = in_engine("live", (many, Limit::None), 0)?;
    let resting = in_engine("resting", (many, Limit::Default), 0)?;
    let mut figures = vec![idle, live, resting, in_matcher(n)?];
    for (rules, k) in [(1, 1), (1, 20), (100, 1)] {
        for limit in [Limit::None, Limit::Few] {
            figures.push(returning(limit, n.min(4_000), (rules, k))?);
        }
    }
    Ok(figures)
}

/// All users have recorded `k` events, and come again with one that completes their run: where they stayed in memory, and where
/// most rest in the log. That event alone is timed.
fn returning(limit: Limit, users: usize, (rules, k): (u32, u32)) -> Result<Figure, Failure> {
    let scratch = Scratch::new("users")?;
    let engine = Engine::open(Config { users: limit.users(), ..Config::at(scratch.path("ensue.db")).replay() })?;
    tasks::apply(&engine, tasks::visits(rules)?)?;
    let mut ts = 1_700_000_000_000;
    for _ in 0..k {
        ts = record(&engine, users, ("pv", ts, 0))? + 1;
    }
    let variant = if limit == Limit::Few { "returning" } else { "staying" };
    let here = crowd(&engine)?;
    if (limit == Limit::Few) != (here < users as u64 / 4) {
        return Err(Failure::new(format!("{here} users of the bench are in memory, where they should be {variant}")));
    }
    let watch = Watch::start();
    let (time, recorded) = machine::time(|| record(&engine, users, ("leave", ts, 0)));
    recorded?;
    let matches = engine.stats().matches;
    engine.close();
    #[allow(clippy::cast_precision_loss, reason = "counts of users are far below 2^53")]
    let each = time.as_secs_f64() * 1e9 / users.max(1) as f64;
    let figure = Figure { rules, k: Some(k), ns_per_op: Some(each), ..Figure::new("users", Some(variant), users) };
    let (matches, expected) = (i64::try_from(matches).unwrap_or(i64::MAX), i64::try_from(users).unwrap_or(i64::MAX));
    Ok(figure.counted(matches, expected).watched(&watch.end()))
}

/// One event of each user, so many milliseconds apart.
fn in_engine(variant: &'static str, (users, limit): (usize, Limit), apart: i64) -> Result<Figure, Failure> {
    let scratch = Scratch::new("users")?;
    let engine = Engine::open(Config { users: limit.users(), ..Config::at(scratch.path("ensue.db")).replay() })?;
    tasks::apply(&engine, tasks::visits(1)?)?;
    let (watch, before) = (Watch::start(), machine::data_mb());
    let (time, recorded) = machine::time(|| record(&engine, users, ("pv", 1_700_000_000_000, apart)));
    recorded?;
    let after = machine::data_mb();
    engine.close();
    Ok(figure(variant, users, before.zip(after)).timed(time.as_secs_f64()).watched(&watch.end()))
}

/// Lets whoever may be put away be: of whom nothing is on its way, and one who is new says that there are too many. How many
/// stayed.
fn crowd(engine: &Engine) -> Result<u64, Failure> {
    for _ in 0..100 {
        engine.record(&EventRef { action_type: "noise", user_id: Some("passer-by"), ..EventRef::default() });
        engine.flush()?;
    }
    Ok(engine.stats().users)
}

/// An event of each user from a time on; the time after them.
fn record(engine: &Engine, users: usize, (action_type, from, apart): (&str, i64, i64)) -> Result<i64, Failure> {
    let mut ts = from;
    for i in 0..users {
        let name = format!("user{i}");
        let (scene, user_id) = (Some("scene0"), Some(name.as_str()));
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
    engine.flush()?;
    Ok(ts)
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
