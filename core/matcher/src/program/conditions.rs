//! Conditions of a rule to tests: what the index can answer of an event alone, and what needs the run.

mod asked;

use std::collections::BTreeMap;
use std::sync::Arc;

pub(crate) use asked::{Asked, AskedOf, Written};

use ensue_rule::{Attr, BinaryOp, Condition, Element, Expr, ExprKind, Moment, Pattern, Rule, Span, Stage, Value};

use super::{GroupId, Predicate, StageId, StageInfo, Test, TestId};
use crate::Error;
use crate::error::Kind;
use crate::expr::{Code, Names, Resolve, compile};
use crate::registers::{Fold, Register, RegisterId, RegisterSet};
use crate::set::{SlotId, SlotKey, Slots};
use crate::table::Table;

/// Single-event predicates of a program: bits of one word.
const PREDICATES: usize = 64;

/// What compiling conditions makes.
#[derive(Debug, Default)]
pub(super) struct Conditions {
    pub(super) stages: Table<StageId, StageInfo>,
    pub(super) tests: Table<TestId, Test>,
    pub(super) registers: Table<RegisterId, Register>,
    pub(super) predicates: Vec<Predicate>,
    /// The test of each UNTIL, in the order of the pattern's quantifiers.
    pub(super) untils: Vec<Option<TestId>>,
    /// Conditions over several members of one `&`.
    pub(super) joint: Vec<Joint>,
    /// The tests of stages that are asked in turns which have not begun.
    anew: BTreeMap<Forbid, TestId>,
    /// From each of these, and the plain one, to that with one more group begun.
    next_anew: BTreeMap<TestId, TestId>,
}

/// A negation as a way passes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Forbid {
    pub(super) stage: StageId,
    /// Of so many of the groups around it, from the innermost on, the way begins a turn before it, in which nothing is bound
    /// yet; 0 where its conditions do not ask.
    anew: u8,
}

impl Forbid {
    /// A negation in the turns that the run is in.
    pub(super) fn here(stage: StageId) -> Self {
        Self { stage, anew: 0 }
    }
}

/// A condition over several members of one `&`: asked of whichever binds last.
#[derive(Debug)]
pub(super) struct Joint {
    /// Each member that it mentions, with the test for when that one binds.
    pub(super) members: Vec<(StageId, TestId)>,
}

impl Conditions {
    /// Compiles the conditions of all stages and loops. Test `i` is that of stage `i`; UNTILs follow.
    pub(super) fn compile(rule: &Rule, slots: &mut Slots) -> Result<Self, Error> {
        let mut out = Self::default();
        let groups = groups(&rule.pattern);
        let (mut joint, mut own) = (Vec::new(), Vec::new());
        for c in &rule.conditions {
            if c.moment == Moment::Take && joint_members(&rule.pattern, c).len() > 1 {
                joint.push(c);
            } else {
                own.push(c);
            }
        }
        for s in rule.pattern.stages() {
            if out.stage(s.name).is_some() {
                return Err(Error::refused(format!("two stages are called `{}`", s.name), "rename one", s.span));
            }
            out.stages.push(StageInfo { name: s.name.clone(), forbidden: s.forbidden, leave: Vec::new() });
        }
        for id in out.stages.ids() {
            let mut place = Place { slots, groups: &groups, under_test: Some(id), out: &mut out };
            let test = place.test(own.iter().copied().filter(|c| c.moment == Moment::Take))?;
            out.tests.push(test);
            let mut place = Place { slots, groups: &groups, under_test: None, out: &mut out };
            let leave = place.leave(id, &rule.conditions)?;
            out.stages[id].leave = leave;
        }
        for q in rule.pattern.quantifiers() {
            let Some(until) = &q.until else {
                out.untils.push(None);
                continue;
            };
            let mut place = Place { slots, groups: &groups, under_test: None, out: &mut out };
            let test = place.of_event(until.clone().conjuncts().iter(), format!("UNTIL {}", out_label(until)))?;
            out.untils.push(Some(out.tests.push(test)));
        }
        for c in joint {
            let members = joint_members(&rule.pattern, c);
            let joint = out.joint(c, &members, (slots, &groups))?;
            out.joint.push(joint);
        }
        for c in &rule.conditions {
            out.stage(&c.stage).ok_or_else(|| unknown(&c.stage, c.expr.span))?;
        }
        out.ask_anew(&groups);
        Ok(out)
    }

    /// Makes the tests of stages whose conditions look at this turn's stages for a turn that has not begun: in it there are
    /// none.
    fn ask_anew(&mut self, groups: &[Vec<GroupId>]) {
        for stage in self.stages.ids() {
            let Some(around) = groups.get(usize::from(stage.0)) else { continue };
            let mut before = TestId(stage.0);
            let of_turn = |c: &Code| {
                let mut reads = false;
                c.registers(&mut |r| reads |= self.registers[r].turn.is_some());
                reads
            };
            if !self.tests[before].conditions.iter().any(of_turn) {
                continue;
            }
            for (anew, begun) in (1_u8..).zip((0..around.len()).rev().filter_map(|from| around.get(from..))) {
                let gone = |r: RegisterId| self.registers[r].turn.is_some_and(|g| begun.contains(&g));
                let mut test = self.tests[before].clone();
                test.conditions.iter_mut().for_each(|code| code.forget(&gone));
                let test = self.tests.push(test);
                self.anew.insert(Forbid { stage, anew }, test);
                self.next_anew.insert(before, test);
                before = test;
            }
        }
    }

    /// A test on a way that begins a turn of one more of the groups around its stage.
    pub(super) fn test_in_new_turn(&self, test: TestId) -> TestId {
        self.next_anew.get(&test).copied().unwrap_or(test)
    }

    /// The same negation on a way that begins a turn of one more of the groups around it.
    pub(super) fn in_new_turn(&self, forbid: Forbid) -> Forbid {
        let next = Forbid { anew: forbid.anew.saturating_add(1), ..forbid };
        if self.anew.contains_key(&next) { next } else { forbid }
    }

    /// What a negation asks.
    pub(super) fn test_of(&self, forbid: Forbid) -> TestId {
        self.anew.get(&forbid).copied().unwrap_or(TestId(forbid.stage.0))
    }

    /// A condition once for each member that may bind last.
    fn joint(
        &mut self,
        c: &Condition,
        members: &[Arc<str>],
        (slots, groups): (&mut Slots, &[Vec<GroupId>]),
    ) -> Result<Joint, Error> {
        let mut tests = Vec::new();
        for name in members {
            let id = self.stage(name).ok_or_else(|| unknown(name, c.expr.span))?;
            let mut place = Place { slots, groups, under_test: Some(id), out: self };
            let code = place.conjunct(&c.expr)?;
            let test = Test { bit: None, conditions: vec![code], label: members.join(" and ") };
            tests.push((id, self.tests.push(test)));
        }
        Ok(Joint { members: tests })
    }

    fn stage(&self, name: &str) -> Option<StageId> {
        self.stages.iter().find(|(_, s)| &*s.name == name).map(|(id, _)| id)
    }
}

/// The members of one `&` that a condition mentions, if its stage is such a member.
fn joint_members(pattern: &Pattern, c: &Condition) -> Vec<Arc<str>> {
    let Some(members) = pattern.elements().find_map(|e| any_order_of(e, &c.stage)) else { return Vec::new() };
    let mut mentioned: Vec<Arc<str>> = vec![c.stage.clone()];
    c.expr.walk(|e| mentioned.extend(e.stage().filter(|s| members.iter().any(|m| m.name == **s)).cloned()));
    mentioned.sort();
    mentioned.dedup();
    mentioned
}

fn any_order_of<'p>(e: &'p Element, stage: &str) -> Option<&'p [Stage]> {
    match e {
        Element::AllOf(members) => members.iter().any(|m| *m.name == *stage).then_some(members),
        Element::Group(g) => g.pattern.elements().find_map(|e| any_order_of(e, stage)),
        Element::AnyOf(branches) => branches.iter().find_map(|e| any_order_of(e, stage)),
        Element::Stage(_) | Element::Not(_) => None,
    }
}

fn out_label(e: &Expr) -> String {
    let mut names = Vec::new();
    e.walk(|x| {
        if let ExprKind::Attr { attr, .. } = &x.kind {
            names.push(attr.to_string());
        }
    });
    names.join(", ")
}

pub(super) fn unknown(stage: &str, span: Span) -> Error {
    Error::refused(format!("no stage is called `{stage}`"), "name a stage of the pattern", span)
}

/// The repeated groups around each stage, outermost first; numbered in the order in which they are written.
fn groups(pattern: &Pattern) -> Vec<Vec<GroupId>> {
    fn walk(p: &Pattern, around: &mut Vec<GroupId>, next: &mut u16, out: &mut Vec<Vec<GroupId>>) {
        p.elements().for_each(|e| element(e, around, next, out));
    }
    fn element(e: &Element, around: &mut Vec<GroupId>, next: &mut u16, out: &mut Vec<Vec<GroupId>>) {
        match e {
            Element::Stage(_) | Element::Not(_) => out.push(around.clone()),
            Element::AllOf(members) => out.extend(members.iter().map(|_| around.clone())),
            Element::AnyOf(branches) => branches.iter().for_each(|b| element(b, around, next, out)),
            Element::Group(g) if g.quantifier.is_some() => {
                around.push(GroupId(*next));
                *next += 1;
                walk(&g.pattern, around, next, out);
                around.pop();
            }
            Element::Group(g) => walk(&g.pattern, around, next, out),
        }
    }
    let (mut out, mut next) = (Vec::new(), 0);
    walk(pattern, &mut Vec::new(), &mut next, &mut out);
    out
}

/// Where a condition stands.
struct Place<'a> {
    slots: &'a mut Slots,
    groups: &'a [Vec<GroupId>],
    /// The stage whose event is under test; in UNTIL and on leaving none.
    under_test: Option<StageId>,
    out: &'a mut Conditions,
}

impl Place<'_> {
    /// The test of the stage under test.
    fn test<'c>(&mut self, conditions: impl Iterator<Item = &'c Condition>) -> Result<Test, Error> {
        let name = self.under_test.map(|id| self.out.stages[id].name.clone()).unwrap_or_default();
        let mine: Vec<&Expr> = conditions.filter(|c| c.stage == name).map(|c| &c.expr).collect();
        self.of_event(mine.into_iter(), name.to_string())
    }

    /// A test from its conjuncts: those that look at the event alone become a predicate.
    fn of_event<'c>(&mut self, conjuncts: impl Iterator<Item = &'c Expr>, label: String) -> Result<Test, Error> {
        let (mut single, mut conditions) = (Vec::new(), Vec::new());
        for e in conjuncts {
            let code = self.conjunct(e)?;
            let mut reads = false;
            code.registers(&mut |_| reads = true);
            if reads {
                conditions.push(code);
            } else {
                single.push(code);
            }
        }
        let bit = if single.is_empty() { None } else { Some(self.predicate(single)?) };
        Ok(Test { bit, conditions, label })
    }

    fn predicate(&mut self, conjuncts: Vec<Code>) -> Result<u8, Error> {
        let bit = self.out.predicates.len();
        if bit >= PREDICATES {
            return Err(Error::new(Kind::TooManyPredicates { limit: PREDICATES }, Span::default()));
        }
        self.out.predicates.push(Predicate { conjuncts });
        Ok(u8::try_from(bit).unwrap_or(u8::MAX))
    }

    /// A conjunct with PREV is not asked of its stage's first event.
    fn conjunct(&mut self, e: &Expr) -> Result<Code, Error> {
        let code = compile(e, self)?;
        let mut prev = None;
        e.walk(|x| {
            if let ExprKind::Prev { stage, .. } = &x.kind {
                prev = Some((stage.clone(), x.span));
            }
        });
        let Some((stage, span)) = prev else { return Ok(code) };
        let count = self.register(&stage, Fold::Count, None, span)?;
        let none = Code::Binary(BinaryOp::Eq, Box::new(Code::Register(count)), Box::new(Code::Const(Value::Int(0))));
        Ok(Code::Binary(BinaryOp::Or, Box::new(none), Box::new(code)))
    }

    fn leave(&mut self, stage: StageId, conditions: &[Condition]) -> Result<Vec<Code>, Error> {
        let name = self.out.stages[stage].name.clone();
        let mine = conditions.iter().filter(|c| c.moment == Moment::Leave && c.stage == name);
        mine.map(|c| compile(&c.expr, self)).collect()
    }

    /// The innermost repeated group around both stages: inside it "u.x" is this turn's u.
    fn common_turn(&self, stage: StageId) -> Option<GroupId> {
        let under_test = self.under_test.filter(|id| *id != stage)?;
        let around = |id: StageId| self.groups.get(usize::from(id.0)).map_or(&[][..], Vec::as_slice);
        around(stage).iter().zip(around(under_test)).take_while(|(a, b)| a == b).last().map(|(a, _)| *a)
    }
}

impl Names for Place<'_> {
    fn resolve(&self, stage: Option<&Arc<str>>, span: Span) -> Result<Resolve, Error> {
        let Some(name) = stage else { return Ok(Resolve::Event) };
        let id = self.out.stage(name).ok_or_else(|| unknown(name, span))?;
        Ok(if Some(id) == self.under_test { Resolve::Event } else { Resolve::Bound })
    }

    fn slot(&mut self, key: SlotKey) -> SlotId {
        self.slots.slot(key)
    }

    fn register(
        &mut self,
        stage: &Arc<str>,
        fold: Fold,
        key: Option<SlotKey>,
        span: Span,
    ) -> Result<RegisterId, Error> {
        let id = self.out.stage(stage).ok_or_else(|| unknown(stage, span))?;
        let turn = if fold == Fold::LastEvent { self.common_turn(id) } else { None };
        let slot = key.map(|k| self.slots.slot(k));
        intern(&mut self.out.registers, Register { stage: id, fold, slot, turn }, span)
    }
}

pub(super) fn intern(
    table: &mut Table<RegisterId, Register>,
    register: Register,
    span: Span,
) -> Result<RegisterId, Error> {
    if let Some((id, _)) = table.iter().find(|(_, r)| **r == register) {
        return Ok(id);
    }
    if table.len() >= RegisterSet::CAPACITY {
        let limit = RegisterSet::CAPACITY;
        return Err(Error::refused(
            format!("the conditions look back at more than {limit} different values"),
            "compare with fewer attributes of earlier stages",
            span,
        ));
    }
    Ok(table.push(register))
}

/// The slots of PARTITION BY.
pub(super) fn partition(attrs: &[Attr], slots: &mut Slots) -> Vec<SlotId> {
    attrs.iter().map(|a| slots.slot(SlotKey::Attr(a.clone()))).collect()
}
