//! Programs that are alike are one: rules that differ only in which events they look at, which is the index's to know,
//! share their automaton.

use std::hash::BuildHasher;
use std::sync::{Arc, Weak};

use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;

use crate::Program;

/// The programs of a set, as long as somebody has them.
#[derive(Debug, Default)]
pub(super) struct Alike {
    by_hash: FxHashMap<u64, SmallVec<[Weak<Program>; 1]>>,
}

impl Alike {
    /// This program, or the one that is there already and says the same.
    pub(super) fn share(&mut self, program: Program) -> Arc<Program> {
        let same = self.by_hash.entry(hash(&program)).or_default();
        same.retain(|p| p.strong_count() > 0);
        if let Some(old) = same.iter().filter_map(Weak::upgrade).find(|p| **p == program) {
            return old;
        }
        let new = Arc::new(program);
        same.push(Arc::downgrade(&new));
        new
    }

    /// A program of the set is gone.
    pub(super) fn release(&mut self, program: Arc<Program>) {
        let hash = hash(&program);
        drop(program);
        if let Some(same) = self.by_hash.get_mut(&hash) {
            same.retain(|p| p.strong_count() > 0);
            if same.is_empty() {
                self.by_hash.remove(&hash);
            }
        }
    }

    /// How many different ones there are.
    pub(super) fn len(&self) -> usize {
        self.by_hash.values().map(SmallVec::len).sum()
    }
}

/// Of what tells most programs apart and is quick to read.
fn hash(program: &Program) -> u64 {
    let sizes = [program.waits.len(), program.positions.len(), program.registers.len(), program.kept.len()];
    let names: SmallVec<[&str; 8]> = program.stages.iter().map(|(_, s)| &*s.name).collect();
    let slots: SmallVec<[u32; 8]> = program.kept.iter().chain(&program.partition).map(|s| s.0).collect();
    FxBuildHasher.hash_one((sizes, names, slots, program.window.0))
}
