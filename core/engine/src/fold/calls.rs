//! Calls of scripts: noted at a trigger, asked by the worker after the commit, one after another; here again with their
//! answers.
//!
//! The order is that of the triggers, and an answer is folded before the next is asked: what its matches consumed, the
//! next call does not see.

use std::sync::Arc;

use ensue_matcher::Position;
use ensue_rule::Timestamp;

use super::Fold;
use super::effects::BoundKey;
use super::matching::{Case, What, bound_key};
use crate::error::Error;
use crate::identity;
use crate::log::{Log, LogEvent, StreamKey};
use crate::pending::{Answer, Reach};
use crate::tasks::TaskId;

/// Calls that wait; where more triggers come, they are refused.
const WAITING: usize = 1_000;

/// A call that waits for its turn, or for its answer.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    /// Its number in this fold.
    pub(crate) n: u64,
    pub(crate) task: TaskId,
    pub(crate) stream: StreamKey,
    pub(crate) trigger: Arc<LogEvent>,
    /// The input line of the trigger.
    pub(crate) line: Option<u64>,
}

/// A call as it is remembered.
#[derive(Clone, Debug)]
pub(crate) struct CallRecord {
    /// Stable hex id: of its task, rule and trigger.
    pub(crate) id: Arc<str>,
    pub(crate) source: Arc<str>,
    pub(crate) task: Arc<str>,
    /// The hash of the task's rule, in hex.
    pub(crate) rule: String,
    pub(crate) stream: StreamKey,
    /// The place of the trigger.
    pub(crate) trigger: Position,
    /// What came of it.
    pub(crate) answer: Option<Answer>,
}

/// Why a call cannot be asked.
pub(crate) enum Unasked {
    /// Its task is gone: nobody wants to know any more.
    Gone,
    /// Its history is no longer whole.
    Truncated,
}

impl Fold {
    /// Notes that a script is to be asked; what there is to decide at once, where too many wait.
    pub(super) fn note_call(&mut self, task: TaskId, stream: &StreamKey, trigger: &Arc<LogEvent>) -> Option<Case> {
        if self.waiting.len() >= WAITING {
            let what = What::Failed(trigger.position(stream), format!("{WAITING} calls of scripts wait already"));
            return Some(Case { task, stream: stream.clone(), key: Vec::new(), what });
        }
        let call = Waiting { n: 0, task, stream: stream.clone(), trigger: trigger.clone(), line: self.line };
        self.effects.calls.extend(self.record_of(&call, None));
        self.wait_for(call);
        None
    }

    /// Puts a call behind those that wait.
    pub(crate) fn wait_for(&mut self, call: Waiting) {
        self.noted += 1;
        self.waiting.push_back(Waiting { n: self.noted, ..call });
    }

    /// Over what the next call looks back; or that it cannot be asked.
    pub(crate) fn reach_of(&self, call: &Waiting) -> Result<Reach, Unasked> {
        let task = self.book.get(call.task).cloned().ok_or(Unasked::Gone)?;
        let to = call.trigger.position(&call.stream);
        let after = to.ts.minus(task.window);
        let consumed = self.consumed.get(&(call.task, call.stream.clone(), Vec::new())).copied();
        let reach = Reach { task, stream: call.stream.clone(), after, consumed, to };
        if self.is_whole(&reach) { Ok(reach) } else { Err(Unasked::Truncated) }
    }

    /// Whether all of a history is still there.
    pub(crate) fn is_whole(&self, reach: &Reach) -> bool {
        let from = reach.consumed.map_or(reach.after, |c| c.ts.max(reach.after));
        self.streams.get(&reach.stream).and_then(|s| s.aside().cut).is_none_or(|cut| cut.ts <= from)
    }

    /// The history of a call is not whole: it is refused, unasked.
    pub(crate) fn refuse_call(&mut self, call: &Waiting, log: &mut dyn Log) -> Result<(), Error> {
        let what = What::Truncated(call.trigger.position(&call.stream));
        // Whoever reads the answers again sees that there was none.
        let none = Answer::Failed("its history is no longer whole".to_owned());
        self.effects.calls.extend(self.record_of(call, Some(none)));
        self.settle_call(call, vec![what], log)
    }

    /// Takes an answer: what it found is decided at its trigger, and consumed.
    pub(crate) fn answer(&mut self, call: &Waiting, answer: Answer, log: &mut dyn Log) -> Result<(), Error> {
        let Some(task) = self.book.get(call.task).cloned() else { return Ok(()) };
        let place = call.trigger.position(&call.stream);
        let whats = match &answer {
            Answer::Matches(found) => found.iter().map(|a| What::Match(a.to_match(place.ts))).collect(),
            Answer::Failed(why) => vec![What::Failed(place, why.clone())],
        };
        if let Answer::Matches(found) = &answer
            && let Some(upto) = found.iter().map(|a| a.upto().min(place)).max()
        {
            let key: BoundKey = bound_key(&task, &call.stream, &[]);
            self.effects.consumed.insert(key, upto);
            self.consumed.insert((call.task, call.stream.clone(), Vec::new()), upto);
        }
        self.effects.calls.extend(self.record_of(call, Some(answer)));
        self.settle_call(call, whats, log)
    }

    /// Forgets the calls of a stream.
    pub(crate) fn drop_calls(&mut self, stream: &StreamKey) {
        self.waiting.retain(|call| call.stream != *stream);
    }

    fn settle_call(&mut self, call: &Waiting, whats: Vec<What>, log: &mut dyn Log) -> Result<(), Error> {
        self.line = call.line;
        let of = |what| Case { task: call.task, stream: call.stream.clone(), key: Vec::new(), what };
        let user = StreamKey::User(call.stream.user().cloned());
        self.fed = vec![user, StreamKey::Device];
        self.decide(whats.into_iter().map(of).collect(), Some(&call.trigger), log)?;
        self.run(log)
    }

    fn record_of(&self, call: &Waiting, answer: Option<Answer>) -> Option<CallRecord> {
        let task = self.book.get(call.task)?;
        let trigger = call.trigger.position(&call.stream);
        Some(CallRecord {
            id: identity::call_id(&task.task.id, task.hash, call.stream.user().map(|u| &**u), trigger),
            source: task.source.clone(),
            task: task.task.id.clone(),
            rule: task.hash.to_string(),
            stream: call.stream.clone(),
            trigger,
            answer,
        })
    }

    /// The call that the store remembers, if its task still runs as it did.
    pub(crate) fn waiting_of(&self, record: &CallRecord, trigger: Arc<LogEvent>) -> Option<Waiting> {
        let same = |t: &&crate::tasks::Active| {
            t.source == record.source && t.task.id == record.task && t.hash.to_string() == record.rule
        };
        let task = self.book.tasks().find(same)?.id;
        Some(Waiting { n: 0, task, stream: record.stream.clone(), trigger, line: None })
    }

    /// For how long answers are read again.
    pub(crate) fn oldest_answer(&self, stream: &StreamKey, folded: Option<Timestamp>) -> Timestamp {
        self.time_of(stream, folded).minus(self.book.longest_window())
    }
}
