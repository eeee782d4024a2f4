//! Calls from many threads, a queue that is full, listeners that misbehave.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};

use ensue_engine::{Clock, Config, Decision, Engine, Listener, ManualClock, Outcome, Recorded};
use ensue_rule::{EventRef, Task, Timestamp};

use crate::support::{Site, at, derives, rule, set, task, touch, triggered};

fn live(now: i64) -> Config {
    Config::in_memory().clock(Arc::new(ManualClock::new(Timestamp(now))))
}

#[test]
fn events_recorded_before_the_first_set_wait_for_it() {
    let site = Site::open(Config { early: 2, ..Config::in_memory().replay() });
    assert_eq!(site.record(&at(1_000, "a")), Recorded::Queued);
    assert_eq!(site.record(&at(1_500, "noise")), Recorded::Queued);
    site.apply(vec![task("t", rule("a b", 10_000))]);
    site.record(&at(2_000, "b"));
    assert_eq!(site.lines(), ["match t u @2000 a=1000 b=2000"]);
    assert_eq!(site.engine.stats().demanded, 2);
}

#[test]
fn no_more_than_the_limit_wait_for_the_first_set() {
    let site = Site::open(Config { early: 10, ..Config::in_memory().replay() });
    site.engine.ready().unwrap();
    let recorded: Vec<Recorded> = (0..50).map(|ts| site.record(&at(ts, "a"))).collect();
    let queued = recorded.iter().filter(|r| **r == Recorded::Queued).count();
    assert_eq!(queued, 10);
    assert_eq!(site.engine.stats().dropped, 40);
}

/// A clock that holds the worker up where it asks how long to sleep until a run times out.
#[derive(Debug, Default)]
struct Held {
    closed: Mutex<bool>,
    opened: Condvar,
    asked: AtomicU64,
}

impl Held {
    fn close(&self) {
        *self.closed.lock().unwrap() = true;
    }

    fn open(&self) {
        *self.closed.lock().unwrap() = false;
        self.opened.notify_all();
    }
}

impl Clock for Held {
    fn now(&self) -> Timestamp {
        Timestamp(1_000_000)
    }

    fn until(&self, due: Timestamp) -> Option<std::time::Duration> {
        if due > self.now() {
            // The store's own time.
            return None;
        }
        self.asked.fetch_add(1, Ordering::SeqCst);
        let closed = self.closed.lock().unwrap();
        drop(self.opened.wait_while(closed, |closed| *closed).unwrap());
        None
    }
}

/// Fills a queue of two while the worker is held up after `a` at 1,000: the last two of four `c` are lost.
fn lose(engine: &Engine, clock: &Held) {
    let absent = Task { outputs: vec![touch("x")], ..task("absent", rule("a !n", 10_000)) };
    let back = triggered("go", Task { outputs: vec![touch("y")], ..task("back", rule("a !n", 20_000)) });
    engine
        .apply(vec![set(vec![absent, task("plain", rule("a b", 10_000)), back, task("c", rule("c", 1_000))])])
        .unwrap();
    clock.close();
    let asked = clock.asked.load(Ordering::SeqCst);
    at(1_000, "a").record(engine);
    // The worker has committed it and asks how long to sleep.
    while clock.asked.load(Ordering::SeqCst) == asked {
        std::thread::yield_now();
    }
    let recorded: Vec<Recorded> = (1_001..1_005).map(|ts| at(ts, "c").record(engine)).collect();
    assert_eq!(recorded, [Recorded::Queued, Recorded::Queued, Recorded::Full, Recorded::Full]);
    clock.open();
    engine.flush().unwrap();
    assert_eq!(engine.stats().dropped, 2);
}

#[test]
fn where_events_were_lost_runs_that_wait_for_an_absence_end() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Arc::new(Held::default());
    let config = || Config { queue: 2, ..Config::at(dir.path().join("ensue.db")).clock(clock.clone()) };
    let site = Site::open(config());
    lose(&site.engine, &clock);
    at(2_000, "b").record(&site.engine);
    site.engine.advance_to(Timestamp(15_000)).unwrap();
    at(15_001, "go").record(&site.engine);
    site.engine.shutdown();
    let expected = [
        "match c u @1001 c=1001",
        "match c u @1002 c=1002",
        "refusal absent gap",
        "match plain u @2000 a=1000 b=2000",
        "refusal back gap",
    ];
    assert_eq!(site.wait_for(expected.len()), expected);
}

#[test]
fn many_threads_record_at_once() {
    let engine = Arc::new(Engine::open(Config { queue: 100_000, ..live(1_000_000) }).unwrap());
    engine.apply(vec![set(vec![task("t", rule("a", 10_000))])]).unwrap();
    let threads: Vec<_> = (0..8)
        .map(|n| {
            let engine = engine.clone();
            std::thread::spawn(move || {
                let user = format!("u{n}");
                for _ in 0..2_000 {
                    let event = EventRef { user_id: Some(&user), ..EventRef::default() };
                    assert_eq!(engine.record(&EventRef { action_type: "a", ..event }), Recorded::Queued);
                    assert_eq!(engine.record(&EventRef { action_type: "z", ..event }), Recorded::Unwanted);
                }
            })
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    engine.flush().unwrap();
    let stats = engine.stats();
    assert_eq!((stats.events, stats.demanded, stats.stored, stats.late), (32_000, 16_000, 16_000, 0));
    assert_eq!(stats.matches, 16_000);
}

#[test]
fn a_set_applied_while_events_come_misses_none_after_it() {
    let engine = Arc::new(Engine::open(Config { queue: 1_000_000, ..live(1_000_000) }).unwrap());
    engine.apply(vec![set(vec![task("other", rule("z", 10_000))])]).unwrap();
    let wanted = Arc::new(AtomicU64::new(0));
    let recording = {
        let (engine, wanted) = (engine.clone(), wanted.clone());
        std::thread::spawn(move || {
            for _ in 0..50_000 {
                if engine.record(&EventRef { action_type: "a", ..EventRef::default() }) == Recorded::Queued {
                    wanted.fetch_add(1, Ordering::Relaxed);
                }
            }
        })
    };
    engine.apply(vec![set(vec![task("t", rule("a", 10_000))])]).unwrap();
    recording.join().unwrap();
    engine.flush().unwrap();
    // Those queued between the publication of the demand and the commit may be history to the task.
    let stats = engine.stats();
    assert_eq!(stats.stored, wanted.load(Ordering::Relaxed));
    assert!(stats.matches <= stats.stored);
}

#[test]
fn a_listener_may_panic_and_may_call_back() {
    struct Rude(std::sync::Weak<Engine>, std::sync::mpsc::Sender<usize>);
    impl Listener for Rude {
        fn on_decisions(&self, decisions: &[Decision]) {
            let engine = self.0.upgrade().unwrap();
            let ids: Vec<&str> = decisions.iter().map(|d| &*d.id).collect();
            let acked = engine.ack(&ids).unwrap();
            self.1.send(acked).unwrap();
            panic!("rude");
        }
    }
    let engine = Arc::new(Engine::open(live(1_000_000)).unwrap());
    let (acked, told) = std::sync::mpsc::channel();
    engine.set_listener(Some(Arc::new(Rude(Arc::downgrade(&engine), acked))));
    engine.apply(vec![set(vec![Task { outputs: vec![touch("x")], ..task("t", rule("a", 10_000)) }])]).unwrap();
    for ts in [1_000, 2_000] {
        at(ts, "a").record(&engine);
        engine.flush().unwrap();
    }
    let patience = std::time::Duration::from_secs(20);
    let mut acknowledged = 0;
    while acknowledged < 2 {
        acknowledged += told.recv_timeout(patience).unwrap();
    }
    assert!(engine.decisions(10).unwrap().is_empty());
}

#[test]
fn a_listener_set_later_is_told_what_waits() {
    let engine = Engine::open(live(1_000_000)).unwrap();
    engine.apply(vec![set(vec![Task { outputs: vec![touch("x")], ..task("t", rule("a", 10_000)) }])]).unwrap();
    at(1_000, "a").record(&engine);
    engine.flush().unwrap();
    let told = Arc::new(crate::support::Told::default());
    engine.set_listener(Some(told.clone()));
    engine.flush().unwrap();
    assert_eq!(told.wait_for_decisions(1), 1);
}

#[test]
fn who_listens_to_decisions_alone_is_told_them_and_nothing_else() {
    #[derive(Default)]
    struct Alone(std::sync::Mutex<Vec<i64>>);
    impl Listener for Alone {
        fn on_decisions(&self, decisions: &[Decision]) {
            self.0.lock().unwrap().extend(decisions.iter().map(|d| d.at.0));
        }
        fn on_outcomes(&self, _: &[Outcome]) {
            self.0.lock().unwrap().push(-1);
        }
        fn wants_outcomes(&self) -> bool {
            false
        }
    }
    let (engine, alone) = (Engine::open(Config::in_memory().replay()).unwrap(), Arc::new(Alone::default()));
    engine.set_listener(Some(alone.clone()));
    let both = Task { outputs: vec![touch("x"), derives("made")], ..task("t", rule("a", 10_000)) };
    engine.apply(vec![set(vec![both, task("silent", rule("a", 10_000)), task("next", rule("made", 10_000))])]).unwrap();
    for ts in [1_000, 2_000] {
        at(ts, "a").record(&engine);
        at(ts + 1, "b").record(&engine);
    }
    engine.flush().unwrap();
    assert_eq!(*alone.0.lock().unwrap(), [1_000, 2_000]);
    assert_eq!((engine.stats().matches, engine.stats().decisions), (6, 2));
}

#[test]
fn in_replay_a_listener_that_waits_for_the_engine_is_told_so() {
    struct Waiting(std::sync::Weak<Engine>, Arc<AtomicU64>);
    impl Listener for Waiting {
        fn on_decisions(&self, _: &[Decision]) {}
        fn on_outcomes(&self, _: &[Outcome]) {
            let refused = self.0.upgrade().unwrap().flush().is_err();
            self.1.fetch_add(u64::from(refused), Ordering::SeqCst);
        }
    }
    let engine = Arc::new(Engine::open(Config::in_memory().replay()).unwrap());
    let refused = Arc::new(AtomicU64::new(0));
    engine.set_listener(Some(Arc::new(Waiting(Arc::downgrade(&engine), refused.clone()))));
    engine.apply(vec![set(vec![task("t", rule("a", 10_000))])]).unwrap();
    at(1_000, "a").record(&engine);
    engine.flush().unwrap();
    assert_eq!(refused.load(Ordering::SeqCst), 1);
}

#[test]
fn identify_names_the_user_of_later_events() {
    let engine = Engine::open(Config::in_memory().replay()).unwrap();
    let told = Arc::new(crate::support::Told::default());
    engine.set_listener(Some(told.clone()));
    engine.apply(vec![set(vec![task("t", rule("a", 10_000))])]).unwrap();
    for user in [None, Some("me"), None] {
        engine.identify(user);
        crate::support::Made { user: None, ..at(1_000, "a") }.record(&engine);
    }
    engine.flush().unwrap();
    let users: Vec<Option<String>> = told.outcomes.lock().unwrap().iter().filter_map(user_of).collect();
    assert_eq!(users, [None, Some("me".to_owned()), None]);
}

#[allow(clippy::option_option, reason = "the user of a match, where it is one")]
fn user_of(outcome: &Outcome) -> Option<Option<String>> {
    match outcome {
        Outcome::Match(m) => Some(m.user.as_deref().map(str::to_owned)),
        _ => None,
    }
}

#[test]
fn a_durable_record_waits_for_room_and_says_where_nothing_is_kept() {
    let engine = Engine::open(Config { queue: 4, ..live(1_000_000) }).unwrap();
    let durable = |ts, action| at(ts, action).lend(|event| engine.record_durable(event));
    let early = durable(1_000, "a").unwrap_err();
    assert!(early.is_no_tasks() && early.code() == "no_tasks", "{early}");
    engine.apply(vec![set(vec![task("t", rule("a", 10_000))])]).unwrap();
    for ts in 1_001..1_100 {
        assert_eq!(durable(ts, "a").unwrap(), Recorded::Queued);
    }
    assert_eq!(durable(2_000, "noise").unwrap(), Recorded::Unwanted);
    let bad = engine.record_durable(&EventRef::default()).unwrap();
    assert_eq!(bad, Recorded::Rejected(ensue_engine::Rejected::NoActionType));
    assert_eq!((engine.stats().stored, engine.stats().dropped), (100, 0));
    let json = br#"{"actionType":"a","ts":3000}"#;
    assert_eq!(engine.record_durable_json(json).unwrap().unwrap(), Recorded::Queued);
    assert!(engine.record_durable_json(b"[]").unwrap().is_err());
    assert_eq!(engine.stats().stored, 101);
    engine.shutdown();
    assert!(durable(3_000, "a").unwrap_err().is_closed());
}

#[test]
fn a_closed_engine_says_so() {
    let engine = Engine::open(live(1_000)).unwrap();
    engine.apply(vec![set(vec![task("t", rule("a !n", 10_000))])]).unwrap();
    at(1_000, "a").record(&engine);
    engine.flush().unwrap();
    assert!(engine.next_wakeup().is_some());
    engine.shutdown();
    engine.shutdown();
    assert!(engine.flush().unwrap_err().is_closed());
    assert!(engine.decisions(9).unwrap_err().is_closed(), "that nothing waits is not known");
    assert_eq!(engine.next_wakeup(), None);
    assert_eq!(engine.stats().events, 1);
    assert!(engine.apply(Vec::new()).unwrap_err().is_closed());
    assert_eq!(engine.record(&EventRef { action_type: "a", ..EventRef::default() }), Recorded::Closed);
}

#[test]
fn closing_loses_nothing_that_was_taken() {
    let engine = Engine::open(live(10_000)).unwrap();
    engine.apply(vec![set(vec![task("t", rule("a", 10_000))])]).unwrap();
    let queued = AtomicU64::new(0);
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                loop {
                    match at(1_000, "a").record(&engine) {
                        Recorded::Queued => queued.fetch_add(1, Ordering::SeqCst),
                        Recorded::Closed => break,
                        _ => 0,
                    };
                }
            });
        }
        while queued.load(Ordering::SeqCst) < 100 {
            std::thread::yield_now();
        }
        engine.shutdown();
    });
    assert_eq!(engine.stats().stored, queued.load(Ordering::SeqCst));
}

#[test]
fn a_worker_that_panics_closes_the_engine_and_not_the_host() {
    #[derive(Debug)]
    struct Broken;
    impl Clock for Broken {
        fn now(&self) -> Timestamp {
            Timestamp(1_000)
        }
        fn until(&self, due: Timestamp) -> Option<std::time::Duration> {
            assert!(due != Timestamp(11_000), "broken on purpose");
            None
        }
    }
    let engine = Engine::open(Config::in_memory().clock(Arc::new(Broken))).unwrap();
    engine.apply(vec![set(vec![task("t", rule("a !n", 10_000))])]).unwrap();
    at(1_000, "a").record(&engine);
    while !engine.flush().is_err_and(|e| e.is_closed()) {
        std::thread::yield_now();
    }
    assert_eq!(at(1_001, "a").record(&engine), Recorded::Closed);
    assert_eq!(at(1_001, "noise").record(&engine), Recorded::Closed);
    assert!(engine.decisions(1).unwrap_err().is_closed());
    assert_eq!(engine.next_wakeup(), None);
}
