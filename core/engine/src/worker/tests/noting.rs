//! Tasks that begin alike: whatever happens to their users and to the engine, they find what they would if each were stepped
//! with every event.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use ensue_rule::{
    AfterMatch, Attr, BinaryOp, Condition, Contiguity, Duration, Element, EventRef, Expr, Pattern, Return, Rule, Span,
    Step, Task, TaskScope, TaskSet, Trigger, Value, Within, WithinKind,
};

use super::super::{Command, Worker};
use crate::config::{Config, Retention};
use crate::engine::Shared;
use crate::ingest::{Item, Lost};
use crate::listener::Listener;
use crate::outcome::{Decision, Outcome};
use ensue_matcher::Limits;
use ensue_rule::Timestamp;

const SECOND: i64 = 1_000;

/// `a !n b`: relaxed arrows; a stage takes the action type of its name.
fn rule(pattern: &str, window_s: i64) -> Rule {
    let element = |name: &str| name.strip_prefix('!').map_or_else(|| Element::stage(name), Element::not);
    let step = |element| Step { arrow: Contiguity::Relaxed, bound: None, element, span: Span::default() };
    let mut elements = pattern.split(' ').map(element);
    let first = elements.next().unwrap();
    let mut rule = Rule::new(Pattern { first, then: elements.map(step).collect() });
    let names: Vec<_> = rule.pattern.stages().iter().map(|s| s.name.clone()).collect();
    for name in names {
        let is = Expr::binary(BinaryOp::Eq, Expr::attr(&name, Attr::ActionType), Expr::literal(&*name));
        given(&mut rule, is);
    }
    rule.within = Some(Within { duration: Duration(window_s * SECOND), kind: WithinKind::Match });
    rule
}

fn given(rule: &mut Rule, expr: Expr) {
    let condition = Condition::place(expr, &rule.pattern).unwrap();
    rule.conditions.push(condition);
}

fn item(stage: &str) -> Expr {
    Expr::attr(stage, Attr::arg("item"))
}

fn of_item(mut rule: Rule, stage: &str, n: i64) -> Rule {
    given(&mut rule, Expr::binary(BinaryOp::Eq, item(stage), Expr::literal(n)));
    rule
}

fn derives(action_type: &str, task: Task) -> Task {
    let kind = ensue_rule::OutputKind::Event { action_type: action_type.into(), scene: None };
    Task { outputs: vec![ensue_rule::Output { on: ensue_rule::On::Match, when: None, kind }], ..task }
}

/// Families of tasks that begin alike; `turn`: some of them differ from turn to turn.
fn tasks(turn: i64) -> Vec<Task> {
    let mut tasks = Vec::new();
    let mut add = |rule: Rule| tasks.push(Task::of(&*format!("t{}", tasks.len()), rule));
    for n in 0..5 {
        add(of_item(rule("a b", 40 + n), "b", n));
        let every = Rule { after_match: AfterMatch::NoSkip { limit: None }, ..of_item(rule("a b c", 90), "c", n) };
        let returns = vec![Return { name: "item".into(), expr: item("a") }];
        add(Rule { returns, ..every });
        add(of_item(rule("a !n b", 60), "b", (n + turn) % 7));
        let mut same = of_item(rule("a c", 50), "c", n);
        given(&mut same, Expr::binary(BinaryOp::Ge, item("c"), item("a")));
        add(same);
        add(of_item(rule("made b", 120), "b", n));
        // Derived events are in the streams only of those that name them.
        let mut any = of_item(rule("a b", 70), "b", n);
        any.conditions.retain(|c| &*c.stage != "a");
        add(of_item(any, "a", 3));
        // What asks for something new reads no history without it.
        let more = Expr::binary(BinaryOp::Eq, Expr::attr("c", Attr::arg("more")), Expr::literal(n));
        let mut new = rule("a c", 80);
        given(&mut new, if turn < 2 { Expr::binary(BinaryOp::Eq, item("c"), Expr::literal(n)) } else { more });
        add(new);
    }
    add(rule("b !a", 5));
    for n in 0..3 {
        let device = Task::of(&*format!("all{n}"), of_item(rule("a b c", 30), "c", n));
        // Tasks of all users keep them in memory: in half of the turns there are none.
        if turn % 2 == 1 {
            tasks.push(Task { scope: TaskScope::Device, ..device });
        }
    }
    let returns = vec![Return { name: "item".into(), expr: item("c") }];
    tasks.push(derives("made", Task::of("maker", Rule { returns, ..rule("c b", 20) })));
    let trigger = Trigger { action_types: vec!["n".into()], scenes: Vec::new() };
    tasks.push(Task { trigger: Some(trigger), ..Task::of("back", rule("a b", 60)) });
    tasks
}

/// Keeps what it is told.
#[derive(Default)]
struct Told(Mutex<Vec<String>>);

impl Listener for Told {
    fn on_decisions(&self, _: &[Decision]) {}

    fn on_outcomes(&self, outcomes: &[Outcome]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(outcomes.iter().map(|o| format!("{o:?}")));
    }
}

/// A number by a seed, below a bound.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> i64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        i64::try_from((self.0 >> 33) % bound).unwrap()
    }
}

/// An engine without its thread.
struct Site {
    config: Config,
    shared: Arc<Shared>,
    worker: Option<Worker>,
    told: Arc<Told>,
    /// Over how many places events were noted.
    noted: usize,
}

impl Site {
    fn open(config: Config) -> Self {
        let shared = Arc::new(Shared::new(config.clone()));
        let mut site = Self { config, shared, worker: None, told: Arc::default(), noted: 0 };
        site.reopen();
        site
    }

    fn reopen(&mut self) {
        if let Some(mut worker) = self.worker.take() {
            worker.settle();
        }
        self.shared = Arc::new(Shared::new(self.config.clone()));
        self.shared.put_listener(Some(self.told.clone()));
        self.worker = Some(Worker::open(&self.shared).unwrap().0);
    }

    fn worker(&mut self) -> &mut Worker {
        self.worker.as_mut().unwrap()
    }

    fn apply(&mut self, tasks: Vec<Task>) {
        let (reply, answer) = crate::reply::reply();
        self.worker().obey(Command::Apply(vec![TaskSet::of("s", tasks)], reply));
        let report = answer.wait().unwrap().unwrap();
        assert!(report.sets.iter().flat_map(|s| &s.tasks).all(|t| t.error.is_none()), "{report:?}");
    }

    fn take(&mut self, mut items: Vec<Item>) {
        self.worker().take(&mut items);
        self.worker().finish_batch().unwrap();
    }

    fn record(&mut self, ts: i64, (user, action_type, item): (&str, &str, i64), id: i64) {
        let (id, args) = (Value::Int(id), [("item", Value::Int(item)), ("more", Value::Int(item % 4))]);
        let (ts, user_id) = (Some(Timestamp(ts)), Some(user));
        let event = EventRef { ts, action_type, user_id, id: Some(&id), args: &args, ..EventRef::default() };
        self.shared.ingest.record(&event, None, true, &self.shared.counters);
        let mut items = Vec::new();
        self.shared.ingest.queue.take(usize::MAX, Some(std::time::Duration::ZERO), &mut items);
        self.take(items);
    }

    /// Puts away whoever may be.
    fn put_away(&mut self) {
        self.worker().done = u64::MAX;
        self.worker().put_away().unwrap();
        self.worker().done = 0;
    }

    /// What was told since.
    fn told(&mut self) -> Vec<String> {
        std::mem::take(&mut *self.told.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

const USERS: [&str; 14] =
    ["u00", "u01", "u02", "u03", "u04", "u05", "u06", "u07", "u08", "u09", "u10", "u11", "u12", "u13"];

/// Does the next thing, at `now`.
fn act(site: &mut Site, random: &mut Random, (now, id): (i64, i64)) {
    let user = USERS[usize::try_from(if random.below(2) == 0 { random.below(2) } else { random.below(14) }).unwrap()];
    match random.below(200) {
        0..=3 => {
            let back = random.below(20) * SECOND;
            let (users, everyone) = if random.below(4) == 0 {
                (std::collections::BTreeMap::new(), Some(Timestamp(now - back)))
            } else {
                ([(Some(user.into()), Timestamp(now - back))].into(), None)
            };
            site.take(vec![Item::Gap(Lost { users, everyone })]);
        }
        4..=9 => site.put_away(),
        10..=15 => drop(site.worker().forget_step().unwrap()),
        16..=18 => site.apply(tasks(random.below(4))),
        19..=22 => site.reopen(),
        23 => site.worker().forget(Some(&user.into())).unwrap(),
        24..=25 => site.worker().advance(Timestamp(now)).unwrap(),
        _ => {
            let action = ["a", "a", "a", "a", "b", "b", "c", "n", "noise"][usize::try_from(random.below(9)).unwrap()];
            let late = if random.below(10) == 0 { random.below(4) * SECOND } else { 0 };
            site.record(now - late, (user, action, random.below(7)), id);
        }
    }
}

/// What is told step by step under these limits, and how often events were noted.
fn run(seed: u64, limits: Limits) -> (Vec<Vec<String>>, usize) {
    let dir = tempfile::tempdir().unwrap();
    let mut random = Random(seed);
    let lateness = Duration(if seed.is_multiple_of(2) { 0 } else { 2 * SECOND });
    let rows = if seed.is_multiple_of(3) { 120 } else { 100_000 };
    let retention = Retention { rows, ..Retention::UNLIMITED };
    let config = Config { limits, lateness, users: 1, ..Config::at(dir.path().join("e.db")).replay() };
    let mut site = Site::open(Config { retention, ..config });
    site.apply(tasks(i64::try_from(seed).unwrap()));
    let (mut told, mut now) = (vec![site.told()], 1_000_000);
    for id in 0..700 {
        now += random.below(3) * SECOND;
        act(&mut site, &mut random, (now, id));
        site.noted += site.worker().fold.notes();
        told.push(site.told());
    }
    site.worker().advance(Timestamp(now + 1_000 * SECOND)).unwrap();
    told.push(site.told());
    (told, site.noted)
}

#[test]
fn tasks_that_begin_alike_find_what_each_would_alone() {
    let (mut reasons, mut told, mut noted) = (BTreeSet::new(), 0, 0);
    for seed in 0..9 {
        let plain = run(seed, Limits { noted_from: usize::MAX, ..Limits::default() });
        assert_eq!(plain.1, 0);
        for (noted_from, notes) in [(1, 5), (5, 100)] {
            let noting = run(seed, Limits { noted_from, notes, ..Limits::default() });
            for (step, (a, b)) in plain.0.iter().zip(&noting.0).enumerate() {
                let differ = || a.iter().filter(|o| !b.contains(o)).chain(b.iter().filter(|o| !a.contains(o)));
                let (few, differ) = (a.len() > b.len(), differ().collect::<Vec<_>>());
                assert!(a == b, "seed {seed}, noted from {noted_from}, step {step}, missing {few}: {differ:#?}");
            }
            noted += noting.1;
        }
        told += plain.0.iter().flatten().count();
        for outcome in plain.0.iter().flatten() {
            reasons.extend(["reason: Gap", "reason: HistoryTruncated"].into_iter().filter(|r| outcome.contains(r)));
        }
    }
    assert!(told > 1_000 && noted > 5_000 && reasons.len() == 2, "{told} told, {noted} noted, {reasons:?}");
}

#[test]
fn a_run_whose_window_is_over_is_not_refused_for_what_is_lost_later() {
    let over = |lose: fn(&mut Site)| {
        let mut site = Site::open(Config::in_memory().replay());
        site.apply(vec![Task::of("t", rule("a b !n c", 10))]);
        site.record(0, ("u", "a", 0), 1);
        // It saw something less than a window ago, so that it is still there.
        site.record(9 * SECOND, ("u", "b", 0), 2);
        site.worker().advance(Timestamp(12 * SECOND)).unwrap();
        lose(&mut site);
        site.told()
    };
    let gap = |site: &mut Site| {
        site.take(vec![Item::Gap(Lost { everyone: Some(Timestamp(12 * SECOND)), ..Lost::default() })]);
    };
    let cut = |site: &mut Site| {
        let worker = site.worker();
        worker.begin();
        let (fold, mut log) = worker.parts();
        let key = crate::log::StreamKey::User(Some("u".into()));
        fold.cut(&key, ensue_matcher::Position { ts: Timestamp(10 * SECOND), seq: 9 }, &mut log).unwrap();
        worker.finish_batch().unwrap();
    };
    assert!(over(gap).is_empty() && over(cut).is_empty());
}
