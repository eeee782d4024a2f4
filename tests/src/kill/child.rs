//! The process that is ended: goes on with a store's life where it stands, and says what it was told.
//!
//! A line each: `flushed N`, `durable N` (all up to event N is acknowledged), `told ID` (a decision was delivered), `point NAME`
//! (it stands still), `closed`, `broken WHY`.
#![allow(clippy::print_stdout, reason = "the parent reads it")]

use std::path::PathBuf;
use std::sync::Arc;

use ensue_engine::{Decision, Engine, Listener};
use ensue_faults::watch;

use super::life::Life;
use super::point::{Point, Stopper};
use crate::random::Random;

/// What a child has to do.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub struct Order {
    /// The store.
    pub path: PathBuf,
    /// Names its life.
    pub life: u64,
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
    /// Whether commits are held back.
    pub lose: bool,
}

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
    let engine = Engine::open(Life::config(&order.path)).map_err(|e| e.to_string())?;
    let opened = engine.ready().map_err(|e| e.to_string())?;
    stopper.opened();
    if let Some(aside) = opened.set_aside {
        return Err(format!("the store was set aside as {}", aside.display()));
    }
    if order.point == Point::Upgrade {
        engine.close();
        return Ok(());
    }
    engine.set_listener(Some(Arc::new(Tell)));
    engine.decisions(usize::MAX).iter().for_each(|d| println!("told {}", d.id));
    let (life, mut version) = (Life { seed: order.life }, order.version);
    let mut random = Random::new(order.round);
    Life::after(&engine, &mut version, order.from)?;
    for n in order.from + 1..=order.upto {
        let made = life.event(n);
        if random.chance(6) {
            made.lend(|event| engine.record_durable(event)).map_err(|e| e.to_string())?;
            println!("durable {n}");
        } else {
            made.record(&engine);
        }
        Life::after(&engine, &mut version, n)?;
        if random.chance(25) {
            engine.flush().map_err(|e| e.to_string())?;
            println!("flushed {n}");
        }
        if random.chance(8) {
            acknowledge(&engine)?;
        }
    }
    engine.flush().map_err(|e| e.to_string())?;
    println!("flushed {}", order.upto);
    engine.close();
    Ok(())
}

/// Acknowledges some decisions; they were told.
fn acknowledge(engine: &Engine) -> Result<(), String> {
    let some = engine.decisions(5);
    let ids: Vec<&str> = some.iter().map(|d| &*d.id).collect();
    engine.ack(&ids).map(|_| ()).map_err(|e| e.to_string())
}
