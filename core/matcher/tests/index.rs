//! The index names exactly the programs that asking each would, whatever the rules say, and forgets them whole.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, missing_docs, reason = "a test")]

use ensue_matcher::{Arguments, Armed, Arrival, Found, Hit, Limits, Observation, ProgramId, ProgramSet, Runs};
use ensue_rule::{
    Attr, BinaryOp, Condition, Contiguity, Element, EntryTest, Event, EventRef, Expr, ExprKind, Filter, FilterEntry,
    Moment, Pattern, Return, Rule, Span, Step, UnaryOp, Value,
};

/// Random numbers: splitmix64.
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % n as u64).unwrap()
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())].clone()
    }

    fn number(&mut self) -> Value {
        let n = i64::try_from(self.below(6)).unwrap();
        if self.below(3) == 0 { Value::Float(f64::from(u8::try_from(n).unwrap()) / 2.0) } else { Value::Int(n) }
    }

    fn text(&mut self) -> Value {
        self.pick(&["", "a", "ab", "abc", "b", "häh", "A"]).into()
    }

    fn value(&mut self) -> Value {
        match self.below(6) {
            0 => self.pick(&[true, false]).into(),
            1 | 2 => self.text(),
            3 => Value::List([self.number()].into()),
            _ => self.number(),
        }
    }

    fn attr(&mut self) -> Attr {
        let args = [Attr::arg("x"), Attr::arg("y"), Attr::Arg(vec!["m".into(), "x".into()])];
        let built_in = [Attr::ActionType, Attr::Scene, Attr::Source, Attr::UserId, Attr::Ts];
        if self.below(2) == 0 { self.pick(&args) } else { self.pick(&built_in) }
    }

    fn literals(&mut self) -> Vec<Expr> {
        (0..=self.below(3)).map(|_| Expr::literal(self.value())).collect()
    }

    fn condition(&mut self, stage: &str) -> Expr {
        let x = Expr::attr(stage, self.attr());
        match self.below(12) {
            0..=3 => Expr::binary(BinaryOp::Eq, x, Expr::literal(self.value())),
            4 => ExprKind::In(Box::new(x), self.literals()).into(),
            5 | 6 => {
                let op = self.pick(&[BinaryOp::Lt, BinaryOp::Le, BinaryOp::Gt, BinaryOp::Ge, BinaryOp::Ne]);
                let (a, b) = (x, Expr::literal(self.number()));
                if self.below(2) == 0 { Expr::binary(op, a, b) } else { Expr::binary(op, b, a) }
            }
            7 => {
                let (low, high) = (Expr::literal(self.number()), Expr::literal(self.number()));
                ExprKind::Between(Box::new(x), Box::new(low), Box::new(high)).into()
            }
            8 => ExprKind::Like(Box::new(x), self.pick(&["a%", "ab%c", "%", "a_", "hä%"]).into()).into(),
            9 => ExprKind::IsNull(Box::new(x)).into(),
            10 => ExprKind::Unary(UnaryOp::Not, Box::new(self.condition(stage))).into(),
            _ => Expr::binary(BinaryOp::Or, self.condition(stage), self.condition(stage)),
        }
    }

    /// `named`: every stage asks for action types by name.
    fn rule(&mut self, named: bool) -> Rule {
        let arrow = self.pick(&[Contiguity::Relaxed, Contiguity::Relaxed, Contiguity::Strict]);
        let b = Step { arrow, bound: None, element: Element::stage("b"), span: Span::default() };
        let mut rule = Rule::new(Pattern { first: Element::stage("a"), then: vec![b] });
        for stage in ["a", "b"] {
            if named {
                let expr = Expr::binary(BinaryOp::Eq, Expr::attr(stage, Attr::ActionType), Expr::literal(self.text()));
                rule.conditions.push(Condition { stage: stage.into(), moment: Moment::Take, expr });
            }
            for _ in 0..self.below(4) {
                let expr = self.condition(stage);
                rule.conditions.push(Condition { stage: stage.into(), moment: Moment::Take, expr });
            }
        }
        rule
    }

    fn filter(&mut self) -> Filter {
        let mut test = || EntryTest { attr: self.attr(), values: vec![self.value(), self.value()] };
        let mut entry = || FilterEntry { alias: None, tests: vec![test(), test()] };
        let entries = [entry(), entry()];
        Filter { entries: entries.into_iter().take(self.below(3)).collect() }
    }

    fn event(&mut self) -> Event {
        let text = |r: &mut Self| r.pick(&["a", "ab", "abc", "b", "zzz"]).into();
        let some = |r: &mut Self| if r.below(3) == 0 { None } else { Some(text(r)) };
        let mut event = Event {
            action_type: text(self),
            scene: some(self),
            user_id: some(self),
            source: self.pick(&[ensue_rule::Source::Page, ensue_rule::Source::Custom]),
            ..Event::default()
        };
        if self.below(4) > 0 {
            event.args.insert("x".into(), self.value());
        }
        if self.below(2) == 0 {
            event.args.insert("y".into(), self.value());
        }
        if self.below(2) == 0 {
            let inside = [("x".into(), self.value())].into();
            event.args.insert("m".into(), Value::Map(std::sync::Arc::new(inside)));
        }
        event
    }
}

/// Reads an event as one of which only the wanted arguments are read, each said twice, the first time otherwise.
fn borrow(set: &ProgramSet, event: &Event, into: &mut Observation) {
    let head = EventRef {
        source: event.source,
        action_type: &event.action_type,
        scene: event.scene.as_deref(),
        user_id: event.user_id.as_deref(),
        ..EventRef::default()
    };
    let inside = [("x".into(), 1.into())].into();
    let otherwise = [("x", 3.into()), ("y", "ab".into()), ("m", Value::Map(std::sync::Arc::new(inside)))];
    let read = |arguments: &mut Arguments<'_, '_>| {
        for (name, value) in &otherwise {
            if arguments.wants(name) {
                arguments.take(name, value);
                arguments.take(name, event.args.get(*name).unwrap_or(&Value::Null));
            }
        }
    };
    set.read_reading(&head, read, into);
}

/// Bits of predicates that matter without live runs are not told from outside: with no program armed the hits are a part
/// of all, and those armed have all theirs.
fn compare(set: &ProgramSet, ids: &[ProgramId], event: &Event, armed: &Armed) -> usize {
    let mut seen = Observation::default();
    let mut asked: Vec<Hit> =
        ids.iter().filter_map(|id| set.observe_for(*id, event, Arrival::default(), &mut seen)).collect();
    asked.sort_by_key(|hit| hit.program);
    set.observe(event, Arrival::default(), &mut seen);
    assert_eq!(seen.hits(), asked, "{event:?}");
    borrow(set, event, &mut seen);
    set.look_up(Arrival::default(), None, &mut seen);
    assert_eq!(seen.hits(), asked, "borrowed, {event:?}");
    set.look_up(Arrival::default(), Some(armed), &mut seen);
    for hit in seen.hits() {
        let all = asked.iter().find(|h| h.program == hit.program).unwrap();
        assert_eq!(hit.bits & !all.bits, 0);
    }
    for all in asked.iter().filter(|h| armed.has(h.program)) {
        assert!(seen.hits().contains(all), "{all:?} of {:?}", seen.hits());
    }
    asked.len()
}

#[test]
fn the_index_finds_what_asking_each_program_finds() {
    let (mut found, mut random) = (0, Random(7));
    for round in 0..150 {
        let (named, noted_from) = (round % 2 == 0, [1, 2, 16][round % 3]);
        let mut set = ProgramSet::new(Limits { noted_from, ..Limits::default() });
        let mut ids: Vec<ProgramId> =
            (0..40).filter_map(|_| set.add(&random.rule(named), &random.filter()).ok()).collect();
        let mut armed = Armed::default();
        ids.iter().filter(|_| random.below(3) == 0).for_each(|id| armed.add(*id));
        for _ in 0..30 {
            found += compare(&set, &ids, &random.event(), &armed);
        }
        // Half of them go, in a mixed order, and others come.
        for _ in 0..20 {
            let gone = ids.remove(random.below(ids.len()));
            set.remove(gone);
        }
        let rows = ids.len() + 20;
        ids.extend((0..5).filter_map(|_| set.add(&random.rule(named), &random.filter()).ok()));
        assert!(ids.iter().all(|id| (id.0 as usize) < rows), "numbers are used again");
        for _ in 0..30 {
            found += compare(&set, &ids, &random.event(), &armed);
        }
        ids.drain(..).for_each(|id| set.remove(id));
        assert_eq!(set.names(), (0, 2), "action type and scene have their places always");
        assert_eq!(compare(&set, &ids, &random.event(), &armed), 0);
    }
    assert!(found > 20_000, "{found}");
}

#[test]
fn no_stream_makes_a_set_keep_names() {
    let mut set = ProgramSet::new(Limits::default());
    let mut random = Random(1);
    (0..20).for_each(|_| drop(set.add(&random.rule(false), &Filter::default())));
    let names = set.names();
    let mut seen = Observation::default();
    for i in 0..10_000 {
        let event = Event { scene: Some(format!("scene{i}").into()), ..random.event() };
        set.observe(&event, Arrival::default(), &mut seen);
    }
    assert_eq!(set.names(), names);
}

/// An event of this action type, with `x`.
fn x_of(action_type: &str, x: i64) -> Event {
    Event { action_type: action_type.into(), args: [("x".into(), x.into())].into(), ..Event::default() }
}

#[test]
fn what_one_program_returns_is_read_beside_others_that_ask_for_the_action_type_alone() {
    let plain = || {
        let mut rule = Rule::new(Pattern { first: Element::stage("a"), then: Vec::new() });
        let named = Expr::binary(BinaryOp::Eq, Expr::attr("a", Attr::ActionType), Expr::literal("go"));
        rule.conditions.push(Condition { stage: "a".into(), moment: Moment::Take, expr: named });
        rule
    };
    let returning =
        Rule { returns: vec![Return { name: "x".into(), expr: Expr::attr("a", Attr::arg("x")) }], ..plain() };
    let mut set = ProgramSet::new(Limits::default());
    let (mut seen, first) = (Observation::default(), set.add(&plain(), &Filter::default()).unwrap());
    for round in 0..3 {
        set.observe(&x_of("go", 1), Arrival::default(), &mut seen);
        assert_eq!(seen.hits().len(), 1, "nothing but the action type is read");
        let id = set.add(&returning, &Filter::default()).unwrap();
        set.observe(&x_of("go", round), Arrival::default(), &mut seen);
        let hit = *seen.hits().iter().find(|h| h.program == id).unwrap();
        let (mut runs, mut out) = (Runs::default(), Vec::new());
        runs.step(set.program(id).unwrap(), &seen, hit, &mut out);
        let [Found::Match(found)] = &out[..] else { panic!("{out:?}") };
        assert_eq!(found.values, [("x".into(), Value::Int(round))]);
        set.remove(id);
        set.observe(&x_of("stay", 1), Arrival::default(), &mut seen);
        assert!(seen.hits().is_empty() && set.program(first).is_some() && set.program(id).is_none());
    }
}
