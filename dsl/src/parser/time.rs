//! Durations: `1 H 30 MIN`, and the bounds `[< 30 S]` made of them.

use ensue_rule::{Bound, Duration, Span};
use nom::branch::alt;
use nom::combinator::{cut, value};
use nom::sequence::delimited;
use nom::{Input, Parser};

use super::{Fault, Parsed, sign};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::suggest;
use crate::token::{Kind, Sign, Token, Tokens};

/// The units and their milliseconds, shortest first. Those of three letters and more take a plural S.
const UNITS: &[(&str, i64)] = &[
    ("MS", 1),
    ("S", 1_000),
    ("SEC", 1_000),
    ("MIN", 60_000),
    ("H", 3_600_000),
    ("HOUR", 3_600_000),
    ("D", 86_400_000),
    ("DAY", 86_400_000),
];

/// The milliseconds of a unit, in any case, singular or plural.
fn unit(word: &str) -> Option<i64> {
    let find = |w: &str| UNITS.iter().find(|(name, _)| name.eq_ignore_ascii_case(w));
    let plural = || {
        let singular = word.strip_suffix(['s', 'S'])?;
        find(singular).filter(|(name, _)| name.len() > 2)
    };
    find(word).or_else(plural).map(|(_, ms)| *ms)
}

/// Whether a duration begins here: a whole number and a unit.
pub(crate) fn begins_duration(i: Tokens<'_>) -> bool {
    matches!((i.kind(), i.second()), (Some(Kind::Int(_)), Some(Kind::Word(w))) if unit(w).is_some())
}

/// `n unit {n unit}`, units falling.
pub(crate) fn duration(i: Tokens<'_>) -> Parsed<'_, Duration> {
    let (mut rest, first) = amount(i)?;
    let (mut total, mut smallest) = (Some(first.ms), first.unit);
    while matches!((rest.kind(), rest.second()), (Some(Kind::Int(_)), Some(Kind::Word(_)))) {
        let (after, next) = amount(rest)?;
        if next.unit >= smallest {
            let d = Diagnostic::error(codes::DURATION_FORM, "the units of a duration fall: the greater comes first");
            return refuse(d.at(after.since(i)).hint("as in `1 H 30 MIN`"));
        }
        total = total.and_then(|t| t.checked_add(next.ms));
        (smallest, rest) = (next.unit, after);
    }
    match total {
        Some(ms) => Ok((rest, Duration(ms))),
        None => refuse(out_of_range(rest.since(i))),
    }
}

/// A duration that is not nothing.
pub(crate) fn positive_duration(i: Tokens<'_>) -> Parsed<'_, Duration> {
    let (rest, d) = duration(i)?;
    if d.0 == 0 {
        let nothing = Diagnostic::error(codes::DURATION_RANGE, "no two events are less than 0 apart");
        return refuse(nothing.at(rest.since(i)).hint("the shortest duration is `1 MS`"));
    }
    Ok((rest, d))
}

struct Amount {
    ms: i64,
    unit: i64,
}

fn amount(i: Tokens<'_>) -> Parsed<'_, Amount> {
    let n = match i.kind() {
        Some(Kind::Int(n)) => *n,
        Some(Kind::Float(_)) => {
            let d = Diagnostic::error(codes::DURATION_FORM, "a duration is made of whole numbers");
            return refuse(d.at(i.here()).hint("write `1 H 30 MIN` for an hour and a half"));
        }
        _ => return Err(nom::Err::Error(Fault::expected(i, "a duration"))),
    };
    let after = i.take_from(1);
    let unit_ms = match after.first() {
        Some(Token { kind: Kind::Word(w), span }) => unit(w).ok_or_else(|| unknown_unit(w, *span)),
        _ => Err(unknown_unit("", after.here())),
    };
    let unit = unit_ms.map_err(|d| nom::Err::Failure(Fault::refused(d)))?;
    let rest = after.take_from(1);
    match i64::try_from(n).ok().and_then(|n| n.checked_mul(unit)) {
        Some(ms) => Ok((rest, Amount { ms, unit })),
        None => refuse(out_of_range(rest.since(i))),
    }
}

fn unknown_unit(word: &str, span: Span) -> Diagnostic {
    let message = if word.is_empty() {
        "a duration needs a unit".to_owned()
    } else {
        format!("`{}` is not a unit of time", crate::token::shorten(word))
    };
    let upper = word.to_uppercase();
    let meant = match upper.trim_end_matches('S') {
        "SECOND" | "SE" => Some("SEC"),
        "M" | "MINUTE" | "MN" => Some("MIN"),
        "HR" => Some("H"),
        "MILLI" | "MILLISECOND" | "MSEC" => Some("MS"),
        "WEEK" | "W" => Some("7 DAYS"),
        other => suggest::nearest(other, UNITS.iter().map(|(name, _)| *name)),
    };
    let units = "the units are MS, S, SEC, MIN, H, HOUR, D and DAY";
    let hint =
        meant.filter(|_| !word.is_empty()).map_or_else(|| units.to_owned(), |m| format!("did you mean {m}? {units}"));
    Diagnostic::error(codes::UNIT, message).at(span).hint(hint)
}

fn out_of_range(span: Span) -> Diagnostic {
    Diagnostic::error(codes::DURATION_RANGE, "this duration is too long")
        .at(span)
        .hint("milliseconds must fit in 63 bits")
}

fn refuse<'a, O>(d: Diagnostic) -> Parsed<'a, O> {
    Err(nom::Err::Failure(Fault::refused(d)))
}

/// `[< duration]` or `[<= duration]`.
pub(crate) fn bound(i: Tokens<'_>) -> Parsed<'_, (Bound, Span)> {
    let less = value(false, sign(Sign::Less));
    let at_most = value(true, sign(Sign::LessEqual));
    let inside = alt((less, at_most)).flat_map(|inclusive| {
        let length = if inclusive { duration } else { positive_duration };
        length.map(move |limit| Bound { limit, inclusive })
    });
    let (rest, bound) = delimited(sign(Sign::OpenBracket), cut(inside), cut(sign(Sign::CloseBracket))).parse(i)?;
    Ok((rest, (bound, rest.since(i))))
}
