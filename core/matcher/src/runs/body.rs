//! Bodies: the partial matches of one run class, by their starts.
//!
//! Of partial matches that wait at the same place only the starts are told apart, because windows, skips and timeouts
//! end them by start. What they bound is one node of the shared buffer for all of them; under RETURN TRENDS, which asks
//! only what they add up to, it is a sum for each start, and there are no nodes.

use super::aged::Aged;
use crate::buffer::{NodeId, SharedBuffer, Tick};
use crate::program::Program;
use crate::trends::{Trend, Trends};

/// Starts, oldest first, none twice.
pub(super) type Starts = Aged<Tick, 4>;

/// All partial matches of one class.
#[derive(Clone, Debug)]
pub(super) struct Body {
    pub(super) starts: Starts,
    pub(super) what: What,
}

/// What partial matches bound.
#[derive(Clone, Debug)]
pub(super) enum What {
    /// The events; `None`: nothing yet, the run begins.
    Paths(Option<NodeId>),
    /// What they add up to, for each start.
    Sums(Aged<Trend, 1>),
}

impl Body {
    /// A run that begins with an event and has bound nothing yet.
    pub(super) fn begin(tick: Tick, trends: Option<&Trends>) -> Self {
        let what = trends.map_or(What::Paths(None), |t| What::Sums(Aged::one(t.one())));
        Self { starts: Starts::one(tick), what }
    }

    /// No partial matches.
    pub(super) fn none(program: &Program) -> Self {
        let what = program.trends.as_ref().map_or(What::Paths(None), |_| What::Sums(Aged::default()));
        Self { starts: Starts::default(), what }
    }

    pub(super) fn oldest(&self) -> Option<Tick> {
        self.starts.as_slice().first().copied()
    }

    pub(super) fn root(&self) -> Option<NodeId> {
        match &self.what {
            What::Paths(root) => *root,
            What::Sums(_) => None,
        }
    }

    pub(super) fn has(&self, start: Tick) -> bool {
        self.starts.as_slice().binary_search(&start).is_ok()
    }

    /// Drops the partial matches that started at or before `floor`; whether any are left.
    pub(super) fn cut(&mut self, floor: Tick) -> bool {
        if self.oldest().is_some_and(|oldest| oldest <= floor) {
            let n = self.starts.as_slice().partition_point(|s| *s <= floor);
            self.drop_first(n);
        }
        !self.starts.is_empty()
    }

    /// Takes out those with the `n` oldest starts.
    pub(super) fn split(&mut self, n: usize) -> Self {
        let mut old = self.clone();
        if n < old.starts.as_slice().len() {
            let keep = old.starts.as_slice().get(..n).unwrap_or_default();
            let mut starts = Starts::default();
            starts.extend(keep);
            if let What::Sums(sums) = &mut old.what {
                let mut kept = Aged::default();
                kept.extend(sums.as_slice().get(..n).unwrap_or_default());
                *sums = kept;
            }
            old.starts = starts;
        }
        self.drop_first(n);
        old
    }

    fn drop_first(&mut self, n: usize) {
        self.starts.cut(n);
        if let What::Sums(sums) = &mut self.what {
            sums.cut(n);
        }
    }

    /// Adds partial matches that bound what a node says of these already besides.
    pub(super) fn extend(&mut self, more: &Self) {
        if let (What::Paths(mine), What::Paths(theirs)) = (&mut self.what, &more.what) {
            *mine = *theirs;
            merge_starts(&mut self.starts, more.starts.as_slice());
        }
    }

    /// Adds other partial matches. Those of this body and of the other must be different ones, or the rule looks for
    /// repeats when they are read out ([`crate::program::Program::ambiguous`]).
    pub(super) fn merge(&mut self, more: &Self, buffer: &mut SharedBuffer) {
        match (&mut self.what, &more.what) {
            (What::Paths(mine), What::Paths(theirs)) => {
                *mine = mine.zip(*theirs).map(|(a, b)| buffer.either(a, b)).or(*mine).or(*theirs);
                merge_starts(&mut self.starts, more.starts.as_slice());
            }
            (What::Sums(mine), What::Sums(theirs)) => {
                merge_sums(&mut self.starts, mine, (more.starts.as_slice(), theirs.as_slice()));
            }
            (What::Paths(_), What::Sums(_)) | (What::Sums(_), What::Paths(_)) => {}
        }
    }
}

/// Adds starts to starts.
pub(super) fn merge_starts(mine: &mut Starts, more: &[Tick]) {
    let last = mine.as_slice().last();
    if more.first().is_some_and(|first| last.is_none_or(|last| last < first)) {
        mine.extend(more);
    } else if !is_subset(more, mine.as_slice()) {
        let mut both = Starts::default();
        zip(mine.as_slice(), more, |start, _, _| both.push(start));
        *mine = both;
    }
}

fn merge_sums(mine: &mut Starts, sums: &mut Aged<Trend, 1>, (more, others): (&[Tick], &[Trend])) {
    if is_subset(more, mine.as_slice()) {
        let mut at = mine.as_slice().iter().zip(sums.as_mut_slice());
        for (start, other) in more.iter().zip(others) {
            if let Some((_, sum)) = at.find(|(s, _)| *s == start) {
                *sum = sum.and(other);
            }
        }
        return;
    }
    let (mut starts, mut merged) = (Starts::default(), Aged::default());
    zip(mine.as_slice(), more, |start, a, b| {
        let a = a.and_then(|a| sums.as_slice().get(a));
        let b = b.and_then(|b| others.get(b));
        starts.push(start);
        merged.push(a.zip(b).map(|(a, b)| a.and(b)).or_else(|| a.or(b).cloned()).unwrap_or_default());
    });
    (*mine, *sums) = (starts, merged);
}

fn is_subset(few: &[Tick], many: &[Tick]) -> bool {
    let mut at = many.iter();
    few.len() <= many.len() && few.iter().all(|start| at.any(|s| s == start))
}

/// Calls `visit` with each start of either, and its places in both.
fn zip(a: &[Tick], b: &[Tick], mut visit: impl FnMut(Tick, Option<usize>, Option<usize>)) {
    let (mut i, mut j) = (0, 0);
    loop {
        let (x, y) = (a.get(i).copied(), b.get(j).copied());
        let Some(start) = x.zip(y).map(|(x, y)| x.min(y)).or(x).or(y) else { return };
        let (in_a, in_b) = (x == Some(start), y == Some(start));
        visit(start, in_a.then_some(i), in_b.then_some(j));
        i += usize::from(in_a);
        j += usize::from(in_b);
    }
}
