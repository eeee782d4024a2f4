//! Places: where in the index a predicate is filed, and which of its atoms are answered by being found there.

use ensue_rule::Attr;

use crate::set::atom::{Atom, Atoms};
use crate::set::bucket::By;
use crate::set::key::Key;
use crate::set::slots::{SlotId, SlotKey, Slots};

/// An IN list longer than this is searched when its attribute is there, instead of being filed under each value.
const KEYS: usize = 1_024;
/// A predicate with several equalities is filed in at most so many places.
const PLACES: usize = 256;
/// Up to so many places are few.
const FEW: usize = 4;

/// Where a predicate is filed.
#[derive(Debug)]
pub(super) struct Place {
    /// The action types that it asks for; empty: any.
    pub(super) action: Vec<Key>,
    /// The attribute that leads to it and its values; `None`: at the root of its row.
    pub(super) lead: Option<(SlotId, Vec<Key>)>,
    /// The scenes, where they are part of that look-up.
    pub(super) scene: Vec<Key>,
    pub(super) by: By,
}

impl Place {
    /// Whether what is found there passes, where so many atoms are left to ask. Only of few places: whom it concerns is
    /// filed in each.
    pub(super) fn is_whole(&self, left: usize) -> bool {
        let keys = self.lead.as_ref().map_or(1, |(_, keys)| keys.len());
        let places = self.action.len().max(1).saturating_mul(keys).saturating_mul(self.scene.len().max(1));
        left == 0 && matches!(self.by, By::Nothing) && places <= FEW
    }
}

/// Whether only events pass whose action type some rule names.
pub(super) fn is_gated(atoms: &Atoms) -> bool {
    atoms.iter().any(|a| matches!(a, Atom::OneOf(SlotId::ACTION, keys) if texts(keys)))
}

/// Where a conjunction is filed: its atoms with those first that the place answers, how many these are, and the place.
pub(super) fn plan(mut atoms: Atoms, slots: &Slots) -> (Atoms, usize, Place) {
    let mut answered = Atoms::new();
    let mut take = |atoms: &mut Atoms, at: usize| match atoms.get(at) {
        Some(Atom::OneOf(_, keys)) => {
            let keys = keys.to_vec();
            answered.push(atoms.remove(at));
            keys
        }
        _ => Vec::new(),
    };
    let mut place = Place { action: Vec::new(), lead: None, scene: Vec::new(), by: By::Nothing };
    if let Some(at) = equality(&atoms, SlotId::ACTION, |keys| keys.len() <= PLACES && texts(keys)) {
        place.action = take(&mut atoms, at);
    }
    let mut places = place.action.len().max(1);
    if let Some((at, slot)) = lead(&atoms, slots, places) {
        let keys = take(&mut atoms, at);
        places *= keys.len();
        place.lead = Some((slot, keys));
        let fits = |keys: &[Key]| keys.len() * places <= PLACES && texts(keys);
        if let Some(at) = equality(&atoms, SlotId::SCENE, fits).filter(|_| slot > SlotId::SCENE) {
            place.scene = take(&mut atoms, at);
        }
    }
    let (at, by) = deeper(&atoms);
    place.by = by;
    if let Some(at) = at {
        answered.push(atoms.remove(at));
    }
    let n = answered.len();
    answered.extend(atoms);
    (answered, n, place)
}

/// The equality on a slot, if its values are as asked.
fn equality(atoms: &Atoms, slot: SlotId, wanted: impl Fn(&[Key]) -> bool) -> Option<usize> {
    atoms.iter().position(|a| matches!(a, Atom::OneOf(s, keys) if *s == slot && wanted(keys)))
}

fn texts(keys: &[Key]) -> bool {
    keys.iter().all(|k| matches!(k, Key::Text(_)))
}

/// The equality under which a predicate is found soonest, beside so many action types.
fn lead(atoms: &Atoms, slots: &Slots, actions: usize) -> Option<(usize, SlotId)> {
    let most = if actions == 1 { KEYS } else { PLACES };
    let equalities = atoms.iter().enumerate().filter_map(|(at, a)| match a {
        Atom::OneOf(slot, keys) if keys.len() * actions <= most => Some((at, *slot, keys.len())),
        _ => None,
    });
    let telling = |(_, slot, n): &(usize, SlotId, usize)| (*n <= 64, rank(slots.key(*slot)), std::cmp::Reverse(*n));
    equalities.max_by_key(telling).map(|(at, slot, _)| (at, slot))
}

/// How telling an attribute is: the fewer events share a value, the higher.
fn rank(key: Option<&SlotKey>) -> u8 {
    match key {
        Some(SlotKey::Attr(Attr::Arg(_) | Attr::Ts)) | None => 4,
        Some(SlotKey::Attr(Attr::UserId) | SlotKey::LocalTime) => 3,
        Some(SlotKey::Attr(Attr::Scene)) => 2,
        Some(SlotKey::Attr(Attr::ActionType)) => 1,
        Some(SlotKey::Attr(Attr::Source)) => 0,
    }
}

/// What else a predicate is found by; the atom that is answered by that alone.
fn deeper(atoms: &Atoms) -> (Option<usize>, By) {
    let find = |wanted: fn(&Atom) -> Option<By>| atoms.iter().enumerate().find_map(|(at, a)| Some((at, wanted(a)?)));
    let range = |a: &Atom| if let Atom::Within(slot, range) = a { Some(By::Range(*slot, *range)) } else { None };
    let prefix = |a: &Atom| if let Atom::Starts(slot, text) = a { Some(By::Prefix(*slot, text.clone())) } else { None };
    let present = |a: &Atom| match a {
        Atom::OneOf(slot, _) => Some(By::Presence(*slot)),
        Atom::Ask(asked) => asked.needs.map(By::Presence),
        _ => None,
    };
    if let Some((at, by)) = find(range).or_else(|| find(prefix)) {
        return (Some(at), by);
    }
    (None, find(present).map_or(By::Nothing, |(_, by)| by))
}
