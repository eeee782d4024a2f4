//! What came before a trigger, read from its end as far as somebody asks.
//!
//! Newest first, in pages that double: who looks at the last event pays for one, however long the history is. The pages
//! come from the worker, which alone has the store; while a call is under way it answers between two batches.

use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ensue_matcher::Position;
use ensue_rule::{Attr, Event, Rule, Timestamp, Value};
use rustc_hash::FxHashMap;

use super::find::{self, Automata};
use super::{Answer, Answered};
use crate::error::{Error, Kind};
use crate::log::{LogEvent, StreamKey};
use crate::reply::{Reply, reply};
use crate::tasks::Active;

/// Rows of the first page.
pub(crate) const FIRST: usize = 4;

/// Events of a page at most.
const LARGEST: usize = 4_096;

/// An event of a history.
#[derive(Clone, Debug)]
pub struct Past {
    event: Arc<LogEvent>,
    place: Position,
}

impl Past {
    pub(crate) fn new(event: Arc<LogEvent>, stream: &StreamKey) -> Self {
        Self { place: event.position(stream), event }
    }

    /// What happened.
    pub fn event(&self) -> &Event {
        &self.event.event
    }

    /// When it happened.
    pub fn ts(&self) -> Timestamp {
        self.place.ts
    }

    /// Its arrival number: by this bindings name it.
    pub fn seq(&self) -> u64 {
        self.place.seq
    }

    pub(crate) fn place(&self) -> Position {
        self.place
    }

    pub(super) fn logged(&self) -> &LogEvent {
        &self.event
    }

    /// What it has under an attribute; null where that is missing.
    pub fn value(&self, attr: &Attr) -> Value {
        value_of(self.event(), attr)
    }
}

/// What an event has under an attribute; null where that is missing.
fn value_of(event: &Event, attr: &Attr) -> Value {
    let text = |text: Option<&Arc<str>>| text.map_or(Value::Null, |t| Value::Str(t.clone()));
    match attr {
        Attr::ActionType => Value::Str(event.action_type.clone()),
        Attr::Scene => text(event.scene.as_ref()),
        Attr::Source => Value::from(event.source.as_str()),
        Attr::Ts => event.ts.map_or(Value::Null, |ts| Value::Int(ts.0)),
        Attr::UserId => text(event.user_id.as_ref()),
        Attr::Arg(path) => Attr::lookup(&event.args, path),
    }
}

/// Over what a call looks back.
#[derive(Debug)]
pub(crate) struct Reach {
    pub(crate) task: Arc<Active>,
    pub(crate) stream: StreamKey,
    /// After this time.
    pub(crate) after: Timestamp,
    /// After what the last emitted match consumed.
    pub(crate) consumed: Option<Position>,
    /// Up to and including this place.
    pub(crate) to: Position,
}

impl Reach {
    /// Whether an event is part of the history.
    pub(crate) fn has(&self, event: &LogEvent) -> bool {
        let place = event.position(&self.stream);
        let joins = || !event.is_derived() || self.task.joins(&event.event.action_type, event.event.scene.as_deref());
        place.ts > self.after
            && place <= self.to
            && self.consumed.is_none_or(|c| place > c)
            && self.task.reads(place)
            && joins()
            && self.task.task.filter.passes(|attr| value_of(&event.event, attr))
    }
}

/// A page of a history: newest first.
#[derive(Debug, Default)]
pub(crate) struct Page {
    pub(crate) events: Vec<Arc<LogEvent>>,
    /// Before which place the next page ends; `None`: that was all.
    pub(crate) next: Option<Position>,
}

/// Marks of lost events in a history, by time.
pub(crate) type Gaps = Vec<Position>;

/// What a history, or who runs the script, tells the worker.
#[derive(Debug)]
pub(crate) enum Wish {
    /// Asks for at most so many events before a place (`None`: from the end).
    Read(Arc<Reach>, Option<Position>, usize, Reply<Result<Page, Error>>),
    /// Asks for the marks of lost events.
    Gaps(Arc<Reach>, Reply<Result<Gaps, Error>>),
    /// Says what the script answered.
    Answered(Answer),
}

/// The way to the worker: it is rung for, where it may sleep.
#[derive(Clone)]
pub(crate) struct Wishes {
    pub(crate) way: Sender<Wish>,
    pub(crate) bell: Arc<dyn Fn() + Send + Sync>,
}

impl Wishes {
    pub(crate) fn send(&self, wish: Wish) {
        // Where nobody works nobody waits for it: an asker sees its own end of the line break.
        if self.way.send(wish).is_ok() {
            (self.bell)();
        }
    }
}

/// What passed a task's filter in its window, up to a trigger; nothing of it is read before it is asked for.
pub struct History {
    reach: Arc<Reach>,
    wishes: Wishes,
    automata: Arc<Mutex<Automata>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// Newest first.
    read: Vec<Past>,
    /// Where each is, as far as somebody asked.
    by_seq: FxHashMap<u64, usize>,
    /// Before which place the next page ends; `None`: at the end of the history.
    before: Option<Position>,
    /// There is nothing more to read.
    all: bool,
    /// Pages that were read: each is twice the one before.
    pages: u32,
    gaps: Option<Gaps>,
    over: bool,
}

impl State {
    /// Takes the next page.
    fn turn(&mut self, page: Page, stream: &StreamKey) {
        self.read.extend(page.events.into_iter().map(|e| Past::new(e, stream)));
        self.before = page.next;
        self.all = page.next.is_none();
        self.pages += 1;
    }
}

impl std::fmt::Debug for History {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("History").field("reach", &self.reach).finish_non_exhaustive()
    }
}

impl History {
    /// One whose first page was read with the call: most scripts look at the end.
    pub(crate) fn new(reach: Arc<Reach>, wishes: Wishes, automata: Arc<Mutex<Automata>>, page: Page) -> Self {
        let mut state = State::default();
        state.turn(page, &reach.stream);
        Self { reach, wishes, automata, state: Mutex::new(state) }
    }

    /// The `n`th event from the end, the newest first; `None`: there are not so many.
    ///
    /// # Errors
    /// Where the log cannot be read, or the call is over.
    pub fn back(&self, n: usize) -> Result<Option<Past>, Error> {
        let mut state = self.lock();
        self.read(&mut state, n)?;
        Ok(state.read.get(n).cloned())
    }

    /// [`History::back`], if that was read already: this waits for nothing.
    pub fn at_hand(&self, n: usize) -> Option<Past> {
        self.lock().read.get(n).cloned()
    }

    /// The event of an arrival number, among those that were read.
    pub fn event(&self, seq: u64) -> Option<Past> {
        let mut state = self.lock();
        let State { read, by_seq, .. } = &mut *state;
        for (n, past) in read.iter().enumerate().skip(by_seq.len()) {
            by_seq.insert(past.seq(), n);
        }
        by_seq.get(&seq).and_then(|n| read.get(*n)).cloned()
    }

    /// How many events there are: reads all of them.
    ///
    /// # Errors
    /// As [`History::back`].
    pub fn len(&self) -> Result<usize, Error> {
        let mut state = self.lock();
        self.read(&mut state, usize::MAX)?;
        Ok(state.read.len())
    }

    /// Whether there is no event.
    ///
    /// # Errors
    /// As [`History::back`].
    pub fn is_empty(&self) -> Result<bool, Error> {
        self.back(0).map(|newest| newest.is_none())
    }

    /// The aliases of the task's filter.
    pub fn aliases(&self) -> impl Iterator<Item = &Arc<str>> {
        self.reach.task.task.filter.entries.iter().filter_map(|e| e.alias.as_ref())
    }

    /// Whether an event passes an entry of the task's filter that has this alias.
    pub fn is_called(&self, event: &Past, alias: &str) -> bool {
        let entries = self.reach.task.task.filter.entries.iter().filter(|e| e.alias.as_deref() == Some(alias));
        entries.into_iter().any(|e| e.passes(|attr| event.value(attr)))
    }

    /// Up to which times events of the window were lost: where there are any, that something is not here says nothing.
    ///
    /// # Errors
    /// As [`History::back`].
    pub fn lost(&self) -> Result<Vec<Timestamp>, Error> {
        Ok(self.gaps(&mut self.lock())?.iter().map(|gap| gap.ts).collect())
    }

    /// What a rule finds in this history, as a look-back of a task with this rule would: absences are judged at the
    /// trigger. Inside, why the rule cannot be run.
    ///
    /// # Errors
    /// As [`History::back`].
    pub fn find(&self, rule: &Rule) -> Result<Result<Vec<Answered>, String>, Error> {
        let (events, gaps) = {
            let mut state = self.lock();
            self.read(&mut state, usize::MAX)?;
            (state.read.clone(), self.gaps(&mut state)?)
        };
        let mut automata = self.automata.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(find::find(&mut automata, rule, &self.reach, (&events, gaps)))
    }

    /// The call is over: nothing more is read.
    pub(crate) fn end(&self) {
        self.lock().over = true;
    }

    /// Reads until there are more than `n` events, or no more.
    fn read(&self, state: &mut State, n: usize) -> Result<(), Error> {
        while state.read.len() <= n && !state.all {
            let before = state.before;
            let twice = FIRST.checked_shl(state.pages).filter(|rows| *rows < LARGEST).unwrap_or(LARGEST);
            let limit = if n == usize::MAX { LARGEST } else { twice };
            let page = self.ask(state, |reply| Wish::Read(self.reach.clone(), before, limit, reply))?;
            state.turn(page, &self.reach.stream);
        }
        Ok(())
    }

    fn gaps(&self, state: &mut State) -> Result<Gaps, Error> {
        if state.gaps.is_none() {
            state.gaps = Some(self.ask(state, |reply| Wish::Gaps(self.reach.clone(), reply))?);
        }
        Ok(state.gaps.clone().unwrap_or_default())
    }

    fn ask<T>(&self, state: &State, wish: impl FnOnce(Reply<Result<T, Error>>) -> Wish) -> Result<T, Error> {
        if state.over {
            return Err(Error::new(Kind::CallOver));
        }
        let (reply, answer) = reply();
        self.wishes.send(wish(reply));
        answer.wait().unwrap_or_else(|| Err(Error::closed()))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
