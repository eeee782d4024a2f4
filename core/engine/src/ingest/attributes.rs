//! The attributes of an event on their way in: a face hands over what some task reads, and leaves the rest where it lies.

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_rule::Value;

use super::demand::Reads;
use super::size::{DEPTH, spend};

/// Takes the attributes of an event that some task reads.
///
/// [`crate::Engine::record_reading`] asks for them, more than once where the tasks change meanwhile.
#[derive(Debug)]
pub struct Attributes<'t> {
    /// `None`: nobody knows yet what is read.
    reads: Option<Reads<'t>>,
    taken: BTreeMap<Arc<str>, Value>,
    /// What is left of the size of an event; `None`: it is over the limit.
    left: Option<usize>,
}

impl<'t> Attributes<'t> {
    /// Of an event of which `left` bytes may still be spent.
    pub(super) fn new(reads: Option<Reads<'t>>, left: Option<usize>) -> Self {
        Self { reads, taken: BTreeMap::new(), left }
    }

    /// Whether some task reads the attribute of this name.
    pub fn wants(&self, name: &str) -> bool {
        self.reads.is_none_or(|reads| reads.any_of(name))
    }

    /// Takes an attribute; of a map only what is read stays.
    pub fn take(&mut self, name: &str, value: Value) {
        self.left = self.left.and_then(|left| spend(&value, left.checked_sub(name.len())?, DEPTH));
        let taken = match self.reads {
            None => Some((name.into(), value)),
            Some(reads) => reads.keep(name, value),
        };
        match taken {
            Some((name, value)) => drop(self.taken.insert(name, value)),
            // Of a name that comes twice the last value is the attribute, also where nothing of it is read.
            None => drop(self.taken.remove(name)),
        }
    }

    /// Passes over an attribute that no task reads; with its name it has so many bytes.
    pub fn pass(&mut self, bytes: usize) {
        self.left = self.left.and_then(|left| left.checked_sub(bytes));
    }

    /// What was taken; `None`: the event is too large.
    pub(super) fn taken(self) -> Option<BTreeMap<Arc<str>, Value>> {
        self.left.map(|_| self.taken)
    }
}
