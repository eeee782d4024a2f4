//! The tally: how many partial matches of a planned program there are, start by start and cell by cell, and what they add
//! up to, under RETURN TRENDS.
//!
//! What a move does is the same for every start, and one start's partial matches never become another's: an event costs
//! a few additions for each live start, whatever their number.

use ensue_rule::Value;
use smallvec::{SmallVec, smallvec};

use crate::aged::Aged;
use crate::buffer::Tick;
use crate::program::{CellId, Planned};
use crate::table::Id;
use crate::trends::{Trends, add_all};

/// Rows by start, oldest first; in each a column for every cell.
#[derive(Debug)]
pub(super) struct Tally {
    starts: Aged<Tick>,
    /// How many partial matches; saturating.
    counts: Aged<i64>,
    /// What the rule asks to be added up: for each count so many values.
    sums: Vec<Value>,
    /// Of what is complete with the event at hand.
    complete: Vec<Value>,
    /// How many cells there are.
    cells: usize,
    /// How many values are added up.
    width: usize,
}

/// What takes an event, by move: how many partial matches of one start, and their sums.
type Leaving<'a> = SmallVec<[(&'a Planned, i64, Added); 2]>;

/// Sums; few rules ask for more.
type Added = SmallVec<[Value; 2]>;

/// An event as the tally sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken<'a> {
    pub(super) trends: &'a Trends,
    pub(super) slots: &'a [Value],
    /// Partial matches may begin with it.
    pub(super) begins: bool,
    /// Its tick, where some do.
    pub(super) tick: Tick,
}

/// What is complete with an event, the sums apart.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Total {
    pub(super) count: i64,
    /// The oldest start.
    pub(super) start: Option<Tick>,
}

impl Total {
    #[inline]
    fn add(&mut self, start: Tick, count: i64) {
        if count > 0 {
            self.start = self.start.or(Some(start));
            self.count = self.count.saturating_add(count);
        }
    }
}

impl Tally {
    /// Nothing yet, of a program with so many cells.
    pub(super) fn new(cells: usize, trends: &Trends) -> Self {
        let (starts, counts) = (Aged::default(), Aged::default());
        Self { starts, counts, sums: Vec::new(), complete: Vec::new(), cells, width: trends.sums.len() }
    }

    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// How many cells are not empty.
    pub(super) fn len(&self) -> usize {
        let full = |cell: &usize| self.counts.as_slice().iter().skip(*cell).step_by(self.cells).any(|n| *n > 0);
        (0..self.cells).filter(full).count()
    }

    /// The oldest start after `floor`.
    pub(super) fn oldest_after(&self, floor: Tick) -> Option<Tick> {
        self.starts.as_slice().iter().copied().find(|start| *start > floor)
    }

    pub(super) fn clear(&mut self) {
        self.starts.clear();
        self.counts.clear();
        self.sums.clear();
    }

    /// Drops what started at or before `floor`.
    #[inline]
    pub(super) fn cut(&mut self, floor: Tick) {
        if self.starts.as_slice().first().is_some_and(|start| *start <= floor) {
            self.drop_until(floor);
        }
    }

    fn drop_until(&mut self, floor: Tick) {
        let over = self.starts.as_slice().partition_point(|start| *start <= floor);
        self.starts.cut(over);
        self.counts.cut(over * self.cells);
        self.sums.drain(..(over * self.cells * self.width).min(self.sums.len()));
    }

    /// The sums of what is complete with the event last taken.
    pub(super) fn complete(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.complete)
    }

    /// Lets all that waits for it take an event by a move; what is complete.
    #[inline]
    pub(super) fn take(&mut self, planned: &Planned, taken: Taken<'_>) -> Total {
        if self.width > 0 {
            return self.take_all(&[planned], taken);
        }
        let mut total = Total::default();
        if !planned.sources.is_empty() {
            let empty = move_on(self.starts.as_slice(), self.counts.as_mut_slice(), (planned, self.cells), &mut total);
            if empty {
                self.drop_empty();
            }
        }
        if planned.begins && taken.begins {
            self.begin_one(planned, taken.tick, &mut total);
        }
        total
    }

    /// Partial matches begin by a move, with nothing to add up.
    fn begin_one(&mut self, planned: &Planned, start: Tick, total: &mut Total) {
        if planned.complete {
            total.add(start, 1);
        }
        if !planned.into.is_empty() {
            let counts = self.counts.len();
            self.starts.push(start);
            self.counts.resize(counts + self.cells, 0);
            if let Some(row) = self.counts_at(self.starts.len() - 1) {
                spread(row, planned, 1);
            }
        }
    }

    /// The same by several moves at once: all that takes the event leaves before any of it arrives.
    #[inline(never)]
    pub(super) fn take_all(&mut self, moves: &[&Planned], taken: Taken<'_>) -> Total {
        let mut total = Total::default();
        for at in 0..self.starts.len() {
            let mut leaving = Leaving::new();
            for planned in moves {
                let count = self.counts_at(at).map_or(0, |row| gather(row, planned));
                leaving.push((planned, count, self.gather_sums(at, planned)));
            }
            let Some(start) = self.starts.as_slice().get(at).copied() else { break };
            self.arrive(at, leaving, (start, taken), &mut total);
        }
        if moves.iter().any(|planned| planned.leaves) {
            self.drop_empty();
        }
        self.begin(moves, taken, &mut total);
        total
    }

    /// Partial matches begin with the event.
    fn begin(&mut self, moves: &[&Planned], taken: Taken<'_>, total: &mut Total) {
        if !taken.begins || !moves.iter().any(|planned| planned.begins) {
            return;
        }
        let (at, start, counts) = (self.starts.len(), taken.tick, self.counts.len());
        self.starts.push(start);
        self.counts.resize(counts + self.cells, 0);
        self.sums.resize((counts + self.cells) * self.width, Value::Int(0));
        let none = || smallvec![Value::Int(0); self.width];
        let fresh = moves.iter().map(|planned| (*planned, i64::from(planned.begins), none())).collect();
        self.arrive(at, fresh, (start, taken), total);
        if moves.iter().all(|planned| planned.into.is_empty()) {
            self.drop_empty();
        }
    }

    /// Lets so many partial matches of one start, with these sums, take the event and wait for what comes next.
    fn arrive(&mut self, at: usize, leaving: Leaving<'_>, (start, taken): (Tick, Taken<'_>), total: &mut Total) {
        for (planned, count, mut sums) in leaving {
            if count == 0 {
                continue;
            }
            taken.trends.take(count, &mut sums, planned.stage, taken.slots);
            if let Some(row) = self.counts_at(at) {
                spread(row, planned, count);
            }
            for cell in &planned.into {
                add_all(self.sums_at(at, *cell), &sums);
            }
            if planned.complete {
                total.add(start, count);
                self.complete.resize(self.width, Value::Int(0));
                add_all(&mut self.complete, &sums);
            }
        }
    }

    /// The sums of what takes the event by a move.
    fn gather_sums(&mut self, at: usize, planned: &Planned) -> Added {
        let mut all: Added = smallvec![Value::Int(0); self.width];
        for source in &planned.sources {
            let sums = self.sums_at(at, source.cell);
            add_all(&mut all, sums);
            if source.leaves {
                sums.fill(Value::Int(0));
            }
        }
        all
    }

    fn counts_at(&mut self, at: usize) -> Option<&mut [i64]> {
        let cells = self.cells;
        self.counts.as_mut_slice().get_mut(at * cells..(at + 1) * cells)
    }

    fn sums_at(&mut self, at: usize, cell: CellId) -> &mut [Value] {
        let from = (at * self.cells + cell.index()) * self.width;
        self.sums.get_mut(from..from + self.width).unwrap_or_default()
    }

    /// Drops the starts of which nothing is left.
    fn drop_empty(&mut self) {
        let (cells, each, mut kept) = (self.cells, self.cells * self.width, 0);
        for at in 0..self.starts.len() {
            if self.counts_at(at).is_none_or(|row| is_zero(row)) {
                continue;
            }
            if kept < at {
                self.starts.as_mut_slice().copy_within(at..=at, kept);
                self.counts.as_mut_slice().copy_within(at * cells..(at + 1) * cells, kept * cells);
                (0..each).for_each(|i| self.sums.swap(kept * each + i, at * each + i));
            }
            kept += 1;
        }
        self.starts.truncate(kept);
        self.counts.truncate(kept * cells);
        self.sums.truncate(kept * each);
    }
}

/// Moves the counts of every start; whether nothing is left of one of them.
fn move_on(starts: &[Tick], mut counts: &mut [i64], (planned, cells): (&Planned, usize), total: &mut Total) -> bool {
    let mut empty = false;
    for start in starts {
        let Some((row, rest)) = counts.split_at_mut_checked(cells) else { break };
        counts = rest;
        let count = gather(row, planned);
        spread(row, planned, count);
        if planned.leaves {
            empty |= is_zero(row);
        }
        if planned.complete {
            total.add(*start, count);
        }
    }
    empty
}

#[inline]
fn is_zero(row: &[i64]) -> bool {
    row.iter().all(|n| *n == 0)
}

/// How many of a start take the event by a move; they wait no longer where they may not pass it over.
#[inline]
fn gather(row: &mut [i64], planned: &Planned) -> i64 {
    let mut count = 0_i64;
    for source in &planned.sources {
        if let Some(n) = row.get_mut(source.cell.index()) {
            count = count.saturating_add(*n);
            if source.leaves {
                *n = 0;
            }
        }
    }
    count
}

/// Lets so many wait for what comes after a move.
#[inline]
fn spread(row: &mut [i64], planned: &Planned, count: i64) {
    for cell in &planned.into {
        if let Some(n) = row.get_mut(cell.index()) {
            *n = n.saturating_add(count);
        }
    }
}
