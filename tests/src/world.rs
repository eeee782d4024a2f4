//! Streams as a device has them: several users, partitions, events out of order and late, events that no task wants, and
//! triggers. The engine's answer is held against the oracle's reading of each user's and partition's own stream. In half of
//! them users are put away and come back, also across a restart (`world/life.rs`).

mod life;

use std::collections::{BTreeMap, BTreeSet};

use ensue_engine::{Config, MatchRecord, Outcome};
use ensue_rule::{Attr, Duration, EntryTest, Filter, FilterEntry, Rule, Task, TaskSet, Timestamp, Trigger, Value};

use life::{Life, Lived};

use crate::case::{Bindings, Fed, WithinType};
use crate::generate::{self, Flavour};
use crate::mode;
use crate::oracle::{self, Seen};
use crate::random::Random;
use crate::translate::{self, ACTION};

/// What no task wants, and what triggers; both move their user's time.
const OTHER: &str = "other";
const TRIGGER: &str = "trigger";

/// More than eight of them wait for something at a time, now and then.
const USERS: [&str; 16] =
    ["ann", "bob", "cat", "dan", "eve", "fay", "gus", "hal", "ida", "jim", "kay", "leo", "mia", "ned", "ola", "pia"];

/// An event as it is recorded.
#[derive(Clone, Debug)]
struct Recorded {
    user: &'static str,
    action: &'static str,
    item: Option<i64>,
    fed: Fed,
}

/// A rule and a stream.
#[derive(Clone, Debug)]
pub struct World {
    rule: Rule,
    lateness: i64,
    session_gap: i64,
    triggered: bool,
    partitioned: bool,
    /// Whether events are noted for the task.
    noting: bool,
    events: Vec<Recorded>,
    life: Life,
}

/// A world in which engine and oracle agree.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// Matches and timeouts.
    pub told: usize,
    /// How often a user came back who was not in memory.
    pub returns: usize,
    /// Of these, after how many a continuous task had a match that binds events from before it and from then on: its run had
    /// rested.
    pub bridged: usize,
    /// How often the engine was closed and opened again.
    pub reopened: usize,
}

impl std::ops::AddAssign for Checked {
    fn add_assign(&mut self, other: Self) {
        self.told += other.told;
        self.returns += other.returns;
        self.bridged += other.bridged;
        self.reopened += other.reopened;
    }
}

/// One thing that came out: whose, whether a timeout, when, and its events.
type Told = (String, Option<Vec<i64>>, bool, i64, Bindings);

impl World {
    /// The one that `seed` names.
    pub fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let mut case = generate::case(&mut random, Flavour::Full);
        case.skip.throw_on_miss = false;
        let triggered = random.chance(30);
        if triggered {
            case.timeouts = None;
            // A step that time ends is not what a look-back is about.
            if case.within_type == WithinType::PreviousAndCurrent {
                case.within_type = WithinType::FirstAndLast;
            }
            case.within_ms = case.within_ms.or(Some(random.range(10, 40)));
        }
        let crowded = random.chance(50);
        // Who waits for late events stays in memory.
        let lateness = if crowded && random.chance(60) { 0 } else { random.range(0, 6) };
        let (partitioned, session_gap) = (random.chance(40), random.range(3, 9));
        let users = if crowded { &USERS[..] } else { &USERS[..2] };
        let events = events(&mut random, users, (partitioned, triggered));
        let life = if crowded { Life::crowded(&mut random, events.len()) } else { Life::default() };
        let mut rule = translate::rule(&case);
        if partitioned {
            rule.partition_by = vec![Attr::arg("item")];
        }
        let noting = random.chance(50);
        Self { rule, lateness, session_gap, triggered, partitioned, noting, events, life }
    }

    /// What engine and oracle agree on; `None` where the oracle has no answer.
    ///
    /// # Errors
    /// In what they differ, or why the engine does not run.
    pub fn check(&self, seed: u64) -> Result<Option<Checked>, Vec<String>> {
        let Ok(mut expected) = self.expected() else { return Ok(None) };
        let lived = self.live(seed).map_err(|error| vec![error])?;
        let got: Result<Vec<Told>, String> = lived.outcomes.iter().map(told).collect();
        let mut got = got.map_err(|error| vec![error])?;
        expected.sort();
        got.sort();
        if expected == got {
            let (returns, bridged) = (lived.returns.len(), self.bridged(&got, &lived));
            return Ok(Some(Checked { told: got.len(), returns, bridged, reopened: lived.reopened }));
        }
        let missing = expected.iter().filter(|t| !got.contains(t)).map(|t| format!("missing {t:?}"));
        let unexpected = got.iter().filter(|t| !expected.contains(t)).map(|t| format!("unexpected {t:?}"));
        Err(missing.chain(unexpected).chain([format!("{self:?}")]).collect())
    }

    /// What the oracle says.
    fn expected(&self) -> Result<Vec<Told>, String> {
        let mut out = Vec::new();
        for user in self.events.iter().map(|e| e.user).collect::<BTreeSet<_>>() {
            let ordered = self.in_order(user);
            let keys: BTreeSet<Option<i64>> =
                ordered.iter().map(|(e, _)| e.item.filter(|_| self.partitioned)).collect();
            for key in keys.into_iter().filter(|key| key.is_some() || !self.partitioned) {
                let of_key = |e: &Recorded| e.action == ACTION && (!self.partitioned || e.item == key);
                let stream: Vec<_> = ordered.iter().filter(|(e, _)| of_key(e)).collect();
                let found = if self.triggered { self.looked_back(&ordered, &stream)? } else { self.read(&stream)? };
                let partition = key.map(|k| vec![k]);
                out.extend(
                    found.into_iter().map(|(timeout, at, b)| (user.to_owned(), partition.clone(), timeout, at, b)),
                );
            }
        }
        Ok(out)
    }

    /// A user's events that are not late, in order, with their sessions.
    fn in_order(&self, user: &str) -> Vec<(&Recorded, u64)> {
        let (mut frontier, mut session, mut out) = (None, 0, Vec::new());
        for e in self.events.iter().filter(|e| e.user == user) {
            let before: i64 = frontier.unwrap_or(e.fed.ts);
            session += u64::from(e.fed.ts > before + self.session_gap);
            if e.fed.ts >= before - self.lateness {
                out.push((e, session));
            }
            frontier = Some(before.max(e.fed.ts));
        }
        out.sort_by_key(|(e, _)| e.fed.ts);
        out
    }

    fn seen(stream: &[&(&Recorded, u64)]) -> Vec<Seen> {
        let seen = |(e, session): &&(&Recorded, u64)| Seen {
            id: e.fed.id,
            ts: Timestamp(e.fed.ts),
            session: *session,
            event: translate::event(&e.fed),
        };
        stream.iter().map(seen).collect()
    }

    /// A continuous task.
    fn read(&self, stream: &[&(&Recorded, u64)]) -> Result<Vec<(bool, i64, Bindings)>, String> {
        let answer = oracle::answer(&self.rule, &Self::seen(stream), Some(self.end()), oracle::FEW)?;
        let named = |b: Bindings| named(b, stream);
        Ok(answer.by_time().into_iter().map(|(timeout, at, b)| (timeout, at, named(b))).collect())
    }

    /// A triggered task: at each trigger what its last match left.
    fn looked_back(
        &self,
        ordered: &[(&Recorded, u64)],
        stream: &[&(&Recorded, u64)],
    ) -> Result<Vec<(bool, i64, Bindings)>, String> {
        let place = |e: &Recorded| (e.fed.ts, e.fed.id);
        let (mut consumed, mut out) = (None, Vec::new());
        let window = self.rule.window(mode::limits().default_window).0;
        for (trigger, _) in ordered.iter().filter(|(e, _)| e.action == TRIGGER) {
            let sees = |e: &Recorded| {
                place(e) <= place(trigger)
                    && e.fed.ts > trigger.fed.ts - window
                    && consumed.is_none_or(|c| place(e) > c)
            };
            let back: Vec<_> = stream.iter().filter(|(e, _)| sees(e)).copied().collect();
            let look = oracle::look_back(&self.rule, &Self::seen(&back), Timestamp(trigger.fed.ts), oracle::FEW)?;
            let found: Vec<Bindings> = look.answer.matches.into_iter().map(|g| named(g.bindings, &back)).collect();
            let last = found.iter().flat_map(BTreeMap::values).flatten().copied();
            let last =
                stream.iter().filter(|(e, _)| last.clone().any(|id| id == e.fed.id)).map(|(e, _)| place(e)).max();
            consumed = if look.judged { Some(place(trigger)) } else { last.or(consumed) };
            out.extend(found.into_iter().map(|b| (false, trigger.fed.ts, b)));
        }
        Ok(out)
    }

    /// After all that may be due.
    fn end(&self) -> Timestamp {
        Timestamp(self.events.iter().map(|e| e.fed.ts).max().unwrap_or(0) + 100)
    }

    /// What the engine says.
    fn live(&self, seed: u64) -> Result<Lived, String> {
        let (lateness, session_gap) = (Duration(self.lateness), Duration(self.session_gap));
        let limits = if self.noting { mode::noting() } else { mode::limits() };
        let config = Config { lateness, session_gap, limits, ..Config::in_memory() }.replay();
        self.life.lead((config, self.tasks()), (&self.events, self.end()), &mut Random::new(seed))
    }

    /// After how many returns of users they had a match that binds events from both sides of it. A look back reads the log in
    /// any case.
    fn bridged(&self, told: &[Told], lived: &Lived) -> usize {
        let around = |id: u64, bindings: &Bindings| {
            let ids = || bindings.values().flatten();
            ids().any(|bound| *bound < id) && ids().any(|bound| *bound >= id)
        };
        let bridged = |(name, id): &&(&str, u64)| told.iter().any(|(user, .., b)| user == name && around(*id, b));
        if self.triggered { 0 } else { lived.returns.iter().filter(bridged).count() }
    }

    fn tasks(&self) -> TaskSet {
        let entry = FilterEntry {
            alias: None,
            tests: vec![EntryTest { attr: Attr::ActionType, values: vec![Value::from(ACTION)] }],
        };
        let trigger = Trigger { action_types: vec![TRIGGER.into()], scenes: Vec::new() };
        let task = Task {
            trigger: self.triggered.then_some(trigger),
            filter: Filter { entries: vec![entry] },
            ..Task::of("world", self.rule.clone())
        };
        TaskSet::of("worlds", [task])
    }
}

/// The bindings by the names of the events: the oracle has their places in its stream.
fn named(bindings: Bindings, stream: &[&(&Recorded, u64)]) -> Bindings {
    let name = |k: u64| stream[usize::try_from(k).unwrap_or(usize::MAX)].0.fed.id;
    bindings.into_iter().map(|(stage, all)| (stage, all.into_iter().map(name).collect())).collect()
}

/// Events of `users`, half of them of the first two.
fn events(random: &mut Random, users: &[&'static str], (partitioned, triggered): (bool, bool)) -> Vec<Recorded> {
    let (mut now, mut out) = (0, Vec::new());
    let more = i64::try_from(users.len() - 2).unwrap_or(0) * 4;
    for id in 0..u64::try_from(random.range(10, 30) + more).unwrap_or(10) {
        now += *random.pick(&[0, 0, 1, 1, 1, 2, 3, 6]);
        let action = match random.below(20) {
            0..=1 => OTHER,
            2..=4 if triggered => TRIGGER,
            _ => ACTION,
        };
        let behind = if random.chance(25) { random.range(0, 8) } else { 0 };
        let mut fields = BTreeMap::new();
        fields.insert("name".to_owned(), Value::from(*random.pick(&["a", "a", "b", "b", "c"])));
        if !random.chance(3) {
            fields.insert("price".to_owned(), Value::Int(random.range(1, 5)));
        }
        let item = (partitioned && !random.chance(8)).then(|| random.range(1, 2));
        let fed = Fed { id, ts: now - behind, session: 0, fields };
        let user = if random.chance(50) { random.pick(&users[..2]) } else { random.pick(users) };
        out.push(Recorded { user, action, item, fed });
    }
    out
}

fn told(outcome: &Outcome) -> Result<Told, String> {
    let int = |v: &Value| if let Value::Int(i) = v { *i } else { -1 };
    let of = |timeout: bool, m: &MatchRecord| {
        let ids = |ids: &Vec<Value>| ids.iter().map(|v| u64::try_from(int(v)).unwrap_or(u64::MAX)).collect();
        let bindings = m.bindings.0.iter().map(|(name, all)| (name.to_string(), ids(all))).collect();
        let partition = m.partition.as_ref().map(|all| all.iter().map(int).collect());
        (m.user.as_deref().unwrap_or_default().to_owned(), partition, timeout, m.at.0, bindings)
    };
    match outcome {
        Outcome::Match(m) => Ok(of(false, m)),
        Outcome::Timeout(m) => Ok(of(true, m)),
        other => Err(format!("a task without outputs told {other:?}")),
    }
}
