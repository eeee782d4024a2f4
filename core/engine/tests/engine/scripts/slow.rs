//! A script that takes its time: what is recorded, forgotten, cut away or lost in a crash while it stands still.

use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};

use ensue_engine::pending::{Answer, Call};
use ensue_engine::{Config, Engine, ManualClock, Outcome, Recorded, Retention};
use ensue_rule::{Task, Timestamp, Value};

use super::{Host, counting, none, record, script, with};
use crate::support::{Site, Told, at, rule, set, task, touch};

/// An engine over a file, live, whose only script `s` waits for the test each time it is asked.
struct Slow {
    site: Site,
    host: Arc<Host>,
    dir: tempfile::TempDir,
    arrived: Receiver<()>,
    let_go: Sender<()>,
}

impl Slow {
    /// Its answer is how many events the history has.
    fn counting() -> Self {
        Self::open(Retention::default(), counting)
    }

    fn open(retention: Retention, answer: fn(&Arc<Call>) -> Answer) -> Self {
        let ((here, arrived), (let_go, go)) = (channel(), channel());
        let (here, go) = (Mutex::new(here), Mutex::new(go));
        let host = Host::of("s", move |call| {
            here.lock().unwrap().send(()).unwrap();
            go.lock().unwrap().recv().unwrap();
            answer(call)
        });
        let dir = tempfile::tempdir().unwrap();
        let site = Site::open(Config { retention, ..with(live(&dir), &host) });
        Self { site, host, dir, arrived, let_go }
    }

    /// Waits until the script was asked; it stands still from then on.
    fn asked(&self) {
        self.arrived.recv().unwrap();
    }

    fn let_go(&self) {
        self.let_go.send(()).unwrap();
    }
}

fn live(dir: &tempfile::TempDir) -> Config {
    let clock = Arc::new(ManualClock::new(Timestamp(1_000)));
    Config::at(dir.path().join("ensue.db")).clock(clock)
}

#[test]
fn a_slow_script_holds_up_no_event_and_a_flush_waits_for_it() {
    let slow = Slow::counting();
    let site = &slow.site;
    site.apply(vec![script("s", &["a"]), task("r", rule("a", 100))]);
    record(site, &[(1, "a"), (2, "end"), (3, "end")]);
    slow.asked();
    // The script stands still, and events are matched.
    record(site, &[(4, "a")]);
    assert_eq!(site.wait_for(2), ["match r u @1 a=1", "match r u @4 a=4"]);
    slow.let_go();
    slow.let_go();
    // What came after the trigger is not in its history; the second sees what the first consumed.
    site.engine.flush().unwrap();
    assert_eq!(site.wait_for(2), ["match s u @2 ", "match s u @3 "]);
    slow.asked();
    site.engine.shutdown();
    assert_eq!(slow.host.asked(), ["s @2", "s @3"]);
}

#[test]
fn a_script_may_close_its_engine() {
    let dir = tempfile::tempdir().unwrap();
    let engine: Arc<OnceLock<Engine>> = Arc::default();
    let (closing, (here, closed)) = (engine.clone(), channel());
    let here = Mutex::new(here);
    let host = Host::of("s", move |_| {
        closing.get().unwrap().shutdown();
        here.lock().unwrap().send(()).unwrap();
        none()
    });
    let engine = engine.get_or_init(|| Engine::open(with(live(&dir), &host)).unwrap());
    // So that there is a thread that delivers, which ends with the worker, which waits for the script.
    engine.set_listener(Some(Arc::new(Told::default())));
    engine.apply(vec![set(vec![script("s", &["a"]), task("r", rule("a", 100))])]).unwrap();
    at(1, "a").record(engine);
    engine.flush().unwrap();
    at(2, "end").record(engine);
    closed.recv_timeout(std::time::Duration::from_secs(60)).unwrap();
    assert_eq!(at(3, "a").record(engine), Recorded::Closed);
}

#[test]
fn what_a_crash_left_unanswered_is_asked_again_and_nothing_else() {
    let slow = Slow::counting();
    let copy = tempfile::tempdir().unwrap();
    slow.site.apply(vec![Task { outputs: vec![touch("hi")], ..script("s", &["a"]) }]);
    record(&slow.site, &[(1, "a"), (2, "end")]);
    slow.asked();
    // As a killed process leaves it: the trigger is committed, the answer is not.
    for name in ["ensue.db", "ensue.db-wal", "ensue.db-entries"] {
        std::fs::copy(slow.dir.path().join(name), copy.path().join(name)).unwrap();
    }
    slow.let_go();
    slow.site.engine.flush().unwrap();
    slow.site.engine.shutdown();
    let again = Host::of("s", counting);
    let decided = |dir: &tempfile::TempDir| {
        let engine = Engine::open(with(live(dir), &again)).unwrap();
        engine.flush().unwrap();
        let decided: Vec<_> = engine.decisions(9).unwrap().iter().map(|d| (d.id.clone(), d.values.clone())).collect();
        engine.close();
        decided
    };
    let (first, second) = (decided(&slow.dir), decided(&copy));
    assert_eq!(again.asked(), ["s @2"], "only where the answer was not committed");
    assert_eq!((first.len(), &first), (1, &second), "the same answer is the same decision");
    assert_eq!(decided(&copy), first);
    assert!(again.asked().is_empty());
}

#[test]
fn an_answer_for_a_user_who_is_forgotten_meanwhile_is_nothing() {
    let slow = Slow::counting();
    let site = &slow.site;
    site.apply(vec![script("s", &["a"])]);
    record(site, &[(1, "a"), (2, "end"), (3, "end")]);
    slow.asked();
    site.engine.forget(Some("u")).unwrap();
    slow.let_go();
    site.engine.flush().unwrap();
    record(site, &[(4, "end")]);
    slow.let_go();
    site.engine.flush().unwrap();
    assert_eq!(slow.host.asked(), ["s @2", "s @4"]);
    assert_eq!(site.wait_for(1), ["match s u @4 "]);
}

/// Ten events and a trigger; then, while the script stands still, so many events far behind those before that the engine looks
/// for what nobody needs any more.
fn much_comes_after(slow: &Slow) {
    let site = &slow.site;
    for ts in 1..=10 {
        site.record(&at(ts, "a"));
    }
    site.record(&at(50, "end"));
    slow.asked();
    for ts in 1_000..6_000 {
        while site.record(&at(ts, "a")) == Recorded::Full {
            site.engine.advance_to(Timestamp(0)).unwrap();
        }
    }
    site.engine.advance_to(Timestamp(0)).unwrap();
    slow.let_go();
}

#[test]
fn what_a_slow_script_may_look_at_stays_whatever_time_it_is() {
    let slow = Slow::counting();
    // The window is that of the rule beside.
    slow.site.apply(vec![Task { rule: rule("a", 100), ..script("s", &["a"]) }]);
    much_comes_after(&slow);
    let [found] = &slow.site.wait_for_outcomes(1)[..] else { panic!("one match") };
    assert!(matches!(found, Outcome::Match(m) if m.values.0[0].1 == Value::Int(10)), "{found:?}");
}

#[test]
fn what_the_limits_of_the_log_take_from_under_a_script_is_an_error_there() {
    let retention = Retention { rows: 64, ..Retention::default() };
    let slow = Slow::open(retention, |call| Answer::Failed(call.history.len().unwrap_err().to_string()));
    slow.site.apply(vec![script("s", &["a"])]);
    much_comes_after(&slow);
    let told = slow.site.wait_for_outcomes(1);
    assert!(matches!(&told[0], Outcome::Refusal(r) if r.detail.contains("no longer whole")), "{told:?}");
}
