//! Events that are noted once for many programs, and caught up on, let out what they would have if every program had been
//! stepped with each: random rules that begin alike, random streams, programs that come and go.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, missing_docs, reason = "a test")]

use std::collections::BTreeMap;

use ensue_matcher::{Armed, Arrival, Found, Hit, Late, Limits, Observation, Position, ProgramId, ProgramSet, Runs};
use ensue_rule::{Dialect, Event, Filter, Rule, Timestamp, Value};
use ensue_tests::random::Random;

/// Patterns over these stages, the last of which are seldom alike.
const PATTERNS: [&str; 22] = [
    "a -> b",
    "a ->> b",
    "a -> b -> c",
    "a ->> b ->> c",
    "a -> b+ -> c",
    "a ->> b+ ANY ->> c",
    "a{2,} -> b",
    "a{1,3} -> b -> c",
    "a -> !n -> b",
    "a -> b -> !n -> c",
    "a -> b? -> c",
    "(a | b) -> c",
    "a & b -> c",
    "a -> (b -> c){1,2} -> d",
    "a -> b+ GREEDY -> c",
    "a -> b+ UNTIL (args.x = 2) -> c",
    "a ->[< 9 MS] b -> c",
    "a",
    "a -> b*",
    // These are stepped with every event that concerns them.
    "a => b",
    "a -> b => !n",
    "a -> b -> !n",
];

const ENDS: [&str; 7] = ["", "", " AFTER MATCH NO SKIP", " AFTER MATCH NO SKIP LIMIT 2", "+", "-", "#"];

fn rule(random: &mut Random) -> Rule {
    loop {
        let compiled = ensue_dsl::compile(&text(random), Dialect::Ensue);
        if let Some(rule) = compiled.rule {
            return rule;
        }
    }
}

/// Some of these are refused.
fn text(random: &mut Random) -> String {
    let pattern = *random.pick(&PATTERNS);
    let stages: Vec<char> = ['a', 'b', 'c', 'd', 'n'].into_iter().filter(|s| pattern.contains(*s)).collect();
    let mut conditions = Vec::new();
    for (stage, action) in stages.iter().zip(["A", "B", "C", "A", "D"]) {
        let action = if random.chance(80) { action } else { random.pick(&["A", "B", "C", "D"]) };
        conditions.push(format!("{stage}.actionType = '{action}'"));
        if *stage != 'a' && random.chance(40) || random.chance(10) {
            conditions.push(format!("{stage}.args.x = {}", random.below(3)));
        }
    }
    if stages.contains(&'b') && random.chance(30) {
        conditions.push("b.args.x = a.args.x".to_owned());
    }
    let partition = if random.chance(5) { " PARTITION BY args.x" } else { "" };
    let (window, session) = (random.range(5, 60), if random.chance(10) { " OF SESSION" } else { "" });
    let end = match *random.pick(&ENDS) {
        "+" => " RETURN TRENDS COUNT(*) AS n, TRENDS SUM(a.args.x) AS s",
        "-" => " AFTER MATCH SKIP PAST LAST EVENT RETURN a.args.x AS x",
        "#" => " RETURN a.args.x AS x, a.args.y AS y, COUNT(a) AS n",
        other => other,
    };
    let conditions = conditions.join(" AND ");
    format!("EVENT: {pattern} WHERE {conditions} WITHIN {window} MS{session}{partition}{end}")
}

/// A stream as a host has it: runs by program, and from where on each may read.
#[derive(Default)]
struct Stream {
    runs: BTreeMap<ProgramId, Runs>,
    armed: Armed,
    since: BTreeMap<ProgramId, Position>,
    recalled: Observation,
    /// Steps that were caught up on.
    late: usize,
    steps: usize,
}

type Told = Vec<(ProgramId, String)>;

impl Stream {
    fn keep(&mut self, id: ProgramId, runs: Runs) {
        self.armed.remove(id);
        if !runs.is_idle() {
            self.armed.add(id);
            self.runs.insert(id, runs);
        }
    }

    fn step(&mut self, set: &ProgramSet, seen: &Observation, hit: Hit, told: &mut Told) {
        let (program, place) = (set.program(hit.program).unwrap(), seen.arrival().position);
        if place < self.since[&hit.program] {
            return;
        }
        let mut runs = self.take(hit.program);
        self.catch_up(set, (hit.program, &mut runs), Some(place));
        if !runs.is_idle() || program.may_begin(hit) {
            let mut found = Vec::new();
            runs.step(program, seen, hit, &mut found);
            self.steps += 1;
            told.extend(found.iter().map(|f: &Found| (hit.program, format!("{f:?}"))));
        }
        self.keep(hit.program, runs);
    }

    fn take(&mut self, id: ProgramId) -> Runs {
        self.runs.remove(&id).unwrap_or_else(|| {
            self.armed.add(id);
            Runs::default()
        })
    }

    fn catch_up(&mut self, set: &ProgramSet, (id, runs): (ProgramId, &mut Runs), before: Option<Position>) {
        let program = set.program(id).unwrap();
        let (since, late) = (self.since[&id], std::cell::Cell::new(0));
        let reads = |place| {
            late.set(late.get() + 1);
            place >= since
        };
        self.armed.catch_up(id, Late { program, runs, before, recalled: &mut self.recalled }, reads);
        self.late += late.get();
    }

    fn settle(&mut self, set: &ProgramSet) {
        for id in self.armed.missed() {
            let mut runs = self.take(id);
            self.catch_up(set, (id, &mut runs), None);
            self.keep(id, runs);
        }
        assert!(self.armed.missed().is_empty());
        self.armed.drop_notes();
    }

    /// Time comes, for those that time lets something out of.
    fn elapse(&mut self, set: &ProgramSet, now: Timestamp, told: &mut Told) {
        let timed: Vec<ProgramId> =
            self.runs.keys().copied().filter(|id| set.program(*id).unwrap().has_timers()).collect();
        for id in timed {
            let (mut runs, mut found) = (self.take(id), Vec::new());
            runs.advance_to(set.program(id).unwrap(), now, &mut found);
            told.extend(found.iter().map(|f: &Found| (id, format!("{f:?}"))));
            self.keep(id, runs);
        }
    }
}

/// The same stream with events noted, and without.
struct Both {
    set: ProgramSet,
    noting: Stream,
    plain: Stream,
    told: usize,
    noted: usize,
}

impl Both {
    fn add(&mut self, random: &mut Random, place: Position) {
        let Ok(id) = self.set.add(&rule(random), &Filter::default()) else { return };
        let later = Position { ts: Timestamp(place.ts.0 + random.range(0, 30)), ..place };
        let since = if random.chance(80) { place } else { later };
        self.noting.since.insert(id, since);
        self.plain.since.insert(id, since);
    }

    fn change(&mut self, random: &mut Random, place: Position) {
        self.noting.settle(&self.set);
        let ids: Vec<ProgramId> = self.plain.since.keys().copied().collect();
        for id in ids.iter().filter(|_| random.chance(20)) {
            for stream in [&mut self.noting, &mut self.plain] {
                if stream.runs.remove(id).is_some() {
                    stream.armed.remove(*id);
                }
                stream.since.remove(id);
            }
            self.set.remove(*id);
        }
        (0..random.below(8)).for_each(|_| self.add(random, place));
    }

    fn event(&mut self, event: &Event, arrival: Arrival) {
        let (mut noting, mut plain, mut seen) = (Told::new(), Told::new(), Observation::default());
        let Self { set, noting: with, plain: without, .. } = self;
        with.elapse(set, arrival.position.ts, &mut noting);
        without.elapse(set, arrival.position.ts, &mut plain);
        set.read(event, &mut seen);
        set.look_up(arrival, Some(&without.armed), &mut seen);
        for hit in seen.hits().to_vec() {
            without.step(set, &seen, hit, &mut plain);
        }
        set.look_up_noting(arrival, &with.armed, &mut seen);
        with.armed.note(set, &seen);
        self.noted += usize::from(seen.is_noted());
        for hit in seen.hits().to_vec() {
            with.step(set, &seen, hit, &mut noting);
        }
        if with.armed.is_full(set) {
            with.settle(set);
        }
        assert_eq!(noting, plain, "{event:?} at {arrival:?}");
        self.told += plain.len();
    }
}

fn event(random: &mut Random) -> Event {
    let action = *random.pick(&["A", "A", "A", "B", "B", "C", "D", "E"]);
    let mut args: Vec<(&str, Value)> = Vec::new();
    if random.chance(90) {
        args.push(("x", Value::Int(random.range(0, 3))));
    }
    if random.chance(50) {
        args.push(("y", Value::from(*random.pick(&["one", "two"]))));
    }
    let args = args.into_iter().map(|(name, value)| (name.into(), value)).collect();
    Event { action_type: action.into(), args, ..Event::default() }
}

/// What came out, what was noted, and the steps without notes and with them, those caught up on apart.
fn round(seed: u64) -> [usize; 5] {
    let mut random = Random::new(seed);
    let (noted_from, notes) = (*random.pick(&[1, 2, 4]), *random.pick(&[3, 20, 1_000]));
    let set = ProgramSet::new(Limits { noted_from, notes, ..Limits::default() });
    let mut both = Both { set, noting: Stream::default(), plain: Stream::default(), told: 0, noted: 0 };
    (0..30).for_each(|_| both.add(&mut random, Position::default()));
    let (mut ts, mut session) = (0, 0);
    for seq in 1..200 {
        ts += random.range(0, 6);
        session += u64::from(random.chance(3));
        let position = Position { ts: Timestamp(ts), seq };
        if random.chance(2) {
            both.change(&mut random, position);
        }
        if random.chance(2) {
            both.noting.settle(&both.set);
        }
        if random.chance(5) {
            both.noting.armed.drop_notes_until(Timestamp(ts));
        }
        both.event(&event(&mut random), Arrival { position, session, utc_offset_min: 0 });
    }
    [both.told, both.noted, both.plain.steps, both.noting.steps, both.noting.late]
}

#[test]
fn what_is_noted_and_caught_up_on_comes_out_as_if_it_had_been_stepped() {
    let mut all = [0; 5];
    for seed in 0..150 {
        all.iter_mut().zip(round(seed)).for_each(|(sum, n)| *sum += n);
    }
    let [told, noted, steps, own, late] = all;
    assert!(told > 20_000 && noted > 5_000 && late > 5_000, "{all:?}");
    assert!(own + late < steps, "to catch up is never more work: {all:?}");
}
