//! `quiet`: hours of the day, `"22:00-08:00"`.

use ensue_rule::QuietHours;

use super::{Node, Object, Sink, keep};
use crate::codes;
use crate::diagnostic::Diagnostic;

/// One stretch or a list of them.
pub(super) fn read(object: &Object<'_>, sink: &mut Sink) -> Vec<QuietHours> {
    let all = object.get("quiet").map_or_else(Vec::new, |n| n.one_or_more());
    all.iter().filter_map(|n| keep(hours(n), sink)).collect()
}

fn hours(node: &Node<'_>) -> Result<QuietHours, Diagnostic> {
    let text = node.text()?;
    parse(text).ok_or_else(|| {
        let d = node.error(codes::JSON_VALUE, format!("`{}` are not hours of a day", crate::token::shorten(text)));
        d.hint("two times of day, as in `22:00-08:00`; the second may be `24:00`")
    })
}

fn parse(text: &str) -> Option<QuietHours> {
    let (from, to) = text.split_once('-')?;
    let (from, to) = (minute(from)?, minute(to)?);
    (from < QuietHours::DAY && from != to).then_some(QuietHours { from, to: to % QuietHours::DAY })
}

/// Minutes from midnight, up to the next.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let number = |text: &str| text.parse::<u16>().ok().filter(|_| text.len() == 2 && !text.starts_with('+'));
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    let minute = hours * 60 + minutes;
    (minutes < 60 && minute <= QuietHours::DAY).then_some(minute)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_are_two_times_of_day() {
        let hours = |text| parse(text).map(|h| h.to_string());
        assert_eq!(hours("22:00-08:00").as_deref(), Some("22:00-08:00"));
        assert_eq!(hours("12:30-24:00").as_deref(), Some("12:30-00:00"));
        let bad = [
            "",
            "22-8",
            "22:00",
            "8:00-9:00",
            "08:00-08:00",
            "24:00-08:00",
            "22:60-08:00",
            "25:00-08:00",
            "+1:00-02:00",
        ];
        for text in bad {
            assert_eq!(hours(text), None, "{text}");
        }
    }
}
