//! The numbers that bound what one rule may cost.

use ensue_rule::Duration;

/// Bounds on one program and its runs. Each has a policy: what is over it is refused, dropped or counted, never run.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// The window of a rule without WITHIN. 24 hours.
    pub default_window: Duration,
    /// States of one automaton; a rule with more is refused. 512.
    pub states: usize,
    /// Combinations of a stage's conditions with an entry of the filter; a rule with more is refused. 4,096.
    pub places: usize,
    /// Keys (values of PARTITION BY) of one stream with live runs, over all programs: the host holds them. Of those above it
    /// the ones that saw no event for longest are dropped and counted as capped. 20,000.
    pub keys: usize,
    /// As many programs as this have a predicate in common before a host notes its events once for all of them, where they can
    /// let nothing out ([`crate::ProgramSet::look_up_noting`]). Fewer are stepped each: a run keeps less of an event than
    /// a note. 16.
    pub noted_from: usize,
    /// Events noted in one stream; above, all who have missed some catch up. 4,096.
    pub notes: usize,
    /// Run classes of one key; the class with the oldest start is dropped and counted as capped. 4,096.
    pub classes: usize,
    /// Nodes of one key's shared buffer (32 bytes each), and events that they bind; the oldest starts are dropped and
    /// counted as capped. 100,000.
    pub nodes: usize,
    /// Different values that one DISTINCT gathers; a run that gathers more is dropped and counted as capped. 1,000.
    pub distinct: usize,
    /// Matches (or timeouts) that one event lets out under NO SKIP without LIMIT and under SKIP; the rest is counted
    /// as capped. 10,000.
    pub matches: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            default_window: Duration::DAY,
            states: 512,
            places: 4_096,
            keys: 20_000,
            noted_from: 16,
            notes: 4_096,
            classes: 4_096,
            nodes: 100_000,
            distinct: 1_000,
            matches: 10_000,
        }
    }
}
