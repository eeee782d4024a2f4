//! Expressions. Weakest first: OR, AND, NOT, comparisons, `+ -`, `* / %`, minus.

use ensue_rule::{BinaryOp, UnaryOp, Value};
use nom::branch::alt;
use nom::combinator::{cut, opt};
use nom::multi::{many0, separated_list0};
use nom::sequence::{delimited, preceded};
use nom::{Input, Parser};

use super::{Fault, Parsed, keyword, name, nested, sign, soft_word, time};
use crate::ast::{Call, Expr, ExprKind, Name};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::token::{Keyword, Kind, Sign, Tokens};

type P<'a> = fn(Tokens<'a>) -> Parsed<'a, Expr>;

/// Any expression.
pub(crate) fn expr(i: Tokens<'_>) -> Parsed<'_, Expr> {
    chain(i, BinaryOp::Or, Keyword::Or, and)
}

fn and(i: Tokens<'_>) -> Parsed<'_, Expr> {
    chain(i, BinaryOp::And, Keyword::And, not)
}

fn chain<'a>(i: Tokens<'a>, op: BinaryOp, word: Keyword, operand: P<'a>) -> Parsed<'a, Expr> {
    let (mut rest, first) = operand(i)?;
    let mut operands = vec![first];
    while next_is(rest, word) {
        let (after, next) = cut(operand).parse(rest.take_from(1))?;
        operands.push(next);
        rest = after;
    }
    let span = rest.since(i);
    Ok((
        rest,
        match operands.pop() {
            Some(only) if operands.is_empty() => only,
            last => {
                operands.extend(last);
                Expr { kind: ExprKind::Chain(op, operands), span }
            }
        },
    ))
}

fn not(i: Tokens<'_>) -> Parsed<'_, Expr> {
    if !next_is(i, Keyword::Not) {
        return comparison(i);
    }
    let (rest, operand) = nested(i.take_from(1), |i| cut(not).parse(i))?;
    Ok((rest, negated(operand, true, i, rest)))
}

/// `operand`, or NOT of it, written from `start` to where `rest` begins.
fn negated(operand: Expr, not: bool, start: Tokens<'_>, rest: Tokens<'_>) -> Expr {
    let span = rest.since(start);
    if !not {
        return Expr { span, ..operand };
    }
    Expr { kind: ExprKind::Unary(UnaryOp::Not, Box::new(operand)), span }
}

/// A sum, alone or compared. Comparisons don't chain.
fn comparison(i: Tokens<'_>) -> Parsed<'_, Expr> {
    let (rest, left) = sum(i)?;
    let (rest, compared) = compared(i, rest, left)?;
    if comparison_sign(rest).is_some() {
        let d = Diagnostic::error(codes::CHAINED, "comparisons don't chain").at(rest.here());
        let d = d.hint("write `a < b AND b < c`, or BETWEEN");
        return Err(nom::Err::Failure(Fault::refused(d)));
    }
    Ok((rest, compared))
}

fn compared<'a>(start: Tokens<'a>, i: Tokens<'a>, left: Expr) -> Parsed<'a, Expr> {
    if let Some(op) = comparison_sign(i) {
        let (rest, right) = cut(sum).parse(i.take_from(1))?;
        let kind = ExprKind::Binary(op, Box::new(left), Box::new(right));
        return Ok((rest, Expr { kind, span: rest.since(start) }));
    }
    if let Ok((i, _)) = keyword(Keyword::Is)(i) {
        let (rest, not) =
            (opt(keyword(Keyword::Not)), cut(keyword(Keyword::Null))).parse(i).map(|(i, (n, _))| (i, n))?;
        let is_null = Expr { kind: ExprKind::IsNull(Box::new(left)), span: rest.since(start) };
        return Ok((rest, negated(is_null, not.is_some(), start, rest)));
    }
    let not = next_is(i, Keyword::Not);
    let after = i.take_from(usize::from(not));
    let operator = after.kind().and_then(|k| if let Kind::Keyword(k, _) = k { Some(*k) } else { None });
    let rest = after.take_from(1);
    let (rest, kind) = match operator {
        Some(Keyword::In) => in_list(rest, left)?,
        Some(Keyword::Between) => between(rest, left)?,
        Some(Keyword::Like) => with_pattern(rest, left, ExprKind::Like)?,
        Some(Keyword::Matches) => with_pattern(rest, left, ExprKind::Matches)?,
        _ if not => return Err(nom::Err::Failure(Fault::expected(after, "IN, BETWEEN, LIKE or MATCHES"))),
        _ => return Ok((i, left)),
    };
    Ok((rest, negated(Expr { kind, span: rest.since(start) }, not, start, rest)))
}

fn comparison_sign(i: Tokens<'_>) -> Option<BinaryOp> {
    Some(match next_sign(i)? {
        Sign::Equal | Sign::Equal2 => BinaryOp::Eq,
        Sign::NotEqual | Sign::NotEqual2 => BinaryOp::Ne,
        Sign::Less => BinaryOp::Lt,
        Sign::LessEqual => BinaryOp::Le,
        Sign::Greater => BinaryOp::Gt,
        Sign::GreaterEqual => BinaryOp::Ge,
        _ => return None,
    })
}

fn in_list(i: Tokens<'_>, left: Expr) -> Parsed<'_, ExprKind> {
    let (rest, list) = cut(arguments(expr)).parse(i)?;
    if list.is_empty() {
        let d = Diagnostic::error(codes::SYNTAX, "IN needs at least one value").at(rest.since(i));
        return Err(nom::Err::Failure(Fault::refused(d.hint("as in `x IN ('a', 'b')`"))));
    }
    Ok((rest, ExprKind::In(Box::new(left), list)))
}

fn between(i: Tokens<'_>, left: Expr) -> Parsed<'_, ExprKind> {
    let (rest, (low, _, high)) = cut((sum, keyword(Keyword::And), sum)).parse(i)?;
    Ok((rest, ExprKind::Between(Box::new([left, low, high]))))
}

fn with_pattern(i: Tokens<'_>, left: Expr, kind: fn(Box<[Expr; 2]>) -> ExprKind) -> Parsed<'_, ExprKind> {
    let (rest, pattern) = cut(sum).parse(i)?;
    Ok((rest, kind(Box::new([left, pattern]))))
}

fn sum(i: Tokens<'_>) -> Parsed<'_, Expr> {
    let op = |sign| match sign {
        Sign::Plus => Some(BinaryOp::Add),
        Sign::Minus => Some(BinaryOp::Sub),
        _ => None,
    };
    left_to_right(i, op, product)
}

fn product(i: Tokens<'_>) -> Parsed<'_, Expr> {
    let op = |sign| match sign {
        Sign::Star => Some(BinaryOp::Mul),
        Sign::Slash => Some(BinaryOp::Div),
        Sign::Percent => Some(BinaryOp::Rem),
        _ => None,
    };
    left_to_right(i, op, minus)
}

/// `operand { op operand }`, grouped to the left. The tree grows with the chain, so the chain counts as depth.
fn left_to_right<'a>(i: Tokens<'a>, op: fn(Sign) -> Option<BinaryOp>, operand: P<'a>) -> Parsed<'a, Expr> {
    let (mut rest, mut left) = operand(i)?;
    let mut depth = i.depth();
    while let Some(op) = next_sign(rest).and_then(op) {
        depth += 1;
        let (after, right) = nested(rest.take_from(1).at_depth(depth), |i| cut(operand).parse(i))?;
        rest = after.at_depth(i.depth());
        left = Expr { kind: ExprKind::Binary(op, Box::new(left), Box::new(right)), span: rest.since(i) };
    }
    Ok((rest, left))
}

fn next_sign(i: Tokens<'_>) -> Option<Sign> {
    if let Some(Kind::Sign(sign)) = i.kind() { Some(*sign) } else { None }
}

fn next_is(i: Tokens<'_>, keyword: Keyword) -> bool {
    matches!(i.kind(), Some(Kind::Keyword(k, _)) if *k == keyword)
}

/// `-x`; the minus of a number belongs to the number.
fn minus(i: Tokens<'_>) -> Parsed<'_, Expr> {
    if next_sign(i) != Some(Sign::Minus) {
        return primary(i);
    }
    let after = i.take_from(1);
    if let Some(kind @ (Kind::Int(_) | Kind::Float(_))) = after.kind()
        && !time::begins_duration(after)
    {
        let rest = after.take_from(1);
        return number(kind, true).map_or_else(|| out_of_range(i, rest), |v| Ok((rest, literal_at(v, i, rest))));
    }
    let (rest, operand) = nested(after, |i| cut(minus).parse(i))?;
    Ok((rest, Expr { kind: ExprKind::Unary(UnaryOp::Neg, Box::new(operand)), span: rest.since(i) }))
}

/// A number token as a value; `None` where it is out of range.
fn number(kind: &Kind<'_>, negative: bool) -> Option<Value> {
    match kind {
        Kind::Int(n) if negative => 0_i64.checked_sub_unsigned(*n).map(Value::Int),
        Kind::Int(n) => i64::try_from(*n).ok().map(Value::Int),
        Kind::Float(x) => Some(Value::Float(if negative { -x } else { *x })),
        _ => None,
    }
}

fn out_of_range<'a>(start: Tokens<'a>, rest: Tokens<'a>) -> Parsed<'a, Expr> {
    let d = Diagnostic::error(codes::NUMBER_RANGE, "this number is too large").at(rest.since(start));
    Err(nom::Err::Failure(Fault::refused(d.hint("whole numbers go up to 9223372036854775807"))))
}

fn literal_at(value: Value, start: Tokens<'_>, rest: Tokens<'_>) -> Expr {
    Expr { kind: ExprKind::Literal(value), span: rest.since(start) }
}

fn primary(i: Tokens<'_>) -> Parsed<'_, Expr> {
    if time::begins_duration(i) {
        let (rest, d) = time::duration(i)?;
        return Ok((rest, literal_at(Value::Int(d.0), i, rest)));
    }
    let rest = i.take_from(1);
    let value = match i.kind() {
        Some(Kind::Text(t)) => Value::Str((&**t).into()),
        Some(Kind::Keyword(Keyword::True, _)) => Value::Bool(true),
        Some(Kind::Keyword(Keyword::False, _)) => Value::Bool(false),
        Some(Kind::Keyword(Keyword::Null, _)) => Value::Null,
        Some(Kind::Sign(Sign::Open)) => return parenthesised(i),
        Some(Kind::Word(_) | Kind::Quoted(_)) => return named(i),
        // A stage called like a reserved word is refused by that name.
        Some(Kind::Keyword(..)) if matches!(i.second(), Some(Kind::Sign(Sign::Dot))) => return named(i),
        Some(k @ (Kind::Int(_) | Kind::Float(_))) => match number(k, false) {
            Some(v) => v,
            None => return out_of_range(i, rest),
        },
        _ => return Err(nom::Err::Error(Fault::expected(i, "a value"))),
    };
    Ok((rest, literal_at(value, i, rest)))
}

fn parenthesised(i: Tokens<'_>) -> Parsed<'_, Expr> {
    let (rest, inside) = nested(i, |i| delimited(sign(Sign::Open), cut(expr), cut(sign(Sign::Close))).parse(i))?;
    Ok((rest, Expr { span: rest.since(i), ..inside }))
}

/// A call, or a path of names.
fn named(i: Tokens<'_>) -> Parsed<'_, Expr> {
    let two_words = matches!(i.second(), Some(Kind::Word(_)));
    let modifier = alt((soft_word("RUNNING"), soft_word("PRIOR"), soft_word("TRENDS")));
    let (after, modifier) = if two_words { opt(modifier).parse(i)? } else { (i, None) };
    if modifier.is_some() || matches!((i.kind(), i.second()), (Some(Kind::Word(_)), Some(Kind::Sign(Sign::Open)))) {
        let modifier = modifier.and_then(|_| name("a modifier")(i).ok()).map(|(_, n)| n);
        let (rest, call) = call(after, modifier)?;
        return Ok((rest, Expr { kind: ExprKind::Call(call), span: rest.since(i) }));
    }
    let (rest, first) = name("a value")(i)?;
    let (rest, more) = many0(preceded(sign(Sign::Dot), cut(name("a name")))).parse(rest)?;
    let path: Vec<Name> = std::iter::once(first).chain(more).collect();
    Ok((rest, Expr { kind: ExprKind::Path(path), span: rest.since(i) }))
}

fn call(i: Tokens<'_>, modifier: Option<Name>) -> Parsed<'_, Call> {
    let (i, name) = name("a function")(i)?;
    let star = delimited(sign(Sign::Open), sign(Sign::Star), sign(Sign::Close));
    if let Ok((rest, _)) = { star }.parse(i) {
        return Ok((rest, Call { modifier, name, distinct: None, star: true, args: Vec::new() }));
    }
    let (inside, _) = cut(sign(Sign::Open)).parse(i)?;
    let is_distinct = matches!(inside.second(), Some(Kind::Word(_) | Kind::Quoted(_)));
    let (inside, distinct) = if is_distinct { opt(soft_word("DISTINCT")).parse(inside)? } else { (inside, None) };
    let args = |i| (separated_list0(sign(Sign::Comma), expr), cut(sign(Sign::Close))).parse(i);
    let (rest, (args, _)) = nested(inside, args)?;
    Ok((rest, Call { modifier, name, distinct, star: false, args }))
}

/// `( element, element )`, one level deeper.
fn arguments<'a>(element: P<'a>) -> impl Fn(Tokens<'a>) -> Parsed<'a, Vec<Expr>> {
    move |i| {
        nested(i, |i| {
            let inside = separated_list0(sign(Sign::Comma), element);
            delimited(sign(Sign::Open), inside, cut(sign(Sign::Close))).parse(i)
        })
    }
}
