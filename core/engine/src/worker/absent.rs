//! Users who are put away where there are too many, and come again.
//!
//! How far a user has come stands in two places, as `record` saw it and as the fold knows it; both go to the store, and leave
//! memory, together. Who comes again is counted by `record` as if they were new, and goes on here from what the store says.

use std::sync::Arc;

use ensue_rule::Timestamp;

use super::Worker;
use crate::error::Error;
use crate::ingest::{Moved, Newcomer, Past, Queued, Reach};
use crate::log::StreamKey;
use crate::store::{Bound, Decided, UserState};

/// Where there are so many times more users than there should be, those with live runs are put away too. Not before, since to
/// bring them back costs more than to keep them.
const MANY: usize = 8;

impl Worker {
    /// Where more users are in memory than there should be: writes what there is of those who were last seen longest ago
    /// and wait for nothing, and forgets them here.
    pub(super) fn put_away(&mut self) -> Result<(), Error> {
        let limit = self.shared.config.users;
        let most = self.shared.ingest.users.len().max(self.fold.len());
        if most <= limit || self.off || self.fold.book.is_empty() || !self.fold.effects.is_saved() {
            return Ok(());
        }
        // Down to half as many, so that it is not soon again.
        let many = limit.saturating_mul(MANY);
        let mut with_runs = if most > many { most - many / 2 } else { 0 };
        let mut taken = Vec::new();
        let written = self.in_transaction(|w| {
            for name in w.shared.ingest.users.oldest(limit / 2, w.done) {
                w.put_one_away(name, &mut with_runs, &mut taken)?;
            }
            Ok(())
        });
        for (name, reach) in &taken {
            match &written {
                Ok(()) => self.fold.put_away(&StreamKey::User(Some(name.clone()))),
                // Nothing was written: they are here again.
                Err(_) => self.shared.ingest.users.restore(Some(name), reach.frontier, reach.session),
            }
        }
        written?;
        self.put_strangers_away(limit)
    }

    /// `with_runs`: so many may still go that have live runs.
    fn put_one_away(
        &mut self,
        name: Arc<str>,
        with_runs: &mut usize,
        taken: &mut Vec<(Arc<str>, Reach)>,
    ) -> Result<(), Error> {
        let key = StreamKey::User(Some(name.clone()));
        if !self.fold.is_idle(&key) {
            if *with_runs == 0 || !self.may_rest(&key) {
                return Ok(());
            }
            *with_runs -= 1;
        }
        if let Some(newcomer) = self.shared.ingest.users.newcomer_of(Some(&name)) {
            self.past_of(&key, &newcomer)?;
        }
        let Some(reach) = self.shared.ingest.users.take(&name, self.done) else { return Ok(()) };
        let written = self.store.put_reached(&key, reach.frontier, reach.session);
        taken.push((name, reach));
        written
    }

    /// Whether the log would bring a user's live runs back: where all of it was written, and none of what they saw gets too old.
    fn may_rest(&self, key: &StreamKey) -> bool {
        !self.has_lost() && self.fold.may_rest(key, self.ageing())
    }

    /// Live runs of users who have not come further may have begun with an event that is too old to be kept.
    fn ageing(&self) -> Timestamp {
        self.now().minus(self.shared.config.retention.age).plus(self.fold.book.longest_window())
    }

    /// Brings those back of whose live runs something will be said when what they saw gets too old.
    pub(super) fn wake_ageing(&mut self) -> Result<(), Error> {
        self.wake_until(self.ageing())
    }

    /// Brings all back who were put away with live runs.
    pub(super) fn wake_all(&mut self) -> Result<(), Error> {
        self.wake_until(Timestamp::MAX)
    }

    fn wake_until(&mut self, upto: Timestamp) -> Result<(), Error> {
        let mut back = Ok(());
        for key in self.fold.resting(upto) {
            back = back.and(self.bring_back(&key));
        }
        back
    }

    /// Streams that only derived events have touched, or that the store brought at opening.
    fn put_strangers_away(&mut self, limit: usize) -> Result<(), Error> {
        if self.fold.len() <= limit {
            return Ok(());
        }
        for key in self.fold.users() {
            let known = key.user().is_some_and(|name| self.shared.ingest.users.has(name));
            if !known && self.fold.is_idle(&key) && self.store.state_of(&key)?.is_some() {
                self.fold.put_away(&key);
            }
        }
        Ok(())
    }

    /// Lets a user's event go on from what the store remembers of them.
    pub(super) fn meet(&mut self, queued: &mut Queued) -> Result<(), Error> {
        let key = StreamKey::User(queued.event.user_id.clone());
        self.bring_back(&key)?;
        if let Some(newcomer) = &queued.newcomer {
            let past = self.past_of(&key, newcomer)?;
            queued.before = queued.before.max(past.frontier);
            queued.session = past.session(queued.session);
        }
        Ok(())
    }

    /// Who moved, with their sessions counted from the first that the store has.
    pub(super) fn moved(&mut self) -> Result<Moved, Error> {
        let mut moved = self.shared.ingest.users.take_moved();
        for (user, reach) in &mut moved {
            let key = StreamKey::User(user.clone());
            // Events of theirs that are still queued go on from what the store says now, not from what is written of them here.
            self.bring_back(&key)?;
            self.fold.keep(&key);
            if let Some(newcomer) = reach.newcomer.clone() {
                reach.go_on(self.past_of(&key, &newcomer)?);
            }
        }
        Ok(moved)
    }

    /// What came before a newcomer's events, who goes on from there.
    fn past_of(&mut self, key: &StreamKey, newcomer: &Arc<Newcomer>) -> Result<Past, Error> {
        if let Some(past) = newcomer.past() {
            return Ok(past);
        }
        // The fold knows what was not committed yet, the store what no task wanted.
        let known = [self.store.state_of(key)?, self.fold.state(key)];
        let frontier = known.iter().flatten().map(|s| s.frontier).max().unwrap_or(Timestamp::MIN);
        let sessions = known.iter().flatten().map(|s| s.session).max().unwrap_or(0);
        Ok(self.shared.ingest.users.join(key.user().map(|u| &**u), newcomer, (frontier, sessions)))
    }

    /// Brings a stream back, if it was put away. Live runs of it whose log cannot be read end, and say so: there is no second
    /// try, since what comes next is folded without them.
    pub(super) fn bring_back(&mut self, key: &StreamKey) -> Result<(), Error> {
        if self.fold.has(key) {
            return Ok(());
        }
        let back = self.read_back(key);
        if self.fold.rests(key) {
            let next = self.store.next_seq();
            let (fold, mut log) = self.parts();
            let given_up = fold.give_up(key, next, &mut log);
            self.note_failure(given_up);
        }
        back
    }

    /// Reads what the store has of a stream that is not in memory.
    fn read_back(&mut self, key: &StreamKey) -> Result<(), Error> {
        let Some(state) = self.store.state_of(key)? else { return Ok(()) };
        self.fold.bring_back(key, &state);
        let Some(id) = self.store.known_id(key)? else { return Ok(()) };
        let bounds = self.remember_of(key, id)?;
        if let Err(error) = if self.fold.rests(key) { self.wake((key, id), state, bounds) } else { Ok(()) } {
            // As good as gone; whoever flushes is told why.
            self.unread.get_or_insert(error);
        }
        Ok(())
    }

    /// Writes, and tells, what became of those who came back outside a batch.
    pub(super) fn say_lost(&mut self) {
        if self.unread.is_some() || !self.fold.effects.cuts.is_empty() {
            self.begin();
            // Its failure is kept for whoever flushes.
            let _ = self.finish_batch();
        }
    }

    /// Builds the live runs of a user again.
    fn wake(&mut self, (key, id): (&StreamKey, i64), state: UserState, bounds: Vec<Bound>) -> Result<(), Error> {
        let Self { fold, store, .. } = self;
        let after = fold.began_after(&state);
        fold.wake((key, state), bounds, |visit| store.scan_user((id, after), visit))
    }

    /// Reads what matches of a stream consumed and what past decisions in it count.
    pub(super) fn remember(&mut self, key: &StreamKey) -> Result<(), Error> {
        let Some(id) = self.store.known_id(key)? else { return Ok(()) };
        self.remember_of(key, id).map(drop)
    }

    fn remember_of(&mut self, key: &StreamKey, id: i64) -> Result<Vec<Bound>, Error> {
        let bounds = self.store.bounds(Some(id))?;
        // Where nobody has asked for past decisions yet, theirs come with those of all.
        let Self { fold, store, .. } = self;
        let past = if fold.knows_past() { store.ledger(Decided::Of(id), &fold.counting())? } else { Vec::new() };
        self.fold.remember(key, &bounds, past);
        Ok(bounds)
    }
}

#[cfg(test)]
mod tests;
