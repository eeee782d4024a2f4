//! Runs: the partial matches of one program for one key.
use crate::{Found, Hit, Observation, Position, Program};
use ensue_rule::Timestamp;

/// The partial matches of one program for one key.
#[derive(Debug, Default)]
pub struct Runs {}

impl Runs {
    /// No runs; nothing may start at or before `bound` (what [`Runs::skip_bound`] said before a restart).
    pub fn new(_bound: Option<Position>) -> Self {
        Self {}
    }

    /// Takes one event of the key's stream: first time moves to it, then it is matched. Events come in the order of
    /// their positions.
    pub fn step(&mut self, _program: &Program, _event: &Observation, _hit: Hit, _out: &mut Vec<Found>) {}

    /// Moves time: absences complete and partial matches time out whose deadline is at or before `t`.
    pub fn advance_to(&mut self, _program: &Program, _t: Timestamp, _out: &mut Vec<Found>) {}

    /// Judges a trailing absence now, at a trigger: every run that lacks nothing else is a match at `t` by an event.
    /// The last call of a look-back.
    pub fn judge_at(&mut self, _program: &Program, _t: Timestamp, _out: &mut Vec<Found>) {}

    /// When time alone next lets something out; `None`: never as things are.
    pub fn next_wakeup(&self, _program: &Program) -> Option<Timestamp> {
        None
    }

    /// No match may start at or before this: what a host keeps, with the retained events, to build these runs again.
    pub fn skip_bound(&self) -> Option<Position> {
        None
    }

    /// Whether nothing is alive: the host may drop the value, if it keeps the skip bound.
    pub fn is_idle(&self) -> bool {
        true
    }

    /// Drops every partial match (a gap in the history); the skip bound stays. Returns whether there was one.
    pub fn clear(&mut self) -> bool {
        false
    }

    /// Whether a live run waits for an absence (`!n`), so that a gap in the history would make its answer wrong.
    pub fn waits_for_absence(&self, _program: &Program) -> bool {
        false
    }
}
