//! From a rule to a program: validate, compile conditions, weave the pattern, make the waits.

use std::sync::Arc;

use ensue_rule::{AfterMatch, Element, Pattern, Quantifier, Return, Rule, Span, Stage};

use super::conditions::{self, Conditions};
use super::fragment::Weaver;
use super::{After, Program, Shape, StageId, Target, liveness, plan, returns, waits};
use crate::registers::Fold;
use crate::set::Slots;
use crate::{Error, Limits};

pub(super) fn build(rule: &Rule, limits: &Limits, slots: &mut Slots) -> Result<Program, Error> {
    validate(&rule.pattern)?;
    let conditions = Conditions::compile(rule, slots)?;
    let mut weaver = Weaver::new(limits, &conditions);
    let woven = weaver.weave(&rule.pattern)?;
    if woven.first.is_empty() {
        return Err(Error::refused("the pattern takes no event", "begin with a stage that takes one", Span::default()));
    }
    let ambiguous = weaver.ambiguous;
    let mut automaton = waits::waits(rule, &woven, &weaver)?;
    liveness::fill(&mut automaton, &conditions);
    let mut kept = Vec::new();
    let trends = returns::trends(rule, &conditions.stages, slots)?;
    let values: &[Return] = if trends.is_some() { &[] } else { &rule.returns };
    let returns = returns::yields(values, &conditions.stages, slots, &mut kept)?;
    let on_timeout = rule.on_timeout.as_ref().map(|r| returns::yields(r, &conditions.stages, slots, &mut kept));
    let on_timeout = on_timeout.transpose()?;
    let start_bits = automaton.starts.iter().try_fold(0, |bits, w| Some(bits | automaton.waits[*w].bits?));
    let all_waits = automaton.waits.iter().all(|(_, w)| w.bits.is_some());
    let after = after(rule, &conditions, limits)?;
    let waiting = !matches!(after, After::Consume | After::NoSkip { .. });
    let absence = automaton.waits.iter().any(|(_, w)| w.target == Target::Absence);
    let session = rule.within.is_some_and(|w| w.kind == ensue_rule::WithinKind::Session);
    let timers = waiting || on_timeout.is_some() || absence;
    let gathers = conditions.registers.iter().any(|(_, r)| r.fold == Fold::Distinct);
    let places = timers || trends.is_some() || automaton.waits.iter().any(|(_, w)| w.target == Target::Next);
    let plans = if session || timers { None } else { plan::plans(&automaton, &conditions) };
    let shape = Shape {
        plans,
        gathers,
        limits: limits.clone(),
        session,
        sees_all: start_bits.is_none() || !all_waits,
        stages: conditions.stages,
        tests: conditions.tests,
        registers: conditions.registers,
        positions: automaton.positions,
        waits: automaton.waits,
        starts: automaton.starts,
        start_bits,
        ambiguous,
    };
    Ok(Program {
        shape: Arc::new(shape),
        window: rule.window(limits.default_window),
        after,
        returns,
        trends,
        on_timeout,
        timers,
        places,
        predicates: conditions.predicates,
        partition: conditions::partition(&rule.partition_by, slots),
        kept,
    })
}

fn after(rule: &Rule, conditions: &Conditions, limits: &Limits) -> Result<After, Error> {
    let find = |name: &str| -> Result<StageId, Error> {
        let found = conditions.stages.iter().find(|(_, s)| &*s.name == name && !s.forbidden);
        found.map(|(id, _)| id).ok_or_else(|| {
            let what = format!("AFTER MATCH skips to `{name}`, which is no stage that takes events");
            Error::refused(what, "name a stage of the pattern", Span::default())
        })
    };
    Ok(match &rule.after_match {
        AfterMatch::Consume => After::Consume,
        AfterMatch::NoSkip { limit } => {
            After::NoSkip { limit: limit.map_or(limits.matches, |n| usize::try_from(n).unwrap_or(usize::MAX)) }
        }
        AfterMatch::SkipPastLastEvent => After::PastLast,
        AfterMatch::SkipToNextEvent => After::ToNext,
        AfterMatch::SkipToFirst { stage, or_error } => After::ToFirst { stage: find(stage)?, or_error: *or_error },
        AfterMatch::SkipToLast { stage, or_error } => After::ToLast { stage: find(stage)?, or_error: *or_error },
    })
}

/// What rule text cannot say but a rule from elsewhere could.
fn validate(pattern: &Pattern) -> Result<(), Error> {
    if let Element::Not(n) = &pattern.first {
        return Err(Error::refused("a `!` begins the pattern or a group", "let a stage come before it", n.span));
    }
    for step in &pattern.then {
        if let Element::Not(n) = &step.element
            && (step.arrow == ensue_rule::Contiguity::Any || step.bound.is_some())
        {
            let hint = "write -> !n (until the next stage) or => !n (the next event only)";
            return Err(Error::refused("`!` stands behind `->>` or a bound", hint, n.span));
        }
    }
    pattern.elements().try_for_each(element)
}

fn element(e: &Element) -> Result<(), Error> {
    match e {
        Element::Stage(s) => s.quantifier.as_ref().map_or(Ok(()), quantifier),
        Element::Not(_) => Ok(()),
        Element::Group(g) => {
            g.quantifier.as_ref().map_or(Ok(()), quantifier)?;
            validate(&g.pattern)
        }
        Element::AnyOf(branches) => branches.iter().try_for_each(|b| match b {
            Element::Not(n) => Err(Error::refused("`!` stands in an alternative", "put it before or after", n.span)),
            b => element(b),
        }),
        Element::AllOf(members) => members.iter().try_for_each(member),
    }
}

/// Members of `&` come in any interleaving, where a suffix that looks at the event before has no clear meaning.
fn member(s: &Stage) -> Result<(), Error> {
    let Some(q) = &s.quantifier else { return Ok(()) };
    if q.until.is_some() || q.gap.is_some() || q.greedy || q.inner == ensue_rule::Contiguity::Strict {
        let what = format!("`{}` is a member of `&`, which takes no UNTIL, gap, STRICT or GREEDY", s.name);
        return Err(Error::refused(what, "leave the suffix out, or write the stages in order", s.span));
    }
    quantifier(q)
}

fn quantifier(q: &Quantifier) -> Result<(), Error> {
    if q.min == 0 {
        return Err(Error::refused("a quantifier has the minimum 0", "write {1,n} OPTIONAL", q.span));
    }
    if q.max.is_some_and(|max| max < q.min) {
        return Err(Error::refused("a quantifier has its maximum below its minimum", "swap them", q.span));
    }
    Ok(())
}

impl Program {
    /// Whether the pattern may end in an absence (`-> !n`), so that it needs a window in a continuous task.
    pub fn may_end_in_absence(&self) -> bool {
        self.waits.iter().any(|(_, w)| w.target == Target::Absence)
    }
}
