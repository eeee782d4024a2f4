//! Rows that are the same are one row, which goes with the last who needs it.

use std::hash::{BuildHasher, Hash};

use rustc_hash::{FxBuildHasher, FxHashMap};
use smallvec::SmallVec;

/// Rows by number, each different from all others.
#[derive(Debug)]
pub(super) struct Shared<T> {
    rows: Vec<Option<(T, u32)>>,
    free: Vec<u32>,
    by_hash: FxHashMap<u64, SmallVec<[u32; 2]>>,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), free: Vec::new(), by_hash: FxHashMap::default() }
    }
}

impl<T> Shared<T> {
    pub(super) fn get(&self, id: u32) -> Option<&T> {
        self.rows.get(place(id))?.as_ref().map(|(row, _)| row)
    }

    /// How many need a row.
    pub(super) fn uses(&self, id: u32) -> u32 {
        self.rows.get(place(id)).and_then(Option::as_ref).map_or(0, |(_, uses)| *uses)
    }

    /// Numbers are below this.
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    /// How many rows there are.
    #[cfg(test)]
    pub(super) fn used(&self) -> usize {
        self.rows.iter().flatten().count()
    }
}

impl<T: Hash + Eq> Shared<T> {
    /// The number of a row, and whether it is new. Every call must be matched by one of [`Shared::release`].
    pub(super) fn add(&mut self, row: T) -> (u32, bool) {
        let same = self.by_hash.entry(FxBuildHasher.hash_one(&row)).or_default();
        for id in same.iter() {
            if let Some(Some((old, uses))) = self.rows.get_mut(place(*id))
                && *old == row
            {
                *uses += 1;
                return (*id, false);
            }
        }
        let id = self.free.pop().unwrap_or_else(|| u32::try_from(self.rows.len()).unwrap_or(u32::MAX));
        same.push(id);
        match self.rows.get_mut(place(id)) {
            Some(old) => *old = Some((row, 1)),
            None => self.rows.push(Some((row, 1))),
        }
        (id, true)
    }

    /// One needs the row no more; the row, where that was the last.
    pub(super) fn release(&mut self, id: u32) -> Option<T> {
        let slot = self.rows.get_mut(place(id))?;
        let (_, uses) = slot.as_mut()?;
        *uses -= 1;
        if *uses > 0 {
            return None;
        }
        let (row, _) = slot.take()?;
        self.free.push(id);
        let hash = FxBuildHasher.hash_one(&row);
        if let Some(same) = self.by_hash.get_mut(&hash) {
            same.retain(|other| *other != id);
            if same.is_empty() {
                self.by_hash.remove(&hash);
            }
        }
        Some(row)
    }
}

fn place(id: u32) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_rows_are_one_until_the_last_is_released() {
        let mut shared = Shared::default();
        let (a, b) = (shared.add("a"), shared.add("b"));
        assert_eq!((a, b, shared.add("a")), ((0, true), (1, true), (0, false)));
        assert_eq!((shared.release(0), shared.uses(0)), (None, 1));
        assert_eq!((shared.release(0), shared.get(0)), (Some("a"), None));
        assert_eq!(shared.add("c"), (0, true), "numbers are used again");
        assert_eq!(shared.used(), 2);
    }
}
