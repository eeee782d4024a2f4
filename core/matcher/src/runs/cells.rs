//! Cells: the run classes of a planned program, which have fixed places ([`crate::program::Plans`]).

use smallvec::SmallVec;

use super::sums::Sums;
use crate::buffer::{Root, SharedBuffer, Tick};
use crate::program::CellId;
use crate::table::Id;

/// The partial matches of a cell.
pub(super) trait Held: Default {
    /// Whether there are none.
    fn is_empty(&self) -> bool;

    /// Whether some of them started after `floor`.
    fn lives(&self, floor: Tick) -> bool;

    /// Drops those that started at or before `floor`.
    fn cut(&mut self, floor: Tick);

    /// Drops all, and keeps the room.
    fn clear(&mut self);

    /// The oldest start after `floor`, which never falls.
    fn oldest_after(&self, floor: Tick, buffer: &mut SharedBuffer) -> Option<Tick>;
}

/// What they bound, as the shared buffer has it.
impl Held for Option<Root> {
    #[inline]
    fn is_empty(&self) -> bool {
        self.is_none()
    }

    #[inline]
    fn lives(&self, floor: Tick) -> bool {
        self.is_some_and(|root| root.newest > floor)
    }

    /// The node knows what is over.
    #[inline]
    fn cut(&mut self, floor: Tick) {
        *self = self.filter(|root| root.newest > floor);
    }

    #[inline]
    fn clear(&mut self) {
        *self = None;
    }

    fn oldest_after(&self, floor: Tick, buffer: &mut SharedBuffer) -> Option<Tick> {
        self.and_then(|root| buffer.oldest(root.node, floor))
    }
}

impl Held for Sums {
    #[inline]
    fn is_empty(&self) -> bool {
        Sums::is_empty(self)
    }

    #[inline]
    fn lives(&self, floor: Tick) -> bool {
        self.newest().is_some_and(|newest| newest > floor)
    }

    #[inline]
    fn cut(&mut self, floor: Tick) {
        Sums::cut(self, floor);
    }

    #[inline]
    fn clear(&mut self) {
        Sums::clear(self);
    }

    fn oldest_after(&self, floor: Tick, _: &mut SharedBuffer) -> Option<Tick> {
        self.starts().find(|start| *start > floor)
    }
}

/// Partial matches by cell; no rows until there are some.
#[derive(Debug)]
pub(super) struct Cells<H> {
    rows: SmallVec<[H; 2]>,
    /// So many are not empty.
    full: u32,
}

impl<H> Default for Cells<H> {
    fn default() -> Self {
        Self { rows: SmallVec::new(), full: 0 }
    }
}

impl<H: Held> Cells<H> {
    /// How many are not empty.
    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.full).unwrap_or(usize::MAX)
    }

    /// Those that are not empty.
    pub(super) fn iter(&self) -> impl Iterator<Item = &H> {
        self.rows.iter().filter(|held| !held.is_empty())
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        if self.full > 0 {
            self.rows.iter_mut().for_each(Held::clear);
            self.full = 0;
        }
    }

    /// Drops what started at or before `floor`.
    pub(super) fn cut(&mut self, floor: Tick) {
        let mut full = 0;
        for held in &mut self.rows {
            held.cut(floor);
            full += u32::from(!held.is_empty());
        }
        self.full = full;
    }

    /// What is in a cell and started after `floor`, where there is any.
    #[inline]
    pub(super) fn live(&mut self, cell: CellId, floor: Tick) -> Option<&mut H> {
        let held = self.rows.get_mut(cell.index()).filter(|held| !held.is_empty())?;
        held.cut(floor);
        if held.is_empty() {
            self.full -= 1;
            return None;
        }
        Some(held)
    }

    /// What was [live](Self::live) in a cell was taken out.
    #[inline]
    pub(super) fn emptied(&mut self) {
        self.full -= 1;
    }

    /// A cell of so many, into which something is put now.
    #[inline]
    pub(super) fn fill(&mut self, cell: CellId, of: usize) -> Option<&mut H> {
        if self.rows.len() < of {
            self.rows.resize_with(of, H::default);
        }
        let held = self.rows.get_mut(cell.index())?;
        self.full += u32::from(held.is_empty());
        Some(held)
    }
}

/// The cells of a program under RETURN TRENDS, which few keys have.
#[derive(Debug, Default)]
pub(super) struct Adding {
    pub(super) cells: Cells<Sums>,
    /// Sums that nobody needs now: room for the next.
    pub(super) spare: Option<Box<Sums>>,
}
