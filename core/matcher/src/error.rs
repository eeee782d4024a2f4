//! Why a rule cannot be compiled.

use std::fmt;

use ensue_rule::Span;

/// A rule that cannot be run, and where in its text the reason stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    kind: Kind,
    span: Span,
}

/// The reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The automaton would have more states than the limit.
    TooManyStates { limit: usize },
    /// More single-event predicates than a program can carry.
    TooManyPredicates { limit: usize },
    /// More combinations of conditions and filter entries than the index takes.
    TooManyPlaces { limit: usize },
    /// A construct that the matcher refuses, in words.
    Refused { what: String, hint: &'static str },
}

impl Error {
    pub(crate) fn new(kind: Kind, span: Span) -> Self {
        Self { kind, span }
    }

    pub(crate) fn refused(what: impl Into<String>, hint: &'static str, span: Span) -> Self {
        Self::new(Kind::Refused { what: what.into(), hint }, span)
    }

    pub(crate) fn too_many_places(limit: usize) -> Self {
        Self::new(Kind::TooManyPlaces { limit }, Span::default())
    }

    /// Where in the rule's text the reason stands, if it was read from text.
    pub fn span(&self) -> Span {
        self.span
    }

    /// What to write instead.
    pub fn hint(&self) -> &'static str {
        match &self.kind {
            Kind::TooManyStates { .. } => "use smaller counts, or {n,} in place of {n,m}",
            Kind::TooManyPredicates { .. } => "split the rule, or write alternatives as one IN",
            Kind::TooManyPlaces { .. } => "write entries that differ in one attribute as one entry with a list",
            Kind::Refused { hint, .. } => hint,
        }
    }

    /// Whether the rule is sound but over a limit.
    pub fn is_limit(&self) -> bool {
        !matches!(self.kind, Kind::Refused { .. })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::TooManyStates { limit } => write!(f, "the pattern needs more than {limit} states"),
            Kind::TooManyPredicates { limit } => {
                write!(f, "the rule has more than {limit} stages and UNTIL conditions")
            }
            Kind::TooManyPlaces { limit } => {
                write!(f, "the entries of the filter and the stages make more than {limit} combinations")
            }
            Kind::Refused { what, .. } => f.write_str(what),
        }
    }
}

impl std::error::Error for Error {}
