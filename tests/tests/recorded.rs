//! Conformance cases as recordings give their answers here as in the faces of other languages: JSON in, objects out.
#![allow(clippy::panic, clippy::unwrap_used, clippy::indexing_slicing, reason = "test code")]

use ensue_dsl::{ReadOptions, read_documents};
use ensue_engine::replay::{Item, Replay};
use ensue_engine::{Config, MatchRecord, Outcome};
use ensue_rule::{Timestamp, Value};
use ensue_tests::case::Bindings;
use ensue_tests::load;
use ensue_tests::recorded::Recorded;

/// Matches and timeouts, each as the stages with their events, in no order.
fn replayed(recorded: &Recorded) -> (Vec<Bindings>, Vec<Bindings>) {
    let (mut replay, _) = Replay::open(Config::in_memory()).unwrap();
    let sets = read_documents(recorded.tasks.to_string().as_bytes(), &ReadOptions::default()).unwrap();
    let reports = replay.apply(sets).unwrap();
    assert!(reports.iter().all(|r| r.error.is_none()), "{}: {reports:?}", recorded.name);
    for event in &recorded.events {
        replay.line(event.to_string().as_bytes());
    }
    let mut items = replay.settle().unwrap();
    items.extend(recorded.now.map_or(Vec::new(), |now| replay.advance_to(Timestamp(now)).unwrap()));
    let (mut matches, mut timeouts) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::Outcome(Outcome::Match(m)) => matches.push(bindings(&m)),
            Item::Outcome(Outcome::Timeout(m)) => timeouts.push(bindings(&m)),
            other => panic!("{}: {other:?}", recorded.name),
        }
    }
    (sorted(matches), sorted(timeouts))
}

fn bindings(m: &MatchRecord) -> Bindings {
    let id = |id: &Value| match id {
        Value::Int(id) => u64::try_from(*id).unwrap(),
        other => panic!("an event of a case has a number: {other:?}"),
    };
    m.bindings.0.iter().map(|(stage, ids)| (stage.to_string(), ids.iter().map(id).collect())).collect()
}

/// In one order, without the stages that an answer spells out as unbound.
fn sorted(mut all: Vec<Bindings>) -> Vec<Bindings> {
    all.iter_mut().for_each(|m| m.retain(|_, ids| !ids.is_empty()));
    all.sort();
    all
}

#[test]
fn every_recording_gives_the_answer_of_its_case() {
    let cases = load::cases(&load::own_cases()).unwrap();
    let recorded: Vec<_> = cases.iter().filter_map(|(_, case)| Recorded::of(case)).collect();
    assert!(recorded.len() > 1_000, "only {} of {} cases can be recorded", recorded.len(), cases.len());
    for recorded in &recorded {
        let (matches, timeouts) = replayed(recorded);
        assert_eq!(matches, sorted(recorded.matches.clone()), "{}", recorded.name);
        if let Some(expected) = &recorded.timeouts {
            assert_eq!(timeouts, sorted(expected.clone()), "{}: timeouts", recorded.name);
        }
    }
}
