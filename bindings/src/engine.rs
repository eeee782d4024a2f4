//! The calls of an engine.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ensue_dsl::ReadOptions;
use ensue_engine as core;
use ensue_rule::Timestamp;

use crate::config::Config;
use crate::error::{EnsueError, guarded};
use crate::event::{self, Event, Recorded};
use crate::listener::{Listener, Told};
use crate::opened;
use crate::outcome::Decision;
use crate::packed;
use crate::report::{ApplyReport, OpenReport};
use crate::stats::{Counter, Stats};
use crate::value::Named;

/// Runs tasks over events. Its calls may come from any thread.
#[derive(Debug, uniffi::Object)]
pub struct Engine {
    pub(crate) core: Arc<core::Engine>,
    number: u64,
    open: AtomicBool,
}

#[uniffi::export]
impl Engine {
    /// Starts the worker, which opens the store; returns at once, and calls made before it is open are kept.
    #[uniffi::constructor]
    pub fn new(config: Config) -> Result<Self, EnsueError> {
        guarded(|| {
            let core = Arc::new(core::Engine::open(config.into())?);
            let number = opened::put(&core);
            Ok(Self { core, number, open: AtomicBool::new(true) })
        })
    }

    /// Waits until the store is open, and says how that went.
    pub fn ready(&self) -> Result<OpenReport, EnsueError> {
        guarded(|| Ok(self.core.ready()?.into()))
    }

    /// Puts task documents (JSON) in place of those of their sources, and waits until that is committed. A refused task
    /// is in the report; only what is malformed as a whole is an error.
    pub fn apply(&self, tasks: String) -> Result<ApplyReport, EnsueError> {
        guarded(|| {
            let sets = ensue_dsl::read_documents(tasks.as_bytes(), &ReadOptions::default())?;
            Ok(self.core.apply(sets)?.into())
        })
    }

    /// Takes an event: what was done, where, and its attributes in any order. Never waits but in a replay.
    pub fn record(&self, action_type: String, scene: Option<String>, args: Vec<Named>) -> Result<Recorded, EnsueError> {
        guarded(|| Ok(event::positional(&self.core, &action_type, scene.as_deref(), &args)))
    }

    /// Takes an event with all that can be said of it.
    pub fn record_event(&self, event: Event) -> Result<Recorded, EnsueError> {
        guarded(|| Ok(event.record(&self.core)))
    }

    /// Takes an event in its packed form (`packed.rs` says which), read where it lies in the host's memory. Gives the number
    /// of what became of it (`Recorded::number`).
    pub fn record_packed(&self, event: &[u8]) -> Result<u8, EnsueError> {
        guarded(|| Ok(packed::record(&self.core, event).number()))
    }

    /// Takes an event in its packed form, and waits until it, and all before it, is on the disk, so that not even a crash of
    /// the system takes it back. Gives the number of what became of it, as `record_packed`; where it is not `Queued`, this
    /// event is not kept. Before the first tasks, when events wait in memory, it is an error.
    pub fn record_packed_durable(&self, event: Vec<u8>) -> Result<u8, EnsueError> {
        guarded(|| Ok(packed::record_durable(&self.core, &event)?.number()))
    }

    /// So many events were lost because the host had no room to keep them until there was an engine: they are counted as
    /// dropped, and there is a gap of all users up to now.
    pub fn lose(&self, events: u64) -> Result<(), EnsueError> {
        guarded(|| {
            self.core.lose(events);
            Ok(())
        })
    }

    /// Takes an event in its JSON form; a malformed one is an error, and counted.
    pub fn record_json(&self, event: Vec<u8>) -> Result<Recorded, EnsueError> {
        guarded(|| Ok(self.core.record_json(&event)?.into()))
    }

    /// Waits until all that was recorded before is committed.
    pub fn flush(&self) -> Result<(), EnsueError> {
        guarded(|| Ok(self.core.flush()?))
    }

    /// Moves the time of all users, and waits until what that completes is committed.
    pub fn advance_to(&self, ms: i64) -> Result<(), EnsueError> {
        guarded(|| Ok(self.core.advance_to(Timestamp(ms))?))
    }

    /// When something is next due, in ms since 1970; absent: never, as things are, and never where the engine is closed.
    pub fn next_wakeup(&self) -> Result<Option<i64>, EnsueError> {
        guarded(|| Ok(self.core.next_wakeup().map(|t| t.0)))
    }

    /// The oldest decisions that are not acknowledged.
    pub fn decisions(&self, limit: u32) -> Result<Vec<Decision>, EnsueError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        guarded(|| Ok(self.core.decisions(limit)?.iter().map(Decision::from).collect()))
    }

    /// Acknowledges decisions by their ids: they are not delivered again. Gives how many were not yet.
    pub fn ack(&self, ids: Vec<String>) -> Result<u64, EnsueError> {
        guarded(|| {
            let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
            Ok(u64::try_from(self.core.ack(&ids)?).unwrap_or(u64::MAX))
        })
    }

    /// Who is told from now on; it is told first of the decisions that are not acknowledged. `outcomes`: also of all that
    /// happens inside, which costs more than it tells an app.
    pub fn set_listener(&self, listener: Option<Arc<dyn Listener>>, outcomes: bool) -> Result<(), EnsueError> {
        guarded(|| {
            let told = |host| -> Arc<dyn core::Listener> { Arc::new(Told { host, outcomes }) };
            self.core.set_listener(listener.map(told));
            Ok(())
        })
    }

    /// The counters; where the engine is closed, as they were at its end.
    pub fn stats(&self) -> Result<Stats, EnsueError> {
        guarded(|| Ok(self.core.stats().into()))
    }

    /// The counters by name, in the order of [`Stats`]: for hosts that pass all of them on.
    pub fn counters(&self) -> Result<Vec<Counter>, EnsueError> {
        let counter = |(name, count): (&str, u64)| Counter { name: name.to_owned(), count };
        guarded(|| Ok(self.core.stats().by_name().map(counter).collect()))
    }

    /// Commits what was recorded, tells the listener of it and ends; every later call finds the engine closed. May be
    /// called twice.
    pub fn shutdown(&self) -> Result<(), EnsueError> {
        guarded(|| {
            self.core.shutdown();
            self.leave();
            Ok(())
        })
    }

    /// The number by which the JNI entry knows this engine.
    pub fn number(&self) -> Result<u64, EnsueError> {
        Ok(self.number)
    }
}

impl Engine {
    /// Gives the number back.
    fn leave(&self) {
        if self.open.swap(false, Ordering::Relaxed) {
            opened::remove(self.number);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.leave();
    }
}
