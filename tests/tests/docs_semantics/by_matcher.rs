//! What the matcher says.

use ensue_matcher::{Arrival, Cause, Found, Limits, Match, Observation, Position, Program, ProgramSet, Runs};
use ensue_rule::{Filter, Timestamp};

use crate::example::Subject;
use crate::show::Shown;

/// The answer, with time moved in one step or millisecond by millisecond.
pub(crate) fn answer(subject: &Subject<'_>, finely: bool) -> Vec<String> {
    let mut set = ProgramSet::new(Limits::default());
    let Ok(id) = set.add(&subject.rule, &Filter::default()) else { return vec!["refused: E0602".into()] };
    let program = set.program(id).expect("it was added").clone();
    let mut walk = Walk { subject, program: &program, runs: Runs::new(None), finely, now: None, out: Vec::new() };
    let mut observed = Observation::default();
    for (k, e) in subject.events.iter().enumerate() {
        let step = 2 * i64::try_from(k).expect("few events");
        walk.advance(e.ts, step - 1);
        let position = Position { ts: Timestamp(e.ts), seq: u64::try_from(k).expect("few events") };
        let arrival = Arrival { position, session: e.session, utc_offset_min: e.event.utc_offset_min.unwrap_or(0) };
        let mut found = Vec::new();
        if let Some(hit) = set.observe_for(id, &e.event, arrival, &mut observed) {
            walk.runs.step(&program, &observed, hit, &mut found);
        }
        walk.keep(found, step);
    }
    if let Some(t) = subject.advance_to() {
        let step = 2 * i64::try_from(subject.events.len()).expect("few events") - 1;
        walk.advance(t.0, step);
    }
    walk.out
}

struct Walk<'a> {
    subject: &'a Subject<'a>,
    program: &'a Program,
    runs: Runs,
    finely: bool,
    now: Option<i64>,
    out: Vec<String>,
}

impl Walk<'_> {
    fn advance(&mut self, t: i64, step: i64) {
        let from = self.now.filter(|now| self.finely && t - now < 10_000).unwrap_or(t);
        for t in from..=t {
            let mut found = Vec::new();
            self.runs.advance_to(self.program, Timestamp(t), &mut found);
            self.keep(found, step);
        }
        self.now = Some(t);
    }

    fn keep(&mut self, found: Vec<Found>, step: i64) {
        for found in found {
            let line = match found {
                Found::Match(m) => self.shown("match", &m, step),
                Found::Timeout(m) => self.shown("timeout", &m, step),
                Found::Capped(n) => format!("capped: {n}"),
                Found::SkipError(_) => "error".into(),
            };
            self.out.push(line);
        }
    }

    fn shown(&self, what: &'static str, m: &Match, step: i64) -> String {
        let name = |seq: &u64| self.subject.events[usize::try_from(*seq).expect("few events")].name.clone();
        let bindings = m.bindings.iter().map(|(s, events)| (s.to_string(), events.iter().map(name).collect()));
        let values = m.values.iter().map(|(name, value)| (&**name, value.clone()));
        let by_time = m.by == Cause::Time;
        let (bindings, values) = (bindings.collect(), values.collect());
        Shown { what, bindings, at: m.at, by_time, step: Some(step), values }.line(self.subject)
    }
}
