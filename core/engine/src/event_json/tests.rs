//! Good events, and what is said of bad ones.

use super::*;

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
    let read = |json: &str| match Line::read(json.as_bytes()) {
        Ok(Line::Feedback(f)) => Ok((f.decision.to_string(), f.kind, f.ts)),
        Ok(Line::Event(_)) => Err("an event".to_owned()),
        Err(bad) => Err(bad.to_string()),
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
