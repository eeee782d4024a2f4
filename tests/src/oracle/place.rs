//! Where a run stands in the pattern.

use ensue_rule::{Group, Quantifier, Stage, Step};

/// What of the pattern is still around and ahead of a run, innermost last.
pub(super) type Place<'a> = Vec<Frame<'a>>;

#[derive(Clone, Debug)]
pub(super) enum Frame<'a> {
    /// The rest of a sequence.
    Rest(&'a [Step]),
    /// In a stage that took so many events.
    Stage { stage: &'a Stage, taken: u32 },
    /// In this turn of a group, which began when the run had so many events.
    Turn { group: &'a Group, turn: u32, began: usize },
    /// Among members in any order.
    All(Members<'a>),
}

/// The members of an `&`, and how many events each took.
#[derive(Clone, Debug)]
pub(super) struct Members<'a> {
    pub(super) stages: &'a [Stage],
    pub(super) taken: Vec<u32>,
}

impl<'a> Members<'a> {
    pub(super) fn each(&self) -> impl Iterator<Item = (&'a Stage, u32)> {
        self.stages.iter().zip(self.taken.iter().copied())
    }

    /// Those that still lack events.
    pub(super) fn lacking(&self) -> Vec<&'a Stage> {
        let lacks = |(m, n): &(&Stage, u32)| {
            let q = m.quantifier.as_ref();
            *n < least(q) && !(*n == 0 && may_skip(q))
        };
        self.each().filter(lacks).map(|(m, _)| m).collect()
    }
}

/// A turn of a group: the group by its address, and the number of the turn.
pub(super) type Turn = (*const Group, u32);

/// The turns that a place is in, outermost first.
pub(super) fn turns(place: &Place<'_>) -> Vec<Turn> {
    let turn = |f: &Frame<'_>| match f {
        Frame::Turn { group, turn, .. } => Some((std::ptr::from_ref(*group), *turn)),
        _ => None,
    };
    place.iter().filter_map(turn).collect()
}

/// Whether a quantifier means that nothing at all will do.
pub(super) fn may_skip(q: Option<&Quantifier>) -> bool {
    q.is_some_and(|q| q.optional)
}

pub(super) fn least(q: Option<&Quantifier>) -> u32 {
    q.map_or(1, |q| q.min)
}

pub(super) fn most(q: Option<&Quantifier>) -> u32 {
    q.map_or(1, |q| q.max.unwrap_or(u32::MAX))
}

/// Whether a place is inside a group that repeats: then leaving is judged when the outermost such group is left.
pub(super) fn in_loop(place: &Place<'_>) -> bool {
    place.iter().any(|f| matches!(f, Frame::Turn { group, .. } if most(group.quantifier.as_ref()) > 1))
}

/// The groups that a place is in, each with its turn, outermost first.
pub(super) fn groups<'a>(place: &Place<'a>) -> Vec<(&'a Group, u32)> {
    let group = |f: &Frame<'a>| match f {
        Frame::Turn { group, turn, .. } => Some((*group, *turn)),
        _ => None,
    };
    place.iter().filter_map(group).collect()
}
