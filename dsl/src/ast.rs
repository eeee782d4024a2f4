//! A rule text as it was written: names unresolved, defaults not yet filled in, every node with its span.

use ensue_rule::{BinaryOp, Bound, Contiguity, Dialect, Duration, Span, UnaryOp, Value, WithinKind};

/// A name as written, backticks removed.
#[derive(Clone, Debug)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) span: Span,
}

/// `a -> b => c`.
#[derive(Clone, Debug)]
pub(crate) struct Sequence {
    pub(crate) first: Item,
    pub(crate) then: Vec<Then>,
}

/// An arrow and what it leads to.
#[derive(Clone, Debug)]
pub(crate) struct Then {
    pub(crate) arrow: Contiguity,
    /// The arrow's own span.
    pub(crate) span: Span,
    pub(crate) bound: Option<(Bound, Span)>,
    pub(crate) item: Item,
}

/// An element of a sequence.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Term(Term),
    Not(Not),
    /// `a | b`.
    AnyOf(Vec<Item>),
    /// `a & b`.
    AllOf(Vec<Item>),
}

/// `!n`, and whatever stood wrongly behind the bang.
#[derive(Clone, Debug)]
pub(crate) struct Not {
    pub(crate) what: Term,
    pub(crate) span: Span,
}

/// A stage or a group with all quantifiers and suffixes that stand behind it, sensible or not.
#[derive(Clone, Debug)]
pub(crate) struct Term {
    pub(crate) base: Base,
    pub(crate) counts: Vec<Count>,
    pub(crate) suffixes: Vec<Suffix>,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum Base {
    Stage(Name),
    Group(Box<Sequence>),
}

/// `+ * ? {min,max}`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub(crate) min: u32,
    pub(crate) max: Option<u32>,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) struct Suffix {
    pub(crate) kind: SuffixKind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum SuffixKind {
    Inner(Contiguity),
    Gap(Bound),
    Until(Expr),
    Optional,
    Greedy,
}

/// An expression as written.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) kind: ExprKind,
    pub(crate) span: Span,
}

#[derive(Clone, Debug)]
pub(crate) enum ExprKind {
    Literal(Value),
    /// `v.args.x`, `actionType`, `v`.
    Path(Vec<Name>),
    Call(Call),
    Unary(UnaryOp, Box<Expr>),
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// Operands joined by AND, or by OR.
    Chain(BinaryOp, Vec<Expr>),
    In(Box<Expr>, Vec<Expr>),
    Between(Box<[Expr; 3]>),
    Like(Box<[Expr; 2]>),
    Matches(Box<[Expr; 2]>),
    IsNull(Box<Expr>),
}

/// `[RUNNING] NAME([DISTINCT] arguments)`.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    /// RUNNING, PRIOR or TRENDS.
    pub(crate) modifier: Option<Name>,
    pub(crate) name: Name,
    pub(crate) distinct: Option<Span>,
    /// `*` in place of arguments.
    pub(crate) star: bool,
    pub(crate) args: Vec<Expr>,
}

/// `WITHIN ...`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Within {
    pub(crate) duration: Duration,
    pub(crate) kind: WithinKind,
}

/// `AFTER MATCH ...` as written: what NO SKIP alone means depends on the dialect.
#[derive(Clone, Debug)]
pub(crate) enum AfterMatch {
    Consume,
    NoSkip(Limit),
    SkipPastLastEvent,
    SkipToNextEvent,
    SkipTo { last: bool, stage: Name, or_error: bool },
}

/// What stands behind NO SKIP.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Limit {
    /// Nothing.
    Default,
    /// `LIMIT n`.
    At(u32),
    /// `NO LIMIT`.
    None,
}

impl Limit {
    /// The limit, spelled out. Without a word on it Ensue gives 100 matches an event; flink-cep knows no limit.
    pub(crate) fn resolve(self, dialect: Dialect) -> Option<u32> {
        const DEFAULT: u32 = 100;
        match (self, dialect) {
            (Self::At(n), _) => Some(n),
            (Self::None, _) | (Self::Default, Dialect::Flink) => None,
            (Self::Default, Dialect::Ensue) => Some(DEFAULT),
        }
    }
}

/// `expr AS name`.
#[derive(Clone, Debug)]
pub(crate) struct Return {
    pub(crate) expr: Expr,
    pub(crate) name: Name,
}

/// A clause or part of a rule, with the span of all of it.
#[derive(Clone, Debug)]
pub(crate) struct Part<T> {
    pub(crate) node: T,
    pub(crate) span: Span,
}

/// A whole rule text; what could not be read is `None`.
#[derive(Clone, Debug, Default)]
pub(crate) struct RuleText {
    pub(crate) name: Option<Part<Name>>,
    pub(crate) pattern: Option<Part<Sequence>>,
    /// The conjuncts that could be read.
    pub(crate) conjuncts: Vec<Expr>,
    pub(crate) within: Option<Part<Within>>,
    pub(crate) partition_by: Option<Part<Vec<Expr>>>,
    pub(crate) after_match: Option<Part<AfterMatch>>,
    pub(crate) returns: Option<Part<Vec<Return>>>,
    pub(crate) on_timeout: Option<Part<Vec<Return>>>,
}
