//! The story of a strand: names in place of numbers.

use std::sync::Arc;

use ensue_rule::{Expr, Timestamp};

use super::strand::Strand;
use super::stream::Trace;
use super::{Awaited, Awaits, Ending, Furthest, Tracer};
use crate::Position;
use crate::program::{Target, TestId, WaitId};

impl Trace {
    pub(super) fn tell(&self, tracer: &Tracer, strand: &Strand, ending: Ending) -> Furthest {
        let mut events: Vec<_> = self.paths.events(strand.path).collect();
        events.reverse();
        let bound = tracer.program.stages.iter().filter_map(|(id, stage)| {
            let of: Vec<Position> = events.iter().filter(|(_, s)| *s == id).map(|(p, _)| *p).collect();
            (!of.is_empty()).then(|| (stage.name.clone(), of))
        });
        let waits = if strand.waits.is_empty() { &strand.was } else { &strand.waits };
        let mut awaits: Vec<Awaited> = Vec::new();
        for id in waits {
            let (until, _) = strand.due_of(&tracer.program, &tracer.program.waits[*id]);
            let one = tracer.awaited(*id, until);
            if !awaits.contains(&one) {
                awaits.push(one);
            }
        }
        Furthest {
            stage: Some(tracer.program.stages[strand.stage].name.clone()),
            lacks: strand.lacks,
            bindings: bound.collect(),
            awaits,
            near: strand.near.clone(),
            ending,
        }
    }

    /// No run began.
    pub(super) fn not_begun(&self, tracer: &Tracer) -> Furthest {
        let mut awaits: Vec<Awaited> = Vec::new();
        for id in &tracer.program.starts {
            let one = tracer.awaited(*id, Timestamp::MAX);
            if !awaits.contains(&one) {
                awaits.push(one);
            }
        }
        let near = self.unbegun.clone();
        Furthest { stage: None, lacks: 0, bindings: Vec::new(), awaits, near, ending: Ending::Lives }
    }
}

impl Tracer {
    fn awaited(&self, id: WaitId, until: Timestamp) -> Awaited {
        let wait = &self.program.waits[id];
        let name = |t: TestId| -> Arc<str> { self.program.tests[t].label.as_str().into() };
        let what = match wait.target {
            Target::Take(to) => Awaits::Stage(self.program.stages[self.program.positions[to].stage].name.clone()),
            Target::Absence => Awaits::Deadline,
            Target::Next => Awaits::Next,
        };
        let asked = wait.takes.iter().flat_map(|t| &self.asked.tests[*t]);
        let leaves = wait.leaves.iter().flat_map(|s| &self.asked.leave[*s]);
        let conditions: Vec<Expr> = asked.chain(leaves).filter_map(|a| self.written(a.written)).collect();
        let next = wait.next_forbids.iter().map(|n| n.test);
        let mut forbids: Vec<Arc<str>> =
            wait.forbids.iter().chain(&wait.watch).copied().chain(next).map(name).collect();
        forbids.sort();
        forbids.dedup();
        Awaited { what, conditions, forbids, until }
    }
}
