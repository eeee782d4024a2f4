//! Rules: a pattern, conditions on its stages, a window, and what a match yields.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::FORMAT;
use crate::event::Attr;
use crate::expr::{Expr, ExprKind, Scope};
use crate::pattern::Pattern;
use crate::span::Span;
use crate::time::Duration;

/// A rule, with every default of the language spelled out. Serialised it carries `"format": 1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// The version of this serialised form.
    pub format: Format,
    /// `RULE name`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<Arc<str>>,
    /// What to find.
    pub pattern: Pattern,
    /// The conjuncts of WHERE, in the order written, each at its stage.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub conditions: Vec<Condition>,
    /// How long a match may last; `None` is the engine's default window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Within>,
    /// Streams of a user are matched apart by these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub partition_by: Vec<Attr>,
    /// Which runs a match discards.
    pub after_match: AfterMatch,
    /// What a match yields, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub returns: Vec<Return>,
    /// Report partial matches whose window ended, with these values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_timeout: Option<Vec<Return>>,
}

/// The format number of a serialised rule: writes [`FORMAT`], reads nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Format;

impl Serialize for Format {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_u32(FORMAT)
    }
}

impl<'de> Deserialize<'de> for Format {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        match u32::deserialize(d)? {
            FORMAT => Ok(Self),
            n => Err(de::Error::custom(format_args!("rule format {n} is not supported; this version reads {FORMAT}"))),
        }
    }
}

/// One conjunct of WHERE, at the stage and moment at which it is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// The latest stage that the conjunct mentions.
    pub stage: Arc<str>,
    /// When it is asked.
    #[serde(default, skip_serializing_if = "Moment::is_take")]
    pub moment: Moment,
    /// What must hold.
    pub expr: Expr,
}

/// When a condition is asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Moment {
    /// Of the event that the stage would take (for a forbidden stage: that would break it).
    #[default]
    Take,
    /// Of whatever leaves the stage: the next stage's event, or the completion. Conditions over plain aggregates of
    /// the stage are asked then.
    Leave,
}

impl Moment {
    #[allow(clippy::trivially_copy_pass_by_ref, reason = "the shape that serde asks for")]
    fn is_take(&self) -> bool {
        *self == Self::Take
    }
}

/// How long a match may last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Within {
    /// Exclusive: last - first < this.
    pub duration: Duration,
    /// Of what.
    #[serde(default)]
    pub kind: WithinKind,
}

/// What a window bounds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WithinKind {
    /// First event to last.
    #[default]
    Match,
    /// First event to last, all of one session.
    Session,
    /// The step to the last stage (flink-cep's `PREVIOUS_AND_CURRENT`).
    Previous,
}

/// Which runs a match discards.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterMatch {
    /// No later match starts at or before the last event of this one.
    #[default]
    Consume,
    /// None; at most `limit` matches an event (`None`: the engine's limit).
    NoSkip {
        /// Matches an event.
        limit: Option<u32>,
    },
    /// Those that start at or before its last event.
    SkipPastLastEvent,
    /// Those that start with the same event.
    SkipToNextEvent,
    /// Those that start before the first event of a stage.
    SkipToFirst {
        /// The stage.
        stage: Arc<str>,
        /// `OR ERROR`: a match that does not bind the stage is an error.
        or_error: bool,
    },
    /// Those that start before the last event of a stage.
    SkipToLast {
        /// The stage.
        stage: Arc<str>,
        /// `OR ERROR`: a match that does not bind the stage is an error.
        or_error: bool,
    },
}

/// A named value of a match.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Return {
    /// `AS name`; unique in its clause.
    pub name: Arc<str>,
    /// What it is.
    pub expr: Expr,
}

/// Why a conjunct has no place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlaceError {
    /// It mentions no stage.
    NoStage,
    /// It mentions a stage that the pattern does not have.
    UnknownStage(Arc<str>, Span),
    /// It mentions a forbidden stage and a later one.
    AfterForbidden {
        /// The forbidden stage.
        forbidden: Arc<str>,
        /// The later one.
        later: Arc<str>,
        /// Where the forbidden one is mentioned.
        span: Span,
    },
    /// It has a plain aggregate of the stage under test beside the event under test: RUNNING or PRIOR is meant.
    MixedAggregate(Arc<str>, Span),
    /// RUNNING, PRIOR or PREV of a stage that is not under test.
    NotUnderTest(Arc<str>, Span),
}

impl Condition {
    /// Finds where a conjunct is asked: at the latest stage that it mentions, of the event to take, or, if it looks at
    /// that stage through plain aggregates only, of whatever leaves it.
    pub fn place(expr: Expr, pattern: &Pattern) -> Result<Self, PlaceError> {
        let stages = pattern.stages();
        let order = |name: &str| stages.iter().position(|s| &**s.name == name);
        let (mut latest, mut forbidden) = (None, Vec::new());
        let mut unknown = None;
        expr.walk(|e| {
            let Some(name) = e.stage() else { return };
            match order(name) {
                None => unknown = unknown.take().or_else(|| Some((name.clone(), e.span))),
                Some(at) => {
                    latest = latest.max(Some(at));
                    if stages.get(at).is_some_and(|s| s.forbidden) {
                        forbidden.push((at, e.span));
                    }
                }
            }
        });
        if let Some((name, span)) = unknown {
            return Err(PlaceError::UnknownStage(name, span));
        }
        let (at, stage) = latest.and_then(|at| Some((at, stages.get(at)?.name.clone()))).ok_or(PlaceError::NoStage)?;
        // One may be the latest; another before it is forbidden all the same.
        if let Some((f, span)) = forbidden.into_iter().find(|(f, _)| *f != at) {
            let forbidden = stages.get(f).map_or_else(|| stage.clone(), |s| s.name.clone());
            return Err(PlaceError::AfterForbidden { forbidden, later: stage, span });
        }
        let moment = moment_at(&expr, &stage)?;
        Ok(Self { stage, moment, expr })
    }
}

/// Take or leave, for a conjunct whose latest stage is `stage`.
fn moment_at(expr: &Expr, stage: &Arc<str>) -> Result<Moment, PlaceError> {
    let (mut under_test, mut plain, mut elsewhere) = (false, None, None);
    expr.walk(|e| {
        let here = e.stage() == Some(stage);
        match &e.kind {
            ExprKind::Aggregate { scope: Scope::All, .. } if here => plain = plain.or(Some(e.span)),
            ExprKind::Aggregate { scope: Scope::Running | Scope::Prior, stage: Some(s), .. }
            | ExprKind::Prev { stage: s, .. }
                if !here =>
            {
                elsewhere = elsewhere.take().or_else(|| Some((s.clone(), e.span)));
            }
            _ if here => under_test = true,
            _ => {}
        }
    });
    match (elsewhere, plain) {
        (Some((s, span)), _) => Err(PlaceError::NotUnderTest(s, span)),
        (None, Some(span)) if under_test => Err(PlaceError::MixedAggregate(stage.clone(), span)),
        (None, Some(_)) => Ok(Moment::Leave),
        (None, None) => Ok(Moment::Take),
    }
}

impl fmt::Display for PlaceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoStage => f.write_str("the condition mentions no stage"),
            Self::UnknownStage(name, _) => write!(f, "no stage is called `{name}`"),
            Self::AfterForbidden { forbidden, later, .. } => {
                write!(f, "the condition mentions the forbidden stage `{forbidden}` and the later stage `{later}`")
            }
            Self::MixedAggregate(name, _) => {
                write!(f, "an aggregate over all of `{name}` stands beside the `{name}` under test")
            }
            Self::NotUnderTest(name, _) => {
                write!(f, "RUNNING, PRIOR and PREV look at the stage under test, and `{name}` is not")
            }
        }
    }
}

impl std::error::Error for PlaceError {}

impl Rule {
    /// A rule over `pattern` with no conditions, no window, CONSUME, and nothing returned.
    pub fn new(pattern: Pattern) -> Self {
        Self {
            format: Format,
            name: None,
            pattern,
            conditions: Vec::new(),
            within: None,
            partition_by: Vec::new(),
            after_match: AfterMatch::Consume,
            returns: Vec::new(),
            on_timeout: None,
        }
    }

    /// What stands in a task that has only a script: any one event, in the engine's default window.
    pub fn of_script() -> Self {
        Self::new(Pattern { first: crate::pattern::Element::stage("trigger"), then: Vec::new() })
    }

    /// The window, with the engine's default where the rule has none (OF PREVIOUS has the default besides).
    pub fn window(&self, default: Duration) -> Duration {
        match self.within {
            Some(Within { duration, kind: WithinKind::Match | WithinKind::Session }) => duration,
            Some(Within { kind: WithinKind::Previous, .. }) | None => default,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expr::{AggFn, BinaryOp};
    use crate::pattern::{Contiguity, Element, Step};

    fn abc() -> Pattern {
        let step = |element| Step { arrow: Contiguity::Relaxed, bound: None, element, span: Span::default() };
        Pattern { first: Element::stage("a"), then: vec![step(Element::not("n")), step(Element::stage("c"))] }
    }

    fn count(stage: &str) -> Expr {
        let (func, scope) = (AggFn::Count, Scope::All);
        ExprKind::Aggregate { func, scope, distinct: false, stage: Some(stage.into()), attr: None }.into()
    }

    fn eq(left: Expr, right: Expr) -> Expr {
        Expr::binary(BinaryOp::Eq, left, right)
    }

    #[test]
    fn a_conjunct_goes_to_the_latest_stage_it_mentions() {
        let at = |expr| Condition::place(expr, &abc()).map(|c| (c.stage.to_string(), c.moment));
        let x = |stage| Expr::attr(stage, Attr::arg("x"));
        assert_eq!(at(eq(x("c"), x("a"))), Ok(("c".into(), Moment::Take)));
        assert_eq!(at(eq(x("n"), x("a"))), Ok(("n".into(), Moment::Take)));
        assert_eq!(at(eq(count("a"), Expr::literal(3))), Ok(("a".into(), Moment::Leave)));
        assert_eq!(at(eq(count("a"), x("c"))), Ok(("c".into(), Moment::Take)));
        assert!(matches!(at(eq(count("c"), x("c"))), Err(PlaceError::MixedAggregate(..))));
        assert!(matches!(at(eq(x("n"), x("c"))), Err(PlaceError::AfterForbidden { .. })));
        let step = |element| Step { arrow: Contiguity::Relaxed, bound: None, element, span: Span::default() };
        let mut two = abc();
        two.then.push(step(Element::not("m")));
        for expr in [eq(x("n"), x("m")), eq(x("m"), x("n"))] {
            assert!(matches!(Condition::place(expr, &two), Err(PlaceError::AfterForbidden { .. })));
        }
        assert!(matches!(at(eq(x("q"), x("c"))), Err(PlaceError::UnknownStage(..))));
        assert!(matches!(at(Expr::literal(true)), Err(PlaceError::NoStage)));
    }

    #[test]
    fn another_format_is_refused_by_number() {
        let mut json = serde_json::to_value(Rule::new(abc())).unwrap();
        assert_eq!(serde_json::from_value::<Rule>(json.clone()).unwrap(), Rule::new(abc()));
        json["format"] = 2.into();
        let error = serde_json::from_value::<Rule>(json).unwrap_err().to_string();
        assert!(error.contains("rule format 2 is not supported"), "{error}");
    }
}
