//! Users who are forgotten, who opt out and in again, and who ask what there is of them.

use std::sync::Arc;

use super::Worker;
use crate::config::Mode;
use crate::error::Error;
use crate::ingest::Item;
use crate::log::{LogGap, Losers, StreamKey};

impl Worker {
    /// Erases a user; the rows in one transaction, then their traces in the file.
    pub(super) fn forget(&mut self, user: Option<&Arc<str>>) -> Result<(), Error> {
        self.held.retain_mut(|item| match item {
            Item::Event(queued) => queued.event.user_id.as_ref() != user,
            Item::Gap(lost) => {
                lost.users.remove(&user.cloned());
                true
            }
            Item::Feedback(_) | Item::Command(_) => true,
        });
        self.write_out()?;
        if let Err(error) = self.in_transaction(|w| w.erase(user)) {
            // What was cut in memory is not cut in the store.
            self.begin_again()?;
            self.tell_again(user)?;
            return Err(error);
        }
        self.fold.effects.saved();
        self.tell();
        self.scrub_traces()
    }

    /// Within a transaction: the user's rows, and what is made of all users' events, theirs among them.
    fn erase(&mut self, user: Option<&Arc<str>>) -> Result<(), Error> {
        let stream = StreamKey::User(user.cloned());
        for mixed in self.mixed_streams().into_iter().filter(|mixed| *mixed != stream) {
            self.store.erase_made(&mixed)?;
            self.disown(Some(&mixed));
            self.cut_to_now(&mixed)?;
            self.fold.drop_held(&mixed);
        }
        // Their events have moved the device's time, which stays.
        let device = self.shared.ingest.users.device();
        self.store.put_reached(&StreamKey::Device, device, 0)?;
        self.store.erase_user(user)?;
        self.store.erase_unused_names()?;
        self.save()?;
        self.disown(Some(&stream));
        self.fold.erase(&stream);
        self.know_install();
        Ok(())
    }

    /// Writes what earlier batches could not.
    fn write_out(&mut self) -> Result<(), Error> {
        if self.fold.effects.is_saved() {
            return Ok(());
        }
        self.begin();
        self.finish_batch()
    }

    /// Tells the recording side again how far a user has come.
    fn tell_again(&mut self, user: Option<&Arc<str>>) -> Result<(), Error> {
        let key = StreamKey::User(user.cloned());
        if let Some((_, state)) = self.store.streams()?.into_iter().find(|(stream, _)| *stream == key) {
            self.shared.ingest.users.restore(user.map(|u| &**u), state.frontier, state.session);
        }
        Ok(())
    }

    /// The streams in which several users' events took part.
    fn mixed_streams(&self) -> Vec<StreamKey> {
        let anonymous = self.store.is_mixed().then_some(StreamKey::User(None));
        let device = self.fold.book.has_device() || self.store.is_mixed();
        device.then_some(StreamKey::Device).into_iter().chain(anonymous).collect()
    }

    /// Nothing reads a stream's history up to now any more.
    fn cut_to_now(&mut self, key: &StreamKey) -> Result<(), Error> {
        let Some(upto) = self.fold.newest(key, self.store.next_seq()) else { return Ok(()) };
        let (fold, mut log) = self.parts();
        fold.cut(key, upto, &mut log)?;
        if let Some(failed) = self.failed.take() {
            return Err(failed);
        }
        let state = self.fold.state(key);
        state.map_or(Ok(()), |state| self.store.put_cut(key, &state))
    }

    /// Overwrites what the file still has of rows that were erased.
    pub(super) fn scrub_traces(&mut self) -> Result<(), Error> {
        if self.store.is_unscrubbed()? { self.store.scrub() } else { Ok(()) }
    }

    /// Erases everyone, and takes nothing any more.
    pub(super) fn opt_out(&mut self) -> Result<(), Error> {
        self.off = true;
        self.held.clear();
        self.shared.counters.opted_out.set(1);
        let erased = self.in_transaction(|w| {
            w.store.erase_everyone()?;
            w.store.put_opted_out(true)
        });
        self.begin_again()?;
        erased.and_then(|()| self.scrub_traces())
    }

    /// Takes events again. What was not taken is a gap.
    pub(super) fn opt_in(&mut self) -> Result<(), Error> {
        if !self.off {
            return Ok(());
        }
        let now = match &self.shared.config.mode {
            Mode::Live(clock) => Some(clock.now()),
            // Nobody knows what was not replayed.
            Mode::Replay => None,
        };
        self.in_transaction(|w| {
            w.store.put_opted_out(false)?;
            let gap = now.map(|upto| LogGap { seq: 0, losers: Losers::All, upto });
            gap.map_or(Ok(()), |mut gap| w.store.append_gap(&mut gap))
        })?;
        self.begin_again()?;
        self.off = false;
        self.know_install();
        self.shared.counters.opted_out.set(0);
        self.shared.ingest.turn_off(false);
        Ok(())
    }

    /// At opening: whether the user has opted out.
    pub(super) fn note_opting_out(&mut self) -> Result<(), Error> {
        if self.store.is_opted_out()? {
            self.off = true;
            self.shared.counters.opted_out.set(1);
            self.shared.ingest.turn_off(true);
        }
        Ok(())
    }

    /// All that is stored of a user, as JSON.
    pub(super) fn export(&mut self, user: Option<&Arc<str>>) -> Result<String, Error> {
        self.save_reached()?;
        self.store.export(user).map(|all| all.to_string())
    }

    /// The state that the store stands for, as after a restart.
    fn begin_again(&mut self) -> Result<(), Error> {
        self.disown(None);
        self.restore(false)?;
        self.know_install();
        self.show();
        Ok(())
    }
}
