//! An event that no task wants costs no allocation, a thread's first call and a user's first event apart.
#![allow(clippy::unwrap_used, reason = "what fails here fails a test")]

use std::sync::Arc;

use ensue_engine::{Config, Engine, ManualClock, Recorded};
use ensue_rule::{Attr, BinaryOp, Condition, Element, EventRef, Expr, Pattern, Rule, Task, TaskSet, Timestamp, Value};

/// A task that wants events of one action type and scene.
fn task(n: usize) -> Task {
    let mut rule = Rule::new(Pattern { first: Element::stage("a"), then: Vec::new() });
    for (attr, value) in [(Attr::ActionType, format!("type{}", n % 50)), (Attr::Scene, format!("scene{n}"))] {
        let equal = Expr::binary(BinaryOp::Eq, Expr::attr("a", attr), Expr::literal(value));
        rule.conditions.push(Condition::place(equal, &rule.pattern).unwrap());
    }
    Task::of(format!("task{n}"), rule)
}

/// An engine of 1,000 tasks, at this time.
fn engine(now: i64) -> Engine {
    let clock = Arc::new(ManualClock::new(Timestamp(now)));
    let engine = Engine::open(Config::in_memory().clock(clock)).unwrap();
    let tasks = (0..1_000).map(task);
    engine.apply(vec![TaskSet::of("s", tasks)]).unwrap();
    engine
}

#[test]
fn an_unwanted_event_allocates_nothing() {
    let engine = engine(1_000_000);
    let args = [("item", Value::from("42")), ("price", Value::from(3.5)), ("list", Value::List([Value::Null].into()))];
    let id = Value::from("e1");
    let event =
        EventRef { action_type: "type1", scene: Some("elsewhere"), id: Some(&id), args: &args, ..EventRef::default() };
    let users = [None, Some("u1"), Some("a user with a longer name, as hosts have them")];
    let all = |ts: Option<i64>| {
        for user_id in users {
            let recorded = engine.record(&EventRef { ts: ts.map(Timestamp), user_id, ..event });
            assert_eq!(recorded, Recorded::Unwanted);
        }
    };
    let line =
        br#"{"ts":7,"id":1,"actionType":"type1","scene":"elsewhere","userId":"u1","args":{"item":"42","list":[null]}}"#;
    // A thread's first call and a user's first event.
    all(Some(1));
    let counted = allocation_counter::measure(|| {
        for ts in 0..1_000 {
            all(Some(ts));
            all(None);
            assert_eq!(engine.record_json(line), Ok(Recorded::Unwanted));
        }
    });
    assert_eq!(counted.count_total, 0);
}

#[test]
fn nor_where_it_begins_a_session_of_who_comes_late() {
    let days = |n: i64| n * 24 * 3_600_000;
    let engine = engine(days(10));
    let record = |user: &str, ts: i64| {
        let event =
            EventRef { ts: Some(Timestamp(ts)), action_type: "other", user_id: Some(user), ..EventRef::default() };
        assert_eq!(engine.record(&event), Recorded::Unwanted);
    };
    record("another", days(9));
    for user in 0..20 {
        let user = format!("user{user}");
        record(&user, days(2));
        let counted = allocation_counter::measure(|| (1..300).for_each(|n| record(&user, days(2) + n * 1_900_000)));
        assert_eq!(counted.count_total, 0);
    }
}
