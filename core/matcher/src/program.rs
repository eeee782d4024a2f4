//! Programs: a rule compiled to an automaton.
use crate::{Error, Limits};
use ensue_rule::Rule;

/// A rule compiled: immutable, without state, shared by all keys.
#[derive(Debug)]
pub struct Program {}

impl Program {
    /// Compiles a rule.
    ///
    /// # Errors
    /// A rule that can't be run, with the place in its text.
    pub fn compile(_rule: &Rule, _limits: &Limits) -> Result<Self, Error> {
        Ok(Self {})
    }

    /// The automaton as text, a line per state.
    pub fn describe(&self) -> String {
        String::new()
    }

    /// The automaton in Graphviz's dot.
    pub fn dot(&self) -> String {
        String::new()
    }

    /// Whether time alone can let something out (an absence at the end, ON TIMEOUT): such runs need wakeups.
    pub fn has_timers(&self) -> bool {
        false
    }
}
