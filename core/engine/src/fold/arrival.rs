//! What comes in: an event, a mark of lost ones, a move of time.

use std::sync::Arc;

use ensue_matcher::Position;
use ensue_rule::{Duration, Event, Timestamp};

use super::Fold;
use crate::error::Error;
use crate::log::{Log, LogEvent, LogGap, Losers, StreamKey};

/// An event less than this behind a move of time is raised to it.
const RAISED: Duration = Duration::MINUTE;

/// An event as it was recorded.
#[derive(Debug)]
pub(crate) struct Draft {
    /// What happened, with its user.
    pub(crate) event: Event,
    /// When.
    pub(crate) ts: Timestamp,
    /// The user's frontier before it.
    pub(crate) before: Timestamp,
    /// The largest frontier of all users before it.
    pub(crate) device_before: Timestamp,
    /// The number of its session.
    pub(crate) session: u64,
    /// Whether the engine stamped it: then it is never late.
    pub(crate) stamped: bool,
    /// The input line.
    pub(crate) line: Option<u64>,
}

impl Fold {
    /// Takes a new event: decides whether it is late, lets out what its time completes, appends it, and folds it in.
    pub(crate) fn arrive(&mut self, draft: Draft, log: &mut dyn Log) -> Result<(), Error> {
        self.line = draft.line;
        let user = StreamKey::User(draft.event.user_id.clone());
        let mut event = self.judge(&user, draft);
        self.move_by(&user, &event);
        self.feed(&user);
        // Before it gets its number: what these derive comes before it.
        self.run(log)?;
        log.append(&mut event)?;
        self.labels.add(event.seq, event.event.id.as_ref());
        self.effects.tally.late += u64::from(event.late);
        self.admit(&user, &Arc::new(event), log)?;
        self.run(log)
    }

    /// Takes a new mark of lost events.
    pub(crate) fn lose(&mut self, gap: &LogGap, log: &mut dyn Log) -> Result<(), Error> {
        self.line = None;
        if gap.losers == Losers::All {
            self.gap = self.gap.max(gap.upto);
        }
        for key in self.losers(gap) {
            let stream = self.streams.entry(key.clone()).or_default();
            let aside = stream.aside_mut();
            aside.gap = aside.gap.max(Some(gap.upto));
            let now = self.time(&key);
            self.end_waits(&key, (Position { ts: gap.upto, seq: gap.seq }, now), log)?;
        }
        Ok(())
    }

    /// Moves the time of all streams to `t`.
    pub(crate) fn advance_to(&mut self, t: Timestamp, log: &mut dyn Log) -> Result<(), Error> {
        self.line = None;
        if t > self.wakeup {
            self.wakeup = t;
            self.effects.wakeup = Some(t);
        }
        self.run_all(log)
    }

    /// Decides an event's time and whether it is late, once and for all.
    fn judge(&mut self, user: &StreamKey, draft: Draft) -> LogEvent {
        let Draft { mut event, mut ts, before, device_before, session, stamped, .. } = draft;
        let (lateness, wakeup, recorded) = (self.lateness, self.wakeup, ts);
        let stream = self.streams.entry(user.clone()).or_default();
        stream.move_on(before, before);
        let time = stream.time(lateness, wakeup);
        if stamped {
            // Two threads may have stamped in one order and queued in the other.
            ts = ts.max(stream.frontier).max(time);
        } else if ts < time && time == wakeup && ts.plus(RAISED) > wakeup {
            ts = wakeup;
        }
        let late = ts < time;
        let device = self.streams.entry(StreamKey::Device).or_default();
        device.move_on(device_before, device_before);
        let device_late = ts < device.time(lateness, wakeup);
        event.ts = Some(ts);
        LogEvent {
            seq: 0,
            ts,
            recorded,
            device_ts: ts,
            before,
            device_before,
            session,
            late,
            device_late,
            of_device: false,
            event,
        }
    }

    /// Moves the frontiers by an event.
    pub(super) fn move_by(&mut self, user: &StreamKey, event: &LogEvent) {
        for (key, before) in [(user, event.before), (&StreamKey::Device, event.device_before)] {
            let place = event.position(key);
            let stream = self.streams.entry(key.clone()).or_default();
            if event.is_derived() {
                stream.move_on(before, before);
                let aside = stream.aside_mut();
                aside.pushed = aside.pushed.max(place.ts);
            } else {
                stream.move_on(before.max(place.ts), before.max(event.recorded));
            }
            stream.session = stream.session.max(event.session);
            if let Some(offset) = event.event.utc_offset_min {
                stream.utc_offset_min = offset;
            }
            if !self.quiet && !self.effects.moved.contains(key) {
                self.effects.moved.insert(key.clone());
            }
        }
    }

    /// An event of this user comes: it concerns their stream, and that of the device.
    pub(super) fn feed(&mut self, user: &StreamKey) {
        self.fed.clear();
        self.fed.extend([user.clone(), StreamKey::Device]);
    }

    /// Puts an event that is in the log into the streams that it is not too late for: at once where nothing waits before
    /// it, else among what waits.
    pub(super) fn admit(&mut self, user: &StreamKey, event: &Arc<LogEvent>, log: &mut dyn Log) -> Result<(), Error> {
        let device = StreamKey::Device;
        let mut now: smallvec::SmallVec<[StreamKey; 2]> = smallvec::SmallVec::new();
        for (key, late) in [(user, event.late), (&device, event.device_late)] {
            if late {
                continue;
            }
            let (time, place, unread) =
                (self.time(key), event.position(key), *key == device && !self.book.has_device());
            let Some(stream) = self.streams.get_mut(key) else { continue };
            if unread || stream.aside().cut.is_some_and(|cut| place <= cut) {
                stream.floor = stream.floor.max(place.ts.min(time));
            } else if place.ts <= time && stream.next_due().is_none_or(|at| at > place.ts) {
                now.push(key.clone());
            } else {
                stream.aside_mut().pending.insert(place, event.clone());
                self.index(key);
            }
        }
        if now.is_empty() { Ok(()) } else { self.happen(&now, event, log) }
    }

    /// Puts an event among what waits in its streams.
    pub(super) fn wait(&mut self, user: &StreamKey, event: &Arc<LogEvent>) {
        for key in [user, &StreamKey::Device] {
            if *key == StreamKey::Device && !self.book.has_device() {
                continue;
            }
            if let Some(stream) = self.streams.get_mut(key) {
                stream.aside_mut().pending.insert(event.position(key), event.clone());
            }
            self.index(key);
        }
    }

    /// The streams that lost events.
    fn losers(&self, gap: &LogGap) -> Vec<StreamKey> {
        if let Losers::User(user) = &gap.losers {
            return vec![StreamKey::Device, StreamKey::User(user.clone())];
        }
        let mut all: Vec<StreamKey> = self.streams.keys().cloned().collect();
        all.sort_unstable();
        all
    }

    /// Does what is due in the streams named, and in those that it feeds, in order of time.
    pub(super) fn run(&mut self, log: &mut dyn Log) -> Result<(), Error> {
        loop {
            let next = self.fed.iter().filter_map(|key| Some((self.due_of(key)?, key))).min();
            let Some(key) = next.map(|(_, key)| key.clone()) else {
                self.fed.clear();
                return Ok(());
            };
            self.act(&key, log)?;
        }
    }

    /// Does what is due in all streams, in order of time, then of stream.
    pub(super) fn run_all(&mut self, log: &mut dyn Log) -> Result<(), Error> {
        while let Some((at, key)) = self.due.first().cloned() {
            if at > self.time(&key) {
                break;
            }
            self.act(&key, log)?;
        }
        self.fed.clear();
        Ok(())
    }

    /// When the stream has something to do, if its time has come.
    fn due_of(&self, key: &StreamKey) -> Option<Timestamp> {
        let stream = self.streams.get(key)?;
        stream.next_due().filter(|at| *at <= stream.time(self.lateness, self.wakeup))
    }

    /// Does the first thing that is due in a stream: its timers of one instant, or one event.
    fn act(&mut self, key: &StreamKey, log: &mut dyn Log) -> Result<(), Error> {
        let Some(stream) = self.streams.get_mut(key) else { return Ok(()) };
        let timer = stream.next_instant();
        let event = stream.aside().pending.first_key_value().map(|(place, _)| *place);
        match (timer, event) {
            (Some(at), place) if place.is_none_or(|p| at <= p.ts) => self.elapse(key, at, log),
            (_, Some(place)) => {
                let Some(event) = stream.aside_mut().pending.remove(&place) else { return Ok(()) };
                self.happen(std::slice::from_ref(key), &event, log)
            }
            _ => Ok(()),
        }
    }

    /// Keeps the index of what is due right after a stream has changed.
    pub(super) fn index(&mut self, key: &StreamKey) {
        let Some(stream) = self.streams.get_mut(key) else { return };
        let due = stream.next_due();
        if due == stream.indexed() {
            return;
        }
        if let Some(old) = stream.indexed() {
            self.due.remove(&(old, key.clone()));
        }
        if let Some(new) = due {
            self.due.insert((new, key.clone()));
        }
        stream.put_indexed(due);
    }
}
