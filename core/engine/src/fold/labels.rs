//! The ids that hosts gave to events, of the newest events: matches mostly bind those.

use std::collections::VecDeque;

use ensue_rule::Value;

use crate::log::Log;

const KEPT: usize = 1_024;

/// Labels of the newest events by arrival number.
#[derive(Debug, Default)]
pub(super) struct Labels(VecDeque<(u64, Option<Value>)>);

impl Labels {
    pub(super) fn add(&mut self, seq: u64, label: Option<&Value>) {
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back((seq, label.cloned()));
    }

    /// What is shown for an event: the host's label, else its arrival number.
    pub(super) fn of(&self, seq: u64, log: &mut dyn Log) -> Value {
        let at = self.0.partition_point(|(s, _)| *s < seq);
        let label = match self.0.get(at).filter(|(s, _)| *s == seq) {
            Some((_, label)) => label.clone(),
            None => log.label(seq),
        };
        label.unwrap_or_else(|| Value::Int(i64::try_from(seq).unwrap_or(i64::MAX)))
    }
}
