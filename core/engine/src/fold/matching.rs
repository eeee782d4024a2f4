//! One event, or one instant of time, through the programs.

use std::sync::Arc;

use ensue_matcher::{Found, Hit, Match, Position};
use ensue_rule::{Timestamp, Value};

use super::Fold;
use super::effects::BoundKey;
use super::hold::Held;
use super::live::{Live, RunKey};
use crate::error::Error;
use crate::log::{Log, LogEvent, StreamKey};
use crate::tasks::{Active, TaskId};

/// Something that a task has found.
#[derive(Debug)]
pub(crate) struct Case {
    pub(super) task: TaskId,
    pub(super) stream: StreamKey,
    pub(super) key: Vec<Value>,
    pub(super) what: What,
}

/// What was found.
#[derive(Debug)]
pub(crate) enum What {
    /// A match.
    Match(Match),
    /// A partial match whose window ended.
    Timeout(Match),
    /// `OR ERROR`: no event at this stage to skip to.
    Error(Arc<str>, Position),
    /// A run that waited for an absence while events were lost.
    Gap(Position),
    /// A touch that waited and is due.
    Held(Timestamp, Box<Held>),
    /// A run whose first events are no longer kept.
    Truncated(Position),
    /// A script that came to no answer at its trigger, and why.
    Failed(Position, String),
}

impl Case {
    /// The match, with its partition.
    pub(crate) fn into_match(self) -> Option<(Vec<Value>, Match)> {
        match self.what {
            What::Match(m) => Some((self.key, m)),
            _ => None,
        }
    }
}

impl Fold {
    /// An event happens in these streams (its user's, the device's): its place in them has come.
    pub(super) fn happen(
        &mut self,
        streams: &[StreamKey],
        event: &Arc<LogEvent>,
        log: &mut dyn Log,
    ) -> Result<(), Error> {
        let mut cases = Vec::new();
        for key in streams {
            let place = event.position(key);
            self.pass_gap(key, place, log)?;
            if let Some(stream) = self.streams.get_mut(key) {
                stream.floor = stream.floor.max(place.ts);
            }
            self.step(key, event, &mut cases);
            if !self.quiet {
                self.cancel_by(key, event);
                self.look_back(key, event, log, &mut cases);
            }
            self.index(key);
        }
        self.decide(cases, Some(event), log)
    }

    /// An instant comes at which time lets something out of runs of this stream.
    pub(super) fn elapse(&mut self, key: &StreamKey, at: Timestamp, log: &mut dyn Log) -> Result<(), Error> {
        self.pass_gap(key, Position { ts: at, seq: 0 }, log)?;
        let Some(stream) = self.streams.get_mut(key) else { return Ok(()) };
        stream.floor = stream.floor.max(at);
        let (mut cases, mut found) = (Vec::new(), Vec::new());
        for run in stream.lives.take_timers(at) {
            let Some(task) = self.book.get(run.task) else { continue };
            let Some(program) = self.book.program(task).cloned() else { continue };
            let Some(mut live) = stream.lives.take(&run) else { continue };
            let before = live.runs.skip_bound();
            live.runs.advance_to(&program, at, &mut found);
            if live.runs.next_wakeup(&program).is_some_and(|next| next <= at) {
                // INVARIANT (timers move on): else this would go on for ever. Broken only by an error in the matcher.
                live.runs.clear(&program);
                self.effects.tally.errors += 1;
            }
            let place = Position { ts: at, seq: 0 };
            collect(&mut found, (task.id, key, &run.key), place, &mut self.effects.tally, &mut cases);
            note_bound(&live, before, (task, key, &run.key), &mut self.effects.bounds);
            stream.lives.keep(live, &program);
        }
        self.come_due(key, at, &mut cases);
        self.index(key);
        self.decide(cases, None, log)
    }

    /// Shows an event to the continuous tasks that it concerns.
    fn step(&mut self, key: &StreamKey, event: &LogEvent, cases: &mut Vec<Case>) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let (programs, arrival, armed) = (self.book.continuous(), event.arrival(key), stream.lives.armed());
        programs.read(&event.event, &mut self.observation);
        if event.is_derived() {
            // Whose stream it joins is asked when it comes.
            programs.look_up(arrival, Some(&armed), &mut self.observation);
        } else {
            programs.look_up_noting(arrival, &armed, &mut self.observation);
        }
        if self.observation.is_noted() {
            stream.lives.note(programs, &self.observation);
        }
        let full = stream.lives.is_full(programs);
        let hits: smallvec::SmallVec<[Hit; 8]> = self.observation.hits().iter().copied().collect();
        for hit in hits {
            self.step_one(key, event, hit, cases);
        }
        if full {
            self.settle(key);
        }
    }

    fn step_one(&mut self, key: &StreamKey, event: &LogEvent, hit: Hit, cases: &mut Vec<Case>) {
        let (place, book) = (event.position(key), &self.book);
        let Some(task) = book.of_program(hit.program) else { return };
        let since = self.since(task, key);
        let shown = self.shows(task, key)
            && task.reads(place)
            && place.ts > since
            && (!event.is_derived() || task.joins(&event.event.action_type, event.event.scene.as_deref()));
        let Some(program) = book.program(task).filter(|_| shown) else { return };
        let Some(partition) = book.continuous().partition(hit.program, &self.observation) else {
            self.effects.tally.null_key += 1;
            return;
        };
        let Some(stream) = self.streams.get_mut(key) else { return };
        let run = RunKey { task: task.id, key: partition.into() };
        let alive = stream.lives.take(&run);
        let begins = program.may_begin(hit);
        if alive.is_none() && !begins && !stream.lives.has_missed(hit.program) {
            return;
        }
        let mut live = alive.unwrap_or_else(|| {
            // In what is new no event comes at or before a bound any more.
            let place = || (run.task, key.clone(), run.key.to_vec());
            let bound = if self.quiet { self.restored.get(&place()).copied() } else { None };
            Box::new(Live::new(run.clone(), hit.program, bound))
        });
        let before = Some(place);
        stream
            .lives
            .catch_up(&mut live, (program, before), &mut self.recalled, |place| task.reads(place) && place.ts > since);
        if begins || !live.runs.is_idle() {
            let (mut found, before) = (Vec::new(), live.runs.skip_bound());
            live.runs.step(program, &self.observation, hit, &mut found);
            live.last = place.ts;
            collect(&mut found, (task.id, key, &run.key), place, &mut self.effects.tally, cases);
            note_bound(&live, before, (task, key, &run.key), &mut self.effects.bounds);
        }
        stream.lives.keep(live, program);
        self.effects.tally.capped += stream.lives.make_room(book.limits().keys);
    }

    /// While events are missing around here, no run may wait for an absence.
    fn pass_gap(&mut self, key: &StreamKey, place: Position, log: &mut dyn Log) -> Result<(), Error> {
        let everyone = self.gap;
        let aside = self.streams.get(key).map(|s| s.aside());
        let gap = aside.and_then(|a| a.gap.max(Some(everyone).filter(|gap| *gap > a.passed)));
        let Some(gap) = gap else { return Ok(()) };
        self.end_waits(key, (place, place.ts), log)?;
        if let Some(stream) = self.streams.get_mut(key).filter(|_| place.ts > gap) {
            let aside = stream.aside_mut();
            (aside.gap, aside.passed) = (None, gap);
        }
        Ok(())
    }

    /// Ends the runs of a stream that wait for an absence `now`: events were lost, and one of them may have been it.
    pub(super) fn end_waits(
        &mut self,
        key: &StreamKey,
        (place, now): (Position, Timestamp),
        log: &mut dyn Log,
    ) -> Result<(), Error> {
        self.settle(key);
        let Some(stream) = self.streams.get_mut(key) else { return Ok(()) };
        let mut cases = Vec::new();
        for run in stream.lives.keys() {
            let program = self.book.get(run.task).and_then(|t| self.book.program(t));
            let Some(program) = program else { continue };
            let Some(mut live) = stream.lives.take(&run) else { continue };
            live.end_over(program, now);
            if live.runs.waits_for_absence(program) && live.runs.clear(program) {
                let what = What::Gap(place);
                cases.push(Case { task: run.task, stream: key.clone(), key: run.key.to_vec(), what });
            }
            stream.lives.keep(live, program);
        }
        self.index(key);
        self.decide(cases, None, log)
    }
}

/// What was found, as cases; what was capped is counted.
pub(super) fn collect(
    found: &mut Vec<Found>,
    (task, stream, key): (TaskId, &StreamKey, &[Value]),
    place: Position,
    tally: &mut super::effects::Tally,
    cases: &mut Vec<Case>,
) {
    for f in found.drain(..) {
        let what = match f {
            Found::Match(m) => What::Match(m),
            Found::Timeout(m) => What::Timeout(m),
            Found::SkipError(stage) => What::Error(stage, place),
            Found::Capped(n) => {
                tally.capped += n;
                continue;
            }
        };
        cases.push(Case { task, stream: stream.clone(), key: key.to_vec(), what });
    }
}

/// Notes a skip bound that moved; it was at `before`.
pub(super) fn note_bound(
    live: &Live,
    before: Option<Position>,
    (task, stream, key): (&Active, &StreamKey, &[Value]),
    bounds: &mut std::collections::BTreeMap<BoundKey, Position>,
) {
    let Some(at) = live.runs.skip_bound().filter(|at| before != Some(*at)) else { return };
    bounds.insert(bound_key(task, stream, key), at);
}

pub(super) fn bound_key(task: &Active, stream: &StreamKey, key: &[Value]) -> BoundKey {
    BoundKey { source: task.source.clone(), task: task.task.id.clone(), stream: stream.clone(), key: key.to_vec() }
}
