//! One answer to one question, from the thread that has it to the one that waits for it.
//!
//! It is not a channel: every kind of answer would bring a copy of a channel's code, 12 KB of a mobile build each
//! (docs/adr/0010-what-the-library-weighs.md).

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// The two ends of an answer.
pub(crate) fn reply<T>() -> (Reply<T>, Answer<T>) {
    let place = Arc::new(Place { said: Mutex::new(Said::Not), told: Condvar::new() });
    (Reply(place.clone()), Answer(place))
}

/// Where the answer goes; let go of without one, it tells whoever waits that there is none. Nobody may be waiting any more.
pub(crate) struct Reply<T>(Arc<Place<T>>);

/// Where the answer comes from.
pub(crate) struct Answer<T>(Arc<Place<T>>);

struct Place<T> {
    said: Mutex<Said<T>>,
    told: Condvar,
}

enum Said<T> {
    Not,
    This(T),
    Never,
}

impl<T> Reply<T> {
    /// Answers. The first answer counts.
    pub(crate) fn send(&self, answer: T) {
        self.0.say(Said::This(answer));
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        self.0.say(Said::Never);
    }
}

impl<T> Answer<T> {
    /// Waits for the answer; `None`: there will be none.
    pub(crate) fn wait(self) -> Option<T> {
        let mut said = self.0.lock();
        loop {
            match std::mem::replace(&mut *said, Said::Not) {
                Said::This(answer) => return Some(answer),
                Said::Never => return None,
                Said::Not => said = self.0.told.wait(said).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

impl<T> Place<T> {
    fn say(&self, what: Said<T>) {
        let mut said = self.lock();
        if matches!(*said, Said::Not) {
            *said = what;
            self.told.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Said<T>> {
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::reply;

    #[test]
    fn the_first_answer_reaches_whoever_waits() {
        let (sender, answer) = reply();
        let waiting = std::thread::spawn(move || answer.wait());
        sender.send(1);
        sender.send(2);
        assert_eq!(waiting.join().unwrap(), Some(1));
    }

    #[test]
    fn who_is_let_go_of_answers_never() {
        let (sender, answer) = reply::<u8>();
        drop(sender);
        assert_eq!(answer.wait(), None);
        let (sender, answer) = reply();
        sender.send(3);
        drop(sender);
        assert_eq!(answer.wait(), Some(3));
    }

    #[test]
    fn an_answer_that_nobody_waits_for_is_let_go_of() {
        let (sender, answer) = reply();
        drop(answer);
        sender.send(4);
    }
}
