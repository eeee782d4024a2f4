//! Ways to run a case through the shipping matcher and engine, each of which has to give the same answer.

mod batch;
mod hosted;
mod noted;
mod restart;
mod snapshot;
mod step;
mod time;
mod trace;
mod trends;

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_matcher::{Arrival, Found, Hit, Limits, Match, Observation, Position, Program, ProgramId, ProgramSet};
use ensue_rule::{AfterMatch, Duration, Event, Filter, Rule, Timestamp};

use crate::answer::{Answer, Given, HalfStep, differences};
use crate::case::{Bindings, Case, WithinType};
use crate::oracle::Reading;
use crate::translate;

/// A way to run a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Event by event through the matcher.
    Step,
    /// The same, with time moved in random steps between events.
    Time,
    /// The same, with the runs thrown away after every event and rebuilt from what a host with keyed state keeps.
    Snapshot,
    /// The same, run by run beside the shipping runs, as for an answer to "why not?".
    Trace,
    /// The same, with events noted for every program and stepped when something may come of it.
    Noted,
    /// Through the engine in random batches.
    Batch,
    /// Through the engine on a file, closed and opened again after every event.
    Restart,
    /// In batches, with events noted for every task.
    NotedBatch,
    /// With restarts, with events noted for every task.
    NotedRestart,
}

impl Mode {
    /// All of them, in the order in which they are reported.
    pub const ALL: [Self; 9] = [
        Self::Step,
        Self::Time,
        Self::Snapshot,
        Self::Trace,
        Self::Noted,
        Self::Batch,
        Self::Restart,
        Self::NotedBatch,
        Self::NotedRestart,
    ];

    /// Those of the matcher alone.
    pub const OF_MATCHER: [Self; 5] = [Self::Step, Self::Time, Self::Snapshot, Self::Trace, Self::Noted];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Step => "step",
            Self::Time => "time",
            Self::Snapshot => "snapshot",
            Self::Trace => "trace",
            Self::Noted => "noted",
            Self::Batch => "batch",
            Self::Restart => "restart",
            Self::NotedBatch => "noted-batch",
            Self::NotedRestart => "noted-restart",
        }
    }

    /// The mode of that name, or why there is none.
    ///
    /// # Errors
    /// What to write instead.
    pub fn from_name(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|m| m.name() == name);
        found.ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            format!("no mode is called `{name}`: {names} or all")
        })
    }

    /// Whether the mode can run the case: stamps that fall are out of order for any host, and only the bare matcher
    /// takes them as they come; the engine cuts sessions by its own rule; and of what is not noted the engine says what it
    /// says without notes.
    pub fn takes(self, case: &Case) -> bool {
        let in_engine = !Self::OF_MATCHER.contains(&self);
        let sessions = case.within_type == WithinType::Session;
        if self != Self::Step && (case.has_falling_stamps() || in_engine && sessions) {
            return false;
        }
        let noted = matches!(self, Self::NotedBatch | Self::NotedRestart);
        !noted || Subject::new(case).is_ok_and(|subject| noted::takes(&subject))
    }

    /// Runs the case and says in what the answer is wrong; nothing if it is right.
    pub fn check(self, case: &Case, seed: u64) -> Vec<String> {
        let subject = match Subject::new(case) {
            Ok(subject) => subject,
            Err(error) => return differences(case, &Answer { error: Some(error), ..Answer::default() }),
        };
        match self {
            Self::Step => differences(case, &step::run(&subject)),
            Self::Time => time::check(case, &subject, seed),
            Self::Snapshot => differences(case, &snapshot::run(&subject, seed)),
            Self::Trace => trace::check(case, &subject),
            Self::Noted => differences(case, &noted::run(&subject, seed)),
            Self::Batch => batch::check(case, (&subject, limits()), seed),
            Self::Restart => restart::check(case, (&subject, limits()), seed),
            Self::NotedBatch => batch::check(case, (&subject, noting()), seed),
            Self::NotedRestart => restart::check(case, (&subject, noting()), seed),
        }
    }
}

/// What the matcher answers to a case, event by event.
///
/// # Errors
/// Why the rule is refused.
pub fn answer(case: &Case) -> Result<Answer, String> {
    Subject::new(case).map(|subject| step::run(&subject))
}

/// In what RETURN TRENDS of the case's rule differs from its matches, as the oracle reads them; nothing where it does
/// not, or where TRENDS cannot be asked or count ways.
pub fn trends_differ(case: &Case, reading: &Reading) -> Vec<String> {
    if reading.repeats || !trends::takes(case) { Vec::new() } else { trends::check(case, &reading.answer) }
}

/// In what the matcher's answer to a case is wrong if this rule stands for that of the case; nothing if it is right.
pub fn check_with(case: &Case, rule: Rule) -> Vec<String> {
    match Subject::of(case, rule) {
        Ok(subject) => differences(case, &step::run(&subject)),
        Err(error) => differences(case, &Answer { error: Some(error), ..Answer::default() }),
    }
}

/// In what the matcher's answer differs when time moves in random steps; nothing if it does not.
pub fn time_in_steps_differs(case: &Case, seed: u64) -> Vec<String> {
    Subject::new(case).map_or_else(|e| vec![e], |subject| time::against_itself(&subject, seed))
}

/// A case ready to run: its rule compiled, its events translated.
#[derive(Debug)]
pub struct Subject {
    set: ProgramSet,
    id: ProgramId,
    program: Arc<Program>,
    rule: Rule,
    events: Vec<(Event, Arrival)>,
    advance_to: Option<Timestamp>,
}

/// Limits under which nothing of a case is capped.
pub fn limits() -> Limits {
    Limits {
        default_window: Duration(i64::MAX / 4),
        states: 4_096,
        classes: 1 << 20,
        nodes: 1 << 24,
        distinct: 1 << 20,
        matches: 1 << 20,
        ..Limits::default()
    }
}

/// The same, with every event noted that can let nothing out of a program, few at a time.
pub fn noting() -> Limits {
    Limits { noted_from: 1, notes: 6, ..limits() }
}

impl Subject {
    /// Compiles the rule of a case and translates its events.
    ///
    /// # Errors
    /// Why the rule is refused.
    pub fn new(case: &Case) -> Result<Self, String> {
        Self::of(case, translate::rule(case))
    }

    /// The same with a rule of its own.
    fn of(case: &Case, rule: Rule) -> Result<Self, String> {
        let mut set = ProgramSet::new(limits());
        let id = set.add(&rule, &Filter::default()).map_err(|e| format!("refused: {e}; hint: {}", e.hint()))?;
        let program = set.program(id).cloned().ok_or("the set does not know the program that it added")?;
        let arrival = |f: &crate::case::Fed| Arrival {
            position: Position { ts: Timestamp(f.ts), seq: f.id },
            session: f.session,
            utc_offset_min: 0,
        };
        let events = case.events.iter().map(|f| (translate::event(f), arrival(f))).collect();
        Ok(Self { set, id, program, rule, events, advance_to: case.advance_to.map(Timestamp) })
    }

    /// The automaton as text.
    pub fn describe(&self) -> String {
        self.program.describe()
    }

    /// Looks at event `k`; a program that it does not concern is not stepped.
    fn observe(&self, k: usize, into: &mut Observation) -> Option<Hit> {
        let (event, arrival) = &self.events[k];
        let asked = self.set.observe_for(self.id, event, *arrival, into);
        // What the index finds must be what asking the program gives.
        self.set.observe(event, *arrival, into);
        assert_eq!(into.hits().first().copied(), asked, "event {k}: the index against the program");
        asked
    }

    fn ts(&self, k: usize) -> Timestamp {
        self.events[k].1.position.ts
    }

    /// The half step of the final advance.
    fn last_step(&self) -> HalfStep {
        HalfStep::try_from(self.events.len()).unwrap_or(0) * 2 - 1
    }
}

/// Sorts what runs let out into an answer.
#[derive(Debug)]
struct Sink {
    limited: bool,
    answer: Answer,
    found: Vec<Found>,
}

impl Sink {
    fn of(rule: &Rule) -> Self {
        let limited = matches!(rule.after_match, AfterMatch::NoSkip { limit: Some(n) } if n < u32::MAX);
        Self { limited, answer: Answer::default(), found: Vec::new() }
    }

    /// Takes what came out at this half step. Where the rule has a LIMIT, what is beyond it is counted; else nothing is.
    fn drain(&mut self, step: HalfStep) {
        for found in self.found.drain(..) {
            match found {
                Found::Match(m) => self.answer.matches.push(given(&m, step)),
                Found::Timeout(m) => self.answer.timeouts.push(given(&m, step)),
                Found::Capped(_) if self.limited => {}
                Found::Capped(n) => self.answer.error = Some(format!("{n} capped, with limits that nothing reaches")),
                Found::SkipError(stage) => self.answer.error = Some(format!("nothing is bound to `{stage}`")),
            }
        }
    }
}

fn given(m: &Match, step: HalfStep) -> Given {
    let bindings: Bindings =
        m.bindings.iter().map(|(name, ids)| (name.to_string(), ids.to_vec())).collect::<BTreeMap<_, _>>();
    Given { bindings, at: m.at.0, step }
}

/// The half step at which event `k` is processed.
fn whole(k: usize) -> HalfStep {
    HalfStep::try_from(k).unwrap_or(0) * 2
}
