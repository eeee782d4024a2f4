//! Tokens, and the sequence of them that the parser reads.

use std::borrow::Cow;

use ensue_rule::Span;
use nom::{Input, Needed};

/// A word, literal or sign of the text.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Token<'t> {
    pub(crate) kind: Kind<'t>,
    pub(crate) span: Span,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind<'t> {
    /// A word that is not reserved where it stands: a name, a unit, the name of a function.
    Word(&'t str),
    /// A reserved word, and how it was written.
    Keyword(Keyword, &'t str),
    /// A name in backticks.
    Quoted(Cow<'t, str>),
    /// A text in quotes.
    Text(Cow<'t, str>),
    /// A whole number, at most 2^63 (the minus before it is a sign of its own).
    Int(u64),
    /// A number with a fraction or an exponent.
    Float(f64),
    /// A sign.
    Sign(Sign),
}

macro_rules! keywords {
    ($($name:ident = $word:literal),* $(,)?) => {
        /// The reserved words: those of the grammar, the clauses and the operators.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Keyword { $($name),* }

        const KEYWORDS: &[(&str, Keyword)] = &[$(($word, Keyword::$name)),*];

        impl Keyword {
            /// In capitals.
            pub(crate) fn as_str(self) -> &'static str {
                match self { $(Self::$name => $word),* }
            }
        }
    };
}

keywords! {
    Rule = "RULE", Event = "EVENT", Strict = "STRICT", Any = "ANY", Until = "UNTIL", Optional = "OPTIONAL",
    Greedy = "GREEDY", Where = "WHERE", Within = "WITHIN", Of = "OF", Session = "SESSION", Previous = "PREVIOUS",
    Partition = "PARTITION", By = "BY", After = "AFTER", Match = "MATCH", Consume = "CONSUME", No = "NO",
    Skip = "SKIP", Limit = "LIMIT", Past = "PAST", To = "TO", Next = "NEXT", Error = "ERROR", Return = "RETURN",
    As = "AS", On = "ON", Timeout = "TIMEOUT", And = "AND", Or = "OR", Not = "NOT", In = "IN", Between = "BETWEEN",
    Like = "LIKE", Matches = "MATCHES", Is = "IS", Null = "NULL", True = "TRUE", False = "FALSE",
}

impl Keyword {
    /// Whether it stands between or before operands.
    pub(crate) fn is_operator(self) -> bool {
        use Keyword::{And, Between, In, Is, Like, Matches, Not, Or};
        matches!(self, And | Between | In | Is | Like | Matches | Not | Or)
    }

    /// The reserved word that `word` is, in any case.
    pub(crate) fn of(word: &str) -> Option<Self> {
        let first = word.bytes().next().map(|b| b.to_ascii_uppercase());
        let may_be = |k: &str| k.len() == word.len() && k.bytes().next() == first;
        KEYWORDS.iter().find(|(k, _)| may_be(k) && k.eq_ignore_ascii_case(word)).map(|(_, k)| *k)
    }
}

macro_rules! signs {
    ($($name:ident = $text:literal),* $(,)?) => {
        /// The signs of the language.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Sign { $($name),* }

        /// The longer signs before those that begin them.
        pub(crate) const SIGNS: &[(&str, Sign)] = &[$(($text, Sign::$name)),*];

        impl Sign {
            /// As messages show it.
            pub(crate) fn quoted(self) -> &'static str {
                match self { $(Self::$name => concat!("`", $text, "`")),* }
            }
        }
    };
}

signs! {
    FollowedByAny = "->>", FollowedBy = "->", Next = "=>", Equal2 = "==", NotEqual = "!=", NotEqual2 = "<>",
    LessEqual = "<=", GreaterEqual = ">=", Equal = "=", Less = "<", Greater = ">", Bang = "!", Bar = "|",
    Ampersand = "&", Plus = "+", Minus = "-", Star = "*", Slash = "/", Percent = "%", Question = "?", Open = "(",
    Close = ")", OpenBrace = "{", CloseBrace = "}", OpenBracket = "[", CloseBracket = "]", Comma = ",", Dot = ".",
    Colon = ":",
}

impl Kind<'_> {
    /// The token as messages name it.
    pub(crate) fn describe(&self) -> String {
        match self {
            Self::Word(w) | Self::Keyword(_, w) => format!("`{}`", shorten(w)),
            Self::Quoted(n) => format!("`{}`", shorten(n)),
            Self::Text(_) => "a text".to_owned(),
            Self::Int(n) => format!("`{n}`"),
            Self::Float(_) => "a number".to_owned(),
            Self::Sign(s) => s.quoted().to_owned(),
        }
    }
}

/// A name as messages show it: a long one is cut.
pub(crate) fn shorten(name: &str) -> Cow<'_, str> {
    const LONGEST: usize = 40;
    match name.char_indices().nth(LONGEST) {
        Some((at, _)) => format!("{}...", name.get(..at).unwrap_or("")).into(),
        None => name.into(),
    }
}

/// Tokens still to read; what the nom parsers take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tokens<'a> {
    tokens: &'a [Token<'a>],
    /// Where the text before these tokens ended.
    before: Span,
    /// How many nested constructs stand around.
    depth: usize,
}

impl<'a> Tokens<'a> {
    pub(crate) fn new(tokens: &'a [Token<'a>], before: Span) -> Self {
        Self { tokens, before, depth: 0 }
    }

    /// The next token.
    pub(crate) fn first(self) -> Option<&'a Token<'a>> {
        self.tokens.first()
    }

    /// What the next token is.
    pub(crate) fn kind(self) -> Option<&'a Kind<'a>> {
        self.first().map(|t| &t.kind)
    }

    /// What the token after the next is.
    pub(crate) fn second(self) -> Option<&'a Kind<'a>> {
        self.tokens.get(1).map(|t| &t.kind)
    }

    /// All tokens still to read.
    pub(crate) fn as_slice(self) -> &'a [Token<'a>] {
        self.tokens
    }

    /// How many nested constructs stand around.
    pub(crate) fn depth(self) -> usize {
        self.depth
    }

    /// The same tokens, with so many nested constructs around.
    pub(crate) fn at_depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }

    /// Where the next token stands; at the end, the place right after the last one.
    pub(crate) fn here(self) -> Span {
        let end = Span { start: self.before.end, end: self.before.end };
        self.first().map_or(end, |t| t.span)
    }

    /// From the next token of `start` to the last token read.
    pub(crate) fn since(self, start: Self) -> Span {
        start.here().to(self.before)
    }

    /// How many tokens are left.
    pub(crate) fn left(self) -> usize {
        self.tokens.len()
    }
}

impl<'a> Input for Tokens<'a> {
    type Item = &'a Token<'a>;
    type Iter = std::slice::Iter<'a, Token<'a>>;
    type IterIndices = std::iter::Enumerate<Self::Iter>;

    fn input_len(&self) -> usize {
        self.tokens.len()
    }

    fn take(&self, index: usize) -> Self {
        Self { tokens: self.tokens.get(..index).unwrap_or(self.tokens), ..*self }
    }

    fn take_from(&self, index: usize) -> Self {
        let before = index.checked_sub(1).and_then(|i| self.tokens.get(i)).map_or(self.before, |t| t.span);
        Self { tokens: self.tokens.get(index..).unwrap_or(&[]), before, depth: self.depth }
    }

    fn take_split(&self, index: usize) -> (Self, Self) {
        (self.take_from(index), self.take(index))
    }

    fn position<P: Fn(Self::Item) -> bool>(&self, predicate: P) -> Option<usize> {
        self.tokens.iter().position(predicate)
    }

    fn iter_elements(&self) -> Self::Iter {
        self.tokens.iter()
    }

    fn iter_indices(&self) -> Self::IterIndices {
        self.tokens.iter().enumerate()
    }

    fn slice_index(&self, count: usize) -> Result<usize, Needed> {
        if count <= self.tokens.len() { Ok(count) } else { Err(Needed::new(count - self.tokens.len())) }
    }
}
