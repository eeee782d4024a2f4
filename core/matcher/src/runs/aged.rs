//! A queue of what grows old: added at the back, cut from the front, without moving the rest each time.

use smallvec::SmallVec;

/// Items, oldest first. Up to `N` lie inline.
#[derive(Clone, Debug)]
pub(super) struct Aged<T, const N: usize> {
    items: SmallVec<[T; N]>,
    /// So many at the front are cut.
    cut: usize,
}

impl<T, const N: usize> Default for Aged<T, N> {
    fn default() -> Self {
        Self { items: SmallVec::new(), cut: 0 }
    }
}

impl<T: Clone, const N: usize> Aged<T, N> {
    pub(super) fn one(item: T) -> Self {
        Self { items: SmallVec::from_iter([item]), cut: 0 }
    }

    pub(super) fn as_slice(&self) -> &[T] {
        self.items.get(self.cut..).unwrap_or_default()
    }

    pub(super) fn as_mut_slice(&mut self) -> &mut [T] {
        self.items.get_mut(self.cut..).unwrap_or_default()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.cut >= self.items.len()
    }

    pub(super) fn push(&mut self, item: T) {
        self.items.push(item);
    }

    pub(super) fn extend(&mut self, items: &[T]) {
        self.items.extend(items.iter().cloned());
    }

    /// Drops the first `n`. What is cut is given back once it is more than what is left: constant on average.
    pub(super) fn cut(&mut self, n: usize) {
        self.cut += n;
        if self.cut * 2 > self.items.len() {
            self.items.drain(..self.cut.min(self.items.len()));
            self.cut = 0;
        }
    }
}
