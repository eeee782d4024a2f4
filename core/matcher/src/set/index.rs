//! The predicate index: which predicates hold for an event, without asking each.
//!
//! A predicate is a conjunction in canonical form; those that are the same are one, whoever they belong to. It is filed
//! under its equalities: in the row of its action type by the most telling other one (an argument before the scene),
//! together with that on the scene, found by one look-up; inside by a range, a prefix or the presence of an attribute.
//! What is left of it is asked, and of what several share each part at most once an event. An event looks only where its
//! own action type and attributes lead, so that neither rules nor attributes that it does not concern cost anything.
//!
//! Predicates on which only live runs wait are passed over for programs that have none ([`Armed`](super::Armed)).

mod find;
mod place;
mod row;

use std::sync::Arc;

use smallvec::SmallVec;

use super::atom::{self, Atom, Atoms};
use super::bucket::{Bucket, By};
use super::commons::Commons;
use super::key::Key;
use super::shared::Shared;
use super::slots::{Need, SlotId, Slots};
use super::symbols::{Symbol, Symbols};
use super::targets::{Sharing, Target, Targets};
use super::{Entry, ProgramId};
use crate::expr::Code;
use crate::observation::Extent;
pub(crate) use find::Memo;
use place::{Place, is_gated, plan};
use row::Row;

/// Predicates, shared by all programs.
#[derive(Debug)]
pub(super) struct Index {
    atoms: Shared<Atom>,
    predicates: Shared<Conjunction>,
    /// By predicate.
    filed: Vec<Filed>,
    /// How many predicates do not ask for an action type by name: while there is none, an event whose action type no rule
    /// names concerns nobody.
    ungated: usize,
    /// Of those that ask for no action type.
    any: Option<Box<Row>>,
    /// Of those that do: by the number of its text.
    actions: Vec<Option<Box<Row>>>,
    /// What many programs have in common. Notes look it up as it was when they were made.
    commons: Arc<Commons>,
}

/// The atoms of a predicate: first those that its place in the index answers.
type Conjunction = SmallVec<[u32; 4]>;

#[derive(Clone, Debug, Default)]
struct Filed {
    /// How many atoms the place answers, and whether there are more.
    answered: usize,
    asks: bool,
    targets: Targets,
}

impl Index {
    /// An empty one, for which so many programs are many.
    pub(super) fn new(noted_from: usize) -> Self {
        Self {
            atoms: Shared::default(),
            predicates: Shared::default(),
            filed: Vec::new(),
            ungated: 0,
            any: None,
            actions: Vec::new(),
            commons: Arc::new(Commons::new(noted_from)),
        }
    }

    /// What many programs have in common.
    pub(super) fn commons(&self) -> &Arc<Commons> {
        &self.commons
    }

    /// Files a predicate for a target of one of these programs; its number, or `None` where nothing can pass it.
    pub(super) fn add<'c>(
        &mut self,
        codes: impl Iterator<Item = &'c Code>,
        target: Target,
        (slots, symbols): (&mut Slots, &mut Symbols),
        programs: &[Option<Entry>],
    ) -> Option<u32> {
        let atoms = atom::conjunction(codes, symbols)?;
        let gated = is_gated(&atoms);
        let (atoms, answered, place) = plan(atoms, slots);
        let ids: Conjunction = atoms.into_iter().map(|a| self.share(a, slots, symbols)).collect();
        let direct = place.is_whole(ids.len() - answered);
        let id = self.enter(ids, (slots, symbols));
        let first = self.predicates.uses(id) == 1;
        self.ungated += usize::from(first && !gated);
        if direct {
            let reads = u32::from(reads(programs, target.program));
            self.each_target(&place, programs, |targets, sharing| targets.add(target, sharing));
            self.each_row(&place, |row| row.readers += reads);
        } else {
            if first {
                self.put(id, answered, &place);
            }
            if let Some(filed) = self.filed.get_mut(index(id)) {
                let commons = Arc::make_mut(&mut self.commons);
                filed.targets.add(target, &mut Sharing { commons, programs });
            }
        }
        Some(id)
    }

    /// Takes a target away from a predicate, and the predicate with its last one.
    pub(super) fn remove(
        &mut self,
        id: u32,
        target: (ProgramId, Option<u8>),
        (slots, symbols): (&mut Slots, &mut Symbols),
        programs: &[Option<Entry>],
    ) {
        let atoms = self.predicates.get(id).into_iter().flatten().filter_map(|a| self.atoms.get(*a)).cloned();
        let mut atoms: Atoms = atoms.collect();
        atoms.sort_unstable();
        let (last, gated) = (self.predicates.uses(id) == 1, is_gated(&atoms));
        let (atoms, answered, place) = plan(atoms, slots);
        self.ungated -= usize::from(last && !gated);
        if place.is_whole(atoms.len() - answered) {
            let reads = u32::from(reads(programs, target.0));
            self.each_row(&place, |row| row.readers -= reads);
            self.each_target(&place, programs, |targets, sharing| targets.remove(target, sharing));
        } else {
            if let Some(filed) = self.filed.get_mut(index(id)) {
                let commons = Arc::make_mut(&mut self.commons);
                filed.targets.remove(target, &mut Sharing { commons, programs });
            }
            if last {
                each_bucket((&mut self.any, &mut self.actions), &place, |bucket, by| bucket.remove(by, id));
            }
        }
        if let Some(conjunction) = self.predicates.release(id) {
            conjunction.iter().for_each(|a| self.unshare(*a, slots, symbols));
        }
    }

    /// The number of an atom; it is counted as used, and its texts are pinned, once for each use or once at all.
    fn share(&mut self, atom: Atom, slots: &mut Slots, symbols: &mut Symbols) -> u32 {
        let spare = if let Atom::OneOf(..) = atom { Some(atom.clone()) } else { None };
        let mut needs = SmallVec::<[(SlotId, Need); 4]>::new();
        atom.slots(&mut |slot, need| needs.push((slot, need)));
        let (id, new) = self.atoms.add(atom);
        if new {
            needs.into_iter().for_each(|(slot, need)| slots.retain(slot, need));
        } else if let Some(spare) = spare {
            atom::unpin(&spare, symbols);
        }
        id
    }

    fn unshare(&mut self, id: u32, slots: &mut Slots, symbols: &mut Symbols) {
        if let Some(atom) = self.atoms.release(id) {
            atom.slots(&mut |slot, need| slots.release(slot, need));
            atom::unpin(&atom, symbols);
        }
    }

    /// The number of a predicate; of one that is there already the atoms are let go again.
    fn enter(&mut self, ids: Conjunction, (slots, symbols): (&mut Slots, &mut Symbols)) -> u32 {
        let again = ids.clone();
        let (id, new) = self.predicates.add(ids);
        if new {
            if self.filed.len() <= index(id) {
                self.filed.resize(index(id) + 1, Filed::default());
            }
        } else {
            again.iter().for_each(|a| self.unshare(*a, slots, symbols));
        }
        id
    }

    /// Whether every predicate asks for an action type by name.
    #[inline]
    pub(super) fn is_gated(&self) -> bool {
        self.ungated == 0
    }

    /// How much must be read of an event of this action type; `None`: of one that no rule names.
    #[inline]
    pub(super) fn extent(&self, action: Option<Symbol>) -> Extent {
        let Some(action) = action else { return if self.is_gated() { Extent::Nothing } else { Extent::Whole } };
        if self.any.is_some() {
            return Extent::Whole;
        }
        match self.row(action) {
            None => Extent::Nothing,
            Some(row) if row.is_plain() => Extent::ActionType(action),
            Some(_) => Extent::Whole,
        }
    }

    /// The predicates that ask for an action type.
    #[inline]
    fn row(&self, action: Symbol) -> Option<&Row> {
        self.actions.get(index(action.number()))?.as_deref()
    }

    /// Files a new predicate.
    fn put(&mut self, id: u32, answered: usize, place: &Place) {
        if let Some(filed) = self.filed.get_mut(index(id)) {
            let atoms = self.predicates.get(id).map_or(0, SmallVec::len);
            *filed = Filed { answered, asks: atoms > answered, ..Filed::default() };
        }
        each_bucket((&mut self.any, &mut self.actions), place, |bucket, by| bucket.add(by, id));
    }

    /// Changes the targets that are filed at a place.
    fn each_target(
        &mut self,
        place: &Place,
        programs: &[Option<Entry>],
        mut change: impl FnMut(&mut Targets, &mut Sharing<'_>),
    ) {
        let Self { any, actions, commons, .. } = self;
        let mut sharing = Sharing { commons: Arc::make_mut(commons), programs };
        each_bucket((any, actions), place, |bucket, _| change(&mut bucket.direct, &mut sharing));
    }

    /// Changes the rows of the action types that a place asks for.
    fn each_row(&mut self, place: &Place, mut change: impl FnMut(&mut Row)) {
        for action in &place.action {
            if let Key::Text(symbol) = action
                && let Some(Some(row)) = self.actions.get_mut(index(symbol.number()))
            {
                change(row);
            }
        }
    }
}

/// Changes the buckets of a place; rows that are empty then go.
fn each_bucket(
    (any, actions): (&mut Option<Box<Row>>, &mut Vec<Option<Box<Row>>>),
    place: &Place,
    mut change: impl FnMut(&mut Bucket, &By),
) {
    if place.action.is_empty() {
        change_row(any, place, &mut change);
    }
    for action in &place.action {
        let Key::Text(symbol) = action else { continue };
        let at = index(symbol.number());
        if actions.len() <= at {
            actions.resize_with(at + 1, || None);
        }
        if let Some(row) = actions.get_mut(at) {
            change_row(row, place, &mut change);
        }
    }
}

/// Whether steps of a program read values.
fn reads(programs: &[Option<Entry>], id: ProgramId) -> bool {
    programs.get(super::row(id)).and_then(Option::as_ref).is_some_and(|entry| !entry.reads.is_empty())
}

fn change_row(row: &mut Option<Box<Row>>, place: &Place, change: &mut impl FnMut(&mut Bucket, &By)) {
    let filled = row.get_or_insert_default();
    filled.change(place, change);
    if filled.is_empty() {
        *row = None;
    }
}

fn index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}
