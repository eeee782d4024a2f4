//! Random conditions: on the event alone, against stages made before, and over what a loop has bound.

use ensue_rule::Value;

use super::Maker;
use crate::case::{Agg, Cmp, Comparison, Cond, Term};

impl Maker<'_> {
    fn letter(&mut self) -> Cond {
        let value = Value::from(*self.random.pick(&["a", "b", "c"]));
        Cond::Eq { field: "name".into(), value }
    }

    fn price(&mut self) -> Cond {
        let (field, value) = ("price".into(), Value::Int(self.random.range(1, 4)));
        if self.random.chance(50) { Cond::Le { field, value } } else { Cond::Gt { field, value } }
    }

    /// A condition on the event alone.
    fn simple(&mut self) -> Cond {
        match self.random.below(12) {
            0..=5 => self.letter(),
            6..=7 => Cond::And { args: vec![self.letter(), self.price()] },
            8..=9 => Cond::Or { args: vec![self.letter(), self.letter()] },
            10 if self.strict_is_allowed() => Cond::Not { args: vec![self.letter()] },
            11 if self.strict_is_allowed() => Cond::True,
            _ => self.price(),
        }
    }

    pub(super) fn condition(&mut self, me: Option<&str>) -> Cond {
        let simple = self.simple();
        if !self.random.chance(28) {
            return simple;
        }
        let spec = self.comparison(me);
        Cond::And { args: vec![simple, Cond::Iter { spec }] }
    }

    fn comparison(&mut self, me: Option<&str>) -> Comparison {
        let this = Term::This { this: "price".into() };
        let cmp = *self.random.pick(&[Cmp::Eq, Cmp::Ne, Cmp::Lt, Cmp::Le, Cmp::Gt, Cmp::Ge]);
        let of_others = !self.known.is_empty() && (me.is_none() || self.random.chance(60));
        if of_others {
            let var = self.random.pick(&self.known).clone();
            let right = match self.random.below(4) {
                0..=1 => Term::Of { of: var, field: "price".into() },
                _ => self.aggregate(var, false),
            };
            return Comparison { cmp, left: this, right };
        }
        let Some(me) = me else {
            return Comparison { cmp, left: this, right: Term::Const { value: Value::Int(self.random.range(1, 4)) } };
        };
        let limit = Term::Const { value: Value::Int(self.random.range(2, 9)) };
        match self.random.below(4) {
            0 => Comparison { cmp, left: this, right: Term::Prev { prev: "price".into() } },
            1 => Comparison { cmp: Cmp::Lt, left: self.aggregate(me.to_owned(), true), right: limit },
            2 => Comparison { cmp, left: this, right: self.aggregate(me.to_owned(), false) },
            _ => {
                let so_far = self.aggregate(me.to_owned(), false);
                Comparison { cmp: Cmp::Lt, left: Term::Add { add: vec![so_far, this] }, right: limit }
            }
        }
    }

    fn aggregate(&mut self, var: String, running: bool) -> Term {
        let agg = *self.random.pick(&[Agg::Sum, Agg::Count, Agg::Avg, Agg::Min, Agg::Max, Agg::First, Agg::Last]);
        let field = (agg != Agg::Count || self.random.chance(50)).then(|| "price".to_owned());
        let distinct = matches!(agg, Agg::Count | Agg::Sum) && field.is_some() && self.random.chance(30);
        Term::Agg { agg, var, field, running, distinct }
    }

    pub(super) fn leave(&mut self, me: &str) -> Cond {
        let (agg, field) = if self.random.chance(50) { (Agg::Count, None) } else { (Agg::Sum, Some("price".into())) };
        let left = Term::Agg { agg, var: me.to_owned(), field, running: false, distinct: false };
        let others = if self.random.chance(30) { self.known.clone() } else { Vec::new() };
        let right = if others.is_empty() {
            Term::Const { value: Value::Int(self.random.range(1, 6)) }
        } else {
            let var = self.random.pick(&others).clone();
            self.aggregate(var, false)
        };
        let cmp = *self.random.pick(&[Cmp::Ge, Cmp::Gt, Cmp::Le, Cmp::Eq]);
        Cond::Iter { spec: Comparison { cmp, left, right } }
    }

    pub(super) fn until(&mut self, me: Option<String>) -> Cond {
        let (simple, last) = (self.simple(), self.known.last().cloned());
        let Some(var) = me.or(last).filter(|_| self.random.chance(35)) else { return simple };
        let cmp = *self.random.pick(&[Cmp::Ge, Cmp::Lt, Cmp::Eq]);
        let spec = if self.random.chance(50) {
            let right = Term::Const { value: Value::Int(self.random.range(1, 6)) };
            Comparison { cmp, left: self.aggregate(var, false), right }
        } else {
            let left = Term::This { this: "price".into() };
            Comparison { cmp, left, right: Term::Of { of: var, field: "price".into() } }
        };
        Cond::And { args: vec![simple, Cond::Iter { spec }] }
    }
}
