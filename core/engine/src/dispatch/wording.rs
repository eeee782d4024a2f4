//! The sentences of refusals: which control, its numbers, and until when. Spans as in task documents (`7d`), times in
//! UTC as ISO 8601.

use ensue_rule::{Cap, Duration, Per, Timestamp};

use super::ledger::Full;

pub(super) fn expired(end: Timestamp) -> String {
    format!("the task ended at {}", time(end))
}

pub(super) fn ttl(ttl: Duration, end: Timestamp) -> String {
    format!("the decision was good for {}, until {}", span(ttl), time(end))
}

pub(super) fn cooldown(cooldown: Duration, last: Timestamp, over: Timestamp) -> String {
    format!("cooldown of {} after the decision at {}, until {}", span(cooldown), time(last), time(over))
}

pub(super) fn cap(index: usize, cap: &Cap, full: &Full) -> String {
    let stretch = match cap.per {
        Per::Day => "this local day".to_owned(),
        Per::Span(d) => format!("the last {}", span(d)),
    };
    let of = cap.shared.as_ref().map_or(String::new(), |name| format!(" of `{name}`"));
    let until = full.until.map_or("never lets one through".to_owned(), |t| format!("until {}", time(t)));
    format!("caps[{index}]: {} of {}{of} in {stretch}, {until}", full.count, cap.limit)
}

/// A span in its largest whole unit: `90m`, `7d`, `1500ms`.
fn span(d: Duration) -> String {
    let units = [(Duration::DAY, "d"), (Duration::HOUR, "h"), (Duration::MINUTE, "m"), (Duration::SECOND, "s")];
    let whole = units.into_iter().find(|(unit, _)| d.0 != 0 && d.0 % unit.0 == 0);
    whole.map_or_else(|| format!("{}ms", d.0), |(unit, name)| format!("{}{name}", d.0 / unit.0))
}

/// `2023-11-14T22:13:20Z`, with milliseconds where there are some.
fn time(t: Timestamp) -> String {
    let (days, ms) = (t.0.div_euclid(Duration::DAY.0), t.0.rem_euclid(Duration::DAY.0));
    let (year, month, day) = civil(days);
    let (h, m, s, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms / 1_000 % 60, ms % 1_000);
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}") };
    format!("{year:04}-{month:02}-{day:02}T{h:02}:{m:02}:{s:02}{fraction}Z")
}

/// Year, month and day of a day counted from 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms").
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_iso() {
        assert_eq!(time(Timestamp(1_700_000_000_000)), "2023-11-14T22:13:20Z");
        assert_eq!(time(Timestamp(1)), "1970-01-01T00:00:00.001Z");
        assert_eq!(time(Timestamp(-1)), "1969-12-31T23:59:59.999Z");
        assert_eq!(time(Timestamp(1_709_164_800_000)), "2024-02-29T00:00:00Z");
        assert!(time(Timestamp::MAX).ends_with('Z') && time(Timestamp::MIN).ends_with('Z'));
    }

    #[test]
    fn spans_are_those_of_documents() {
        let text: Vec<_> =
            [0, 500, 1_500, 30_000, 5_400_000, 7_200_000, 604_800_000].map(|ms| span(Duration(ms))).into();
        assert_eq!(text, ["0ms", "500ms", "1500ms", "30s", "90m", "2h", "7d"]);
    }
}
