//! The stages of a rule by name.

use std::collections::HashMap;

use ensue_rule::{Attr, Span};

use crate::ast::{Base, Item, Name, Sequence, Term};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::sink::Sink;
use crate::token::shorten;

/// How many stages a rule may have: more states than this no automaton of the matcher has.
const MOST_STAGES: usize = 512;

/// The stages in the order in which they are written, which is the order of "earlier" and "later".
pub(crate) struct Names<'a> {
    stages: Vec<StageName<'a>>,
    by_name: HashMap<&'a str, usize>,
}

struct StageName<'a> {
    name: &'a Name,
    forbidden: bool,
    /// The branches it stands in: which `|`, and which of its alternatives.
    branches: Vec<(usize, usize)>,
}

impl<'a> Names<'a> {
    /// No stages: for texts that are not rules.
    pub(crate) fn none() -> Self {
        Self { stages: Vec::new(), by_name: HashMap::new() }
    }

    /// All stages of a pattern; reports what is wrong with their names. `None` where there are too many to go on.
    pub(crate) fn of(pattern: &'a Sequence, sink: &mut Sink) -> Option<Self> {
        let mut walk = Walk { names: Self::none(), branches: Vec::new(), choices: 0 };
        walk.sequence(pattern);
        let mut names = walk.names;
        if let Some(first_over) = names.stages.get(MOST_STAGES) {
            let message = format!("the pattern has {} stages, more than {MOST_STAGES}", names.stages.len());
            let d = Diagnostic::error(codes::TOO_MANY_STATES, message).at(first_over.name.span);
            sink.push(d.hint("split the rule, or use a quantifier"));
            return None;
        }
        for (at, stage) in names.stages.iter().enumerate() {
            check(stage.name, sink);
            if let Some(first) = names.by_name.get(stage.name.text.as_str()) {
                sink.add(|| duplicate(stage.name, *first + 1));
            } else {
                names.by_name.insert(&stage.name.text, at);
            }
        }
        Some(names)
    }

    /// The place of a stage in the order.
    pub(crate) fn find(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Whether the stage at this place is `!n`.
    pub(crate) fn is_forbidden(&self, at: usize) -> bool {
        self.stages.get(at).is_some_and(|s| s.forbidden)
    }

    /// A stage to show in hints, as it is written: the first that takes events.
    pub(crate) fn example(&self) -> String {
        format::name(self.stages.iter().find(|s| !s.forbidden).map_or("v", |s| &s.name.text))
    }

    /// All names, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &str> + Clone {
        self.stages.iter().map(|s| s.name.text.as_str())
    }

    /// Whether no match binds both stages: they stand in different alternatives of one `|`.
    pub(crate) fn are_exclusive(&self, a: usize, b: usize) -> bool {
        let (Some(a), Some(b)) = (self.stages.get(a), self.stages.get(b)) else { return false };
        a.branches.iter().any(|(choice, branch)| b.branches.iter().any(|(c, x)| c == choice && x != branch))
    }

    /// That no stage is called so.
    pub(crate) fn unknown(&self, name: &Name) -> Diagnostic {
        let message = format!("no stage is called `{}`", shorten(&name.text));
        Diagnostic::error(codes::UNKNOWN_STAGE, message).at(name.span).hint(super::meant(&name.text, self.iter()))
    }
}

fn check(name: &Name, sink: &mut Sink) {
    if Attr::built_in(&name.text).is_none() && name.text != "args" && name.text != "extra_info" {
        return;
    }
    let message = format!("`{}` is an attribute and can't be a stage", name.text);
    let d = Diagnostic::error(codes::STAGE_NAME, message).at(name.span);
    sink.push(d.hint("choose another name for the stage; what it takes is said in WHERE"));
}

fn duplicate(name: &Name, first: usize) -> Diagnostic {
    let message = format!("two stages are called `{}`", shorten(&name.text));
    let d = Diagnostic::error(codes::DUPLICATE_STAGE, message).at(name.span);
    d.hint(format!("stage {first} has that name; for repetition write `{}{{2}}`", format::name(&name.text)))
}

/// Collects the stages of a pattern.
struct Walk<'a> {
    names: Names<'a>,
    branches: Vec<(usize, usize)>,
    choices: usize,
}

impl<'a> Walk<'a> {
    fn sequence(&mut self, s: &'a Sequence) {
        self.item(&s.first);
        s.then.iter().for_each(|t| self.item(&t.item));
    }

    fn item(&mut self, item: &'a Item) {
        match item {
            Item::Term(t) => self.term(t, false),
            Item::Not(n) => self.term(&n.what, true),
            Item::AllOf(members) => members.iter().for_each(|m| self.item(m)),
            Item::AnyOf(alternatives) => {
                self.choices += 1;
                let choice = self.choices;
                for (branch, alternative) in alternatives.iter().enumerate() {
                    self.branches.push((choice, branch));
                    self.item(alternative);
                    self.branches.pop();
                }
            }
        }
    }

    fn term(&mut self, term: &'a Term, forbidden: bool) {
        match &term.base {
            Base::Stage(name) => {
                self.names.stages.push(StageName { name, forbidden, branches: self.branches.clone() });
            }
            Base::Group(inside) => self.sequence(inside),
        }
    }
}

/// The span that both names cover.
pub(crate) fn span_of(names: &[Name]) -> Span {
    names.iter().map(|n| n.span).reduce(Span::to).unwrap_or_default()
}
