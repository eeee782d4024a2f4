//! The past that controls count: decisions by task, shared name, exclusive group and touch, per user and for the device as a
//! whole, each with what became of it.
//!
//! In memory; the decisions themselves are in the store, from which [`Ledger::restore`] fills this again after a restart, the
//! first time that somebody asks: most processes end before, and none has to wait for it when it starts.
//! Bounded: of each name the newest [`MOST`] are remembered, and only what [counts](LedgerEntry::counts) for some control. The
//! store keeps decisions longer, for feedback that is yet to come: then they are read again. Judges nothing.

use std::cell::Cell;
use std::ops::Deref;
use std::rc::Rc;
use std::sync::Arc;

use ensue_rule::{Duration, Policy, Timestamp};
use rustc_hash::FxHashMap;

use super::Candidate;
use crate::feedback::FeedbackKind;
use crate::log::StreamKey;

/// Decisions remembered under one name; a cap's limit is below it.
const MOST: usize = 1_024;

/// When there was which feedback, by the kind's place in [`FeedbackKind::ALL`].
pub(crate) type Answers = [Option<Timestamp>; 4];

/// A decision as the store remembers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct LedgerEntry {
    /// Its id.
    pub(crate) id: Arc<str>,
    /// The stream in which it was made.
    pub(crate) stream: StreamKey,
    /// The task's source.
    pub(crate) source: Arc<str>,
    /// The task.
    pub(crate) task: Arc<str>,
    /// The app's name for the touch.
    pub(crate) touch: Arc<str>,
    /// The names of the task's shared caps when it was decided.
    pub(crate) shared: Vec<Arc<str>>,
    /// The group whose place it takes.
    pub(crate) exclusive: Option<Arc<str>>,
    /// When it was decided.
    pub(crate) at: Timestamp,
    /// The user's offset of local time from UTC, in minutes.
    pub(crate) utc_offset_min: i32,
    /// The user's session.
    pub(crate) session: u64,
    /// Until when it is good.
    pub(crate) expires_at: Option<Timestamp>,
    /// What became of it.
    pub(crate) answers: Answers,
}

impl LedgerEntry {
    /// The candidate as it is to be remembered.
    pub(crate) fn of(c: &Candidate<'_>, id: &Arc<str>, stream: &StreamKey) -> Self {
        Self {
            id: id.clone(),
            stream: stream.clone(),
            source: c.source.clone(),
            task: c.task.id.clone(),
            touch: c.touch.clone(),
            shared: shared_names(&c.task.policy),
            exclusive: c.task.policy.exclusive.clone(),
            at: c.at,
            utc_offset_min: c.utc_offset_min,
            session: c.session,
            expires_at: c.expires_at(),
            answers: Answers::default(),
        }
    }

    /// Whether a control that looks back over `horizon` may count it at this time or later: by when it was made or first
    /// shown, or because it keeps the place of its group.
    pub(crate) fn counts(&self, time: Timestamp, horizon: Duration) -> bool {
        self.counts_with(&self.answers, time, horizon)
    }

    fn counts_with(&self, answers: &Answers, time: Timestamp, horizon: Duration) -> bool {
        let before = time.minus(horizon);
        let shown = answers.iter().flatten().min();
        let live = self.exclusive.is_some() && self.expires_at.is_some_and(|end| end > time);
        live || self.at >= before || shown.is_some_and(|at| *at >= before)
    }

    /// The names under which controls look for it.
    fn keys(&self) -> impl Iterator<Item = Key> {
        let fixed = [Key::All, Key::Task(self.source.clone(), self.task.clone()), Key::Touch(self.touch.clone())];
        let shared = self.shared.iter().cloned().map(Key::Shared);
        fixed.into_iter().chain(shared).chain(self.exclusive.clone().map(Key::Group))
    }
}

/// The names that the policy's caps share, each once.
fn shared_names(policy: &Policy) -> Vec<Arc<str>> {
    let mut names: Vec<_> = policy.caps.iter().filter_map(|cap| cap.shared.clone()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What a decision is counted under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Key {
    /// Every touch.
    All,
    /// A task, by source and id.
    Task(Arc<str>, Arc<str>),
    /// The name that caps share.
    Shared(Arc<str>),
    /// An exclusive group.
    Group(Arc<str>),
    /// The app's name for the touch.
    Touch(Arc<str>),
}

impl Key {
    /// The candidate's own task.
    pub(super) fn of_task(c: &Candidate<'_>) -> Self {
        Self::Task(c.source.clone(), c.task.id.clone())
    }
}

/// A past decision, with what has become of it since.
#[derive(Debug)]
pub(super) struct Made {
    entry: LedgerEntry,
    answers: Cell<Answers>,
}

/// What a user thought of a touch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Clicked or converted, whatever else.
    Liked,
    /// Dismissed.
    Disliked,
    /// Shown, and nothing more.
    Seen,
}

impl Answer {
    /// 1, -1 or 0.
    pub(super) fn liking(self) -> f64 {
        match self {
            Self::Liked => 1.0,
            Self::Disliked => -1.0,
            Self::Seen => 0.0,
        }
    }
}

impl Deref for Made {
    type Target = LedgerEntry;

    fn deref(&self) -> &LedgerEntry {
        &self.entry
    }
}

impl Made {
    fn of(entry: LedgerEntry) -> Self {
        Self { answers: Cell::new(entry.answers), entry }
    }

    /// Whether it is a decision of this task.
    pub(super) fn is_of(&self, source: &str, task: &str) -> bool {
        *self.source == *source && *self.task == *task
    }

    /// When the user first saw it, as far as is known: what is clicked was seen.
    pub(super) fn shown_at(&self) -> Option<Timestamp> {
        self.answers.get().into_iter().flatten().min()
    }

    /// What the user thought of it, and since when that is known.
    pub(super) fn answer(&self) -> Option<(Answer, Timestamp)> {
        let [shown, clicked, dismissed, converted] = self.answers.get();
        let liked = clicked.into_iter().chain(converted).min().map(|at| (Answer::Liked, at));
        liked.or(dismissed.map(|at| (Answer::Disliked, at))).or(shown.map(|at| (Answer::Seen, at)))
    }

    /// Whether the user has dealt with it.
    pub(super) fn is_answered(&self) -> bool {
        self.answer().is_some_and(|(answer, _)| answer != Answer::Seen)
    }
}

/// The past decisions of all users.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    /// Whether what the store remembers is here, not only what was decided since.
    whole: bool,
    by_id: FxHashMap<Arc<str>, Rc<Made>>,
    anonymous: Past,
    users: FxHashMap<Arc<str>, Past>,
    /// Those of all users together.
    device: Past,
}

/// Past decisions by what they are counted under.
#[derive(Debug, Default)]
struct Past(FxHashMap<Key, Under>);

/// What is counted under one key.
#[derive(Debug, Default)]
struct Under {
    /// In the order of their times.
    made: Vec<Rc<Made>>,
    /// Those of them that were shown, in the order in which they were.
    shown: Vec<Rc<Made>>,
}

impl Ledger {
    /// Remembers what was decided, now or, as the store says, before. Twice is as good as once.
    pub(crate) fn note(&mut self, entry: LedgerEntry) {
        let known = self.by_id.get(&entry.id).cloned();
        let made = known.unwrap_or_else(|| {
            let made = Rc::new(Made::of(entry));
            self.by_id.insert(made.id.clone(), made.clone());
            self.device.add(&made);
            made
        });
        match made.stream.user() {
            None => self.anonymous.add(&made),
            Some(user) => self.users.entry(user.clone()).or_default().add(&made),
        }
    }

    /// Takes over all that the store remembers.
    pub(crate) fn restore(&mut self, entries: Vec<LedgerEntry>) {
        entries.into_iter().for_each(|entry| self.note(entry));
        self.whole = true;
    }

    /// What it took over is no longer all that counts.
    pub(crate) fn restore_anew(&mut self) {
        self.whole = false;
    }

    /// Whether it took that over.
    pub(crate) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Puts feedback to a decision; when it counts for (never before the decision), or `None` where it had come before.
    /// Outside: the decision is not remembered here.
    pub(crate) fn answer(
        &mut self,
        id: &str,
        kind: FeedbackKind,
        at: Option<Timestamp>,
        now: impl Fn(&StreamKey) -> Timestamp,
    ) -> Option<(StreamKey, Option<Timestamp>)> {
        let made = self.by_id.get(id)?.clone();
        let before = made.shown_at();
        let mut answers = made.answers.get();
        let at = at.unwrap_or_else(|| now(&made.stream)).max(made.at);
        let slot = answers.get_mut(kind as usize)?;
        let new = slot.is_none().then_some(at);
        *slot = slot.or(new);
        made.answers.set(answers);
        if made.shown_at() != before {
            self.device.show(&made);
            let past = match made.stream.user() {
                None => Some(&mut self.anonymous),
                Some(user) => self.users.get_mut(user),
            };
            past.into_iter().for_each(|past| past.show(&made));
        }
        Some((made.stream.clone(), new))
    }

    /// The source and id of the task that made a decision.
    pub(crate) fn task_of(&self, id: &str) -> Option<(&Arc<str>, &Arc<str>)> {
        self.by_id.get(id).map(|made| (&made.source, &made.task))
    }

    /// Forgets a user's decisions, which the store has.
    pub(crate) fn forget(&mut self, user: Option<&Arc<str>>) {
        user.map(|user| self.users.remove(user));
    }

    /// Forgets the decisions that no control counts any more, which looks back over `horizon` from the user's time on.
    pub(crate) fn prune(&mut self, horizon: Duration, time: impl Fn(Option<&Arc<str>>) -> Timestamp) {
        let counts = |m: &Made, time| m.counts_with(&m.answers.get(), time, horizon);
        let of_nobody = time(None);
        self.anonymous.retain(|m| counts(m, of_nobody));
        self.device.retain(|m| counts(m, of_nobody));
        self.users.retain(|user, past| {
            let time = time(Some(user));
            past.retain(|m| counts(m, time));
            !past.0.is_empty()
        });
        self.by_id.retain(|_, made| Rc::strong_count(made) > 1);
    }

    /// A user's decisions under a key, oldest first.
    pub(super) fn of(&self, user: Option<&Arc<str>>, key: &Key) -> &[Rc<Made>] {
        self.past_of(user).map_or(&[], |past| past.made(key))
    }

    /// Those that were shown, in the order in which they were.
    pub(super) fn shown_of(&self, user: Option<&Arc<str>>, key: &Key) -> &[Rc<Made>] {
        self.past_of(user).map_or(&[], |past| past.shown(key))
    }

    /// Everyone's decisions under a key, oldest first.
    pub(super) fn of_device(&self, key: &Key) -> &[Rc<Made>] {
        self.device.made(key)
    }

    /// Those that were shown, in the order in which they were.
    pub(super) fn shown_of_device(&self, key: &Key) -> &[Rc<Made>] {
        self.device.shown(key)
    }

    fn past_of(&self, user: Option<&Arc<str>>) -> Option<&Past> {
        match user {
            None => Some(&self.anonymous),
            Some(user) => self.users.get(user),
        }
    }
}

impl Past {
    fn made(&self, key: &Key) -> &[Rc<Made>] {
        self.0.get(key).map_or(&[], |under| newest(&under.made))
    }

    fn shown(&self, key: &Key) -> &[Rc<Made>] {
        self.0.get(key).map_or(&[], |under| newest(&under.shown))
    }

    fn add(&mut self, made: &Rc<Made>) {
        for key in made.keys() {
            let under = self.0.entry(key).or_default();
            if insert(&mut under.made, made, |m| Some(m.at)) {
                insert(&mut under.shown, made, Made::shown_at);
            }
        }
    }

    /// A decision that is here is shown, or was so earlier than was known.
    fn show(&mut self, made: &Rc<Made>) {
        for key in made.keys() {
            let Some(under) = self.0.get_mut(&key) else { continue };
            under.shown.retain(|m| !Rc::ptr_eq(m, made));
            if under.made.iter().any(|m| Rc::ptr_eq(m, made)) {
                insert(&mut under.shown, made, Made::shown_at);
            }
        }
    }

    fn retain(&mut self, counts: impl Fn(&Made) -> bool) {
        self.0.retain(|_, under| {
            under.made.retain(|m| counts(m));
            under.shown.retain(|m| counts(m));
            !under.made.is_empty()
        });
    }
}

/// Puts a decision where its time is, if it has one and is not there; of too many the oldest goes. Whether it was put.
fn insert(all: &mut Vec<Rc<Made>>, made: &Rc<Made>, time: impl Fn(&Made) -> Option<Timestamp>) -> bool {
    let Some(own) = time(made) else { return false };
    let at = all.partition_point(|m| time(m) <= Some(own));
    let same = all.get(..at).unwrap_or_default().iter().rev().take_while(|m| time(m) == Some(own));
    if same.into_iter().any(|m| Rc::ptr_eq(m, made)) {
        return false;
    }
    all.insert(at, made.clone());
    // Now and then, because what is left has to move.
    if all.len() >= 2 * MOST {
        all.drain(..all.len() - MOST);
    }
    true
}

/// Those of up to this time. The device's tasks, which count with the anonymous user's, have a time of their own, and may be
/// ahead.
pub(super) fn until(made: &[Rc<Made>], at: Timestamp) -> &[Rc<Made>] {
    made.get(..made.partition_point(|m| m.at <= at)).unwrap_or_default()
}

/// Those that are remembered.
fn newest(all: &[Rc<Made>]) -> &[Rc<Made>] {
    all.get(all.len().saturating_sub(MOST)..).unwrap_or_default()
}
