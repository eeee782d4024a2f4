//! W1, W2 and W3 on the matcher alone, on one thread: from owned events, and from interned records.

use std::collections::HashMap;
use std::hash::BuildHasherDefault;
use std::sync::Arc;
use std::time::Duration;

use ensue_matcher::{
    Armed, Arrival, Found, Hit, Interned, Late, Limits, Observation, Position, Program, ProgramId, ProgramSet, Runs,
};
use ensue_rule::{Attr, Event, Timestamp, Value};

use super::counts;
use super::figure::Figure;
use super::machine::{self, Passes, Watch};
use super::rules;
use super::streams::{KINDS, Record, USERS};
use crate::failure::Failure;

/// Owned events are made so many at a time, off the clock.
const CHUNK: usize = 100_000;

/// Which workload of W1.
#[derive(Clone, Copy, Debug)]
pub(super) struct W1 {
    pub(super) name: &'static str,
    pub(super) rule: &'static str,
    pub(super) expected: fn(&[Record]) -> i64,
}

pub(super) const W1: W1 = W1 { name: "w1", rule: rules::W1, expected: counts::w1 };
pub(super) const W1_ANY: W1 = W1 { name: "w1any", rule: rules::W1_ANY, expected: counts::w1_any };

/// W1: one rule, runs by user.
pub(super) fn w1(workload: W1, records: &[Record]) -> Result<Vec<Figure>, Failure> {
    let set = rules::programs([workload.rule.to_owned()], Limits::default())?;
    let expected = (workload.expected)(records);
    let owned = measured_above(
        with_a_chunk(records),
        Figure::new(workload.name, Some("owned"), records.len()),
        || owned_pass(records, || ByUser::new(&set)),
        expected,
    );
    let interned = measured(
        Figure::new(workload.name, Some("interned"), records.len()),
        || interned_pass(&set, records, &mut ByUser::new(&set)),
        expected,
    );
    Ok(vec![owned, interned])
}

/// W2: one rule, one key; matches added up, and let out one for each completing event.
pub(super) fn w2(k: u32, records: &[Record]) -> Result<Vec<Figure>, Failure> {
    let (all, ends) = counts::w2(records);
    let mut figures = Vec::new();
    for (variant, rule, expected) in [("trends", rules::W2_TRENDS, all), ("graph", rules::W2_GRAPH, ends)] {
        let set = rules::programs([rule.to_owned()], rules::one())?;
        let figure = Figure { k: Some(k), ..Figure::new("w2", Some(variant), records.len()) };
        figures.push(measured(figure, || interned_pass(&set, records, &mut OneKey::new(&set)), expected));
    }
    Ok(figures)
}

/// W3: many rules, one key.
pub(super) fn w3(rules: u32, records: &[Record]) -> Result<Vec<Figure>, Failure> {
    let set = rules::programs((0..rules).map(rules::w3), Limits::default())?;
    let expected = counts::w3(records, rules);
    let figure = |variant| Figure { rules, ..Figure::new("w3", Some(variant), records.len()) };
    Ok(vec![
        measured_above(with_a_chunk(records), figure("owned"), || owned_pass(records, || OneKey::new(&set)), expected),
        measured(figure("interned"), || interned_pass(&set, records, &mut OneKey::new(&set)), expected),
    ])
}

/// Of rules that begin alike so many at most go on where few do.
const FEW: u32 = 10;

/// Rules that begin alike, one key: each A begins a run of all. `stepped`: at once; `all`: when they go on, which all do;
/// `few`: the same where few of them do, since the values that the others ask for never come.
pub(super) fn alike(rules: u32, records: &[Record]) -> Result<Vec<Figure>, Failure> {
    let never = Limits { noted_from: usize::MAX, ..Limits::default() };
    let last = records.iter().map(|r| r.v + 1).max().unwrap_or(0);
    let few = last.saturating_sub(FEW);
    let mut figures = Vec::new();
    for (variant, first, limits) in
        [("stepped", 0, never), ("all", 0, Limits::default()), ("few", few, Limits::default())]
    {
        let wanted = first..first + rules;
        let set = rules::programs(wanted.clone().map(rules::alike), limits)?;
        let figure = Figure { rules, ..Figure::new("alike", Some(variant), records.len()) };
        let expected = counts::alike(records, wanted);
        figures.push(measured(figure, || interned_pass(&set, records, &mut OneKey::new(&set)), expected));
    }
    Ok(figures)
}

fn measured(figure: Figure, pass: impl FnMut() -> (Duration, i64), expected: i64) -> Figure {
    let input = machine::resident_mb();
    measured_above(input, figure, pass, expected)
}

/// The same, where the input takes so much of the resident memory.
fn measured_above(
    input_mb: Option<f64>,
    figure: Figure,
    pass: impl FnMut() -> (Duration, i64),
    expected: i64,
) -> Figure {
    let watch = Watch::start();
    let Passes { seconds, result, noisy } = machine::repeat(pass);
    let figure = figure.timed(seconds).counted(result, expected).watched(&watch.end());
    let above_input_mb = figure.peak_rss_mb.zip(input_mb).map(|(peak, input)| (peak - input).max(0.0));
    Figure { noisy: figure.noisy || noisy, above_input_mb, ..figure }
}

/// The resident memory with the records, and as many owned events as are made at a time.
fn with_a_chunk(records: &[Record]) -> Option<f64> {
    let events: Vec<Event> = records.iter().take(CHUNK).map(owned).collect();
    let resident = machine::resident_mb();
    drop(events);
    resident
}

/// Where the runs of a workload are.
trait Host {
    /// Looks an event that was read up, and steps the programs that it concerns, for the user of that number.
    fn take(&mut self, user: usize, arrival: Arrival, seen: &mut Observation) -> i64;

    /// The number of a user.
    fn user(&mut self, name: &Arc<str>) -> usize;

    fn set(&self) -> &ProgramSet;
}

type Numbers = HashMap<Arc<str>, usize, BuildHasherDefault<rustc_hash::FxHasher>>;

/// One program, runs by user.
struct ByUser<'a> {
    set: &'a ProgramSet,
    program: Option<&'a Program>,
    numbers: Numbers,
    users: Vec<(Runs, Armed)>,
    out: Vec<Found>,
}

impl<'a> ByUser<'a> {
    fn new(set: &'a ProgramSet) -> Self {
        let users = (0..USERS).map(|_| (Runs::default(), Armed::default())).collect();
        let program = set.program(ProgramId(0)).map(|p| &**p);
        Self { set, program, numbers: Numbers::default(), users, out: Vec::new() }
    }
}

impl Host for ByUser<'_> {
    fn take(&mut self, user: usize, arrival: Arrival, seen: &mut Observation) -> i64 {
        let (Some(program), Some((runs, armed))) = (self.program, self.users.get_mut(user)) else { return 0 };
        self.set.look_up(arrival, Some(armed), seen);
        let Some(hit) = seen.hits().first().copied() else { return 0 };
        step(program, (runs, armed), (seen, hit), &mut self.out);
        total(&mut self.out)
    }

    fn user(&mut self, name: &Arc<str>) -> usize {
        if let Some(number) = self.numbers.get(name) {
            return *number;
        }
        self.numbers.insert(name.clone(), self.numbers.len());
        self.numbers.len() - 1
    }

    fn set(&self) -> &ProgramSet {
        self.set
    }
}

/// Any number of programs, all in one stream. What many have in common is noted, and stepped when they go on.
struct OneKey<'a> {
    set: &'a ProgramSet,
    programs: Vec<&'a Program>,
    runs: Vec<Runs>,
    armed: Armed,
    recalled: Observation,
    out: Vec<Found>,
}

impl<'a> OneKey<'a> {
    fn new(set: &'a ProgramSet) -> Self {
        let programs: Vec<&Program> = (0..).map_while(|id| set.program(ProgramId(id))).map(|p| &**p).collect();
        let runs = programs.iter().map(|_| Runs::default()).collect();
        let (armed, recalled) = (Armed::default(), Observation::default());
        Self { set, programs, runs, armed, recalled, out: Vec::new() }
    }

    /// Lets all programs catch up on what was noted.
    fn settle(&mut self) {
        for id in self.armed.missed() {
            let row = usize::try_from(id.0).unwrap_or(usize::MAX);
            if let (Some(program), Some(runs)) = (self.programs.get(row), self.runs.get_mut(row)) {
                catch_up((program, id), (runs, &mut self.armed), (None, &mut self.recalled));
            }
        }
        self.armed.drop_notes();
    }
}

impl Host for OneKey<'_> {
    fn take(&mut self, _: usize, arrival: Arrival, seen: &mut Observation) -> i64 {
        self.set.look_up_noting(arrival, &self.armed, seen);
        if seen.is_noted() {
            self.armed.note(self.set, seen);
        }
        for hit in seen.hits() {
            let row = usize::try_from(hit.program.0).unwrap_or(usize::MAX);
            if let (Some(program), Some(runs)) = (self.programs.get(row), self.runs.get_mut(row)) {
                if self.armed.has_missed(hit.program) {
                    let before = Some(arrival.position);
                    catch_up((program, hit.program), (runs, &mut self.armed), (before, &mut self.recalled));
                }
                step(program, (runs, &mut self.armed), (seen, *hit), &mut self.out);
            }
        }
        if self.armed.is_full(self.set) {
            self.settle();
        }
        total(&mut self.out)
    }

    fn user(&mut self, _: &Arc<str>) -> usize {
        0
    }

    fn set(&self) -> &ProgramSet {
        self.set
    }
}

/// Steps runs with what was noted for them, and says whether they are alive.
fn catch_up(
    (program, id): (&Program, ProgramId),
    (runs, armed): (&mut Runs, &mut Armed),
    (before, recalled): (Option<Position>, &mut Observation),
) {
    let idle = runs.is_idle();
    armed.catch_up(id, Late { program, runs, before, recalled }, |_| true);
    match (idle, runs.is_idle()) {
        (true, false) => armed.add(id),
        (false, true) => armed.remove(id),
        _ => {}
    }
}

/// Steps runs, and says whether they are alive.
fn step(
    program: &Program,
    (runs, armed): (&mut Runs, &mut Armed),
    (seen, hit): (&Observation, Hit),
    out: &mut Vec<Found>,
) {
    let before = runs.is_idle();
    runs.step(program, seen, hit, out);
    match (before, runs.is_idle()) {
        (true, false) => armed.add(hit.program),
        (false, true) => armed.remove(hit.program),
        _ => {}
    }
}

/// How many matches there are among what came out, which is taken out.
#[inline]
fn total(out: &mut Vec<Found>) -> i64 {
    if out.is_empty() { 0 } else { out.drain(..).map(|f| weight(&f)).sum() }
}

/// A match counts for one, a row of TRENDS for as many as it says.
fn weight(found: &Found) -> i64 {
    match found {
        Found::Match(m) => match m.values.first() {
            Some((_, Value::Int(n))) => *n,
            _ => 1,
        },
        _ => 0,
    }
}

fn arrival(ts: i64, seq: u64) -> Arrival {
    Arrival { position: Position { ts: Timestamp(ts), seq }, ..Arrival::default() }
}

/// One pass over owned events: each is looked up by its texts, its user by their name.
fn owned_pass<H: Host>(records: &[Record], host: impl FnOnce() -> H) -> (Duration, i64) {
    let (mut host, mut seen) = (host(), Observation::default());
    let (mut spent, mut total, mut seq) = (Duration::ZERO, 0, 0);
    for chunk in records.chunks(CHUNK) {
        let events: Vec<Event> = chunk.iter().map(owned).collect();
        let (time, found) = machine::time(|| {
            let mut found = 0;
            for event in &events {
                let user = event.user_id.as_ref().map_or(0, |name| host.user(name));
                host.set().read(event, &mut seen);
                found += host.take(user, arrival(event.ts.map_or(0, |t| t.0), seq), &mut seen);
                seq += 1;
            }
            found
        });
        spent += time;
        total += found;
    }
    (spent, total)
}

/// A record as an event with texts of its own.
fn owned(r: &Record) -> Event {
    let kind = KINDS.get(usize::from(r.kind)).copied().unwrap_or_default();
    let args = [("v", Value::Int(r.v.into())), ("p", Value::Float(f64::from(r.p) / 1_000.0))];
    Event {
        ts: Some(Timestamp(r.ts)),
        action_type: kind.into(),
        user_id: Some(r.user.to_string().into()),
        args: args.into_iter().map(|(name, value)| (Arc::from(name), value)).collect(),
        ..Event::default()
    }
}

/// One pass over records whose texts are numbers already: the numbers of the set, looked up once before.
fn interned_pass(set: &ProgramSet, records: &[Record], host: &mut impl Host) -> (Duration, i64) {
    let names = KINDS.map(|kind| (set.symbol(kind), Value::from(kind)));
    let kinds = names.each_ref().map(|(symbol, text)| symbol.map_or(Interned::Unnamed(text), Interned::Symbol));
    let attributes = [set.attribute(&Attr::ActionType), set.attribute(&Attr::arg("v"))];
    let mut row: Vec<_> = attributes.into_iter().flatten().map(|a| (a, Interned::Int(0))).collect();
    let mut seen = Observation::default();
    machine::time(|| {
        let mut found = 0;
        for (seq, r) in (0..).zip(records) {
            // Every rule reads the action type, and those of W3 `v`.
            if let (Some((_, action)), Some(kind)) = (row.first_mut(), kinds.get(usize::from(r.kind))) {
                *action = *kind;
            }
            if let Some((_, v)) = row.get_mut(1) {
                *v = Interned::Int(r.v.into());
            }
            if set.read_interned(&row, &mut seen) {
                found += host.take(usize::try_from(r.user).unwrap_or(0), arrival(r.ts, seq), &mut seen);
            }
        }
        found
    })
}
