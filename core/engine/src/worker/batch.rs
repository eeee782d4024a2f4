//! One batch: one transaction around what the fold makes of events.

use ensue_matcher::Position;
use ensue_rule::{Timestamp, Value};

use super::{Next, Worker};
use crate::dispatch::LedgerEntry;
use crate::error::Error;
use crate::fold::{Draft, HeldChange, Told};
use crate::ingest::{Item, Lost, Queued};
use crate::listener::Audience;
use crate::log::{Counts, Entry, Log, LogEvent, LogGap, Losers, Span, StreamKey};
use crate::stats::Counters;
use crate::store::{Bound, Store};

/// The log while a batch is written: once writing has failed nothing more is written in this batch, and matching goes on
/// in memory.
pub(super) struct Writing<'a> {
    store: &'a mut Store,
    failed: &'a mut Option<Error>,
    unread: &'a mut Option<Error>,
    counters: &'a Counters,
}

impl Log for Writing<'_> {
    fn append(&mut self, event: &mut LogEvent) -> Result<(), Error> {
        if self.failed.is_none() {
            *self.failed = self.store.append(event).err();
        } else {
            event.seq = self.store.skip_seq();
        }
        self.counters.unwritten.add(u64::from(self.failed.is_some()));
        Ok(())
    }

    fn look_back(&mut self, span: &Span<'_>, visit: &mut dyn FnMut(&Entry)) -> Result<(), Error> {
        let read = self.store.look_back(span, visit);
        if let Err(error) = &read {
            self.unread.get_or_insert_with(|| error.clone());
        }
        read
    }

    fn label(&mut self, seq: u64) -> Option<Value> {
        self.store.label(seq)
    }

    fn session_of(&mut self, seq: u64) -> Option<u64> {
        self.store.session_of(seq)
    }

    fn decided(&mut self, counts: Counts<'_>) -> Result<Vec<LedgerEntry>, Error> {
        let read = self.store.decided(counts);
        if let Err(error) = &read {
            self.unread.get_or_insert_with(|| error.clone());
        }
        read
    }
}

impl Worker {
    /// Takes items in their order.
    pub(super) fn take(&mut self, items: &mut Vec<Item>) -> Next {
        for item in items.drain(..) {
            match item {
                Item::Event(_) | Item::Gap(_) | Item::Feedback(_) if self.off => {}
                Item::Event(event) => {
                    self.event(event);
                    self.ask_all();
                }
                Item::Feedback(feedback) => self.feedback(feedback),
                Item::Gap(lost) => self.gap(lost),
                Item::Command(command) => {
                    // Who asks after it is told by `last_error`.
                    let _ = self.finish_batch();
                    if self.obey(command) == Next::Stop {
                        return Next::Stop;
                    }
                }
            }
        }
        Next::Go
    }

    fn event(&mut self, mut queued: Box<Queued>) {
        if self.fold.book.is_empty() {
            self.held.push(Item::Event(queued));
            return;
        }
        if queued.whole {
            if !self.fold.book.narrow(&mut queued.event) {
                return;
            }
            self.shared.counters.demanded.add(1);
        }
        self.begin();
        let met = self.meet(&mut queued);
        self.note_failure(met);
        let Queued { event, ts, before, device_before, session, stamped, line, .. } = *queued;
        let draft = Draft { event, ts, before, device_before, session, stamped, line };
        let (fold, mut log) = self.parts();
        let folded = fold.arrive(draft, &mut log);
        self.note_failure(folded);
    }

    fn gap(&mut self, lost: Lost) {
        if self.fold.book.is_empty() {
            match self.held.last_mut() {
                Some(Item::Gap(before)) => before.merge(lost),
                _ => self.held.push(Item::Gap(lost)),
            }
            return;
        }
        let users = lost.users.into_iter().map(|(user, upto)| (Losers::User(user), upto));
        let everyone = lost.everyone.map(|upto| (Losers::All, upto));
        for (losers, upto) in users.chain(everyone) {
            self.begin();
            if let Losers::User(user) = &losers {
                let back = self.bring_back(&StreamKey::User(user.clone()));
                self.note_failure(back);
            } else {
                let back = self.wake_all();
                self.note_failure(back);
            }
            let mut gap = LogGap { seq: 0, losers, upto };
            if self.failed.is_none() {
                self.failed = self.store.append_gap(&mut gap).err();
            }
            let (fold, mut log) = self.parts();
            let folded = fold.lose(&gap, &mut log);
            self.note_failure(folded);
        }
    }

    /// Moves the time of all users.
    pub(super) fn advance(&mut self, t: Timestamp) -> Result<(), Error> {
        self.begin();
        let (fold, mut log) = self.parts();
        let folded = fold.advance_to(t, &mut log);
        self.note_failure(folded);
        self.finish_batch()
    }

    pub(super) fn parts(&mut self) -> (&mut crate::fold::Fold, Writing<'_>) {
        let log = Writing {
            store: &mut self.store,
            failed: &mut self.failed,
            unread: &mut self.unread,
            counters: &self.shared.counters,
        };
        (&mut self.fold, log)
    }

    /// Begins the transaction, if none is open.
    pub(super) fn begin(&mut self) {
        if !self.open {
            self.open = true;
            self.store.begin();
            self.failed = self.mark_missing().err();
        }
    }

    pub(super) fn note_failure(&mut self, folded: Result<(), Error>) {
        if let Err(error) = folded {
            self.failed.get_or_insert(error);
        }
    }

    /// Writes what the fold left, commits, and tells. That it could not is also kept for whoever flushes.
    pub(super) fn finish_batch(&mut self) -> Result<(), Error> {
        if !self.open {
            return Ok(());
        }
        self.open = false;
        if self.fold.audience > Audience::Nobody && !self.fold.effects.decisions.is_empty() {
            self.delivery.announce();
        }
        let failed = self.failed.take();
        let written = failed.map_or(Ok(()), Err).and_then(|()| self.save()).and_then(|()| self.store.commit());
        // Where all went well, whoever waits for a decision waits for nothing of what follows; else there may be more to tell.
        let well = written.is_ok() && self.unread.is_none();
        if well {
            self.tell();
        }
        self.end_batch(&written);
        if !well {
            self.tell();
        }
        self.delivery.tell_strangers(&self.shared, std::mem::take(&mut self.strangers));
        self.look_after_file();
        self.forget_some();
        written
    }

    /// Takes note of how a batch went.
    fn end_batch(&mut self, written: &Result<(), Error>) {
        self.fold.post_decisions();
        let rows = self.store.take_written();
        if written.is_ok() {
            self.fold.effects.saved();
            self.shared.counters.stored.add(rows.rows);
            self.shared.counters.bytes_stored.add(rows.bytes);
            self.grown += rows.rows;
            self.store.grew(rows);
            self.unsettled = true;
        } else {
            // What is not an event is written with the next batch.
            self.shared.counters.unwritten.add(rows.rows);
            self.store.rollback();
            self.fold.effects.bound();
        }
        self.note(written);
        if let Some(error) = self.unread.take() {
            self.note_aside(error);
        }
    }

    /// Tells what the fold let out, once it is counted.
    pub(super) fn tell(&mut self) {
        self.count();
        self.show();
        let told = std::mem::take(&mut self.fold.effects.outcomes);
        let reminder = if told.is_empty() { None } else { self.reminder() };
        self.delivery.tell(&self.shared, told, reminder);
    }

    /// Writes what the fold left.
    pub(super) fn save(&mut self) -> Result<(), Error> {
        let (effects, store) = (&self.fold.effects, &mut self.store);
        if effects.is_saved() {
            return Ok(());
        }
        effects.decisions.iter().try_for_each(|made| store.put_decision(made))?;
        for change in &effects.held {
            match change {
                HeldChange::Wait(row) => store.put_held(row)?,
                HeldChange::Over(_, id) => store.drop_held(id)?,
            }
        }
        for Told { stream, decision, kind, at } in &effects.feedback {
            store.put_feedback(stream, decision, *kind, *at)?;
        }
        effects.refusals.iter().try_for_each(|refused| store.put_refusal(refused))?;
        for call in &effects.calls {
            store.put_call(call)?;
        }
        effects.counts.iter().try_for_each(|(of, counts)| store.add_counts(of, counts))?;
        effects.bounds.iter().try_for_each(|(key, at)| store.note_bound(&bound(key, *at)))?;
        effects.consumed.iter().try_for_each(|(key, at)| store.put_bound(&bound(key, *at)))?;
        for stream in &effects.cuts {
            self.fold.state(stream).map_or(Ok(()), |state| store.put_cut(stream, &state))?;
        }
        for stream in &effects.moved {
            self.fold.state(stream).map_or(Ok(()), |state| store.note_folded(stream, state))?;
        }
        if effects.wakeup.is_some() || !effects.cuts.is_empty() {
            store.write_noted();
        }
        effects.wakeup.map_or(Ok(()), |t| store.put_wakeup(t))
    }

    /// Adds to the counters what the fold counted.
    fn count(&mut self) {
        let (c, t) = (&self.shared.counters, std::mem::take(&mut self.fold.effects.tally));
        for (counter, n) in [
            (&c.late, t.late),
            (&c.capped, t.capped),
            (&c.null_key, t.null_key),
            (&c.matches, t.matches),
            (&c.timeouts, t.timeouts),
            (&c.decisions, t.decisions),
            (&c.refusals, t.refusals),
            (&c.errors, t.errors),
        ] {
            counter.add(n);
        }
    }
}

pub(super) fn bound(key: &crate::fold::BoundKey, at: Position) -> Bound {
    let crate::fold::BoundKey { source, task, stream, key } = key.clone();
    Bound { source, task, stream, key, at }
}
