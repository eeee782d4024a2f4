//! The engine as hosts see it. Every call is short: the work is on the worker thread. What hosts ask of it afterwards is in
//! [`questions`].

mod opening;
mod questions;
mod shared;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use ensue_rule::{Demand, EventRef, TaskSet, Timestamp};

use crate::config::{Config, Mode};
use crate::error::{Error, Kind};
use crate::event_json::{BadEvent, Line, read_line};
use crate::feedback::{Feedback, FeedbackKind};
use crate::ingest::{Attributes, DemandTable};
use crate::listener::Listener;
use crate::outcome::Decision;
use crate::reply::reply;
use crate::report::{ApplyReport, OpenReport, Recorded};
use crate::stats::Stats;
use crate::worker::{self, Command, Reply};
pub(crate) use shared::Shared;

/// Runs tasks over events. Shared between threads by reference; dropping it closes it.
#[derive(Debug)]
pub struct Engine {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
    /// One apply at a time: each publishes what is wanted of old and new tasks together.
    applying: Mutex<()>,
}

impl Engine {
    /// Starts the worker, which opens the store; returns at once, and calls made before it is open are kept.
    ///
    /// # Errors
    /// Where no thread can be started.
    pub fn open(config: Config) -> Result<Self, Error> {
        let config = Config { place: config.place.settled(), ..config };
        let shared = Arc::new(Shared::new(config));
        let of_worker = shared.clone();
        let thread = std::thread::Builder::new().name("ensue-worker".to_owned());
        let thread = thread.spawn(move || worker::run(&of_worker));
        let thread = thread.map_err(|e| Error::new(Kind::NoThread { why: e.to_string() }))?;
        Ok(Self { shared, thread: Mutex::new(Some(thread)), applying: Mutex::default() })
    }

    /// Waits until the store is open, and says how that went.
    ///
    /// # Errors
    /// Where it cannot be opened: see the questions of [`Error`].
    pub fn ready(&self) -> Result<OpenReport, Error> {
        self.not_from_worker()?;
        self.shared.opening.wait()
    }

    /// Puts task sets in place of the previous ones of their sources, all in one transaction, and waits for it.
    ///
    /// # Errors
    /// Where the engine is closed or the store fails; nothing is applied then. A refused set or task is no error.
    pub fn apply(&self, sets: Vec<TaskSet>) -> Result<ApplyReport, Error> {
        self.ready()?;
        let _one_at_a_time = lock(&self.applying);
        self.want_also(&sets);
        self.ask(|reply| Command::Apply(sets, reply))
    }

    /// Takes an event. Never blocks on I/O, never fails loudly, allocates nothing for an event that no task wants.
    pub fn record(&self, event: &EventRef<'_>) -> Recorded {
        self.shared.ingest.record(event, None, false, &self.shared.counters)
    }

    /// [`Engine::record`], and waits until the event, and all before it, is committed and on the disk, so that not even a
    /// crash of the system takes it back. Waits for room where the queue is full. What it answers beside `Queued` says
    /// that this event is not kept, and why; all before it is all the same.
    ///
    /// # Errors
    /// As [`Engine::flush`]; and before the first task set, when the event waits in memory.
    pub fn record_durable(&self, event: &EventRef<'_>) -> Result<Recorded, Error> {
        // Nobody makes room on the worker's own thread.
        self.not_from_worker()?;
        let recorded = self.shared.ingest.record(event, None, true, &self.shared.counters);
        self.ask(Command::Sync)?;
        Ok(recorded)
    }

    /// [`Engine::record_durable`] of an event, or of feedback, in its JSON form; inside, what is wrong with it.
    ///
    /// # Errors
    /// As [`Engine::record_durable`].
    pub fn record_durable_json(&self, line: &[u8]) -> Result<Result<Recorded, BadEvent>, Error> {
        // Nobody makes room on the worker's own thread.
        self.not_from_worker()?;
        match read_line(line, |line| self.take_line(line, None, true)) {
            Ok(recorded) => {
                self.ask(Command::Sync)?;
                Ok(Ok(recorded))
            }
            Err(bad) => {
                self.reject();
                Ok(Err(bad))
            }
        }
    }

    /// Says what became of a decision; as quick as [`Engine::record`], and as little in the way. What controls count of it
    /// counts for all that is decided after this call. Each kind counts once for a decision, in whatever order they come.
    /// Without `ts` it is now; a time before the decision is taken for the decision's. An id that no decision has is counted
    /// as `feedback_unknown`, and told to [`crate::Listener::on_unknown_feedback`].
    pub fn feedback(&self, decision: &str, kind: FeedbackKind, ts: Option<Timestamp>) -> Recorded {
        let feedback = Feedback { decision: decision.into(), kind, ts, line: None };
        self.shared.ingest.feedback(feedback, false, &self.shared.counters)
    }

    /// Takes what was read of line `number` of the input, if that is known; `patient`: waits where the queue is full.
    pub(crate) fn take_line(&self, line: Line<'_>, number: Option<u64>, patient: bool) -> Recorded {
        let (ingest, counters) = (&self.shared.ingest, &self.shared.counters);
        match line {
            Line::Event(event) => ingest.record_json(event, number, patient, counters),
            Line::Feedback(feedback) => ingest.feedback(Feedback { line: number, ..feedback }, patient, counters),
        }
    }

    /// [`Engine::record`] of an event in its JSON form, or [`Engine::feedback`]: `{"feedback": "shown", "decision": ".."}`.
    ///
    /// # Errors
    /// What is wrong with it; it is counted as rejected.
    pub fn record_json(&self, line: &[u8]) -> Result<Recorded, BadEvent> {
        read_line(line, |line| self.take_line(line, None, false)).inspect_err(|_| self.reject())
    }

    /// [`Engine::record`] of an event whose attributes nobody has read yet: `read` does, where the event is wanted, and hands over
    /// those that some task reads. The others cost nothing; only their size counts. `read` may be called again, where the tasks
    /// change meanwhile.
    ///
    /// # Errors
    /// That of `read`, which found something else than attributes; it is counted as rejected.
    pub fn record_reading<E>(
        &self,
        head: &EventRef<'_>,
        read: impl Fn(&mut Attributes<'_>) -> Result<(), E>,
    ) -> Result<Recorded, E> {
        self.shared.ingest.record_reading(head, None, read, &self.shared.counters)
    }

    /// [`Engine::record_reading`] of an event that the host took at `kept`, by the device's clock, and kept because the engine
    /// was not there yet. Where it brings no time, the engine stamps it with that, and so it is never late. Not in replay,
    /// where the device's clock says nothing.
    ///
    /// # Errors
    /// As [`Engine::record_reading`].
    pub fn record_kept<E>(
        &self,
        head: &EventRef<'_>,
        kept: Timestamp,
        read: impl Fn(&mut Attributes<'_>) -> Result<(), E>,
    ) -> Result<Recorded, E> {
        self.shared.ingest.record_reading(head, Some(kept), read, &self.shared.counters)
    }

    /// Events were lost before they came here, because the host had no room to keep them: they are counted as dropped, and
    /// there is a gap of all users up to now (in replay, up to the largest time seen), as where the queue was full.
    pub fn lose(&self, events: u64) {
        self.shared.ingest.lose(events, &self.shared.counters);
    }

    /// Counts an event that a face could not read as rejected.
    pub fn reject(&self) {
        self.shared.counters.rejected.add(1);
    }

    /// Waits until all that was recorded before is committed, and the scripts that it triggers have answered (and, in replay,
    /// listeners were told). Before the first task
    /// set events wait in memory: nothing is committed then.
    ///
    /// # Errors
    /// Where the engine is closed, or the store failed since the last flush: what it did not take is counted as
    /// `unwritten`, and matching goes on in memory.
    pub fn flush(&self) -> Result<(), Error> {
        self.ask(Command::Flush)
    }

    /// Moves the time of all users to `t` (never back) and waits until what that completes is committed.
    ///
    /// # Errors
    /// As [`Engine::flush`].
    pub fn advance_to(&self, t: Timestamp) -> Result<(), Error> {
        self.ask(|reply| Command::Advance(t, reply))
    }

    /// When something is next due, as far as the worker has come; `None`: never as things are, and never where the engine is
    /// closed. In live mode the time of the
    /// clock at which the engine does it by itself, for a host that may sleep until then; in replay the time to advance to.
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        let due = Timestamp(self.shared.next_due.load(Ordering::Acquire));
        let due = (due < Timestamp::MAX).then_some(due)?;
        match self.shared.config.mode {
            Mode::Live(_) => Some(due.plus(self.shared.config.lateness)),
            Mode::Replay => Some(due),
        }
    }

    /// The oldest decisions that are not acknowledged, at most `limit`.
    ///
    /// # Errors
    /// Where the engine is closed, or the store fails.
    pub fn decisions(&self, limit: usize) -> Result<Vec<Decision>, Error> {
        self.ask(|reply| Command::Decisions(limit, reply))
    }

    /// Acknowledges decisions: they are not delivered again. Returns how many were not yet acknowledged.
    ///
    /// # Errors
    /// As [`Engine::flush`].
    pub fn ack(&self, ids: &[&str]) -> Result<usize, Error> {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        self.ask(|reply| Command::Ack(ids, reply))
    }

    /// Who is told from now on; in live mode it is told first of the decisions that are not acknowledged.
    pub fn set_listener(&self, listener: Option<Arc<dyn Listener>>) {
        if self.shared.put_listener(listener) {
            // Where the engine is closed there is nobody to tell.
            let _ = self.shared.ingest.queue.send(Command::Redeliver);
        }
    }

    /// Whose the later events without a user are; `None`: the anonymous user's.
    pub fn identify(&self, user: Option<&str>) {
        self.shared.ingest.identify(user);
    }

    /// Erases all that is of a user (`None`: the anonymous one): events, state, decisions and what they count, their name;
    /// and waits until no trace is left in the file. What tasks of all users made, of which they may have been a part, is
    /// erased too. Events that are recorded after this call begin a new user of that name.
    ///
    /// # Errors
    /// Where the engine is closed, or the store fails: then nothing is erased; or, where only the overwriting of traces
    /// failed, that goes on when the engine is idle or is opened next.
    pub fn forget(&self, user: Option<&str>) -> Result<(), Error> {
        let users = &self.shared.ingest.users;
        self.ask_with(|reply| Command::Forget(user.map(Arc::from), reply), || users.remove(user))
    }

    /// Erases all that is of any user, at once, and takes nothing from now on: [`Engine::record`] leaves no trace, also
    /// after a restart, until [`Engine::opt_in`]. Task sets stay. Whom [`Engine::identify`] named is forgotten.
    ///
    /// # Errors
    /// As [`Engine::forget`]. Nothing is taken all the same, until the engine is opened anew.
    pub fn opt_out(&self) -> Result<(), Error> {
        self.ask_with(Command::OptOut, || self.shared.ingest.turn_off(true))
    }

    /// Takes events again, after [`Engine::opt_out`]; there is no history.
    ///
    /// # Errors
    /// Where the engine is closed, or the store fails: then it stays as it is.
    pub fn opt_in(&self) -> Result<(), Error> {
        self.ask(Command::OptIn)
    }

    /// All that is stored of a user (`None`: the anonymous one), as a JSON object for them to read; `docs/storage.md` has
    /// its keys.
    ///
    /// # Errors
    /// Where the engine is closed, or the store fails.
    pub fn export_user(&self, user: Option<&str>) -> Result<String, Error> {
        self.ask(|reply| Command::Export(user.map(Arc::from), reply))
    }

    /// The counters; where the engine is closed, as they were at its end.
    pub fn stats(&self) -> Stats {
        let users = &self.shared.ingest.users;
        let known = u64::try_from(users.len()).unwrap_or(u64::MAX);
        Stats { events: users.events(), users: known, ..self.shared.counters.read() }
    }

    /// Commits what was recorded, tells the listener of it and ends the worker; every later call finds the engine closed,
    /// and the listener is not called any more. May be called twice, and by the listener, which is then not waited for.
    pub fn shutdown(&self) {
        self.shared.ingest.queue.stop();
        let worker = lock(&self.thread).take();
        // The worker waits for the script that closes the engine, and who delivers for the worker.
        let from_script = self.shared.asker.get() == Some(&std::thread::current().id());
        join(worker.filter(|_| !from_script));
        let delivery = lock(&self.shared.delivery).take();
        join(delivery.filter(|_| !from_script));
        self.shared.put_listener(None);
    }

    /// [`Engine::shutdown`], by value.
    pub fn close(self) {
        self.shutdown();
    }

    /// Wants, from now on, what the tasks in force want and what new ones will: so that no event is missed between.
    fn want_also(&self, sets: &[TaskSet]) {
        let ingest = &self.shared.ingest;
        if ingest.epoch() == 0 {
            return;
        }
        let new = sets
            .iter()
            .flat_map(|s| &s.tasks)
            .filter_map(|e| e.task.as_ref().ok())
            .flat_map(|t| [Demand::of(t), Demand::of_controls(t)]);
        let mut demands = self.shared.demands();
        demands.extend(new);
        ingest.publish(DemandTable::of(&demands, ingest.epoch() + 1));
    }

    /// Asks the worker and waits for its answer.
    fn ask<T>(&self, command: impl FnOnce(Reply<T>) -> Command) -> Result<T, Error> {
        self.ask_with(command, || {})
    }

    /// The same; `also` is done at the place of the question among the events.
    fn ask_with<T>(&self, command: impl FnOnce(Reply<T>) -> Command, also: impl FnOnce()) -> Result<T, Error> {
        self.not_from_worker()?;
        let (reply, answer) = reply();
        if self.shared.ingest.queue.send_with(command(reply), also).is_ok()
            && let Some(answer) = answer.wait()
        {
            return answer;
        }
        // What the store said when it could not be opened says more than that nobody works.
        self.shared.opening.wait()?;
        Err(Error::closed())
    }

    /// Waiting for the worker on its own thread would be for ever.
    fn not_from_worker(&self) -> Result<(), Error> {
        let here = std::thread::current().id();
        let waited_for = [self.shared.worker.get(), self.shared.asker.get()];
        if waited_for.contains(&Some(&here)) { Err(Error::new(Kind::FromListener)) } else { Ok(()) }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.shutdown();
    }
}

/// Waits for the end of a thread, but for this one's: a listener that closes the engine is called on it.
fn join(thread: Option<JoinHandle<()>>) {
    if let Some(thread) = thread.filter(|t| t.thread().id() != std::thread::current().id()) {
        // It contains its panics.
        let _ = thread.join();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
