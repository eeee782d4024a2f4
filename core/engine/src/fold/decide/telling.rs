//! Telling what was decided: outcomes in document order, what the store is to keep, the events that are derived.
//!
//! Nothing is judged here any more.

use ensue_matcher::{Cause, Match};
use ensue_rule::Value;

use super::{Found, Ruling, partition};
use crate::error::Error;
use crate::fold::Fold;
use crate::fold::hold::Held;
use crate::fold::matching::What;
use crate::listener::Audience;
use crate::log::{Log, LogEvent};
use crate::outcome::{MatchRecord, Named, Outcome};
use crate::store::Refused;

impl Fold {
    /// Tells a case and what became of it, and appends the events that it derives.
    pub(super) fn tell(&mut self, mut f: Found, event: Option<&LogEvent>, log: &mut dyn Log) -> Result<(), Error> {
        match &f.what {
            What::Match(m) => {
                self.effects.tally.matches += 1;
                self.effects.counts_of(&f.task).matches += 1;
                self.record(&f, m, Outcome::Match, log);
            }
            What::Timeout(m) => {
                self.effects.tally.timeouts += 1;
                self.effects.counts_of(&f.task).timeouts += 1;
                self.record(&f, m, Outcome::Timeout, log);
            }
            What::Error(..) => self.effects.tally.errors += 1,
            What::Gap(_) | What::Truncated(_) | What::Failed(..) | What::Held(..) => {}
        }
        for ruling in std::mem::take(&mut f.rulings) {
            match ruling {
                Ruling::Decide(decision) => {
                    self.count_decision(&f);
                    self.push(Outcome::Decision(decision));
                }
                Ruling::Refuse(refusal) => self.refuse(&f, refusal),
                Ruling::Hold(until, decision) => {
                    let held = Held { source: f.task.source.clone(), decision, bound: f.bound() };
                    if let Some(refusal) = self.hold(&f.stream, until, held) {
                        self.refuse(&f, refusal);
                    }
                }
                Ruling::Derive { output, action_type, scene } => {
                    self.derive(&f, (output, action_type, scene), event, log)?;
                }
            }
        }
        Ok(())
    }

    /// Keeps a refusal and tells it.
    pub(in crate::fold) fn keep_refusal(&mut self, refused: Refused) {
        self.effects.tally.refusals += 1;
        self.push(Outcome::Refusal(refused.refusal.clone()));
        self.effects.refusals.push(refused);
    }

    fn push(&mut self, outcome: Outcome) {
        let heard = match outcome {
            Outcome::Decision(_) => self.audience >= Audience::Decisions,
            _ => self.audience == Audience::All,
        };
        if heard {
            self.effects.outcomes.push(outcome);
        }
    }

    fn record(&mut self, f: &Found, m: &Match, kind: fn(MatchRecord) -> Outcome, log: &mut dyn Log) {
        if self.audience < Audience::All {
            return;
        }
        let labels = |seqs: &[u64], log: &mut dyn Log| seqs.iter().map(|s| self.labels.of(*s, log)).collect();
        let bindings = m.bindings.iter().map(|(stage, seqs)| (stage.clone(), labels(seqs, log))).collect();
        let record = MatchRecord {
            id: f.id.clone(),
            task: f.task.task.id.clone(),
            source: f.task.source.clone(),
            version: f.task.version,
            user: f.stream.user().cloned(),
            partition: partition(&f.task, &f.key).map(<[Value]>::to_vec),
            at: m.at,
            by: match m.by {
                Cause::Event => "event",
                Cause::Time => "time",
            },
            line: self.line,
            bindings: Named(bindings),
            values: Named(m.values.clone()),
        };
        self.effects.outcomes.push(kind(record));
    }
}
