//! What the worker is asked, in the order in which it was asked among the events.

use std::sync::Arc;

use ensue_rule::{TaskSet, Timestamp};
use rustc_hash::{FxHashMap, FxHashSet};

use super::queries::Query;
use super::{Next, Worker};
use crate::error::{Error, Kind};
use crate::fold::Remembered;
use crate::outcome::Decision;
use crate::reply;
use crate::report::ApplyReport;
use crate::tasks::TaskId;

/// Where the answer goes. Nobody may be waiting any more.
pub(crate) type Reply<T> = reply::Reply<Result<T, Error>>;

/// What the worker is asked.
#[derive(Debug)]
pub(crate) enum Command {
    /// To put task sets in force.
    Apply(Vec<TaskSet>, Reply<ApplyReport>),
    /// To say when all before it is committed.
    Flush(Reply<()>),
    /// To say when all before it is on the disk.
    Sync(Reply<()>),
    /// To move time.
    Advance(Timestamp, Reply<()>),
    /// For the oldest decisions in the outbox.
    Decisions(usize, Reply<Vec<Decision>>),
    /// To take decisions out of the outbox.
    Ack(Vec<String>, Reply<usize>),
    /// To erase a user.
    Forget(Option<Arc<str>>, Reply<()>),
    /// To erase everyone and to take nothing any more.
    OptOut(Reply<()>),
    /// To take events again.
    OptIn(Reply<()>),
    /// For all that is stored of a user, as JSON.
    Export(Option<Arc<str>>, Reply<String>),
    /// For answers, counters, and what may leave.
    Query(Query),
    /// To put users away, of whom there are too many in memory.
    PutAway,
    /// To see what the thread that asks scripts wishes.
    Rung,
    /// To tell the listener of the decisions in the outbox.
    Redeliver,
    /// To end.
    Stop,
}

impl Worker {
    /// Does what it is asked. All items before it are committed.
    pub(super) fn obey(&mut self, command: Command) -> Next {
        self.fold.audience = self.shared.audience();
        match command {
            Command::Apply(sets, reply) => {
                let applied = self.apply(sets);
                self.ask_all();
                self.show();
                reply.send(applied);
            }
            Command::Flush(reply) => self.flush_behind_calls(reply),
            Command::Sync(reply) => {
                let synced = self.sync();
                let failed = self.last_error.take().map_or(Ok(()), Err);
                reply.send(failed.and(synced));
            }
            Command::Advance(t, reply) => {
                let advanced = self.advance(t);
                self.ask_all();
                reply.send(advanced);
            }
            Command::Decisions(limit, reply) => {
                reply.send(self.store.decisions(limit));
            }
            Command::Ack(ids, reply) => {
                reply.send(self.ack(&ids));
            }
            Command::Forget(user, reply) => {
                reply.send(self.forget(user.as_ref()));
            }
            Command::OptOut(reply) => {
                reply.send(self.opt_out());
            }
            Command::OptIn(reply) => {
                reply.send(self.opt_in());
            }
            Command::Export(user, reply) => {
                reply.send(self.export(user.as_ref()));
            }
            Command::Query(query) => self.answer(query),
            Command::PutAway => {
                if let Err(error) = self.put_away() {
                    self.last_error.get_or_insert(error);
                }
                self.shared.ingest.has_put_away();
            }
            Command::Rung => self.answer_bell(),
            Command::Redeliver => {
                let waiting = self.reminder().unwrap_or_default();
                self.delivery.remind(&self.shared, waiting);
            }
            Command::Stop => return Next::Stop,
        }
        Next::Go
    }

    /// Puts on the disk what is committed: with a transaction of its own, which the log is synced after.
    fn sync(&mut self) -> Result<(), Error> {
        if self.fold.book.is_empty() && !self.off {
            return Err(Error::new(Kind::NoTasks));
        }
        self.store.sync_commits(true)?;
        let written = self.in_transaction(|w| w.put_reached().and_then(|()| w.store.count_sync()));
        let back = self.store.sync_commits(false);
        written.and(back)
    }

    /// The decisions in the outbox, if a new listener must hear of them first.
    pub(super) fn reminder(&mut self) -> Option<Vec<crate::Decision>> {
        if !self.shared.take_new_listener() {
            return None;
        }
        let waiting = self.store.decisions(usize::MAX).ok();
        if waiting.is_none() {
            self.shared.put_new_listener();
        }
        waiting
    }

    fn ack(&mut self, ids: &[String]) -> Result<usize, Error> {
        self.in_transaction(|w| w.store.ack(ids))
    }

    /// Runs `write` in a transaction of its own.
    pub(super) fn in_transaction<T>(&mut self, write: impl FnOnce(&mut Self) -> Result<T, Error>) -> Result<T, Error> {
        self.store.begin();
        let written = write(self).and_then(|t| self.store.commit().map(|()| t));
        if written.is_err() {
            self.store.rollback();
        }
        self.unsettled = true;
        written
    }

    /// Puts sets in force, all or nothing; new tasks fold over the history that they may read.
    fn apply(&mut self, sets: Vec<TaskSet>) -> Result<ApplyReport, Error> {
        // On a full disk nothing is applied, and who rests must not lose anything by being read.
        self.store.post()?;
        // Tasks that change are read from the log of everyone.
        let back = self.wake_all();
        self.say_lost();
        back?;
        // Who has what in common with others changes.
        self.fold.settle_all();
        let now = (self.store.next_seq(), self.fold.latest());
        let plan = self.fold.book.plan(sets, now);
        let written = self.in_transaction(|w| w.store.replace_tasks(plan.sets(), &plan.stored()));
        if let Err(error) = written {
            self.fold.book.abandon(&plan);
            if !self.fold.book.is_empty() {
                self.publish();
            }
            return Err(error);
        }
        let (mut report, fresh) = (plan.report.clone(), plan.fresh.iter().copied().collect());
        let anew = plan.anew.clone();
        let (had_device, horizon) = (self.fold.book.has_device(), self.fold.book.horizon());
        let gone: FxHashSet<TaskId> = self.fold.book.adopt(plan).into_iter().collect();
        self.fold.look_back_from(horizon);
        self.fold.forget(&gone);
        let read = self.read_history(fresh, now.0, had_device);
        self.publish();
        let mut held = std::mem::take(&mut self.held);
        self.take(&mut held);
        let _ = self.finish_batch();
        let found = read?;
        for task in &anew {
            let found = found.get(&task.task).copied().unwrap_or(0);
            self.shared.counters.before.add(found);
            task.tell(found, &mut report);
        }
        Ok(report)
    }

    /// Lets new tasks read the history, in silence; `next`: the arrival number after it. The matches that each found.
    fn read_history(
        &mut self,
        fresh: FxHashSet<TaskId>,
        next: u64,
        had_device: bool,
    ) -> Result<FxHashMap<TaskId, u64>, Error> {
        if fresh.is_empty() {
            return Ok(FxHashMap::default());
        }
        let bounds = self.store.bounds(None)?;
        let tasks = self.fold.book.tasks().filter(|t| fresh.contains(&t.id) && !t.is_triggered());
        let from = tasks.map(|t| t.since.0).min().unwrap_or(next);
        let (mut streams, wakeup) = self.fold.reached();
        streams.extend(self.store.streams()?.into_iter().filter(|(key, _)| !self.fold.has(key)));
        let remembered = Remembered { streams, bounds, wakeup, ..Remembered::default() };
        let mut aside = self.fold.aside(fresh);
        aside.begin_silence(&remembered);
        let mut read = Ok(0);
        if from < next {
            read = self.store.scan(from, &mut |entry| aside.replay(entry));
        }
        let ended = aside.end_silence(&remembered);
        let (found, back) = self.fold.join(aside, had_device);
        for key in &back {
            self.remember(key)?;
        }
        self.begin();
        self.store.write_noted();
        let _ = self.finish_batch();
        read.and(ended).map(|()| found)
    }
}
