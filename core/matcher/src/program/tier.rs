//! Cost tiers: what an event costs at a wait, by what conditions still to come remember of the run.

use std::fmt;

use super::{Program, Target, WaitId};
use crate::registers::{Fold, RegisterId, RegisterSet};

/// How many classes wait at one place, and which of them an event meets; the dearer, the greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// Conditions look at single events: one class, whatever the number of partial matches.
    Single,
    /// An equality with an earlier event: a class for each value, of which the event meets its own.
    ByValue,
    /// The element before of a loop: a class for each value that it had, and the event meets all.
    ByPrevious,
    /// Anything else: a class for each combination of what is remembered, and the event meets all.
    Explicit,
}

impl Program {
    /// The dearest tier of its waits.
    pub fn tier(&self) -> Tier {
        self.waits.ids().map(|id| self.tier_of(id)).max().unwrap_or(Tier::Single)
    }

    pub(crate) fn tier_of(&self, id: WaitId) -> Tier {
        let wait = &self.waits[id];
        let live = || self.registers.ids().filter(|r| wait.live.has(*r));
        let stage = match wait.target {
            Target::Take(p) => Some(self.positions[p].stage),
            Target::Absence | Target::Next => None,
        };
        let previous = |r: RegisterId| {
            let register = &self.registers[r];
            let guard = register.fold == Fold::Count && register.slot.is_none();
            stage == Some(register.stage) && (register.fold == Fold::LastEvent || guard)
        };
        if wait.live == RegisterSet::default() {
            Tier::Single
        } else if wait.correlation.is_some() {
            Tier::ByValue
        } else if live().all(previous) {
            Tier::ByPrevious
        } else {
            Tier::Explicit
        }
    }

    /// What bounds the memory of one key, as a line.
    pub(crate) fn bounds(&self) -> String {
        let (limits, states) = (&self.limits, self.positions.len());
        format!(
            "bounds: {states} of {} states; for each key {} classes, {} nodes and events ({} KB), {} matches an event",
            limits.states,
            limits.classes,
            limits.nodes,
            limits.nodes * 32 / 1_000,
            limits.matches
        )
    }

    /// The names of what is remembered at a wait.
    pub(crate) fn remembered(&self, id: WaitId) -> String {
        let live = self.registers.iter().filter(|(r, _)| self.waits[id].live.has(*r));
        let mut names: Vec<&str> = live.map(|(_, r)| &*self.stages[r.stage].name).collect();
        names.dedup();
        names.join(", ")
    }
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Single => "one class, whatever the number of partial matches",
            Self::ByValue => "a class for each value; an event meets those of its own value, by hash",
            Self::ByPrevious => "a class for each value of the element before; an event meets all",
            Self::Explicit => "a class for each combination of what is remembered; an event meets all",
        })
    }
}

#[cfg(test)]
#[allow(clippy::panic, clippy::indexing_slicing, reason = "test code")]
mod tests {
    use ensue_rule::{Attr, BinaryOp, Condition, Contiguity, Element, Expr, Moment, Pattern, Rule, Span, Step};

    use super::*;
    use crate::Limits;

    fn rule(right: Expr) -> Rule {
        let step =
            Step { arrow: Contiguity::Relaxed, bound: None, element: Element::stage("b"), span: Span::default() };
        let mut rule = Rule::new(Pattern { first: Element::stage("a"), then: vec![step] });
        let expr = Expr::binary(BinaryOp::Eq, Expr::attr("b", Attr::arg("x")), right);
        rule.conditions = vec![Condition { stage: "b".into(), moment: Moment::Take, expr }];
        rule
    }

    fn tier_after_a(rule: &Rule) -> Tier {
        let program = Program::compile(rule, &Limits::default()).unwrap_or_else(|e| panic!("{e}"));
        let first = program.positions.ids().next().unwrap_or_else(|| panic!("it has positions"));
        program.tier_of(program.positions[first].waits[0])
    }

    #[test]
    fn the_tier_is_what_conditions_look_at() {
        assert_eq!(tier_after_a(&rule(Expr::literal(1_i64))), Tier::Single);
        assert_eq!(tier_after_a(&rule(Expr::attr("a", Attr::arg("x")))), Tier::ByValue);
        let sum = Expr::binary(BinaryOp::Add, Expr::attr("a", Attr::arg("x")), Expr::attr("a", Attr::arg("y")));
        assert_eq!(tier_after_a(&rule(sum)), Tier::Explicit);
    }
}
