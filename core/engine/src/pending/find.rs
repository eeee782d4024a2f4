//! A rule over the history of a call: the matcher that looks back for triggered tasks.

use std::collections::VecDeque;
use std::sync::Arc;

use ensue_matcher::{Limits, Observation, ProgramId, ProgramSet};
use ensue_rule::{Filter, Rule};

use super::Answered;
use super::history::{Gaps, Past, Reach};
use crate::fold::{Look, Seen};

/// Rules that are kept compiled.
const KEPT: usize = 32;

/// Rules that scripts asked for, compiled; the last ones.
#[derive(Debug)]
pub(crate) struct Automata {
    programs: ProgramSet,
    kept: VecDeque<(Arc<Rule>, ProgramId)>,
    observation: Observation,
}

impl Automata {
    pub(crate) fn new(limits: Limits) -> Self {
        Self { programs: ProgramSet::new(limits), kept: VecDeque::new(), observation: Observation::default() }
    }

    fn program(&mut self, rule: &Rule) -> Result<ProgramId, String> {
        if let Some((_, program)) = self.kept.iter().find(|(kept, _)| **kept == *rule) {
            return Ok(*program);
        }
        if rule.on_timeout.is_some() {
            return Err("a look-back sees no time pass: leave ON TIMEOUT out".to_owned());
        }
        // What is in the history has passed the task's filter.
        let program = self.programs.add(rule, &Filter::default()).map_err(|e| format!("{e}; {}", e.hint()))?;
        if self.kept.len() >= KEPT
            && let Some((_, oldest)) = self.kept.pop_front()
        {
            self.programs.remove(oldest);
        }
        self.kept.push_back((Arc::new(rule.clone()), program));
        Ok(program)
    }
}

/// What `rule` finds in events (newest first) among which others were lost; or why it cannot be run.
pub(super) fn find(
    automata: &mut Automata,
    rule: &Rule,
    reach: &Reach,
    (events, gaps): (&[Past], Gaps),
) -> Result<Vec<Answered>, String> {
    let program = automata.program(rule)?;
    let Automata { programs, observation, .. } = automata;
    let place = (reach.task.id, &reach.stream);
    let mut look = Look::new((programs, program), place, &|_| None, observation);
    gaps.into_iter().for_each(|gap| look.lose(gap));
    events.iter().rev().for_each(|past| look.step(past.logged()));
    let Seen { cases, judged, .. } = look.finish(reach.to);
    let matches = cases.into_iter().filter_map(crate::fold::Case::into_match);
    Ok(matches
        .map(|(key, m)| {
            let upto = if judged.contains(&key) { reach.to } else { m.end };
            Answered::of(m, upto)
        })
        .collect())
}
