//! Which negations a run is at, at each position.
//!
//! A run is at `!n` from the moment when all before it has its minimum until the next positive stage takes its first
//! event (docs/semantics.md, "The watch"). So it is at those that some way on from its position passes, and at
//! those that it was at before and has not passed since (a further turn of a loop before the negation). The second
//! depends on how a position was reached: positions are split until it does not.

use std::collections::{BTreeMap, BTreeSet};

use super::conditions::Forbid;
use super::fragment::{Fragment, Greedy, Hop, Weaver};
use super::{PositionId, StageId};
use crate::Error;
use crate::error::Kind;

/// A woven pattern whose positions know at which negations a run is.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) positions: Vec<WatchedPosition>,
    pub(super) first: Vec<(PositionId, Hop)>,
    pub(super) edges: Vec<(PositionId, PositionId, Hop)>,
    pub(super) last: Vec<(PositionId, Hop)>,
}

/// A position, and the stages of the `-> !n` that a run is at there.
#[derive(Debug)]
pub(super) struct WatchedPosition {
    pub(super) stage: StageId,
    pub(super) at: BTreeSet<Forbid>,
}

/// A position as it was woven, with what a run is at.
type Key = (PositionId, BTreeSet<Forbid>);

/// Splits positions by the negations that a run is at.
pub(super) fn watch(woven: &Fragment, weaver: &Weaver<'_>) -> Result<Watched, Error> {
    let mut splitter = Splitter { weaver, direct: direct(woven, weaver), ids: BTreeMap::new(), todo: Vec::new() };
    let mut out = Watched::default();
    for (q, hop) in &woven.first {
        let to = splitter.reach(*q, &BTreeSet::new(), hop, &mut out)?;
        out.first.push((to, hop.clone()));
    }
    while let Some((id, (p, at))) = splitter.todo.pop() {
        for (_, q, hop) in weaver.edges.iter().filter(|(from, _, _)| *from == p) {
            let to = splitter.reach(*q, &at, hop, &mut out)?;
            out.edges.push((id, to, hop.clone()));
        }
        out.last.extend(woven.last.iter().filter(|(from, _)| *from == p).map(|(_, hop)| (id, hop.clone())));
    }
    Ok(out)
}

struct Splitter<'a> {
    weaver: &'a Weaver<'a>,
    direct: Vec<BTreeSet<Forbid>>,
    ids: BTreeMap<Key, PositionId>,
    todo: Vec<(PositionId, Key)>,
}

impl Splitter<'_> {
    /// The position that a run reaches at `q`, by a hop, being at `at` before.
    fn reach(
        &mut self,
        q: PositionId,
        at: &BTreeSet<Forbid>,
        hop: &Hop,
        out: &mut Watched,
    ) -> Result<PositionId, Error> {
        let row = usize::from(q.0);
        let mut now = self.direct.get(row).cloned().unwrap_or_default();
        let stays = at.iter().filter(|n| !hop.passes(**n) && !hop.around.contains(&n.stage));
        // A turn that the run was to begin has begun.
        now.extend(stays.map(|n| if hop.turns.is_empty() { *n } else { Forbid::here(n.stage) }));
        let key = (q, now.clone());
        if let Some(id) = self.ids.get(&key) {
            return Ok(*id);
        }
        let limit = self.weaver.limits.states;
        let Some(stage) = self.weaver.positions.get(row).copied().filter(|_| out.positions.len() < limit) else {
            return Err(Error::new(Kind::TooManyStates { limit }, ensue_rule::Span::default()));
        };
        out.positions.push(WatchedPosition { stage, at: now });
        let id = PositionId(u16::try_from(out.positions.len() - 1).unwrap_or(u16::MAX));
        self.ids.insert(key.clone(), id);
        self.todo.push((id, key));
        Ok(id)
    }
}

/// For each woven position the negations that some way on from it passes.
fn direct(woven: &Fragment, weaver: &Weaver<'_>) -> Vec<BTreeSet<Forbid>> {
    let mut direct = vec![BTreeSet::new(); weaver.positions.len()];
    let on = weaver.edges.iter().map(|(p, _, hop)| (p, hop));
    for (p, hop) in on.chain(woven.last.iter().map(|(p, hop)| (p, hop))) {
        if let Some(at) = direct.get_mut(usize::from(p.0)) {
            at.extend(&hop.forbids);
        }
    }
    direct
}

/// The `=> !n` that the very next event after each position is judged by, whichever way it goes.
pub(super) fn next_forbids(position: PositionId, watched: &Watched) -> Vec<(Forbid, Vec<Greedy>)> {
    let mut out: Vec<(Forbid, Vec<Greedy>)> = Vec::new();
    let from_edges = watched.edges.iter().filter(|(p, _, _)| *p == position).map(|(_, _, hop)| hop);
    let from_ends = watched.last.iter().filter(|(p, _)| *p == position).map(|(_, hop)| hop);
    for forbid in from_edges.chain(from_ends).flat_map(|hop| &hop.next_forbids) {
        if !out.contains(forbid) {
            out.push(forbid.clone());
        }
    }
    out
}
