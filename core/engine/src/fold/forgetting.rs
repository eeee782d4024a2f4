//! History that is no longer kept: a stream cut off at a place, a user erased.
//!
//! What a stream was at or before its cut nothing reads any more, so that the fold of what is left and the live state stay
//! one and the same. A run that began there dies and says so: no answer rather than a wrong one.

use ensue_matcher::Position;
use ensue_rule::Timestamp;

use super::matching::{Case, What, collect, note_bound};
use super::{Fold, Labels};
use crate::dispatch::Daybook;
use crate::error::Error;
use crate::log::{Log, StreamKey};

impl Fold {
    /// The history of a stream at or before `upto` goes: runs that began there end.
    pub(crate) fn cut(&mut self, key: &StreamKey, upto: Position, log: &mut dyn Log) -> Result<(), Error> {
        self.line = None;
        self.settle(key);
        let now = self.time(key);
        let stream = self.streams.entry(key.clone()).or_default();
        let aside = stream.aside_mut();
        aside.cut = aside.cut.max(Some(upto));
        aside.pending.retain(|place, _| *place > upto);
        let keys = stream.lives.keys();
        let (mut cases, mut found) = (Vec::new(), Vec::new());
        for run in keys {
            let Some(task) = self.book.get(run.task) else { continue };
            let Some(program) = self.book.program(task).cloned() else { continue };
            let Some(mut live) = stream.lives.take(&run) else { continue };
            let before = live.runs.skip_bound();
            live.end_over(&program, now);
            if live.runs.truncate(&program, upto, &mut found) {
                let what = What::Truncated(upto);
                cases.push(Case { task: run.task, stream: key.clone(), key: run.key.to_vec(), what });
            }
            let whose = (&**task, key, &*run.key);
            collect(&mut found, (task.id, key, &run.key), upto, &mut self.effects.tally, &mut cases);
            note_bound(&live, before, whose, &mut self.effects.bounds);
            stream.lives.keep(live, &program);
        }
        self.consumed.retain(|(_, stream, _), place| stream != key || *place > upto);
        self.index(key);
        self.decide(cases, None, log)?;
        self.run(log)
    }

    /// The log before the entry `next` is gone: nothing reads there any more. Runs that are alive have seen it, and go on.
    pub(crate) fn lose_log(&mut self, next: u64) {
        let (lateness, seq) = (self.lateness, next.saturating_sub(1));
        for (key, stream) in self.streams.iter_mut().filter(|(_, s)| s.frontier > Timestamp::MIN) {
            // What still may come on time has a place behind it.
            let upto = Position { ts: stream.frontier.minus(lateness), seq };
            stream.put_cut(stream.aside().cut.max(Some(upto)));
            // Its row may have been torn, too.
            self.effects.cuts.insert(key.clone());
        }
    }

    /// The newest place of a stream there can have been before the entry `next`.
    pub(crate) fn newest(&self, key: &StreamKey, next: u64) -> Option<Position> {
        let stream = self.streams.get(key)?;
        let ts = stream.frontier.max(stream.aside().pushed).max(stream.floor);
        Some(Position { ts, seq: next.saturating_sub(1) })
    }

    /// A stream as if there had never been one. What is left of past decisions is read again from the store.
    pub(crate) fn erase(&mut self, key: &StreamKey) {
        self.resting.remove(key);
        if let Some(at) = self.streams.remove(key).and_then(|s| s.indexed()) {
            self.due.remove(&(at, key.clone()));
        }
        self.consumed.retain(|(_, stream, _), _| stream != key);
        self.effects.erase(key);
        self.drop_calls(key);
        self.fed.retain(|fed| fed != key);
        // They may be of anyone; what is shown of older events is read from the log.
        self.labels = Labels::default();
        self.observation = ensue_matcher::Observation::default();
        self.recalled = ensue_matcher::Observation::default();
        self.daybook = Daybook::default();
    }
}
