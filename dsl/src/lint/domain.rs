//! Which values a term may have under the tests of a rule: enough to see that none is left.
//!
//! Only tests of one term against constants are understood; whatever else a condition says narrows nothing, so an
//! empty domain is surely empty.

use std::cmp::Ordering;

use ensue_rule::{AggFn, BinaryOp, Expr, ExprKind, Func, UnaryOp, Value};

/// What a test leaves of a term.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Test {
    /// One of these.
    In(Vec<Value>),
    /// None of these; null is one of the others only where `null` says so.
    NotIn { values: Vec<Value>, null: bool },
    /// At least, or greater.
    Low(Value, bool),
    /// At most, or less.
    High(Value, bool),
    /// Missing.
    Null,
    /// There.
    NotNull,
    /// Nothing: the test is never true.
    Never,
}

/// The values that are left of a term.
#[derive(Clone, Debug, Default)]
pub(crate) struct Domain {
    /// Only whole numbers.
    whole: bool,
    one_of: Option<Vec<Value>>,
    not: Vec<Value>,
    low: Option<(Value, bool)>,
    high: Option<(Value, bool)>,
    null: Option<bool>,
    never: bool,
}

impl Domain {
    /// All values, or all whole numbers.
    pub(crate) fn new(whole: bool) -> Self {
        Self { whole, ..Self::default() }
    }

    /// What is left under one more test.
    pub(crate) fn narrow(&mut self, test: &Test) {
        match test {
            Test::In(values) => {
                let left = |v: &&Value| self.one_of.as_ref().is_none_or(|old| old.iter().any(|o| o.equals(v)));
                self.one_of = Some(values.iter().filter(left).cloned().collect());
            }
            Test::NotIn { values, .. } => self.not.extend(values.iter().cloned()),
            Test::Low(v, inclusive) => self.never |= !tighten(&mut self.low, v, *inclusive, Ordering::Greater),
            Test::High(v, inclusive) => self.never |= !tighten(&mut self.high, v, *inclusive, Ordering::Less),
            Test::Null | Test::NotNull => {}
            Test::Never => self.never = true,
        }
        let null = match test {
            Test::NotIn { null: true, .. } => None,
            Test::Null => Some(true),
            _ => Some(false),
        };
        match (self.null, null) {
            (Some(a), Some(b)) if a != b => self.never = true,
            (_, None) => {}
            (_, some) => self.null = some,
        }
    }

    /// Whether nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        if self.never {
            return true;
        }
        if self.null == Some(true) {
            return self.one_of.is_some() || self.low.is_some() || self.high.is_some();
        }
        match &self.one_of {
            Some(values) => !values.iter().any(|v| self.allows(v)),
            None => self.is_crossed(),
        }
    }

    /// The values it is one of, if it says so.
    pub(crate) fn one_of(&self) -> Option<&[Value]> {
        self.one_of.as_deref()
    }

    fn allows(&self, v: &Value) -> bool {
        let above = self.low.as_ref().is_none_or(|(low, inclusive)| match v.order(low) {
            Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => *inclusive,
            _ => false,
        });
        let below = self.high.as_ref().is_none_or(|(high, inclusive)| match v.order(high) {
            Some(Ordering::Less) => true,
            Some(Ordering::Equal) => *inclusive,
            _ => false,
        });
        above && below && !self.not.iter().any(|n| n.equals(v))
    }

    /// Whether the bounds leave nothing between them.
    fn is_crossed(&self) -> bool {
        let (Some(low), Some(high)) = (&self.low, &self.high) else { return false };
        let (low, high) = if self.whole { (closed(low, 1), closed(high, -1)) } else { (low.clone(), high.clone()) };
        match low.0.order(&high.0) {
            None | Some(Ordering::Greater) => true,
            Some(Ordering::Equal) => !(low.1 && high.1) || self.not.iter().any(|n| n.equals(&low.0)),
            Some(Ordering::Less) => false,
        }
    }
}

/// Keeps the tighter of two bounds, `tighter` being how it compares with the other. False where the two are of
/// different types: no value is beyond both.
fn tighten(bound: &mut Option<(Value, bool)>, v: &Value, inclusive: bool, tighter: Ordering) -> bool {
    let Some((old, old_inclusive)) = bound else {
        *bound = Some((v.clone(), inclusive));
        return true;
    };
    match v.order(old) {
        None => return false,
        Some(Ordering::Equal) => *old_inclusive &= inclusive,
        Some(order) if order == tighter => *bound = Some((v.clone(), inclusive)),
        Some(_) => {}
    }
    true
}

/// An exclusive bound of a whole number as the inclusive one next to it.
fn closed((v, inclusive): &(Value, bool), step: i64) -> (Value, bool) {
    match v {
        Value::Int(n) if !inclusive => (Value::Int(n.saturating_add(step)), true),
        _ => (v.clone(), *inclusive),
    }
}

/// The tests that a conjunct makes, each with its term.
pub(crate) fn tests(conjunct: &Expr) -> Vec<(&Expr, Test)> {
    match &conjunct.kind {
        ExprKind::Binary(op, a, b) if op.is_comparison() => comparison(*op, a, b).into_iter().collect(),
        ExprKind::Binary(BinaryOp::Or, ..) => either(conjunct).into_iter().collect(),
        ExprKind::In(x, list) => constants(list).map(|values| (&**x, Test::In(values))).into_iter().collect(),
        ExprKind::Between(x, low, high) => {
            let bound = |e: &Expr, kind: fn(Value, bool) -> Test| constant(e).map(|v| (&**x, kind(v, true)));
            [bound(low, Test::Low), bound(high, Test::High)].into_iter().flatten().collect()
        }
        ExprKind::Like(x, _) | ExprKind::Matches(x, _) => vec![(x, Test::NotNull)],
        ExprKind::IsNull(x) => vec![(x, Test::Null)],
        ExprKind::Unary(UnaryOp::Not, x) => negated(x).into_iter().collect(),
        _ => Vec::new(),
    }
}

fn comparison<'e>(op: BinaryOp, a: &'e Expr, b: &'e Expr) -> Option<(&'e Expr, Test)> {
    if a == b && matches!(op, BinaryOp::Ne | BinaryOp::Lt | BinaryOp::Gt) && constant(a).is_none() {
        return Some((a, Test::Never));
    }
    let (term, value, op) = match (constant(a), constant(b)) {
        (None, Some(v)) => (a, v, op),
        (Some(v), None) => (b, v, op.mirrored()),
        _ => return None,
    };
    let test = match op {
        BinaryOp::Eq => Test::In(vec![value]),
        BinaryOp::Ne => Test::NotIn { values: vec![value], null: false },
        BinaryOp::Lt => Test::High(value, false),
        BinaryOp::Le => Test::High(value, true),
        BinaryOp::Gt => Test::Low(value, false),
        _ => Test::Low(value, true),
    };
    Some((term, test))
}

/// An OR of equalities of one term.
fn either(e: &Expr) -> Option<(&Expr, Test)> {
    let (mut term, mut all) = (None, Vec::new());
    let mut todo = vec![e];
    while let Some(e) = todo.pop() {
        if let ExprKind::Binary(BinaryOp::Or, a, b) = &e.kind {
            todo.extend([&**a, &**b]);
            continue;
        }
        let Some((t, Test::In(values))) = single(e) else { return None };
        if term.is_some_and(|known| known != t) {
            return None;
        }
        term = Some(t);
        all.extend(values);
    }
    Some((term?, Test::In(all)))
}

fn negated(e: &Expr) -> Option<(&Expr, Test)> {
    if let ExprKind::IsNull(x) = &e.kind {
        return Some((x, Test::NotNull));
    }
    match single(e)? {
        (x, Test::In(values)) => Some((x, Test::NotIn { values, null: true })),
        _ => None,
    }
}

/// The one test that an expression makes.
fn single(e: &Expr) -> Option<(&Expr, Test)> {
    let mut all = tests(e).into_iter();
    all.next().filter(|_| all.next().is_none())
}

/// A constant; a minus before a number is one too.
fn constant(e: &Expr) -> Option<Value> {
    match &e.kind {
        ExprKind::Literal(v) if !v.is_null() => Some(v.clone()),
        _ => None,
    }
}

fn constants(list: &[Expr]) -> Option<Vec<Value>> {
    list.iter().map(constant).collect()
}

/// What a term is before any test: the numbers that a function gives.
pub(crate) fn intrinsic(term: &Expr) -> (bool, Vec<Test>) {
    let low = |n: i64| Test::Low(n.into(), true);
    let high = |n: i64| Test::High(n.into(), true);
    match &term.kind {
        ExprKind::Aggregate { func: AggFn::Count, .. } | ExprKind::Call { func: Func::Length, .. } => {
            (true, vec![low(0)])
        }
        ExprKind::Call { func: Func::Hour, .. } => (true, vec![low(0), high(23)]),
        ExprKind::Call { func: Func::Weekday, .. } => (true, vec![low(1), high(7)]),
        ExprKind::Call { func: Func::Abs, .. } => (false, vec![low(0)]),
        _ => (false, Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compile_expr;

    fn left(conjuncts: &str) -> bool {
        let expr = compile_expr(conjuncts).unwrap();
        let mut domain = Domain::default();
        for c in expr.clone().conjuncts() {
            super::tests(&c).iter().for_each(|(_, t)| domain.narrow(t));
        }
        !domain.is_empty()
    }

    #[test]
    fn a_domain_is_empty_only_where_nothing_is_left() {
        for some in [
            "x = 1 AND x >= 1",
            "x IN (1, 2) AND x != 1",
            "x > 1 AND x < 2",
            "x IS NULL AND NOT x = 1",
            "x = 1 AND x = 1.0",
            "(x = 'a' OR x = 'b') AND x != 'a'",
            "x BETWEEN 2 AND 2",
            "x LIKE 'a%' AND x != 'a'",
        ] {
            assert!(left(some), "{some}");
        }
        for none in [
            "x = 'a' AND x = 'b'",
            "x > 2 AND x < 2",
            "x > 2 AND x <= 2",
            "x IN (1, 2) AND x > 2",
            "x = 'a' AND x > 1",
            "x > 'a' AND x < 5",
            "x > 'a' AND x > 5",
            "x IS NULL AND x = 1",
            "x IS NULL AND x IS NOT NULL",
            "x IS NULL AND x != 1",
            "x != x",
            "x BETWEEN 5 AND 2",
            "x = 'a' AND NOT (x = 'a' OR x = 'b')",
            "2 < x AND 1 > x",
        ] {
            assert!(!left(none), "{none}");
        }
    }
}
