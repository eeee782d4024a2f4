//! The report of the counters of tasks; how often each stage was reached is worked out from the retained log when somebody
//! asks (`docs/adr/0008`): nothing counts it while events come.

use std::sync::Arc;

use ensue_matcher::{Observation, Position, Trace, Tracer};
use ensue_rule::{Demand, Timestamp, Value};
use rustc_hash::FxHashMap;
use serde_json::json;

use super::Worker;
use super::draining::counts_json;
use crate::counts::{Counts, CountsOf};
use crate::error::Error;
use crate::log::{Entry, Log, LogEvent, Span, StreamKey};
use crate::tasks::{Active, Book, TaskId};

/// Partitions of tasks followed at once in one stream.
const FOLLOWED: usize = 10_000;

/// How many events the stages of continuous tasks took.
struct Stages<'a> {
    book: &'a Book,
    /// Events before this arrival number are not counted.
    from: u64,
    observation: Observation,
    tracers: FxHashMap<TaskId, Option<Tracer>>,
    /// Of the stream at hand.
    traces: FxHashMap<(TaskId, Vec<Value>), Trace>,
    taken: FxHashMap<TaskId, Vec<(Arc<str>, u64)>>,
    oldest: Option<Timestamp>,
    capped: bool,
}

impl Worker {
    /// The counters of all tasks as a JSON object.
    pub(super) fn stats_report(&mut self) -> Result<String, Error> {
        let from = self.store.counted_from()?;
        let mut rows: Vec<(CountsOf, Counts)> =
            self.store.counts(0)?.into_iter().map(|(_, of, counts)| (of, counts)).collect();
        for task in self.fold.book.tasks() {
            let of = CountsOf::task(task);
            if !rows.iter().any(|(known, _)| *known == of) {
                rows.push((of, Counts::default()));
            }
        }
        rows.sort_by(|(a, _), (b, _)| a.cmp(b));
        let stages = self.stages(from)?;
        let ids: std::collections::BTreeMap<CountsOf, TaskId> =
            self.fold.book.tasks().map(|t| (CountsOf::task(t), t.id)).collect();
        let row = |(of, counts): &(CountsOf, Counts)| {
            let mut row = counts_json(of, counts);
            let taken = ids.get(of).and_then(|id| stages.0.get(id));
            if let (Some(row), Some(taken)) = (row.as_object_mut(), taken) {
                let taken: Vec<_> = taken.iter().map(|(stage, n)| json!({"stage": stage, "events": n})).collect();
                row.insert("stages".to_owned(), taken.into());
            }
            row
        };
        let tasks: Vec<_> = rows.iter().map(row).collect();
        Ok(json!({"tasks": tasks, "stagesSince": stages.1, "capped": stages.2}).to_string())
    }

    /// What stages took, the oldest event counted, and whether there was more than is followed.
    #[allow(clippy::type_complexity, reason = "three answers of one pass")]
    fn stages(
        &mut self,
        from: u64,
    ) -> Result<(FxHashMap<TaskId, Vec<(Arc<str>, u64)>>, Option<Timestamp>, bool), Error> {
        let lateness = self.shared.config.lateness;
        let streams = self.store.streams()?;
        let Self { fold, store, .. } = self;
        let mut demand = Demand::default();
        fold.book.tasks().filter(|t| !t.is_triggered()).for_each(|t| demand.events.extend(t.demand.events.clone()));
        let mut stages = Stages::new(&fold.book, from);
        for (stream, state) in streams.iter().filter(|(s, _)| *s != StreamKey::Device || fold.book.has_device()) {
            let now = fold.time(stream).max(state.folded.minus(lateness));
            let span = Span { stream, after: Timestamp::MIN, to: Position { ts: now, seq: u64::MAX }, demand: &demand };
            store.look_back(&span, &mut |entry| match entry {
                Entry::Event(event) if state.cut.is_none_or(|cut| event.position(stream) > cut) => {
                    stages.event(stream, event);
                }
                _ => {}
            })?;
            stages.add_up();
        }
        Ok((stages.taken, stages.oldest, stages.capped))
    }
}

impl<'a> Stages<'a> {
    fn new(book: &'a Book, from: u64) -> Self {
        let none = |t: &Active| (t.id, Vec::new());
        Self {
            book,
            from,
            observation: Observation::default(),
            tracers: FxHashMap::default(),
            traces: FxHashMap::default(),
            taken: book.tasks().filter(|t| !t.is_triggered()).map(none).collect(),
            oldest: None,
            capped: false,
        }
    }

    /// Shows an event to the continuous tasks that it concerns.
    fn event(&mut self, stream: &StreamKey, event: &LogEvent) {
        if event.seq >= self.from {
            let ts = event.position(stream).ts;
            self.oldest = self.oldest.into_iter().chain([ts]).min();
        }
        let (book, arrival) = (self.book, event.arrival(stream));
        book.continuous().read(&event.event, &mut self.observation);
        book.continuous().look_up(arrival, None, &mut self.observation);
        let hits: Vec<_> = self.observation.hits().iter().map(|hit| hit.program).collect();
        for task in hits.into_iter().filter_map(|program| book.of_program(program)) {
            let joins = !event.is_derived() || task.joins(&event.event.action_type, event.event.scene.as_deref());
            if stream.is_of(task.task.scope) && task.reads(arrival.position) && joins {
                self.step(task, event, stream);
            }
        }
    }

    fn step(&mut self, task: &Active, event: &LogEvent, stream: &StreamKey) {
        let limits = self.book.limits();
        let made = || Tracer::new(&task.task.rule, &task.task.filter, limits).ok();
        let Some(tracer) = self.tracers.entry(task.id).or_insert_with(made) else { return };
        tracer.look(&event.event, event.arrival(stream));
        let Some(key) = tracer.partition() else { return };
        let place = (task.id, key);
        if self.traces.len() >= FOLLOWED && !self.traces.contains_key(&place) {
            self.capped = true;
            return;
        }
        let trace = self.traces.entry(place).or_insert_with(|| Trace::counting(self.from));
        trace.step(tracer, &mut Vec::new());
    }

    /// Adds up what was counted in one stream.
    fn add_up(&mut self) {
        for ((task, _), trace) in self.traces.drain() {
            let Some(Some(tracer)) = self.tracers.get(&task) else { continue };
            self.capped |= trace.is_capped();
            let all = self.taken.entry(task).or_default();
            for (i, (stage, n)) in trace.taken(tracer).into_iter().enumerate() {
                match all.get_mut(i) {
                    Some((_, sum)) => *sum += n,
                    None => all.push((stage, n)),
                }
            }
        }
    }
}
