//! Asking the host: one call at a time, on a thread of its own, after the commit that made it.
//!
//! While a call is under way the worker goes on; it is rung for where the script reads its history, and where it answers.
//! In replay it waits for the answer before it takes the next event, so that what comes out does not depend on how fast a
//! script is.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use ensue_rule::Timestamp;

use super::{Command, Worker};
use crate::config::Mode;
use crate::engine::Shared;
use crate::error::{Error, Kind};
use crate::fold::{Fold, Unasked, Waiting};
use crate::log::StreamKey;
use crate::pending::{Answer, Automata, Call, FIRST, History, Past, Scripts, Wish, Wishes};

/// What is asked at present, and the way to who answers.
#[derive(Default)]
pub(super) struct Asking {
    asker: Option<Asker>,
    under_way: UnderWay,
    /// Who waits until the calls up to this number are answered.
    flushes: Vec<(u64, super::Reply<()>)>,
}

/// The call whose answer is to come.
#[derive(Default)]
enum UnderWay {
    #[default]
    Nothing,
    Call(Waiting),
    /// One whose answer nobody wants to know any more.
    Disowned,
}

impl UnderWay {
    fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    fn call(&self) -> Option<&Waiting> {
        match self {
            Self::Call(waiting) => Some(waiting),
            Self::Nothing | Self::Disowned => None,
        }
    }
}

impl Asking {
    /// The time of the oldest trigger whose call is not answered.
    pub(super) fn oldest(&self, fold: &Fold) -> Timestamp {
        let calls = fold.waiting.iter().chain(self.under_way.call());
        calls.map(|call| call.trigger.position(&call.stream).ts).min().unwrap_or(Timestamp::MAX)
    }
}

/// The thread that asks.
struct Asker {
    calls: Sender<Arc<Call>>,
    wishes: Receiver<Wish>,
    way: Wishes,
    automata: Arc<Mutex<Automata>>,
    thread: JoinHandle<()>,
}

impl Asker {
    fn start(shared: &Arc<Shared>, scripts: Arc<dyn Scripts>) -> Option<Self> {
        let (calls, asked) = channel::<Arc<Call>>();
        let (way, wishes) = channel();
        let at = Arc::downgrade(shared);
        // In replay, and while the engine ends, the worker listens to the other end and to nothing else.
        let ring = move || {
            if let Some(shared) = at.upgrade() {
                let _ = shared.ingest.queue.send(Command::Rung);
            }
        };
        let bell: Arc<dyn Fn() + Send + Sync> =
            if matches!(shared.config.mode, Mode::Live(_)) { Arc::new(ring) } else { Arc::new(|| {}) };
        let way = Wishes { way, bell };
        let answers = way.clone();
        let work = move || asked.into_iter().for_each(|call| answers.send(Wish::Answered(run(&*scripts, &call))));
        let thread = std::thread::Builder::new().name("ensue-ask".to_owned()).spawn(work).ok()?;
        let _ = shared.asker.set(thread.thread().id());
        let automata = Arc::new(Mutex::new(Automata::new(shared.config.limits.clone())));
        Some(Self { calls, wishes, way, automata, thread })
    }
}

/// Runs one script; a panic in the host is a failure of it.
fn run(scripts: &dyn Scripts, call: &Arc<Call>) -> Answer {
    let answer = catch_unwind(AssertUnwindSafe(|| scripts.run(call)));
    call.history.end();
    answer.unwrap_or_else(|_| Answer::Failed("the host panicked".to_owned())).bounded()
}

impl Worker {
    /// Asks the next call, if none is under way. All that is noted is committed.
    pub(super) fn ask_next(&mut self) {
        while self.asking.under_way.is_nothing() {
            // Who flushes is told of a failure.
            let _ = self.finish_batch();
            let Some(waiting) = self.fold.waiting.pop_front() else { break };
            self.ask(waiting);
        }
        self.answer_flushes();
    }

    /// In replay: asks until nothing waits any more.
    pub(super) fn ask_all(&mut self) {
        if matches!(self.shared.config.mode, Mode::Live(_)) {
            return;
        }
        while !self.fold.waiting.is_empty() {
            self.ask_next();
            self.await_answer();
        }
        self.answer_flushes();
    }

    /// Waits for the answer of the call under way.
    pub(super) fn await_answer(&mut self) {
        while !self.asking.under_way.is_nothing() {
            let wish = self.asking.asker.as_ref().and_then(|a| a.wishes.recv().ok());
            match wish {
                Some(wish) => self.grant(wish),
                None => self.asking.under_way = UnderWay::Nothing,
            }
        }
        let _ = self.finish_batch();
    }

    /// Somebody rang: does what is wished. All items before are committed.
    pub(super) fn answer_bell(&mut self) {
        while let Some(wish) = self.asking.asker.as_ref().and_then(|a| a.wishes.try_recv().ok()) {
            self.grant(wish);
        }
    }

    fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Read(reach, before, limit, reply) => {
                // Limits of the log may have cut it since the call was made.
                let whole = self.fold.is_whole(&reach);
                let page =
                    if whole { self.store.page(&reach, before, limit) } else { Err(Error::new(Kind::Truncated)) };
                reply.send(page);
            }
            Wish::Gaps(reach, reply) => {
                reply.send(self.store.gaps_of(&reach));
            }
            Wish::Answered(answer) => {
                if let UnderWay::Call(waiting) = std::mem::take(&mut self.asking.under_way) {
                    self.fold_answer(&waiting, answer);
                }
            }
        }
    }

    /// Asks one call, or settles it where it cannot be asked.
    fn ask(&mut self, waiting: Waiting) {
        let back = self.bring_back(&waiting.stream);
        self.note_failure(back);
        let reach = match self.fold.reach_of(&waiting) {
            Ok(reach) => Arc::new(reach),
            Err(Unasked::Gone) => return,
            Err(Unasked::Truncated) => {
                self.begin();
                let (fold, mut log) = self.parts();
                let folded = fold.refuse_call(&waiting, &mut log);
                return self.note_failure(folded);
            }
        };
        let Some((script, hash)) = reach.task.task.script() else { return };
        let (script, hash, task) = (script.clone(), hash.clone(), reach.task.task.id.clone());
        let user = waiting.stream.user().cloned();
        let newest = self.store.page(&reach, None, FIRST);
        let Some(asker) = self.asker() else {
            return self.fold_answer(&waiting, Answer::Failed(format!("no scripts run here: `{script}`")));
        };
        let trigger = Past::new(waiting.trigger.clone(), &waiting.stream);
        let newest = match newest {
            Ok(page) => page,
            Err(error) => {
                let why = format!("its history cannot be read: {error}");
                self.note_aside(error);
                return self.fold_answer(&waiting, Answer::Failed(why));
            }
        };
        let history = History::new(reach, asker.way.clone(), asker.automata.clone(), newest);
        let call = Arc::new(Call { script, hash, task, user, trigger, history });
        if asker.calls.send(call).is_ok() {
            self.asking.under_way = UnderWay::Call(waiting);
        }
    }

    fn asker(&mut self) -> Option<&Asker> {
        if self.asking.asker.is_none() {
            let scripts = self.shared.config.scripts.clone()?;
            self.asking.asker = Asker::start(&self.shared, scripts);
        }
        self.asking.asker.as_ref()
    }

    fn fold_answer(&mut self, waiting: &Waiting, answer: Answer) {
        self.fold.audience = self.shared.audience();
        let back = self.bring_back(&waiting.stream);
        self.begin();
        self.note_failure(back);
        let (fold, mut log) = self.parts();
        let folded = fold.answer(waiting, answer, &mut log);
        self.note_failure(folded);
    }

    /// Answers a flush when the calls that were noted before it are answered.
    pub(super) fn flush_behind_calls(&mut self, reply: super::Reply<()>) {
        self.asking.flushes.push((self.fold.noted, reply));
        self.answer_flushes();
    }

    fn answer_flushes(&mut self) {
        if self.asking.flushes.is_empty() {
            return;
        }
        let under_way = self.asking.under_way.call().map(|w| w.n);
        let first = under_way.into_iter().chain(self.fold.waiting.front().map(|w| w.n)).min();
        let done = |upto: u64| first.is_none_or(|n| n > upto);
        let (ready, later): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.asking.flushes).into_iter().partition(|(upto, _)| done(*upto));
        self.asking.flushes = later;
        for (_, reply) in ready {
            let reached = self.save_reached();
            let failed = self.last_error.take().map_or(Ok(()), Err);
            reply.send(failed.and(reached));
        }
    }

    /// The calls that the store remembers wait again; those that nobody wants to know of any more are forgotten.
    pub(super) fn remember_calls(&mut self) -> Result<(), Error> {
        let calls = self.store.waiting_calls()?;
        let mut gone = Vec::new();
        for (record, trigger) in calls {
            match trigger.and_then(|trigger| self.fold.waiting_of(&record, trigger)) {
                Some(waiting) => self.fold.wait_for(waiting),
                None => gone.push(record.id),
            }
        }
        if gone.is_empty() {
            return Ok(());
        }
        self.in_transaction(|w| gone.iter().try_for_each(|id| w.store.drop_call(id)))
    }

    /// Whatever a call of this stream answers (`None`: of any), nobody wants to know it any more.
    pub(super) fn disown(&mut self, stream: Option<&StreamKey>) {
        if self.asking.under_way.call().is_some_and(|w| stream.is_none_or(|stream| w.stream == *stream)) {
            self.asking.under_way = UnderWay::Disowned;
        }
        stream.into_iter().for_each(|stream| self.fold.drop_calls(stream));
    }

    /// The engine ends: the call under way is waited for; those that wait are asked after a restart.
    pub(super) fn stop_asking(&mut self) {
        self.await_answer();
        for (_, reply) in std::mem::take(&mut self.asking.flushes) {
            reply.send(Err(Error::closed()));
        }
        if let Some(Asker { calls, thread, .. }) = self.asking.asker.take() {
            drop(calls);
            // It contains its panics.
            let _ = thread.join();
        }
    }
}
