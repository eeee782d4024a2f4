//! A user's clock and calendar: time moved by their offset from UTC, as it was last known. Weeks begin on Monday.
//!
//! Where the offset changes (travel, summer time) a moment belongs to the day it had where it happened, and a day that is
//! longer or shorter than 24 hours is so for caps too.

use ensue_rule::{Duration, Per, QuietHours, Timestamp};

const WEEK: Duration = Duration(7 * Duration::DAY.0);

/// From the beginning of the week that has 1970-01-01, a Thursday, to that day.
const THURSDAY: Duration = Duration(3 * Duration::DAY.0);

/// A unit of the calendar: how long it is, and what lies between the epoch and the beginning of one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Unit {
    pub(super) name: &'static str,
    pub(super) length: Duration,
    shift: Duration,
}

impl Unit {
    /// The unit of a cap, if it is one.
    pub(super) fn of(per: Per) -> Option<Self> {
        let (name, length, shift) = match per {
            Per::Minute => ("minute", Duration::MINUTE, Duration(0)),
            Per::Hour => ("hour", Duration::HOUR, Duration(0)),
            Per::Day => ("day", Duration::DAY, Duration(0)),
            Per::Week => ("week", WEEK, THURSDAY),
            Per::Session | Per::Span(_) => return None,
        };
        Some(Self { name, length, shift })
    }

    /// Which one a moment is in, counted from the epoch.
    pub(super) fn number(self, at: Timestamp, utc_offset_min: i32) -> i64 {
        local(at, utc_offset_min).saturating_add(self.shift.0).div_euclid(self.length.0)
    }

    /// When the one after `number` begins.
    pub(super) fn after(self, number: i64, utc_offset_min: i32) -> Timestamp {
        let begin = number.saturating_add(1).saturating_mul(self.length.0).saturating_sub(self.shift.0);
        Timestamp(begin.saturating_sub(offset(utc_offset_min)))
    }
}

/// The minute of the day.
pub(super) fn minute_of_day(at: Timestamp, utc_offset_min: i32) -> u16 {
    let minute = local(at, utc_offset_min).rem_euclid(Duration::DAY.0) / Duration::MINUTE.0;
    u16::try_from(minute).unwrap_or(0)
}

/// When none of these hours is on any more; `None`: always one is.
pub(super) fn end_of(hours: &[QuietHours], at: Timestamp, utc_offset_min: i32) -> Option<Timestamp> {
    let (now, begin) = (minute_of_day(at, utc_offset_min), at.0.div_euclid(Duration::MINUTE.0));
    let quiet = |after: u16| hours.iter().any(|h| h.has((now + after) % QuietHours::DAY));
    let free = (0..QuietHours::DAY).find(|after| !quiet(*after))?;
    Some(Timestamp(begin.saturating_add(i64::from(free)).saturating_mul(Duration::MINUTE.0)))
}

fn local(at: Timestamp, utc_offset_min: i32) -> i64 {
    at.0.saturating_add(offset(utc_offset_min))
}

fn offset(utc_offset_min: i32) -> i64 {
    i64::from(utc_offset_min).saturating_mul(Duration::MINUTE.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2023-11-15T12:00:30Z, a Wednesday.
    const NOON: Timestamp = Timestamp(1_700_049_630_000);

    #[test]
    fn units_end_where_the_next_begins() {
        let end = |per, offset| {
            let unit = Unit::of(per).unwrap();
            crate::iso::Utc(unit.after(unit.number(NOON, offset), offset)).to_string()
        };
        assert_eq!(end(Per::Minute, 480), "2023-11-15T12:01:00Z");
        assert_eq!(end(Per::Hour, 330), "2023-11-15T12:30:00Z", "India's hours begin at half past");
        assert_eq!(end(Per::Day, 480), "2023-11-15T16:00:00Z");
        assert_eq!(end(Per::Week, 0), "2023-11-20T00:00:00Z", "the next Monday");
        assert_eq!(end(Per::Week, -300), "2023-11-20T05:00:00Z");
    }

    #[test]
    fn quiet_hours_end_when_none_is_on() {
        let hours = |from: u16, to: u16| QuietHours { from: from * 60, to: to * 60 };
        let end = |all: &[QuietHours], offset| end_of(all, NOON, offset).map(|t| crate::iso::Utc(t).to_string());
        assert_eq!(end(&[hours(12, 13)], 0).as_deref(), Some("2023-11-15T13:00:00Z"));
        assert_eq!(end(&[hours(12, 13), hours(13, 2)], 0).as_deref(), Some("2023-11-16T02:00:00Z"));
        assert_eq!(end(&[hours(20, 22)], 480).as_deref(), Some("2023-11-15T14:00:00Z"), "20:00 in China");
        assert_eq!(end(&[hours(0, 12), hours(12, 0)], 0), None);
    }
}
