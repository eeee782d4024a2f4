//! What recording an event costs the thread that calls it, under 1,000 tasks.

use std::hint::black_box;
use std::time::Duration;

use ensue_engine::{Clock, Config, Engine, Recorded, SystemClock};
use ensue_rule::{EventRef, Value};

use super::figure::Figure;
use super::machine::{self, Passes, Watch, quantile};
use super::scratch::Scratch;
use super::tasks;
use crate::failure::Failure;

const TASKS: u32 = 1_000;
const UNWANTED: u32 = 1_000_000;
/// Between two bursts the worker catches up.
const BURST: u32 = 10_000;
const BURSTS: u32 = 10;
const WAKING: usize = 2_000;

pub(super) fn record() -> Result<Vec<Figure>, Failure> {
    let scratch = Scratch::new("record")?;
    let engine = Engine::open(Config { queue: 1 << 20, ..Config::at(scratch.path("ensue.db")) })?;
    tasks::apply(&engine, tasks::silent(TASKS)?)?;
    let text = |s: &str| Value::from(s);
    let args =
        [("item", text("42")), ("price", 3.5.into()), ("page", text("home")), ("n", 7.into()), ("ref", text("search"))];
    let ts = Some(SystemClock::new().now());
    let event = EventRef { ts, action_type: "type1", user_id: Some("user-1234"), args: &args, ..EventRef::default() };
    let (unwanted, wanted) = (EventRef { scene: Some("scene2"), ..event }, EventRef { scene: Some("scene1"), ..event });
    if engine.record(&unwanted) != Recorded::Unwanted || engine.record(&wanted) != Recorded::Queued {
        return Err(Failure::new("the events of the bench are not wanted as they should be"));
    }
    engine.flush()?;
    let figures = vec![calls(&engine, &unwanted), burst(&engine, &wanted)?, waking(&engine, &wanted)?];
    engine.close();
    Ok(figures)
}

/// An event that no task wants.
fn calls(engine: &Engine, event: &EventRef<'_>) -> Figure {
    let watch = Watch::start();
    let passes = machine::repeat(|| {
        machine::time(|| {
            for _ in 0..UNWANTED {
                black_box(engine.record(black_box(event)));
            }
        })
    });
    figure("unwanted", (passes.seconds, passes.noisy), UNWANTED, &watch)
}

/// A wanted event while the worker is busy.
fn burst(engine: &Engine, event: &EventRef<'_>) -> Result<Figure, Failure> {
    let watch = Watch::start();
    let many = |n| {
        for _ in 0..n {
            black_box(engine.record(black_box(event)));
        }
    };
    let pass = || -> Result<Duration, Failure> {
        let mut spent = Duration::ZERO;
        for _ in 0..BURSTS {
            // Enough for the worker to be busy with.
            many(100);
            let (time, ()) = machine::time(|| many(BURST));
            spent += time;
            engine.flush()?;
        }
        Ok(spent)
    };
    let mut failed = None;
    let Passes { seconds, noisy, .. } = machine::repeat(|| match pass() {
        Ok(spent) => (spent, ()),
        Err(failure) => {
            failed = Some(failure);
            (Duration::ZERO, ())
        }
    });
    failed.map_or_else(|| Ok(figure("wanted", (seconds, noisy), BURSTS * BURST, &watch)), Err)
}

/// A wanted event that wakes the worker.
fn waking(engine: &Engine, event: &EventRef<'_>) -> Result<Figure, Failure> {
    let watch = Watch::start();
    let mut times = Vec::with_capacity(WAKING);
    for _ in 0..WAKING {
        engine.flush()?;
        // Until the worker sleeps again.
        std::thread::sleep(Duration::from_micros(200));
        let (time, _) = machine::time(|| black_box(engine.record(black_box(event))));
        times.push(time.as_secs_f64() * 1e6);
    }
    times.sort_unstable_by(f64::total_cmp);
    let figure = Figure { rules: TASKS, ..Figure::new("record", Some("waking"), WAKING) }.watched(&watch.end());
    let at = |share| quantile(&times, share);
    Ok(Figure {
        p50_us: at(0.5),
        p99_us: at(0.99),
        p999_us: at(0.999),
        ns_per_op: at(0.5).map(|us| us * 1e3),
        ..figure
    })
}

fn figure(variant: &'static str, (seconds, noisy): (f64, bool), calls: u32, watch: &Watch) -> Figure {
    let events = usize::try_from(calls).unwrap_or(usize::MAX);
    let figure = Figure::new("record", Some(variant), events).timed(seconds).watched(&watch.end());
    let ns_per_op = Some(seconds * 1e9 / f64::from(calls));
    Figure { rules: TASKS, ns_per_op, noisy: figure.noisy || noisy, ..figure }
}
