//! What an engine goes through while it reads a world: in some few users stay in memory, and it is closed and opened again on
//! the way. What it tells must not depend on any of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};

use ensue_engine::{Config, Decision, Engine, Listener, Outcome};
use ensue_rule::{EventRef, TaskSet, Timestamp, Value};

use super::{OTHER, Recorded};
use crate::random::Random;

/// Items of the queue behind a user's last event until they may be put away, and some more.
const BEHIND: usize = 80;

/// How many users stay in memory.
const FEW: usize = 2;

/// Of whom no task wants anything: with them there are more than eight times [`FEW`], so that those with live runs are put away
/// too, and never more than sixteen times, of whom not everything would be known.
const PASSERS_BY: usize = 14;

/// What happens to the engine before an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// Those who may be are put away.
    Crowded,
    /// It is closed, and opened again.
    Reopened,
}

/// What happens to the engine before which events.
#[derive(Clone, Debug, Default)]
pub(super) struct Life(BTreeMap<usize, Moment>);

/// What was told, and what the engine went through.
#[derive(Debug, Default)]
pub(super) struct Lived {
    pub(super) outcomes: Vec<Outcome>,
    /// The events with which a user came back who was not in memory.
    pub(super) returns: Vec<(&'static str, u64)>,
    pub(super) reopened: usize,
}

impl Life {
    /// Of a world of so many events in which users are put away.
    pub(super) fn crowded(random: &mut Random, events: usize) -> Self {
        let place = |random: &mut Random| usize::try_from(random.below(events as u64)).unwrap_or(0);
        let mut moments = BTreeMap::new();
        for _ in 0..random.range(2, 6) {
            moments.insert(place(random), Moment::Crowded);
        }
        if random.chance(30) {
            moments.insert(place(random), Moment::Reopened);
        }
        Self(moments)
    }

    /// Whether users are put away at all.
    pub(super) fn is_crowded(&self) -> bool {
        !self.0.is_empty()
    }

    fn is_reopened(&self) -> bool {
        self.0.values().any(|moment| *moment == Moment::Reopened)
    }

    /// Lives through these events up to `end`.
    pub(super) fn lead(
        &self,
        (config, tasks): (Config, TaskSet),
        (events, end): (&[Recorded], Timestamp),
        random: &mut Random,
    ) -> Result<Lived, String> {
        let dir = self.is_reopened().then(tempfile::tempdir).transpose().map_err(|e| e.to_string())?;
        let place = dir.as_ref().map_or_else(Config::in_memory, |dir| Config::at(dir.path().join("ensue.db")));
        let users = if self.is_crowded() { FEW } else { config.users };
        let config = Config { place: place.place, users, ..config };
        let mut host = Host::open(config)?;
        host.engine.apply(vec![tasks]).map_err(|e| e.to_string())?;
        for (i, e) in events.iter().enumerate() {
            match self.0.get(&i) {
                Some(Moment::Crowded) => host.crowd()?,
                Some(Moment::Reopened) => host = host.again()?,
                None => {}
            }
            host.record(e);
            if random.chance(15) {
                host.flush()?;
            }
        }
        host.flush()?;
        host.engine.advance_to(end).map_err(|e| e.to_string())?;
        host.flush()?;
        host.engine.shutdown();
        host.lived.outcomes = host.kept.take();
        Ok(host.lived)
    }
}

/// An engine and what it told.
struct Host {
    config: Config,
    engine: Engine,
    kept: Arc<Kept>,
    seen: BTreeSet<&'static str>,
    lived: Lived,
}

impl Host {
    fn open(config: Config) -> Result<Self, String> {
        let engine = Engine::open(config.clone()).map_err(|e| e.to_string())?;
        let kept = Arc::new(Kept::default());
        engine.set_listener(Some(kept.clone()));
        Ok(Self { config, engine, kept, seen: BTreeSet::new(), lived: Lived::default() })
    }

    /// The same store, opened again.
    fn again(self) -> Result<Self, String> {
        self.engine.shutdown();
        let Self { config, kept, seen, mut lived, .. } = self;
        lived.reopened += 1;
        let engine = Engine::open(config.clone()).map_err(|e| e.to_string())?;
        engine.set_listener(Some(kept.clone()));
        Ok(Self { config, engine, kept, seen, lived })
    }

    fn flush(&self) -> Result<(), String> {
        self.engine.flush().map_err(|e| e.to_string())
    }

    /// Lets whoever may be put away be.
    fn crowd(&self) -> Result<(), String> {
        (0..BEHIND).try_for_each(|_| self.flush())?;
        for n in 0..PASSERS_BY {
            let (ts, name) = (Some(Timestamp(0)), format!("passer-by {n}"));
            self.engine.record(&EventRef { ts, action_type: OTHER, user_id: Some(&name), ..EventRef::default() });
        }
        self.flush()
    }

    fn record(&mut self, e: &Recorded) {
        let id = Value::Int(i64::try_from(e.fed.id).unwrap_or(i64::MAX));
        let mut args: Vec<(&str, Value)> = e.fed.fields.iter().map(|(k, v)| (k.as_str(), v.clone())).collect();
        args.extend(e.item.map(|item| ("item", Value::Int(item))));
        let before = self.engine.stats().users;
        self.engine.record(&EventRef {
            ts: Some(Timestamp(e.fed.ts)),
            id: Some(&id),
            action_type: e.action,
            user_id: Some(e.user),
            args: &args,
            ..EventRef::default()
        });
        let came = self.engine.stats().users > before;
        if !self.seen.insert(e.user) && came {
            self.lived.returns.push((e.user, e.fed.id));
        }
    }
}

/// Keeps what it is told.
#[derive(Default)]
struct Kept(Mutex<Vec<Outcome>>);

impl Kept {
    fn take(&self) -> Vec<Outcome> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Listener for Kept {
    fn on_decisions(&self, _: &[Decision]) {}

    fn on_outcomes(&self, outcomes: &[Outcome]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(outcomes.iter().cloned());
    }
}
