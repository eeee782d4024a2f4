//! A queue of what grows old: added at the back, cut from the front, without moving the rest each time.

/// Items, oldest first.
///
/// Keys are many and most of their queues are short, so that a queue is 24 bytes, has no room elsewhere while it is empty, and
/// then room for a single item, and then for [`SOME`].
#[derive(Debug)]
pub(crate) struct Aged<T> {
    /// Those from `cut` to `end` are in it; the others are room.
    items: Box<[T]>,
    end: u32,
    /// So many at the front are cut.
    cut: u32,
}

/// What a queue that has had one item has room for next.
const SOME: usize = 4;

impl<T> Default for Aged<T> {
    fn default() -> Self {
        Self { items: Box::default(), end: 0, cut: 0 }
    }
}

impl<T: Copy> Clone for Aged<T> {
    fn clone(&self) -> Self {
        Self::of(self.as_slice())
    }

    fn clone_from(&mut self, other: &Self) {
        self.clear();
        self.extend(other.as_slice());
    }
}

impl<T: Copy> Aged<T> {
    pub(crate) fn of(items: &[T]) -> Self {
        Self { items: items.into(), end: count(items.len()), cut: 0 }
    }

    #[inline]
    pub(crate) fn as_slice(&self) -> &[T] {
        self.items.get(index(self.cut)..index(self.end)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn as_mut_slice(&mut self) -> &mut [T] {
        self.items.get_mut(index(self.cut)..index(self.end)).unwrap_or_default()
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.cut >= self.end
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        index(self.end - self.cut)
    }

    #[inline]
    pub(crate) fn clear(&mut self) {
        (self.end, self.cut) = (0, 0);
    }

    /// The item at a place; the oldest is at 0.
    #[inline]
    pub(crate) fn at(&self, place: usize) -> Option<&T> {
        // What is behind the end is room, where it is at all.
        if place < self.len() { self.items.get(index(self.cut) + place) } else { None }
    }

    #[inline]
    pub(crate) fn push(&mut self, item: T) {
        match self.items.get_mut(index(self.end)) {
            Some(place) => *place = item,
            // The item is what fills the new room, and so is in its place.
            None => self.widen(1, item),
        }
        self.end += 1;
    }

    /// Drops what is behind the first `n`.
    pub(crate) fn truncate(&mut self, n: usize) {
        if n == 0 {
            self.clear();
        }
        self.end = self.end.min(self.cut.saturating_add(count(n)));
    }

    /// So many in all; what is new is `item`.
    pub(crate) fn resize(&mut self, n: usize, item: T) {
        let more = n.saturating_sub(self.len());
        self.reserve(more, item);
        let (from, to) = (index(self.end), index(self.end) + more);
        self.items.get_mut(from..to).unwrap_or_default().fill(item);
        self.end += count(more);
        self.truncate(n);
    }

    pub(crate) fn extend(&mut self, items: &[T]) {
        let Some(first) = items.first() else { return };
        self.reserve(items.len(), *first);
        let (from, to) = (index(self.end), index(self.end) + items.len());
        if let Some(place) = self.items.get_mut(from..to) {
            place.copy_from_slice(items);
            self.end += count(items.len());
        }
    }

    /// Drops the first `n`. What is cut is given back once it is more than what is left: constant on average.
    pub(crate) fn cut(&mut self, n: usize) {
        let (gone, end) = (index(self.cut) + n, index(self.end));
        if gone >= end {
            self.clear();
        } else if gone * 2 > end {
            self.items.copy_within(gone..end, 0);
            (self.end, self.cut) = (count(end - gone), 0);
        } else {
            self.cut = count(gone);
        }
    }

    fn reserve(&mut self, more: usize, item: T) {
        if self.items.len() - index(self.end) < more {
            self.widen(more, item);
        }
    }

    /// Makes room for so many more; `item` fills what is not used yet.
    #[cold]
    fn widen(&mut self, more: usize, item: T) {
        let room = match self.items.len() {
            0 => more,
            n => (n * 2).max(SOME).max(index(self.end) + more),
        };
        let mut items = Vec::with_capacity(room);
        items.extend_from_slice(self.items.get(..index(self.end)).unwrap_or_default());
        items.resize(room, item);
        self.items = items.into_boxed_slice();
    }
}

/// There are never 2^32 items.
#[inline]
fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[inline]
fn index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
