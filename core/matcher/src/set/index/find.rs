//! Finding: from an event to the programs that it concerns.

use super::{Filed, Index, index};
use crate::observation::{Content, Hits};
use crate::set::atom::Atom;
use crate::set::bucket::Finding;
use crate::set::key::Key;
use crate::set::noted;
use crate::set::slots::SlotId;
use crate::set::symbols::Symbol;
use crate::set::{Armed, Whom};
use crate::{Hit, Observation};

impl Index {
    /// Finds the programs that an event concerns, into its hits.
    #[inline]
    pub(in crate::set) fn look_up(&self, whom: Whom<'_>, seen: &mut Observation) {
        let armed = whom.armed;
        let Observation { content: event, hits, candidates, memo, .. } = seen;
        candidates.clear();
        if let Some(row) = &self.any {
            row.find(event, &mut Finding { armed, hits, candidates });
        }
        if let Key::Text(action) = event.key(SlotId::ACTION)
            && let Some(row) = self.row(action)
        {
            row.root.direct.hit(armed, hits);
            if row.asks_more() {
                row.find_more(event, &mut Finding { armed, hits, candidates });
            }
        }
        if !candidates.is_empty() {
            self.consider(candidates, armed, (event, memo), hits);
        }
        self.gather(whom, hits);
    }

    /// The same for an event of which its action type is all that matters ([`crate::observation::Extent`]).
    #[inline]
    pub(in crate::set) fn look_up_plain(&self, action: Symbol, whom: Whom<'_>, hits: &mut Hits) {
        let Some(row) = self.row(action) else { return };
        row.root.direct.hit(whom.armed, hits);
        self.gather(whom, hits);
    }

    /// Each program once, with all its predicates that hold.
    #[inline]
    fn gather(&self, whom: Whom<'_>, hits: &mut Hits) {
        if !hits.noted.is_empty() {
            self.tell_many(whom, hits);
        }
        if hits.own.len() > 1 {
            merge(&mut hits.own);
        }
    }

    /// Leaves what is to be noted for many, or names each of them.
    #[inline(never)]
    fn tell_many(&self, Whom { armed, noting }: Whom<'_>, hits: &mut Hits) {
        let (commons, Hits { own, noted }) = (self.commons(), hits);
        if let Some(armed) = armed.filter(|_| noting) {
            // Before some are left out: what only those who are alive wait for is of use to them together with the rest.
            own.iter_mut().for_each(|hit| hit.bits |= noted::bits(commons, noted, hit.program));
            noted::select(commons, armed, noted);
            return;
        }
        for target in noted.drain(..).flat_map(|id| commons.all(id)) {
            if !target.goes_on || armed.is_none_or(|armed| armed.has(target.program)) {
                own.push(target.hit());
            }
        }
    }

    /// Asks what is left of predicates that were found, if they matter to anyone.
    #[inline(never)]
    fn consider(
        &self,
        candidates: &[u32],
        armed: Option<&Armed>,
        (event, memo): (&Content, &mut Memo),
        hits: &mut Hits,
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
    fn is_left(&self, id: u32, filed: &Filed, event: &Content, memo: &mut Memo) -> bool {
        let atoms = self.predicates.get(id);
        atoms.is_some_and(|atoms| atoms.iter().skip(filed.answered).all(|a| self.holds(*a, event, memo)))
    }

    /// Whether an event passes a predicate, without the index.
    pub(in crate::set) fn passes(&self, id: u32, seen: &Content) -> bool {
        let holds = |a: &u32| self.atoms.get(*a).is_some_and(|atom| holds(atom, seen));
        self.predicates.get(id).is_some_and(|c| c.iter().all(holds))
    }

    fn holds(&self, id: u32, seen: &Content, memo: &mut Memo) -> bool {
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

/// Hits in the order of their programs, each once.
#[inline(never)]
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

fn holds(atom: &Atom, seen: &Content) -> bool {
    match atom {
        Atom::OneOf(slot, keys) => keys.binary_search(&seen.key(*slot)).is_ok(),
        Atom::Within(slot, range) => range.has(seen.key(*slot)),
        Atom::Starts(slot, prefix) => {
            seen.slots.get(slot.index()).and_then(|v| v.as_str()).is_some_and(|s| s.starts_with(&**prefix))
        }
        Atom::Ask(asked) => asked.code.holds(crate::set::view(&seen.slots)),
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
