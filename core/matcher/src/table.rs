//! Tables indexed by their own small ids.

use std::marker::PhantomData;
use std::ops::{Index, IndexMut};

/// An id of a [`Table`]: made by its `push`, never by arithmetic.
pub(crate) trait Id: Copy {
    fn from_index(index: usize) -> Self;
    fn index(self) -> usize;
}

/// Declares an id type over `u16`; tables stay far below 65,536 rows by [`crate::Limits`].
macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub(crate) struct $name(pub(crate) u16);

        impl $crate::table::Id for $name {
            fn from_index(index: usize) -> Self {
                Self(u16::try_from(index).unwrap_or(u16::MAX))
            }

            fn index(self) -> usize {
                usize::from(self.0)
            }
        }
    };
}
pub(crate) use id;

/// Rows by id.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(crate) struct Table<I, T> {
    rows: Vec<T>,
    ids: PhantomData<fn() -> I>,
}

impl<I, T> Default for Table<I, T> {
    fn default() -> Self {
        Self { rows: Vec::new(), ids: PhantomData }
    }
}

impl<I: Id, T> Table<I, T> {
    pub(crate) fn push(&mut self, row: T) -> I {
        self.rows.push(row);
        I::from_index(self.rows.len() - 1)
    }

    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (I, &T)> {
        self.rows.iter().enumerate().map(|(i, row)| (I::from_index(i), row))
    }

    pub(crate) fn ids(&self) -> impl Iterator<Item = I> + use<I, T> {
        (0..self.rows.len()).map(I::from_index)
    }
}

// INVARIANT (ids): an id of a table comes from that table's `push`, and rows are never taken out.
#[allow(clippy::indexing_slicing, reason = "INVARIANT (ids)")]
impl<I: Id, T> Index<I> for Table<I, T> {
    type Output = T;

    fn index(&self, id: I) -> &T {
        &self.rows[id.index()]
    }
}

#[allow(clippy::indexing_slicing, reason = "INVARIANT (ids)")]
impl<I: Id, T> IndexMut<I> for Table<I, T> {
    fn index_mut(&mut self, id: I) -> &mut T {
        &mut self.rows[id.index()]
    }
}
