//! Triggered tasks: at a trigger, a fresh matcher over what came before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use ensue_matcher::{Match, Observation, Position, ProgramId, ProgramSet, Runs};
use ensue_rule::{Timestamp, Value};

use super::Fold;
use super::matching::{Case, What, bound_key, collect};
use crate::log::{Entry, Log, LogEvent, Span, StreamKey};
use crate::tasks::{Active, TaskId};

/// One look back: what is alive in each partition.
pub(crate) struct Look<'a> {
    programs: &'a ProgramSet,
    program: ProgramId,
    task: TaskId,
    stream: &'a StreamKey,
    /// What earlier matches of a partition consumed.
    consumed: &'a dyn Fn(&[Value]) -> Option<Position>,
    /// Marks of lost events that are not passed yet, by time.
    gaps: VecDeque<Position>,
    runs: BTreeMap<Vec<Value>, Runs>,
    observation: &'a mut Observation,
    tally: super::effects::Tally,
    cases: Vec<Case>,
}

/// What a look back has seen.
pub(crate) struct Seen {
    pub(crate) cases: Vec<Case>,
    /// What the matches consumed, by partition.
    bounds: Vec<(Vec<Value>, Position)>,
    /// The partitions in which an absence was judged.
    pub(crate) judged: BTreeSet<Vec<Value>>,
    tally: super::effects::Tally,
}

impl Fold {
    /// Lets the tasks that this event triggers look back; those with a script are asked later.
    pub(super) fn look_back(
        &mut self,
        key: &StreamKey,
        event: &Arc<LogEvent>,
        log: &mut dyn Log,
        cases: &mut Vec<Case>,
    ) {
        let (action, scene) = (&*event.event.action_type, event.event.scene.as_deref());
        for id in self.book.triggered_by(action, scene) {
            let Some(task) = self.book.get(id) else { continue };
            let named = task.task.trigger.as_ref().is_some_and(|t| t.action_types.iter().any(|a| &**a == action));
            let triggers =
                key.is_of(task.task.scope) && event.position(key).seq >= task.since.0 && (named || !event.is_derived());
            if !triggers {
                continue;
            }
            if task.task.script().is_some() {
                cases.extend(self.note_call(id, key, event));
            } else {
                cases.extend(self.look_back_one(id, key, event, log));
            }
        }
    }

    fn look_back_one(&mut self, id: TaskId, key: &StreamKey, trigger: &LogEvent, log: &mut dyn Log) -> Vec<Case> {
        let Some(task) = self.book.get(id) else { return Vec::new() };
        let to = trigger.position(key);
        let cut = self.streams.get(key).and_then(|s| s.aside().cut);
        let consumed = |partition: &[Value]| {
            let place = (id, key.clone(), partition.to_vec());
            self.consumed.get(&place).copied()
        };
        let place = (task.id, key);
        let mut look = Look::new((self.book.triggered(), task.program), place, &consumed, &mut self.observation);
        let span = Span { stream: key, after: to.ts.minus(task.window), to, demand: &task.demand };
        let short = cut.is_some_and(|cut| cut.ts > span.after);
        let mut visit = |entry: &Entry| match entry {
            Entry::Event(event) if cut.is_none_or(|cut| event.position(key) > cut) => {
                look.come(event, task);
            }
            Entry::Gap(gap) if cut.is_none_or(|cut| Position { ts: gap.upto, seq: gap.seq } > cut) => {
                look.lose(Position { ts: gap.upto, seq: gap.seq });
            }
            Entry::Event(_) | Entry::Gap(_) => {}
        };
        if log.look_back(&span, &mut visit).is_err() {
            // What cannot be read is as good as gone: no answer rather than a wrong one. Who keeps the log knows why.
            return vec![Case { task: id, stream: key.clone(), key: Vec::new(), what: What::Truncated(to) }];
        }
        let Seen { mut cases, bounds, tally, .. } = look.finish(to);
        if short && cases.is_empty() {
            // What it did not find may have begun in what is gone.
            cases.push(Case { task: id, stream: key.clone(), key: Vec::new(), what: What::Truncated(to) });
        }
        self.effects.tally.capped += tally.capped;
        self.effects.tally.null_key += tally.null_key;
        for (partition, at) in bounds {
            self.effects.consumed.insert(bound_key(task, key, &partition), at);
            self.consumed.insert((id, key.clone(), partition), at);
        }
        cases
    }
}

impl<'a> Look<'a> {
    /// One of a program, for a task in a stream.
    pub(crate) fn new(
        (programs, program): (&'a ProgramSet, ProgramId),
        (task, stream): (TaskId, &'a StreamKey),
        consumed: &'a dyn Fn(&[Value]) -> Option<Position>,
        observation: &'a mut Observation,
    ) -> Self {
        Self {
            programs,
            program,
            task,
            stream,
            consumed,
            gaps: VecDeque::new(),
            runs: BTreeMap::new(),
            observation,
            tally: super::effects::Tally::default(),
            cases: Vec::new(),
        }
    }

    /// An event of the log comes; the task reads it or not.
    fn come(&mut self, event: &LogEvent, task: &Active) {
        let place = event.position(self.stream);
        let joined = !event.is_derived() || task.joins(&event.event.action_type, event.event.scene.as_deref());
        if task.reads(place) && joined {
            self.step(event);
        } else {
            self.pass(place);
        }
    }

    /// Events were lost; all of these are said before the first event.
    pub(crate) fn lose(&mut self, gap: Position) {
        self.gaps.push_back(gap);
    }

    /// The next event.
    pub(crate) fn step(&mut self, event: &LogEvent) {
        let place = event.position(self.stream);
        self.pass(place);
        let arrival = event.arrival(self.stream);
        let (programs, program) = (self.programs, self.program);
        let Some(hit) = programs.observe_for(program, &event.event, arrival, self.observation) else { return };
        let Some(partition) = programs.partition(program, self.observation) else {
            self.tally.null_key += 1;
            return;
        };
        let Some(compiled) = programs.program(program) else { return };
        let bound = (self.consumed)(&partition);
        let mut found = Vec::new();
        self.runs.entry(partition.clone()).or_insert_with(|| Runs::new(bound)).step(
            compiled,
            self.observation,
            hit,
            &mut found,
        );
        collect(&mut found, (self.task, self.stream, &partition), place, &mut self.tally, &mut self.cases);
    }

    /// Comes to a place: what waits for an absence ends where events were lost before it, or may have been.
    fn pass(&mut self, place: Position) {
        while let Some(gap) = self.gaps.front().copied().filter(|gap| *gap < place) {
            self.gaps.pop_front();
            self.end_waits(gap);
        }
        if self.gaps.iter().any(|gap| gap.seq < place.seq) {
            self.end_waits(place);
        }
    }

    fn end_waits(&mut self, place: Position) {
        let Some(program) = self.programs.program(self.program) else { return };
        for (partition, runs) in &mut self.runs {
            if runs.waits_for_absence(program) && runs.clear(program) {
                let key = partition.clone();
                let what = What::Gap(place);
                self.cases.push(Case { task: self.task, stream: self.stream.clone(), key, what });
            }
        }
    }

    /// Judges absences at the trigger. All matches carry its time; what they consumed, and up to where.
    pub(crate) fn finish(mut self, trigger: Position) -> Seen {
        self.pass(trigger);
        let (mut bounds, mut absences) = (Vec::new(), BTreeSet::new());
        if let Some(program) = self.programs.program(self.program) {
            for (partition, mut runs) in std::mem::take(&mut self.runs) {
                let mut found = Vec::new();
                runs.judge_at(program, trigger.ts, &mut found);
                let judged = !found.is_empty() && program.may_end_in_absence();
                collect(&mut found, (self.task, self.stream, &partition), trigger, &mut self.tally, &mut self.cases);
                // Whatever AFTER MATCH says: what one look back has given, no later one gives again.
                let bound = if judged { Some(trigger) } else { last_event(&self.cases, &partition) };
                let old = (self.consumed)(&partition);
                if judged {
                    absences.insert(partition.clone());
                }
                bounds.extend(bound.filter(|b| Some(*b) != old).map(|b| (partition, b)));
            }
        }
        let mut cases = self.cases;
        cases.retain(|c| !matches!(c.what, What::Timeout(_)));
        // In order of the partitions, not of the moments at which the matches were complete.
        cases.sort_by(|a, b| a.key.cmp(&b.key));
        for case in &mut cases {
            if let What::Match(m) = &mut case.what {
                at_trigger(m, trigger.ts);
            }
        }
        Seen { cases, bounds, judged: absences, tally: self.tally }
    }
}

/// The last event of the matches of a partition.
fn last_event(cases: &[Case], partition: &[Value]) -> Option<Position> {
    let end = |c: &Case| match &c.what {
        What::Match(m) if c.key == partition => Some(m.end),
        _ => None,
    };
    cases.iter().filter_map(end).max()
}

fn at_trigger(m: &mut Match, at: Timestamp) {
    m.at = at;
    m.by = ensue_matcher::Cause::Event;
}
