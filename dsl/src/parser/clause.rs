//! The clauses behind the pattern.

use ensue_rule::WithinKind;
use nom::branch::alt;
use nom::combinator::{cut, map, opt, value};
use nom::sequence::preceded;
use nom::{Input, Parser};

use super::pattern::comma_list;
use super::{Fault, Parsed, expr, keyword, name, soft_word, time};
use crate::ast::{AfterMatch, Expr, Limit, Return, Within};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::token::{Keyword, Kind, Sign, Tokens};

/// `WITHIN duration [OF SESSION | OF PREVIOUS]`
pub(crate) fn within(i: Tokens<'_>) -> Parsed<'_, Within> {
    let session = value(WithinKind::Session, keyword(Keyword::Session));
    let previous = value(WithinKind::Previous, keyword(Keyword::Previous));
    let of = preceded(keyword(Keyword::Of), cut(alt((session, previous))));
    let (i, _) = keyword(Keyword::Within)(i)?;
    map((cut(time::positive_duration), opt(of)), |(duration, kind)| Within { duration, kind: kind.unwrap_or_default() })
        .parse(i)
}

/// `PARTITION BY attribute, ...`
pub(crate) fn partition_by(i: Tokens<'_>) -> Parsed<'_, Vec<Expr>> {
    let head = (keyword(Keyword::Partition), cut(keyword(Keyword::By)));
    preceded(head, cut(comma_list(expr::expr))).parse(i)
}

/// `AFTER MATCH ...`
pub(crate) fn after_match(i: Tokens<'_>) -> Parsed<'_, AfterMatch> {
    let head = (keyword(Keyword::After), cut(keyword(Keyword::Match)));
    let consume = value(AfterMatch::Consume, keyword(Keyword::Consume));
    preceded(head, cut(alt((consume, no_skip, skip)))).parse(i)
}

/// `NO SKIP [LIMIT n | NO LIMIT]`
fn no_skip(i: Tokens<'_>) -> Parsed<'_, AfterMatch> {
    let head = (keyword(Keyword::No), cut(keyword(Keyword::Skip)));
    let at = preceded(keyword(Keyword::Limit), cut(limit));
    let none = value(Limit::None, (keyword(Keyword::No), cut(keyword(Keyword::Limit))));
    map(preceded(head, opt(alt((at, none)))), |l| AfterMatch::NoSkip(l.unwrap_or(Limit::Default))).parse(i)
}

fn limit(i: Tokens<'_>) -> Parsed<'_, Limit> {
    let Some(Kind::Int(n)) = i.kind() else { return Err(nom::Err::Error(Fault::expected(i, "a whole number"))) };
    match u32::try_from(*n) {
        Ok(n) if n > 0 => Ok((i.take_from(1), Limit::At(n))),
        _ => {
            let d = Diagnostic::error(codes::NUMBER_RANGE, "LIMIT is at least 1 and at most 4294967295").at(i.here());
            Err(nom::Err::Failure(Fault::refused(d.hint("for no limit but the engine's write NO SKIP NO LIMIT"))))
        }
    }
}

/// `SKIP PAST LAST EVENT`, `SKIP TO NEXT EVENT`, `SKIP TO (FIRST | LAST) stage [OR ERROR]`
fn skip(i: Tokens<'_>) -> Parsed<'_, AfterMatch> {
    let past = (keyword(Keyword::Past), cut((soft_word("LAST"), keyword(Keyword::Event))));
    let next = (keyword(Keyword::Next), cut(keyword(Keyword::Event)));
    let first_or_last = alt((value(false, soft_word("FIRST")), value(true, soft_word("LAST"))));
    let or_error = map(opt((keyword(Keyword::Or), cut(keyword(Keyword::Error)))), |e| e.is_some());
    let stage = map((first_or_last, cut(name("a stage")), or_error), |(last, stage, or_error)| AfterMatch::SkipTo {
        last,
        stage,
        or_error,
    });
    let to = preceded(keyword(Keyword::To), cut(alt((value(AfterMatch::SkipToNextEvent, next), stage))));
    let (i, _) = keyword(Keyword::Skip)(i)?;
    cut(alt((value(AfterMatch::SkipPastLastEvent, past), to))).parse(i)
}

/// `expr AS name`
pub(crate) fn returned(i: Tokens<'_>) -> Parsed<'_, Return> {
    let (rest, expr) = expr::expr(i)?;
    if matches!(rest.kind(), None | Some(Kind::Sign(Sign::Comma))) {
        let d = Diagnostic::error(codes::SYNTAX, "a returned value needs a name").at(expr.span);
        return Err(nom::Err::Failure(Fault::refused(d.hint("write `... AS name` behind it"))));
    }
    let (rest, name) = preceded(cut(keyword(Keyword::As)), cut(name("a name"))).parse(rest)?;
    Ok((rest, Return { expr, name }))
}
