//! Which negations a run is at, at each position.
//!
//! A run is at `!n` from the moment when all before it has its minimum until the next positive stage takes its first
//! event (SEMANTICS, "What a negation forbids"). A position from which some way passes `!n` is at it; so is a position
//! that can only be reached from such ones without passing it (a further turn of a loop before the negation).

use std::collections::BTreeSet;

use super::fragment::{Greedy, Hop};
use super::{PositionId, StageId};

/// For each position the stages of the `-> !n` that it is at.
pub(super) type Watch = Vec<BTreeSet<StageId>>;

/// The greatest solution of: at(p) = passed from p, or at all that lead to p and not passed on the way.
pub(super) fn watch(
    positions: usize,
    begins: &[(PositionId, Hop)],
    edges: &[(PositionId, PositionId, Hop)],
    ends: &[(PositionId, Hop)],
) -> Watch {
    let row = |p: PositionId| usize::from(p.0);
    let mut direct: Watch = vec![BTreeSet::new(); positions];
    for (p, hop) in edges.iter().map(|(p, _, hop)| (p, hop)).chain(ends.iter().map(|(p, hop)| (p, hop))) {
        if let Some(at) = direct.get_mut(row(*p)) {
            at.extend(&hop.forbids);
        }
    }
    let all: BTreeSet<StageId> = direct.iter().flatten().copied().collect();
    let mut at: Watch = vec![all; positions];
    loop {
        let next: Watch = (0..positions)
            .map(|p| {
                let mut into = edges.iter().filter(|(_, q, _)| row(*q) == p).map(|(from, _, hop)| {
                    let mut held = at.get(row(*from)).cloned().unwrap_or_default();
                    hop.forbids.iter().for_each(|n| {
                        held.remove(n);
                    });
                    held
                });
                let begun = begins.iter().any(|(q, _)| row(*q) == p);
                let first = if begun { Some(BTreeSet::new()) } else { into.next() };
                let met = into.fold(first.unwrap_or_default(), |a, b| a.intersection(&b).copied().collect());
                direct.get(p).into_iter().flatten().copied().chain(met).collect()
            })
            .collect();
        if next == at {
            return at;
        }
        at = next;
    }
}

/// The `=> !n` that the very next event after each position is judged by, whichever way it goes.
pub(super) fn next_forbids(
    position: PositionId,
    edges: &[(PositionId, PositionId, Hop)],
    ends: &[(PositionId, Hop)],
) -> Vec<(StageId, Vec<Greedy>)> {
    let mut out: Vec<(StageId, Vec<Greedy>)> = Vec::new();
    let from_edges = edges.iter().filter(|(p, _, _)| *p == position).map(|(_, _, hop)| hop);
    let from_ends = ends.iter().filter(|(p, _)| *p == position).map(|(_, hop)| hop);
    for forbid in from_edges.chain(from_ends).flat_map(|hop| &hop.next_forbids) {
        if !out.contains(forbid) {
            out.push(forbid.clone());
        }
    }
    out
}
