//! What the threads of an engine share: the caller's, the worker's, and those that ask scripts and tell the listener.

use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread::{JoinHandle, ThreadId};

use ensue_rule::Demand;

use super::lock;
use super::opening::Opening;
use crate::config::{Config, Mode};
use crate::ingest::Ingest;
use crate::listener::{Audience, Listener};
use crate::stats::Counters;

/// What the threads of an engine share.
pub(crate) struct Shared {
    pub(crate) config: Config,
    pub(crate) ingest: Ingest,
    pub(crate) counters: Counters,
    pub(crate) opening: Opening,
    /// The worker's thread.
    pub(crate) worker: OnceLock<ThreadId>,
    /// The thread that asks scripts, once there is one.
    pub(crate) asker: OnceLock<ThreadId>,
    /// When something is due next; [`i64::MAX`]: never.
    pub(crate) next_due: AtomicI64,
    /// The demands of all tasks in force.
    demands: Mutex<Vec<Demand>>,
    addressee: Mutex<Addressee>,
    /// An [`Audience`].
    audience: AtomicU8,
    /// The thread that tells the listener, once there is one.
    pub(crate) delivery: Mutex<Option<JoinHandle<()>>>,
}

/// Who is told.
#[derive(Default)]
struct Addressee {
    listener: Option<Arc<dyn Listener>>,
    /// It has not been told yet of the decisions that wait in the outbox, and these come first.
    new: bool,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("config", &self.config).finish_non_exhaustive()
    }
}

impl Shared {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            ingest: Ingest::new(&config),
            config,
            counters: Counters::default(),
            opening: Opening::default(),
            worker: OnceLock::new(),
            asker: OnceLock::new(),
            next_due: AtomicI64::new(i64::MAX),
            demands: Mutex::default(),
            addressee: Mutex::default(),
            audience: AtomicU8::new(Audience::Nobody as u8),
            delivery: Mutex::default(),
        }
    }

    /// Who is told.
    pub(crate) fn listener(&self) -> Option<Arc<dyn Listener>> {
        lock(&self.addressee).listener.clone()
    }

    /// Who is told from now on; whether they must first hear of the decisions in the outbox.
    pub(crate) fn put_listener(&self, listener: Option<Arc<dyn Listener>>) -> bool {
        let audience = match &listener {
            None => Audience::Nobody,
            Some(listener) if listener.wants_outcomes() => Audience::All,
            Some(_) => Audience::Decisions,
        };
        let new = listener.is_some() && matches!(self.config.mode, Mode::Live(_));
        // The one before may hold what holds this engine: it goes when nothing is locked any more.
        let mut addressee = lock(&self.addressee);
        let before = std::mem::replace(&mut *addressee, Addressee { listener, new });
        self.audience.store(audience as u8, Ordering::Release);
        drop(addressee);
        drop(before);
        new
    }

    /// Whether whoever is told must first hear of the decisions in the outbox; says so once.
    pub(crate) fn take_new_listener(&self) -> bool {
        std::mem::take(&mut lock(&self.addressee).new)
    }

    /// It could not be told them: it is new, still.
    pub(crate) fn put_new_listener(&self) {
        lock(&self.addressee).new = true;
    }

    /// What whoever is told wants to hear.
    pub(crate) fn audience(&self) -> Audience {
        match self.audience.load(Ordering::Acquire) {
            0 => Audience::Nobody,
            1 => Audience::Decisions,
            _ => Audience::All,
        }
    }

    pub(super) fn demands(&self) -> Vec<Demand> {
        lock(&self.demands).clone()
    }

    pub(crate) fn put_demands(&self, demands: Vec<Demand>) {
        *lock(&self.demands) = demands;
    }
}
