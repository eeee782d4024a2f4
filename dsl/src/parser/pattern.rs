//! The pattern of EVENT. Reads more than the language allows (a negated group, two quantifiers, a suffix alone), so
//! that lowering can refuse it by name.

use ensue_rule::Contiguity;
use nom::branch::alt;
use nom::combinator::{cut, map, opt, value};
use nom::multi::{many0, separated_list1};
use nom::sequence::{delimited, preceded};
use nom::{Input, Parser};

use super::{Fault, Parsed, expr, keyword, name, nested, sign, time};
use crate::ast::{Base, Count, Item, Not, Sequence, Suffix, SuffixKind, Term, Then};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::token::{Keyword, Kind, Sign, Tokens};

/// `step { arrow [bound] step }`
pub(crate) fn sequence(i: Tokens<'_>) -> Parsed<'_, Sequence> {
    map((step, many0(then)), |(first, then)| Sequence { first, then }).parse(i)
}

fn then(i: Tokens<'_>) -> Parsed<'_, Then> {
    let (i, (arrow, span)) = arrow(i)?;
    map((opt(time::bound), cut(step)), move |(bound, item)| Then { arrow, span, bound, item }).parse(i)
}

fn arrow(i: Tokens<'_>) -> Parsed<'_, (Contiguity, ensue_rule::Span)> {
    let contiguity = match i.kind() {
        Some(Kind::Sign(Sign::FollowedBy)) => Contiguity::Relaxed,
        Some(Kind::Sign(Sign::FollowedByAny)) => Contiguity::Any,
        Some(Kind::Sign(Sign::Next)) => Contiguity::Strict,
        _ => return Err(nom::Err::Error(Fault::expected(i, "an arrow"))),
    };
    Ok((i.take_from(1), (contiguity, i.here())))
}

/// `both { "|" both }`
fn step(i: Tokens<'_>) -> Parsed<'_, Item> {
    map(list(Sign::Bar, both), |items| only(items, Item::AnyOf)).parse(i)
}

/// `item { "&" item }`
fn both(i: Tokens<'_>) -> Parsed<'_, Item> {
    map(list(Sign::Ampersand, item), |items| only(items, Item::AllOf)).parse(i)
}

/// One or more of `element`; behind a `separator` there must be one.
fn list<'a>(
    separator: Sign,
    element: fn(Tokens<'a>) -> Parsed<'a, Item>,
) -> impl Parser<Tokens<'a>, Output = Vec<Item>, Error = Fault> {
    map((element, many0(preceded(sign(separator), cut(element)))), |(first, more)| {
        std::iter::once(first).chain(more).collect()
    })
}

fn only(mut items: Vec<Item>, several: fn(Vec<Item>) -> Item) -> Item {
    match items.pop() {
        Some(item) if items.is_empty() => item,
        last => {
            items.extend(last);
            several(items)
        }
    }
}

/// `"!" name` or a term.
fn item<'a>(i: Tokens<'a>) -> Parsed<'a, Item> {
    let negation = |i: Tokens<'a>| {
        let (rest, what) = preceded(sign(Sign::Bang), cut(term)).parse(i)?;
        Ok((rest, Item::Not(Not { what, span: rest.since(i) })))
    };
    alt((negation, map(term, Item::Term))).parse(i)
}

/// A name or group with quantifiers and suffixes.
fn term(i: Tokens<'_>) -> Parsed<'_, Term> {
    let (rest, base) = alt((map(name("a stage"), Base::Stage), group)).parse(i)?;
    let (rest, counts) = many0(count).parse(rest)?;
    let (mut rest, mut suffixes) = many0(suffix).parse(rest)?;
    let mut counts = counts;
    // A quantifier behind a suffix is the second one, or stands in the wrong order: either way it belongs to this term.
    while let (after, Some(late)) = opt(count).parse(rest)? {
        let (after, more) = many0(suffix).parse(after)?;
        counts.push(late);
        suffixes.extend(more);
        rest = after;
    }
    Ok((rest, Term { base, counts, suffixes, span: rest.since(i) }))
}

fn group<'a>(i: Tokens<'a>) -> Parsed<'a, Base> {
    let inside =
        |i: Tokens<'a>| nested(i, |i| delimited(sign(Sign::Open), cut(sequence), cut(sign(Sign::Close))).parse(i));
    // The sign is looked at first, so that the depth is only asked of what is a group.
    let (_, _) = sign(Sign::Open)(i)?;
    map(inside, |s| Base::Group(Box::new(s))).parse(i)
}

/// `+ * ? {n} {n,} {n,m}`
fn count(i: Tokens<'_>) -> Parsed<'_, Count> {
    let after = i.take_from(1);
    let (rest, (min, max)) = match i.kind() {
        Some(Kind::Sign(Sign::Plus)) => (after, (1, None)),
        Some(Kind::Sign(Sign::Star)) => (after, (0, None)),
        Some(Kind::Sign(Sign::Question)) => (after, (0, Some(1))),
        Some(Kind::Sign(Sign::OpenBrace)) => {
            cut((range, sign(Sign::CloseBrace))).parse(after).map(|(i, (r, _))| (i, r))?
        }
        _ => return Err(nom::Err::Error(Fault::expected(i, "a quantifier"))),
    };
    Ok((rest, Count { min, max, span: rest.since(i) }))
}

fn range(i: Tokens<'_>) -> Parsed<'_, (u32, Option<u32>)> {
    let (i, min) = times(i)?;
    let (i, comma) = opt(sign(Sign::Comma)).parse(i)?;
    if comma.is_none() {
        return Ok((i, (min, Some(min))));
    }
    map(opt(times), |max| (min, max)).parse(i)
}

/// How many times.
fn times(i: Tokens<'_>) -> Parsed<'_, u32> {
    match i.kind() {
        Some(Kind::Int(n)) => {
            if let Ok(n) = u32::try_from(*n) {
                Ok((i.take_from(1), n))
            } else {
                let d = Diagnostic::error(codes::NUMBER_RANGE, "a quantifier can't count so far").at(i.here());
                Err(nom::Err::Failure(Fault::refused(d.hint(format!("at most {}", u32::MAX)))))
            }
        }
        _ => Err(nom::Err::Error(Fault::expected(i, "a whole number"))),
    }
}

fn suffix(i: Tokens<'_>) -> Parsed<'_, Suffix> {
    // Most terms have none: that is seen at once.
    if !matches!(i.kind(), Some(Kind::Keyword(..) | Kind::Sign(Sign::OpenBracket))) {
        return Err(nom::Err::Error(Fault::expected(i, "a suffix")));
    }
    let until = preceded(keyword(Keyword::Until), cut(delimited(sign(Sign::Open), expr::expr, sign(Sign::Close))));
    let (rest, kind) = alt((
        value(SuffixKind::Inner(Contiguity::Strict), keyword(Keyword::Strict)),
        value(SuffixKind::Inner(Contiguity::Any), keyword(Keyword::Any)),
        value(SuffixKind::Optional, keyword(Keyword::Optional)),
        value(SuffixKind::Greedy, keyword(Keyword::Greedy)),
        map(time::bound, |(bound, _)| SuffixKind::Gap(bound)),
        map(until, SuffixKind::Until),
    ))
    .parse(i)?;
    Ok((rest, Suffix { kind, span: rest.since(i) }))
}

/// One or more of `element` between commas; behind a comma there must be one.
pub(crate) fn comma_list<'a, O>(
    element: impl Fn(Tokens<'a>) -> Parsed<'a, O> + Copy,
) -> impl Parser<Tokens<'a>, Output = Vec<O>, Error = Fault> {
    separated_list1(sign(Sign::Comma), element)
}
