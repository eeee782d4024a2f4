//! Inert predicates: those whose events can let nothing out, so that a host may step them later.

use super::{Program, Target};

impl Program {
    /// Bits of predicates of which any number may hold for an event without letting anything out: nothing is complete
    /// with an event that passes no other. 0 where time alone may let something out, where every event of the stream
    /// must be stepped, and where PARTITION BY says which runs an event concerns.
    ///
    /// What such an event does to runs (it begins some, is taken, ends some) depends on it and the steps before it
    /// alone, and is seen only once something comes out: with a step that is not inert. Matches that wait for runs to end
    /// (SKIP) make a program one with timers.
    pub(crate) fn inert_bits(&self) -> u64 {
        let ends = |target| matches!(target, Target::Absence | Target::Next);
        if self.timers || self.sees_all || !self.partition.is_empty() || self.waits.iter().any(|(_, w)| ends(w.target))
        {
            return 0;
        }
        let mut tested = 0;
        for bit in self.tests.iter().filter_map(|(_, t)| t.bit) {
            tested |= 1 << bit;
        }
        let completing = self.waits.iter().filter(|(_, w)| match w.target {
            Target::Take(to) => !self.positions[to].complete.is_empty(),
            Target::Absence | Target::Next => true,
        });
        // Of what a target takes its stage's own test is asked first; without a predicate any event may pass it.
        let bit = |test: &super::TestId| self.tests[*test].bit;
        completing.fold(tested, |inert, (_, w)| match w.takes.first().map(bit) {
            Some(Some(bit)) => inert & !(1 << bit),
            Some(None) | None => 0,
        })
    }
}
