//! The sentences of refusals: which control, its numbers, and until when. Spans as in task documents (`7d`), times in
//! UTC as ISO 8601.

use ensue_rule::{Cap, Duration, Per, Timestamp};

use super::ledger::Full;
use crate::iso::Utc;

pub(super) fn expired(end: Timestamp) -> String {
    format!("the task ended at {}", Utc(end))
}

pub(super) fn ttl(ttl: Duration, end: Timestamp) -> String {
    format!("the decision was good for {}, until {}", span(ttl), Utc(end))
}

pub(super) fn cooldown(cooldown: Duration, last: Timestamp, over: Timestamp) -> String {
    format!("cooldown of {} after the decision at {}, until {}", span(cooldown), Utc(last), Utc(over))
}

pub(super) fn cap(index: usize, cap: &Cap, full: &Full) -> String {
    let stretch = match cap.per {
        Per::Day => "this local day".to_owned(),
        Per::Span(d) => format!("the last {}", span(d)),
    };
    let of = cap.shared.as_ref().map_or(String::new(), |name| format!(" of `{name}`"));
    let until = full.until.map_or("never lets one through".to_owned(), |t| format!("until {}", Utc(t)));
    format!("caps[{index}]: {} of {}{of} in {stretch}, {until}", full.count, cap.limit)
}

/// A span in its largest whole unit: `90m`, `7d`, `1500ms`.
fn span(d: Duration) -> String {
    let units = [(Duration::DAY, "d"), (Duration::HOUR, "h"), (Duration::MINUTE, "m"), (Duration::SECOND, "s")];
    let whole = units.into_iter().find(|(unit, _)| d.0 != 0 && d.0 % unit.0 == 0);
    whole.map_or_else(|| format!("{}ms", d.0), |(unit, name)| format!("{}{name}", d.0 / unit.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_those_of_documents() {
        let text: Vec<_> =
            [0, 500, 1_500, 30_000, 5_400_000, 7_200_000, 604_800_000].map(|ms| span(Duration(ms))).into();
        assert_eq!(text, ["0ms", "500ms", "1500ms", "30s", "90m", "2h", "7d"]);
    }
}
