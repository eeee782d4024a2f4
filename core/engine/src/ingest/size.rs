//! How large an event is: the bytes of its names, texts and values, whoever reads them.

use ensue_rule::{EventRef, Value};

/// Values nested deeper than this are over the size limit.
pub(super) const DEPTH: usize = 64;

/// The bytes of an event; `None`: over the limit.
pub(super) fn size(event: &EventRef<'_>, limit: usize) -> Option<usize> {
    let mut left = limit.checked_sub(event.action_type.len())?;
    for text in [event.scene, event.user_id].into_iter().flatten() {
        left = left.checked_sub(text.len())?;
    }
    left = event.id.map_or(Some(left), |id| spend(id, left, DEPTH))?;
    for (name, value) in event.args {
        left = spend(value, left.checked_sub(name.len())?, DEPTH)?;
    }
    Some(limit - left)
}

/// What a value leaves of `left` bytes.
pub(super) fn spend(value: &Value, left: usize, depth: usize) -> Option<usize> {
    let depth = depth.checked_sub(1)?;
    match value {
        Value::Null | Value::Bool(_) => left.checked_sub(1),
        Value::Int(_) | Value::Float(_) => left.checked_sub(8),
        Value::Str(s) => left.checked_sub(s.len().saturating_add(1)),
        Value::List(items) => items.iter().try_fold(left.checked_sub(1)?, |left, v| spend(v, left, depth)),
        Value::Map(map) => {
            map.iter().try_fold(left.checked_sub(1)?, |left, (k, v)| spend(v, left.checked_sub(k.len())?, depth))
        }
    }
}
