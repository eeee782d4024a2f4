//! The exported calls, as the generated bindings make them.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "what fails here fails a test")]

use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::*;

const TASKS: &str = r#"{"source":"s","version":3,"taskArray":[{"id":"t","taskType":"cep",
    "rule":"EVENT: a -> b WHERE a.actionType = 'a' AND b.actionType = 'b' WITHIN 10 S RETURN a.args.x AS x",
    "output":{"type":"touch","touch":"popup","payload":{"k":[1,2.5,null]}},"policy":{"caps":[{"limit":1,"per":"day"}]}}]}"#;

fn open() -> Engine {
    Engine::new(Config { replay: true, ..Config::default() }).unwrap()
}

fn event(action_type: &str, ts_ms: i64) -> Event {
    Event {
        action_type: action_type.to_owned(),
        scene: None,
        ts_ms: Some(ts_ms),
        id: Some(format!("{action_type}{ts_ms}")),
        source: Source::Page,
        user_id: Some("u".to_owned()),
        utc_offset_min: None,
        args: [("x".to_owned(), Value::Whole { value: ts_ms })].into(),
    }
}

/// Keeps what it is told, then throws.
#[derive(Default)]
struct Told {
    decisions: Mutex<Vec<Decision>>,
    outcomes: Mutex<Vec<Outcome>>,
    store: Mutex<Vec<StoreReport>>,
    strangers: Mutex<Vec<Feedback>>,
}

impl Listener for Told {
    fn on_decisions(&self, decisions: Vec<Decision>) -> Result<(), EnsueError> {
        self.decisions.lock().unwrap().extend(decisions);
        Err(EnsueError::Callback { reason: "no".to_owned() })
    }

    fn on_outcomes(&self, outcomes: Vec<Outcome>) -> Result<(), EnsueError> {
        self.outcomes.lock().unwrap().extend(outcomes);
        panic!("no")
    }

    fn on_store(&self, report: StoreReport) -> Result<(), EnsueError> {
        self.store.lock().unwrap().push(report);
        Ok(())
    }

    fn on_unknown_feedback(&self, feedback: Vec<Feedback>) -> Result<(), EnsueError> {
        self.strangers.lock().unwrap().extend(feedback);
        Ok(())
    }
}

#[test]
fn tasks_in_events_in_decisions_out() {
    let engine = open();
    assert_eq!(engine.ready().unwrap(), OpenReport { set_aside: None, tasks: 0, events: 0 });
    let report = engine.apply(TASKS.to_owned()).unwrap();
    assert_eq!((report.sets[0].version, report.sets[0].tasks[0].status), (Some(3), TaskStatus::Added));
    let told = Arc::new(Told::default());
    engine.set_listener(Some(told.clone()), true).unwrap();
    for ts in [1_000, 3_000] {
        assert_eq!(engine.record_event(event("a", ts)), Ok(Recorded::Queued));
        assert_eq!(engine.record_event(event("b", ts + 500)), Ok(Recorded::Queued));
    }
    assert_eq!(engine.record("noise".to_owned(), None, Vec::new()), Ok(Recorded::Unwanted));
    engine.flush().unwrap();
    let waiting = engine.decisions(9).unwrap();
    assert_eq!(*told.decisions.lock().unwrap(), waiting);
    let decision = &waiting[0];
    assert_eq!((decision.touch.as_str(), decision.user.as_deref(), decision.at_ms), ("popup", Some("u"), 1_500));
    assert_eq!(decision.values, [Named { name: "x".to_owned(), value: Value::Whole { value: 1_000 } }]);
    let items = vec![Value::Whole { value: 1 }, Value::Number { value: 2.5 }, Value::Null];
    let payload = [("k".to_owned(), Value::Items { values: items })].into();
    assert_eq!(decision.payload, Value::Entries { values: payload });
    let outcomes = told.outcomes.lock().unwrap_or_else(|e| panic!("{e}")).clone();
    assert!(matches!(&outcomes[0], Outcome::Matched { found } if found.bindings[1].stage == "b" && !found.by_time));
    assert!(matches!(&outcomes[3], Outcome::Refused { refusal } if refusal.reason == RefusalReason::Cap));
    assert_eq!(engine.ack(vec![decision.id.clone()]), Ok(1));
    assert_eq!(engine.decisions(9), Ok(Vec::new()));
    let stats = engine.stats().unwrap();
    assert_eq!((stats.events, stats.demanded, stats.decisions, stats.refusals), (5, 4, 1, 1));
}

#[test]
fn time_moves_where_it_is_told() {
    let engine = open();
    let absent = TASKS.replace("a -> b", "a -> !b");
    engine.apply(absent).unwrap();
    engine.record_event(event("a", 1_000)).unwrap();
    engine.flush().unwrap();
    assert_eq!(engine.next_wakeup(), Ok(Some(11_000)));
    engine.advance_to(11_000).unwrap();
    assert_eq!((engine.decisions(9).unwrap().len(), engine.next_wakeup()), (1, Ok(None)));
}

#[test]
fn identified_users_have_events_of_their_own() {
    let engine = open();
    engine.apply(TASKS.to_owned()).unwrap();
    for (user, action) in [(Some("u1"), "a"), (Some("u2"), "b"), (Some("u1"), "b")] {
        engine.identify(user.map(str::to_owned)).unwrap();
        let x = Named { name: "x".to_owned(), value: Value::Text { value: "y".to_owned() } };
        engine.record(action.to_owned(), Some("home".to_owned()), vec![x]).unwrap();
    }
    engine.flush().unwrap();
    let users: Vec<_> = engine.decisions(9).unwrap().into_iter().map(|d| d.user).collect();
    assert_eq!(users, [Some("u1".to_owned())]);
}

#[test]
fn users_are_forgotten_left_alone_and_shown_what_is_stored() {
    let engine = open();
    engine.apply(TASKS.to_owned()).unwrap();
    engine.record_event(event("a", 1_000)).unwrap();
    let stored = engine.export_user(Some("u".to_owned())).unwrap();
    assert!(stored.contains("a1000"), "{stored}");
    engine.forget(Some("u".to_owned())).unwrap();
    assert!(!engine.export_user(Some("u".to_owned())).unwrap().contains("a1000"));
    engine.opt_out().unwrap();
    assert_eq!(engine.record_event(event("a", 2_000)), Ok(Recorded::OptedOut));
    engine.opt_in().unwrap();
    assert_eq!(engine.record_event(event("a", 3_000)), Ok(Recorded::Queued));
}

/// `actionType` and nothing else, packed.
#[test]
fn decisions_and_their_absence_are_explained_and_leave_only_with_consent() {
    let engine = open();
    engine.apply(TASKS.to_owned()).unwrap();
    assert_eq!(engine.consent().unwrap(), Consent::default());
    engine.set_consent(Consent { decisions: true, feedback: false, counters: true }).unwrap();
    for e in [event("a", 1_000), event("b", 2_000), event("a", 3_000), event("b", 4_000), event("a", 5_000)] {
        engine.record_event(e).unwrap();
    }
    engine.flush().unwrap();
    let decided = engine.decisions(9).unwrap();
    let why = engine.why(decided[0].id.clone()).unwrap();
    assert!(why.json.contains("\"touch\":\"popup\"") && why.text.contains("x = 1000"), "{why:?}");
    let answers = engine.why_not(Some("t".to_owned()), Whose::User { name: "u".to_owned() }, None).unwrap();
    assert!(answers[0].json.contains("\"decisions\":1") && answers[0].text.contains("cap"), "{answers:?}");
    assert!(engine.why_not(None, Whose::Anonymous, Some(9_000)).unwrap()[0].json.contains("\"decisions\":0"));
    assert!(engine.why_not(None, Whose::Everyone, None).unwrap()[0].json.contains("\"decisions\":1"));
    assert!(engine.stats_report().unwrap().contains("\"matches\":2"));

    let told = engine.feedback(decided[0].id.clone(), FeedbackKind::Dismissed, None).unwrap();
    assert_eq!(told, Recorded::Queued);
    let listener = Arc::new(Told::default());
    engine.set_listener(Some(listener.clone()), false).unwrap();
    engine.feedback("nobody".to_owned(), FeedbackKind::Shown, Some(4_000)).unwrap();
    engine.flush().unwrap();
    let stranger = Feedback { decision: "nobody".to_owned(), kind: FeedbackKind::Shown, ts_ms: Some(4_000) };
    assert_eq!(*listener.strangers.lock().unwrap(), [stranger]);
    let counters = engine.counters().unwrap();
    let count = |name: &str| counters.iter().find(|c| c.name == name).map(|c| c.count);
    assert_eq!((count("feedback"), count("feedback_unknown"), count("users")), (Some(1), Some(1), Some(1)));

    let batch = engine.drain(None, 10_000).unwrap();
    assert!(batch.json.contains(&decided[0].id) && batch.items >= 2 && !batch.more, "{batch:?}");
    assert_eq!(engine.drain(Some(batch.cursor), 10_000).unwrap().items, 0);
    engine.reset_stats().unwrap();
    assert!(!engine.stats_report().unwrap().contains("\"matches\":2"));

    assert!(matches!(engine.why("nobody".to_owned()), Err(EnsueError::Unknown { .. })));
    assert!(matches!(engine.drain(Some("x".to_owned()), 1), Err(EnsueError::BadCursor { .. })));
}

fn packed(action_type: u8) -> Vec<u8> {
    vec![0, 0, 0, 0, 0, 1, action_type, 0, 0]
}

#[test]
fn a_durable_event_waits_for_the_disk_and_a_lost_file_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("e.db");
    let config = || Config { path: Some(path.display().to_string()), replay: true, ..Config::default() };
    let engine = Engine::new(config()).unwrap();
    let early = engine.record_packed_durable(packed(b'z'));
    assert!(matches!(early, Err(EnsueError::Unavailable { .. })), "before the first tasks: {early:?}");
    engine.apply(TASKS.to_owned()).unwrap();
    let told = Arc::new(Told::default());
    engine.set_listener(Some(told.clone()), false).unwrap();
    let became = |event| engine.record_packed_durable(event).unwrap();
    assert_eq!(became(packed(b'a')), Recorded::Queued as u8);
    assert_eq!(became(packed(b'z')), Recorded::Unwanted as u8);
    assert_eq!(became(vec![9]), Recorded::Malformed as u8);
    assert_eq!(engine.stats().unwrap().stored, 1);
    assert_eq!(*told.store.lock().unwrap(), []);
    std::fs::remove_file(&path).unwrap();
    engine.record_event(event("a", 1_000)).unwrap();
    engine.flush().unwrap();
    let reports = told.store.lock().unwrap().clone();
    assert_eq!(reports.iter().map(|report| report.state).collect::<Vec<_>>(), [StoreState::Afresh]);
    assert!(!reports[0].detail.is_empty());
    engine.shutdown().unwrap();
    assert!(matches!(engine.record_packed_durable(packed(b'a')), Err(EnsueError::Closed { .. })));
}

#[test]
fn errors_say_what_and_where() {
    let engine = open();
    let Err(EnsueError::Tasks { code, line, column, .. }) = engine.apply("{\n  ?".to_owned()) else { panic!() };
    assert_eq!((code.as_str(), line, column), ("E0501", Some(2), Some(3)));
    let refused = engine.apply(TASKS.replace("a -> b", "a -> ")).unwrap();
    let error = refused.sets[0].tasks[0].error.clone().unwrap();
    assert_eq!((refused.sets[0].tasks[0].status, error.path.as_str()), (TaskStatus::Refused, "taskArray[0].rule"));
    let Err(EnsueError::Event { reason, column }) = engine.record_json(b"{\"actionType\":".to_vec()) else { panic!() };
    assert_eq!(column, Some(14), "{reason}");
    assert_eq!(engine.record_json(br#"{"actionType":"a"}"#.to_vec()), Ok(Recorded::Unwanted));
    assert_eq!(engine.stats().unwrap().rejected, 1);
    let nowhere = Engine::new(Config { path: Some("/nowhere/at/all".to_owned()), ..Config::default() }).unwrap();
    assert!(matches!(nowhere.ready(), Err(EnsueError::UnusablePath { .. })));
    engine.shutdown().unwrap();
    engine.shutdown().unwrap();
    assert!(matches!(engine.flush(), Err(EnsueError::Closed { .. })));
    assert!(matches!(engine.decisions(9), Err(EnsueError::Closed { .. })));
    assert_eq!(engine.record("a".to_owned(), None, Vec::new()), Ok(Recorded::Closed));
}

#[test]
fn a_replay_prints_what_the_command_line_prints() {
    for example in ["rental", "controls"] {
        let read = |name: &str| {
            let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(example);
            std::fs::read_to_string(folder.join(name)).unwrap()
        };
        let options = ReplayOptions { drain: true, ..ReplayOptions::default() };
        let lines = replay(read("tasks.json"), read("events.jsonl").into_bytes(), options).unwrap();
        let timeless = |line: &str| line.split(",\"seconds\":").next().unwrap().trim_end_matches('}').to_owned();
        let found: Vec<_> = lines.iter().map(|line| timeless(line)).collect();
        let expected: Vec<_> = read("expected.jsonl").lines().map(timeless).collect();
        assert_eq!(found, expected);
    }
    let malformed = replay("[".to_owned(), Vec::new(), ReplayOptions::default()).unwrap();
    assert!(malformed[0].contains(r#""status":"refused""#) && malformed.len() == 2, "{malformed:?}");
}
