//! How long past decisions count and may be answered, over restarts, which forget what no control can look at.

use ensue_engine::FeedbackKind;
use ensue_rule::{Cap, Counted, Duration, Per, Policy, Task, Timestamp};

use crate::support::{Site, at, file, rule, task, touch};

const HOUR: i64 = 60 * 60 * 1_000;
const DAY: i64 = 24 * HOUR;

/// A store that is closed and opened again at will.
struct Kept {
    dir: tempfile::TempDir,
    site: Site,
}

impl Kept {
    fn of(tasks: Vec<Task>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let site = Site::open(file(&dir));
        site.apply(tasks);
        Self { dir, site }
    }

    fn reopen(&mut self) {
        self.site.engine.shutdown();
        self.site = Site::open(file(&self.dir));
        self.site.engine.ready().unwrap();
    }

    /// What becomes of a touch at this time; a decision is acknowledged.
    fn touch(&self, ts: i64, action: &'static str) -> String {
        self.site.record(&at(ts, action));
        let mut told = self.site.lines();
        for decision in self.site.engine.decisions(10).unwrap() {
            self.site.engine.ack(&[&decision.id]).unwrap();
        }
        told.pop().unwrap()
    }

    fn last_id(&self) -> String {
        self.site.told.decisions.lock().unwrap().last().unwrap().id.to_string()
    }

    /// How many rows a table has.
    fn rows(&self, table: &str) -> i64 {
        let store = rusqlite::Connection::open(self.dir.path().join("ensue.db")).unwrap();
        store.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0)).unwrap()
    }
}

fn touching(id: &str, action: &str, policy: Policy) -> Task {
    Task { outputs: vec![touch("popup")], policy, ..task(id, rule(action, 60_000)) }
}

#[test]
fn feedback_of_days_later_finds_its_decision_and_counts_from_then_on() {
    let shown = Cap { count: Counted::Shown, ..Cap::of(1, Per::Day) };
    let policy = Policy { caps: vec![shown], ..Policy::default() };
    let mut kept = Kept::of(vec![touching("w", "a", policy), task("other", rule("c", 1_000))]);
    assert_eq!(kept.touch(0, "a"), "decision w popup");
    let id = kept.last_id();
    kept.site.record(&at(3 * DAY, "c"));
    kept.reopen();
    kept.site.engine.feedback(&id, FeedbackKind::Shown, Some(Timestamp(3 * DAY + HOUR)));
    assert_eq!(kept.touch(3 * DAY + 2 * HOUR, "a"), "refusal w cap");
    kept.reopen();
    assert_eq!(kept.site.engine.stats().feedback_unknown, 0);
    assert_eq!(kept.touch(3 * DAY + 3 * HOUR, "a"), "refusal w cap");
    kept.site.record(&at(80 * DAY, "c"));
    kept.reopen();
    kept.site.engine.feedback(&id, FeedbackKind::Clicked, None);
    kept.site.engine.flush().unwrap();
    kept.site.engine.shutdown();
    assert_eq!((kept.rows("decisions"), kept.rows("feedback")), (1, 2));
    kept.reopen();
    kept.site.record(&at(172 * DAY, "c"));
    kept.site.engine.shutdown();
    assert_eq!((kept.rows("decisions"), kept.rows("feedback")), (0, 0), "90 days after, nothing is left");
}

#[test]
fn a_decision_keeps_its_group_as_long_as_it_was_given_when_it_was_made() {
    let of = |ttl| Policy { exclusive: Some("g".into()), ttl: Some(Duration(ttl)), ..Policy::default() };
    let mut kept = Kept::of(vec![touching("p", "a", of(7 * DAY)), touching("s", "b", of(HOUR))]);
    assert_eq!(kept.touch(0, "a"), "decision p popup");
    kept.site.apply(vec![touching("p", "a", of(HOUR)), touching("s", "b", of(HOUR)), task("c", rule("c", 1_000))]);
    kept.site.record(&at(3 * DAY, "c"));
    kept.reopen();
    assert_eq!(kept.touch(3 * DAY + HOUR, "b"), "refusal s exclusive");
    assert_eq!(kept.touch(7 * DAY, "b"), "decision s popup");
}

#[test]
fn a_control_that_looks_further_back_finds_what_was_decided_before_it() {
    let soon = Policy { cooldown: Some(Duration(HOUR)), ..Policy::default() };
    let two = Policy { caps: vec![Cap::of(2, Per::Span(Duration(30 * DAY)))], ..Policy::default() };
    let mut kept = Kept::of(vec![touching("w", "a", soon)]);
    assert_eq!(kept.touch(0, "a"), "decision w popup");
    assert_eq!(kept.touch(5 * DAY, "a"), "decision w popup");
    kept.reopen();
    assert_eq!(kept.touch(5 * DAY + 1, "a"), "refusal w cooldown");
    kept.site.apply(vec![touching("w", "a", two)]);
    assert_eq!(kept.touch(6 * DAY, "a"), "refusal w cap");
}
