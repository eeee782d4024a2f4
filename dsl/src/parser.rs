//! Tokens to the tree of the text, in nom. The parts: [`pattern`], [`expr`], [`clause`], and [`sections`], which cuts a
//! text into clauses, so that an error in one does not hide those of the others.

pub(crate) mod clause;
pub(crate) mod expr;
pub(crate) mod pattern;
pub(crate) mod sections;
pub(crate) mod time;

use ensue_rule::Span;
use nom::error::{ErrorKind, ParseError};
use nom::{IResult, Input, Parser};

use crate::ast::Name;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::token::{Keyword, Kind, Sign, Token, Tokens};

/// What a parser gives: what is left and what it read, or why not.
pub(crate) type Parsed<'a, O> = IResult<Tokens<'a>, O, Fault>;

/// How deep groups, parentheses, calls, NOT and minus may nest together. The text is read recursively; this bounds the
/// stack.
pub(crate) const DEEPEST: usize = 48;

/// Why a parser did not go on.
#[derive(Clone, Debug)]
pub(crate) enum Fault {
    /// Something else stands here.
    Expected(Expected),
    /// Read as far as it goes, and known to be wrong.
    Refused(Box<Diagnostic>),
}

/// What could have stood at a place, in the words of messages.
#[derive(Clone, Debug)]
pub(crate) struct Expected {
    /// How many tokens were left there: the fewer, the farther.
    left: usize,
    span: Span,
    what: [Option<&'static str>; 4],
}

impl Expected {
    /// Adds what another parser would have taken at the same place; the farther place wins. (This is on the way of
    /// every alternative that is not taken: what comes twice is sorted out when it is shown.)
    fn or(mut self, other: Self) -> Self {
        if self.left != other.left {
            return if self.left < other.left { self } else { other };
        }
        let more = other.what.into_iter().flatten();
        self.what.iter_mut().filter(|w| w.is_none()).zip(more).for_each(|(free, w)| *free = Some(w));
        self
    }
}

impl Fault {
    fn expected(at: Tokens<'_>, what: &'static str) -> Self {
        Self::Expected(Expected { left: at.left(), span: at.here(), what: [Some(what), None, None, None] })
    }

    fn refused(d: Diagnostic) -> Self {
        Self::Refused(Box::new(d))
    }
}

impl<'a> ParseError<Tokens<'a>> for Fault {
    fn from_error_kind(at: Tokens<'a>, _: ErrorKind) -> Self {
        Self::Expected(Expected { left: at.left(), span: at.here(), what: [None; 4] })
    }

    fn append(_: Tokens<'a>, _: ErrorKind, other: Self) -> Self {
        other
    }

    fn or(self, other: Self) -> Self {
        match (self, other) {
            (Self::Expected(a), Self::Expected(b)) => Self::Expected(a.or(b)),
            (refused @ Self::Refused(_), _) | (_, refused) => refused,
        }
    }
}

/// Reads all of `tokens` with `parser`; what is left over is an error.
pub(crate) fn whole<'a, O>(
    parser: impl Parser<Tokens<'a>, Output = O, Error = Fault>,
    tokens: Tokens<'a>,
    then: &'static str,
) -> Result<O, Diagnostic> {
    let mut parser = parser;
    match parser.parse(tokens) {
        Ok((rest, out)) if rest.left() == 0 => Ok(out),
        Ok((rest, _)) => Err(syntax_error(tokens, Fault::expected(rest, then))),
        Err(nom::Err::Error(f) | nom::Err::Failure(f)) => Err(syntax_error(tokens, f)),
        Err(nom::Err::Incomplete(_)) => Err(syntax_error(tokens, Fault::expected(tokens, then))),
    }
}

fn syntax_error(tokens: Tokens<'_>, fault: Fault) -> Diagnostic {
    let expected = match fault {
        Fault::Refused(d) => return *d,
        Fault::Expected(e) => e,
    };
    let mut what: Vec<_> = expected.what.into_iter().flatten().collect();
    what.dedup();
    let what = match what.as_slice() {
        [] => "something else".to_owned(),
        [one] => (*one).to_owned(),
        [most @ .., last] => format!("{} or {last}", most.join(", ")),
    };
    let at = tokens.take_from(tokens.left().saturating_sub(expected.left));
    let found = at.kind().map_or_else(|| "it ends here".to_owned(), |k| format!("found {}", k.describe()));
    let d = Diagnostic::error(codes::SYNTAX, format!("expected {what}, {found}")).at(expected.span);
    match slip(at, &what) {
        Some(hint) => d.hint(hint),
        None => d,
    }
}

/// What is expected behind a pattern.
pub(crate) const ARROW_OR_CLAUSE: &str = "an arrow or a clause";

/// What someone who writes this token here probably meant.
fn slip(at: Tokens<'_>, expected: &str) -> Option<String> {
    let in_pattern = expected == ARROW_OR_CLAUSE;
    let hint = match (at.kind()?, at.second()) {
        (Kind::Word(w), _) => return word_slip(w, expected),
        (Kind::Quoted(_) | Kind::Sign(Sign::Comma | Sign::Greater | Sign::Minus | Sign::Dot), _) if in_pattern => {
            BETWEEN
        }
        (Kind::Sign(Sign::Next), _) if !expected.contains("a stage") => {
            "at least is `>=`; `=>` is an arrow of patterns"
        }
        (Kind::Sign(Sign::Ampersand), Some(Kind::Sign(Sign::Ampersand))) => "write AND",
        (Kind::Sign(Sign::Bar), Some(Kind::Sign(Sign::Bar))) => "write OR",
        (Kind::Sign(Sign::Bang), _) => "in a condition, write NOT",
        (Kind::Sign(Sign::Equal), Some(Kind::Sign(Sign::Less))) => "at most is `<=`",
        (Kind::Sign(Sign::OpenBracket), _) if expected.contains("an operator") => {
            "a field of `args` stands behind a dot: `v.args.price`"
        }
        (Kind::Int(_), _) if expected == "`<` or `<=`" => "say whether that time is still in: `[< 5 S]` or `[<= 5 S]`",
        (Kind::Text(_), _) if expected == "NULL" => "IS asks for NULL only: write `=`",
        (Kind::Text(_) | Kind::Int(_) | Kind::Float(_), _) if expected == "`(`" => {
            "a list stands in parentheses: `x IN ('a', 'b')`"
        }
        (Kind::Int(_) | Kind::Float(_), _) if expected == "AND" => "write `x BETWEEN 1 AND 5`",
        (Kind::Keyword(Keyword::Limit, _), _) if expected.contains("a clause") => {
            "LIMIT stands in AFTER MATCH, behind NO SKIP"
        }
        (Kind::Keyword(k, _), _) if expected == "a value" && !k.is_operator() => {
            return Some(format!("{} is a reserved word: a name like it stands in backticks", k.as_str()));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

const BETWEEN: &str = "between two stages stands an arrow: `->`, `->>` or `=>`";

/// What a word that has no meaning here was probably to be: one of the words that have, misspelled, or one of another
/// language.
fn word_slip(word: &str, expected: &str) -> Option<String> {
    let hint = match word.to_ascii_uppercase().as_str() {
        "HAVING" => "conditions on aggregates stand in WHERE too",
        "GROUP" | "KEY" => "write PARTITION BY",
        "NOSKIP" => "write NO SKIP",
        "ROW" => "write LAST EVENT",
        "CONTAINS" => "write `x LIKE '%part%'`",
        "STARTSWITH" | "BEGINS" => "write `x LIKE 'start%'`",
        "REGEXP" | "RLIKE" | "REGEX" => "write `x MATCHES 'regular expression'`",
        "WHEN" => "there is no CASE: write the cases as conditions joined by OR",
        _ => return near_word(word, expected),
    };
    Some(hint.to_owned())
}

/// One of the words that have a meaning here, misspelled; else what is missing before this one.
fn near_word(word: &str, expected: &str) -> Option<String> {
    const CLAUSES: [&str; 6] = ["WHERE", "WITHIN", "PARTITION", "AFTER", "RETURN", "ON TIMEOUT"];
    let words = expected.split([' ', ',']).filter(|w| w.len() > 1 && w.bytes().all(|b| b.is_ascii_uppercase()));
    let clauses = CLAUSES.into_iter().filter(|_| expected.contains("a clause"));
    if let Some(near) = crate::suggest::nearest(word, words.chain(clauses)) {
        return Some(format!("did you mean {near}?"));
    }
    let hint = match expected {
        ARROW_OR_CLAUSE => BETWEEN,
        "AS" => "each value has a name, and `,` stands between two: `a.ts AS x, b.ts AS y`",
        "`:`" => "write `EVENT:` and the pattern behind it",
        "RETURN" => "write ON TIMEOUT RETURN",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The token `sign`.
pub(crate) fn sign<'a>(sign: Sign) -> impl Fn(Tokens<'a>) -> Parsed<'a, Span> {
    move |i| match i.first() {
        Some(Token { kind: Kind::Sign(s), span }) if *s == sign => Ok((i.take_from(1), *span)),
        _ => Err(nom::Err::Error(Fault::expected(i, sign.quoted()))),
    }
}

/// The reserved word `keyword`.
pub(crate) fn keyword<'a>(keyword: Keyword) -> impl Fn(Tokens<'a>) -> Parsed<'a, Span> {
    move |i| match i.first() {
        Some(Token { kind: Kind::Keyword(k, _), span }) if *k == keyword => Ok((i.take_from(1), *span)),
        _ => Err(nom::Err::Error(Fault::expected(i, keyword.as_str()))),
    }
}

/// A word that is only special where it stands (FIRST, DISTINCT, RUNNING, ...).
pub(crate) fn soft_word<'a>(word: &'static str) -> impl Fn(Tokens<'a>) -> Parsed<'a, Span> {
    move |i| match i.first() {
        Some(Token { kind: Kind::Word(w), span }) if w.eq_ignore_ascii_case(word) => Ok((i.take_from(1), *span)),
        _ => Err(nom::Err::Error(Fault::expected(i, word))),
    }
}

/// A name; `what` says of what. (The lexer makes names of the reserved words that may be some.)
pub(crate) fn name<'a>(what: &'static str) -> impl Fn(Tokens<'a>) -> Parsed<'a, Name> {
    move |i| {
        let Some(token) = i.first() else { return Err(nom::Err::Error(Fault::expected(i, what))) };
        let text = match &token.kind {
            Kind::Word(w) => (*w).to_owned(),
            Kind::Quoted(n) => n.to_string(),
            Kind::Keyword(k, w) => return Err(nom::Err::Failure(Fault::refused(reserved(*k, w, token.span)))),
            _ => return Err(nom::Err::Error(Fault::expected(i, what))),
        };
        Ok((i.take_from(1), Name { text, span: token.span }))
    }
}

fn reserved(keyword: Keyword, word: &str, span: Span) -> Diagnostic {
    let message = format!("{} is a reserved word and can't be a name", keyword.as_str());
    let d = Diagnostic::error(codes::RESERVED, message).at(span);
    match keyword {
        Keyword::Not => d.hint("a stage is forbidden by `!`: `a -> !n -> b`"),
        Keyword::And => d.hint("in any order is `a & b`; one after the other `a -> b`"),
        Keyword::Or => d.hint("either of two is `a | b`"),
        _ => d.hint(format!("choose another name, or write `{word}` in backticks")),
    }
}

/// `parser` one level deeper, or a refusal where that is too deep.
pub(crate) fn nested<'a, O>(i: Tokens<'a>, mut parser: impl FnMut(Tokens<'a>) -> Parsed<'a, O>) -> Parsed<'a, O> {
    if i.depth() >= DEEPEST {
        let message = format!("nested more than {DEEPEST} levels deep");
        let d =
            Diagnostic::error(codes::TOO_DEEP, message).at(i.here()).hint("take parentheses away, or split the rule");
        return Err(nom::Err::Failure(Fault::refused(d)));
    }
    let (rest, out) = parser(i.at_depth(i.depth() + 1))?;
    Ok((rest.at_depth(i.depth()), out))
}
