//! Slots: a place for each attribute that some program reads.
//!
//! A slot says who needs it: the index (then it has a key) or steps (then it has a value). One that nobody needs any
//! more goes, so that rules that come and go do not add up.

use ensue_rule::Attr;
use rustc_hash::FxHashMap;
use std::sync::Arc;

/// A place for the value of one attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SlotId(pub(crate) u32);

impl SlotId {
    /// The action type has this place in every set.
    pub(crate) const ACTION: Self = Self(0);
    /// And the scene this.
    pub(crate) const SCENE: Self = Self(1);

    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// What a slot holds.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum SlotKey {
    /// An attribute.
    Attr(Attr),
    /// Event time moved by the event's UTC offset, for HOUR and WEEKDAY.
    LocalTime,
}

/// What a slot is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// The index looks at its key.
    Key,
    /// A step, or a condition that must be asked, reads its value.
    Value,
}

/// What a slot is needed for, as it is read for each event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) key: bool,
    pub(super) value: bool,
}

/// All slots of a set.
#[derive(Debug)]
pub(crate) struct Slots {
    by_key: FxHashMap<SlotKey, SlotId>,
    rows: Vec<Row>,
    /// By slot: whether it is needed, and what for.
    needs: Vec<Needs>,
    free: Vec<SlotId>,
    /// Made since they were last settled.
    fresh: Vec<SlotId>,
    /// Slots of built-in attributes that come with the event.
    built_in: Vec<(SlotKey, SlotId)>,
    /// Of those that come with its arrival.
    arriving: Vec<(SlotKey, SlotId)>,
    /// Slots into `args`, by the first name.
    by_name: FxHashMap<Arc<str>, Vec<Inside>>,
}

#[derive(Clone, Debug)]
struct Row {
    key: SlotKey,
    keys: u32,
    values: u32,
}

/// A slot for what the rest of a path leads to.
#[derive(Debug)]
pub(super) struct Inside {
    pub(super) rest: Vec<Arc<str>>,
    pub(super) slot: SlotId,
}

impl Default for Slots {
    fn default() -> Self {
        let mut slots = Self {
            by_key: FxHashMap::default(),
            rows: Vec::new(),
            needs: Vec::new(),
            free: Vec::new(),
            fresh: Vec::new(),
            built_in: Vec::new(),
            arriving: Vec::new(),
            by_name: FxHashMap::default(),
        };
        slots.slot(SlotKey::Attr(Attr::ActionType));
        slots.slot(SlotKey::Attr(Attr::Scene));
        slots.fresh.clear();
        slots
    }
}

impl Slots {
    /// The slot of a key, made where there is none.
    pub(crate) fn slot(&mut self, key: SlotKey) -> SlotId {
        if let Some(id) = self.by_key.get(&key) {
            return *id;
        }
        let id = self.free.pop().unwrap_or_else(|| SlotId(u32::try_from(self.rows.len()).unwrap_or(u32::MAX)));
        let row = Row { key: key.clone(), keys: 0, values: 0 };
        if let Some(old) = self.rows.get_mut(id.index()) {
            *old = row;
        } else {
            self.rows.push(row);
            self.needs.push(Needs::default());
        }
        match &key {
            SlotKey::Attr(Attr::Arg(path)) => {
                if let Some((first, rest)) = path.split_first() {
                    self.by_name.entry(first.clone()).or_default().push(Inside { rest: rest.to_vec(), slot: id });
                }
            }
            SlotKey::Attr(Attr::Ts) | SlotKey::LocalTime => self.arriving.push((key.clone(), id)),
            SlotKey::Attr(_) => self.built_in.push((key.clone(), id)),
        }
        self.by_key.insert(key, id);
        self.fresh.push(id);
        id
    }

    /// The slot of an attribute that some program reads.
    pub(super) fn find(&self, attr: &Attr) -> Option<SlotId> {
        self.by_key.get(&SlotKey::Attr(attr.clone())).copied()
    }

    /// What a slot holds.
    pub(super) fn key(&self, slot: SlotId) -> Option<&SlotKey> {
        self.rows.get(slot.index()).map(|r| &r.key)
    }

    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many are needed.
    pub(super) fn used(&self) -> usize {
        self.by_key.len()
    }

    /// Slots of what comes with an event's arrival.
    pub(super) fn arriving(&self) -> &[(SlotKey, SlotId)] {
        &self.arriving
    }

    /// Slots of built-in attributes.
    pub(super) fn built_in(&self) -> &[(SlotKey, SlotId)] {
        &self.built_in
    }

    /// Slots into an argument.
    pub(super) fn inside(&self, name: &str) -> &[Inside] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether any argument is read.
    pub(super) fn reads_args(&self) -> bool {
        !self.by_name.is_empty()
    }

    /// What a slot is needed for.
    #[inline]
    pub(super) fn needs(&self, slot: SlotId) -> Needs {
        self.needs.get(slot.index()).copied().unwrap_or_default()
    }

    pub(super) fn retain(&mut self, slot: SlotId, need: Need) {
        if let Some(r) = self.rows.get_mut(slot.index()) {
            *r.count(need) += 1;
        }
        self.tell(slot);
    }

    pub(super) fn release(&mut self, slot: SlotId, need: Need) {
        if let Some(r) = self.rows.get_mut(slot.index()) {
            let n = r.count(need);
            *n = n.saturating_sub(1);
            self.fresh.push(slot);
        }
        self.tell(slot);
    }

    fn tell(&mut self, slot: SlotId) {
        if let (Some(row), Some(needs)) = (self.rows.get(slot.index()), self.needs.get_mut(slot.index())) {
            *needs = Needs { key: row.keys > 0, value: row.values > 0 };
        }
    }

    /// Drops those that nobody needs: after a program was added, refused or taken out.
    pub(super) fn settle(&mut self) {
        for slot in std::mem::take(&mut self.fresh) {
            let Some(row) = self.rows.get(slot.index()).filter(|r| r.keys + r.values == 0) else { continue };
            if slot > SlotId::SCENE && self.by_key.get(&row.key) == Some(&slot) {
                self.by_key.remove(&row.key);
                self.free.push(slot);
                if let SlotKey::Attr(Attr::Arg(path)) = &row.key
                    && let Some(first) = path.first()
                    && let Some(inside) = self.by_name.get_mut(first)
                {
                    inside.retain(|i| i.slot != slot);
                    if inside.is_empty() {
                        self.by_name.remove(first);
                    }
                }
                self.built_in.retain(|(_, s)| *s != slot);
                self.arriving.retain(|(_, s)| *s != slot);
            }
        }
    }
}

impl Row {
    fn count(&mut self, need: Need) -> &mut u32 {
        match need {
            Need::Key => &mut self.keys,
            Need::Value => &mut self.values,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_goes_when_nobody_needs_it() {
        let mut slots = Slots::default();
        let x = slots.slot(SlotKey::Attr(Attr::arg("x")));
        let y = slots.slot(SlotKey::Attr(Attr::arg("y")));
        slots.retain(x, Need::Key);
        slots.retain(x, Need::Value);
        slots.settle();
        assert_eq!((slots.find(&Attr::arg("y")), slots.used()), (None, 3));
        slots.release(x, Need::Value);
        slots.settle();
        assert_eq!(slots.needs(x), Needs { key: true, value: false });
        slots.release(x, Need::Key);
        slots.settle();
        assert!(slots.inside("x").is_empty() && !slots.reads_args());
        assert_eq!(slots.slot(SlotKey::Attr(Attr::arg("z"))).max(y), y, "places are used again");
    }
}
