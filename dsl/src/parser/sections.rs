//! Cuts a text into its clauses by their first words, which are reserved, and reads each for itself: an error in one
//! hides no error of another. Inside WHERE the conjuncts, inside RETURN the values are read apart in the same way.

use ensue_rule::{BinaryOp, Span};
use nom::combinator::cut;
use nom::sequence::preceded;
use nom::{Input, Parser};

use super::{Parsed, clause, expr, keyword, name, pattern, sign, whole};
use crate::ast::{Expr, ExprKind, Name, Part, Return, RuleText, Sequence};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;
use crate::token::{Keyword, Kind, Sign, Token, Tokens};

/// The parts of a rule in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Head {
    Rule,
    Event,
    Where,
    Within,
    PartitionBy,
    AfterMatch,
    Return,
    OnTimeout,
}

impl Head {
    fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "RULE",
            Self::Event => "EVENT",
            Self::Where => "WHERE",
            Self::Within => "WITHIN",
            Self::PartitionBy => "PARTITION BY",
            Self::AfterMatch => "AFTER MATCH",
            Self::Return => "RETURN",
            Self::OnTimeout => "ON TIMEOUT",
        }
    }

    /// The part that begins with the token at `at`, if one does.
    fn at(tokens: &[Token<'_>], at: usize) -> Option<Self> {
        let kind = |i: usize| tokens.get(i).map(|t| &t.kind);
        let Kind::Keyword(word, _) = kind(at)? else { return None };
        let before = at.checked_sub(1).and_then(kind);
        match (word, before) {
            (Keyword::Rule, _) => Some(Self::Rule),
            // `SKIP TO NEXT EVENT`, `SKIP PAST LAST EVENT`, `ON TIMEOUT RETURN`
            (Keyword::Event, Some(Kind::Word(w))) if w.eq_ignore_ascii_case("LAST") => None,
            (Keyword::Event, Some(Kind::Keyword(Keyword::Next, _)))
            | (Keyword::Return, Some(Kind::Keyword(Keyword::Timeout, _))) => None,
            (Keyword::Event, _) => Some(Self::Event),
            (Keyword::Where, _) => Some(Self::Where),
            (Keyword::Within, _) => Some(Self::Within),
            (Keyword::Partition, _) => Some(Self::PartitionBy),
            (Keyword::After, _) => Some(Self::AfterMatch),
            (Keyword::Return, _) => Some(Self::Return),
            (Keyword::On, _) => Some(Self::OnTimeout),
            _ => None,
        }
    }
}

/// Reads a whole rule text.
pub(crate) fn rule(tokens: &[Token<'_>], sink: &mut Sink) -> RuleText {
    let mut text = RuleText::default();
    let starts: Vec<(usize, Head)> = (0..tokens.len()).filter_map(|i| Some((i, Head::at(tokens, i)?))).collect();
    let first = starts.first().map_or(tokens.len(), |(i, _)| *i);
    if let Some(stray) = tokens.get(..first).and_then(|t| t.first()) {
        let found = stray.kind.describe();
        let d = Diagnostic::error(codes::SYNTAX, format!("expected RULE or EVENT, found {found}")).at(stray.span);
        let word = if let Kind::Word(w) = stray.kind { w } else { "" };
        sink.push(match crate::suggest::nearest(word, ["EVENT", "RULE"]) {
            Some(near) => d.hint(format!("did you mean {near}? a rule begins with `EVENT:`")),
            None => d.hint("a rule begins with `EVENT:` and its pattern"),
        });
    }
    let mut seen: Vec<Head> = Vec::new();
    for (n, (start, head)) in starts.iter().enumerate() {
        let end = starts.get(n + 1).map_or(tokens.len(), |(i, _)| *i);
        let part = tokens.get(*start..end).unwrap_or(&[]);
        let Some(span) = span_of(part) else { continue };
        match misplaced(*head, &seen) {
            Some(d) if d.code == codes::TWO_RULES => return stop(text, d.at(span), sink),
            Some(d) => sink.push(d.at(part.first().map_or(span, |t| t.span))),
            None => {}
        }
        if !seen.contains(head) {
            read(*head, Tokens::new(part, Span { end: span.start, ..span }), span, &mut text, sink);
        }
        seen.push(*head);
    }
    // A text that begins with something else has been told how to begin.
    if !seen.contains(&Head::Event) && first == 0 {
        let d = Diagnostic::error(codes::NO_EVENT, "the rule has no EVENT");
        let at = span_of(tokens).unwrap_or_default();
        sink.push(d.at(Span { end: at.start, ..at }).hint("a rule begins with `EVENT:` and its pattern"));
    }
    text
}

fn stop(text: RuleText, d: Diagnostic, sink: &mut Sink) -> RuleText {
    sink.push(d);
    text
}

fn span_of(tokens: &[Token<'_>]) -> Option<Span> {
    Some(tokens.first()?.span.to(tokens.last()?.span))
}

/// What is wrong with `head` coming after `seen`.
fn misplaced(head: Head, seen: &[Head]) -> Option<Diagnostic> {
    if head <= Head::Event && (seen.contains(&head) || (head == Head::Rule && seen.contains(&Head::Event))) {
        return Some(
            Diagnostic::error(codes::TWO_RULES, "a second rule begins here")
                .hint("a text is one rule: put each in its own"),
        );
    }
    if seen.contains(&head) {
        let message = format!("{} comes twice", head.as_str());
        let hint = if head == Head::Where { "join the conditions by AND" } else { "keep one of the two" };
        return Some(Diagnostic::error(codes::CLAUSE_TWICE, message).hint(hint));
    }
    let later = seen.iter().filter(|h| **h > head).min()?;
    let message = format!("{} stands before {}", head.as_str(), later.as_str());
    let order = "the order is RULE, EVENT, WHERE, WITHIN, PARTITION BY, AFTER MATCH, RETURN, ON TIMEOUT";
    Some(Diagnostic::error(codes::CLAUSE_ORDER, message).hint(order))
}

fn read(head: Head, tokens: Tokens<'_>, span: Span, text: &mut RuleText, sink: &mut Sink) {
    match head {
        Head::Rule => text.name = part(whole(rule_name, tokens, "EVENT"), span, sink),
        Head::Event => text.pattern = part(whole(event, tokens, super::ARROW_OR_CLAUSE), span, sink),
        Head::Where => text.conjuncts = conjuncts(tokens.take_from(1), sink),
        Head::Within => text.within = part(whole(clause::within, tokens, "a clause"), span, sink),
        Head::PartitionBy => {
            text.partition_by = part(whole(clause::partition_by, tokens, "`,` or a clause"), span, sink);
        }
        Head::AfterMatch => text.after_match = part(whole(clause::after_match, tokens, "a clause"), span, sink),
        Head::Return => text.returns = returns(tokens.take_from(1), sink).map(|node| Part { node, span }),
        Head::OnTimeout => text.on_timeout = on_timeout(tokens, sink).map(|node| Part { node, span }),
    }
}

fn part<T>(read: Result<T, Diagnostic>, span: Span, sink: &mut Sink) -> Option<Part<T>> {
    read.map_err(|d| sink.push(d)).ok().map(|node| Part { node, span })
}

fn rule_name(i: Tokens<'_>) -> Parsed<'_, Name> {
    preceded(keyword(Keyword::Rule), cut(name("a name"))).parse(i)
}

fn event(i: Tokens<'_>) -> Parsed<'_, Sequence> {
    let head = (keyword(Keyword::Event), cut(sign(Sign::Colon)));
    preceded(head, cut(pattern::sequence)).parse(i)
}

/// The conjuncts of WHERE that can be read.
fn conjuncts(tokens: Tokens<'_>, sink: &mut Sink) -> Vec<Expr> {
    let then = "AND, OR, an operator or a clause";
    let error = match whole(expr::expr, tokens, then) {
        Ok(expr) => return flatten(expr),
        Err(d) => d,
    };
    let pieces = split(tokens, Separator::And);
    if pieces.len() > 1 && pieces.last().is_some_and(|p| p.left() == 0) {
        let d = Diagnostic::error(codes::SYNTAX, "a condition is missing behind the last AND");
        let at = tokens.as_slice().last().map_or(error.span, |t| t.span);
        sink.push(d.at(at).hint("write one, or leave the AND out"));
    }
    let empty_end = usize::from(pieces.len() > 1 && pieces.last().is_some_and(|p| p.left() == 0));
    let pieces = pieces.iter().copied().take(pieces.len() - empty_end);
    let (good, bad): (Vec<_>, Vec<_>) = pieces.map(|p| whole(expr::expr, p, then)).partition(Result::is_ok);
    let bad: Vec<_> = bad.into_iter().filter_map(Result::err).collect();
    if bad.is_empty() && empty_end == 0 {
        sink.push(error);
    }
    bad.into_iter().for_each(|d| sink.push(d));
    good.into_iter().filter_map(Result::ok).flat_map(flatten).collect()
}

fn flatten(expr: Expr) -> Vec<Expr> {
    match expr.kind {
        ExprKind::Chain(BinaryOp::And, operands) => operands.into_iter().flat_map(flatten).collect(),
        kind => vec![Expr { kind, span: expr.span }],
    }
}

/// The values of RETURN; `None` where one could not be read.
fn returns(tokens: Tokens<'_>, sink: &mut Sink) -> Option<Vec<Return>> {
    let read = |piece| whole(clause::returned, piece, "`,` or a clause").map_err(|d| sink.push(d)).ok();
    let values: Vec<_> = split(tokens, Separator::Comma).into_iter().map(read).collect();
    values.into_iter().collect()
}

/// `ON TIMEOUT [RETURN value, ...]`: without values timeouts are reported with what they bound.
fn on_timeout(tokens: Tokens<'_>, sink: &mut Sink) -> Option<Vec<Return>> {
    let head = |i| {
        let (rest, _) = (keyword(Keyword::On), cut(keyword(Keyword::Timeout))).parse(i)?;
        if rest.left() == 0 { Ok((rest, None)) } else { cut(keyword(Keyword::Return)).map(Some).parse(rest) }
    };
    match head(tokens) {
        Ok((_, None)) => Some(Vec::new()),
        Ok((rest, Some(_))) => returns(rest, sink),
        Err(nom::Err::Error(f) | nom::Err::Failure(f)) => {
            sink.push(super::syntax_error(tokens, f));
            None
        }
        Err(nom::Err::Incomplete(_)) => None,
    }
}

/// What stands between the pieces of a clause.
#[derive(Clone, Copy)]
enum Separator {
    And,
    Comma,
}

/// Cuts at the separators that stand outside all parentheses. The AND of BETWEEN is none.
fn split(tokens: Tokens<'_>, separator: Separator) -> Vec<Tokens<'_>> {
    let (mut pieces, mut start) = (Vec::new(), 0);
    let (mut open, mut between) = (0_usize, 0_usize);
    for (at, token) in tokens.as_slice().iter().enumerate() {
        match (&token.kind, separator) {
            (Kind::Sign(Sign::Open), _) => open += 1,
            (Kind::Sign(Sign::Close), _) => open = open.saturating_sub(1),
            _ if open > 0 => {}
            (Kind::Keyword(Keyword::Between, _), _) => between += 1,
            (Kind::Keyword(Keyword::And, _), _) if between > 0 => between -= 1,
            (Kind::Keyword(Keyword::And, _), Separator::And) | (Kind::Sign(Sign::Comma), Separator::Comma) => {
                pieces.push(tokens.take_from(start).take(at - start));
                start = at + 1;
            }
            _ => {}
        }
    }
    pieces.push(tokens.take_from(start));
    pieces
}
