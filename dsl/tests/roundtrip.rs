//! Every rule that a text can say is printed as a text that says it, in every dialect.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

use std::sync::Arc;

use ensue_dsl::{compile, format, format_text};
use ensue_rule::{
    AfterMatch, AggFn, Attr, BinaryOp, Bound, Condition, Contiguity, Dialect, Duration, Element, Expr, ExprKind, Func,
    Group, Pattern, Quantifier, Return, Rule, Scope, Span, Stage, Step, UnaryOp, Value, Within, WithinKind,
};
use proptest::prelude::*;

/// A stage name in an expression, before the stages of the rule are known.
const ANY_STAGE: &str = "?";

fn names() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => "[a-z][a-z0-9_]{0,6}",
        1 => prop::sample::select(vec!["event", "MIN", "first", "s", "count", "running", "where", "distinct", "трек"])
            .prop_map(str::to_owned),
        1 => "[ -~]{1,8}",
    ]
}

fn attrs() -> impl Strategy<Value = Attr> {
    prop_oneof![
        Just(Attr::ActionType),
        Just(Attr::Scene),
        Just(Attr::Ts),
        Just(Attr::UserId),
        prop::collection::vec(names().prop_map(Arc::from), 1..3).prop_map(Attr::Arg),
    ]
}

fn literals() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (-100_i64..100).prop_map(Value::Int),
        any::<f64>().prop_filter("finite", |x| x.is_finite()).prop_map(Value::Float),
        "[ -~é\n]{0,8}".prop_map(Value::from),
        Just(Value::Null),
    ]
}

fn aggregates() -> impl Strategy<Value = Expr> {
    let stage = || Some(Arc::from(ANY_STAGE));
    let functions = vec![AggFn::Sum, AggFn::Avg, AggFn::Min, AggFn::Max, AggFn::First, AggFn::Last];
    let scopes = || prop::sample::select(vec![Scope::All, Scope::Running, Scope::Prior]);
    prop_oneof![
        (scopes(), prop::sample::select(functions), attrs(), any::<bool>()).prop_map(
            move |(scope, func, attr, distinct)| {
                let distinct = distinct && func == AggFn::Sum;
                ExprKind::Aggregate { func, scope, distinct, stage: stage(), attr: Some(attr) }.into()
            }
        ),
        (scopes(), prop::option::of(attrs())).prop_map(move |(scope, attr)| {
            let distinct = attr.is_some();
            ExprKind::Aggregate { func: AggFn::Count, scope, distinct, stage: stage(), attr }.into()
        }),
        attrs().prop_map(|attr| ExprKind::Prev { stage: ANY_STAGE.into(), attr }.into()),
    ]
}

/// Values; `bare` has attributes without a stage (UNTIL).
fn values(bare: bool) -> BoxedStrategy<Expr> {
    let stage = move || if bare { None } else { Some(Arc::from(ANY_STAGE)) };
    let hour = move || {
        let ts = ExprKind::Attr { stage: stage(), attr: Attr::Ts }.into();
        ExprKind::Call { func: Func::Hour, args: vec![ts] }.into()
    };
    let leaf = prop_oneof![
        4 => literals().prop_map(Expr::literal),
        4 => attrs().prop_map(move |attr| ExprKind::Attr { stage: stage(), attr }.into()),
        1 => Just(()).prop_map(move |()| hour()),
        1 => aggregates().prop_map(move |e| if bare { Expr::literal(1) } else { e }),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let op = prop::sample::select(vec![BinaryOp::Add, BinaryOp::Sub, BinaryOp::Mul, BinaryOp::Div, BinaryOp::Rem]);
        prop_oneof![
            (op, inner.clone(), inner.clone()).prop_map(|(op, a, b)| Expr::binary(op, a, b)),
            inner.clone().prop_map(|x| ExprKind::Unary(UnaryOp::Neg, Box::new(x)).into()),
            inner.clone().prop_map(|x| ExprKind::Call { func: Func::Lower, args: vec![x] }.into()),
            prop::collection::vec(inner, 1..4).prop_map(|args| ExprKind::Call { func: Func::Coalesce, args }.into()),
        ]
    })
    .boxed()
}

fn conditions(bare: bool) -> BoxedStrategy<Expr> {
    let v = move || values(bare);
    let comparisons = vec![BinaryOp::Eq, BinaryOp::Ne, BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge];
    let leaf = prop_oneof![
        4 => (prop::sample::select(comparisons), v(), v()).prop_map(|(op, a, b)| Expr::binary(op, a, b)),
        1 => (v(), prop::collection::vec(v(), 1..4)).prop_map(|(x, l)| ExprKind::In(Box::new(x), l).into()),
        1 => (v(), v(), v()).prop_map(|(x, a, b)| ExprKind::Between(Box::new(x), Box::new(a), Box::new(b)).into()),
        1 => (v(), "[a-z%_'\\\\]{0,5}").prop_map(|(x, p)| ExprKind::Like(Box::new(x), p.into()).into()),
        1 => (v(), "[a-z.*']{0,5}").prop_map(|(x, p)| ExprKind::Matches(Box::new(x), p.into()).into()),
        1 => v().prop_map(|x| ExprKind::IsNull(Box::new(x)).into()),
    ];
    leaf.prop_recursive(4, 16, 3, |inner| {
        let op = prop::sample::select(vec![BinaryOp::And, BinaryOp::Or]);
        prop_oneof![
            3 => (op, inner.clone(), inner.clone()).prop_map(|(op, a, b)| Expr::binary(op, a, b)),
            1 => inner.prop_map(Expr::negate),
        ]
    })
    .boxed()
}

fn contiguities() -> impl Strategy<Value = Contiguity> {
    prop::sample::select(vec![Contiguity::Strict, Contiguity::Relaxed, Contiguity::Any])
}

fn bounds() -> impl Strategy<Value = Option<Bound>> {
    prop::option::weighted(
        0.2,
        (1_i64..200_000_000, any::<bool>()).prop_map(|(ms, inclusive)| Bound { limit: Duration(ms), inclusive }),
    )
}

fn quantifiers() -> impl Strategy<Value = Option<Quantifier>> {
    let until = prop::option::weighted(0.2, conditions(true));
    let counts = (1_u32..4, prop::option::of(0_u32..3), any::<bool>());
    let suffixes = (contiguities(), any::<bool>(), bounds(), until);
    prop::option::of((counts, suffixes).prop_map(|((min, more, optional), (inner, greedy, gap, until))| {
        let mut q = Quantifier::times(min, more.map(|m| min + m));
        (q.optional, q.inner, q.greedy, q.gap, q.until) = (optional, inner, greedy, gap, until);
        q
    }))
}

fn stages() -> impl Strategy<Value = Stage> {
    quantifiers().prop_map(|quantifier| Stage { name: "".into(), quantifier, span: Span::default() })
}

fn elements(depth: u32) -> BoxedStrategy<Element> {
    let simple = prop_oneof![
        4 => stages().prop_map(Element::Stage),
        1 => prop::collection::vec(stages(), 2..4).prop_map(Element::AllOf),
    ];
    if depth == 0 {
        return simple.boxed();
    }
    let group = move || {
        (patterns(depth - 1), quantifiers()).prop_map(|(pattern, quantifier)| {
            Element::Group(Box::new(Group { pattern, quantifier, span: Span::default() }))
        })
    };
    let alternative = prop_oneof![3 => elements(0), 1 => group()];
    prop_oneof![
        4 => simple,
        1 => group(),
        1 => prop::collection::vec(alternative, 2..4).prop_map(Element::AnyOf),
    ]
    .boxed()
}

fn patterns(depth: u32) -> BoxedStrategy<Pattern> {
    let positive = (contiguities(), bounds(), elements(depth)).prop_map(|(arrow, bound, element)| Step {
        arrow,
        bound: bound.filter(|_| required(&element)),
        element,
        span: Span::default(),
    });
    let negative = prop::sample::select(vec![Contiguity::Strict, Contiguity::Relaxed]).prop_map(|arrow| Step {
        arrow,
        bound: None,
        element: Element::not(""),
        span: Span::default(),
    });
    let steps = prop::collection::vec(prop_oneof![4 => positive, 1 => negative], 0..4);
    (elements(depth), steps).prop_map(|(first, then)| Pattern { first, then }).boxed()
}

/// Whether the element surely takes an event.
fn required(e: &Element) -> bool {
    let must = |s: &Stage| s.quantifier.as_ref().is_none_or(|q| !q.optional);
    match e {
        Element::Stage(s) => must(s),
        Element::AllOf(members) => members.iter().any(must),
        Element::AnyOf(alternatives) => alternatives.iter().all(required),
        Element::Group(g) => g.quantifier.as_ref().is_none_or(|q| !q.optional) && g.pattern.elements().any(required),
        Element::Not(_) => false,
    }
}

/// Gives every stage a name of its own.
fn christen(pattern: &mut Pattern, names: &mut impl Iterator<Item = Arc<str>>) {
    fn element(e: &mut Element, names: &mut impl Iterator<Item = Arc<str>>) {
        match e {
            Element::Stage(s) => s.name = names.next().unwrap(),
            Element::Not(n) => n.name = names.next().unwrap(),
            Element::AllOf(members) => members.iter_mut().for_each(|s| s.name = names.next().unwrap()),
            Element::AnyOf(alternatives) => alternatives.iter_mut().for_each(|e| element(e, names)),
            Element::Group(g) => christen_dyn(&mut g.pattern, names),
        }
    }
    fn christen_dyn(pattern: &mut Pattern, mut names: &mut dyn Iterator<Item = Arc<str>>) {
        element(&mut pattern.first, &mut names);
        pattern.then.iter_mut().for_each(|s| element(&mut s.element, &mut names));
    }
    christen_dyn(pattern, names);
}

/// The expression with its stages named.
fn about(e: Expr, stage: &Arc<str>) -> Expr {
    let sub = |x: Box<Expr>| Box::new(about(*x, stage));
    let kind = match e.kind {
        ExprKind::Aggregate { func, scope, distinct, attr, .. } => {
            ExprKind::Aggregate { func, scope, distinct, stage: Some(stage.clone()), attr }
        }
        ExprKind::Prev { attr, .. } => ExprKind::Prev { stage: stage.clone(), attr },
        ExprKind::Attr { stage: Some(_), attr } => ExprKind::Attr { stage: Some(stage.clone()), attr },
        ExprKind::Call { func, args } => {
            ExprKind::Call { func, args: args.into_iter().map(|a| about(a, stage)).collect() }
        }
        ExprKind::Unary(op, x) => ExprKind::Unary(op, sub(x)),
        ExprKind::Binary(op, a, b) => ExprKind::Binary(op, sub(a), sub(b)),
        ExprKind::In(x, list) => ExprKind::In(sub(x), list.into_iter().map(|a| about(a, stage)).collect()),
        ExprKind::Between(x, a, b) => ExprKind::Between(sub(x), sub(a), sub(b)),
        ExprKind::Like(x, p) => ExprKind::Like(sub(x), p),
        ExprKind::Matches(x, p) => ExprKind::Matches(sub(x), p),
        ExprKind::IsNull(x) => ExprKind::IsNull(sub(x)),
        kind => kind,
    };
    kind.into()
}

/// Whether the expression needs events bound to its stage.
fn looks_back(e: &Expr) -> bool {
    let mut found = false;
    e.walk(|e| found |= matches!(e.kind, ExprKind::Aggregate { .. } | ExprKind::Prev { .. }));
    found
}

fn count(stage: &Arc<str>) -> Expr {
    let (func, scope) = (AggFn::Count, Scope::All);
    ExprKind::Aggregate { func, scope, distinct: false, stage: Some(stage.clone()), attr: None }.into()
}

fn after_matches() -> impl Strategy<Value = AfterMatch> {
    prop_oneof![
        Just(AfterMatch::Consume),
        prop::option::of(1_u32..500).prop_map(|limit| AfterMatch::NoSkip { limit }),
        Just(AfterMatch::SkipPastLastEvent),
        Just(AfterMatch::SkipToNextEvent),
        any::<bool>().prop_map(|or_error| AfterMatch::SkipToFirst { stage: "".into(), or_error }),
        any::<bool>().prop_map(|or_error| AfterMatch::SkipToLast { stage: "".into(), or_error }),
    ]
}

fn withins() -> impl Strategy<Value = Option<Within>> {
    let kinds = vec![WithinKind::Match, WithinKind::Session, WithinKind::Previous];
    prop::option::of(
        (1_i64..1_000_000_000, prop::sample::select(kinds))
            .prop_map(|(ms, kind)| Within { duration: Duration(ms), kind }),
    )
}

fn rules() -> impl Strategy<Value = Rule> {
    let parts = (patterns(2), prop::collection::vec((conditions(false), any::<prop::sample::Index>()), 0..4));
    let clauses = (withins(), after_matches(), prop::collection::vec(attrs(), 0..3), prop::option::of(names()));
    let returned = (prop::collection::btree_set(names(), 0..=2), any::<bool>());
    let stage_names = prop::collection::vec(names(), 30);
    (parts, clauses, returned, stage_names).prop_map(|((mut pattern, conditions), clauses, returned, stage_names)| {
        let taken = ["actionType", "scene", "source", "ts", "userId", "args", "extra_info"];
        let fresh = (0..).map(|n| format!("more{n}"));
        let distinct: std::collections::BTreeSet<_> = stage_names.into_iter().collect();
        let mut names = distinct.into_iter().filter(|n| !taken.contains(&n.as_str())).chain(fresh).map(Arc::from);
        christen(&mut pattern, &mut names);
        let (within, mut after_match, mut partition_by, name) = clauses;
        let positive: Vec<Arc<str>> =
            pattern.stages().iter().filter(|s| !s.forbidden).map(|s| s.name.clone()).collect();
        let stage = positive.last().unwrap();
        if let AfterMatch::SkipToFirst { stage: s, .. } | AfterMatch::SkipToLast { stage: s, .. } = &mut after_match {
            *s = stage.clone();
        }
        partition_by.dedup();
        partition_by.truncate(1);
        let all: Vec<Arc<str>> = pattern.stages().iter().map(|s| s.name.clone()).collect();
        let conjuncts = conditions.into_iter().flat_map(|(e, at)| about(e, at.get(&all)).conjuncts());
        let takes_events = |c: &Condition| positive.contains(&c.stage) || !looks_back(&c.expr);
        let conditions = conjuncts.filter_map(|e| Condition::place(e, &pattern).ok()).filter(takes_events).collect();
        let values: Vec<Return> =
            returned.0.iter().map(|n| Return { name: n.as_str().into(), expr: count(stage) }).collect();
        let on_timeout = Some(values.clone()).filter(|_| returned.1);
        let mut rule = Rule::new(pattern);
        (rule.conditions, rule.within, rule.after_match, rule.partition_by) =
            (conditions, within, after_match, partition_by);
        (rule.returns, rule.on_timeout, rule.name) = (values, on_timeout, name.map(Arc::from));
        rule
    })
}

/// Chains of AND and OR have one shape in rules that were read; give generated ones that shape by reading them once.
fn read(text: &str, dialect: Dialect) -> Rule {
    let compiled = compile(text, dialect);
    let drawn: String = compiled.diagnostics.iter().filter(|d| d.is_error()).map(|d| d.render("rule")).collect();
    compiled.rule.unwrap_or_else(|| panic!("{text}\n{drawn}"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_printed_rule_is_read_as_the_same_rule(rule in rules()) {
        let text = format(&rule);
        let again = read(&text, Dialect::Ensue);
        prop_assert_eq!(&again, &rule, "{}", text);
        prop_assert_eq!(&read(&text, Dialect::Flink), &rule, "{}", text);
        prop_assert_eq!(format_text(&text).unwrap(), text);
    }

    #[test]
    fn a_rule_travels_as_json(rule in rules()) {
        let json = serde_json::to_string(&rule).unwrap();
        prop_assert_eq!(serde_json::from_str::<Rule>(&json).unwrap(), rule);
    }
}
