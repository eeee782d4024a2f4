//! Users who are put away and come again before the worker has met them: whenever it does, the log is that of a worker
//! who has never put anyone away.

use std::sync::Arc;

use ensue_rule::{
    Attr, BinaryOp, Condition, Duration, Element, EventRef, Expr, Pattern, Rule, Task, TaskSet, Timestamp, Value,
};

use super::super::{Command, Worker};
use crate::config::Config;
use crate::engine::Shared;
use crate::ingest::Item;
use crate::log::{Entry, StreamKey};

const MINUTE: i64 = 60_000;

/// What is done, one after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Do {
    /// An event at this minute that a task wants.
    Wanted(i64),
    /// One that none wants.
    Noise(i64),
    /// The worker takes what is queued.
    Work,
    /// It writes how far recording has come.
    Save,
    /// It puts all users away; where something is queued it takes that instead.
    Away,
    /// The store is closed, all having been taken, and opened again.
    Reopen,
    /// The same, but nothing that waits to be written is.
    Kill,
    /// Time moves to half a minute after this one, all having been taken: an event at this minute is raised to that.
    Advance(i64),
}

use Do::{Advance, Away, Kill, Noise, Reopen, Save, Wanted, Work};

/// A user, in an engine that keeps nobody in memory whom it may put away.
struct Site {
    shared: Arc<Shared>,
    worker: Option<Worker>,
    config: Config,
    /// The time of a bystander, who moves the device's.
    bystander: i64,
}

/// What the log says of an event: label, time, frontier before it, session, late.
type Row = (i64, i64, Option<i64>, u64, bool);

impl Site {
    fn new(config: Config, bystander: i64) -> Self {
        let mut site = Self::closed(config, bystander);
        site.open();
        let mut rule = Rule::new(Pattern { first: Element::stage("a"), then: Vec::new() });
        let named = Expr::binary(BinaryOp::Eq, Expr::attr("a", Attr::ActionType), Expr::literal("a"));
        rule.conditions.push(Condition::place(named, &rule.pattern).unwrap());
        let (reply, answer) = crate::reply::reply();
        site.worker().obey(Command::Apply(vec![TaskSet::of("s", [Task::of("t", rule)])], reply));
        answer.wait().unwrap().unwrap();
        site.stand_by();
        site
    }

    fn closed(config: Config, bystander: i64) -> Self {
        Self { shared: Arc::new(Shared::new(config.clone())), worker: None, config, bystander }
    }

    fn stand_by(&self) {
        self.record("noise", self.bystander, "bystander", 0);
    }

    fn open(&mut self) {
        self.worker = Some(Worker::open(&self.shared).unwrap().0);
    }

    fn worker(&mut self) -> &mut Worker {
        self.worker.as_mut().unwrap()
    }

    fn record(&self, action_type: &str, minute: i64, user: &str, id: i64) {
        let id = Value::Int(id);
        let (ts, user_id) = (Some(Timestamp(minute * MINUTE)), Some(user));
        let event = EventRef { ts, action_type, user_id, id: Some(&id), ..EventRef::default() };
        self.shared.ingest.record(&event, None, true, &self.shared.counters);
    }

    fn work(&mut self) {
        let mut items: Vec<Item> = Vec::new();
        self.shared.ingest.queue.take(usize::MAX, Some(std::time::Duration::ZERO), &mut items);
        let worker = self.worker();
        worker.take(&mut items);
        worker.finish_batch().unwrap();
    }

    fn put_away(&mut self) {
        let mut left = Vec::new();
        self.shared.ingest.queue.take(usize::MAX, Some(std::time::Duration::ZERO), &mut left);
        if !left.is_empty() {
            let worker = self.worker();
            worker.take(&mut left);
            worker.finish_batch().unwrap();
            return;
        }
        // Two are more than one.
        self.stand_by();
        self.worker().done = u64::MAX;
        self.worker().put_away().unwrap();
        self.worker().done = 0;
        assert!(!self.shared.ingest.users.has("u"), "still in memory");
    }

    fn act(&mut self, step: Do, id: i64) {
        match step {
            Wanted(minute) => self.record("a", minute, "u", id),
            Noise(minute) => self.record("noise", minute, "u", id),
            Work => self.work(),
            Save => self.worker().save_reached().unwrap(),
            Away => self.put_away(),
            Reopen => {
                self.work();
                self.worker().settle();
                self.reopen();
            }
            Kill => {
                self.work();
                self.reopen();
            }
            Advance(minute) => {
                self.work();
                let to = Timestamp(minute * MINUTE + MINUTE / 2);
                self.worker().advance(to).unwrap();
            }
        }
    }

    fn reopen(&mut self) {
        self.worker = None;
        *self = Self::closed(self.config.clone(), self.bystander);
        self.open();
    }

    /// What the log says in the end, and how far the store says the user has come.
    fn end(mut self) -> (Vec<Row>, Option<(i64, u64)>) {
        self.work();
        self.worker().save_reached().unwrap();
        let mut rows = Vec::new();
        let worker = self.worker();
        let visit = &mut |entry: Entry| {
            if let Entry::Event(e) = entry {
                let Some(Value::Int(id)) = e.event.id else { panic!("a label") };
                let before = Some(e.before).filter(|at| *at > Timestamp::MIN).map(|at| at.0 / MINUTE);
                rows.push((id, e.ts.0 / MINUTE, before, e.session, e.late));
            }
            Ok(())
        };
        worker.store.scan(0, visit).unwrap();
        let state = worker.store.state_of(&StreamKey::User(Some("u".into()))).unwrap();
        (rows, state.map(|s| (s.frontier.0 / MINUTE, s.session)))
    }
}

fn memory(users: usize) -> Config {
    Config { users, session_gap: Duration(30 * MINUTE), ..Config::in_memory().replay() }
}

/// The same with nobody ever put away and the worker at work after each event.
fn plain(steps: &[Do], bystander: i64) -> (Vec<Row>, Option<(i64, u64)>) {
    let mut site = Site::new(memory(1_000), bystander);
    for (id, step) in steps.iter().enumerate() {
        if matches!(step, Wanted(_) | Noise(_) | Advance(_)) {
            site.act(*step, i64::try_from(id).unwrap());
            site.act(Work, 0);
        }
    }
    site.end()
}

fn run(config: Config, steps: &[Do], bystander: i64) -> (Vec<Row>, Option<(i64, u64)>) {
    let mut site = Site::new(config, bystander);
    for (id, step) in steps.iter().enumerate() {
        site.act(*step, i64::try_from(id).unwrap());
    }
    site.end()
}

#[test]
fn whenever_the_worker_meets_who_comes_again_late_their_sessions_are_the_same() {
    // Who was at 490 comes again late, or not, and goes on; each time with the sessions they have.
    let cases: [(&[Do], &[u64]); 8] = [
        (&[Wanted(474), Wanted(518)], &[2, 2]),
        (&[Wanted(474), Wanted(518), Wanted(549)], &[2, 2, 3]),
        (&[Wanted(300), Wanted(340), Wanted(380), Wanted(420), Wanted(520), Wanted(551)], &[2, 2, 2, 2, 2, 3]),
        (&[Wanted(300), Noise(340), Noise(520), Wanted(330), Wanted(551)], &[2, 2, 3]),
        (&[Noise(300), Noise(340), Wanted(530), Wanted(300)], &[3, 3]),
        (&[Noise(400), Noise(440), Wanted(500), Noise(551), Wanted(600)], &[2, 4]),
        (&[Wanted(521), Wanted(552), Wanted(490)], &[3, 4, 4]),
        (&[Wanted(520), Wanted(550), Wanted(581)], &[2, 2, 3]),
    ];
    for (events, sessions) in cases {
        let before = [Wanted(100), Wanted(490), Work];
        let plainly = plain(&[&before[..], events].concat(), 490);
        let told: Vec<u64> = plainly.0.iter().skip(2).map(|row| row.3).collect();
        assert_eq!(told, sessions, "{events:?}");
        // After each event the worker does nothing, works, or writes how far recording has come, in all ways.
        for way in 0..3_usize.pow(u32::try_from(events.len()).unwrap()) {
            let mut steps = [&before[..], &[Away]].concat();
            let mut rest = way;
            for event in events {
                steps.push(*event);
                steps.extend([None, Some(Work), Some(Save)][rest % 3]);
                rest /= 3;
            }
            assert_eq!(relabelled(run(memory(1), &steps, 490)), relabelled(plainly.clone()), "{steps:?}");
        }
    }
}

/// Without labels, which count steps.
fn relabelled((mut rows, state): (Vec<Row>, Option<(i64, u64)>)) -> (Vec<Row>, Option<(i64, u64)>) {
    rows.iter_mut().for_each(|row| row.0 = 0);
    (rows, state)
}

/// A number by a seed, below a bound.
fn chance(state: &mut u64, below: i64) -> i64 {
    *state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    i64::try_from(*state >> 33).unwrap() % below
}

/// Steps by chance; `reopens`: the store is closed and opened among them.
fn steps(state: &mut u64, reopens: bool) -> Vec<Do> {
    let mut time = 1_000;
    let mut steps = Vec::new();
    for _ in 0..30 {
        time += chance(state, 25);
        let late = if chance(state, 3) == 0 { chance(state, 400) } else { 0 };
        steps.push(if chance(state, 3) == 0 { Noise(time - late) } else { Wanted(time - late) });
        match chance(state, 12) {
            0 | 1 => steps.extend([Work, Away]),
            2 => steps.push(Away),
            3 | 4 => steps.push(Work),
            5 => steps.push(Save),
            6 if reopens => steps.push(Reopen),
            _ => {}
        }
    }
    steps
}

#[test]
fn by_chance_the_log_is_that_of_a_worker_who_puts_nobody_away() {
    let mut state = 7;
    for case in 0..400 {
        let steps = steps(&mut state, false);
        assert_eq!(run(memory(1), &steps, 1_000), plain(&steps, 1_000), "case {case}: {steps:?}");
    }
}

#[test]
fn so_it_is_where_the_store_is_opened_again_among_it() {
    let mut state = 11;
    for case in 0..40 {
        let steps = steps(&mut state, true);
        let dir = tempfile::tempdir().unwrap();
        let config = Config { users: 1, ..Config::at(dir.path().join("ensue.db")).replay() };
        assert_eq!(run(config, &steps, 1_000), plain(&steps, 1_000), "case {case}: {steps:?}");
    }
}

#[test]
fn so_it_is_for_who_comes_before_the_store_is_open() {
    let before = [Wanted(100), Wanted(490), Work];
    let early = [Wanted(300), Wanted(340), Noise(380), Noise(420), Wanted(440), Noise(475), Wanted(530)];
    let plainly = plain(&[&before[..], &early].concat(), 490);
    let dir = tempfile::tempdir().unwrap();
    let config = || Config { users: 1, ..Config::at(dir.path().join("ensue.db")).replay() };
    let mut site = Site::new(config(), 490);
    before.iter().for_each(|step| site.act(*step, 0));
    site.worker().settle();
    drop(site);
    let mut site = Site::closed(config(), 490);
    early.iter().for_each(|step| site.act(*step, 0));
    site.open();
    assert_eq!(relabelled(site.end()), relabelled(plainly));
}

/// Who is raised to a time moved to has come, for `record`, no further than they were: a session begins where it would.
#[test]
fn an_event_that_is_raised_moves_no_session() {
    // A second less, so that whole minutes are apart where an event that was raised half a minute is not.
    let config = |config: Config| Config { users: 1, session_gap: Duration(30 * MINUTE - 1_000), ..config };
    let told = |config: Config, steps: &[Do]| {
        let (rows, state) = relabelled(run(config, steps, 490));
        (rows.into_iter().map(|(_, ts, _, session, late)| (ts, session, late)).collect::<Vec<_>>(), state)
    };
    let plainly = (vec![(460, 1, false), (490, 2, false)], Some((490, 2)));
    for between in [&[][..], &[Work], &[Save], &[Work, Away], &[Work, Save, Away], &[Reopen], &[Kill], &[Save, Kill]] {
        let steps = [&[Advance(460), Wanted(460)], between, &[Wanted(490)]].concat();
        let dir = tempfile::tempdir().unwrap();
        let stored = config(Config::at(dir.path().join("ensue.db")).replay());
        assert_eq!(told(stored, &steps), plainly, "{steps:?}");
    }
}

/// What a process that was killed had not written of who recorded, the log says.
#[test]
fn so_it_is_where_the_process_was_killed() {
    let mut state = 13;
    for case in 0..40 {
        let steps = steps(&mut state, true).into_iter().map(|step| match step {
            // Of events that no task wants nothing is left.
            Noise(minute) => Wanted(minute),
            Reopen => Kill,
            step => step,
        });
        let steps: Vec<Do> = steps.collect();
        let dir = tempfile::tempdir().unwrap();
        let config = Config { users: 1, ..Config::at(dir.path().join("ensue.db")).replay() };
        assert_eq!(run(config, &steps, 1_000), plain(&steps, 1_000), "case {case}: {steps:?}");
    }
}
