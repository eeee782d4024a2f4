//! Policies: what the touches of a task, and of all tasks together, obey.
//!
//! Only what is asked for; when a touch may go out the engine says. Everything here compares and hashes exactly, so that
//! two policies are equal where nobody could tell them apart: shares are whole millionths.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::task::{FilterEntry, Scope};
use crate::time::{Duration, Timestamp};

/// What the touches of a task obey.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Policy {
    /// Who goes first among competing matches: the greater.
    pub priority: i64,
    /// Every one must allow.
    pub caps: Vec<Cap>,
    /// No decision of the task for a user so soon after the one before.
    pub cooldown: Option<Duration>,
    /// How long after the match a decision is good.
    pub ttl: Option<Duration>,
    /// The group of which only one task's decision is live for a user.
    pub exclusive: Option<Arc<str>>,
    /// Hours of the user's day in which nothing goes out.
    pub quiet: Vec<QuietHours>,
    /// What becomes of a touch in quiet hours, the task's own or a document's.
    pub quiet_mode: QuietMode,
    /// The share of users to whom nothing ever goes out.
    pub holdout: Share,
    /// By what the share is drawn; `None`: the task itself.
    pub salt: Option<Arc<str>>,
    /// The touch waits for so long after its match; its controls are judged then.
    pub delay: Option<Duration>,
    /// An event that cancels a touch that waits.
    pub cancel_on: Option<FilterEntry>,
    /// What feedback does to it; every one must allow.
    pub backoff: Vec<Backoff>,
    /// To whom it goes out at all, and from when on.
    pub rollout: Rollout,
}

/// At most so many decisions in a stretch of time.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Cap {
    /// At most; 0: none ever.
    pub limit: u32,
    /// In which stretch.
    pub per: Per,
    /// Counted together with every cap of this name.
    pub shared: Option<Arc<str>>,
    /// What counts.
    #[serde(default)]
    pub count: Counted,
    /// Whose count.
    #[serde(default)]
    pub scope: Scope,
}

impl Cap {
    /// A cap on what is decided for a user by the task itself.
    pub fn of(limit: u32, per: Per) -> Self {
        Self { limit, per, shared: None, count: Counted::Decided, scope: Scope::User }
    }

    /// The same, counted together with every cap of that name.
    #[must_use]
    pub fn shared(self, name: &str) -> Self {
        Self { shared: Some(name.into()), ..self }
    }
}

/// What a cap counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Counted {
    /// Decisions, when they are made.
    #[default]
    Decided,
    /// Decisions of which there is feedback, at the time of its first.
    Shown,
}

/// The stretch of time of a cap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Per {
    /// The minute on the user's clock.
    Minute,
    /// The hour on the user's clock.
    Hour,
    /// The calendar day, in the user's local time.
    Day,
    /// The calendar week from Monday on, in the user's local time.
    Week,
    /// The user's session.
    Session,
    /// The time before, up to now.
    Span(Duration),
}

/// Hours of the day in local time, in minutes from midnight; they may go over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct QuietHours {
    /// The first quiet minute.
    pub from: u16,
    /// The first minute that is not quiet any more.
    pub to: u16,
}

impl QuietHours {
    /// Minutes of a day.
    pub const DAY: u16 = 24 * 60;

    /// Whether a minute of the day is quiet.
    pub fn has(self, minute: u16) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }

    /// Whether together they leave no minute of a day.
    pub fn cover(all: &[Self]) -> bool {
        !all.is_empty() && (0..Self::DAY).all(|minute| all.iter().any(|hours| hours.has(minute)))
    }
}

impl fmt::Display for QuietHours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (from, to) = (self.from, self.to);
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

/// What becomes of a touch in quiet hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuietMode {
    /// It is refused.
    #[default]
    Drop,
    /// It waits until they are over.
    Defer,
}

/// A part of a whole, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Share(pub u32);

impl Share {
    /// The whole.
    pub const ALL: Self = Self(1_000_000);

    /// Of a part from 0 to 1, rounded to millionths; `None`: outside.
    pub fn of(part: f64) -> Option<Self> {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a million")]
        (0.0..=1.0).contains(&part).then(|| Self((part * 1e6).round() as u32))
    }
}

impl fmt::Display for Share {
    /// In percent, without zeros at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 10_000, format!("{:04}", self.0 % 10_000));
        match rest.trim_end_matches('0') {
            "" => write!(f, "{whole} %"),
            rest => write!(f, "{whole}.{rest} %"),
        }
    }
}

/// What feedback on the decisions of a task does to it, for one user.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    /// After so many dismissals in a row nothing for so long after the last.
    Dismissed {
        /// So many.
        times: u32,
        /// For so long.
        wait: Duration,
    },
    /// While fewer than `floor` of the last `trials` that were shown were clicked, nothing for so long after the last.
    ClickRate {
        /// The least share of clicks.
        floor: Share,
        /// Over so many.
        trials: u32,
        /// For so long.
        wait: Duration,
    },
    /// A gap between touches of one name that shrinks with clicks and grows with dismissals.
    Adaptive,
}

/// To whom a task goes out at all, and from when on.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Rollout {
    /// The share of users; `None`: all.
    pub share: Option<Share>,
    /// By what the share is drawn; `None`: the task itself.
    pub salt: Option<Arc<str>>,
    /// The least version of the engine.
    pub min_sdk: Option<SdkVersion>,
    /// The greatest version of the engine.
    pub max_sdk: Option<SdkVersion>,
    /// No decision before this time.
    pub starts: Option<Timestamp>,
}

/// A version of the engine: major, minor, patch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SdkVersion(pub u32, pub u32, pub u32);

impl SdkVersion {
    /// Of one to three numbers with dots between: `1`, `1.2`, `1.2.3`; what is absent is 0.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        let parts: Vec<u32> =
            text.split('.').map(|part| part.parse().ok().filter(|_| digits(part))).collect::<Option<_>>()?;
        let at = |i: usize| parts.get(i).copied().unwrap_or(0);
        (parts.len() <= 3).then(|| Self(at(0), at(1), at(2)))
    }
}

impl fmt::Display for SdkVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.0, self.1, self.2)
    }
}

/// What the touches of a user obey together, whichever task of whichever source makes them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct TouchPolicy {
    /// Over all touches; every one must allow.
    pub caps: Vec<Cap>,
    /// No touch so soon after the one before.
    pub min_gap: Option<Duration>,
    /// Hours of the user's day in which nothing goes out.
    pub quiet: Vec<QuietHours>,
    /// Of the touches of one instant only the first that passes.
    pub one_per_moment: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_hours_may_go_over_midnight() {
        let night = QuietHours { from: 22 * 60, to: 8 * 60 };
        assert_eq!([0, 479, 480, 1_319, 1_320].map(|m| night.has(m)), [true, true, false, false, true]);
        assert_eq!(night.to_string(), "22:00-08:00");
        let day = QuietHours { from: 8 * 60, to: 22 * 60 };
        assert!(QuietHours::cover(&[night, day]) && !QuietHours::cover(&[night]) && !QuietHours::cover(&[]));
    }

    #[test]
    fn shares_are_millionths() {
        assert_eq!(Share::of(0.1), Some(Share(100_000)));
        assert_eq!(
            [Share(0), Share(25_000), Share(1), Share::ALL].map(|s| s.to_string()),
            ["0 %", "2.5 %", "0.0001 %", "100 %"]
        );
        assert!([2.0, -0.1, f64::NAN].iter().all(|part| Share::of(*part).is_none()));
    }

    #[test]
    fn versions_are_compared_by_number() {
        let version = |text| SdkVersion::parse(text);
        assert!(version("0.10").unwrap() > version("0.9.3").unwrap());
        assert_eq!(version("1").map(|v| v.to_string()), Some("1.0.0".to_owned()));
        assert!(["", "1.", "1.2.3.4", "v1", "1.-2", "1.+2", "99999999999"].iter().all(|bad| version(bad).is_none()));
    }
}
