//! Good events, and what is said of bad ones.

use std::fmt::Write as _;

use ensue_rule::{Source, Timestamp};
use proptest::prelude::*;

use super::*;
use crate::feedback::FeedbackKind;

fn reason(line: &str) -> String {
    parse_event(line.as_bytes()).unwrap_err().to_string()
}

#[test]
fn an_event_of_every_key() {
    let line = r#"{"ts":1700000000000,"id":"e17","source":"page","actionType":"pv","scene":"item_detail","userId":"u1",
        "utcOffsetMin":480,"args":{"item":"42","price":3.5,"n":{"a":[1,null,true]}}}"#;
    let event = parse_event(line.as_bytes()).unwrap();
    assert_eq!(event.ts, Some(Timestamp(1_700_000_000_000)));
    assert_eq!(event.id, Some("e17".into()));
    assert_eq!(event.source, Source::Page);
    assert_eq!((&*event.action_type, event.scene.as_deref()), ("pv", Some("item_detail")));
    assert_eq!((event.user_id.as_deref(), event.utc_offset_min), (Some("u1"), Some(480)));
    let args: Vec<_> = event.args.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(args, [r#"item="42""#, r#"n={"a":[1,null,true]}"#, "price=3.5"]);
}

#[test]
fn only_the_action_type_is_needed() {
    let event = parse_event(br#" {"actionType":"pv"} "#).unwrap();
    assert_eq!(event, Event { action_type: "pv".into(), ..Event::default() });
    assert_eq!(event.source, Source::Custom);
}

#[test]
fn null_is_absent() {
    let line = br#"{"actionType":"pv","ts":null,"id":null,"source":null,"scene":null,"userId":null,"utcOffsetMin":null,"args":null}"#;
    assert_eq!(parse_event(line).unwrap(), Event { action_type: "pv".into(), ..Event::default() });
}

#[test]
fn ids_and_users_may_be_numbers() {
    let event = parse_event(br#"{"actionType":"pv","id":-3,"userId":9223372036854775807}"#).unwrap();
    assert_eq!((event.id, event.user_id.as_deref()), (Some(Value::Int(-3)), Some("9223372036854775807")));
}

#[test]
fn other_keys_are_passed_over() {
    let line = br#"{"actionType":"pv","page":{"deep":[{}]},"x":1e300,"page":2}"#;
    assert_eq!(parse_event(line).unwrap(), Event { action_type: "pv".into(), ..Event::default() });
}

#[test]
fn escapes_are_read() {
    let event =
        parse_event(br#"{"\u0061ctionType":"p\"v","scene":"\u79df\u623f","args":{"\n":"\ud83c\udfe0"}}"#).unwrap();
    assert_eq!((&*event.action_type, event.scene.as_deref()), ("p\"v", Some("租房")));
    assert_eq!(event.args.get("\n"), Some(&"🏠".into()));
}

#[test]
fn in_args_the_last_of_a_name_stays_and_big_numbers_are_floats() {
    let event = parse_event(br#"{"actionType":"pv","args":{"a":1,"a":18446744073709551615}}"#).unwrap();
    assert_eq!(event.args.get("a"), Some(&Value::Float(18_446_744_073_709_551_615.0)));
}

#[test]
fn no_action_type() {
    let expected = "the event has no `actionType`";
    for line in ["{}", r#"{"actionType":""}"#, r#"{"actionType":null}"#, r#"{"scene":"a"}"#] {
        assert_eq!(reason(line), expected, "{line}");
    }
}

#[test]
fn wrong_types_are_named_with_their_key() {
    let cases = [
        (r#""ts":"now""#, "`ts` must be an integer of milliseconds, not a string"),
        (r#""ts":1.5"#, "`ts` must be an integer of milliseconds, not a number with a fraction or out of range"),
        (
            r#""ts":9223372036854775808"#,
            "`ts` must be an integer of milliseconds, not a number with a fraction or out of range",
        ),
        (r#""ts":9223372036854775807"#, "`ts` must be within 8640000000000000 ms of 1970, not 9223372036854775807"),
        (r#""ts":-8640000000000001"#, "`ts` must be within 8640000000000000 ms of 1970, not -8640000000000001"),
        (r#""id":[1,{"a":2}]"#, "`id` must be a string or an integer, not a list"),
        (r#""userId":true"#, "`userId` must be a string or an integer, not a bool"),
        (r#""scene":{"a":{}}"#, "`scene` must be a string, not an object"),
        (r#""source":3"#, "`source` must be a string, not an integer"),
        (r#""source":"web""#, r#"`source` must be page, network, storage or custom, not "web""#),
        (r#""source":"derived""#, "`derived` events are made by tasks, not recorded"),
        (r#""utcOffsetMin":"8""#, "`utcOffsetMin` must be an integer of minutes, not a string"),
        (r#""utcOffsetMin":1441"#, "`utcOffsetMin` must be between -1440 and 1440, not 1441"),
        (r#""args":[1]"#, "`args` must be an object, not a list"),
        (r#""args":"a""#, "`args` must be an object, not a string"),
        (r#""args":-1"#, "`args` must be an object, not a number"),
        (r#""args":false"#, "`args` must be an object, not a bool"),
        (r#""ts":1,"ts":1"#, "`ts` comes twice"),
        (r#""actionType":"b""#, "`actionType` comes twice"),
        (r#""args":{},"args":{}"#, "`args` comes twice"),
        (r#""ts":"now","scene":1"#, "`ts` must be an integer of milliseconds, not a string"),
    ];
    for (rest, expected) in cases {
        assert_eq!(reason(&format!(r#"{{"actionType":"a",{rest}}}"#)), expected);
    }
    assert_eq!(reason(r#"{"actionType":7}"#), "`actionType` must be a string, not an integer");
}

/// What a face has as an object of its own language is refused in the words in which its JSON is.
#[test]
fn an_object_put_key_by_key_is_read_as_its_line_is() {
    use serde_json::Value as Json;
    let scalar = |json: &Json| match json {
        Json::Null => Scalar::Null,
        Json::Bool(_) => Scalar::Bool,
        Json::Number(n) => n.as_i64().map_or(Scalar::Number, Scalar::Int),
        Json::String(text) => Scalar::Text(text.clone().into()),
        Json::Array(_) => Scalar::List,
        Json::Object(_) => Scalar::Object,
    };
    #[allow(clippy::redundant_closure_for_method_calls, reason = "the method is of one lifetime only")]
    let made = |draft: &mut Draft<'_>| draft.finish().map(|feedback| (feedback, draft.lend(|event| event.to_event())));
    let keys =
        ["ts", "id", "source", "scene", "userId", "utcOffsetMin", "args", "feedback", "decision", "actionType", "x"];
    let values = [r#""page""#, r#""derived""#, "7", "-8640000000000001", "1441", "1.5", "null", "true", "[1]", "{}"];
    for key in keys {
        for value in values {
            let others = if key == "actionType" { "" } else { r#","actionType":"a""# };
            let line = format!(r#"{{"{key}":{value}{others}}}"#);
            let object: serde_json::Map<String, Json> = serde_json::from_str(&line).unwrap();
            let (mut put, mut read) = (Draft::default(), Draft::default());
            object.iter().for_each(|(key, value)| put.put(key, scalar(value)));
            read.fill(line.as_bytes()).unwrap();
            assert_eq!(made(&mut put), made(&mut read), "{line}");
        }
    }
    let mut draft = Draft::default();
    draft.put("ts", Scalar::Foreign("datetime".into()));
    assert_eq!(draft.finish().unwrap_err().to_string(), "`ts` must be an integer of milliseconds, not datetime");
}

#[test]
fn feedback_is_a_line_of_its_own() {
    let read = |json: &str| {
        let line = read_line(json.as_bytes(), |line| match line {
            Line::Feedback(f) => Ok((f.decision.to_string(), f.kind, f.ts)),
            Line::Event(_) => Err("an event".to_owned()),
        });
        line.map_err(|bad| bad.to_string())?
    };
    let full = r#"{"ts": 7, "feedback": "clicked", "decision": "d1", "more": [1]}"#;
    assert_eq!(read(full), Ok(("d1".to_owned(), FeedbackKind::Clicked, Some(Timestamp(7)))));
    for (line, reason) in [
        (
            r#"{"feedback": "liked", "decision": "d"}"#,
            "`feedback` must be shown, clicked, dismissed or converted, not \"liked\"",
        ),
        (r#"{"feedback": 1, "decision": "d"}"#, "`feedback` must be a string, not an integer"),
        (r#"{"feedback": "shown"}"#, "the feedback has no `decision`"),
        (r#"{"feedback": "shown", "decision": 7}"#, "the feedback has no `decision`"),
        (
            r#"{"feedback": "shown", "decision": "d", "ts": "x"}"#,
            "`ts` must be an integer of milliseconds, not a string",
        ),
        (r#"{"feedback": "shown", "feedback": "shown", "decision": "d"}"#, "`feedback` comes twice"),
        (r#"{"actionType": "pv", "decision": 7}"#, "an event"),
    ] {
        assert_eq!(read(line), Err(reason.to_owned()), "{line}");
    }
    assert_eq!(reason(full), "this is feedback, and no event");
}

#[test]
fn what_is_no_object() {
    for line in ["[]", "3", r#""pv""#, "null", "true", "-1.5", "[1,{}]"] {
        assert_eq!(reason(line), "an event is a JSON object", "{line}");
    }
}

#[test]
fn malformed_json_has_its_column_and_goes_before_all_else() {
    let cases = [
        ("", "malformed JSON at column 1: EOF while parsing a value"),
        ("pv", "malformed JSON at column 1: expected value"),
        (r#"{"actionType":"pv""#, "malformed JSON at column 18: EOF while parsing an object"),
        (r#"{"actionType":"pv",}"#, "malformed JSON at column 20: trailing comma"),
        (r#"{"actionType":"pv"} x"#, "malformed JSON at column 21: trailing characters"),
        (r#"{"actionType":"pv"}{}"#, "malformed JSON at column 20: trailing characters"),
        (r#"{"ts":"x","actionType":"pv","args":{"a" 1}}"#, "malformed JSON at column 41: expected `:`"),
        (r#"{"feedback":"shown""#, "malformed JSON at column 19: EOF while parsing an object"),
        (r#"{"actionType":"pv","args":{"a":1e999}}"#, "malformed JSON at column 36: number out of range"),
    ];
    for (line, expected) in cases {
        assert_eq!(reason(line), expected, "{line}");
    }
    let invalid = parse_event(b"{\"actionType\":\"p\xff\"}").unwrap_err();
    assert_eq!(invalid.column, Some(17), "{invalid}");
}

#[test]
fn deep_and_long_input_is_refused_without_harm() {
    let deep = format!(r#"{{"actionType":"pv","args":{{"a":{}1{}}}}}"#, "[".repeat(5_000), "]".repeat(5_000));
    assert!(reason(&deep).contains("recursion limit exceeded"), "{}", reason(&deep));
    let ignored = format!(r#"{{"actionType":"pv","x":{}1{}}}"#, "[".repeat(30_000), "]".repeat(30_000));
    assert!(parse_event(ignored.as_bytes()).is_ok() || reason(&ignored).contains("recursion limit"));
    let line = format!(r#"{{"actionType":"{}"}}"#, "a".repeat(LIMIT));
    assert_eq!(reason(&line), "the event is over the limit of 65536 bytes");
    let fits = format!(r#"{{"actionType":"{}"}}"#, "a".repeat(LIMIT - 17));
    assert_eq!(parse_event(fits.as_bytes()).unwrap().action_type.len(), LIMIT - 17);
}

/// A line as it may be spelled: `choices` says where there is space, and which characters are escaped.
fn spell(members: &[(String, serde_json::Value)], choices: &mut impl Iterator<Item = u8>) -> String {
    let mut out = String::new();
    object(members.iter().map(|(name, value)| (name, value)), choices, &mut out);
    out
}

fn object<'v>(
    members: impl Iterator<Item = (&'v String, &'v serde_json::Value)>,
    choices: &mut impl Iterator<Item = u8>,
    out: &mut String,
) {
    out.push('{');
    for (n, (name, value)) in members.enumerate() {
        out.push_str(if n > 0 { "," } else { "" });
        space(choices, out);
        text(name, choices, out);
        space(choices, out);
        out.push(':');
        space(choices, out);
        any_value(value, choices, out);
        space(choices, out);
    }
    space(choices, out);
    out.push('}');
}

fn any_value(value: &serde_json::Value, choices: &mut impl Iterator<Item = u8>, out: &mut String) {
    match value {
        serde_json::Value::Object(members) => object(members.iter(), choices, out),
        serde_json::Value::String(t) => text(t, choices, out),
        serde_json::Value::Array(items) => {
            out.push('[');
            for (n, item) in items.iter().enumerate() {
                out.push_str(if n > 0 { "," } else { "" });
                space(choices, out);
                any_value(item, choices, out);
                space(choices, out);
            }
            out.push(']');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

fn space(choices: &mut impl Iterator<Item = u8>, out: &mut String) {
    if let Some(n @ 1..=4) = choices.next() {
        out.push(char::from(b" \n\r\t"[usize::from(n) - 1]));
    }
}

fn text(text: &str, choices: &mut impl Iterator<Item = u8>, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if choices.next() == Some(1) || c < ' ' || matches!(c, '"' | '\\') {
            c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| write!(out, "\\u{unit:04x}").unwrap());
        } else {
            out.push(c);
        }
    }
    out.push('"');
}

const KEYS: [&str; 10] = ["ts", "id", "source", "scene", "userId", "utcOffsetMin", "args", "decision", "argsx", "t"];

/// A key with a value that it may have, or with any.
fn member() -> impl Strategy<Value = (String, serde_json::Value)> {
    let word = || "[a-z]{1,10}".prop_map(serde_json::Value::from);
    let args = prop::collection::btree_map(".{0,9}", reader::tests::json(), 0..6);
    let args = args.prop_map(|map| serde_json::Value::Object(map.into_iter().collect()));
    let good = prop_oneof![
        (-10_i64..2_000_000_000_000).prop_map(|n| ("ts", n.into())),
        word().prop_map(|t| ("id", t)),
        Just(("source", "network".into())),
        word().prop_map(|t| ("scene", t)),
        ".{1,40}".prop_map(|t| ("scene", t.into())),
        word().prop_map(|t| ("userId", t)),
        any::<i64>().prop_map(|n| ("userId", n.into())),
        Just(("utcOffsetMin", 480.into())),
        args.prop_map(|args| ("args", args)),
        word().prop_map(|t| ("page", t)),
    ];
    prop_oneof![
        9 => good.prop_map(|(name, value)| (name.to_owned(), value)),
        1 => (prop::sample::select(&KEYS[..]), reader::tests::json()).prop_map(|(name, value)| (name.to_owned(), value)),
    ]
}

/// What a good event of these keys is, by a tree: none of them twice but those that are not known.
fn by_tree(members: &[(String, serde_json::Value)]) -> Event {
    let find = |key: &str| members.iter().find(|(name, _)| name == key).map(|(_, v)| v).filter(|v| !v.is_null());
    let text = |v: &serde_json::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    let value = |v: &serde_json::Value| serde_json::from_value::<Value>(v.clone()).unwrap();
    let args = find("args").and_then(|v| v.as_object()).into_iter().flatten();
    Event {
        ts: find("ts").map(|v| Timestamp(v.as_i64().unwrap())),
        id: find("id").map(value),
        source: find("source").map_or(Source::Custom, |v| Source::from_name(v.as_str().unwrap()).unwrap()),
        action_type: find("actionType").unwrap().as_str().unwrap().into(),
        scene: find("scene").map(|v| v.as_str().unwrap().into()),
        user_id: find("userId").map(|v| text(v).into()),
        utc_offset_min: find("utcOffsetMin").map(|v| v.as_i64().unwrap().try_into().unwrap()),
        args: args.map(|(k, v)| (k.as_str().into(), value(v))).collect(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    /// However a line is spelled it says the same, and what a tree of it says; whoever reads some arguments gets those.
    #[test]
    fn however_it_is_spelled(
        mut members in prop::collection::vec(member(), 0..6),
        at in any::<prop::sample::Index>(),
        choices in prop::collection::vec(0..12_u8, 0..200),
    ) {
        members.insert(at.index(members.len() + 1), ("actionType".to_owned(), "click".into()));
        let plain = spell(&members, &mut std::iter::empty());
        let spelled = spell(&members, &mut choices.iter().copied());
        let event = parse_event(plain.as_bytes());
        prop_assert_eq!(&event, &parse_event(spelled.as_bytes()), "{}, {}", plain, spelled);
        let Ok(event) = event else { return Ok(()) };
        prop_assert_eq!(&event, &by_tree(&members), "{}", plain);
        for line in [&plain, &spelled] {
            let mut some = event.args.clone();
            let read = |draft: &Draft<'_>| draft.each_argument(|name, value| {
                if choices.get(name.len()).is_none_or(|n| n % 2 == 0) {
                    assert_eq!(some.remove(name), Some(value.read()), "{line}");
                }
            });
            read_event(line.as_bytes(), read).unwrap();
            prop_assert!(some.keys().all(|name| choices.get(name.len()).is_some_and(|n| n % 2 == 1)), "{}", line);
        }
    }
}
