//! Opening a store with retained events: the state of all runs is built again from the log.

use ensue_engine::{Config, Engine, Recorded};
use ensue_rule::{EventRef, Timestamp, Value};

use super::figure::Figure;
use super::machine::{self, Watch};
use super::scratch::Scratch;
use super::tasks;
use crate::failure::Failure;

const TASKS: u32 = 100;
const USERS: [&str; 3] = ["u1", "u2", "u3"];

pub(super) fn restart(events: usize) -> Result<Figure, Failure> {
    let scratch = Scratch::new("restart")?;
    let config = || Config::at(scratch.path("ensue.db")).replay();
    fill(&Engine::open(config())?, events)?;
    let watch = Watch::start();
    let mut failed = None;
    let passes = machine::repeat(|| {
        let (time, opened) = machine::time(|| {
            let engine = Engine::open(config())?;
            let report = engine.ready()?;
            Ok::<_, ensue_engine::Error>((engine, report.events))
        });
        match opened {
            Ok((engine, kept)) => {
                engine.close();
                (time, kept)
            }
            Err(error) => {
                failed = Some(Failure::from(error));
                (time, 0)
            }
        }
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    let (kept, all) = (i64::try_from(passes.result), i64::try_from(events));
    let figure = Figure { rules: TASKS, ..Figure::new("restart", None, events) }.timed(passes.seconds);
    let figure = figure.counted(kept.unwrap_or(i64::MAX), all.unwrap_or(i64::MAX)).watched(&watch.end());
    Ok(Figure { noisy: figure.noisy || passes.noisy, ..figure })
}

/// Three users who open and leave scenes, all within the window of the tasks.
fn fill(engine: &Engine, events: usize) -> Result<(), Failure> {
    tasks::apply(engine, tasks::visits(TASKS)?)?;
    record_visits(engine, events)?;
    engine.shutdown();
    Ok(())
}

/// Records that many visits and waits until they are committed.
pub(super) fn record_visits(engine: &Engine, events: usize) -> Result<(), Failure> {
    for (i, at) in (0..events).zip(0_i64..) {
        let scene = format!("scene{}", i % 100);
        let event = EventRef {
            ts: Some(Timestamp(1_700_000_000_000 + at * 500_000 / i64::try_from(events).unwrap_or(1).max(1))),
            action_type: if i % 3 == 0 { "leave" } else { "pv" },
            scene: Some(&scene),
            user_id: USERS.get(i / 7 % 3).copied(),
            args: &[("k", Value::Int(at))],
            ..EventRef::default()
        };
        if engine.record(&event) != Recorded::Queued {
            return Err(Failure::new("an event of the bench is not wanted as it should be"));
        }
    }
    engine.flush()?;
    Ok(())
}
