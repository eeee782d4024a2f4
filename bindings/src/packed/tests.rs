//! Packed events: what is read, and that nothing bad is.

use super::*;
use ensue_engine::{Config, Stats};

/// `a` with nothing but these attributes.
fn packed(args: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 0, 0, 0, 0, 1, b'a'];
    bytes.extend_from_slice(args);
    bytes
}

fn engine() -> Engine {
    let tasks = br#"{"taskArray":[{"id":"t","taskType":"cep","rule":"EVENT: e WHERE e.actionType = 'a' AND e.args.x = 1 WITHIN 1 S"}]}"#;
    let engine = Engine::open(Config::in_memory().replay()).unwrap();
    engine.apply(ensue_dsl::read_documents(tasks, &ensue_dsl::ReadOptions::default()).unwrap()).unwrap();
    engine
}

fn matched(args: &[u8]) -> (Recorded, u64) {
    let engine = engine();
    let recorded = record(&engine, &packed(args));
    engine.flush().unwrap();
    (recorded, engine.stats().matches)
}

const X_IS_1: [u8; 16] = [0, 1, 0, 0, 0, 1, b'x', 3, 0, 0, 0, 0, 0, 0, 0, 1];

#[test]
fn attributes_reach_the_rule() {
    assert_eq!(matched(&X_IS_1), (Recorded::Queued, 1));
    assert_eq!(matched(&[0, 0]), (Recorded::Queued, 0));
    assert_eq!(matched(&[0, 1, 0, 0, 0, 1, b'x', 4, 0x3f, 0xf0, 0, 0, 0, 0, 0, 0]), (Recorded::Queued, 1), "1.0");
    let list = [0, 1, 0, 0, 0, 1, b'x', 6, 0, 0, 0, 2, 0, 2];
    let map = [0, 1, 0, 0, 0, 1, b'x', 7, 0, 0, 0, 1, 0, 0, 0, 1, b'k', 1];
    assert_eq!((matched(&list), matched(&map)), ((Recorded::Queued, 0), (Recorded::Queued, 0)));
}

#[test]
fn all_of_the_head_is_read() {
    let engine = engine();
    let mut bytes = vec![1, 0b1_1111];
    for text in ["a", "scene", "user"] {
        bytes.extend_from_slice(&u32::try_from(text.len()).unwrap().to_be_bytes());
        bytes.extend_from_slice(text.as_bytes());
    }
    bytes.extend_from_slice(&7_000_i64.to_be_bytes());
    bytes.extend_from_slice(&[0, 0, 0, 1, b'i']);
    bytes.extend_from_slice(&(-60_i32).to_be_bytes());
    bytes.extend_from_slice(&X_IS_1);
    assert_eq!(record(&engine, &bytes), Recorded::Queued);
    engine.flush().unwrap();
    assert_eq!(engine.stats().matches, 1);
}

#[test]
fn what_the_host_kept_is_stamped_with_when_it_took_it() {
    let clock = std::sync::Arc::new(ensue_engine::ManualClock::new(Timestamp(60_000)));
    let engine = Engine::open(Config::in_memory().clock(clock)).unwrap();
    let rule = "EVENT: a WHERE a.actionType = 'a' WITHIN 1 S";
    let tasks = format!(
        r#"{{"taskArray":[{{"id":"t","taskType":"cep","rule":"{rule}","output":{{"type":"touch","touch":"p"}}}}]}}"#
    );
    engine.apply(ensue_dsl::read_documents(tasks.as_bytes(), &ensue_dsl::ReadOptions::default()).unwrap()).unwrap();
    let taken = |present: u8, ts: i64| {
        let bytes = [&[0, present, 0, 0, 0, 1, b'a'][..], &ts.to_be_bytes(), &[0, 0]].concat();
        assert_eq!(record(&engine, &bytes), Recorded::Queued);
    };
    taken(1 << 2, 50_000);
    taken(1 << 2 | 1 << 5, 40_000);
    taken(1 << 2, 40_000);
    engine.flush().unwrap();
    let times: Vec<i64> = engine.decisions(9).unwrap().iter().map(|d| d.at.0).collect();
    assert_eq!((times, engine.stats().late), (vec![50_000, 50_000], 1));
}

#[test]
fn what_is_cut_off_or_left_over_is_malformed() {
    let whole = packed(&X_IS_1);
    let engine = engine();
    for end in 0..whole.len() {
        assert_eq!(record(&engine, &whole[..end]), Recorded::Malformed, "{end} bytes");
    }
    assert_eq!(record(&engine, &[&whole[..], &[0]].concat()), Recorded::Malformed);
    let Stats { events, rejected, .. } = engine.stats();
    assert_eq!((events, rejected), (0, whole.len() as u64 + 1));
}

#[test]
fn what_lies_is_malformed() {
    let mut deep = vec![0, 1, 0, 0, 0, 1, b'x'];
    (0..100).for_each(|_| deep.extend_from_slice(&[6, 0, 0, 0, 1]));
    deep.push(0);
    for (args, why) in [
        (&[0, 1, 0, 0, 0, 1, b'x', 9][..], "a tag that is none"),
        (&[0, 1, 0xff, 0xff, 0xff, 0xff, b'x', 0], "a text that is longer than all"),
        (&[0, 1, 0, 0, 0, 1, 0xff, 0], "no UTF-8"),
        (&[0, 1, 0, 0, 0, 1, b'x', 6, 0xff, 0xff, 0xff, 0xff], "more items than bytes"),
        (&deep, "too deep"),
    ] {
        assert_eq!(matched(args), (Recorded::Malformed, 0), "{why}");
    }
    assert_eq!(record(&engine(), &[4, 0, 0, 0, 0, 1, b'a', 0, 0]), Recorded::Malformed, "no source");
}

#[test]
fn an_offset_over_a_day_is_refused_by_name() {
    let at = |minutes: i32| [&[0, 0b1_0000, 0, 0, 0, 1, b'a'], &minutes.to_be_bytes()[..], &[0, 0]].concat();
    let engine = engine();
    assert_eq!(record(&engine, &at(1_440)), Recorded::Queued);
    for beyond in [at(-1_441), at(i32::MAX)] {
        assert_eq!(record(&engine, &beyond), Recorded::UtcOffset);
        assert_eq!(record_durable(&engine, &beyond).unwrap(), Recorded::UtcOffset);
    }
    assert_eq!((engine.stats().rejected, Recorded::UtcOffset.number()), (4, 9));
}

#[test]
fn attributes_of_an_unwanted_event_are_not_read() {
    let engine = engine();
    assert_eq!(record(&engine, &[0, 0, 0, 0, 0, 1, b'z', 99]), Recorded::Unwanted);
    assert_eq!(record(&engine, &[0, 0, 0, 0, 0, 0, 0, 0]), Recorded::NoActionType);
}
