//! Programs: a rule compiled to an automaton.
//!
//! The automaton is position-based (Glushkov, "The abstract theory of automata", 1961): a *position* is one copy of a
//! stage that has just taken an event, and a *wait* is an edge from a position to the next, with what may be passed
//! over on the way and what ends it. A live run is always in one or more waits; each goes its own way. Counted
//! repetitions are unrolled into copies, so that what holds at a position never depends on how it was reached.
//!
//! Nothing here changes after [`Program::compile`], and nothing knows of events, keys or time.

mod any_order;
mod build;
mod conditions;
mod describe;
mod fragment;
mod inert;
mod liveness;
mod plan;
mod returns;
mod tier;
mod waits;
mod watch;

use std::ops::Deref;
use std::sync::Arc;

pub(crate) use conditions::{Asked, AskedOf, Written};
pub(crate) use plan::{CellId, Planned, Plans};
pub use tier::Tier;

use ensue_rule::{Bound, Contiguity, Duration, Rule};

use crate::expr::Code;
use crate::registers::{Register, RegisterId, RegisterSet};
use crate::set::{SlotId, Slots};
use crate::table::{Table, id};
use crate::trends::Trends;
use crate::{Error, Limits};

id! {
    /// A stage of the rule, in the order written.
    StageId
}
id! {
    /// A test of an event: a stage's condition, or an UNTIL.
    TestId
}
id! {
    /// One copy of a stage that has just taken an event.
    PositionId
}
id! {
    /// Where a run waits.
    WaitId
}
id! {
    /// A repeated group.
    GroupId
}

/// A rule compiled: immutable, without state, shared by all keys.
#[derive(Debug, PartialEq, Hash)]
pub struct Program {
    pub(crate) shape: Arc<Shape>,
    /// Last event - first event stays below this.
    pub(crate) window: Duration,
    pub(crate) after: After,
    pub(crate) returns: Yield,
    /// RETURN TRENDS: partial matches are added up instead of kept.
    pub(crate) trends: Option<Trends>,
    /// ON TIMEOUT, if the rule has it.
    pub(crate) on_timeout: Option<Yield>,
    /// Whether time alone can let something out.
    pub(crate) timers: bool,
    /// Whether runs must know where the last event stood: where not an event they bound, or none, ends what comes out.
    pub(crate) places: bool,
    /// Single-event predicates by bit, until a set has filed them in its index.
    pub(crate) predicates: Vec<Predicate>,
    pub(crate) partition: Vec<SlotId>,
    /// Attributes of bound events that RETURN reads, in the order in which bound events keep them.
    pub(crate) kept: Vec<SlotId>,
}

impl Deref for Program {
    type Target = Shape;

    fn deref(&self) -> &Shape {
        &self.shape
    }
}

/// The automaton of a program, by far the most of it. Programs of a set that differ only in which events they look at, in
/// their window, in what they return and in what a match discards have one between them.
#[derive(Debug, PartialEq, Hash)]
#[allow(clippy::struct_excessive_bools, reason = "each says a thing of its own, worked out at compile time")]
pub struct Shape {
    pub(crate) stages: Table<StageId, StageInfo>,
    pub(crate) tests: Table<TestId, Test>,
    pub(crate) registers: Table<RegisterId, Register>,
    pub(crate) positions: Table<PositionId, Position>,
    pub(crate) waits: Table<WaitId, Wait>,
    /// Where every event may begin a run.
    pub(crate) starts: Vec<WaitId>,
    /// Bits of predicates that may begin a run; `None`: any event may.
    pub(crate) start_bits: Option<u64>,
    /// Events of another session are not seen.
    pub(crate) session: bool,
    pub(crate) limits: Limits,
    /// Whether one match can be reached in two ways, so that enumeration must look for repeats.
    pub(crate) ambiguous: bool,
    /// What an event does, where that can be told beforehand.
    pub(crate) plans: Option<Plans>,
    /// Whether a run remembers sets of values.
    pub(crate) gathers: bool,
    /// Whether every event of the stream must be stepped, not only those for which a predicate holds.
    pub(crate) sees_all: bool,
}

#[derive(Debug, PartialEq, Hash)]
pub(crate) struct StageInfo {
    pub(crate) name: Arc<str>,
    pub(crate) forbidden: bool,
    /// Conditions over the registers of this stage, asked of whatever leaves it.
    pub(crate) leave: Vec<Code>,
}

/// A test of an event for a run: a predicate on the event alone, and conditions that look at the run besides.
#[derive(Clone, Debug, Default, PartialEq, Hash)]
pub(crate) struct Test {
    /// The bit of the predicate; `None`: every event passes it.
    pub(crate) bit: Option<u8>,
    pub(crate) conditions: Vec<Code>,
    /// How it is written, for `describe`.
    pub(crate) label: String,
}

/// A conjunction over single events that the index evaluates.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(crate) struct Predicate {
    pub(crate) conjuncts: Vec<Code>,
}

/// One copy of a stage that has just taken an event.
#[derive(Debug, PartialEq, Hash)]
pub(crate) struct Position {
    pub(crate) stage: StageId,
    pub(crate) waits: Vec<WaitId>,
    /// Ways in which the pattern is complete here at once.
    pub(crate) complete: Vec<Completion>,
    /// Registers that something after this position reads.
    pub(crate) live: RegisterSet,
}

/// A way in which a pattern is complete at a position.
#[derive(Debug, PartialEq, Hash)]
pub(crate) struct Completion {
    /// Stages that are left by completing.
    pub(crate) leaves: Vec<StageId>,
    /// Greedy loops that were passed: none may want the event just taken.
    pub(crate) held: Vec<Held>,
}

/// Where a run waits: an edge of the automaton.
#[derive(Debug, PartialEq, Hash)]
pub(crate) struct Wait {
    pub(crate) target: Target,
    /// What the target takes; empty where the target is no stage.
    pub(crate) takes: Want,
    /// What may be passed over.
    pub(crate) arrow: Contiguity,
    /// What members of `&` that are not finished would take: no such event is passed over.
    pub(crate) blockers: Vec<Want>,
    /// How long after the run's last event the next may come.
    pub(crate) bound: Option<Bound>,
    /// Whether a violated bound is a timeout (a loop that has its minimum merely takes no more).
    pub(crate) bound_times_out: bool,
    /// `!n` on this edge: ends the wait, but the target may take the event.
    pub(crate) forbids: Vec<TestId>,
    /// `!n` that the run is at, further on: ends the wait, and the target may not take the event.
    pub(crate) watch: Vec<TestId>,
    /// `=> !n`: of the very next event only. Then the wait goes on at `then`.
    pub(crate) next_forbids: Vec<NextForbid>,
    /// A `=> !n` stands on this edge itself: without a next event nothing is complete.
    pub(crate) wants_next: bool,
    /// Where to wait after the very next event has been passed over.
    pub(crate) then: Option<WaitId>,
    /// UNTIL of the loop that the target begins: the target does not take such an event.
    pub(crate) begun: Vec<TestId>,
    /// The loop closes.
    pub(crate) untils: Vec<TestId>,
    /// Greedy loops before the target.
    pub(crate) held: Vec<Held>,
    /// Stages that taking the target leaves.
    pub(crate) leaves: Vec<StageId>,
    /// Whether it matters when the run's last event was taken.
    pub(crate) timed: bool,
    /// Groups of which taking the target begins a turn.
    pub(crate) turns: Vec<GroupId>,
    /// The wait is looked at for events with one of these bits; `None`: for every event.
    pub(crate) bits: Option<u64>,
    /// Where all there is to ask of an event is whether the target takes it: the bit of that predicate.
    pub(crate) plain: Option<u64>,
    /// The equality that an event must fulfil to concern a run here, where there is one.
    pub(crate) correlation: Option<Correlation>,
    /// Registers that this wait or something after it reads.
    pub(crate) live: RegisterSet,
}

impl Wait {
    /// Whether the deadline makes the pattern complete here.
    pub(crate) fn is_absence(&self) -> bool {
        self.target == Target::Absence && !self.wants_next
    }
}

/// An event takes part only where its attribute is what the run remembers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Correlation {
    pub(crate) slot: SlotId,
    pub(crate) register: RegisterId,
    /// Bits of predicates for which it may concern every run nevertheless.
    pub(crate) others: u64,
}

/// Tests that an event must all pass to be taken: that of the stage, and for a member of `&` those over several members
/// that are asked when it binds last.
pub(crate) type Want = smallvec::SmallVec<[TestId; 1]>;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Target {
    /// An event for this position.
    Take(PositionId),
    /// The deadline: then the pattern is complete.
    Absence,
    /// The very next event of the stream: if it is not forbidden, the pattern is complete.
    Next,
}

/// `=> !n` on the way to some next stage.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(crate) struct NextForbid {
    pub(crate) test: TestId,
    /// Greedy loops before the negation: what they would take is not judged.
    pub(crate) unless: Vec<Held>,
}

/// A greedy loop that holds back what comes after it.
#[derive(Clone, Debug, PartialEq, Hash)]
pub(crate) struct Held {
    /// What the loop would take.
    pub(crate) test: TestId,
    pub(crate) until: Option<TestId>,
    /// Where to wait once its UNTIL has come.
    pub(crate) then: Option<WaitId>,
    /// After how long since the run's last event the loop takes no more.
    pub(crate) gap: Option<Bound>,
}

/// Which runs a match discards, with stages as ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum After {
    Consume,
    NoSkip { limit: usize },
    PastLast,
    ToNext,
    ToFirst { stage: StageId, or_error: bool },
    ToLast { stage: StageId, or_error: bool },
}

/// Named values computed from the events of a match.
#[derive(Debug, Default, PartialEq, Hash)]
pub(crate) struct Yield {
    /// Registers over kept attributes (their slots index the kept values of a bound event).
    pub(crate) registers: Table<RegisterId, Register>,
    pub(crate) values: Vec<(Arc<str>, Code)>,
}

impl Program {
    /// Compiles a rule on its own, as [`crate::ProgramSet::add`] would: to check or to explain it.
    ///
    /// # Errors
    /// A rule that can't be run, with the place in its text.
    pub fn compile(rule: &Rule, limits: &Limits) -> Result<Self, Error> {
        build::build(rule, limits, &mut Slots::default())
    }

    pub(crate) fn compile_in(rule: &Rule, limits: &Limits, slots: &mut Slots) -> Result<Self, Error> {
        build::build(rule, limits, slots)
    }

    /// Whether time alone can let something out (an absence at the end, ON TIMEOUT, a match that waits under SKIP for a
    /// run to end): such runs need wakeups.
    pub fn has_timers(&self) -> bool {
        self.timers
    }

    /// Whether classes must tell how far they came: under CONSUME a class keeps one partial match of each start, and
    /// ON TIMEOUT asks for the furthest.
    pub(crate) fn tells_reached(&self) -> bool {
        self.after == After::Consume && self.on_timeout.is_some()
    }

    /// Whether an event with this hit may begin a run: where there is none alive, no other need be stepped.
    pub fn may_begin(&self, hit: crate::Hit) -> bool {
        self.start_bits.is_none_or(|bits| bits & hit.bits != 0)
    }

    /// Whether every event that passes the filter must be stepped.
    pub(crate) fn sees_all(&self) -> bool {
        self.sees_all
    }
}
