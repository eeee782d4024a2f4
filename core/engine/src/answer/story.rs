//! From what the matcher followed to what a person knows: labels in place of arrival numbers, conditions as rule text.

use std::sync::Arc;

use ensue_matcher::{Awaits, Ending, Furthest, Position};
use ensue_rule::{Timestamp, Value};

use super::{Awaited, Ended, EventName, Failed, NearMiss, Story, Wording};
use crate::outcome::Named;

/// Events shown of one stage.
const SHOWN: usize = 20;

/// What events and conditions are called.
pub(crate) struct Names<'a> {
    pub(crate) label: &'a mut dyn FnMut(u64) -> Option<Value>,
    pub(crate) wording: Wording,
}

impl Names<'_> {
    pub(crate) fn id(&mut self, seq: u64) -> Value {
        (self.label)(seq).unwrap_or_else(|| Value::Int(i64::try_from(seq).unwrap_or(i64::MAX)))
    }

    fn event(&mut self, at: Position) -> EventName {
        EventName { id: self.id(at.seq), ts: at.ts }
    }

    fn failed(&self, f: &ensue_matcher::Failed) -> Failed {
        let found = f.found.iter().map(|(of, value)| ((self.wording)(of).into(), value.clone()));
        Failed { condition: (self.wording)(&f.condition), found: Named(found.collect()) }
    }

    fn ended(&mut self, f: &Furthest) -> Ended {
        match &f.ending {
            Ending::Lives if f.stage.is_none() => Ended::NotBegun,
            Ending::Lives => Ended::Waits,
            Ending::Complete => Ended::Complete,
            Ending::Forbidden(stage, at) => Ended::Forbidden { stage: stage.clone(), event: self.event(*at) },
            Ending::Closed(at) => Ended::Until { event: self.event(*at) },
            Ending::Held(stage, at) => Ended::Held { stage: stage.clone(), event: self.event(*at) },
            Ending::Broken(at) => Ended::Strict { event: self.event(*at) },
            Ending::Left(failed, at) => {
                Ended::Left { failed: failed.iter().map(|x| self.failed(x)).collect(), at: *at }
            }
            Ending::Late(at) => Ended::Step { at: *at },
            Ending::Window(at) => Ended::Window { at: *at },
            Ending::Session(at) => Ended::Session { event: self.event(*at) },
            Ending::Gap(at) => Ended::Gap { at: at.ts },
        }
    }

    fn awaited(&self, a: &ensue_matcher::Awaited) -> Awaited {
        Awaited {
            stage: match &a.what {
                Awaits::Stage(name) => Some(name.clone()),
                Awaits::Deadline | Awaits::Next => None,
            },
            next: a.what == Awaits::Next,
            conditions: a.conditions.iter().map(self.wording).collect(),
            forbids: a.forbids.clone(),
            until: Some(a.until).filter(|t| *t < Timestamp::MAX),
        }
    }

    /// The story of a run.
    pub(crate) fn story(&mut self, f: &Furthest, user: Option<Arc<str>>, partition: Option<Vec<Value>>) -> Story {
        let bound = f.bindings.iter().map(|(_, events)| u64::try_from(events.len()).unwrap_or(u64::MAX)).sum();
        let newest = |events: &[Position]| events.len().saturating_sub(SHOWN);
        let mut bindings = Vec::new();
        for (stage, events) in &f.bindings {
            let shown = events.iter().skip(newest(events)).map(|at| self.event(*at)).collect();
            bindings.push((stage.clone(), shown));
        }
        let near_misses = f.near.iter().map(|n| NearMiss {
            stage: n.stage.clone(),
            event: self.event(n.event),
            failed: n.failed.iter().map(|x| self.failed(x)).collect(),
        });
        let near_misses = near_misses.collect();
        Story {
            user,
            partition,
            stage: f.stage.clone(),
            lacks: f.lacks,
            bindings: Named(bindings),
            bound,
            awaits: f.awaits.iter().map(|a| self.awaited(a)).collect(),
            near_misses,
            ended: self.ended(f),
        }
    }
}
