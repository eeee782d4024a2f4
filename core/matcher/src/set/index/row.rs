//! Rows: the predicates that ask for one action type (or for none), by what else they ask of an event.

use rustc_hash::FxHashMap;

use super::place::Place;
use crate::observation::Content;
use crate::set::bucket::{Bucket, By, Finding};
use crate::set::key::Key;
use crate::set::slots::SlotId;

/// Predicates by the attribute that leads to them.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// Those with no other equality.
    pub(super) root: Bucket,
    /// By slot, sorted.
    leads: Vec<(SlotId, Lead)>,
    /// How many of those that are found whole concern a program whose steps read values.
    pub(super) readers: u32,
}

/// Predicates with an equality on one attribute; apart from each other those that ask for a scene besides.
#[derive(Debug, Default)]
struct Lead {
    alone: FxHashMap<Cell, Bucket>,
    with_scene: FxHashMap<Cell, Bucket>,
}

/// What a bucket is found by, in two words: the bits of the lead's key; its kind, and the scene's number (0: none).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Cell(u64, u64);

impl Cell {
    fn new(lead: Key, scene: u64) -> Self {
        let (kind, bits) = lead.packed();
        Self(bits, scene << 8 | u64::from(kind))
    }
}

/// The number of a text in a cell; 0 where it is none that rules name.
fn number(key: Key) -> u64 {
    match key {
        Key::Text(symbol) => u64::from(symbol.number()) + 1,
        _ => 0,
    }
}

impl Row {
    pub(super) fn is_empty(&self) -> bool {
        self.root.is_empty() && self.leads.is_empty()
    }

    /// Changes the buckets of a place; those that are empty then go.
    pub(super) fn change(&mut self, place: &Place, change: &mut impl FnMut(&mut Bucket, &By)) {
        let Some((slot, keys)) = &place.lead else {
            change(&mut self.root, &place.by);
            return;
        };
        let at = self.leads.binary_search_by_key(slot, |(s, _)| *s).unwrap_or_else(|at| {
            self.leads.insert(at, (*slot, Lead::default()));
            at
        });
        let Some((_, lead)) = self.leads.get_mut(at) else { return };
        if place.scene.is_empty() {
            keys.iter().for_each(|key| change_cell(&mut lead.alone, Cell::new(*key, 0), &place.by, change));
        }
        for scene in &place.scene {
            let scene = number(*scene);
            keys.iter().for_each(|key| change_cell(&mut lead.with_scene, Cell::new(*key, scene), &place.by, change));
        }
        if lead.alone.is_empty() && lead.with_scene.is_empty() {
            self.leads.remove(at);
        }
    }

    /// Whether its action type is all that must be known of an event.
    #[inline]
    pub(super) fn is_plain(&self) -> bool {
        self.readers == 0 && !self.asks_more()
    }

    /// Whether there is more than what its action type alone leads to.
    #[inline]
    pub(super) fn asks_more(&self) -> bool {
        !self.leads.is_empty() || self.root.asks_more()
    }

    /// Finds every predicate that the event passes or may pass.
    pub(super) fn find(&self, event: &Content, found: &mut Finding<'_>) {
        self.root.direct.hit(found.armed, found.hits);
        self.find_more(event, found);
    }

    /// The same, but those to which its action type alone leads; at the cost of the shorter list: of what predicates ask
    /// for, or of what the event has.
    pub(super) fn find_more(&self, event: &Content, found: &mut Finding<'_>) {
        self.root.find_more(event, found);
        match self.leads.as_slice() {
            [] => {}
            [(slot, lead)] => lead.find(event.key(*slot), event, found),
            _ => self.find_all(event, found),
        }
    }

    #[inline(never)]
    fn find_all(&self, event: &Content, found: &mut Finding<'_>) {
        if self.leads.len() <= event.present.len() {
            self.leads.iter().for_each(|(slot, lead)| lead.find(event.key(*slot), event, found));
            return;
        }
        for slot in &event.present {
            let at = self.leads.binary_search_by_key(slot, |(s, _)| *s);
            if let Some((_, lead)) = at.ok().and_then(|at| self.leads.get(at)) {
                lead.find(event.key(*slot), event, found);
            }
        }
    }
}

fn change_cell(buckets: &mut FxHashMap<Cell, Bucket>, cell: Cell, by: &By, change: &mut impl FnMut(&mut Bucket, &By)) {
    let bucket = buckets.entry(cell).or_default();
    change(bucket, by);
    if bucket.is_empty() {
        buckets.remove(&cell);
    }
}

impl Lead {
    #[inline]
    fn find(&self, key: Key, event: &Content, found: &mut Finding<'_>) {
        if !key.is_exact() {
            return;
        }
        if !self.alone.is_empty()
            && let Some(bucket) = self.alone.get(&Cell::new(key, 0))
        {
            bucket.find(event, found);
        }
        if self.with_scene.is_empty() {
            return;
        }
        let scene = number(event.key(SlotId::SCENE));
        if scene != 0
            && let Some(bucket) = self.with_scene.get(&Cell::new(key, scene))
        {
            bucket.find(event, found);
        }
    }
}
