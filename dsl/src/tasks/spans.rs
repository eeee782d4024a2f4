//! Spans of time in JSON: `500ms 30s 5m 2h 7d`.

use ensue_rule::Duration;

use super::json::Node;
use crate::codes;
use crate::diagnostic::Diagnostic;

/// The units; `ms` before `m` and `s`, which end and begin it.
const UNITS: [(&str, i64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Reads a span that is longer than nothing.
pub(super) fn read(node: &Node<'_>) -> Result<Duration, Diagnostic> {
    let text = node.json.as_str().ok_or_else(|| node.wrong("a span, as in \"30m\""))?;
    parse(text).filter(|d| d.0 > 0).ok_or_else(|| {
        let d = node.error(codes::JSON_VALUE, format!("`{}` is not a span", crate::token::shorten(text)));
        d.hint("a whole number above 0 and one of ms, s, m, h, d, as in `500ms`, `30s`, `5m`, `2h`, `7d`")
    })
}

fn parse(text: &str) -> Option<Duration> {
    let (number, unit) = UNITS.iter().find_map(|(unit, ms)| Some((text.strip_suffix(unit)?, *ms)))?;
    let plain = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    let n: i64 = number.parse().ok().filter(|_| plain)?;
    n.checked_mul(unit).map(Duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_a_number_and_a_unit() {
        let ms = |text| parse(text).map(|d| d.0);
        assert_eq!(ms("500ms"), Some(500));
        assert_eq!(ms("30s"), Some(30_000));
        assert_eq!(ms("5m"), Some(300_000));
        assert_eq!(ms("2h"), Some(7_200_000));
        assert_eq!(ms("7d"), Some(604_800_000));
        for bad in ["", "s", "5", "5 m", "+5m", "-5m", "1.5h", "5M", "5w", "9223372036854775807d", "m5"] {
            assert_eq!(ms(bad), None, "{bad}");
        }
    }
}
