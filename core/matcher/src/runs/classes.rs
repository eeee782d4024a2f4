//! The run classes of one key: found by what tells them apart.

use super::body::{Body, Paths};
use super::class::{Class, Key};
use super::fate::Seen;
use crate::program::{Program, WaitId};

/// The place of a class; good until classes next meet an event or are cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassId(usize);

/// Run classes, in the order in which they came to be.
#[derive(Debug, Default)]
pub(super) struct Classes {
    list: Vec<Class>,
}

impl Classes {
    /// The classes that an event may concern.
    pub(super) fn concerned(&mut self, seen: Seen<'_>) -> impl Iterator<Item = &mut Class> {
        let concerns = move |c: &Class| seen.program.waits[c.key.wait].bits.is_none_or(|b| b & seen.bits != 0);
        self.list.iter_mut().filter(move |c| concerns(c))
    }

    /// Drops the classes that have no partial matches left.
    pub(super) fn drop_empty(&mut self) {
        self.list.retain(|c| !c.body.is_empty());
    }

    /// The class of that key, made where there is none.
    pub(super) fn place(&mut self, key: Key, program: &Program) -> ClassId {
        let at = self.list.iter().position(|c| c.key == key).unwrap_or_else(|| {
            self.list.push(Class { key, body: Body::none(program) });
            self.list.len() - 1
        });
        ClassId(at)
    }

    /// The class of those that wait here with nothing else to tell them apart.
    pub(super) fn find_plain(&self, wait: WaitId) -> Option<ClassId> {
        self.list.iter().position(|c| c.key.wait == wait).map(ClassId)
    }

    /// The same, made where there is none.
    pub(super) fn place_plain(&mut self, wait: WaitId, program: &Program) -> ClassId {
        self.find_plain(wait).unwrap_or_else(|| {
            self.list.push(Class { key: Key::plain(wait), body: Body::none(program) });
            ClassId(self.list.len() - 1)
        })
    }

    pub(super) fn remove(&mut self, id: ClassId) {
        self.list.swap_remove(id.0);
    }

    pub(super) fn get_mut(&mut self, id: ClassId) -> Option<&mut Class> {
        self.list.get_mut(id.0)
    }

    /// The paths of these classes, if all have the same (or all none yet).
    pub(super) fn in_common(&self, places: &[ClassId]) -> Option<&Paths> {
        let mut all = places.iter().filter_map(|id| self.list.get(id.0)).map(|c| match &c.body {
            Body::Paths(p) => Some(p),
            Body::Sums(_) => None,
        });
        let first = all.next()??;
        all.all(|p| p.is_some_and(|p| p.root == first.root)).then_some(first)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Class> {
        self.list.iter()
    }

    /// Keeps the classes of which `keep` says so.
    pub(super) fn retain(&mut self, keep: impl FnMut(&mut Class) -> bool) {
        self.list.retain_mut(keep);
    }

    pub(super) fn len(&self) -> usize {
        self.list.len()
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
    }
}
