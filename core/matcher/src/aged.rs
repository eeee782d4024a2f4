//! A queue of what grows old: added at the back, cut from the front, without moving the rest each time.

/// Items, oldest first.
#[derive(Debug)]
pub(crate) struct Aged<T> {
    items: Vec<T>,
    /// So many at the front are cut.
    cut: u32,
}

impl<T> Default for Aged<T> {
    fn default() -> Self {
        Self { items: Vec::new(), cut: 0 }
    }
}

impl<T: Copy> Clone for Aged<T> {
    fn clone(&self) -> Self {
        Self { items: self.as_slice().to_vec(), cut: 0 }
    }

    fn clone_from(&mut self, other: &Self) {
        self.items.clear();
        self.items.extend_from_slice(other.as_slice());
        self.cut = 0;
    }
}

impl<T: Copy> Aged<T> {
    pub(crate) fn of(items: &[T]) -> Self {
        Self { items: items.to_vec(), cut: 0 }
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[T] {
        self.items.get(self.gone()..).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        let gone = self.gone();
        self.items.get_mut(gone..).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.gone() >= self.items.len()
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.items.len() - self.gone()
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.cut = 0;
    }

    #[inline]
    pub(crate) fn push(&mut self, item: T) {
        self.items.push(item);
    }

    /// Drops what is behind the first `n`.
    pub(crate) fn truncate(&mut self, n: usize) {
        if n == 0 {
            self.clear();
        }
        self.items.truncate(self.gone() + n);
    }

    /// So many in all; what is new is `item`.
    pub(crate) fn resize(&mut self, n: usize, item: T) {
        self.items.resize(self.gone() + n, item);
    }

    #[inline]
    pub(crate) fn extend(&mut self, items: &[T]) {
        self.items.extend_from_slice(items);
    }

    /// Drops the first `n`. What is cut is given back once it is more than what is left: constant on average.
    pub(crate) fn cut(&mut self, n: usize) {
        let gone = self.gone() + n;
        self.cut = 0;
        if gone >= self.items.len() {
            self.items.clear();
        } else if gone * 2 > self.items.len() {
            self.items.drain(..gone);
        } else {
            // There are never 2^32 items.
            self.cut = u32::try_from(gone).unwrap_or(u32::MAX);
        }
    }

    #[inline]
    fn gone(&self) -> usize {
        usize::try_from(self.cut).unwrap_or(usize::MAX)
    }
}
