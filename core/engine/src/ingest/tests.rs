//! An event in JSON is taken as the same event is that is read whole.

use ensue_rule::{Attr, Demand, Event, EventDemand, Value, Wanted};
use proptest::prelude::*;

use super::*;
use crate::event_json::{Draft, Line};
use crate::event_json::{read_event, read_line};

const FIELDS: [&str; 4] = ["a", "b.x", "b.y.z", "c"];

fn ingest(event_bytes: usize) -> Ingest {
    let ingest = Ingest::new(&Config { event_bytes, ..Config::in_memory().replay() });
    let fields = FIELDS.iter().map(|f| Attr::try_from(format!("args.{f}")).unwrap()).collect();
    let wanted =
        EventDemand { action_types: Wanted::Of(["pv".into()].into()), scenes: Wanted::Any, fields, whole: false };
    ingest.publish(DemandTable::of(&[Demand { events: vec![wanted] }], 1));
    ingest
}

/// What became of it, and what of it was queued.
fn taken(ingest: &Ingest, record: impl FnOnce(&Ingest, &Counters) -> Recorded) -> (Recorded, Option<Event>) {
    let recorded = record(ingest, &Counters::default());
    let mut queued = Vec::new();
    if recorded == Recorded::Queued {
        ingest.queue.take(1, None, &mut queued);
    }
    let event = queued.pop().map(|item| match item {
        Item::Event(queued) => queued.event,
        other => panic!("{other:?}"),
    });
    (recorded, event)
}

fn in_json(line: &str, ingest: &Ingest) -> (Recorded, Option<Event>) {
    taken(ingest, |ingest, counters| {
        let take = |line: Line<'_>| match line {
            Line::Event(event) => ingest.record_json(event, None, true, counters),
            Line::Feedback(_) => panic!("an event"),
        };
        read_line(line.as_bytes(), take).unwrap()
    })
}

fn whole(line: &str, ingest: &Ingest) -> (Recorded, Option<Event>) {
    let record = |draft: &Draft<'_>| {
        taken(ingest, |ingest, counters| draft.lend(|event| ingest.record(event, None, true, counters)))
    };
    read_event(line.as_bytes(), record).unwrap()
}

fn value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("1".to_owned()),
        Just("null".to_owned()),
        "[a-z]{0,6}".prop_map(|t| format!("\"{t}\"")),
        Just("2.5".to_owned()),
    ];
    leaf.prop_recursive(5, 64, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((prop::sample::select(&["x", "y", "z"][..]), inner), 0..4).prop_map(|members| {
                let members: Vec<String> = members.iter().map(|(n, v)| format!("\"{n}\":{v}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn in_json_as_whole(
        action in prop::sample::select(&["pv", "other"][..]),
        args in prop::collection::vec((prop::sample::select(&["a", "b", "c", "d"][..]), value()), 0..5),
        bytes in prop_oneof![Just(64 * 1024_usize), 20..400_usize],
    ) {
        let args: Vec<String> = args.iter().map(|(n, v)| format!("\"{n}\":{v}")).collect();
        let line = format!("{{\"ts\":1,\"actionType\":\"{action}\",\"args\":{{{}}}}}", args.join(","));
        prop_assert_eq!(in_json(&line, &ingest(bytes)), whole(&line, &ingest(bytes)), "{} {}", bytes, line);
    }
}

#[test]
fn the_deepest_and_the_largest() {
    for depth in [60, 61, 62, 63, 64, 65, 66, 70] {
        for inner in ["1", "", "[]", "{}"] {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            let line = format!(r#"{{"actionType":"pv","args":{{"a":{open}{inner}{close}}}}}"#);
            let expected = whole(&line, &ingest(64 * 1024));
            assert_eq!(in_json(&line, &ingest(64 * 1024)), expected, "{line}");
        }
    }
    let numbers = |n: usize| format!(r#"{{"actionType":"pv","args":{{"a":[{}]}}}}"#, vec!["1"; n].join(","));
    let answer = |n: usize| {
        let line = numbers(n);
        let (json, whole) = (in_json(&line, &ingest(64 * 1024)), whole(&line, &ingest(64 * 1024)));
        assert!(json == whole, "{n} numbers");
        json.0
    };
    let answers = [10, 8_000, 8_190, 8_200, 30_000].map(answer);
    let large = Recorded::Rejected(Rejected::TooLarge);
    assert_eq!(answers, [Recorded::Queued, Recorded::Queued, Recorded::Queued, large, large]);
}

#[test]
fn of_a_name_that_comes_twice_the_last_value_counts() {
    let line = r#"{"actionType":"pv","args":{"b":{"x":1},"a":1,"b":5,"a":2}}"#;
    for (_, event) in [in_json(line, &ingest(1024)), whole(line, &ingest(1024))] {
        assert_eq!(event.unwrap().args, [("a".into(), Value::Int(2))].into());
    }
}
