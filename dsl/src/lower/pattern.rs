//! Patterns: the structure kept, quantifiers given their plain form, and what a pattern can't say refused.

mod quantifier;
pub(crate) mod shape;

use ensue_rule::{Contiguity, Element, Group, Name, Pattern, Span, Stage, Step};

use super::names::Names;
use crate::ast::{Base, Item, Not, Sequence, Term, Then};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;

/// The pattern, and where it first asks what the very next event is.
pub(crate) fn lower(sequence: &Sequence, names: &Names<'_>, sink: &mut Sink) -> (Pattern, Option<Span>) {
    let mut lowering = Lowering { names, sink, stages: 0, strict: None };
    let pattern = lowering.sequence(sequence);
    (pattern, lowering.strict)
}

struct Lowering<'a, 's> {
    names: &'a Names<'a>,
    sink: &'s mut Sink,
    /// How many stages have been lowered: those that an UNTIL here may look at.
    stages: usize,
    strict: Option<Span>,
}

impl Lowering<'_, '_> {
    fn sequence(&mut self, s: &Sequence) -> Pattern {
        if let Item::Not(n) = &s.first {
            let d = Diagnostic::error(codes::LEADING_NOT, "a negation can't begin a pattern or a group").at(n.span);
            self.sink.push(d.hint("begin with what must come first: it says from when on the other is forbidden"));
        }
        let first = self.item(&s.first);
        let then = s.then.iter().map(|t| self.then(t)).collect();
        Pattern { first, then }
    }

    fn then(&mut self, t: &Then) -> Step {
        if t.arrow == Contiguity::Strict {
            self.strict = self.strict.or(Some(t.span));
        }
        if let Item::Not(_) = t.item {
            self.negated_step(t);
        }
        let element = self.item(&t.item);
        let bound = t.bound.map(|(bound, span)| {
            if !matches!(element, Element::Not(_)) && shape::may_be_empty(&element) {
                let d = Diagnostic::error(codes::BOUND_BEFORE_EMPTY, "this bound stands before what may be empty");
                self.sink
                    .push(d.at(span).hint("a bound needs an event that ends it: bound the step to a required stage"));
            }
            bound
        });
        Step { arrow: t.arrow, bound, element, span: t.span }
    }

    fn negated_step(&mut self, t: &Then) {
        if t.arrow == Contiguity::Any {
            let d = Diagnostic::error(codes::ANY_BEFORE_NOT, "`->>` can't stand before a negation").at(t.span);
            self.sink.push(d.hint("`-> !b` forbids until the next stage, `=> !b` the next event only"));
        }
        if let Some((_, span)) = t.bound {
            let d = Diagnostic::error(codes::BOUND_BEFORE_NOT, "a bound can't stand before a negation").at(span);
            self.sink.push(d.hint("bound the step to the next stage, or the whole by WITHIN"));
        }
    }

    fn item(&mut self, item: &Item) -> Element {
        match item {
            Item::Term(t) => self.term(t),
            Item::Not(n) => self.negation(n),
            Item::AnyOf(alternatives) => {
                self.no_negation(alternatives, "an alternative of `|`");
                Element::AnyOf(alternatives.iter().map(|i| self.item(i)).collect())
            }
            Item::AllOf(members) => self.all_of(members),
        }
    }

    fn all_of(&mut self, members: &[Item]) -> Element {
        self.no_negation(members, "a member of `&`");
        let mut stages = Vec::new();
        for member in members {
            match self.item(member) {
                Element::Stage(s) => stages.push(s),
                Element::Group(g) => {
                    let d = Diagnostic::error(codes::GROUP_IN_ALL, "the members of `&` are single stages").at(g.span);
                    self.sink.push(d.hint("a group can't be interleaved: order it, or take its stages as members"));
                }
                Element::Not(_) | Element::AnyOf(_) | Element::AllOf(_) => {}
            }
        }
        Element::AllOf(stages)
    }

    fn no_negation(&mut self, items: &[Item], what: &str) {
        for item in items {
            if let Item::Not(n) = item {
                let d = Diagnostic::error(codes::NOT_INSIDE, format!("a negation can't be {what}")).at(n.span);
                self.sink.push(d.hint("forbid it in the sequence: `a -> !n -> (b | c)`"));
            }
        }
    }

    fn negation(&mut self, n: &Not) -> Element {
        let behind = n.what.counts.iter().map(|c| c.span).chain(n.what.suffixes.iter().map(|s| s.span));
        if let Some(span) = behind.reduce(Span::to) {
            let d = Diagnostic::error(codes::QUANTIFIED_NOT, "a negation has no quantifier").at(span);
            self.sink.push(d.hint("`!n` forbids every n: leave it out"));
        }
        match &n.what.base {
            Base::Stage(name) => {
                self.stages += 1;
                Element::Not(Name { name: name.text.as_str().into(), span: name.span })
            }
            Base::Group(inside) => {
                let d = Diagnostic::error(codes::NOT_GROUP, "a group can't be forbidden").at(n.span);
                self.sink.push(d.hint("forbid its stages one by one: `-> !a -> !b`"));
                let (pattern, span) = (self.sequence(inside), n.span);
                Element::Group(Box::new(Group { pattern, quantifier: None, span }))
            }
        }
    }

    fn term(&mut self, t: &Term) -> Element {
        match &t.base {
            Base::Stage(name) => {
                self.stages += 1;
                let quantifier = self.quantifier(t);
                Element::Stage(Stage { name: name.text.as_str().into(), quantifier, span: name.span })
            }
            Base::Group(inside) => {
                let pattern = self.sequence(inside);
                let quantifier = self.quantifier(t);
                Element::Group(Box::new(Group { pattern, quantifier, span: t.span }))
            }
        }
    }
}
