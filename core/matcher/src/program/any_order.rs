//! `a & b`: all members, in any interleaving.
//!
//! A position is how many events each member has taken, and which took the last: the product of the members' own
//! chains. So the states multiply, and the limit on states is soon met by more than a few members.

use std::collections::BTreeMap;

use ensue_rule::{Contiguity, Stage};

use super::fragment::{Cursor, Fragment, Hop, Weaver};
use super::{PositionId, StageId, TestId, Want};
use crate::Error;

/// How many events each member has taken, counted as far as it matters.
type Taken = Vec<u32>;

struct Members<'a> {
    stages: &'a [Stage],
    ids: Vec<StageId>,
}

impl Members<'_> {
    fn get(&self, i: usize) -> Option<&Stage> {
        self.stages.get(i)
    }

    fn id(&self, i: usize) -> StageId {
        self.ids.get(i).copied().unwrap_or(StageId(0))
    }

    /// The counts after member `i` takes an event; `None` where it takes no more.
    fn after(&self, taken: &Taken, i: usize) -> Option<Taken> {
        let q = self.get(i)?.quantifier.as_ref();
        let (min, max) = q.map_or((1, Some(1)), |q| (q.min, q.max));
        let n = *taken.get(i)?;
        let next = match max {
            Some(max) if n >= max => return None,
            Some(_) => n + 1,
            None => (n + 1).min(min),
        };
        let mut after = taken.clone();
        after.iter_mut().skip(i).take(1).for_each(|t| *t = next);
        Some(after)
    }

    /// Whether a member lacks events.
    fn lacks(&self, taken: &Taken, i: usize) -> bool {
        let q = self.get(i).and_then(|s| s.quantifier.as_ref());
        let n = taken.get(i).copied().unwrap_or(0);
        q.map_or(n < 1, |q| n < q.min && !(n == 0 && q.optional))
    }

    fn optional(&self) -> bool {
        self.stages.iter().all(|s| s.quantifier.as_ref().is_some_and(|q| q.optional))
    }
}

impl Weaver<'_> {
    pub(super) fn any_order(&mut self, stages: &[Stage], at: &mut Cursor) -> Result<Fragment, Error> {
        let mut ids = Vec::new();
        for s in stages {
            ids.push(Self::next_stage(at));
            if s.quantifier.is_some() {
                self.next_until(at);
            }
        }
        let members = Members { stages, ids };
        let none: Taken = vec![0; stages.len()];
        let (mut known, mut todo, mut first) = (BTreeMap::new(), Vec::new(), Vec::new());
        for i in 0..stages.len() {
            let Some(after) = members.after(&none, i) else { continue };
            let p = self.place(&members, (&after, i), &mut known, &mut todo)?;
            first.push((p, self.to_member(&members, &none, i, None)));
        }
        let mut last = Vec::new();
        while let Some((taken, from)) = todo.pop() {
            for j in 0..stages.len() {
                let Some(after) = members.after(&taken, j) else { continue };
                let q = members.get(j).and_then(|s| s.quantifier.as_ref());
                let inner = q.filter(|_| taken.get(j).is_some_and(|n| *n > 0)).map(|q| q.inner);
                let hop = self.to_member(&members, &taken, j, Some(inner.unwrap_or(Contiguity::Relaxed)));
                let to = self.place(&members, (&after, j), &mut known, &mut todo)?;
                self.edge(from, to, hop)?;
            }
            if (0..stages.len()).all(|j| !members.lacks(&taken, j)) {
                last.push((from, self.leaving(&members)));
            }
        }
        let skip = if members.optional() { vec![self.leaving(&members)] } else { Vec::new() };
        Ok(Fragment { first, last, skip })
    }

    /// The position at which member `i` has just taken an event.
    fn place(
        &mut self,
        members: &Members<'_>,
        (taken, i): (&Taken, usize),
        known: &mut BTreeMap<(Taken, usize), PositionId>,
        todo: &mut Vec<(Taken, PositionId)>,
    ) -> Result<PositionId, Error> {
        if let Some(p) = known.get(&(taken.clone(), i)) {
            return Ok(*p);
        }
        let span = members.get(i).map(|s| s.span).unwrap_or_default();
        let p = self.position(members.id(i), span)?;
        known.insert((taken.clone(), i), p);
        todo.push((taken.clone(), p));
        Ok(p)
    }

    /// The way to the next event of member `i`.
    fn to_member(&self, members: &Members<'_>, taken: &Taken, i: usize, arrow: Option<Contiguity>) -> Hop {
        let others = (0..members.ids.len()).filter(|j| *j != i && members.lacks(taken, *j));
        let blockers = others.map(|j| self.want(members, taken, j)).collect();
        let also = self.joint(members, taken, i);
        Hop { arrow, blockers, also, ..Hop::default() }
    }

    /// What member `i` would take as things are.
    fn want(&self, members: &Members<'_>, taken: &Taken, i: usize) -> Want {
        std::iter::once(TestId(members.id(i).0)).chain(self.joint(members, taken, i)).collect()
    }

    /// The tests over several members that are asked when member `i` binds: all others that they mention are bound.
    fn joint(&self, members: &Members<'_>, taken: &Taken, i: usize) -> Vec<TestId> {
        let id = members.id(i);
        let bound = |s: &StageId| *s == id || members.ids.iter().zip(taken).any(|(m, n)| m == s && *n > 0);
        let asked = self.conditions.joint.iter().filter(|j| j.members.iter().all(|(s, _)| bound(s)));
        asked.filter_map(|j| j.members.iter().find(|(s, _)| *s == id).map(|(_, test)| *test)).collect()
    }

    /// Leaving all members at once.
    fn leaving(&self, members: &Members<'_>) -> Hop {
        let leaves = members.ids.iter().flat_map(|id| self.exit(*id).leaves).collect();
        Hop { leaves, ..Hop::default() }
    }
}
