//! The run classes of one key: found by what tells them apart, and by the one value that an event must have to concern
//! them.
//!
//! Seldom more than a few, which need no more than a list. Where conditions look back there may be thousands; then what
//! tells them apart is hashed, and where all that a wait asks of an event besides is an equality with an earlier one (`b.args.x = a.args.x`), only the classes with the event's own
//! value meet it ([`crate::program::Correlation`]).

use std::ops::{Deref, DerefMut};

use ensue_rule::Value;
use hashbrown::HashTable;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::body::Body;
use super::class::{Class, Key, hash};
use super::fate::Seen;
use crate::buffer::{Root, Tick};
use crate::program::{Program, WaitId};

/// The place of a class; good until classes are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ClassId(u32);

/// The places of some classes.
pub(super) type ClassIds = SmallVec<[ClassId; 8]>;

/// Run classes; no room is taken until there are some.
#[derive(Debug, Default)]
pub(super) struct Classes(Option<Box<Rows>>);

impl Deref for Classes {
    type Target = Rows;

    fn deref(&self) -> &Rows {
        static NONE: Rows = Rows::new();
        self.0.as_deref().unwrap_or(&NONE)
    }
}

impl DerefMut for Classes {
    fn deref_mut(&mut self) -> &mut Rows {
        self.0.get_or_insert_with(|| Box::new(Rows::new()))
    }
}

impl Classes {
    /// Keeps the classes that are not empty and of which `keep` says so.
    #[inline]
    pub(super) fn retain(&mut self, keep: impl FnMut(&mut Class) -> bool, program: &Program) {
        if let Some(rows) = &mut self.0 {
            rows.retain(keep, program);
        }
    }

    /// How many there are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.0.as_ref().map_or(0, |rows| rows.list.len() - rows.empty)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_none() || self.len() == 0
    }

    /// Drops all.
    #[inline]
    pub(super) fn clear(&mut self) {
        if let Some(rows) = &mut self.0 {
            rows.clear();
        }
    }
}

/// In the order in which they came to be. Those that are empty wait to be dropped.
#[derive(Debug)]
pub(super) struct Rows {
    list: Vec<Class>,
    /// Where there are many.
    index: Option<Box<Index>>,
    /// So many are empty.
    empty: usize,
    /// From so many on it is looked which are over.
    crowded: usize,
}

/// Up to so many classes none are looked through for what is over.
const CROWD: usize = 64;

/// Up to so many classes are looked through one by one.
const FEW: usize = 16;

#[derive(Debug, Default)]
struct Index {
    by_key: HashTable<u32>,
    /// Those at waits that ask for an equality, by its value.
    by_value: FxHashMap<(WaitId, Value), SmallVec<[u32; 2]>>,
    /// How many wait where. Seldom more than a few waits.
    waits: Vec<(WaitId, Vec<u32>)>,
}

impl Rows {
    const fn new() -> Self {
        Self { list: Vec::new(), index: None, empty: 0, crowded: CROWD }
    }

    /// Whether there are so many that it is worth to look which are over; not again before they are twice as many.
    pub(super) fn is_crowded(&mut self) -> bool {
        let crowded = self.list.len() >= self.crowded;
        if crowded {
            self.crowded = self.list.len() * 2;
        }
        crowded
    }

    /// The classes that an event may concern, in order.
    pub(super) fn concerned(&self, seen: Seen<'_>) -> ClassIds {
        let concerns = |w: WaitId| seen.program.waits[w].bits.is_none_or(|b| b & seen.bits != 0);
        let Some(index) = &self.index else {
            let all = self.list.iter().enumerate().filter(|(_, c)| concerns(c.key.wait));
            return all.map(|(at, _)| place(at)).collect();
        };
        let mut found = ClassIds::new();
        for (wait, all) in index.waits.iter().filter(|(w, _)| concerns(*w)) {
            match seen.program.waits[*wait].correlation.filter(|c| c.others & seen.bits == 0) {
                None => found.extend(all.iter().map(|at| ClassId(*at))),
                Some(c) => {
                    let value = seen.observation.content.slots.get(c.slot.index()).and_then(canonical);
                    let same = value.and_then(|value| index.by_value.get(&(*wait, value)));
                    found.extend(same.into_iter().flatten().map(|at| ClassId(*at)));
                }
            }
        }
        found.sort_unstable_by_key(|id| id.0);
        found
    }

    /// The class of that key, made where there is none.
    pub(super) fn place(&mut self, key: Key, program: &Program) -> ClassId {
        let found = match &self.index {
            None => self.list.iter().position(|c| c.key == key),
            Some(index) => {
                let is =
                    |at: &u32| self.list.get(usize::try_from(*at).unwrap_or(usize::MAX)).is_some_and(|c| c.key == key);
                index.by_key.find(hash(&key), is).and_then(|at| usize::try_from(*at).ok())
            }
        };
        if let Some(at) = found {
            let was_empty = self.list.get(at).is_some_and(|c| c.body.is_empty());
            self.empty = self.empty.saturating_sub(usize::from(was_empty));
            return place(at);
        }
        if self.list.capacity() == 0 {
            // Most have no more than one.
            self.list.reserve_exact(1);
        }
        self.list.push(Class { key, body: Body::none(program) });
        let at = self.list.len() - 1;
        if let (Some(index), Some(class)) = (&mut self.index, self.list.last()) {
            index.add(at, &self.list, class, program);
        } else {
            self.index(program);
        }
        place(at)
    }

    pub(super) fn get_mut(&mut self, id: ClassId) -> Option<&mut Class> {
        self.list.get_mut(id.index())
    }

    /// Drops from these classes what started at or before `floor`; whether all stand at one node then (or at none), and
    /// at which.
    pub(super) fn common_root(&mut self, places: &[ClassId], floor: Tick) -> (bool, Option<Root>) {
        let (mut same, mut common) = (!places.is_empty(), None);
        for (i, id) in places.iter().enumerate() {
            let Some(class) = self.list.get_mut(id.index()) else { continue };
            class.body.cut(floor);
            let Body::Paths(paths) = &class.body else {
                same = false;
                continue;
            };
            if i == 0 {
                common = paths.root;
            }
            same &= paths.root == common;
        }
        (same, common.filter(|_| same))
    }

    /// `n` classes have become empty: drops the empty ones, at once where they are few, else once they are half.
    pub(super) fn drop_empty(&mut self, n: usize, program: &Program) {
        self.empty += n;
        if self.index.is_none() || self.empty * 2 > self.list.len() {
            self.retain(|_| true, program);
        }
    }

    /// Those that are not empty.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Class> {
        self.list.iter().filter(|c| !c.body.is_empty())
    }

    fn retain(&mut self, mut keep: impl FnMut(&mut Class) -> bool, program: &Program) {
        self.list.retain_mut(|c| !c.body.is_empty() && keep(c) && !c.body.is_empty());
        self.empty = 0;
        self.index(program);
    }

    fn clear(&mut self) {
        self.list.clear();
        self.index = None;
        self.empty = 0;
    }

    /// Makes the index where it pays.
    fn index(&mut self, program: &Program) {
        self.index = None;
        if self.list.len() <= FEW {
            return;
        }
        let mut index = Box::<Index>::default();
        for (at, class) in self.list.iter().enumerate() {
            index.add(at, &self.list, class, program);
        }
        self.index = Some(index);
    }
}

impl Index {
    fn add(&mut self, at: usize, list: &[Class], class: &Class, program: &Program) {
        let at = place(at).0;
        let of = |at: &u32| list.get(ClassId(*at).index()).map_or(0, |c| hash(&c.key));
        self.by_key.insert_unique(hash(&class.key), at, of);
        let wait = class.key.wait;
        match self.waits.iter_mut().find(|(w, _)| *w == wait) {
            Some((_, all)) => all.push(at),
            None => self.waits.push((wait, vec![at])),
        }
        if let Some(c) = &program.waits[wait].correlation {
            let value = class.key.registers.get(c.register, &program.registers);
            if let Some(value) = canonical(&value) {
                self.by_value.entry((wait, value)).or_default().push(at);
            }
        }
    }
}

impl ClassId {
    fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

fn place(at: usize) -> ClassId {
    ClassId(u32::try_from(at).unwrap_or(u32::MAX))
}

/// One value for all that are equal; none for null, which is equal to nothing.
fn canonical(value: &Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Float(f) if f.fract() == 0.0 && f.abs() < 9_007_199_254_740_992.0 =>
        {
            #[allow(clippy::cast_possible_truncation, reason = "whole and in range")]
            Some(Value::Int(*f as i64))
        }
        v => Some(v.clone()),
    }
}
