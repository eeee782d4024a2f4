//! Points in time as RFC 3339 writes them.

use ensue_rule::Timestamp;

use super::json::Node;
use crate::codes;
use crate::diagnostic::Diagnostic;

/// Reads a point in time.
pub(super) fn read(node: &Node<'_>) -> Result<Timestamp, Diagnostic> {
    let text = node.text()?;
    parse(text).ok_or_else(|| {
        let d = node.error(codes::JSON_VALUE, format!("`{}` is not a time", crate::token::shorten(text)));
        d.hint("write it as in `2027-01-01T00:00:00Z`")
    })
}

/// `2027-01-01T00:00:00Z`, `2027-01-01t08:00:00.5+08:00`; a fraction finer than milliseconds is cut, a leap second is
/// the second after.
fn parse(text: &str) -> Option<Timestamp> {
    let mut at = Cursor { rest: text };
    let (year, _, month, _, day) = (at.number(4)?, at.one_of("-")?, at.number(2)?, at.one_of("-")?, at.number(2)?);
    at.one_of("Tt ")?;
    let (hour, _, minute, _, second) = (at.number(2)?, at.one_of(":")?, at.number(2)?, at.one_of(":")?, at.number(2)?);
    let millis = at.fraction()?;
    let offset = at.offset()?;
    let days = days_since_epoch(year, month, day)?;
    if !at.rest.is_empty() || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days * 86_400 + hour * 3_600 + (minute - offset) * 60 + second;
    Some(Timestamp(seconds * 1_000 + millis))
}

struct Cursor<'t> {
    rest: &'t str,
}

impl Cursor<'_> {
    fn one_of(&mut self, chars: &str) -> Option<char> {
        let c = self.rest.chars().next().filter(|c| chars.contains(*c))?;
        self.rest = self.rest.get(c.len_utf8()..)?;
        Some(c)
    }

    /// Exactly so many digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let (head, rest) = self.rest.split_at_checked(digits)?;
        self.rest = rest;
        head.bytes().all(|b| b.is_ascii_digit()).then(|| head.parse().ok())?
    }

    /// The milliseconds of a fraction, 0 without one.
    fn fraction(&mut self) -> Option<i64> {
        if self.one_of(".").is_none() {
            return Some(0);
        }
        let rest = self.rest.trim_start_matches(|c: char| c.is_ascii_digit());
        let digits = self.rest.strip_suffix(rest).filter(|d| !d.is_empty())?;
        self.rest = rest;
        format!("{digits:0<3}").get(..3)?.parse().ok()
    }

    /// The offset from UTC in minutes.
    fn offset(&mut self) -> Option<i64> {
        let sign = match self.one_of("Zz+-")? {
            '+' => 1,
            '-' => -1,
            _ => return Some(0),
        };
        let (hours, _, minutes) = (self.number(2)?, self.one_of(":")?, self.number(2)?);
        (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
    }
}

/// Days from 1970-01-01 to a day of the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date
/// algorithms"); `None` where there is no such day.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let last = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        _ => return None,
    };
    if !(1..=last).contains(&day) {
        return None;
    }
    // The year begins in March, so that the leap day is its last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn known_points() {
        let ms = |text| parse(text).map(|t| t.0);
        assert_eq!(ms("1970-01-01T00:00:00Z"), Some(0));
        assert_eq!(ms("2027-01-01T00:00:00Z"), Some(1_798_761_600_000));
        assert_eq!(ms("2027-01-01T08:00:00+08:00"), Some(1_798_761_600_000));
        assert_eq!(ms("2024-02-29t23:59:59.9999z"), Some(1_709_251_199_999));
        assert_eq!(ms("1969-12-31T23:59:59.5-00:00"), Some(-500));
        assert_eq!(ms("2000-03-01 00:00:00Z"), Some(951_868_800_000));
    }

    #[test]
    fn what_is_no_time() {
        for bad in [
            "",
            "2027-01-01",
            "2027-01-01T00:00:00",
            "2027-02-29T00:00:00Z",
            "2027-13-01T00:00:00Z",
            "2027-1-1T0:0:0Z",
            "2027-01-01T24:00:00Z",
            "2027-01-01T00:00:00.Z",
            "2027-01-01T00:00:00Zx",
            "2027-01-01T00:00:00+0800",
            "2027-01-0\u{e9}",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }
}
