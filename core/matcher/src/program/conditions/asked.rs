//! What a program asks, conjunct by conjunct and with what each looks at: for whoever explains it. The program itself
//! asks whole tests, so nothing of this is kept with it.

use std::sync::Arc;

use ensue_rule::{Attr, Condition, Expr, ExprKind, Func, Moment, Rule};

use super::{Conditions, Place, groups, joint_members};
use crate::Error;
use crate::expr::{Code, compile};
use crate::program::{StageId, TestId};
use crate::set::{SlotId, Slots};
use crate::table::{Id, Table};

/// A conjunct as it is written and as it is asked.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) written: Written,
    pub(crate) code: Code,
    /// Whether it asks only for the action type of the event under test: an event that fails it is of another kind.
    pub(crate) kind: bool,
    /// What it looks at, as written and as read, each once.
    pub(crate) operands: Vec<(Expr, Code)>,
}

/// Where a conjunct is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// The condition of that index in the rule.
    Condition(usize),
    /// In the UNTIL of that index among the quantifiers.
    Until(usize),
}

/// The conjuncts of each test, and of leaving each stage.
#[derive(Debug, Default)]
pub(crate) struct AskedOf {
    pub(crate) tests: Table<TestId, Vec<Asked>>,
    pub(crate) leave: Table<StageId, Vec<Asked>>,
}

impl AskedOf {
    /// Compiles the conjuncts of a rule that has a program over these slots; tests, stages and registers are numbered as
    /// there.
    pub(crate) fn compile(rule: &Rule, slots: &mut Slots) -> Result<Self, Error> {
        let mut conditions = Conditions::compile(rule, slots)?;
        let groups = groups(&rule.pattern);
        let mut out = Self::default();
        let tests = conditions.tests.len();
        (0..tests).for_each(|_| {
            out.tests.push(Vec::new());
        });
        let (stages, untils) = (conditions.stages.ids(), conditions.untils.clone());
        let mut joint = conditions.joint.iter().map(|j| j.members.clone()).collect::<Vec<_>>().into_iter();
        let mut asker = Asker { slots, groups: &groups, conditions: &mut conditions };
        for stage in stages {
            let leave = asker.all(rule, None, |c| c.moment == Moment::Leave && asker_stage(rule, c, stage))?;
            out.leave.push(leave);
            let own = |c: &Condition| {
                c.moment == Moment::Take && asker_stage(rule, c, stage) && joint_members(&rule.pattern, c).len() <= 1
            };
            out.tests[TestId(stage.0)] = asker.all(rule, Some(stage), own)?;
        }
        for (i, c) in rule.conditions.iter().enumerate() {
            if c.moment != Moment::Take || joint_members(&rule.pattern, c).len() <= 1 {
                continue;
            }
            for (stage, test) in joint.next().unwrap_or_default() {
                out.tests[test] = vec![asker.one(Written::Condition(i), &c.expr, Some(stage))?];
            }
        }
        for (i, q) in rule.pattern.quantifiers().into_iter().enumerate() {
            if let (Some(until), Some(Some(test))) = (&q.until, untils.get(i)) {
                out.tests[*test] = vec![asker.one(Written::Until(i), until, None)?];
            }
        }
        Ok(out)
    }

    /// Calls `visit` with every slot that is looked at.
    pub(crate) fn slots(&self, visit: &mut impl FnMut(SlotId)) {
        let all = self.tests.iter().map(|(_, asked)| asked).chain(self.leave.iter().map(|(_, asked)| asked));
        all.flatten().for_each(|asked| asked.code.slots(visit));
    }
}

/// Whether a condition stands at a stage.
fn asker_stage(rule: &Rule, c: &Condition, stage: StageId) -> bool {
    rule.pattern.stages().get(usize::from(stage.0)).is_some_and(|s| *s.name == c.stage)
}

struct Asker<'a> {
    slots: &'a mut Slots,
    groups: &'a [Vec<super::GroupId>],
    conditions: &'a mut Conditions,
}

impl Asker<'_> {
    /// The conditions of the rule that `which` names.
    fn all(
        &mut self,
        rule: &Rule,
        under_test: Option<StageId>,
        which: impl Fn(&Condition) -> bool,
    ) -> Result<Vec<Asked>, Error> {
        let written = rule.conditions.iter().enumerate().filter(|(_, c)| which(c));
        written.map(|(i, c)| self.one(Written::Condition(i), &c.expr, under_test)).collect()
    }

    fn one(&mut self, written: Written, e: &Expr, under_test: Option<StageId>) -> Result<Asked, Error> {
        let mut place = Place { slots: self.slots, groups: self.groups, under_test, out: self.conditions };
        let code = place.conjunct(e)?;
        let (mut leaves, mut operands) = (Vec::<&Expr>::new(), Vec::new());
        e.walk(|x| {
            if is_operand(x) && !leaves.iter().any(|l| l.kind == x.kind) {
                leaves.push(x);
            }
        });
        let name = under_test.map(|id| place.out.stages[id].name.clone());
        let of_kind = |x: &Expr| is_action(x, name.as_ref());
        let kind = !leaves.is_empty() && leaves.iter().all(|x| of_kind(x));
        let registers = place.out.registers.len();
        for leaf in leaves {
            let (code, mut known) = (compile(leaf, &mut place)?, true);
            code.registers(&mut |r| known &= r.index() < registers);
            // What the conjunct reads in another way only (the time in HOUR of an earlier stage) is not shown by itself.
            operands.extend(known.then(|| (leaf.clone(), code)));
        }
        Ok(Asked { written, code, kind, operands })
    }
}

/// Something with a value of its own, to be shown beside a conjunct.
fn is_operand(x: &Expr) -> bool {
    match &x.kind {
        ExprKind::Attr { .. } | ExprKind::Aggregate { .. } | ExprKind::Prev { .. } => true,
        ExprKind::Call { func, .. } => matches!(func, Func::Hour | Func::Weekday),
        _ => false,
    }
}

/// The action type of the event under test.
fn is_action(x: &Expr, under_test: Option<&Arc<str>>) -> bool {
    matches!(&x.kind, ExprKind::Attr { stage, attr: Attr::ActionType } if stage.as_ref() == under_test)
}
