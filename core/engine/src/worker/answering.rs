//! Answering "why not?": the retained log folded once more for one task, run by run, aside from everything.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use ensue_matcher::{Found, Furthest, Position, Trace, Tracer};
use ensue_rule::{TaskScope, Timestamp, Value};

use super::Worker;
use crate::answer::{BoundEvent, History, Names, Question, Told, Triggers, Verdict, Whose, Why, WhyNot};
use crate::error::{Error, Kind};
use crate::log::{Entry, Log, LogEvent, Span, StreamKey};
use crate::outcome::Named;
use crate::store::{Asked, Known, Origin, UserState, WAITING};
use crate::tasks::Active;

/// Streams asked about at once.
const STREAMS: usize = 1_000;

/// Partitions followed at once.
const PARTITIONS: usize = 1_000;

/// The last triggers at which it is looked back again, where that is no more than so many events.
const TRIGGERS: usize = 8;
const LOOKED_AT: u64 = 8_000;

/// One stream of one task, followed.
struct Follow<'a> {
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
    consumed: BTreeMap<Vec<Value>, Position>,
    /// Only looked at for triggers.
    still: bool,
    out: Seen,
}

/// What was seen of a stream.
#[derive(Default)]
struct Seen {
    history: History,
    events: u64,
    triggers: Triggers,
    /// The last triggers.
    looks: VecDeque<Position>,
    matches: u64,
    last_match: Option<Timestamp>,
    timeouts: u64,
    null_keys: u64,
    capped: bool,
    furthest: Option<(Furthest, Vec<Value>)>,
}

impl Worker {
    /// Answers for each task that is asked about, in document order.
    pub(super) fn why_not(&mut self, question: &Question) -> Result<Vec<WhyNot>, Error> {
        let asked = |t: &&Active| question.task.as_ref().is_none_or(|id| *id == t.task.id);
        let mut tasks: Vec<Active> = self.fold.book.tasks().filter(asked).cloned().collect();
        if let (true, Some(task)) = (tasks.is_empty(), &question.task) {
            return Err(Error::new(Kind::UnknownTask { task: task.clone() }));
        }
        tasks.sort_by_key(|t| t.order);
        tasks.iter().map(|task| self.why_not_task(task, question)).collect()
    }

    fn why_not_task(&mut self, task: &Active, question: &Question) -> Result<WhyNot, Error> {
        let (streams, capped) = self.streams_of(task, &question.user)?;
        let limits = &self.shared.config.limits;
        let tracer = Tracer::new(&task.task.rule, &task.task.filter, limits);
        let mut tracer = tracer.map_err(|e| Error::new(Kind::Uncompiled { why: e.to_string() }))?;
        let mut answer = self.decided(task, question)?;
        answer.capped = capped;
        for (stream, state) in &streams {
            let seen = self.follow(task, (stream, state), &mut tracer, question.since)?;
            self.add(&mut answer, stream, seen, (task, question));
        }
        if task.is_triggered() {
            answer.triggers.get_or_insert_default();
        }
        Ok(answer)
    }

    /// What the store knows of the task's outcomes.
    fn decided(&mut self, task: &Active, question: &Question) -> Result<WhyNot, Error> {
        let stream = match (&question.user, task.task.scope) {
            (_, TaskScope::Device) => Some(StreamKey::Device),
            (Whose::Everyone, TaskScope::User) => None,
            (Whose::User(user), TaskScope::User) => Some(StreamKey::User(user.clone())),
        };
        let user = stream.as_ref().and_then(StreamKey::user).cloned();
        let since = question.since.unwrap_or(Timestamp::MIN);
        let asked = Asked { source: &task.source, task: &task.task.id, stream, since };
        let (mut decisions, mut waiting, mut refusals) = (0, 0, BTreeMap::new());
        for (reason, n) in self.store.outcomes(&asked)? {
            match reason {
                None => decisions = n,
                Some(reason) if reason == WAITING => waiting = n,
                Some(reason) => {
                    refusals.insert(reason, n);
                }
            }
        }
        Ok(WhyNot {
            task: task.task.id.clone(),
            source: task.source.clone(),
            version: task.version,
            user,
            since: question.since,
            history: History::default(),
            events: 0,
            script: task.task.script().map(|(name, _)| name.clone()),
            triggers: None,
            matches: 0,
            last_match: None,
            timeouts: 0,
            decisions,
            waiting,
            refusals,
            last_refusal: self.store.last_refusal(&asked)?,
            null_keys: 0,
            furthest: None,
            capped: false,
        })
    }

    /// Why there is a decision or a refusal.
    pub(super) fn why(&mut self, id: &str) -> Result<Why, Error> {
        let unknown = |erased| Error::new(Kind::UnknownId { id: id.chars().take(80).collect(), erased });
        let (known, source, Origin { bound, checks }) = self.store.known(id)?.ok_or_else(|| unknown(false))?;
        let verdict = match known {
            Known::Decision(d) => Verdict::Decision(d),
            Known::Refusal(r) => Verdict::Refusal(r),
            Known::Waiting(decision, due) => Verdict::Waiting { decision, due },
            Known::Erased => return Err(unknown(true)),
        };
        let mut events = Vec::new();
        for (stage, seqs) in bound.iter().flat_map(|b| &b.events) {
            let kept = seqs.iter().map(|seq| self.bound_event(*seq)).collect::<Result<Vec<_>, Error>>()?;
            events.push((stage.clone(), kept));
        }
        let told = |(kind, at): (crate::FeedbackKind, Timestamp)| Told { feedback: kind.as_str(), at };
        Ok(Why {
            id: id.into(),
            verdict,
            source,
            by: bound.as_ref().map(|b| b.by.clone()),
            partition: bound.and_then(|b| b.partition.clone()),
            events: Named(events),
            checks,
            feedback: self.store.feedback_of(id)?.into_iter().map(told).collect(),
        })
    }

    fn bound_event(&mut self, seq: u64) -> Result<BoundEvent, Error> {
        let id = self.store.label(seq).unwrap_or_else(|| Value::Int(i64::try_from(seq).unwrap_or(i64::MAX)));
        Ok(BoundEvent { id, event: self.store.retained(seq)? })
    }

    /// The streams that the task has of those asked about, with how far they have come.
    fn streams_of(&mut self, task: &Active, whose: &Whose) -> Result<(Vec<(StreamKey, UserState)>, bool), Error> {
        self.save_reached()?;
        let mut streams = self.store.streams()?;
        streams.retain(|(key, _)| {
            let asked = match (key, whose) {
                (StreamKey::User(user), Whose::User(asked)) => user == asked,
                _ => true,
            };
            key.is_of(task.task.scope) && asked
        });
        let capped = streams.len() > STREAMS;
        streams.truncate(STREAMS);
        Ok((streams, capped))
    }

    /// Follows one stream.
    fn follow(
        &mut self,
        task: &Active,
        (stream, state): (&StreamKey, &UserState),
        tracer: &mut Tracer,
        since: Option<Timestamp>,
    ) -> Result<Seen, Error> {
        let lateness = self.shared.config.lateness;
        let now = self.fold.time(stream).max(state.folded.minus(lateness));
        let to = Position { ts: now, seq: u64::MAX };
        let since = since.unwrap_or(Timestamp::MIN);
        let span = Span { stream, after: Timestamp::MIN, to, demand: &task.demand };
        let mut follow = Follow::new((task, stream), tracer, since, state.cut);
        follow.still = task.is_triggered();
        self.store.look_back(&span, &mut |entry| follow.visit(entry))?;
        if task.is_triggered() {
            let all = follow.finish(now);
            if task.task.script().is_some() {
                return Ok(all);
            }
            return self.look_again((task, stream), tracer, (since, state.cut), all);
        }
        follow.pass(to);
        follow.advance_to(now);
        Ok(follow.finish(now))
    }

    /// Looks back again at the last triggers; the story is that of the last.
    fn look_again(
        &mut self,
        (task, stream): (&Active, &StreamKey),
        tracer: &mut Tracer,
        (since, cut): (Timestamp, Option<Position>),
        mut all: Seen,
    ) -> Result<Seen, Error> {
        let mut consumed: BTreeMap<Vec<Value>, Position> = BTreeMap::new();
        let looks = usize::try_from(LOOKED_AT / all.events.max(1)).unwrap_or(TRIGGERS).clamp(1, TRIGGERS);
        let mut triggers = std::mem::take(&mut all.looks);
        triggers.drain(..triggers.len().saturating_sub(looks));
        for to in triggers {
            let span = Span { stream, after: to.ts.minus(task.window), to, demand: &task.demand };
            let mut look = Follow::new((task, stream), tracer, Timestamp::MIN, cut);
            look.consumed = std::mem::take(&mut consumed);
            self.store.look_back(&span, &mut |entry| look.visit(entry))?;
            look.pass(to);
            look.judge(to);
            consumed = std::mem::take(&mut look.consumed);
            let seen = look.finish(to.ts);
            all.triggers.looked += 1;
            if to.ts >= since {
                all.matches += seen.matches;
                all.last_match = all.last_match.max((seen.matches > 0).then_some(to.ts));
            }
            all.capped |= seen.capped;
            all.furthest = if seen.matches > 0 { None } else { seen.furthest };
        }
        Ok(all)
    }

    /// Adds what was seen of one stream to the answer.
    fn add(&mut self, answer: &mut WhyNot, stream: &StreamKey, seen: Seen, (task, question): (&Active, &Question)) {
        answer.events += seen.events;
        answer.matches += seen.matches;
        answer.last_match = answer.last_match.max(seen.last_match);
        answer.timeouts += seen.timeouts;
        answer.null_keys += seen.null_keys;
        answer.capped |= seen.capped;
        let history = &mut answer.history;
        history.from = history.from.into_iter().chain(seen.history.from).min();
        history.to = history.to.max(seen.history.to);
        history.cut |= seen.history.cut;
        if task.is_triggered() {
            let triggers = answer.triggers.get_or_insert_default();
            triggers.count += seen.triggers.count;
            triggers.last = triggers.last.max(seen.triggers.last);
            triggers.looked += seen.triggers.looked;
        }
        let Some((furthest, key)) = seen.furthest.filter(|_| seen.events > 0) else { return };
        let came = if furthest.stage.is_some() { furthest.lacks } else { u32::MAX };
        if answer.furthest.is_none() || came < answer.lacks() {
            let partition = (!task.task.rule.partition_by.is_empty()).then_some(key);
            let store = &mut self.store;
            let mut names = Names { label: &mut |seq| store.label(seq), wording: question.wording };
            answer.furthest = Some(names.story(&furthest, stream.user().cloned(), partition));
        }
    }
}

impl<'a> Follow<'a> {
    fn new(
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

    fn visit(&mut self, entry: &Entry) {
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
    fn pass(&mut self, place: Position) {
        while let Some(gap) = self.gaps.front().copied().filter(|gap| *gap < place) {
            self.gaps.pop_front();
            self.traces.values_mut().for_each(|t| t.lose(self.tracer, gap));
        }
        if self.gaps.iter().any(|gap| gap.seq < place.seq) {
            self.traces.values_mut().for_each(|t| t.lose(self.tracer, place));
        }
    }

    /// Judges absences at a trigger.
    fn judge(&mut self, trigger: Position) {
        let absence = self.tracer.program().may_end_in_absence();
        for (key, mut trace) in std::mem::take(&mut self.traces) {
            trace.judge_at(self.tracer, trigger.ts, &mut self.found);
            self.heed(&key, absence.then_some(trigger));
            self.traces.insert(key, trace);
        }
    }

    /// Time comes to `now`.
    fn advance_to(&mut self, now: Timestamp) {
        for (key, mut trace) in std::mem::take(&mut self.traces) {
            trace.advance_to(self.tracer, now, &mut self.found);
            self.heed(&key, None);
            self.traces.insert(key, trace);
        }
    }

    /// What was seen until `now`; the furthest of all partitions.
    fn finish(mut self, now: Timestamp) -> Seen {
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
