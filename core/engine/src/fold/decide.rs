//! What becomes of what was found at one moment: decisions, refusals, derived events.
//!
//! Matches that one event or instant completed compete: the outputs are judged in the order of priority, then of
//! documents, starts and event ids, so that the first takes what is limited. They are told in document order
//! ([`telling`]).

mod telling;

use std::cmp::Reverse;
use std::sync::Arc;

use ensue_matcher::{Cause, Match, Position};
use ensue_rule::{On, OutputKind, Timestamp, Value};
use rustc_hash::FxHashMap;

use super::Fold;
use super::hold::Held;
use super::matching::{Case, What};
use crate::dispatch::{self, Candidate, LedgerEntry, Verdict, open_outputs};
use crate::error::Error;
use crate::identity::{decision_id, match_id};
use crate::log::{Log, LogEvent, StreamKey};
use crate::outcome::{Decision, Named, Reason, Refusal};
use crate::store::{BoundEvents, Made};
use crate::tasks::Active;

/// A case on its way, with all that its outcomes share.
pub(super) struct Found {
    pub(super) task: Arc<Active>,
    pub(super) stream: StreamKey,
    key: Vec<Value>,
    what: What,
    /// The id of the match; of a run that died, of its place in the log.
    pub(super) id: Arc<str>,
    /// Of what time completed: the session of its last event, where a cap counts sessions.
    pub(super) session: Option<u64>,
    rulings: Vec<Ruling>,
}

/// What becomes of an output.
enum Ruling {
    Decide(Decision),
    Refuse(Refusal),
    /// It waits: until when, and what it would be.
    Hold(Timestamp, Decision),
    Derive {
        output: usize,
        action_type: Arc<str>,
        scene: Option<Arc<str>>,
    },
}

impl Found {
    /// A touch that waited, whatever becomes of it.
    pub(super) fn held(task: Arc<Active>, stream: StreamKey, due: Timestamp, held: Box<Held>) -> Self {
        let id = held.decision.match_id.clone();
        Self { task, stream, key: Vec::new(), what: What::Held(due, held), id, session: None, rulings: Vec::new() }
    }

    /// What the match of a touch that waited bound.
    pub(super) fn held_bound(&self) -> Option<Arc<BoundEvents>> {
        match &self.what {
            What::Held(_, held) => held.bound.clone(),
            _ => None,
        }
    }

    pub(super) fn matched(&self) -> Option<(&Match, On)> {
        match &self.what {
            What::Match(m) => Some((m, On::Match)),
            What::Timeout(m) => Some((m, On::Timeout)),
            What::Error(..) | What::Gap(_) | What::Truncated(_) | What::Failed(..) | What::Held(..) => None,
        }
    }

    pub(super) fn partition(&self) -> Option<&[Value]> {
        partition(&self.task, &self.key)
    }

    fn at(&self) -> Timestamp {
        match &self.what {
            What::Match(m) | What::Timeout(m) => m.at,
            What::Error(_, place) | What::Gap(place) | What::Truncated(place) | What::Failed(place, _) => place.ts,
            What::Held(due, _) => *due,
        }
    }

    /// Timeouts before matches, document order; what time completed also by start.
    fn telling_order(&self) -> (bool, (u32, u32), Position) {
        let timeout = matches!(self.what, What::Timeout(_));
        let start = self.matched().filter(|(m, _)| m.by == Cause::Time).map(|(m, _)| m.start);
        (!timeout, self.task.order, start.unwrap_or_default())
    }

    fn competing_order(&self) -> (Reverse<i64>, (u32, u32), Position, Vec<u64>) {
        let (start, events) = match self.matched() {
            Some((m, _)) => (m.start, m.bindings.iter().flat_map(|(_, seqs)| seqs).copied().collect()),
            None => (Position::default(), Vec::new()),
        };
        (Reverse(self.task.task.policy.priority), self.task.order, start, events)
    }
}

impl Fold {
    /// Decides what was found at one moment, at `event` or by time.
    pub(super) fn decide(
        &mut self,
        cases: Vec<Case>,
        event: Option<&LogEvent>,
        log: &mut dyn Log,
    ) -> Result<(), Error> {
        if cases.is_empty() {
            return Ok(());
        }
        if self.quiet {
            if self.only.is_some() {
                for case in cases.iter().filter(|c| matches!(c.what, What::Match(_))) {
                    *self.found.entry(case.task).or_default() += 1;
                }
            }
            return Ok(());
        }
        let mut found = self.named(cases);
        if !self.knows_past() && found.iter().any(|f| self.looks_back(f)) {
            let past = log.decided(&self.counting());
            past.into_iter().for_each(|past| self.restore_ledger(past));
        }
        if event.is_none() && self.book.counts_sessions() {
            // What the stream knows of later sessions differs after a restart, which knows of unwanted events too.
            for f in &mut found {
                f.session = f.matched().and_then(|(m, _)| log.session_of(m.end.seq));
            }
        }
        found.sort_by_key(Found::telling_order);
        let mut order: Vec<usize> = (0..found.len()).collect();
        order.sort_by_cached_key(|i| found.get(*i).map(Found::competing_order));
        for i in order {
            let Some(f) = found.get_mut(i) else { continue };
            f.rulings = self.rule_on(f, event);
        }
        for f in found {
            self.tell(f, event, log)?;
        }
        Ok(())
    }

    /// Whether a control asks for past decisions, if there is a touch.
    fn looks_back(&self, f: &Found) -> bool {
        dispatch::looks_back(&f.task.task.policy, self.book.documents())
    }

    /// The cases with their tasks and ids.
    fn named(&self, cases: Vec<Case>) -> Vec<Found> {
        let mut ordinals: FxHashMap<Arc<str>, u32> = FxHashMap::default();
        let (mut named, alone) = (Vec::with_capacity(cases.len()), cases.len() == 1);
        for Case { task, stream, key, what } in cases {
            let Some(task) = self.book.get(task).cloned() else { continue };
            let mut name = |m: &Match| {
                let (user, key_of) = (stream.user().map(|u| &**u), partition(&task, &key));
                let id_of = |ordinal| match_id(&task.task.id, task.hash, user, key_of, m, ordinal);
                let first = id_of(0);
                if alone {
                    return first;
                }
                let ordinal = ordinals.entry(first.clone()).and_modify(|n| *n += 1).or_insert(0);
                if *ordinal == 0 { first } else { id_of(*ordinal) }
            };
            let id = match &what {
                What::Match(m) | What::Timeout(m) => name(m),
                What::Error(_, place) | What::Gap(place) | What::Truncated(place) | What::Failed(place, _) => {
                    name(&at_place(*place))
                }
                What::Held(_, held) => held.decision.match_id.clone(),
            };
            named.push(Found { task, stream, key, what, id, session: None, rulings: Vec::new() });
        }
        named
    }

    /// What becomes of one case: a ruling for each output that it opens, or one refusal.
    fn rule_on(&mut self, f: &Found, event: Option<&LogEvent>) -> Vec<Ruling> {
        let (m, on) = match (&f.what, f.matched()) {
            (What::Gap(_), _) => return vec![Ruling::Refuse(self.died(f, Reason::Gap, GAP.to_owned()))],
            (What::Truncated(_), _) => {
                return vec![Ruling::Refuse(self.died(f, Reason::HistoryTruncated, TRUNCATED.to_owned()))];
            }
            (What::Failed(_, why), _) => {
                return vec![Ruling::Refuse(self.died(f, Reason::Script, why.clone()))];
            }
            (What::Error(stage, _), _) => {
                let detail = format!("no event is bound to `{stage}`, to which the match would skip");
                return vec![Ruling::Refuse(self.died(f, Reason::Error, detail))];
            }
            (What::Held(due, held), _) => {
                let when = self.moment(f, event);
                return vec![self.ask(f, held.decision.clone(), Some(*due), when)];
            }
            (_, Some(matched)) => matched,
            (_, None) => return Vec::new(),
        };
        let task = f.task.task.clone();
        let open = open_outputs(&task, on, &m.values);
        let asked = match on {
            On::Match => !task.outputs.is_empty(),
            On::Timeout => task.outputs.iter().any(|o| o.on == On::Timeout),
        };
        if open.is_empty() && asked {
            return vec![Ruling::Refuse(self.none_opens(f, m))];
        }
        let when = self.moment(f, event);
        let mut rulings = Vec::new();
        for (output, o) in open {
            rulings.push(match &o.kind {
                OutputKind::Event { action_type, scene } => {
                    Ruling::Derive { output, action_type: action_type.clone(), scene: scene.clone() }
                }
                OutputKind::Touch { touch, payload } => {
                    let decision = self.draft(f, m, (output, touch, payload));
                    self.ask(f, decision, None, when)
                }
            });
        }
        rulings
    }

    /// The user's offset of local time and session: those of the event, which rules read as well, or as last known.
    fn moment(&self, f: &Found, event: Option<&LogEvent>) -> (i32, u64) {
        let last = || {
            let (offset, session) = self.streams.get(&f.stream).map_or((0, 0), |s| (s.utc_offset_min, s.session));
            (offset, f.session.unwrap_or(session))
        };
        event.map_or_else(last, |e| (e.utc_offset_min(), e.session))
    }

    /// What a touch would be, if nothing keeps it back.
    fn draft(&self, f: &Found, m: &Match, (output, touch, payload): (usize, &Arc<str>, &Value)) -> Decision {
        Decision {
            id: decision_id(&f.id, output),
            task: f.task.task.id.clone(),
            version: f.task.version,
            user: f.stream.user().cloned(),
            at: m.at,
            line: self.line,
            output,
            touch: touch.clone(),
            payload: payload.clone(),
            values: Named(m.values.clone()),
            match_id: f.id.clone(),
            expires_at: None,
        }
    }

    /// Asks the controls; `due`: it was held until then.
    fn ask(
        &mut self,
        f: &Found,
        decision: Decision,
        due: Option<Timestamp>,
        (utc_offset_min, session): (i32, u64),
    ) -> Ruling {
        let (since, task) = (decision.at, f.task.clone());
        let at = due.unwrap_or(since);
        let candidate = Candidate {
            task: &task.task,
            source: &task.source,
            touch: &decision.touch,
            user: f.stream.user(),
            since,
            at,
            now: self.time(&f.stream).max(at),
            held: due.is_some(),
            utc_offset_min,
            session,
            documents: self.book.documents(),
            install: self.install,
        };
        let expires_at = candidate.expires_at();
        if !self.knows_past() && self.looks_back(f) {
            let decision = Decision { at, line: self.line, expires_at, ..decision };
            return Ruling::Refuse(refused(decision, Reason::HistoryTruncated, UNREAD.to_owned()));
        }
        match dispatch::judge(&candidate, self.daybook.ledger()) {
            Verdict::Pass => {
                let entry = LedgerEntry::of(&candidate, &decision.id, &f.stream);
                let decision = Decision { at, line: self.line, expires_at, ..decision };
                self.daybook.note(entry.clone());
                let origin = self.origin(f, None);
                self.effects.decisions.push(Made { decision: decision.clone(), entry, origin });
                Ruling::Decide(decision)
            }
            Verdict::Refuse(reason, detail) => {
                Ruling::Refuse(refused(Decision { at, line: self.line, expires_at, ..decision }, reason, detail))
            }
            Verdict::Hold(until) => Ruling::Hold(until, decision),
        }
    }

    /// The refusal of a match that opens no output.
    fn none_opens(&self, f: &Found, m: &Match) -> Refusal {
        Refusal {
            values: Named(m.values.clone()),
            match_id: Some(f.id.clone()),
            ..self.died(f, Reason::When, "no output opens for these values".to_owned())
        }
    }

    /// The refusal of a run that had to die.
    fn died(&self, f: &Found, reason: Reason, detail: String) -> Refusal {
        Refusal {
            id: f.id.clone(),
            task: f.task.task.id.clone(),
            version: f.task.version,
            user: f.stream.user().cloned(),
            at: f.at(),
            line: self.line,
            output: None,
            touch: None,
            payload: Value::Null,
            values: Named::default(),
            match_id: None,
            expires_at: None,
            reason,
            detail,
        }
    }
}

const GAP: &str = "events were lost while a run waited for an absence";
const UNREAD: &str = "past decisions, which a control asks for, can't be read";
const TRUNCATED: &str = "events that a run needed are no longer kept";

/// A stand-in for a match that there is not, to name a place in the log by.
fn at_place(place: Position) -> Match {
    let stage: Arc<str> = "".into();
    Match {
        bindings: vec![(stage, [place.seq].into_iter().collect())],
        start: place,
        end: place,
        at: place.ts,
        by: Cause::Event,
        values: Vec::new(),
    }
}

fn partition<'a>(task: &Active, key: &'a [Value]) -> Option<&'a [Value]> {
    // A script has the whole stream before it.
    (!task.task.rule.partition_by.is_empty() && task.task.script().is_none()).then_some(key)
}

/// The refusal that stands in place of a decision.
pub(super) fn refused(d: Decision, reason: Reason, detail: String) -> Refusal {
    Refusal {
        id: d.id,
        task: d.task,
        version: d.version,
        user: d.user,
        at: d.at,
        line: d.line,
        output: Some(d.output),
        touch: Some(d.touch),
        payload: d.payload,
        values: d.values,
        match_id: Some(d.match_id),
        expires_at: d.expires_at,
        reason,
        detail,
    }
}
