//! What the sentences of refusals share: spans as in task documents (`7d`). Times are in UTC as ISO 8601.

use ensue_rule::Duration;

/// A span in its largest whole unit: `90m`, `7d`, `1500ms`.
pub(super) fn span(d: Duration) -> String {
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
