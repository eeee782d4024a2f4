//! Programs that are alike are one: rules that differ only in which events they look at, which is the index's to know,
//! share their program; those that differ besides in their window, in what they return or in what a match discards share
//! its shape.

use std::hash::{BuildHasher, Hash};
use std::sync::{Arc, Weak};

use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;

use crate::Program;
use crate::program::Shape;

/// The programs of a set and their shapes, as long as somebody has them.
#[derive(Debug, Default)]
pub(super) struct Alike {
    programs: Known<Program>,
    shapes: Known<Shape>,
}

/// Different values, by the hash of all that they say.
#[derive(Debug)]
struct Known<T> {
    by_hash: FxHashMap<u64, SmallVec<[Weak<T>; 1]>>,
}

impl<T> Default for Known<T> {
    fn default() -> Self {
        Self { by_hash: FxHashMap::default() }
    }
}

impl Alike {
    /// This program, or the one that is there already and says the same.
    pub(super) fn share(&mut self, mut program: Program) -> Arc<Program> {
        program.shape = self.shapes.share(program.shape);
        self.programs.share(Arc::new(program))
    }

    /// A program of the set is gone.
    pub(super) fn release(&mut self, program: Arc<Program>) {
        let shape = program.shape.clone();
        self.programs.release(program);
        self.shapes.release(shape);
    }

    /// How many different shapes there are.
    pub(super) fn len(&self) -> usize {
        self.shapes.by_hash.values().map(SmallVec::len).sum()
    }
}

impl<T: Hash + PartialEq> Known<T> {
    /// This value, or the one that is there already and says the same.
    fn share(&mut self, value: Arc<T>) -> Arc<T> {
        let same = self.by_hash.entry(FxBuildHasher.hash_one(&*value)).or_default();
        same.retain(|known| known.strong_count() > 0);
        if let Some(old) = same.iter().filter_map(Weak::upgrade).find(|known| *known == value) {
            return old;
        }
        same.push(Arc::downgrade(&value));
        value
    }

    /// One needs it no more.
    fn release(&mut self, value: Arc<T>) {
        let hash = FxBuildHasher.hash_one(&*value);
        drop(value);
        if let Some(same) = self.by_hash.get_mut(&hash) {
            same.retain(|known| known.strong_count() > 0);
            if same.is_empty() {
                self.by_hash.remove(&hash);
            }
        }
    }
}
