//! A queue of what grows old: added at the back, cut from the front, without moving the rest each time.

/// Items, oldest first.
#[derive(Debug)]
pub(crate) struct Aged<T> {
    items: Vec<T>,
    /// So many at the front are cut.
    cut: usize,
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

    pub(crate) fn as_slice(&self) -> &[T] {
        self.items.get(self.cut..).unwrap_or_default()
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        self.items.get_mut(self.cut..).unwrap_or_default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cut >= self.items.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.items.len() - self.cut
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
        self.cut = 0;
    }

    pub(crate) fn push(&mut self, item: T) {
        self.items.push(item);
    }

    pub(crate) fn extend(&mut self, items: &[T]) {
        self.items.extend_from_slice(items);
    }

    /// Drops the first `n`. What is cut is given back once it is more than what is left: constant on average.
    pub(crate) fn cut(&mut self, n: usize) {
        self.cut += n;
        if self.cut >= self.items.len() {
            self.items.clear();
            self.cut = 0;
        } else if self.cut * 2 > self.items.len() {
            self.items.drain(..self.cut);
            self.cut = 0;
        }
    }
}
