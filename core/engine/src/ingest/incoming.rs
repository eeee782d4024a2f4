//! An event on its way in: lent by who records it, made owned where some task wants it.

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_rule::{Event, EventRef, Timestamp, Value};

use super::demand::Want;
use super::users::Mark;
use super::{Attributes, Queued};

/// An event on its way in, and how its attributes are read.
pub(super) struct Incoming<'e, R> {
    pub(super) head: &'e EventRef<'e>,
    pub(super) read: R,
    /// What is left of its size.
    pub(super) left: usize,
    /// Since when the host kept it, where it brings no time.
    pub(super) kept: Option<Timestamp>,
    /// The input line, in replay.
    pub(super) line: Option<u64>,
    /// Waits for room in the queue.
    pub(super) patient: bool,
}

impl<'e, R> Incoming<'e, R> {
    /// An event that is recorded now, of whose attributes `left` bytes may be read.
    pub(super) fn of(head: &'e EventRef<'e>, read: R, left: usize) -> Self {
        Self { head, read, left, kept: None, line: None, patient: false }
    }

    /// An owned event with what is wanted of it; all of it, where nobody knows yet.
    pub(super) fn owned(&self, mark: &Mark, want: Option<Want<'_>>, args: BTreeMap<Arc<str>, Value>) -> Box<Queued> {
        let Self { head, line, .. } = *self;
        let whole = want.is_none();
        let (action, scene) = want.map_or((None, None), |want| (want.action_type.cloned(), want.scene.cloned()));
        let label = || line.and_then(|l| i64::try_from(l).ok()).map(Value::Int);
        let event = Event {
            ts: Some(mark.ts),
            id: head.id.cloned().or_else(label),
            source: head.source,
            action_type: action.unwrap_or_else(|| head.action_type.into()),
            scene: scene.or_else(|| head.scene.map(Arc::from)),
            user_id: mark.user.clone(),
            utc_offset_min: head.utc_offset_min,
            args,
        };
        Box::new(Queued {
            event,
            ts: mark.ts,
            before: mark.before,
            device_before: mark.device_before,
            session: mark.session,
            newcomer: mark.newcomer.clone(),
            stamped: head.ts.is_none(),
            whole,
            line,
        })
    }
}

impl<E, R: Fn(&mut Attributes<'_>) -> Result<(), E>> Incoming<'_, R> {
    /// The attributes that are read; `None`: they are too large.
    pub(super) fn args(&self, want: Option<&Want<'_>>) -> Result<Option<BTreeMap<Arc<str>, Value>>, E> {
        let mut attributes = Attributes::new(want.map(Want::reads), Some(self.left));
        (self.read)(&mut attributes)?;
        Ok(attributes.taken())
    }
}
