//! One stream of one task, followed run by run through the retained log: what of it is told to who asks "why not?".
//!
//! Entries come in order from whoever reads the log; no store and no outcome is known here.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ensue_matcher::{Found, Furthest, Position, Trace, Tracer};
use ensue_rule::{Timestamp, Value};

use crate::answer::{History, Triggers};
use crate::log::{Entry, LogEvent, StreamKey};
use crate::tasks::Active;

/// Partitions followed at once.
const PARTITIONS: usize = 1_000;

/// The last triggers that are remembered.
pub(super) const TRIGGERS: usize = 8;

/// One stream of one task, followed.
pub(super) struct Follow<'a> {
    task: &'a Active,
    stream: &'a StreamKey,
    tracer: &'a mut Tracer,
    since: Timestamp,
    cut: Option<Position>,
    gaps: VecDeque<Position>,
    /// By partition.
    traces: BTreeMap<Vec<Value>, Trace>,
    found: Vec<Found>,
    /// Up to where matches consume, by partition.
    pub(super) consumed: BTreeMap<Vec<Value>, Position>,
    /// Only looked at for triggers.
    pub(super) still: bool,
    out: Seen,
}

/// What was seen of a stream.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) history: History,
    pub(super) events: u64,
    pub(super) triggers: Triggers,
    /// The last triggers.
    pub(super) looks: VecDeque<Position>,
    pub(super) matches: u64,
    pub(super) last_match: Option<Timestamp>,
    pub(super) timeouts: u64,
    pub(super) null_keys: u64,
    pub(super) capped: bool,
    pub(super) furthest: Option<(Furthest, Vec<Value>)>,
}

impl<'a> Follow<'a> {
    pub(super) fn new(
        (task, stream): (&'a Active, &'a StreamKey),
        tracer: &'a mut Tracer,
        since: Timestamp,
        cut: Option<Position>,
    ) -> Self {
        Self {
            task,
            stream,
            tracer,
            since,
            cut,
            gaps: VecDeque::new(),
            traces: BTreeMap::new(),
            found: Vec::new(),
            consumed: BTreeMap::new(),
            still: false,
            out: Seen::default(),
        }
    }

    pub(super) fn visit(&mut self, entry: &Entry) {
        match entry {
            Entry::Gap(gap) => self.gaps.push_back(Position { ts: gap.upto, seq: gap.seq }),
            Entry::Event(event) => self.event(event),
        }
    }

    fn event(&mut self, event: &Arc<LogEvent>) {
        let place = event.position(self.stream);
        let kind = (&*event.event.action_type, event.event.scene.as_deref());
        if self.cut.is_some_and(|cut| place <= cut) {
            return;
        }
        let joins = !event.is_derived() || self.task.joins(kind.0, kind.1);
        if !self.task.reads(place) || !joins {
            self.out.history.cut |= !self.task.reads(place);
            return;
        }
        self.out.history.from.get_or_insert(place.ts);
        if self.task.task.trigger.as_ref().is_some_and(|t| t.passes(kind.0, kind.1)) && place.ts >= self.since {
            self.out.triggers.count += 1;
            self.out.triggers.last = Some(place.ts);
            self.out.looks.push_back(place);
            if self.out.looks.len() > TRIGGERS {
                self.out.looks.pop_front();
            }
        }
        self.pass(place);
        if self.tracer.look(&event.event, event.arrival(self.stream)) {
            self.out.events += u64::from(place.ts >= self.since);
            if !self.still {
                self.step();
            }
        }
    }

    fn step(&mut self) {
        let Some(key) = self.tracer.partition() else {
            self.out.null_keys += 1;
            return;
        };
        let room = self.traces.len() < PARTITIONS;
        if !room && !self.traces.contains_key(&key) {
            self.out.capped = true;
            return;
        }
        let (since, bound) = (self.since, self.consumed.get(&key).copied());
        let trace = self.traces.entry(key.clone()).or_insert_with(|| Trace::new(since, bound));
        trace.step(self.tracer, &mut self.found);
        self.heed(&key, None);
    }

    /// Counts what came out; up to where its matches consume, or to `judged`.
    fn heed(&mut self, key: &[Value], judged: Option<Position>) {
        for found in self.found.drain(..) {
            match found {
                Found::Timeout(m) if m.at >= self.since => self.out.timeouts += 1,
                Found::Match(m) if self.task.is_triggered() => {
                    self.consumed.insert(key.to_vec(), judged.unwrap_or(m.end));
                }
                _ => {}
            }
        }
    }

    /// Comes to a place: what waits for an absence ends where events were lost before it, or may have been.
    pub(super) fn pass(&mut self, place: Position) {
        while let Some(gap) = self.gaps.front().copied().filter(|gap| *gap < place) {
            self.gaps.pop_front();
            self.traces.values_mut().for_each(|t| t.lose(self.tracer, gap));
        }
        if self.gaps.iter().any(|gap| gap.seq < place.seq) {
            self.traces.values_mut().for_each(|t| t.lose(self.tracer, place));
        }
    }

    /// Judges absences at a trigger.
    pub(super) fn judge(&mut self, trigger: Position) {
        let absence = self.tracer.program().may_end_in_absence();
        for (key, mut trace) in std::mem::take(&mut self.traces) {
            trace.judge_at(self.tracer, trigger.ts, &mut self.found);
            self.heed(&key, absence.then_some(trigger));
            self.traces.insert(key, trace);
        }
    }

    /// Time comes to `now`.
    pub(super) fn advance_to(&mut self, now: Timestamp) {
        for (key, mut trace) in std::mem::take(&mut self.traces) {
            trace.advance_to(self.tracer, now, &mut self.found);
            self.heed(&key, None);
            self.traces.insert(key, trace);
        }
    }

    /// What was seen until `now`; the furthest of all partitions.
    pub(super) fn finish(mut self, now: Timestamp) -> Seen {
        let mut out = std::mem::take(&mut self.out);
        out.history.to = Some(now).filter(|t| *t > Timestamp::MIN);
        out.history.cut |= self.cut.is_some();
        let further = |f: &Furthest| if f.stage.is_some() { f.lacks } else { u32::MAX };
        for (key, trace) in std::mem::take(&mut self.traces) {
            let (matches, last) = trace.matches();
            out.matches += matches;
            out.last_match = out.last_match.max(last);
            out.capped |= trace.is_capped();
            let furthest = trace.furthest(self.tracer);
            if out.furthest.as_ref().is_none_or(|(old, _)| further(&furthest) < further(old)) {
                out.furthest = Some((furthest, key));
            }
        }
        if out.furthest.is_none() && !self.still {
            out.furthest = Some((Trace::new(self.since, None).furthest(self.tracer), Vec::new()));
        }
        out
    }
}
