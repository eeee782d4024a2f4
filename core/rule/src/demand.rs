//! Which events, and which of their fields, a task needs.
//!
//! Derived from its trigger, filter, pattern and conditions alone; whatever is not demanded by some task is never
//! stored. Too much is only waste, too little would lose matches: where a condition says nothing plain about the
//! action type, every event of the stream is demanded.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::event::Attr;
use crate::expr::{BinaryOp, Expr, ExprKind};
use crate::pattern::{Contiguity, Element, Pattern};
use crate::rule::Condition;
use crate::task::{Filter, FilterEntry, Task, Trigger};
use crate::value::Value;

/// What a task needs: an event that passes any of these, with the fields of all that it passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Demand {
    /// The kinds of events.
    pub events: Vec<EventDemand>,
}

/// One kind of event and what of it is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDemand {
    /// Of these action types.
    pub action_types: Wanted,
    /// Of these scenes.
    pub scenes: Wanted,
    /// The attributes that are read. The built-in ones are always kept; of `args` only what is named here.
    pub fields: BTreeSet<Attr>,
    /// All of `args` is read, whatever it has.
    pub whole: bool,
}

/// A set of names, or all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Every name, and none at all.
    Any,
    /// Only these.
    Of(BTreeSet<Arc<str>>),
}

impl Wanted {
    /// Whether `name` (`None`: absent) is wanted.
    pub fn has(&self, name: Option<&str>) -> bool {
        match self {
            Self::Any => true,
            Self::Of(names) => name.is_some_and(|n| names.contains(n)),
        }
    }

    fn meet(&self, other: &Self) -> Self {
        match (self, other) {
            (Self::Any, x) | (x, Self::Any) => x.clone(),
            (Self::Of(a), Self::Of(b)) => Self::Of(a.intersection(b).cloned().collect()),
        }
    }

    fn is_none(&self) -> bool {
        matches!(self, Self::Of(names) if names.is_empty())
    }
}

impl EventDemand {
    /// Whether an event of this action type and scene is wanted.
    pub fn wants(&self, action_type: &str, scene: Option<&str>) -> bool {
        self.action_types.has(Some(action_type)) && self.scenes.has(scene)
    }

    fn any() -> Self {
        Self { action_types: Wanted::Any, scenes: Wanted::Any, fields: BTreeSet::new(), whole: false }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        let (action_types, scenes) = (self.action_types.meet(&other.action_types), self.scenes.meet(&other.scenes));
        let fields = self.fields.union(&other.fields).cloned().collect();
        let whole = self.whole || other.whole;
        (!action_types.is_none() && !scenes.is_none()).then_some(Self { action_types, scenes, fields, whole })
    }
}

impl Demand {
    /// What `task` needs.
    pub fn of(task: &Task) -> Self {
        let rule = &task.rule;
        let stream = stream(&task.filter);
        if task.script().is_some() {
            return Self::of_script(task, stream);
        }
        let mut kinds: Vec<EventDemand> = Vec::new();
        for stage in rule.pattern.stages() {
            kinds.push(stage_demand(stage.name, rule.conditions.iter()));
        }
        for until in rule.pattern.quantifiers().into_iter().filter_map(|q| q.until.as_ref()) {
            kinds.push(until_demand(until));
        }
        if sees_everything(&rule.pattern) {
            kinds.push(EventDemand::any());
        }
        read_elsewhere(task, &mut kinds);
        let mut events: Vec<EventDemand> = kinds.iter().flat_map(|k| stream.iter().filter_map(|s| k.meet(s))).collect();
        for e in &mut events {
            e.fields.extend(rule.partition_by.iter().cloned());
        }
        events.extend(task.trigger.as_ref().map(trigger_demand));
        Self { events }
    }

    /// A script may read all that there is of the events of its stream, and of its triggers.
    fn of_script(task: &Task, stream: Vec<EventDemand>) -> Self {
        let events = stream.into_iter().chain(task.trigger.as_ref().map(trigger_demand));
        Self { events: events.map(|e| EventDemand { whole: true, ..e }).collect() }
    }

    /// What the controls of `task` look at as it happens, and never again: what cancels its touches.
    pub fn of_controls(task: &Task) -> Self {
        Self { events: task.policy.cancel_on.iter().map(entry_demand).collect() }
    }

    /// Whether an event of this action type and scene is wanted.
    pub fn wants(&self, action_type: &str, scene: Option<&str>) -> bool {
        self.events.iter().any(|e| e.wants(action_type, scene))
    }
}

fn trigger_demand(trigger: &Trigger) -> EventDemand {
    let wanted = |names: &[Arc<str>]| {
        if names.is_empty() { Wanted::Any } else { Wanted::Of(names.iter().cloned().collect()) }
    };
    let (action_types, scenes) = (wanted(&trigger.action_types), wanted(&trigger.scenes));
    EventDemand { action_types, scenes, ..EventDemand::any() }
}

/// The stream as kinds of events, one for each filter entry.
fn stream(filter: &Filter) -> Vec<EventDemand> {
    if filter.entries.is_empty() {
        return vec![EventDemand::any()];
    }
    filter.entries.iter().map(entry_demand).collect()
}

fn entry_demand(entry: &FilterEntry) -> EventDemand {
    entry.tests.iter().fold(EventDemand::any(), |mut demand, t| {
        demand.fields.insert(t.attr.clone());
        narrow(&mut demand, &t.attr, &t.values.iter().collect::<Vec<_>>());
        demand
    })
}

fn stage_demand<'a>(stage: &Arc<str>, conditions: impl Iterator<Item = &'a Condition>) -> EventDemand {
    let mut demand = EventDemand::any();
    for c in conditions {
        c.expr.walk(|e| {
            if let (Some(s), Some(attr)) = (e.stage(), read(e))
                && s == stage
            {
                demand.fields.insert(attr.clone());
            }
        });
        if c.stage == *stage && c.moment == crate::rule::Moment::Take {
            narrow_by(&mut demand, &c.expr, Some(stage));
        }
    }
    demand
}

fn until_demand(until: &Expr) -> EventDemand {
    let mut demand = EventDemand::any();
    until.walk(|e| demand.fields.extend(read(e).filter(|_| e.stage().is_none()).cloned()));
    for conjunct in until.clone().conjuncts() {
        narrow_by(&mut demand, &conjunct, None);
    }
    demand
}

/// What UNTIL, RETURN and ON TIMEOUT read of the stages that they name.
fn read_elsewhere(task: &Task, kinds: &mut [EventDemand]) {
    let stages = task.rule.pattern.stages();
    let untils = task.rule.pattern.quantifiers().into_iter().filter_map(|q| q.until.as_ref());
    let returns = task.rule.returns.iter().chain(task.rule.on_timeout.iter().flatten()).map(|r| &r.expr);
    for expr in untils.chain(returns) {
        expr.walk(|e| {
            let Some(attr) = read(e) else { return };
            let at = stages.iter().position(|s| Some(s.name) == e.stage());
            if let Some(kind) = at.and_then(|at| kinds.get_mut(at)) {
                kind.fields.insert(attr.clone());
            }
        });
    }
}

/// The attribute that this node itself reads.
fn read(e: &Expr) -> Option<&Attr> {
    match &e.kind {
        ExprKind::Attr { attr, .. } | ExprKind::Prev { attr, .. } | ExprKind::Aggregate { attr: Some(attr), .. } => {
            Some(attr)
        }
        _ => None,
    }
}

/// Narrows by a conjunct of the form `stage.attr = 'x'` or `stage.attr IN ('x', 'y')`, or an OR of such.
fn narrow_by(demand: &mut EventDemand, conjunct: &Expr, stage: Option<&Arc<str>>) {
    if let Some((attr, values)) = equalities(conjunct, stage) {
        narrow(demand, attr, &values);
    }
}

fn equalities<'a>(e: &'a Expr, stage: Option<&Arc<str>>) -> Option<(&'a Attr, Vec<&'a Value>)> {
    let attr_of = |x: &'a Expr| match &x.kind {
        ExprKind::Attr { stage: s, attr } if s.as_ref() == stage => Some(attr),
        _ => None,
    };
    let literal = |x: &'a Expr| match &x.kind {
        ExprKind::Literal(v) => Some(v),
        _ => None,
    };
    match &e.kind {
        ExprKind::Binary(BinaryOp::Eq, a, b) => {
            let (attr, value) = attr_of(a).zip(literal(b)).or_else(|| attr_of(b).zip(literal(a)))?;
            Some((attr, vec![value]))
        }
        ExprKind::In(x, list) => Some((attr_of(x)?, list.iter().map(literal).collect::<Option<_>>()?)),
        ExprKind::Binary(BinaryOp::Or, a, b) => {
            let ((attr, mut values), (other, more)) = (equalities(a, stage)?, equalities(b, stage)?);
            values.extend(more);
            (attr == other).then_some((attr, values))
        }
        _ => None,
    }
}

fn narrow(demand: &mut EventDemand, attr: &Attr, values: &[&Value]) {
    let names = Wanted::Of(values.iter().filter_map(|v| v.as_str()).map(Arc::from).collect());
    match attr {
        Attr::ActionType => demand.action_types = demand.action_types.meet(&names),
        Attr::Scene => demand.scenes = demand.scenes.meet(&names),
        _ => {}
    }
}

/// Whether some stage must see the very next event of the stream, whatever it is.
pub fn sees_everything(pattern: &Pattern) -> bool {
    has_strict_arrow(pattern) || pattern.quantifiers().iter().any(|q| q.inner == Contiguity::Strict && q.repeats())
}

fn has_strict_arrow(pattern: &Pattern) -> bool {
    pattern.then.iter().any(|s| s.arrow == Contiguity::Strict) || pattern.elements().any(strict_inside)
}

fn strict_inside(element: &Element) -> bool {
    match element {
        Element::Group(g) => has_strict_arrow(&g.pattern),
        Element::AnyOf(branches) => branches.iter().any(strict_inside),
        Element::Stage(_) | Element::Not(_) | Element::AllOf(_) => false,
    }
}
