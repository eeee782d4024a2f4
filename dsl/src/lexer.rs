//! Text to tokens. Nothing stops it: what it can't read it reports, and goes on behind.

use std::borrow::Cow;

use ensue_rule::Span;
use nom::branch::alt;
use nom::bytes::complete::{tag, take_till, take_while, take_while1};
use nom::character::complete::{char, digit1, one_of, satisfy};
use nom::combinator::{map, opt, recognize, value};
use nom::sequence::{pair, preceded};
use nom::{IResult, Parser};

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::token::{Keyword, Kind, SIGNS, Sign, Token};

/// The longest text that is read, in bytes. No rule of a person comes near; what is longer is refused unread.
pub(crate) const LONGEST_TEXT: usize = 64 * 1024;

/// A text as tokens.
#[derive(Debug, Default)]
pub(crate) struct Lexed<'t> {
    pub(crate) tokens: Vec<Token<'t>>,
    pub(crate) comments: Vec<Span>,
    pub(crate) diagnostics: Vec<Diagnostic>,
}

/// A piece of text.
enum Lexeme<'t> {
    Token(Kind<'t>),
    Space,
    Comment,
    Bad(Bad<'t>),
}

/// A piece that can't be read, with what is nearest to it.
#[derive(Clone, Copy)]
enum Bad<'t> {
    Character(char),
    Unterminated(&'static str),
    Number,
    Quotes(&'t str),
}

/// Reads all of `text`.
pub(crate) fn lex(text: &str) -> Lexed<'_> {
    let mut out = Lexed::default();
    if text.len() > LONGEST_TEXT {
        out.diagnostics.push(too_long(text.len()));
        return out;
    }
    let mut rest = text;
    while let Ok((after, lexeme)) = lexeme(rest) {
        let span = Span::new(text.len() - rest.len(), text.len() - after.len());
        rest = after;
        match lexeme {
            Lexeme::Token(kind) => out.token(kind, span),
            Lexeme::Space => {}
            Lexeme::Comment => out.comment(text, span),
            Lexeme::Bad(bad) => out.bad(bad, span),
        }
    }
    out
}

impl<'t> Lexed<'t> {
    /// After a dot and after AS every word is a name.
    fn token(&mut self, kind: Kind<'t>, span: Span) {
        let before = self.tokens.last().map(|t| &t.kind);
        let names = matches!(before, Some(Kind::Sign(Sign::Dot) | Kind::Keyword(Keyword::As, _)));
        let kind = match kind {
            Kind::Keyword(_, word) if names => Kind::Word(word),
            kind => kind,
        };
        self.tokens.push(Token { kind, span });
    }

    fn comment(&mut self, text: &str, span: Span) {
        self.comments.push(span);
        if text.get(span.start as usize..).is_some_and(|t| t.starts_with("-->")) {
            let d = Diagnostic::warning(codes::COMMENT_ARROW, "`-->` begins a comment");
            self.diagnostics.push(d.at(span).hint("the arrow is `->`"));
        }
    }

    /// Reports a bad piece; in its stead goes on with the token that was probably meant.
    fn bad(&mut self, bad: Bad<'t>, span: Span) {
        let d = match bad {
            Bad::Character(c) => return self.bad_character(c, span),
            Bad::Unterminated(what) => Diagnostic::error(codes::UNTERMINATED, format!("this {what} does not end")),
            Bad::Number => Diagnostic::error(codes::NUMBER_RANGE, "this number is too large"),
            Bad::Quotes(_) => Diagnostic::error(codes::QUOTES, "text stands in single quotes"),
        };
        let (d, kind) = match bad {
            Bad::Unterminated("text") => (d.hint("end it with `'`; a quote inside is doubled: `''`"), text_kind("")),
            Bad::Unterminated(_) => (d.hint("end it with a backtick"), Kind::Quoted("".into())),
            Bad::Quotes(t) => (d.hint(format!("write '{}'", t.replace('\'', "''"))), text_kind(t)),
            _ => (d.hint("whole numbers go up to 9223372036854775807, others to 1.8e308"), Kind::Int(1)),
        };
        self.diagnostics.push(d.at(span));
        self.tokens.push(Token { kind, span });
    }

    /// Neighbouring bad characters are reported once.
    fn bad_character(&mut self, c: char, span: Span) {
        let is_next = |d: &&mut Diagnostic| d.code == codes::BAD_CHARACTER && d.span.end == span.start;
        if let Some(last) = self.diagnostics.last_mut().filter(is_next) {
            last.span = last.span.to(span);
            return;
        }
        let message = format!("the language has no character {}", spelled(c));
        let d = Diagnostic::error(codes::BAD_CHARACTER, message).at(span);
        self.diagnostics.push(match c {
            '→' | '⇒' | '⟶' | '➔' => d.hint("the arrows are `->`, `->>` and `=>`"),
            '≤' | '≥' | '≠' => d.hint("the comparisons are `<=`, `>=` and `!=`"),
            ';' => d.hint("a rule needs no end mark: leave it out"),
            '#' => d.hint("a comment begins with `--`"),
            '$' | '@' | '\\' | '^' | '~' => d.hint("a name with other characters stands in backticks"),
            _ => d,
        });
    }
}

fn text_kind(text: &str) -> Kind<'_> {
    Kind::Text(text.into())
}

/// A character as messages show it: what can't be seen by its number.
fn spelled(c: char) -> String {
    if c.is_alphanumeric() || c.is_ascii_graphic() || ('\u{2190}'..'\u{2c00}').contains(&c) {
        format!("`{c}`")
    } else {
        format!("U+{:04X}", u32::from(c))
    }
}

fn too_long(len: usize) -> Diagnostic {
    Diagnostic::error(codes::TOO_LONG, format!("the text has {len} bytes; a rule has at most {LONGEST_TEXT}"))
        .hint("split it into several rules")
}

fn lexeme(i: &str) -> IResult<&str, Lexeme<'_>> {
    alt((
        value(Lexeme::Space, take_while1(|c: char| c.is_whitespace() || c == '\u{feff}')),
        map(word, Lexeme::Token),
        value(Lexeme::Comment, (tag("--"), take_till(|c| c == '\n'))),
        map(sign, Lexeme::Token),
        number,
        quoted_text,
        quoted_name,
        wrong_quotes,
        map(nom::character::complete::anychar, |c| Lexeme::Bad(Bad::Character(c))),
    ))
    .parse(i)
}

impl Clone for Lexeme<'_> {
    fn clone(&self) -> Self {
        match self {
            Self::Token(k) => Self::Token(k.clone()),
            Self::Space => Self::Space,
            Self::Comment => Self::Comment,
            Self::Bad(b) => Self::Bad(*b),
        }
    }
}

fn word(i: &str) -> IResult<&str, Kind<'_>> {
    let first = satisfy(|c| c.is_alphabetic() || c == '_');
    let (i, word) = recognize(pair(first, take_while(|c: char| c.is_alphanumeric() || c == '_'))).parse(i)?;
    Ok((i, Keyword::of(word).map_or(Kind::Word(word), |k| Kind::Keyword(k, word))))
}

fn sign(i: &str) -> IResult<&str, Kind<'_>> {
    let first = i.as_bytes().first();
    let found = SIGNS.iter().find(|(text, _)| text.as_bytes().first() == first && i.starts_with(text));
    let Some((text, sign)) = found else {
        return Err(nom::Err::Error(nom::error::make_error(i, nom::error::ErrorKind::Tag)));
    };
    value(Kind::Sign(*sign), tag(*text)).parse(i)
}

fn number(i: &str) -> IResult<&str, Lexeme<'_>> {
    let fraction = recognize(preceded(char('.'), digit1));
    let exponent = recognize((one_of("eE"), opt(one_of("+-")), digit1));
    let (rest, (whole, fraction, exponent)) = (digit1, opt(fraction), opt(exponent)).parse(i)?;
    if fraction.is_none() && exponent.is_none() {
        let int = whole.parse().ok().filter(|n: &u64| *n <= i64::MIN.unsigned_abs());
        return Ok((rest, int.map_or(Lexeme::Bad(Bad::Number), |n| Lexeme::Token(Kind::Int(n)))));
    }
    let digits = i.get(..i.len() - rest.len()).unwrap_or("");
    let float = digits.parse().ok().filter(|x: &f64| x.is_finite());
    Ok((rest, float.map_or(Lexeme::Bad(Bad::Number), |x| Lexeme::Token(Kind::Float(x)))))
}

fn quoted_text(i: &str) -> IResult<&str, Lexeme<'_>> {
    let (inside, _) = char('\'').parse(i)?;
    Ok(quoted(i, inside, "'", "text", Kind::Text))
}

fn quoted_name(i: &str) -> IResult<&str, Lexeme<'_>> {
    let (inside, _) = char('`').parse(i)?;
    let (rest, lexeme) = quoted(i, inside, "`", "name", Kind::Quoted);
    let empty = matches!(&lexeme, Lexeme::Token(Kind::Quoted(n)) if n.is_empty());
    Ok((rest, if empty { Lexeme::Bad(Bad::Unterminated("name")) } else { lexeme }))
}

/// The inside of quotes up to the closing one, a doubled one inside standing for itself; without a closing one, the
/// rest of the line is bad.
fn quoted<'t>(
    all: &'t str,
    inside: &'t str,
    quote: &str,
    what: &'static str,
    kind: fn(Cow<'t, str>) -> Kind<'t>,
) -> (&'t str, Lexeme<'t>) {
    let mut end = 0;
    while let Some(at) = inside.get(end..).and_then(|t| t.find(quote)) {
        let close = end + at;
        let after = inside.get(close + 1..).unwrap_or("");
        if !after.starts_with(quote) {
            let raw = inside.get(..close).unwrap_or("");
            let doubled = quote.repeat(2);
            let text = if raw.contains(&doubled) { raw.replace(&doubled, quote).into() } else { raw.into() };
            return (after, Lexeme::Token(kind(text)));
        }
        end = close + 2;
    }
    let line = all.find('\n').unwrap_or(all.len());
    (all.get(line..).unwrap_or(""), Lexeme::Bad(Bad::Unterminated(what)))
}

/// `"pv"` and curly quotes, which editors like to make.
fn wrong_quotes(i: &str) -> IResult<&str, Lexeme<'_>> {
    let closed = |open: &'static str, close: &'static str| {
        (one_of(open), take_while(move |c| c != '\n' && !close.contains(c)), one_of(close))
    };
    map(alt((closed("\"", "\""), closed("“”„", "“”\""), closed("‘’‚", "‘’'"))), |(_, text, _)| {
        Lexeme::Bad(Bad::Quotes(text))
    })
    .parse(i)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<Kind<'_>> {
        lex(text).tokens.into_iter().map(|t| t.kind).collect()
    }

    fn codes_of(text: &str) -> Vec<&'static str> {
        lex(text).diagnostics.iter().map(|d| d.code).collect()
    }

    #[test]
    fn the_longest_sign_wins() {
        use Kind::{Sign as S, Word};
        let want =
            [Word("a"), S(Sign::Plus), S(Sign::FollowedByAny), Word("b"), S(Sign::Next), S(Sign::Bang), Word("c")];
        assert_eq!(kinds("a+->>b=>!c"), want);
    }

    #[test]
    fn a_word_after_a_dot_or_as_is_a_name() {
        use Kind::{Keyword as K, Word};
        let dot = Kind::Sign(Sign::Dot);
        assert_eq!(
            kinds("a.as AS as AS"),
            [Word("a"), dot, Word("as"), K(Keyword::As, "AS"), Word("as"), K(Keyword::As, "AS")]
        );
    }

    #[test]
    fn doubled_quotes_stand_for_one() {
        assert_eq!(kinds("'it''s' `a``b`"), [Kind::Text("it's".into()), Kind::Quoted("a`b".into())]);
        assert_eq!(kinds("''"), [Kind::Text("".into())]);
    }

    #[test]
    fn numbers_keep_their_range() {
        let most = 9_223_372_036_854_775_808;
        assert_eq!(kinds("9223372036854775808 1.5 2e3"), [Kind::Int(most), Kind::Float(1.5), Kind::Float(2000.0)]);
        assert_eq!(codes_of("9223372036854775809 1e999"), [codes::NUMBER_RANGE, codes::NUMBER_RANGE]);
    }

    #[test]
    fn what_cannot_be_read_is_reported_and_passed() {
        assert_eq!(codes_of("a ; b \u{202e}\u{0} c"), [codes::BAD_CHARACTER, codes::BAD_CHARACTER]);
        assert_eq!(codes_of("'never\nends"), [codes::UNTERMINATED]);
        assert_eq!(kinds("x = \"pv\""), [Kind::Word("x"), Kind::Sign(Sign::Equal), Kind::Text("pv".into())]);
        assert_eq!(codes_of(&"a ".repeat(LONGEST_TEXT)), [codes::TOO_LONG]);
    }
}
