//! Expressions: names resolved against the place where they stand.

use ensue_rule::{BinaryOp, Expr, ExprKind, Span, UnaryOp, Value};

use super::names::Names;
use crate::ast;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;
use crate::types::{self, Type};

/// Where an expression stands: what its names mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// A conjunct of WHERE.
    Where,
    /// UNTIL of the loop that ends with the stage number `stages`: bare attributes are of the event under test.
    Until {
        /// How many stages stand up to here.
        stages: usize,
    },
    /// PARTITION BY: bare attributes only.
    Partition,
    /// RETURN: of a match.
    Return,
    /// ON TIMEOUT RETURN: of a partial match.
    OnTimeout,
    /// The `when` of an output: values of RETURN by name.
    When,
}

impl Place {
    /// Whether attributes without a stage are those of the event under test.
    pub(crate) fn takes_bare(self) -> bool {
        matches!(self, Self::Until { .. } | Self::Partition)
    }
}

/// Lowers one expression.
pub(crate) struct Lowering<'a, 's> {
    pub(super) place: Place,
    pub(super) names: &'a Names<'a>,
    pub(super) sink: &'s mut Sink,
}

impl<'a, 's> Lowering<'a, 's> {
    pub(crate) fn new(place: Place, names: &'a Names<'a>, sink: &'s mut Sink) -> Self {
        Self { place, names, sink }
    }

    /// An expression that must be true or false; `None` where something is wrong with it.
    pub(crate) fn condition(&mut self, e: &ast::Expr) -> Option<Expr> {
        let lowered = self.lower(e)?;
        let hint = match type_of(&lowered) {
            Type::Bool | Type::Unknown | Type::List | Type::Map => return Some(lowered),
            Type::Text => "compare it: `x = 'a' OR x = 'b'`, or `x IN ('a', 'b')`",
            Type::Number => "compare it, as in `x > 0`",
            Type::Null => "ask `x IS NULL`",
        };
        let d = Diagnostic::error(codes::NOT_A_CONDITION, "this is a value, not a condition").at(e.span);
        self.refuse(d.hint(hint))
    }

    /// Any expression; `None` where something is wrong with it.
    pub(crate) fn lower(&mut self, e: &ast::Expr) -> Option<Expr> {
        let kind = match &e.kind {
            ast::ExprKind::Literal(v) => ExprKind::Literal(v.clone()),
            ast::ExprKind::Path(names) => return self.path(names),
            ast::ExprKind::Call(call) => self.call(call, e.span)?,
            ast::ExprKind::Unary(UnaryOp::Not, x) => ExprKind::Unary(UnaryOp::Not, Box::new(self.condition(x)?)),
            ast::ExprKind::Unary(UnaryOp::Neg, x) => ExprKind::Unary(UnaryOp::Neg, Box::new(self.lower(x)?)),
            ast::ExprKind::Binary(op, a, b) => self.binary(*op, a, b)?,
            ast::ExprKind::Chain(op, operands) => return self.chain(*op, operands).map(|x| x.at(e.span)),
            ast::ExprKind::In(x, list) => {
                let (x, list) = (self.lower(x), self.all(list));
                ExprKind::In(Box::new(x?), list?)
            }
            ast::ExprKind::Between(x) => {
                let [x, low, high] = x.each_ref().map(|x| self.lower(x));
                ExprKind::Between(Box::new(x?), Box::new(low?), Box::new(high?))
            }
            ast::ExprKind::Like(x) => self.with_pattern("LIKE", x, ExprKind::Like)?,
            ast::ExprKind::Matches(x) => self.with_pattern("MATCHES", x, ExprKind::Matches)?,
            ast::ExprKind::IsNull(x) => ExprKind::IsNull(Box::new(self.lower(x)?)),
        };
        Some(Expr { kind, span: e.span })
    }

    /// All of them, each having reported; `None` where one is wrong.
    pub(super) fn all(&mut self, list: &[ast::Expr]) -> Option<Vec<Expr>> {
        let lowered: Vec<_> = list.iter().map(|x| self.lower(x)).collect();
        lowered.into_iter().collect()
    }

    /// Reports `d` and gives nothing.
    pub(super) fn refuse<T>(&mut self, d: Diagnostic) -> Option<T> {
        self.sink.push(d);
        None
    }

    fn binary(&mut self, op: BinaryOp, a: &ast::Expr, b: &ast::Expr) -> Option<ExprKind> {
        let (left, right) = (self.lower(a), self.lower(b));
        let (left, right) = (left?, right?);
        if op.is_comparison() && [&left, &right].iter().any(|x| type_of(x) == Type::Null) {
            let span = a.span.to(b.span);
            let d = Diagnostic::warning(codes::COMPARED_WITH_NULL, "a comparison with NULL is never true").at(span);
            self.sink.push(d.hint("ask `x IS NULL` or `x IS NOT NULL`"));
        }
        Some(ExprKind::Binary(op, Box::new(left), Box::new(right)))
    }

    fn chain(&mut self, op: BinaryOp, operands: &[ast::Expr]) -> Option<Expr> {
        let lowered: Vec<_> = operands.iter().map(|x| self.condition(x)).collect();
        let mut all = lowered.into_iter().collect::<Option<Vec<_>>>()?.into_iter();
        balanced(op, all.len(), &mut all)
    }

    fn with_pattern(
        &mut self,
        word: &str,
        [x, pattern]: &[ast::Expr; 2],
        kind: fn(Box<Expr>, std::sync::Arc<str>) -> ExprKind,
    ) -> Option<ExprKind> {
        let x = self.lower(x);
        if let ast::ExprKind::Literal(Value::Str(text)) = &pattern.kind {
            return Some(kind(Box::new(x?), text.clone()));
        }
        let d = Diagnostic::error(codes::PATTERN_TEXT, format!("{word} takes a text")).at(pattern.span);
        self.refuse(d.hint(format!("as in `v.scene {word} {}`", if word == "LIKE" { "'item%'" } else { "'^item'" })))
    }
}

/// `n` operands joined in a tree whose two halves differ by at most one: a chain of any length stays shallow, and
/// every recursion over a rule with it. The first half is the greater.
fn balanced(op: BinaryOp, n: usize, operands: &mut impl Iterator<Item = Expr>) -> Option<Expr> {
    if n <= 1 {
        return operands.next();
    }
    let left = balanced(op, n.div_ceil(2), operands)?;
    let right = balanced(op, n / 2, operands)?;
    let span: Span = left.span.to(right.span);
    Some(Expr::binary(op, left, right).at(span))
}

/// The type of an expression as far as the text alone says it.
fn type_of(e: &Expr) -> Type {
    types::type_of(e, &|_, _| Type::Unknown)
}
