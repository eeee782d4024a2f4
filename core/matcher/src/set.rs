//! What programs share: the index that says which programs an event concerns.
use crate::{Arrival, Error, Hit, Limits, Observation, Program};
use ensue_rule::{Event, Filter, Rule, Value};
use std::sync::Arc;

/// Names a program of a set; never reused in one set.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProgramId(pub u32);

/// Programs, and the predicate index over all of them.
#[derive(Debug, Default)]
pub struct ProgramSet {}

impl ProgramSet {
    /// An empty set.
    pub fn new(_limits: Limits) -> Self {
        Self {}
    }

    /// Compiles a rule whose stream is what passes `filter`, and adds it.
    ///
    /// # Errors
    /// As [`Program::compile`]; the set is unchanged.
    pub fn add(&mut self, _rule: &Rule, _filter: &Filter) -> Result<ProgramId, Error> {
        Ok(ProgramId(0))
    }

    /// Takes a program out.
    pub fn remove(&mut self, _id: ProgramId) {}

    /// The program of that name.
    pub fn program(&self, _id: ProgramId) -> Option<&Arc<Program>> {
        None
    }

    /// Looks at an event once for all programs: fills the slots that they read and names those that it concerns.
    pub fn observe(&self, _event: &Event, _arrival: Arrival, _into: &mut Observation) {}

    /// Looks at an event for one program only (look-back, replay): `None` where it does not concern it.
    pub fn observe_for(
        &self,
        _id: ProgramId,
        _event: &Event,
        _arrival: Arrival,
        _into: &mut Observation,
    ) -> Option<Hit> {
        None
    }

    /// The values of PARTITION BY of the observed event; `None` where one of them is null (such an event is skipped
    /// and counted). Empty for a program without the clause.
    pub fn partition(&self, _id: ProgramId, _event: &Observation) -> Option<Vec<Value>> {
        Some(Vec::new())
    }
}
