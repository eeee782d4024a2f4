//! Time as the host sees it: the only file of the engine that reads the system clock.
//!
//! What rules mean never depends on it: it stamps events that have no time, bounds those that claim to be from the
//! future, and says when a timer is due. In replay it is not asked at all.

use std::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration as Span, SystemTime, UNIX_EPOCH};

use ensue_rule::Timestamp;

/// A clock that never goes back.
pub trait Clock: Send + Sync + fmt::Debug {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// How long the worker sleeps until `due`; `None`: the clock does not move by itself, and whoever moves it says so
    /// with [`crate::Engine::advance_to`].
    fn until(&self, due: Timestamp) -> Option<Span>;
}

/// The wall time at its making plus the time since, sleep of the system included: a user who sets the clock back moves no
/// event, and neither does a night in which the phone was suspended.
///
/// A worker that waits for a timer while the system sleeps does not wake it: what came due meanwhile happens when the rest
/// of its wait is over, or sooner with the next event or [`crate::Engine::advance_to`].
#[derive(Debug)]
pub struct SystemClock {
    start: Span,
    start_ms: i64,
}

/// The time since some moment before, which runs on while the system sleeps. [`std::time::Instant`] does not, on most
/// systems.
#[cfg(unix)]
fn running() -> Span {
    use rustix::time::{ClockId, clock_gettime};
    #[cfg(any(target_os = "linux", target_os = "android"))]
    const AWAKE_OR_NOT: ClockId = ClockId::Boottime;
    // Apple's counts on in sleep, as its manual says.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    const AWAKE_OR_NOT: ClockId = ClockId::Monotonic;
    let time = clock_gettime(AWAKE_OR_NOT);
    Span::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// The same where there is no such clock: as far as the system was awake.
#[cfg(not(unix))]
#[allow(clippy::disallowed_methods, reason = "the one place where the system clock is read")]
fn running() -> Span {
    static FIRST: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
    FIRST.get_or_init(std::time::Instant::now).elapsed()
}

impl SystemClock {
    /// A clock that starts at the wall time of now.
    #[allow(clippy::disallowed_methods, reason = "the one place where the system clock is read")]
    pub fn new() -> Self {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { start: running(), start_ms: i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX) }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let passed = running().saturating_sub(self.start);
        // Not `as_millis`, whose 128 bits cost as much as the rest of a call of `record`.
        let seconds = i64::try_from(passed.as_secs()).unwrap_or(i64::MAX);
        let ms = seconds.saturating_mul(1_000).saturating_add(passed.subsec_millis().into());
        Timestamp(self.start_ms.saturating_add(ms))
    }

    fn until(&self, due: Timestamp) -> Option<Span> {
        // One more millisecond, because `now` cuts off the fraction.
        let ms = due.since(self.now()).0.saturating_add(1);
        Some(Span::from_millis(u64::try_from(ms).unwrap_or(0)))
    }
}

/// A clock that its owner moves: for tests.
#[derive(Debug, Default)]
pub struct ManualClock {
    now: AtomicI64,
}

impl ManualClock {
    /// A clock that stands at `now`.
    pub fn new(now: Timestamp) -> Self {
        Self { now: AtomicI64::new(now.0) }
    }

    /// Moves it to `now`; a time before where it stands changes nothing.
    pub fn set(&self, now: Timestamp) {
        self.now.fetch_max(now.0, Ordering::Release);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.now.load(Ordering::Acquire))
    }

    fn until(&self, _due: Timestamp) -> Option<Span> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_do_not_go_back() {
        let system = SystemClock::new();
        let before = system.now();
        assert!(system.now() >= before);
        assert_eq!(system.until(Timestamp(0)), Some(Span::ZERO));

        let manual = ManualClock::new(Timestamp(10));
        manual.set(Timestamp(5));
        assert_eq!(manual.now(), Timestamp(10));
        manual.set(Timestamp(20));
        assert_eq!((manual.now(), manual.until(Timestamp(30))), (Timestamp(20), None));
    }
}
