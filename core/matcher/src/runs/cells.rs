//! Cells: the run classes of a planned program, which have fixed places ([`crate::program::Plans`]).

use crate::buffer::{Root, Tick};
use crate::program::CellId;
use crate::table::Id;

/// So many cells have their place in the runs themselves.
const FEW: usize = 2;

/// Partial matches by cell, as the shared buffer has them.
#[derive(Debug, Default)]
pub(super) struct Cells {
    few: [Option<Root>; FEW],
    /// The others; no room is taken until there is something in them.
    #[allow(clippy::box_collection, reason = "few programs have more, and keys are many")]
    more: Option<Box<Vec<Option<Root>>>>,
    /// So many are not empty.
    full: u32,
}

impl Cells {
    /// How many are not empty.
    #[inline]
    pub(super) fn len(&self) -> usize {
        usize::try_from(self.full).unwrap_or(usize::MAX)
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.full == 0
    }

    /// Those that are not empty.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Root> {
        self.few.iter().chain(self.more.iter().flat_map(|more| more.iter())).flatten()
    }

    #[inline]
    pub(super) fn clear(&mut self) {
        if self.full > 0 {
            self.each(|row| *row = None);
            self.full = 0;
        }
    }

    /// Drops what started at or before `floor`.
    pub(super) fn cut(&mut self, floor: Tick) {
        let mut full = 0;
        self.each(|row| {
            *row = row.filter(|root| root.newest > floor);
            full += u32::from(row.is_some());
        });
        self.full = full;
    }

    fn each(&mut self, change: impl FnMut(&mut Option<Root>)) {
        let more = self.more.iter_mut().flat_map(|more| more.iter_mut());
        self.few.iter_mut().chain(more).for_each(change);
    }

    #[inline]
    fn row(&mut self, cell: CellId) -> Option<&mut Option<Root>> {
        let at = cell.index();
        if at < FEW {
            return self.few.get_mut(at);
        }
        self.more.as_mut()?.get_mut(at - FEW)
    }

    /// What is in a cell and started after `floor`; `leaves`: it is there no longer.
    #[inline]
    pub(super) fn live(&mut self, cell: CellId, leaves: bool, floor: Tick) -> Option<Root> {
        let row = self.row(cell)?;
        let root = (*row)?;
        let lives = root.newest > floor;
        if leaves || !lives {
            *row = None;
            self.full -= 1;
        }
        if lives { Some(root) } else { None }
    }

    /// Whether all of these cells stand at one node (or are empty), and at which.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "of every event that a run takes")]
    pub(super) fn common(&mut self, cells: &[CellId], floor: Tick) -> (bool, Option<Root>) {
        let Some((first, others)) = cells.split_first() else { return (false, None) };
        let first = self.live(*first, false, floor);
        for cell in others {
            if self.live(*cell, false, floor) != first {
                return (false, None);
            }
        }
        (true, first)
    }

    /// Puts a node into a cell, one of so many.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "of every event that a run takes")]
    pub(super) fn put(&mut self, cell: CellId, of: usize, root: Root) {
        if cell.index() >= FEW {
            self.more.get_or_insert_with(|| Box::new(vec![None; of.saturating_sub(FEW)]));
        }
        if let Some(row) = self.row(cell) {
            let was_empty = row.is_none();
            *row = Some(root);
            self.full += u32::from(was_empty);
        }
    }
}
