//! What the tests share: rules written briefly, engines that tell what they decide, and a stream made by chance.

use std::sync::{Arc, Condvar, Mutex};

use ensue_engine::{Config, Decision, Engine, Listener, Outcome, Recorded};
use ensue_rule::{AggFn, ExprKind, Scope};
use ensue_rule::{
    Attr, BinaryOp, Condition, Contiguity, Duration, Element, EventRef, Expr, On, Output, OutputKind, Pattern,
    Quantifier, Return, Rule, Span, Stage, Step, Task, TaskSet, Timestamp, Trigger, Value, Within, WithinKind,
};

/// `a b{2,} !n c`: relaxed arrows between; a stage takes the action type of its name.
pub(crate) fn rule(pattern: &str, window_ms: i64) -> Rule {
    let mut elements = pattern.split(' ').map(element);
    let first = elements.next().unwrap();
    let step = |element| Step { arrow: Contiguity::Relaxed, bound: None, element, span: Span::default() };
    let mut rule = Rule::new(Pattern { first, then: elements.map(step).collect() });
    let names: Vec<_> = rule.pattern.stages().iter().map(|s| s.name.clone()).collect();
    for name in names {
        given(&mut rule, Expr::binary(BinaryOp::Eq, Expr::attr(&name, Attr::ActionType), Expr::literal(&*name)));
    }
    rule.within = Some(Within { duration: Duration(window_ms), kind: WithinKind::Match });
    rule
}

fn element(text: &str) -> Element {
    if let Some(name) = text.strip_prefix('!') {
        return Element::not(name);
    }
    let Some((name, times)) = text.split_once('{') else { return Element::stage(text) };
    let (min, max) = times.trim_end_matches('}').split_once(',').unwrap();
    let quantifier = Some(Quantifier::times(min.parse().unwrap(), max.parse().ok()));
    Element::Stage(Stage { name: name.into(), quantifier, span: Span::default() })
}

/// Adds a conjunct.
pub(crate) fn given(rule: &mut Rule, expr: Expr) {
    let condition = Condition::place(expr, &rule.pattern).unwrap();
    rule.conditions.push(condition);
}

/// `stage.args.name`.
pub(crate) fn arg(stage: &str, name: &str) -> Expr {
    Expr::attr(stage, Attr::arg(name))
}

/// `RETURN expr AS name`.
pub(crate) fn returning(mut rule: Rule, name: &str, expr: Expr) -> Rule {
    rule.returns.push(Return { name: name.into(), expr });
    rule
}

/// `COUNT(stage)`.
pub(crate) fn count(stage: &str) -> Expr {
    let (func, scope) = (AggFn::Count, Scope::All);
    ExprKind::Aggregate { func, scope, distinct: false, stage: Some(stage.into()), attr: None }.into()
}

pub(crate) fn task(id: &str, rule: Rule) -> Task {
    Task::of(id, rule)
}

pub(crate) fn touch(name: &str) -> Output {
    let kind = OutputKind::Touch { touch: name.into(), payload: Value::Null };
    Output { on: On::Match, when: None, kind }
}

pub(crate) fn derives(action_type: &str) -> Output {
    let kind = OutputKind::Event { action_type: action_type.into(), scene: None };
    Output { on: On::Match, when: None, kind }
}

/// The same task, looking back at events of this action type.
pub(crate) fn triggered(by: &str, task: Task) -> Task {
    Task { trigger: Some(Trigger { action_types: vec![by.into()], scenes: Vec::new() }), ..task }
}

pub(crate) fn set(tasks: Vec<Task>) -> TaskSet {
    TaskSet::of("default", tasks)
}

/// Keeps what it is told.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) outcomes: Mutex<Vec<Outcome>>,
    pub(crate) decisions: Mutex<Vec<Decision>>,
    heard: Condvar,
}

/// How long a test waits for another thread before it fails.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

impl Told {
    /// Waits until at least `n` decisions were told.
    pub(crate) fn wait_for_decisions(&self, n: usize) -> usize {
        let told = self.decisions.lock().unwrap();
        self.heard.wait_timeout_while(told, PATIENCE, |d| d.len() < n).unwrap().0.len()
    }
}

impl Listener for Told {
    fn on_decisions(&self, decisions: &[Decision]) {
        self.decisions.lock().unwrap().extend_from_slice(decisions);
        self.heard.notify_all();
    }

    fn on_outcomes(&self, outcomes: &[Outcome]) {
        self.outcomes.lock().unwrap().extend_from_slice(outcomes);
        self.heard.notify_all();
    }
}

/// An engine and what it told.
pub(crate) struct Site {
    pub(crate) engine: Engine,
    pub(crate) told: Arc<Told>,
}

impl Site {
    pub(crate) fn open(config: Config) -> Self {
        let engine = Engine::open(config).unwrap();
        let told = Arc::new(Told::default());
        engine.set_listener(Some(told.clone()));
        Self { engine, told }
    }

    /// A replay over tasks, in memory.
    pub(crate) fn of(tasks: Vec<Task>) -> Self {
        let this = Self::open(Config::in_memory().replay());
        this.apply(tasks);
        this
    }

    pub(crate) fn apply(&self, tasks: Vec<Task>) {
        for report in &self.engine.apply(vec![set(tasks)]).unwrap().sets {
            assert!(report.tasks.iter().all(|t| t.error.is_none()), "{report:?}");
        }
    }

    pub(crate) fn record(&self, event: &Made) -> Recorded {
        event.record(&self.engine)
    }

    /// What was told since the last call, as short lines.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.engine.flush().unwrap();
        self.take().iter().map(line).collect()
    }

    /// Waits until at least `n` outcomes were told, as short lines.
    pub(crate) fn wait_for(&self, n: usize) -> Vec<String> {
        let told = self.told.outcomes.lock().unwrap();
        let mut told = self.told.heard.wait_timeout_while(told, PATIENCE, |o| o.len() < n).unwrap().0;
        std::mem::take(&mut *told).iter().map(line).collect()
    }

    /// Waits until at least `n` outcomes were told.
    pub(crate) fn wait_for_outcomes(&self, n: usize) -> Vec<Outcome> {
        let told = self.told.outcomes.lock().unwrap();
        let mut told = self.told.heard.wait_timeout_while(told, PATIENCE, |o| o.len() < n).unwrap().0;
        std::mem::take(&mut *told)
    }

    pub(crate) fn take(&self) -> Vec<Outcome> {
        std::mem::take(&mut *self.told.outcomes.lock().unwrap())
    }
}

/// `match t u1 @300 a=[1] b=[2,3]`, `decision t coupon`, `refusal t cap`, `event x`.
pub(crate) fn line(outcome: &Outcome) -> String {
    let user = |u: &Option<Arc<str>>| u.as_deref().unwrap_or("-").to_owned();
    let matched = |kind: &str, m: &ensue_engine::MatchRecord| {
        let bound = |(stage, ids): &(Arc<str>, Vec<Value>)| {
            format!("{stage}={}", ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
        };
        let bindings = m.bindings.0.iter().map(bound).collect::<Vec<_>>().join(" ");
        format!("{kind} {} {} @{} {bindings}", m.task, user(&m.user), m.at.0)
    };
    match outcome {
        Outcome::Match(m) => matched("match", m),
        Outcome::Timeout(m) => matched("timeout", m),
        Outcome::Event(e) => format!("event {} {} @{}", e.event["actionType"].as_str().unwrap(), user(&e.user), e.at.0),
        Outcome::Decision(d) => format!("decision {} {}", d.task, d.touch),
        Outcome::Refusal(r) => format!("refusal {} {}", r.task, r.reason.as_str()),
    }
}

/// An event of a test.
#[derive(Clone, Debug)]
pub(crate) struct Made {
    pub(crate) ts: i64,
    pub(crate) action: &'static str,
    pub(crate) user: Option<&'static str>,
    pub(crate) id: i64,
    pub(crate) item: &'static str,
}

impl Made {
    pub(crate) fn record(&self, engine: &Engine) -> Recorded {
        self.lend(|event| engine.record(event))
    }

    pub(crate) fn lend<T>(&self, take: impl FnOnce(&EventRef<'_>) -> T) -> T {
        let (id, args) = (Value::Int(self.id), [("item", Value::from(self.item)), ("noise", Value::from("x"))]);
        take(&EventRef {
            ts: Some(Timestamp(self.ts)),
            id: Some(&id),
            action_type: self.action,
            user_id: self.user,
            args: &args,
            ..EventRef::default()
        })
    }
}

/// An event of user `u` whose id is its time.
pub(crate) fn at(ts: i64, action: &'static str) -> Made {
    Made { ts, action, user: Some("u"), id: ts, item: "x" }
}

/// A stream of several users by a seed: mostly forward in time, now and then back, with pauses.
pub(crate) fn stream(seed: u64, n: usize) -> Vec<Made> {
    let mut state = seed.wrapping_mul(2_862_933_555_777_941_757).wrapping_add(3_037_000_493);
    let mut next = move |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    let (mut ts, mut made) = (1_700_000_000_000, Vec::new());
    for i in 0..n {
        ts += match next(20) {
            0 => 40_000,
            1..=8 => 0,
            n => i64::try_from(n).unwrap() * 200,
        };
        let back = if next(8) == 0 { i64::try_from(next(9_000)).unwrap() } else { 0 };
        let pick = |list: &[&'static str], n: u64| list[usize::try_from(n).unwrap()];
        made.push(Made {
            ts: ts - back,
            action: pick(&["a", "b", "c", "n", "x", "end", "noise"], next(7)),
            user: [None, Some("u"), Some("v")][usize::try_from(next(3)).unwrap()],
            id: i64::try_from(i).unwrap() + 1,
            item: pick(&["p", "q"], next(2)),
        });
    }
    made
}

/// A file in a folder of its own.
pub(crate) fn file(dir: &tempfile::TempDir) -> Config {
    Config::at(dir.path().join("ensue.db")).replay()
}
