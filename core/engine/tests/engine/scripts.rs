//! Scripts: asked after the commit, answered once, and what they find goes the way of any match. The host here is in Rust.

mod slow;

use std::sync::{Arc, Mutex};

use ensue_engine::pending::{Answer, Answered, Call};
use ensue_engine::{Config, Engine, Outcome, Scripts};
use ensue_rule::{Attr, EntryTest, Filter, FilterEntry, Rule, Task, TaskKind, Value};

use crate::support::{Site, arg, at, count, derives, file, returning, rule, set, stream, task, touch, triggered};

/// A script of the test.
type Script = dyn Fn(&Arc<Call>) -> Answer + Send + Sync;

/// Scripts by name; says which were asked, at which time.
struct Host {
    scripts: Vec<(&'static str, Box<Script>)>,
    asked: Mutex<Vec<String>>,
}

impl std::fmt::Debug for Host {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Host")
    }
}

impl Scripts for Host {
    fn run(&self, call: &Arc<Call>) -> Answer {
        self.asked.lock().unwrap().push(format!("{} @{}", call.script, call.trigger.ts().0));
        let script = self.scripts.iter().find(|(name, _)| **name == *call.script);
        script.map_or_else(|| Answer::Failed("no such script".to_owned()), |(_, script)| script(call))
    }
}

impl Host {
    fn of(name: &'static str, script: impl Fn(&Arc<Call>) -> Answer + Send + Sync + 'static) -> Arc<Self> {
        Self::new(vec![(name, Box::new(script))])
    }

    fn new(scripts: Vec<(&'static str, Box<Script>)>) -> Arc<Self> {
        Arc::new(Self { scripts, asked: Mutex::default() })
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *self.asked.lock().unwrap())
    }
}

fn with(config: Config, host: &Arc<Host>) -> Config {
    Config { scripts: Some(host.clone()), ..config }
}

/// A replay in memory whose scripts the host runs.
fn replay(host: &Arc<Host>) -> Site {
    Site::open(with(Config::in_memory().replay(), host))
}

/// Events of user `u`, one after another.
fn record(site: &Site, events: &[(i64, &'static str)]) {
    for (ts, action) in events {
        site.record(&at(*ts, action));
    }
}

/// A task of a script of its own name, at `end`, over events of these action types.
fn script(name: &str, of: &[&str]) -> Task {
    let entry = |action: &&str| FilterEntry {
        alias: Some((*action).into()),
        tests: vec![EntryTest { attr: Attr::ActionType, values: vec![(*action).into()] }],
    };
    let filter = Filter { entries: of.iter().map(entry).collect() };
    let kind = TaskKind::PyBacktrace { python_name: name.into(), hash: Some("h".into()) };
    triggered("end", Task { kind, filter, ..task(name, Rule::of_script()) })
}

fn found(call: &Call, name: &str, value: impl Into<Value>) -> Answer {
    Answer::Matches(vec![Answered::at(&call.trigger, vec![(name.into(), value.into())])])
}

fn none() -> Answer {
    Answer::Matches(Vec::new())
}

/// How many events the history has.
fn counting(call: &Arc<Call>) -> Answer {
    found(call, "n", i64::try_from(call.history.len().unwrap()).unwrap())
}

fn values(site: &Site) -> Vec<String> {
    site.engine.flush().unwrap();
    let of = |o: &Outcome| match o {
        Outcome::Match(m) => Some(m.values.0.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(" ")),
        _ => None,
    };
    site.take().iter().filter_map(of).collect()
}

#[test]
fn a_script_is_handed_what_passed_the_filter_and_consumes_up_to_the_trigger() {
    let host = Host::of("s", |call| {
        let all: Vec<String> = (0..call.history.len().unwrap())
            .map(|n| {
                let past = call.history.back(n).unwrap().unwrap();
                assert!(call.history.is_called(&past, &past.event().action_type));
                // All fields are kept.
                assert_eq!(past.value(&Attr::arg("noise")), Value::from("x"));
                format!("{}{}", past.event().action_type, past.ts().0)
            })
            .collect();
        assert_eq!(call.trigger.value(&Attr::arg("noise")), Value::from("x"));
        found(call, "seen", &*all.join(" "))
    });
    let site = replay(&host);
    site.apply(vec![script("s", &["a", "b"])]);
    record(&site, &[(1, "a"), (2, "c"), (3, "b"), (4, "end"), (5, "a"), (6, "end"), (7, "end")]);
    assert_eq!(values(&site), [r#"seen="b3 a1""#, r#"seen="a5""#, r#"seen="""#]);
    assert_eq!(host.asked(), ["s @4", "s @6", "s @7"]);
}

#[test]
fn in_replay_the_answer_comes_before_the_next_event() {
    let host = Host::of("s", counting);
    let site = replay(&host);
    let mut by_script = script("s", &["a"]);
    by_script.outputs.push(touch("hi"));
    site.apply(vec![by_script, task("r", rule("a", 100))]);
    record(&site, &[(1, "a"), (2, "end"), (3, "a"), (4, "end")]);
    assert_eq!(
        site.lines(),
        ["match r u @1 a=1", "match s u @2 ", "decision s hi", "match r u @3 a=3", "match s u @4 ", "decision s hi"]
    );
}

#[test]
fn what_goes_wrong_in_a_script_is_a_refusal_and_hurts_nothing_else() {
    let host = Host::of("s", |call| match call.history.len().unwrap() {
        1 => Answer::Failed("Traceback: no".to_owned()),
        2 => panic!("oh"),
        _ => none(),
    });
    let site = replay(&host);
    site.apply(vec![script("s", &["a"]), script("unknown", &["a"]), task("r", rule("a", 100))]);
    record(&site, &[(1, "a"), (2, "end"), (3, "a"), (4, "end"), (5, "a"), (6, "end")]);
    site.engine.flush().unwrap();
    let said = |o: &Outcome| match o {
        Outcome::Refusal(r) => {
            assert_eq!((r.reason.as_str(), &r.match_id), ("script", &None));
            Some(format!("{} @{}: {}", r.task, r.at.0, r.detail))
        }
        _ => None,
    };
    let refused: Vec<_> = site.take().iter().filter_map(said).collect();
    let expected = ["s @2: Traceback: no", "unknown @2: no such script", "s @4: the host panicked"];
    assert_eq!(refused[..3], expected);
    assert_eq!(site.engine.stats().matches, 3);
}

#[test]
fn without_a_host_a_script_is_refused() {
    let site = Site::of(vec![script("s", &["a"])]);
    site.record(&at(1, "end"));
    assert_eq!(site.lines(), ["refusal s script"]);
}

#[test]
fn derived_events_of_scripts_go_on_to_scripts() {
    let host = Host::new(vec![
        ("first", Box::new(|call: &Arc<Call>| found(call, "n", 7_i64))),
        (
            "second",
            Box::new(|call: &Arc<Call>| {
                let newest = call.history.back(0).unwrap().unwrap();
                found(call, "of", newest.value(&Attr::arg("n")))
            }),
        ),
    ]);
    let site = replay(&host);
    let mut first = script("first", &["a"]);
    first.outputs.push(derives("made"));
    let second = triggered("made", script("second", &["made"]));
    site.apply(vec![first, second]);
    record(&site, &[(1, "a"), (2, "end")]);
    assert_eq!(site.lines(), ["match first u @2 ", "event made u @2", "match second u @2 "]);
}

/// The rule of a script is the rule of a task.
#[test]
fn a_rule_over_the_history_finds_what_a_look_back_finds() {
    let rules = || {
        let mut keyed = returning(rule("a b", 6_000), "i", arg("a", "item"));
        keyed.partition_by.push(Attr::arg("item"));
        [returning(rule("a b{1,} c", 8_000), "n", count("b")), rule("a !n c", 20_000), rule("a b !n", 9_000), keyed]
    };
    for seed in 0..12 {
        for (i, rule) in rules().into_iter().enumerate() {
            let names = ["a", "b", "c", "n"];
            let of_script = rule.clone();
            let host = Host::of("t", move |call| {
                let found = call.history.find(&of_script).unwrap().unwrap();
                // The same as with any rule between.
                assert!(call.history.find(&crate::support::rule("x", 1)).unwrap().unwrap().is_empty());
                Answer::Matches(found)
            });
            let by_script = Task { rule: rule.clone(), ..script("t", &names) };
            let by_rule = Task { kind: TaskKind::Cep, ..by_script.clone() };
            // A consumed place is that of a stream, not of a partition.
            let once = |lines: Vec<String>| if i == 3 { lines.into_iter().take(1).collect() } else { lines };
            let lines = |task: Task| {
                let site = replay(&host);
                site.apply(vec![task]);
                stream(seed, 400).iter().for_each(|e| {
                    site.record(e);
                });
                once(site.lines())
            };
            let (of_rule, of_script) = (lines(by_rule), lines(by_script));
            assert_eq!(of_rule, of_script, "rule {i}, seed {seed}");
        }
    }
}

#[test]
fn a_rule_that_cannot_be_run_says_why() {
    let host = Host::of("s", |call| {
        let mut timing = rule("a b", 10);
        timing.on_timeout = Some(Vec::new());
        Answer::Failed(call.history.find(&timing).unwrap().unwrap_err())
    });
    let site = replay(&host);
    site.apply(vec![script("s", &["a"])]);
    site.record(&at(1, "end"));
    site.engine.flush().unwrap();
    assert!(matches!(&site.take()[..], [Outcome::Refusal(r)] if r.detail.contains("ON TIMEOUT")));
}

#[test]
fn what_is_asked_of_the_engine_by_a_script_does_not_wait_for_itself() {
    let engine: Arc<Mutex<Option<Arc<Engine>>>> = Arc::default();
    let of_script = engine.clone();
    let host = Host::of("s", move |_| {
        let engine = of_script.lock().unwrap().take().unwrap();
        Answer::Failed(engine.flush().unwrap_err().code().to_owned())
    });
    let site = Site::open(with(Config::in_memory(), &host));
    let Site { engine: ours, told } = site;
    let ours = Arc::new(ours);
    ours.apply(vec![set(vec![script("s", &["a"])])]).unwrap();
    *engine.lock().unwrap() = Some(ours.clone());
    at(1, "end").record(&ours);
    ours.flush().unwrap();
    let outcomes = told.outcomes.lock().unwrap().clone();
    assert!(outcomes.iter().all(|o| matches!(o, Outcome::Refusal(r) if r.detail == "unavailable")), "{outcomes:?}");
}

#[test]
fn a_history_that_is_not_whole_is_refused() {
    let host = Host::of("s", counting);
    let config = Config {
        retention: ensue_engine::Retention { rows: 16, ..ensue_engine::Retention::UNLIMITED },
        ..with(Config::in_memory().replay(), &host)
    };
    let site = Site::open(config);
    site.apply(vec![script("s", &["a"])]);
    for ts in 1..=5_000 {
        site.record(&at(ts, "a"));
    }
    site.record(&at(5_001, "end"));
    assert_eq!(site.lines(), ["refusal s history_truncated"]);
    assert!(host.asked().is_empty());
}

#[test]
fn a_changed_script_is_a_changed_task() {
    let host = Host::of("s", counting);
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(with(file(&dir), &host));
    let of = |hash: &str| {
        let kind = TaskKind::PyBacktrace { python_name: "s".into(), hash: Some(hash.into()) };
        Task { kind, ..script("s", &["a"]) }
    };
    let status = |hash: &str| site.engine.apply(vec![set(vec![of(hash)])]).unwrap().sets[0].tasks[0].status.as_str();
    assert_eq!([status("1"), status("1"), status("2")], ["added", "unchanged", "updated"]);
}

#[test]
fn pages_are_the_history_whatever_their_size() {
    for seed in 0..6 {
        let host = Host::of("s", |call| {
            let one_by_one: Vec<u64> = (0..).map_while(|n| call.history.back(n).unwrap()).map(|p| p.seq()).collect();
            assert_eq!(one_by_one.len(), call.history.len().unwrap());
            let mut sorted: Vec<_> =
                (0..).map_while(|n| call.history.back(n).unwrap()).map(|p| (p.ts(), p.seq())).collect();
            sorted.reverse();
            assert!(sorted.is_sorted());
            assert!(call.history.lost().unwrap().is_empty());
            found(call, "n", one_by_one.len().to_string().as_str())
        });
        let site =
            Site::open(with(Config { lateness: ensue_rule::Duration(5_000), ..Config::in_memory().replay() }, &host));
        site.apply(vec![script("s", &["a", "b"])]);
        stream(seed, 300).iter().for_each(|e| {
            site.record(e);
        });
        assert!(!values(&site).is_empty());
    }
}
