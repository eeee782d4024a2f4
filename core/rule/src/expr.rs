//! Expressions: conditions on stages, returned values, and when an output opens.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::event::Attr;
use crate::span::Span;
use crate::value::Value;

/// An expression and where it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it was written.
    #[serde(skip)]
    pub span: Span,
}

/// What an expression is. Two-valued: a comparison with null is false.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ExprKind {
    /// A constant.
    Literal(Value),
    /// `v.args.x`: in a condition on `v` the event under test, elsewhere the last event bound to `v`. Without a stage
    /// (in UNTIL and PARTITION BY) the event under test.
    Attr {
        /// The stage, if one is named.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<Arc<str>>,
        /// What of its event.
        attr: Attr,
    },
    /// A value that RETURN computed, by name: only in the `when` of an output.
    Value(Arc<str>),
    /// `SUM(v.x)`, `COUNT(v)`, `COUNT(DISTINCT v.x)`, `FIRST(v.x)`.
    Aggregate {
        /// Which.
        func: AggFn,
        /// Over which of the stage's events.
        #[serde(default)]
        scope: Scope,
        /// Only different values (COUNT and SUM).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        distinct: bool,
        /// The stage; `None` is `COUNT(*)`, which only TRENDS has.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        stage: Option<Arc<str>>,
        /// What of its events; `None` counts events.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        attr: Option<Attr>,
    },
    /// `PREV(v.x)`: x of the v before the event under test.
    Prev {
        /// The stage.
        stage: Arc<str>,
        /// What of its event.
        attr: Attr,
    },
    /// A function of its arguments.
    Call {
        /// Which.
        func: Func,
        /// Its arguments; HOUR and WEEKDAY take the stage as `Attr` of its `ts`.
        args: Vec<Expr>,
    },
    /// NOT or minus.
    Unary(UnaryOp, Box<Expr>),
    /// An operator between two.
    Binary(BinaryOp, Box<Expr>, Box<Expr>),
    /// `x IN (a, b)`.
    In(Box<Expr>, Vec<Expr>),
    /// `x BETWEEN a AND b`, both ends in.
    Between(Box<Expr>, Box<Expr>, Box<Expr>),
    /// `x LIKE 'a%'`: `%` any text, `_` one character, escape `\`, case-sensitive.
    Like(Box<Expr>, Arc<str>),
    /// `x MATCHES 'regex'`: searches, in linear time.
    Matches(Box<Expr>, Arc<str>),
    /// `x IS NULL`.
    IsNull(Box<Expr>),
}

/// An aggregate function. Nulls are passed over; SUM and COUNT of nothing are 0, the others null.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the names say it")]
pub enum AggFn {
    Count,
    Sum,
    Avg,
    Min,
    Max,
    First,
    Last,
}

/// Which of a stage's events an aggregate is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// All it bound.
    #[default]
    All,
    /// All it bound so far, and the event under test.
    Running,
    /// All it bound so far, without the event under test.
    Prior,
    /// All matches that one event completes.
    Trends,
}

/// A function of values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "docs/dsl.md defines each; the names are the ones of the language")]
pub enum Func {
    Lower,
    Length,
    Abs,
    Coalesce,
    Substr,
    UrlHost,
    UrlPath,
    UrlParam,
    Hour,
    Weekday,
}

/// An operator before one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum UnaryOp {
    /// Logical negation.
    #[serde(rename = "NOT")]
    Not,
    /// Arithmetic negation.
    #[serde(rename = "-")]
    Neg,
}

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the serialised names say it")]
pub enum BinaryOp {
    #[serde(rename = "AND")]
    And,
    #[serde(rename = "OR")]
    Or,
    #[serde(rename = "=")]
    Eq,
    #[serde(rename = "!=")]
    Ne,
    #[serde(rename = "<")]
    Lt,
    #[serde(rename = "<=")]
    Le,
    #[serde(rename = ">")]
    Gt,
    #[serde(rename = ">=")]
    Ge,
    #[serde(rename = "+")]
    Add,
    #[serde(rename = "-")]
    Sub,
    #[serde(rename = "*")]
    Mul,
    #[serde(rename = "/")]
    Div,
    #[serde(rename = "%")]
    Rem,
}

impl BinaryOp {
    /// Whether it compares.
    pub fn is_comparison(self) -> bool {
        matches!(self, Self::Eq | Self::Ne | Self::Lt | Self::Le | Self::Gt | Self::Ge)
    }

    /// The comparison that says the same with its sides changed: `a < b` is `b > a`.
    #[must_use]
    pub fn mirrored(self) -> Self {
        match self {
            Self::Lt => Self::Gt,
            Self::Le => Self::Ge,
            Self::Gt => Self::Lt,
            Self::Ge => Self::Le,
            op => op,
        }
    }
}

impl From<ExprKind> for Expr {
    fn from(kind: ExprKind) -> Self {
        Self { kind, span: Span::default() }
    }
}

impl Expr {
    /// A constant.
    pub fn literal(value: impl Into<Value>) -> Self {
        ExprKind::Literal(value.into()).into()
    }

    /// `stage.attr`.
    pub fn attr(stage: &str, attr: Attr) -> Self {
        ExprKind::Attr { stage: Some(stage.into()), attr }.into()
    }

    /// `left op right`.
    pub fn binary(op: BinaryOp, left: Self, right: Self) -> Self {
        ExprKind::Binary(op, Box::new(left), Box::new(right)).into()
    }

    /// `NOT self`.
    pub fn negate(self) -> Self {
        ExprKind::Unary(UnaryOp::Not, Box::new(self)).into()
    }

    /// The same expression, written at `span`.
    pub fn at(mut self, span: Span) -> Self {
        self.span = span;
        self
    }

    /// Its operands, in order.
    pub fn children(&self) -> Vec<&Self> {
        match &self.kind {
            ExprKind::Literal(_)
            | ExprKind::Attr { .. }
            | ExprKind::Value(_)
            | ExprKind::Aggregate { .. }
            | ExprKind::Prev { .. } => Vec::new(),
            ExprKind::Call { args, .. } => args.iter().collect(),
            ExprKind::Unary(_, x) | ExprKind::Like(x, _) | ExprKind::Matches(x, _) | ExprKind::IsNull(x) => vec![x],
            ExprKind::Binary(_, a, b) => vec![a, b],
            ExprKind::In(x, list) => std::iter::once(&**x).chain(list).collect(),
            ExprKind::Between(x, a, b) => vec![x, a, b],
        }
    }

    /// Calls `visit` on this expression and all below it, parents first. Not recursive: any depth is safe.
    pub fn walk<'a>(&'a self, mut visit: impl FnMut(&'a Self)) {
        let mut todo = vec![self];
        while let Some(e) = todo.pop() {
            visit(e);
            let mut below = e.children();
            below.reverse();
            todo.append(&mut below);
        }
    }

    /// The stage that this node itself names (not its operands).
    pub fn stage(&self) -> Option<&Arc<str>> {
        match &self.kind {
            ExprKind::Attr { stage, .. } | ExprKind::Aggregate { stage, .. } => stage.as_ref(),
            ExprKind::Prev { stage, .. } => Some(stage),
            _ => None,
        }
    }

    /// The operands of the outermost ANDs, in order: the conjuncts.
    pub fn conjuncts(self) -> Vec<Self> {
        let (mut out, mut todo) = (Vec::new(), vec![self]);
        while let Some(e) = todo.pop() {
            match e.kind {
                ExprKind::Binary(BinaryOp::And, a, b) => {
                    todo.push(*b);
                    todo.push(*a);
                }
                kind => out.push(Self { kind, span: e.span }),
            }
        }
        out
    }
}
