//! Patterns: which sequence of events to find.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::expr::Expr;
use crate::span::Span;
use crate::time::Duration;

/// A sequence: its first element, then the others with the arrow before each. Also the inside of a group.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// What comes first.
    pub first: Element,
    /// What follows, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub then: Vec<Step>,
}

/// An arrow and what it leads to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// How the element follows what is before it. Before a [`Element::Not`] how far it forbids: [`Contiguity::Strict`]
    /// the next event only, [`Contiguity::Relaxed`] until the next positive stage.
    pub arrow: Contiguity,
    /// How long after the event before the element's first event may come.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bound: Option<Bound>,
    /// What follows.
    pub element: Element,
    /// Where the arrow was written.
    #[serde(skip)]
    pub span: Span,
}

/// How one event follows another in the stream (names and meaning from flink-cep).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Contiguity {
    /// `=>`, STRICT: the very next event.
    Strict,
    /// `->`: later; no event is passed over that would be taken.
    #[default]
    Relaxed,
    /// `->>`, ANY: any later event.
    Any,
}

/// A length of time that a step may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    /// The length.
    pub limit: Duration,
    /// `[<= d]` rather than `[< d]`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inclusive: bool,
}

impl Bound {
    /// The first length of time that violates the bound: due times are last event + this.
    pub fn violated_at(self) -> Duration {
        Duration(self.limit.0.saturating_add(i64::from(self.inclusive)))
    }
}

/// One element of a sequence.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Element {
    /// `v`, `v{3,}`.
    Stage(Stage),
    /// `( ... )`, with or without quantifier.
    Group(Box<Group>),
    /// `!n`: forbids n. Never first in a pattern or group, never quantified.
    Not(Name),
    /// `a | b`: either; at least two.
    AnyOf(Vec<Element>),
    /// `a & b`: all in any order; at least two.
    AllOf(Vec<Stage>),
}

/// A name and where it was written.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Name {
    /// The name.
    pub name: Arc<str>,
    /// Where it was written.
    #[serde(skip)]
    pub span: Span,
}

/// A named position that takes events.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Unique in the rule.
    pub name: Arc<str>,
    /// `None`: exactly one event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantifier: Option<Quantifier>,
    /// Where the name was written.
    #[serde(skip)]
    pub span: Span,
}

/// A sequence in parentheses; its quantifier counts whole turns.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The inside.
    pub pattern: Pattern,
    /// `None`: exactly one turn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quantifier: Option<Quantifier>,
    /// Where the parentheses were written.
    #[serde(skip)]
    pub span: Span,
}

/// How often a stage or group repeats. `a?` is `{1,1}` optional, `a*` is `{1,}` optional.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quantifier {
    /// At least; 1 or more.
    pub min: u32,
    /// At most; `None` has no limit. Not below `min`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,
    /// None at all will do as well.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub optional: bool,
    /// How a later repetition follows the one before.
    #[serde(default)]
    pub inner: Contiguity,
    /// flink-cep's greedy: nothing after the loop takes or passes over an event that the loop would take.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub greedy: bool,
    /// How long after the repetition before a later one may come (last event to first).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gap: Option<Bound>,
    /// Once the loop has begun, an event for which this holds closes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Expr>,
    /// Where the quantifier and its suffixes were written.
    #[serde(skip)]
    pub span: Span,
}

impl Quantifier {
    /// `{min,max}`, relaxed, with no suffix.
    pub fn times(min: u32, max: Option<u32>) -> Self {
        Self {
            min,
            max,
            optional: false,
            inner: Contiguity::Relaxed,
            greedy: false,
            gap: None,
            until: None,
            span: Span::default(),
        }
    }

    /// Whether more than one repetition is possible.
    pub fn repeats(&self) -> bool {
        self.max != Some(1)
    }
}

/// A stage of a pattern, as [`Pattern::stages`] lists it.
#[derive(Clone, Copy, Debug)]
pub struct StageRef<'a> {
    /// Its name.
    pub name: &'a Arc<str>,
    /// `!n`.
    pub forbidden: bool,
    /// Its own quantifier, if any.
    pub quantifier: Option<&'a Quantifier>,
    /// Where the name was written.
    pub span: Span,
}

impl Element {
    /// One event of a stage.
    pub fn stage(name: &str) -> Self {
        Self::Stage(Stage { name: name.into(), quantifier: None, span: Span::default() })
    }

    /// `!name`.
    pub fn not(name: &str) -> Self {
        Self::Not(Name { name: name.into(), span: Span::default() })
    }
}

impl Pattern {
    /// All elements in order.
    pub fn elements(&self) -> impl Iterator<Item = &Element> {
        std::iter::once(&self.first).chain(self.then.iter().map(|s| &s.element))
    }

    /// All stages, groups flattened, in the order in which they are written: the order in which "first" and "latest
    /// stage" are meant everywhere.
    pub fn stages(&self) -> Vec<StageRef<'_>> {
        let mut out = Vec::new();
        self.elements().for_each(|e| collect(e, &mut out));
        out
    }

    /// All quantifiers, of stages and groups, in the order in which they are written.
    pub fn quantifiers(&self) -> Vec<&Quantifier> {
        let mut out = Vec::new();
        self.elements().for_each(|e| quantifiers(e, &mut out));
        out
    }
}

fn collect<'a>(element: &'a Element, out: &mut Vec<StageRef<'a>>) {
    let mut stage = |s: &'a Stage| {
        out.push(StageRef { name: &s.name, forbidden: false, quantifier: s.quantifier.as_ref(), span: s.span });
    };
    match element {
        Element::Stage(s) => stage(s),
        Element::AllOf(members) => members.iter().for_each(stage),
        Element::Not(n) => out.push(StageRef { name: &n.name, forbidden: true, quantifier: None, span: n.span }),
        Element::Group(g) => g.pattern.elements().for_each(|e| collect(e, out)),
        Element::AnyOf(branches) => branches.iter().for_each(|e| collect(e, out)),
    }
}

fn quantifiers<'a>(element: &'a Element, out: &mut Vec<&'a Quantifier>) {
    match element {
        Element::Stage(s) => out.extend(&s.quantifier),
        Element::AllOf(members) => members.iter().for_each(|s| out.extend(&s.quantifier)),
        Element::Not(_) => {}
        Element::Group(g) => {
            g.pattern.elements().for_each(|e| quantifiers(e, out));
            out.extend(&g.quantifier);
        }
        Element::AnyOf(branches) => branches.iter().for_each(|e| quantifiers(e, out)),
    }
}
