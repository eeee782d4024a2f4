//! Fates: what one event means for the runs at a wait. Nothing moves here.

use ensue_rule::{Bound, Contiguity, Timestamp};

use crate::expr::View;
use crate::observation::Observation;
use crate::program::{Completion, Held, NextForbid, Program, StageId, Target, TestId, Wait, WaitId};
use crate::registers::Registers;

/// The event as the classes see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Seen<'a> {
    pub(crate) program: &'a Program,
    pub(crate) observation: &'a Observation,
    pub(crate) bits: u64,
}

/// What an event means for a wait.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Fate {
    /// The target takes it.
    pub(crate) takes: bool,
    /// The pattern is complete with it, though it is not part of it (`=> !n` at the end).
    pub(crate) completes: bool,
    /// Where the runs wait on; `None`: not at all.
    pub(crate) stays: Option<WaitId>,
}

impl<'a> Seen<'a> {
    /// Whether the event passes a test, for runs with these registers.
    pub(crate) fn passes(self, test: TestId, registers: &Registers) -> bool {
        let test = &self.program.tests[test];
        test.bit.is_none_or(|bit| self.bits & (1 << bit) != 0)
            && test.conditions.iter().all(|c| c.holds(self.with(registers)))
    }

    pub(crate) fn with<'b>(self, registers: &'b Registers) -> View<'b>
    where
        'a: 'b,
    {
        View { slots: &self.observation.content.slots, registers, definitions: &self.program.registers }
    }

    fn any(self, tests: &[TestId], registers: &Registers) -> bool {
        tests.iter().any(|t| self.passes(*t, registers))
    }

    fn all(self, tests: &[TestId], registers: &Registers) -> bool {
        tests.iter().all(|t| self.passes(*t, registers))
    }

    /// Whether stages may be left as things are.
    pub(crate) fn may_leave(self, stages: &[StageId], registers: &Registers) -> bool {
        stages.iter().flat_map(|s| &self.program.stages[*s].leave).all(|c| c.holds(self.with(registers)))
    }

    /// What the event means for runs at a wait.
    pub(crate) fn fate(self, id: WaitId, registers: &Registers, last: Option<Timestamp>) -> Fate {
        let wait = &self.program.waits[id];
        let Some(takes) = wait.plain else { return self.whole_fate(id, registers, last) };
        let takes = takes & self.bits != 0;
        let stays = match wait.arrow {
            Contiguity::Strict => false,
            Contiguity::Relaxed => !takes,
            Contiguity::Any => true,
        };
        Fate { takes, completes: false, stays: stays.then_some(id) }
    }

    /// The same, where there is more to ask than whether the target takes the event.
    fn whole_fate(self, id: WaitId, registers: &Registers, last: Option<Timestamp>) -> Fate {
        let wait = &self.program.waits[id];
        for held in &wait.held {
            if held.until.is_some_and(|u| self.passes(u, registers)) {
                // The loop holds nothing back any more, this event included.
                return held.then.map_or(Fate::default(), |then| self.fate(then, registers, last));
            }
            if self.would_take(held, registers, last) {
                return Fate::default();
            }
        }
        let judged = |n: &&NextForbid| !n.unless.iter().any(|held| self.would_take(held, registers, last));
        let next = wait.next_forbids.iter().filter(judged).any(|n| self.passes(n.test, registers));
        if next || self.any(&wait.untils, registers) || self.any(&wait.watch, registers) {
            return Fate::default();
        }
        let wanted = !wait.takes.is_empty() && self.wants(wait, registers);
        let takes = wanted && !self.any(&wait.begun, registers);
        let stays = !self.any(&wait.forbids, registers) && self.passes_over(wait, wanted, registers);
        let on = wait.then.unwrap_or(id);
        let completes = wait.target == Target::Next && self.may_leave(&wait.leaves, registers);
        Fate { takes, completes, stays: stays.then_some(on) }
    }

    /// Whether a greedy loop would take the event.
    pub(crate) fn would_take(self, held: &Held, registers: &Registers, last: Option<Timestamp>) -> bool {
        !held.until.is_some_and(|u| self.passes(u, registers))
            && !self.is_past(held.gap, last)
            && self.passes(held.test, registers)
    }

    /// Whether more time has passed since the run's last event than a gap allows.
    fn is_past(self, gap: Option<Bound>, last: Option<Timestamp>) -> bool {
        let now = self.observation.arrival.position.ts;
        gap.zip(last).is_some_and(|(gap, last)| now >= last.plus(gap.violated_at()))
    }

    /// Whether the event passes the condition of the target's stage.
    fn wants(self, wait: &Wait, registers: &Registers) -> bool {
        self.all_in_turn(&wait.takes, wait, registers) && self.may_leave(&wait.leaves, registers)
    }

    /// Whether the event may be passed over on the way to the target.
    fn passes_over(self, wait: &Wait, wanted: bool, registers: &Registers) -> bool {
        match (wait.target, wait.arrow) {
            (Target::Next, _) | (Target::Take(_), Contiguity::Strict) => false,
            (Target::Absence, _) | (_, Contiguity::Any) => true,
            (_, Contiguity::Relaxed) => !wanted && !self.is_blocked(wait, registers),
        }
    }

    /// Whether a member of `&` that is not finished would take the event.
    fn is_blocked(self, wait: &Wait, registers: &Registers) -> bool {
        wait.blockers.iter().any(|b| self.all_in_turn(b, wait, registers)) && self.may_leave(&wait.leaves, registers)
    }

    /// Whether the event passes tests that are asked in the turns that the wait leads to.
    fn all_in_turn(self, tests: &[TestId], wait: &Wait, registers: &Registers) -> bool {
        if wait.turns.is_empty() {
            return self.all(tests, registers);
        }
        self.all(tests, &registers.restart(&self.program.registers, &wait.turns))
    }

    /// Whether the pattern is complete with the event just taken. `before`: the registers before it.
    pub(crate) fn completes(self, complete: &[Completion], before: &Registers, after: &Registers) -> bool {
        let held = |c: &Completion| c.held.iter().any(|h| self.would_take(h, before, None));
        complete.iter().any(|c| self.may_leave(&c.leaves, after) && !held(c))
    }
}
