//! The run classes of one key: found by what tells them apart.

use super::body::{Body, What};
use super::class::{Class, Key};
use super::fate::Seen;
use crate::buffer::{NodeId, Tick};
use crate::program::Program;

/// The place of a class; good until classes next meet an event or are cut.
#[derive(Clone, Copy, Debug)]
pub(super) struct ClassId(usize);

/// Run classes, in the order in which they came to be.
#[derive(Debug, Default)]
pub(super) struct Classes {
    list: Vec<Class>,
}

impl Classes {
    /// Lets each class that an event may concern meet it; `keep` says whether it lives on where it is.
    pub(super) fn meet(&mut self, seen: Seen<'_>, mut keep: impl FnMut(&mut Class) -> bool) {
        let concerns = |c: &Class| seen.program.waits[c.key.wait].bits.is_none_or(|b| b & seen.bits != 0);
        self.list.retain_mut(|c| !concerns(c) || keep(c));
    }

    /// The class of that key, made where there is none, without what is over.
    pub(super) fn place(&mut self, key: Key, floor: Tick, program: &Program) -> ClassId {
        let at = self.list.iter().position(|c| c.key == key).unwrap_or(self.list.len());
        match self.list.get_mut(at) {
            Some(class) => {
                if !class.body.cut(floor) {
                    class.body = Body::none(program);
                }
            }
            None => self.list.push(Class { key, body: Body::none(program) }),
        }
        ClassId(at)
    }

    pub(super) fn get_mut(&mut self, id: ClassId) -> Option<&mut Class> {
        self.list.get_mut(id.0)
    }

    /// The node that all these classes stand at, if it is one; `Some(None)`: all are new.
    pub(super) fn shared_root(&self, places: &[ClassId]) -> Option<Option<NodeId>> {
        let root = |id: &ClassId| self.list.get(id.0).map(|c| match c.body.what {
            What::Paths(root) => Some(root),
            What::Sums(_) => None,
        })?;
        let mut roots = places.iter().map(root);
        let first = roots.next()??;
        roots.all(|r| r == Some(first)).then_some(first)
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
