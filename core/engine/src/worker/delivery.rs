//! Telling the listener: after the commit, under no lock, and its panics are its own.
//!
//! In live mode on a thread of its own, so that a slow listener holds up nobody and may call the engine back; in replay on
//! the worker, so that a flush that has returned has told everything.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::engine::Shared;
use crate::feedback::Feedback;
use crate::listener::{Audience, Listener};
use crate::outcome::{Decision, Outcome};
use crate::report::StoreReport;

/// So often the listener's thread looks for what was announced before it sleeps again: a tenth of a millisecond or two.
const LOOKS: usize = 300;

/// What is told at once.
pub(super) struct News {
    listener: Arc<dyn Listener>,
    decisions: Vec<Decision>,
    outcomes: Vec<Outcome>,
    strangers: Vec<Feedback>,
    store: Option<StoreReport>,
}

/// The way to the listener.
pub(super) enum Delivery {
    /// Here and now.
    Direct,
    /// On its thread; `None` until there is something to tell.
    Thread(Option<Sender>),
}

impl Delivery {
    pub(super) fn new(direct: bool) -> Self {
        if direct { Self::Direct } else { Self::Thread(None) }
    }

    /// Tells of what happened; a new listener of all decisions that wait, these among them.
    pub(super) fn tell(&mut self, shared: &Shared, outcomes: Vec<Outcome>, reminder: Option<Vec<Decision>>) {
        if outcomes.is_empty() {
            return;
        }
        let (made, outcomes): (Vec<Decision>, _) = if shared.audience() == Audience::All {
            let made = outcomes.iter().filter_map(Outcome::decision).cloned().collect();
            (made, outcomes)
        } else {
            (outcomes.into_iter().filter_map(Outcome::into_decision).collect(), Vec::new())
        };
        let mut decisions = reminder.unwrap_or_default();
        // Those that could not be written are not among those that wait.
        let untold: Vec<Decision> = made.into_iter().filter(|d| decisions.iter().all(|told| told.id != d.id)).collect();
        decisions.extend(untold);
        self.send(shared, |listener| News { decisions, outcomes, ..News::to(listener) });
    }

    /// Says that something will be told in a moment: to wake the thread for it takes as long as to commit it, and both can be
    /// done at once.
    pub(super) fn announce(&self) {
        if let Self::Thread(Some(sender)) = self {
            sender.announce();
        }
    }

    /// Tells of feedback to nothing.
    pub(super) fn tell_strangers(&mut self, shared: &Shared, strangers: Vec<Feedback>) {
        if !strangers.is_empty() {
            self.send(shared, |listener| News { strangers, ..News::to(listener) });
        }
    }

    /// Tells of decisions that wait in the outbox.
    pub(super) fn remind(&mut self, shared: &Shared, decisions: Vec<Decision>) {
        if !decisions.is_empty() {
            self.send(shared, |listener| News { decisions, ..News::to(listener) });
        }
    }

    /// Tells how the store is.
    pub(super) fn tell_store(&mut self, shared: &Shared, report: StoreReport) {
        self.send(shared, |listener| News { store: Some(report), ..News::to(listener) });
    }

    fn send(&mut self, shared: &Shared, news: impl FnOnce(Arc<dyn Listener>) -> News) {
        let Some(listener) = shared.listener() else { return };
        let news = news(listener);
        match self {
            Self::Direct => news.tell(),
            Self::Thread(sender) => {
                if sender.is_none() {
                    *sender = thread(shared);
                }
                // Without a thread nobody is told now; decisions stay in the outbox.
                if let Some(sender) = sender {
                    sender.send(news);
                }
            }
        }
    }
}

impl News {
    /// Nothing, to be filled.
    fn to(listener: Arc<dyn Listener>) -> Self {
        Self { listener, decisions: Vec::new(), outcomes: Vec::new(), strangers: Vec::new(), store: None }
    }

    fn tell(self) {
        let _ = catch_unwind(AssertUnwindSafe(|| {
            if let Some(report) = &self.store {
                self.listener.on_store(report);
            }
            if !self.strangers.is_empty() {
                self.listener.on_unknown_feedback(&self.strangers);
            }
            if !self.decisions.is_empty() {
                self.listener.on_decisions(&self.decisions);
            }
            // They may have been put together for the one before, who did.
            if !self.outcomes.is_empty() && self.listener.wants_outcomes() {
                self.listener.on_outcomes(&self.outcomes);
            }
        }));
    }
}

/// A thread that tells until the worker is gone; closing the engine waits for it.
fn thread(shared: &Shared) -> Option<Sender> {
    let post = Arc::new(Post::default());
    let news = post.clone();
    let work = move || std::iter::from_fn(|| news.take()).for_each(News::tell);
    let thread = std::thread::Builder::new().name("ensue-deliver".to_owned()).spawn(work).ok()?;
    *shared.delivery.lock().unwrap_or_else(PoisonError::into_inner) = Some(thread);
    Some(Sender(post))
}

/// What is on its way to the listener. A channel would wake who waits while it holds what that one asks for first.
#[derive(Default)]
struct Post {
    state: Mutex<Bag>,
    bell: Condvar,
    /// Whether there is anything to take, for who looks without the lock; it may be out of date.
    full: AtomicBool,
}

#[derive(Default)]
struct Bag {
    news: VecDeque<News>,
    /// Whether something will come in a moment.
    announced: bool,
    /// Whether its taker must be woken.
    sleeping: bool,
    closed: bool,
}

impl Post {
    /// The next news; `None`: there is none and comes none.
    fn take(&self) -> Option<News> {
        let mut bag = self.lock();
        while bag.news.is_empty() && !bag.closed {
            if std::mem::take(&mut bag.announced) {
                drop(bag);
                self.look_out();
                bag = self.lock();
                continue;
            }
            bag.sleeping = true;
            bag = self.bell.wait(bag).unwrap_or_else(PoisonError::into_inner);
            bag.sleeping = false;
        }
        let news = bag.news.pop_front();
        self.full.store(!bag.news.is_empty(), Ordering::Relaxed);
        news
    }

    /// Stays awake for a while, until something is there. Whoever else wants this core gets it.
    fn look_out(&self) {
        for _ in 0..LOOKS {
            if self.full.load(Ordering::Relaxed) {
                return;
            }
            std::thread::yield_now();
        }
    }

    fn put(&self, change: impl FnOnce(&mut Bag)) {
        let mut bag = self.lock();
        change(&mut bag);
        self.full.store(!bag.news.is_empty() || bag.closed, Ordering::Relaxed);
        let sleeping = bag.sleeping;
        drop(bag);
        if sleeping {
            self.bell.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Bag> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The end of the worker; with it the post closes.
pub(super) struct Sender(Arc<Post>);

impl Sender {
    fn send(&self, news: News) {
        self.0.put(|bag| {
            bag.news.push_back(news);
            bag.announced = false;
        });
    }

    fn announce(&self) {
        self.0.put(|bag| bag.announced = true);
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.0.put(|bag| bag.closed = true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Deaf;

    impl Listener for Deaf {
        fn on_decisions(&self, _: &[Decision]) {}
    }

    /// Takes all until the end, on a thread; how many there were.
    fn taker(post: &Arc<Post>) -> std::thread::JoinHandle<usize> {
        let post = post.clone();
        std::thread::spawn(move || std::iter::from_fn(|| post.take()).count())
    }

    #[test]
    fn whatever_was_announced_all_that_comes_is_taken() {
        for announced in [|_| false, |n| n % 2 == 0, |_| true] {
            let sender = Sender(Arc::default());
            let taken = taker(&sender.0);
            for n in 0..1_000 {
                if announced(n) {
                    sender.announce();
                }
                sender.send(News::to(Arc::new(Deaf)));
            }
            drop(sender);
            assert_eq!(taken.join().unwrap(), 1_000);
        }
    }

    #[test]
    fn what_was_announced_and_does_not_come_is_not_waited_for() {
        let sender = Sender(Arc::default());
        let taken = taker(&sender.0);
        sender.announce();
        let sleeps = || {
            let bag = sender.0.lock();
            bag.sleeping && !bag.announced
        };
        while !sleeps() {
            std::thread::yield_now();
        }
        sender.send(News::to(Arc::new(Deaf)));
        sender.announce();
        drop(sender);
        assert_eq!(taken.join().unwrap(), 1);
    }
}
