//! The process that is ended: goes on with a store's life where it stands, and says what it was told.
//!
//! A line each: `flushed N`, `durable N` (all up to event N is acknowledged), `told ID` (a decision was delivered), `point NAME`
//! (it stands still), `closed`, `broken WHY`.
#![allow(clippy::print_stdout, reason = "the parent reads it")]

use std::path::PathBuf;
use std::sync::Arc;

use ensue_engine::{Config, Decision, Engine, Listener, ManualClock, Retention};
use ensue_faults::watch;

use super::life::{FORGOTTEN, Life};
use super::point::{Point, Stopper};
use crate::random::Random;

/// What a child has to do.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Order {
    /// The store.
    pub path: PathBuf,
    /// Its life.
    pub life: Life,
    /// Names this round.
    pub round: u64,
    /// The last event in the store.
    pub from: u64,
    /// The last event to record.
    pub upto: u64,
    /// The version of the task sets in force.
    pub version: i64,
    /// Where to stand still.
    pub point: Point,
    /// How often to pass there before.
    pub passes: u64,
    /// What is done aside has been done already.
    pub done: bool,
    /// Whether commits are held back.
    pub lose: bool,
}

/// Limits under which most of a log is cut.
const FEW: Retention = Retention { rows: 16, ..Retention::UNLIMITED };

struct Tell;

impl Listener for Tell {
    fn on_decisions(&self, decisions: &[Decision]) {
        decisions.iter().for_each(|d| println!("told {}", d.id));
    }
}

/// Does what is ordered.
pub fn run(order: &Order) {
    let stopper = Arc::new(Stopper::new(order.point, order.passes, order.lose));
    let watch = watch(&order.path, stopper.clone());
    match live(order, &stopper) {
        Ok(()) => println!("closed"),
        Err(why) => println!("broken {why}"),
    }
    drop(watch);
}

fn live(order: &Order, stopper: &Stopper) -> Result<(), String> {
    let clock = Arc::new(ManualClock::new(Life::now(order.from)));
    let config = order.life.config_on(&order.path, &clock);
    let retention = if order.point == Point::Cut { FEW } else { config.retention };
    let engine = Engine::open(Config { retention, ..config }).map_err(|e| e.to_string())?;
    let opened = engine.ready().map_err(|e| e.to_string())?;
    stopper.opened();
    if let Some(aside) = opened.set_aside {
        return Err(format!("the store was set aside as {}", aside.display()));
    }
    match order.point {
        Point::Upgrade => engine.close(),
        point if point.is_aside() => aside(order, stopper, (&engine, &clock))?,
        _ => go_on(order, &engine, &clock)?,
    }
    Ok(())
}

/// What is done to a copy of the life's store, whose life goes on without it.
fn aside(order: &Order, stopper: &Stopper, (engine, clock): (&Engine, &ManualClock)) -> Result<(), String> {
    stopper.aside(true);
    if order.point == Point::Cut {
        // Closing cuts what is over the limits.
        engine.shutdown();
        return Ok(());
    }
    let erased = match order.point {
        _ if order.done => Ok(()),
        Point::OptOut => engine.opt_out(),
        _ => engine.forget(Some(FORGOTTEN)),
    };
    erased.map_err(|e| e.to_string())?;
    stopper.aside(false);
    let mut newest = i64::MAX;
    for n in order.from + 1..=order.upto {
        clock.set(Life::now(n));
        let made = order.life.event(n);
        if made.user != Some(FORGOTTEN) {
            made.record(engine);
        }
        order.life.after(engine, &mut newest, n)?;
    }
    engine.flush().map_err(|e| e.to_string())?;
    engine.shutdown();
    Ok(())
}

/// Goes on with the life.
fn go_on(order: &Order, engine: &Engine, clock: &ManualClock) -> Result<(), String> {
    engine.set_listener(Some(Arc::new(Tell)));
    let waiting = engine.decisions(usize::MAX).map_err(|e| e.to_string())?;
    waiting.iter().for_each(|d| println!("told {}", d.id));
    let (life, mut version) = (order.life, order.version);
    let mut random = Random::new(order.round);
    life.after(engine, &mut version, order.from)?;
    for n in order.from + 1..=order.upto {
        clock.set(Life::now(n));
        let made = life.event(n);
        if random.chance(6) {
            made.lend(|event| engine.record_durable(event)).map_err(|e| e.to_string())?;
            println!("durable {n}");
        } else {
            made.record(engine);
        }
        life.after(engine, &mut version, n)?;
        if random.chance(25) {
            engine.flush().map_err(|e| e.to_string())?;
            println!("flushed {n}");
        }
        if random.chance(8) {
            acknowledge(engine)?;
        }
    }
    engine.flush().map_err(|e| e.to_string())?;
    println!("flushed {}", order.upto);
    engine.shutdown();
    Ok(())
}

/// Acknowledges some decisions. On a clock the listener may not have heard of them yet.
fn acknowledge(engine: &Engine) -> Result<(), String> {
    let some = engine.decisions(5).map_err(|e| e.to_string())?;
    some.iter().for_each(|d| println!("told {}", d.id));
    let ids: Vec<&str> = some.iter().map(|d| &*d.id).collect();
    engine.ack(&ids).map(|_| ()).map_err(|e| e.to_string())
}
