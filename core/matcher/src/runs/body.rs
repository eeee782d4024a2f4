//! Bodies: the partial matches of one run class.
//!
//! Partial matches that wait at the same place are told apart only by their starts, because windows, skips and timeouts
//! end them by start. What they bound is one node of the shared buffer for all of them. Which starts they have is noted
//! beside it only where time alone can let something out, start by start; elsewhere the node knows the newest, and finds
//! the oldest when it is asked. Under RETURN TRENDS there are no nodes, but a sum for each start.

use super::sums::Sums;
use crate::aged::Aged;
use crate::buffer::{NodeId, Root, SharedBuffer, Tick};
use crate::program::Program;

/// Starts, oldest first, none twice.
pub(super) type Starts = Aged<Tick>;

/// All partial matches of one class.
#[derive(Debug)]
pub(super) enum Body {
    /// The events that they bound.
    Paths(Paths),
    /// What they add up to.
    Sums(Box<Sums>),
}

/// Partial matches as the shared buffer has them.
#[derive(Debug, Default)]
pub(super) struct Paths {
    /// `None`: there are none, or they begin now.
    pub(super) root: Option<Root>,
    /// Noted only in programs with timers.
    pub(super) starts: Option<Box<Starts>>,
}

impl Paths {
    fn starts(&self) -> &[Tick] {
        self.starts.as_ref().map(|s| s.as_slice()).unwrap_or_default()
    }

    /// Drops the `n` oldest starts, and what they bound with the last of them.
    fn drop_first(&mut self, n: usize) {
        let Some(starts) = &mut self.starts else { return };
        starts.cut(n);
        if starts.is_empty() {
            *self = Self::default();
        }
    }

    fn merge_starts(&mut self, more: &Self) {
        if let Some(more) = &more.starts {
            merge_starts(self.starts.get_or_insert_default(), more.as_slice());
        }
    }
}

impl Clone for Body {
    fn clone(&self) -> Self {
        match self {
            Self::Paths(p) => Self::Paths(Paths { root: p.root, starts: p.starts.clone() }),
            Self::Sums(s) => Self::Sums(s.clone()),
        }
    }

    fn clone_from(&mut self, other: &Self) {
        match (&mut *self, other) {
            (Self::Paths(mine), Self::Paths(theirs)) => {
                mine.root = theirs.root;
                mine.starts.clone_from(&theirs.starts);
            }
            (Self::Sums(mine), Self::Sums(theirs)) => mine.clone_from(theirs),
            (mine, theirs) => *mine = theirs.clone(),
        }
    }
}

impl Body {
    /// No partial matches.
    pub(super) fn none(program: &Program) -> Self {
        if program.trends.is_some() { Self::Sums(Box::default()) } else { Self::Paths(Paths::default()) }
    }

    /// Runs that begin with an event are added.
    #[inline]
    pub(super) fn begin(&mut self, tick: Tick, program: &Program) {
        match self {
            Self::Paths(p) if program.timers => p.starts.get_or_insert_default().push(tick),
            Self::Paths(_) => {}
            Self::Sums(sums) => program.trends.iter().for_each(|trends| sums.begin(tick, trends)),
        }
    }

    /// The node of what they bound.
    pub(super) fn root(&self) -> Option<NodeId> {
        match self {
            Self::Paths(p) => p.root.map(|root| root.node),
            Self::Sums(_) => None,
        }
    }

    /// The newest start.
    #[inline]
    pub(super) fn newest(&self) -> Option<Tick> {
        match self {
            Self::Paths(p) => p.root.map(|root| root.newest),
            Self::Sums(s) => s.newest(),
        }
    }

    /// Their starts, where they are noted.
    pub(super) fn starts(&self) -> &[Tick] {
        match self {
            Self::Paths(p) => p.starts(),
            Self::Sums(_) => &[],
        }
    }

    /// The oldest start after `floor` that is noted.
    pub(super) fn oldest_noted(&self, floor: Tick) -> Option<Tick> {
        match self {
            Self::Paths(p) => p.starts().iter().copied().find(|s| *s > floor),
            Self::Sums(s) => s.starts().find(|s| *s > floor),
        }
    }

    pub(super) fn has(&self, start: Tick) -> bool {
        self.starts().binary_search(&start).is_ok()
    }

    /// Whether some of them started after `floor`.
    #[inline]
    pub(super) fn lives(&self, floor: Tick) -> bool {
        self.newest().is_some_and(|newest| newest > floor)
    }

    /// The oldest start after `floor`, which never falls.
    pub(super) fn oldest(&self, floor: Tick, buffer: &mut SharedBuffer) -> Option<Tick> {
        match self {
            // The node may stand for starts besides that are not of this class any more.
            Self::Paths(Paths { root: Some(root), starts: None }) => buffer.oldest(root.node, floor),
            _ => self.oldest_noted(floor),
        }
    }

    /// Drops the partial matches that started at or before `floor`; whether any are left.
    #[inline]
    pub(super) fn cut(&mut self, floor: Tick) -> bool {
        let lives = self.lives(floor);
        match self {
            Self::Paths(p) if !lives => *p = Paths::default(),
            Self::Paths(p) => {
                if p.starts().first().is_some_and(|oldest| *oldest <= floor) {
                    p.drop_first(p.starts().partition_point(|s| *s <= floor));
                }
            }
            Self::Sums(s) => s.cut(floor),
        }
        lives
    }

    /// Takes out all of them.
    pub(super) fn take(&mut self) -> Self {
        match self {
            Self::Paths(p) => Self::Paths(std::mem::take(p)),
            Self::Sums(s) => Self::Sums(std::mem::take(s)),
        }
    }

    /// Drops all of them.
    #[inline]
    pub(super) fn clear(&mut self) {
        match self {
            Self::Paths(p) => *p = Paths::default(),
            Self::Sums(s) => s.clear(),
        }
    }

    /// Takes out those that started at or before `last`, where starts are noted.
    pub(super) fn split(&mut self, last: Tick) -> Self {
        match self {
            Self::Paths(p) => {
                let n = p.starts().partition_point(|s| *s <= last);
                if n == 0 {
                    return Self::Paths(Paths::default());
                }
                let starts = Starts::of(p.starts().get(..n).unwrap_or_default());
                let old = Paths { root: p.root, starts: Some(Box::new(starts)) };
                p.drop_first(n);
                Self::Paths(old)
            }
            Self::Sums(s) => Self::Sums(Box::new(s.split(last))),
        }
    }

    /// Whether there is nothing in it.
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Paths(p) => p.root.is_none(),
            Self::Sums(s) => s.is_empty(),
        }
    }

    /// Adds partial matches that bound what a node says of these already besides.
    #[inline]
    pub(super) fn extend(&mut self, more: &Self) {
        match (self, more) {
            (Self::Paths(mine), Self::Paths(theirs)) => {
                mine.root = theirs.root;
                mine.merge_starts(theirs);
            }
            (Self::Sums(mine), Self::Sums(theirs)) => mine.merge(theirs),
            (Self::Paths(_), Self::Sums(_)) | (Self::Sums(_), Self::Paths(_)) => {}
        }
    }

    /// Adds other partial matches. Those of this body and of the other must be different ones, or the rule looks for
    /// repeats when they are read out ([`crate::program::Shape::ambiguous`]).
    #[inline]
    pub(super) fn merge(&mut self, more: &Self, buffer: &mut SharedBuffer) {
        match (self, more) {
            (Self::Paths(mine), Self::Paths(theirs)) => {
                mine.root = match (mine.root, theirs.root) {
                    (Some(a), Some(b)) => Some(buffer.either(a, b)),
                    (a, b) => a.or(b),
                };
                mine.merge_starts(theirs);
            }
            (Self::Sums(mine), Self::Sums(theirs)) => mine.merge(theirs),
            (Self::Paths(_), Self::Sums(_)) | (Self::Sums(_), Self::Paths(_)) => {}
        }
    }
}

/// Adds starts to starts.
fn merge_starts(mine: &mut Starts, more: &[Tick]) {
    let same = mine.as_slice().iter().zip(more).take_while(|(a, b)| a == b).count();
    let rest = more.get(same..).unwrap_or_default();
    if mine.as_slice().last() < rest.first() {
        mine.extend(rest);
    } else if !rest.is_empty() {
        let mut both = [mine.as_slice(), rest].concat();
        both.sort_unstable();
        both.dedup();
        *mine = Starts::of(&both);
    }
}
