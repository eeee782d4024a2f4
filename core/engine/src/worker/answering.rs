//! Answering "why not?": the retained log folded once more for one task, run by run, aside from everything.

mod follow;

use std::collections::BTreeMap;

use ensue_matcher::{Position, Tracer};
use ensue_rule::{TaskScope, Timestamp, Value};

use super::Worker;
use crate::answer::{BoundEvent, History, Names, Question, Told, Verdict, Whose, Why, WhyNot};
use crate::error::{Error, Kind};
use crate::log::{Log, Span, StreamKey};
use crate::outcome::Named;
use crate::store::{Asked, Known, Origin, UserState, WAITING};
use crate::tasks::Active;
use follow::{Follow, Seen, TRIGGERS};

/// Streams asked about at once.
const STREAMS: usize = 1_000;

/// Events that are looked at again, at most, for the last triggers.
const LOOKED_AT: u64 = 8_000;

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
