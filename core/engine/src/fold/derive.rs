//! Derived events: appended to the log like any other, and happening before the next input.

use std::sync::Arc;

use ensue_rule::{Event, Source, Timestamp, Value};

use super::Fold;
use super::decide::Found;
use crate::error::Error;
use crate::event_json;
use crate::identity::decision_id;
use crate::listener::Audience;
use crate::log::{Log, LogEvent, StreamKey};
use crate::outcome::{DerivedRecord, Outcome};

impl Fold {
    /// Makes a derived event; appends it if some task reads it, to be processed before the next input.
    pub(super) fn derive(
        &mut self,
        f: &Found,
        (output, action_type, scene): (usize, Arc<str>, Option<Arc<str>>),
        cause: Option<&LogEvent>,
        log: &mut dyn Log,
    ) -> Result<(), Error> {
        let Some((m, _)) = f.matched() else { return Ok(()) };
        let id = decision_id(&f.id, output);
        let target = StreamKey::User(f.stream.user().cloned());
        let session = f.session.unwrap_or_else(|| self.streams.get(&target).map_or(0, |s| s.session));
        let event = Event {
            ts: Some(m.at),
            id: Some(Value::Str(id.clone())),
            source: Source::Derived,
            action_type,
            scene,
            user_id: f.stream.user().cloned(),
            utc_offset_min: cause.map_or_else(|| self.last_offset(&f.stream), |e| e.event.utc_offset_min),
            args: m.values.iter().cloned().collect(),
        };
        if self.audience == Audience::All {
            let (task, user) = (f.task.task.id.clone(), f.stream.user().cloned());
            let json = event_json::to_json(&event);
            let record = DerivedRecord { id, task, user, at: m.at, line: self.line, event: json };
            self.effects.outcomes.push(Outcome::Event(record));
        }
        if !self.book.joined(&event.action_type, event.scene.as_deref()) {
            return Ok(());
        }
        let of_device = f.stream == StreamKey::Device;
        self.append_derived(event, (m.at, of_device), (&target, session), log)
    }

    /// The offset of local time of what time derives: the last one known.
    fn last_offset(&self, stream: &StreamKey) -> Option<i32> {
        self.streams.get(stream).map(|s| s.utc_offset_min).filter(|offset| *offset != 0)
    }

    fn append_derived(
        &mut self,
        mut event: Event,
        (at, of_device): (Timestamp, bool),
        (target, session): (&StreamKey, u64),
        log: &mut dyn Log,
    ) -> Result<(), Error> {
        self.book.narrow(&mut event);
        let reach =
            |fold: &Self, key| fold.streams.get(key).map_or((Timestamp::MIN, at), |s| (s.reached(), at.max(s.floor)));
        let ((before, ts), (device_before, device_ts)) = (reach(self, target), reach(self, &StreamKey::Device));
        event.ts = Some(ts);
        let (late, device_late) = (false, false);
        let (seq, recorded) = (0, ts);
        let mut made = LogEvent {
            seq,
            ts,
            recorded,
            device_ts,
            before,
            device_before,
            session,
            late,
            device_late,
            of_device,
            event,
        };
        log.append(&mut made)?;
        self.labels.add(made.seq, made.event.id.as_ref());
        self.move_by(target, &made);
        let made = Arc::new(made);
        self.wait(target, &made);
        self.fed.extend([target.clone(), StreamKey::Device]);
        Ok(())
    }
}
