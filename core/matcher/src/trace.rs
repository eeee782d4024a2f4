//! How far a rule comes in a stream, and why no further: the stream looked at once more, run by run.
//!
//! No second meaning: which matches there are is what [`Runs`](crate::Runs) say, which walk beside; what an event means for a waiting
//! run is asked of the same `Seen::fate` that the shipping step asks; only where an event is not taken it is asked again,
//! conjunct by conjunct, for the reason ([`blame`]). What is different is that runs are followed one by one, each with the
//! events that it bound, so that one of them can be told as a story. Of runs that no future event tells apart two are
//! followed, the newest and the fullest; and never more than a fixed number, those that lack least.
//!
//! - [`Tracer`]: a rule with its conjuncts, and the event it looks at; shared by all keys.
//! - [`Trace`]: one key's stream; [`strand`], one run of it; [`Furthest`]: what it tells.

mod blame;
mod near;
mod path;
mod story;
mod strand;
mod stream;

use std::sync::Arc;

use ensue_rule::{Attr, Event, Expr, Filter, Rule, Timestamp, Value};

pub use stream::Trace;

use crate::expr::View;
use crate::observation::Extent;
use crate::program::{Asked, AskedOf, PositionId, Program, Target, Written};
use crate::registers::Registers;
use crate::runs::fate::Seen;
use crate::table::Table;
use crate::{Arrival, Error, Hit, Limits, Observation, Position, ProgramId, ProgramSet};

/// A rule to be explained, and the event that it looks at.
#[derive(Debug)]
pub struct Tracer {
    rule: Rule,
    filter: Filter,
    set: ProgramSet,
    id: ProgramId,
    program: Arc<Program>,
    asked: AskedOf,
    /// How many events are lacking at least, by position.
    lacks: Table<PositionId, u32>,
    observation: Observation,
    hit: Option<Hit>,
    /// By test: whether the event is of the kind that it asks for, so that it may be a near miss.
    of_kind: Vec<bool>,
}

/// The run that came furthest: the one that lacked the fewest events, then the latest stage, then the one that lives,
/// then the most events.
#[derive(Clone, Debug, PartialEq)]
pub struct Furthest {
    /// The latest stage that it reached; `None`: no run began.
    pub stage: Option<Arc<str>>,
    /// How many events it lacked at least; of nothing begun 0.
    pub lacks: u32,
    /// What it bound, by stage in pattern order.
    pub bindings: Vec<(Arc<str>, Vec<Position>)>,
    /// What it waits for, or waited for last.
    pub awaits: Vec<Awaited>,
    /// Events that it would have taken but for a condition: those that failed least, at most three.
    pub near: Vec<NearMiss>,
    /// How it ended.
    pub ending: Ending,
}

/// One thing that a run waits for.
#[derive(Clone, Debug, PartialEq)]
pub struct Awaited {
    /// What.
    pub what: Awaits,
    /// Conjuncts that an event of the stage must pass.
    pub conditions: Vec<Expr>,
    /// What may not come meanwhile.
    pub forbids: Vec<Arc<str>>,
    /// Until when.
    pub until: Timestamp,
}

/// What a run waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Awaits {
    /// An event for this stage.
    Stage(Arc<str>),
    /// That time passes.
    Deadline,
    /// The very next event, whatever it is.
    Next,
}

/// An event that a stage would have taken but for some conditions.
#[derive(Clone, Debug, PartialEq)]
pub struct NearMiss {
    /// The stage.
    pub stage: Arc<str>,
    /// The event.
    pub event: Position,
    /// The conjuncts that did not hold.
    pub failed: Vec<Failed>,
}

/// A conjunct that did not hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Failed {
    /// As it is written in the rule.
    pub condition: Expr,
    /// What it looked at, and the values there.
    pub found: Vec<(Expr, Value)>,
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// It lives.
    Lives,
    /// It is complete.
    Complete,
    /// An event of a forbidden stage came.
    Forbidden(Arc<str>, Position),
    /// An event closed its loop, UNTIL.
    Closed(Position),
    /// A greedy loop would have taken the event, so that nothing behind it may.
    Held(Arc<str>, Position),
    /// The very next event had to be taken, and this one was not.
    Broken(Position),
    /// A condition on all events of a stage did not hold at the end.
    Left(Vec<Failed>, Timestamp),
    /// The bound on its step passed.
    Late(Timestamp),
    /// Its window passed.
    Window(Timestamp),
    /// Its session ended.
    Session(Position),
    /// Events were lost while it waited for an absence.
    Gap(Position),
}

/// What a stage bound.
pub type Bound = (Arc<str>, Vec<Position>);

impl Tracer {
    /// Compiles a rule whose stream is what passes `filter`.
    ///
    /// # Errors
    /// As [`ProgramSet::add`].
    pub fn new(rule: &Rule, filter: &Filter, limits: &Limits) -> Result<Self, Error> {
        let mut set = ProgramSet::new(limits.clone());
        let id = set.add(rule, filter)?;
        let asked = set.explain(rule)?;
        let program = set.program(id).cloned().ok_or_else(|| Error::too_many_places(limits.places))?;
        let lacks = lacks(&program);
        let (rule, filter, observation) = (rule.clone(), filter.clone(), Observation::default());
        Ok(Self { rule, filter, set, id, program, asked, lacks, observation, hit: None, of_kind: Vec::new() })
    }

    /// Looks at the next event of a stream; whether the filter passes it. Then [`Trace::step`] of its key.
    pub fn look(&mut self, event: &Event, arrival: Arrival) -> bool {
        self.hit = self.set.observe_for(self.id, event, arrival, &mut self.observation);
        self.find_kinds();
        self.hit.is_some() || self.filter.passes(|attr| value_of(attr, event, arrival))
    }

    /// Finds of which tests the event is of the kind.
    fn find_kinds(&mut self) {
        self.of_kind.clear();
        if self.observation.extent == Extent::Nothing {
            return;
        }
        let definitions = &self.program.registers;
        let view = View { slots: &self.observation.content.slots, registers: Registers::EMPTY, definitions };
        let of_kind = |asked: &[Asked]| asked.iter().filter(|a| a.kind).all(|a| a.code.holds(view));
        self.of_kind.extend(self.asked.tests.iter().map(|(_, asked)| of_kind(asked)));
    }

    /// The values of PARTITION BY of the event; `None` where one of them is null.
    pub fn partition(&self) -> Option<Vec<Value>> {
        self.set.partition(self.id, &self.observation)
    }

    /// The program.
    pub fn program(&self) -> &Program {
        &self.program
    }

    fn seen(&self) -> Seen<'_> {
        let bits = self.hit.map_or(0, |hit| hit.bits);
        Seen { program: &self.program, observation: &self.observation, bits }
    }

    /// The conjunct as it is written.
    fn written(&self, written: Written) -> Option<Expr> {
        match written {
            Written::Condition(i) => self.rule.conditions.get(i).map(|c| c.expr.clone()),
            Written::Until(i) => self.rule.pattern.quantifiers().get(i).and_then(|q| q.until.clone()),
        }
    }
}

/// For each position, over how few events a match can still be reached.
fn lacks(program: &Program) -> Table<PositionId, u32> {
    let mut out = Table::default();
    for (_, p) in program.positions.iter() {
        let ends = p.waits.iter().any(|w| !matches!(program.waits[*w].target, Target::Take(_)));
        out.push(if ends || !p.complete.is_empty() { 0 } else { u32::MAX });
    }
    let mut changed = true;
    while changed {
        changed = false;
        for (id, p) in program.positions.iter() {
            for w in &p.waits {
                let Target::Take(to) = program.waits[*w].target else { continue };
                let over: u32 = out[to];
                if over < u32::MAX && over + 1 < out[id] {
                    out[id] = over + 1;
                    changed = true;
                }
            }
        }
    }
    out
}

fn value_of(attr: &Attr, event: &Event, arrival: Arrival) -> Value {
    let text = |t: Option<&Arc<str>>| t.map_or(Value::Null, |t| Value::Str(t.clone()));
    match attr {
        Attr::ActionType => text(Some(&event.action_type)),
        Attr::Scene => text(event.scene.as_ref()),
        Attr::Source => Value::from(event.source.as_str()),
        Attr::Ts => Value::Int(arrival.position.ts.0),
        Attr::UserId => text(event.user_id.as_ref()),
        Attr::Arg(path) => Attr::lookup(&event.args, path),
    }
}
