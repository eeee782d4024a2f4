//! varpulis-sase on the same streams, where it can say the workload: off by default, behind the feature `peers`.
//!
//! Its window is inclusive, so 10 s is written as 9,999 ms. It has no index over rules: as its users would have to, the
//! bench keeps an engine a rule and hands it events of types A and B only (a help). W2 it answers wrongly (it cuts what a
//! run may hold), and any-match it cannot say, so that neither is here.

use std::sync::Arc;
use std::time::Duration;

use varpulis_core::{Event, Value};
use varpulis_sase::{PatternBuilder as Say, SaseEngine, SasePattern};

use super::counts;
use super::figure::Figure;
use super::machine::{self, Watch};
use super::streams::{KINDS, Record};

/// Steps of engines that a figure takes at most: of many rules it is made over fewer events.
const STEPS: usize = 20_000_000;

/// W1, partitioned by user.
pub(super) fn w1(records: &[Record]) -> Figure {
    let stage = |kind: &str| Say::event_as(kind, &kind.to_lowercase());
    let pattern = Say::seq(vec![stage("A"), stage("B"), stage("C")]);
    let engine = || engine(pattern.clone()).with_partition_by("userId".into());
    let figure = Figure::new("w1", Some("varpulis"), records.len());
    measured(figure, records, || vec![engine()], counts::w1(records))
}

/// W3.
pub(super) fn w3(rules: u32, records: &[Record]) -> Figure {
    let events = STEPS / usize::try_from(rules).unwrap_or(1).max(1);
    let records = records.get(..events.min(records.len())).unwrap_or(records);
    let stage = |kind: &str, v: u32| Say::event_where(kind, Say::field_eq("v", Value::Int(v.into())));
    let rule = |v| engine(Say::seq(vec![stage("A", v), stage("B", v)]));
    let figure = Figure { rules, ..Figure::new("w3", Some("varpulis"), records.len()) };
    measured(figure, records, || (0..rules).map(rule).collect(), counts::w3(records, rules))
}

fn engine(pattern: SasePattern) -> SaseEngine {
    let within = Say::within(pattern, Duration::from_millis(9_999));
    SaseEngine::new(within).with_max_runs(1_000_000).with_event_time()
}

fn measured(figure: Figure, records: &[Record], engines: impl Fn() -> Vec<SaseEngine>, expected: i64) -> Figure {
    let events: Vec<Arc<Event>> = records.iter().filter_map(event).collect();
    let many = figure.rules > 1;
    let watch = Watch::start();
    let passes = machine::repeat(|| {
        let mut engines = engines();
        machine::time(|| {
            let mut found = 0;
            for event in events.iter().filter(|e| !many || matches!(&*e.event_type, "A" | "B")) {
                found += engines.iter_mut().map(|e| e.process_shared(Arc::clone(event)).len()).sum::<usize>();
            }
            i64::try_from(found).unwrap_or(i64::MAX)
        })
    });
    let figure = figure.timed(passes.seconds).counted(passes.result, expected).watched(&watch.end());
    Figure { noisy: figure.noisy || passes.noisy, ..figure }
}

fn event(r: &Record) -> Option<Arc<Event>> {
    let at = chrono::DateTime::from_timestamp_millis(r.ts)?;
    let kind: Arc<str> = KINDS.get(usize::from(r.kind)).copied()?.into();
    let event = Event::with_capacity_at(kind, 3, at).with_field(Arc::from("userId"), i64::from(r.user));
    let event = event.with_field(Arc::from("v"), i64::from(r.v));
    Some(Arc::new(event.with_field(Arc::from("p"), f64::from(r.p) / 1_000.0)))
}
