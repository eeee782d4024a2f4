//! How an engine is set up. What is absent is the engine's default.

use ensue_engine::Place;
use ensue_rule::Duration;

use crate::uplink::Consent;

/// How an engine is set up.
#[derive(Clone, Debug, Default, PartialEq, Eq, uniffi::Record)]
pub struct Config {
    /// The file of the store; absent: in memory.
    #[uniffi(default = None)]
    pub path: Option<String>,
    /// Whether recorded events are replayed: their times are the only clock, a full queue makes `record` wait, and the
    /// listener is told before `flush` returns.
    #[uniffi(default = false)]
    pub replay: bool,
    /// How late an event may come behind its user's latest; 0.
    #[uniffi(default = None)]
    pub lateness_ms: Option<i64>,
    /// A longer pause begins a new session; 30 minutes.
    #[uniffi(default = None)]
    pub session_gap_ms: Option<i64>,
    /// The window of a rule without WITHIN; 24 hours.
    #[uniffi(default = None)]
    pub default_window_ms: Option<i64>,
    /// Events that wait for the worker; 4,096.
    #[uniffi(default = None)]
    pub queue: Option<u32>,
    /// Events that wait for the first tasks; 1,000.
    #[uniffi(default = None)]
    pub early: Option<u32>,
    /// A larger event is rejected; 64 KiB.
    #[uniffi(default = None)]
    pub event_bytes: Option<u32>,
    /// Users whose state is in memory; those beyond are put away in the store while nothing of them is due; 4,096.
    #[uniffi(default = None)]
    pub users: Option<u32>,
    /// For how long an event that some task wants stays at least, so that `why_not` can answer; as long as tasks look at it.
    #[uniffi(default = None)]
    pub keep_at_least_ms: Option<i64>,
    /// What may leave the device; absent: what was said last, and nothing at first.
    #[uniffi(default = None)]
    pub consent: Option<Consent>,
    /// How old a stored event may get, whatever tasks want; 31 days, in a replay no limit.
    #[uniffi(default = None)]
    pub keep_for_ms: Option<i64>,
    /// How many events may be stored; 200,000, in a replay no limit.
    #[uniffi(default = None)]
    pub keep_events: Option<u64>,
    /// How many bytes of events may be stored; 64 MiB, in a replay no limit.
    #[uniffi(default = None)]
    pub keep_bytes: Option<u64>,
}

impl From<Config> for ensue_engine::Config {
    fn from(given: Config) -> Self {
        let size = |n: Option<u32>| n.and_then(|n| usize::try_from(n).ok());
        let mut config = Self::in_memory();
        config.place = given.path.map_or(Place::Memory, Place::at);
        config.lateness = given.lateness_ms.map_or(config.lateness, Duration);
        config.session_gap = given.session_gap_ms.map_or(config.session_gap, Duration);
        config.limits.default_window = given.default_window_ms.map_or(config.limits.default_window, Duration);
        config.queue = size(given.queue).unwrap_or(config.queue);
        config.early = size(given.early).unwrap_or(config.early);
        config.users = size(given.users).unwrap_or(config.users);
        config.consent = given.consent.map(Into::into);
        config.event_bytes = size(given.event_bytes).unwrap_or(config.event_bytes);
        if given.replay {
            config = config.replay();
        }
        let kept = &mut config.retention;
        kept.at_least = given.keep_at_least_ms.map_or(kept.at_least, Duration);
        kept.age = given.keep_for_ms.map_or(kept.age, Duration);
        kept.rows = given.keep_events.unwrap_or(kept.rows);
        kept.bytes = given.keep_bytes.unwrap_or(kept.bytes);
        config
    }
}
