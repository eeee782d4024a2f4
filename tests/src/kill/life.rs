//! What the stores of the kill test live through: numbered events, task sets that come and go, moves of time.
//!
//! Everything follows from the seed and the number of the event, so that a run that was killed goes on where its store
//! says, and one that was never killed decides the same. Half of the lives are replayed, with times of their own and out of
//! order; the others are lived on a clock: events come without a time, and who opens the store finds time moved.

use std::path::Path;
use std::sync::Arc;

use ensue_engine::{Config, Engine, FeedbackKind, ManualClock, Place, Recorded};
use ensue_rule::{Duration, EventRef, TaskSet, Timestamp, Value};

use crate::random::Random;

/// The time of event 0.
const BEGIN: i64 = 1_750_000_000_000;

/// Task sets change after so many events.
const APPLY_EVERY: u64 = 90;

/// Time is moved after so many events.
const ADVANCE_EVERY: u64 = 35;

/// A decision is answered after so many events.
const ANSWER_EVERY: u64 = 11;

/// How late an event may come.
const LATENESS: i64 = 3_000;

const TASKS: [&str; 2] = [include_str!("../../kill/tasks-a.json"), include_str!("../../kill/tasks-b.json")];

const ACTIONS: [&str; 10] = ["pv", "pv", "pv", "cart", "cart", "buy", "buy", "leave", "go", "noise"];

const ITEMS: [&str; 2] = ["p", "q"];

/// Who may be forgotten; in the files these letters are nowhere else.
pub const FORGOTTEN: &str = "ulrike";

/// The life of one store.
#[derive(Clone, Copy, Debug, serde::Serialize, serde::Deserialize)]
pub struct Life {
    /// Names it.
    pub seed: u64,
    /// Whether it goes by a clock.
    pub live: bool,
}

/// An event of a life.
#[derive(Clone, Debug, PartialEq)]
pub struct Made {
    /// Its number, which is also its id.
    pub n: u64,
    /// Its time.
    pub ts: i64,
    /// What was done.
    pub action: &'static str,
    /// By whom.
    pub user: Option<&'static str>,
    item: &'static str,
    extra: i64,
    /// The engine gives it its time.
    stamped: bool,
}

impl Life {
    /// How engines that replay are set up: no clock, so that only what is recorded decides.
    pub fn config(path: &Path) -> Config {
        Config { lateness: Duration(LATENESS), ..Config::at(path).replay() }
    }

    /// How its engines are set up; on that clock, if it goes by one.
    pub fn config_on(self, path: &Path, clock: &Arc<ManualClock>) -> Config {
        let config = Self::config(path);
        if self.live { config.clock(clock.clone()) } else { config }
    }

    /// The same in memory.
    pub fn config_in_memory(self, clock: &Arc<ManualClock>) -> Config {
        Config { place: Place::Memory, ..self.config_on(Path::new(""), clock) }
    }

    /// When event `n` happens, by the clock.
    pub fn now(n: u64) -> Timestamp {
        Timestamp(BEGIN + signed(n) * 1_000)
    }

    /// Event `n`: a second after the one before, now and then out of order, seldom too late.
    pub fn event(self, n: u64) -> Made {
        let mut random = Random::new(self.seed.wrapping_mul(0x0100_0003).wrapping_add(n));
        random.bits();
        let back = match random.below(50) {
            _ if self.live => 0,
            0 => 5_000,
            1..=9 => random.range(100, 2_500),
            _ => 0,
        };
        Made {
            n,
            ts: Self::now(n).0 - back,
            action: random.pick::<&str>(&ACTIONS),
            user: *random.pick(&[None, Some(FORGOTTEN), Some("viktor")]),
            item: random.pick::<&str>(&ITEMS),
            extra: random.range(0, 9),
            stamped: self.live,
        }
    }

    /// The version of the task sets that is in force after event `n`; version 1 is from the beginning.
    pub fn version_after(n: u64) -> i64 {
        signed(n / APPLY_EVERY) + 1
    }

    /// After which event that version came.
    pub fn applied_at(version: i64) -> u64 {
        u64::try_from(version - 1).unwrap_or(0) * APPLY_EVERY
    }

    /// The task sets of a version.
    ///
    /// # Panics
    /// Where the documents of the kill test are not good.
    pub fn sets(version: i64) -> Vec<TaskSet> {
        let text = TASKS[usize::from(version % 2 == 0)];
        let options = ensue_dsl::ReadOptions::default();
        let sets =
            ensue_dsl::read_documents(text.as_bytes(), &options).expect("the documents of the kill test are good");
        sets.into_iter().map(|set| TaskSet { version: Some(version), ..set }).collect()
    }

    /// What is done once event `n` is recorded (and again by whoever goes on after it: twice is as good as once).
    pub fn after(self, engine: &Engine, in_force: &mut i64, n: u64) -> Result<(), String> {
        if self.live && n > 0 {
            // Time moves to now whenever the store is opened: so it moves after each event too, before all else.
            engine.advance_to(Self::now(n).minus(Duration(LATENESS))).map_err(|e| e.to_string())?;
        }
        let version = Self::version_after(n);
        if *in_force < version {
            let report = engine.apply(Self::sets(version)).map_err(|e| e.to_string())?;
            let refused = report.sets.iter().flat_map(|s| &s.tasks).find(|t| t.error.is_some());
            if let Some(task) = refused {
                return Err(format!("task {} is refused: {:?}", task.id, task.error));
            }
            *in_force = version;
        }
        if n.is_multiple_of(ANSWER_EVERY) {
            self.answer(engine, n)?;
        }
        if !self.live && n > 0 && n.is_multiple_of(ADVANCE_EVERY) {
            engine.advance_to(Self::now(n).minus(Duration(500))).map_err(|e| e.to_string())?;
        }
        Ok(())
    }
}

impl Life {
    /// What a user says to the last decision that was made for them.
    fn answer(self, engine: &Engine, n: u64) -> Result<(), String> {
        let mut random = Random::new(self.seed.wrapping_add(n));
        let user = *random.pick(&[None, Some("viktor")]);
        let kind = *random.pick(&[FeedbackKind::Shown, FeedbackKind::Clicked, FeedbackKind::Dismissed]);
        engine.flush().map_err(|e| e.to_string())?;
        let all: serde_json::Value =
            serde_json::from_str(&engine.export_user(user).map_err(|e| e.to_string())?).map_err(|e| e.to_string())?;
        let made = |d: &&serde_json::Value| d["at"].as_i64().is_some_and(|at| at <= Self::now(n).0);
        let last = all["decisions"].as_array().and_then(|all| all.iter().rfind(made));
        if let Some(id) = last.and_then(|d| d["id"].as_str()) {
            engine.feedback(id, kind, Some(Self::now(n)));
        }
        Ok(())
    }
}

impl Made {
    /// Hands it to `take` in the form in which it is recorded.
    pub fn lend<T>(&self, take: impl FnOnce(&EventRef<'_>) -> T) -> T {
        let id = Value::Int(signed(self.n));
        let args =
            [("item", self.item.into()), ("n", id.clone()), ("extra", self.extra.into()), ("unread", "x".into())];
        take(&EventRef {
            ts: (!self.stamped).then_some(Timestamp(self.ts)),
            id: Some(&id),
            action_type: self.action,
            user_id: self.user,
            args: &args,
            ..EventRef::default()
        })
    }

    /// Records it.
    pub fn record(&self, engine: &Engine) -> Recorded {
        self.lend(|event| engine.record(event))
    }

    /// Whether every version of the task sets wants it.
    pub fn is_always_wanted(&self) -> bool {
        ["pv", "cart", "buy", "leave"].contains(&self.action)
    }

    /// It as a line of JSON.
    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({"ts": self.ts, "id": self.n, "actionType": self.action, "userId": self.user,
            "args": {"item": self.item, "n": self.n, "extra": self.extra, "unread": "x"}})
    }
}

fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
