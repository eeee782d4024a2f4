//! The predicate index: which predicates hold for an event, without asking each.
//!
//! A predicate is a conjunction in canonical form; those that are the same are one, whoever they belong to. It is filed
//! under its equalities: the most telling one (an argument before the scene before the action type) together with those
//! on action type and scene, found by one look-up; inside by a range, a prefix or the presence of an attribute. What is
//! left of it is asked, and of what several share each part at most once an event. An event looks only where its own
//! attributes lead, so that neither rules nor attributes that it does not concern cost anything.
//!
//! Predicates on which only live runs wait are passed over for programs that have none ([`Armed`]).

use ensue_rule::Attr;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::atom::{self, Atom, Atoms};
use super::bucket::{Bucket, By};
use super::key::Key;
use super::shared::Shared;
use super::slots::{Need, SlotId, SlotKey, Slots};
use super::symbols::Symbols;
use super::{Armed, ProgramId};
use crate::expr::Code;
use crate::observation::Content;
use crate::{Hit, Observation};

/// An IN list longer than this is searched when its attribute is there, instead of being filed under each value.
const KEYS: usize = 1_024;
/// A predicate is filed in at most so many places.
const PLACES: usize = 256;
/// Lists up to so many targets are walked rather than met with the armed programs.
const SHORT: usize = 4;

/// Whom a predicate concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) program: ProgramId,
    /// The program's predicate; `None`: the event is in its stream, which is all it must know.
    pub(super) bit: Option<u8>,
}

/// Predicates, shared by all programs.
#[derive(Debug, Default)]
pub(super) struct Index {
    atoms: Shared<Atom>,
    predicates: Shared<Conjunction>,
    /// By predicate.
    filed: Vec<Filed>,
    /// How many predicates do not ask for an action type by name: while there is none, an event whose action type no rule
    /// names concerns nobody.
    ungated: usize,
    /// Without an equality to be found by.
    root: Bucket,
    leads: Vec<Lead>,
    /// By slot: which lead.
    lead_of: Vec<Option<u32>>,
}

/// The atoms of a predicate: first those that its place in the index answers.
type Conjunction = SmallVec<[u32; 4]>;

#[derive(Clone, Debug, Default)]
struct Filed {
    /// How many atoms the place answers, and whether there are more.
    answered: usize,
    asks: bool,
    /// Of programs that need no live run for it to matter, by program.
    starts: SmallVec<[Target; 1]>,
    /// Of those that do.
    goes_on: SmallVec<[Target; 1]>,
}

/// Predicates with an equality on one attribute, by shape: whether action type (1) and scene (2) are in the look-up too.
#[derive(Debug, Default)]
struct Lead {
    shapes: SmallVec<[(usize, FxHashMap<Cell, Bucket>); 1]>,
}

/// What a bucket is found by, in few words: the lead's bits and kind, and the numbers of action type and scene, which are
/// texts (0 where the shape leaves one out).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Cell {
    bits: u64,
    texts: u64,
    kind: u8,
}

impl Cell {
    fn new(lead: Key, action: u64, scene: u64) -> Self {
        let (kind, bits) = lead.packed();
        Self { bits, texts: action << 32 | scene, kind }
    }
}

/// The number of a text in a cell.
fn number(key: Key) -> u64 {
    match key {
        Key::Text(symbol) => u64::from(symbol.number()) + 1,
        _ => 0,
    }
}

const ACTION: usize = 1;
const SCENE: usize = 2;

/// Where a predicate is filed.
#[derive(Debug)]
struct Place {
    /// The lead and its values; `None`: at the root.
    lead: Option<(SlotId, Vec<Key>)>,
    /// Values of the action type and of the scene, where the look-up has them.
    action: Vec<Key>,
    scene: Vec<Key>,
    by: By,
}

impl Index {
    /// Files a predicate for a target; its number, or `None` where nothing can pass it. `starts`: it matters to programs
    /// without live runs too.
    pub(super) fn add<'c>(
        &mut self,
        codes: impl Iterator<Item = &'c Code>,
        (target, starts): (Target, bool),
        (slots, symbols): (&mut Slots, &mut Symbols),
    ) -> Option<u32> {
        let atoms = atom::conjunction(codes, symbols)?;
        let gated = is_gated(&atoms);
        let (atoms, answered, place) = plan(atoms, slots);
        let ids = atoms.into_iter().map(|a| self.share(a, slots, symbols)).collect();
        let id = self.enter(ids, (slots, symbols));
        if self.predicates.uses(id) == 1 {
            self.ungated += usize::from(!gated);
            self.put(id, answered, &place);
        }
        if let Some(filed) = self.filed.get_mut(index(id)) {
            let list = if starts { &mut filed.starts } else { &mut filed.goes_on };
            // Programs come with rising numbers, so that the list stays sorted.
            list.push(target);
        }
        Some(id)
    }

    /// Takes a target away from a predicate, and the predicate with its last one.
    pub(super) fn remove(&mut self, id: u32, target: Target, (slots, symbols): (&mut Slots, &mut Symbols)) {
        if let Some(filed) = self.filed.get_mut(index(id)) {
            for list in [&mut filed.starts, &mut filed.goes_on] {
                if let Some(at) = list.iter().position(|t| *t == target) {
                    list.remove(at);
                    break;
                }
            }
        }
        if self.predicates.uses(id) == 1
            && let Some(conjunction) = self.predicates.get(id)
        {
            let mut atoms: Atoms = conjunction.iter().filter_map(|a| self.atoms.get(*a)).cloned().collect();
            atoms.sort_unstable();
            self.ungated -= usize::from(!is_gated(&atoms));
            let (_, _, place) = plan(atoms, slots);
            self.each_bucket(&place, |bucket, by| bucket.remove(by, id));
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
    pub(super) fn is_gated(&self) -> bool {
        self.ungated == 0
    }

    /// Files a new predicate.
    fn put(&mut self, id: u32, answered: usize, place: &Place) {
        if let Some(filed) = self.filed.get_mut(index(id)) {
            let atoms = self.predicates.get(id).map_or(0, SmallVec::len);
            *filed = Filed { answered, asks: atoms > answered, ..Filed::default() };
        }
        self.each_bucket(place, |bucket, by| bucket.add(by, id));
    }

    /// Changes the buckets of a place; those that are empty then go.
    fn each_bucket(&mut self, place: &Place, mut change: impl FnMut(&mut Bucket, &By)) {
        let Some((slot, keys)) = &place.lead else {
            change(&mut self.root, &place.by);
            return;
        };
        let shape = usize::from(!place.action.is_empty()) * ACTION + usize::from(!place.scene.is_empty()) * SCENE;
        let lead = self.lead(*slot);
        let Some(lead) = self.leads.get_mut(lead) else { return };
        let buckets = lead.buckets(shape);
        let or_none = |keys: &[Key]| if keys.is_empty() { vec![Key::Null] } else { keys.to_vec() };
        for action in or_none(&place.action) {
            for scene in or_none(&place.scene) {
                for key in keys {
                    let cell = Cell::new(*key, number(action), number(scene));
                    let bucket = buckets.entry(cell).or_default();
                    change(bucket, &place.by);
                    if bucket.is_empty() {
                        buckets.remove(&cell);
                    }
                }
            }
        }
        lead.shapes.retain(|(_, buckets)| !buckets.is_empty());
    }

    /// The row of a lead, made where there is none.
    fn lead(&mut self, slot: SlotId) -> usize {
        if self.lead_of.len() <= slot.index() {
            self.lead_of.resize(slot.index() + 1, None);
        }
        let Some(of_slot) = self.lead_of.get_mut(slot.index()) else { return usize::MAX };
        let row = *of_slot.get_or_insert_with(|| {
            self.leads.push(Lead::default());
            u32::try_from(self.leads.len() - 1).unwrap_or(u32::MAX)
        });
        index(row)
    }

    /// Finds the programs that an event concerns, into its hits. `armed`: the programs with live runs; `None`: as if all
    /// had.
    pub(super) fn look_up(&self, armed: Option<&Armed>, seen: &mut Observation) {
        let Observation { slots, keys, present, hits, memo, .. } = seen;
        let event = Content { slots, keys, present };
        hits.clear();
        memo.begin(self.atoms.len());
        let mut visit = |id| self.consider(id, armed, event, (memo, hits));
        if !self.root.is_empty() {
            self.root.each(event, &mut visit);
        }
        for slot in event.present {
            let key = event.key(*slot);
            if !key.is_exact() {
                continue;
            }
            let lead = self.lead_of.get(slot.index()).copied().flatten();
            if let Some(lead) = lead.and_then(|row| self.leads.get(index(row))) {
                lead.each(key, event, |bucket| bucket.each(event, &mut visit));
            }
        }
        if hits.len() > 1 {
            merge(hits);
        }
    }

    /// Asks what is left of a predicate that was found, if it matters to anyone.
    fn consider(&self, id: u32, armed: Option<&Armed>, event: Content<'_>, (memo, hits): (&mut Memo, &mut Vec<Hit>)) {
        let Some(filed) = self.filed.get(index(id)) else { return };
        if filed.starts.is_empty() && !armed.is_none_or(|armed| waits(&filed.goes_on, armed)) {
            return;
        }
        if filed.asks && !self.is_left(id, filed.answered, event, memo) {
            return;
        }
        filed.starts.iter().for_each(|t| hits.push(t.hit()));
        match armed {
            Some(armed) => each_armed(&filed.goes_on, armed, |t| hits.push(t.hit())),
            None => filed.goes_on.iter().for_each(|t| hits.push(t.hit())),
        }
    }

    /// Whether what the place does not answer holds.
    fn is_left(&self, id: u32, answered: usize, event: Content<'_>, memo: &mut Memo) -> bool {
        let atoms = self.predicates.get(id);
        atoms.is_some_and(|atoms| atoms.iter().skip(answered).all(|a| self.holds(*a, event, memo)))
    }

    /// Whether an event passes a predicate, without the index.
    pub(super) fn passes(&self, id: u32, seen: Content<'_>) -> bool {
        let holds = |a: &u32| self.atoms.get(*a).is_some_and(|atom| holds(atom, seen));
        self.predicates.get(id).is_some_and(|c| c.iter().all(holds))
    }

    fn holds(&self, id: u32, seen: Content<'_>, memo: &mut Memo) -> bool {
        let Some(atom) = self.atoms.get(id) else { return false };
        match atom {
            // To ask again is cheaper than to look up what was answered.
            Atom::OneOf(_, keys) if keys.len() <= 8 => holds(atom, seen),
            Atom::Within(..) => holds(atom, seen),
            _ if self.atoms.uses(id) == 1 => holds(atom, seen),
            _ => memo.get(id, || holds(atom, seen)),
        }
    }
}

impl Lead {
    /// Calls `visit` with the buckets that an event with this key leads to.
    fn each(&self, key: Key, event: Content<'_>, mut visit: impl FnMut(&Bucket)) {
        for (shape, buckets) in &self.shapes {
            let part = |with: usize, slot| if shape & with == 0 { None } else { Some(number(event.key(slot))) };
            let (action, scene) = (part(ACTION, SlotId::ACTION), part(SCENE, SlotId::SCENE));
            if action != Some(0) && scene != Some(0) {
                let cell = Cell::new(key, action.unwrap_or(0), scene.unwrap_or(0));
                buckets.get(&cell).into_iter().for_each(&mut visit);
            }
        }
    }

    fn buckets(&mut self, shape: usize) -> &mut FxHashMap<Cell, Bucket> {
        let at = self.shapes.iter().position(|(s, _)| *s == shape).unwrap_or_else(|| {
            self.shapes.push((shape, FxHashMap::default()));
            self.shapes.len() - 1
        });
        #[allow(clippy::indexing_slicing, reason = "found or made right above")]
        &mut self.shapes[at].1
    }
}

impl Target {
    fn hit(self) -> Hit {
        Hit { program: self.program, bits: self.bit.map_or(0, |bit| 1 << bit) }
    }
}

/// Hits in the order of their programs, each once.
fn merge(hits: &mut Vec<Hit>) {
    hits.sort_unstable_by_key(|h| h.program);
    hits.dedup_by(|next, kept| {
        let same = next.program == kept.program;
        if same {
            kept.bits |= next.bits;
        }
        same
    });
}

/// Whether one of these programs has live runs.
fn waits(targets: &[Target], armed: &Armed) -> bool {
    let mut any = false;
    if targets.len() <= SHORT {
        return targets.iter().any(|t| armed.has(t.program));
    }
    each_armed(targets, armed, |_| any = true);
    any
}

/// Calls `visit` with the targets whose programs have live runs, at the cost of the shorter list.
fn each_armed(targets: &[Target], armed: &Armed, mut visit: impl FnMut(&Target)) {
    let few = if targets.len() > SHORT { armed.few() } else { None };
    let Some(few) = few else {
        targets.iter().filter(|t| armed.has(t.program)).for_each(visit);
        return;
    };
    for program in few {
        let from = targets.partition_point(|t| t.program < program);
        targets.iter().skip(from).take_while(|t| t.program == program).for_each(&mut visit);
    }
}

fn holds(atom: &Atom, seen: Content<'_>) -> bool {
    match atom {
        Atom::OneOf(slot, keys) => keys.binary_search(&seen.key(*slot)).is_ok(),
        Atom::Within(slot, range) => range.has(seen.key(*slot)),
        Atom::Starts(slot, prefix) => {
            seen.slots.get(slot.index()).and_then(|v| v.as_str()).is_some_and(|s| s.starts_with(&**prefix))
        }
        Atom::Ask(asked) => asked.code.holds(super::view(seen.slots)),
    }
}

/// Whether only events pass whose action type some rule names.
fn is_gated(atoms: &Atoms) -> bool {
    let texts = |keys: &[Key]| keys.iter().all(|k| matches!(k, Key::Text(_)));
    atoms.iter().any(|a| matches!(a, Atom::OneOf(SlotId::ACTION, keys) if texts(keys)))
}

/// Where a conjunction is filed: its atoms with those first that the place answers, how many these are, and the place.
fn plan(mut atoms: Atoms, slots: &Slots) -> (Atoms, usize, Place) {
    let mut answered = Atoms::new();
    let mut take = |atoms: &mut Atoms, at: usize| match atoms.get(at) {
        Some(Atom::OneOf(_, keys)) => {
            let keys = keys.to_vec();
            answered.push(atoms.remove(at));
            keys
        }
        _ => Vec::new(),
    };
    let mut place = Place { lead: None, action: Vec::new(), scene: Vec::new(), by: By::Nothing };
    if let Some((at, slot)) = lead(&atoms, slots) {
        let keys = take(&mut atoms, at);
        let mut places = keys.len();
        place.lead = Some((slot, keys));
        for (of, list) in [(SlotId::ACTION, &mut place.action), (SlotId::SCENE, &mut place.scene)] {
            let found =
                atoms.iter().position(|a| matches!(a, Atom::OneOf(s, k) if *s == of && k.len() * places <= PLACES));
            if let Some(at) = found.filter(|_| slot > of) {
                *list = take(&mut atoms, at);
                places *= list.len();
            }
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

/// The equality under which a predicate is found soonest.
fn lead(atoms: &Atoms, slots: &Slots) -> Option<(usize, SlotId)> {
    let equalities = atoms.iter().enumerate().filter_map(|(at, a)| match a {
        Atom::OneOf(slot, keys) if keys.len() <= KEYS => Some((at, *slot, keys.len())),
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

/// What was asked of the event at hand, so that it is not asked again.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    /// By atom: the event it was last asked of, and the answer then.
    rows: Vec<(u32, bool)>,
    now: u32,
}

impl Memo {
    fn begin(&mut self, atoms: usize) {
        if self.rows.len() < atoms || self.now == u32::MAX {
            self.rows.clear();
            self.rows.resize(atoms, (0, false));
            self.now = 0;
        }
        self.now += 1;
    }

    fn get(&mut self, atom: u32, ask: impl FnOnce() -> bool) -> bool {
        let Some((at, answer)) = self.rows.get_mut(index(atom)) else { return ask() };
        if *at != self.now {
            (*at, *answer) = (self.now, ask());
        }
        *answer
    }
}

fn index(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}
