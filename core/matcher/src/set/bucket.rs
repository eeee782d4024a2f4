//! Buckets: predicates that share their equalities, by what else they are found by.

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_rule::Value;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::Armed;
use super::key::Range;
use super::ranges::Ranges;
use super::slots::SlotId;
use super::targets::Targets;
use crate::observation::{Content, Hits};

/// What a predicate is found by inside a bucket.
#[derive(Clone, Debug)]
pub(super) enum By {
    /// Nothing more: it is looked at whenever the bucket is.
    Nothing,
    /// A number in a range.
    Range(SlotId, Range),
    /// How a text begins.
    Prefix(SlotId, Arc<str>),
    /// That there is a value at all.
    Presence(SlotId),
}

/// Predicates with the same equalities.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// Whom those concern of which nothing is left to ask.
    pub(super) direct: Targets,
    more: Option<Box<More>>,
}

/// What is found for an event.
#[derive(Debug)]
pub(super) struct Finding<'a> {
    /// The programs with live runs; `None`: as if all had.
    pub(super) armed: Option<&'a Armed>,
    /// The programs that it concerns.
    pub(super) hits: &'a mut Hits,
    /// Predicates that it may pass, by number.
    pub(super) candidates: &'a mut Vec<u32>,
}

#[derive(Debug, Default)]
struct More {
    plain: SmallVec<[u32; 4]>,
    ranges: FxHashMap<SlotId, Ranges>,
    prefixes: FxHashMap<SlotId, Prefixes>,
    present: FxHashMap<SlotId, Vec<u32>>,
}

/// Predicates by the beginning of a text.
#[derive(Debug, Default)]
struct Prefixes {
    by_text: FxHashMap<Arc<str>, SmallVec<[u32; 2]>>,
    /// How many prefixes there are of each length.
    lengths: BTreeMap<usize, u32>,
}

impl Bucket {
    pub(super) fn add(&mut self, by: &By, predicate: u32) {
        match by {
            By::Nothing => self.more.get_or_insert_default().plain.push(predicate),
            By::Range(slot, range) => {
                self.more.get_or_insert_default().ranges.entry(*slot).or_default().add(*range, predicate);
            }
            By::Prefix(slot, text) => {
                self.more.get_or_insert_default().prefixes.entry(*slot).or_default().add(text, predicate);
            }
            By::Presence(slot) => {
                self.more.get_or_insert_default().present.entry(*slot).or_default().push(predicate);
            }
        }
    }

    pub(super) fn remove(&mut self, by: &By, predicate: u32) {
        let Some(more) = &mut self.more else { return };
        match by {
            By::Nothing => more.plain.retain(|p| *p != predicate),
            By::Range(slot, range) => {
                drop_empty(&mut more.ranges, *slot, |r| {
                    r.remove(*range, predicate);
                    r.is_empty()
                });
            }
            By::Prefix(slot, text) => {
                drop_empty(&mut more.prefixes, *slot, |p| {
                    p.remove(text, predicate);
                    p.by_text.is_empty()
                });
            }
            By::Presence(slot) => {
                drop_empty(&mut more.present, *slot, |list| {
                    list.retain(|p| *p != predicate);
                    list.is_empty()
                });
            }
        }
        let found = more.ranges.is_empty() && more.prefixes.is_empty() && more.present.is_empty();
        if found && more.plain.is_empty() {
            self.more = None;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.direct.is_empty() && self.more.is_none()
    }

    /// Whether there is more than what leads to it.
    #[inline]
    pub(super) fn asks_more(&self) -> bool {
        self.more.is_some()
    }

    /// Finds every predicate that the event passes or may pass.
    #[inline]
    pub(super) fn find(&self, seen: &Content, found: &mut Finding<'_>) {
        self.direct.hit(found.armed, found.hits);
        self.find_more(seen, found);
    }

    /// Those that the event may pass.
    #[inline]
    pub(super) fn find_more(&self, seen: &Content, found: &mut Finding<'_>) {
        if let Some(more) = &self.more {
            more.collect(seen, found.candidates);
        }
    }
}

impl More {
    #[inline(never)]
    fn collect(&self, seen: &Content, found: &mut Vec<u32>) {
        found.extend_from_slice(&self.plain);
        if self.ranges.is_empty() && self.present.is_empty() && self.prefixes.is_empty() {
            return;
        }
        for slot in &seen.present {
            if let Some(ranges) = self.ranges.get(slot) {
                ranges.collect(seen.key(*slot), found);
            }
            if let Some(list) = self.present.get(slot) {
                found.extend_from_slice(list);
            }
            if let (Some(prefixes), Some(Value::Str(text))) = (self.prefixes.get(slot), seen.slots.get(slot.index())) {
                prefixes.collect(text, found);
            }
        }
    }
}

/// Changes the row of a slot, and drops it where `change` says that it is empty now.
fn drop_empty<T>(rows: &mut FxHashMap<SlotId, T>, slot: SlotId, change: impl FnOnce(&mut T) -> bool) {
    if rows.get_mut(&slot).is_some_and(change) {
        rows.remove(&slot);
    }
}

impl Prefixes {
    fn add(&mut self, text: &Arc<str>, predicate: u32) {
        let same = self.by_text.entry(text.clone()).or_default();
        if same.is_empty() {
            *self.lengths.entry(text.len()).or_default() += 1;
        }
        same.push(predicate);
    }

    fn remove(&mut self, text: &Arc<str>, predicate: u32) {
        let Some(same) = self.by_text.get_mut(text) else { return };
        same.retain(|p| *p != predicate);
        if same.is_empty() {
            self.by_text.remove(text);
            if let Some(n) = self.lengths.get_mut(&text.len()) {
                *n -= 1;
                if *n == 0 {
                    self.lengths.remove(&text.len());
                }
            }
        }
    }

    fn collect(&self, text: &str, found: &mut Vec<u32>) {
        for length in self.lengths.keys() {
            let same = text.get(..*length).and_then(|prefix| self.by_text.get(prefix));
            found.extend(same.into_iter().flatten());
        }
    }
}
