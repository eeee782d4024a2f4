//! Finding: from an event to the programs that it concerns.

use super::{Filed, Index, SHORT, Target, Targets, index};
use crate::observation::Content;
use crate::set::Armed;
use crate::set::atom::Atom;
use crate::set::key::Key;
use crate::set::slots::SlotId;
use crate::{Hit, Observation};

impl Index {
    /// Finds the programs that an event concerns, into its hits. `armed`: the programs with live runs; `None`: as if all
    /// had.
    pub(in crate::set) fn look_up(&self, armed: Option<&Armed>, seen: &mut Observation) {
        let Observation { slots, keys, present, hits, candidates, memo, .. } = seen;
        let event = Content { slots, keys, present };
        hits.clear();
        candidates.clear();
        if !self.any.asks_nothing() {
            self.any.collect(event, candidates);
        }
        if let Key::Text(action) = event.key(SlotId::ACTION)
            && let Some(Some(row)) = self.actions.get(index(action.number()))
        {
            row.direct.hit(armed, hits);
            if !row.asks_nothing() {
                row.collect(event, candidates);
            }
        }
        if !candidates.is_empty() {
            self.consider(candidates, armed, (event, memo), hits);
        }
        if hits.len() > 1 {
            merge(hits);
        }
    }

    /// Asks what is left of predicates that were found, if they matter to anyone.
    fn consider(
        &self,
        candidates: &[u32],
        armed: Option<&Armed>,
        (event, memo): (Content<'_>, &mut Memo),
        hits: &mut Vec<Hit>,
    ) {
        memo.begin();
        for id in candidates {
            if let Some(filed) = self.filed.get(index(*id))
                && filed.targets.matter(armed)
                && (!filed.asks || self.is_left(*id, filed, event, memo))
            {
                filed.targets.hit(armed, hits);
            }
        }
    }

    /// Whether what the place does not answer holds.
    fn is_left(&self, id: u32, filed: &Filed, event: Content<'_>, memo: &mut Memo) -> bool {
        let atoms = self.predicates.get(id);
        atoms.is_some_and(|atoms| atoms.iter().skip(filed.answered).all(|a| self.holds(*a, event, memo)))
    }

    /// Whether an event passes a predicate, without the index.
    pub(in crate::set) fn passes(&self, id: u32, seen: Content<'_>) -> bool {
        let holds = |a: &u32| self.atoms.get(*a).is_some_and(|atom| holds(atom, seen));
        self.predicates.get(id).is_some_and(|c| c.iter().all(holds))
    }

    fn holds(&self, id: u32, seen: Content<'_>, memo: &mut Memo) -> bool {
        let Some(atom) = self.atoms.get(id) else { return false };
        match atom {
            // To ask again is cheaper than to look up what was answered.
            Atom::OneOf(_, keys) if keys.len() <= 8 => holds(atom, seen),
            Atom::Within(..) => holds(atom, seen),
            _ if self.atoms.uses(id) == 1 => holds(atom, seen),
            _ => memo.get((id, self.atoms.len()), || holds(atom, seen)),
        }
    }
}

impl Targets {
    /// Whether it matters to anyone that the predicate holds.
    #[inline]
    fn matter(&self, armed: Option<&Armed>) -> bool {
        !self.starts.is_empty() || armed.is_none_or(|armed| waits(&self.goes_on, armed))
    }

    /// The programs that are concerned where it does.
    #[inline]
    fn hit(&self, armed: Option<&Armed>, hits: &mut Vec<Hit>) {
        for target in &self.starts {
            hits.push(target.hit());
        }
        match armed {
            Some(armed) if self.goes_on.len() > SHORT => each_armed(&self.goes_on, armed, |t| hits.push(t.hit())),
            _ => {
                for target in &self.goes_on {
                    if armed.is_none_or(|armed| armed.has(target.program)) {
                        hits.push(target.hit());
                    }
                }
            }
        }
    }
}

impl Target {
    #[inline]
    fn hit(self) -> Hit {
        Hit { program: self.program, bits: self.bit.map_or(0, |bit| 1 << bit) }
    }
}

/// Hits in the order of their programs, each once.
fn merge(hits: &mut Vec<Hit>) {
    hits.sort_unstable_by_key(|h| h.program);
    hits.dedup_by(|next, kept| {
        let same = next.program == kept.program;
        if same {
            kept.bits |= next.bits;
        }
        same
    });
}

/// Whether one of these programs has live runs.
fn waits(targets: &[Target], armed: &Armed) -> bool {
    let mut any = false;
    if targets.len() <= SHORT {
        return targets.iter().any(|t| armed.has(t.program));
    }
    each_armed(targets, armed, |_| any = true);
    any
}

/// Calls `visit` with the targets whose programs have live runs, at the cost of the shorter list.
fn each_armed(targets: &[Target], armed: &Armed, mut visit: impl FnMut(&Target)) {
    let Some(few) = armed.few() else {
        targets.iter().filter(|t| armed.has(t.program)).for_each(visit);
        return;
    };
    for program in few {
        let from = targets.partition_point(|t| t.program < program);
        targets.iter().skip(from).take_while(|t| t.program == program).for_each(&mut visit);
    }
}

fn holds(atom: &Atom, seen: Content<'_>) -> bool {
    match atom {
        Atom::OneOf(slot, keys) => keys.binary_search(&seen.key(*slot)).is_ok(),
        Atom::Within(slot, range) => range.has(seen.key(*slot)),
        Atom::Starts(slot, prefix) => {
            seen.slots.get(slot.index()).and_then(|v| v.as_str()).is_some_and(|s| s.starts_with(&**prefix))
        }
        Atom::Ask(asked) => asked.code.holds(crate::set::view(seen.slots)),
    }
}

/// What was asked of the event at hand, so that it is not asked again.
#[derive(Debug, Default)]
pub(crate) struct Memo {
    /// By atom: the event it was last asked of, and the answer then.
    rows: Vec<(u64, bool)>,
    now: u64,
}

impl Memo {
    /// Another event.
    fn begin(&mut self) {
        self.now += 1;
    }

    /// The answer to an atom, one of so many.
    fn get(&mut self, (atom, atoms): (u32, usize), ask: impl FnOnce() -> bool) -> bool {
        if self.rows.len() < atoms {
            self.rows.resize(atoms, (0, false));
        }
        let Some((at, answer)) = self.rows.get_mut(index(atom)) else { return ask() };
        if *at != self.now {
            (*at, *answer) = (self.now, ask());
        }
        *answer
    }
}
