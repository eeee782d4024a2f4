//! The three invariants of docs/semantics.md, "Where we differ from flink-cep", as properties over random rules and streams.
#![allow(clippy::panic, clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "test code")]

use std::collections::BTreeMap;

use ensue_rule::Value;
use ensue_tests::answer::Answer;
use ensue_tests::case::{Case, Fed};
use ensue_tests::generate::{self, Flavour};
use ensue_tests::mode;
use ensue_tests::oracle;
use ensue_tests::random::Random;
use ensue_tests::shrink::shrink;

const CASES: u64 = 1_500;

/// Random cases that are not too large to follow run by run.
fn cases(flavour: Flavour) -> impl Iterator<Item = (u64, Case)> {
    (0..CASES).filter_map(move |seed| {
        let case = generate::case(&mut Random::new(0x00C0_FFEE + seed), flavour).named(format!("invariant.{seed}"));
        let answered = oracle::answer_case(&case, oracle::FEW).ok()?;
        let case = answered.expected_by(case);
        mode::answer(&case).is_ok().then_some((seed, case))
    })
}

/// Checks a property on all cases; shows the smallest case found on which it does not hold.
fn holds(flavour: Flavour, property: impl Fn(u64, &Case) -> Result<(), String>) {
    let mut checked = 0;
    for (seed, case) in cases(flavour) {
        checked += 1;
        if property(seed, &case).is_err() {
            let small = shrink(&case, |c| mode::answer(c).is_ok() && property(seed, c).is_err());
            let why = property(seed, &small).err().unwrap_or_default();
            panic!("{why}\n{}", serde_json::to_string(&[&small]).unwrap());
        }
    }
    assert!(checked > CASES / 2, "only {checked} cases were checked");
}

/// The case with events in between that no stage's condition accepts, and the old id of each event.
fn with_noise(seed: u64, case: &Case) -> (Case, BTreeMap<u64, u64>) {
    let mut random = Random::new(seed);
    let (mut noisy, mut names, mut last) = (case.clone(), BTreeMap::new(), None);
    noisy.events.clear();
    for event in &case.events {
        if let Some(last) = last {
            for _ in 0..random.below(3) {
                let fields = BTreeMap::from([("name".to_owned(), Value::from("noise"))]);
                let ts = random.range(last, event.ts);
                noisy.events.push(Fed { id: 0, ts, session: event.session, fields });
            }
            noisy.events.sort_by_key(|e| e.ts);
        }
        last = Some(event.ts);
        noisy.events.push(event.clone());
    }
    for (id, event) in (0..).zip(&mut noisy.events) {
        if event.fields.get("name") != Some(&Value::from("noise")) {
            names.insert(id, event.id);
        }
        event.id = id;
    }
    (noisy, names)
}

/// The same answer in the names of the stream without noise.
fn renamed(mut answer: Answer, names: &BTreeMap<u64, u64>) -> Answer {
    for given in answer.matches.iter_mut().chain(&mut answer.timeouts) {
        for id in given.bindings.values_mut().flatten() {
            *id = *names.get(id).expect("no noise is bound");
        }
    }
    answer
}

#[test]
fn events_that_no_condition_accepts_change_nothing() {
    holds(Flavour::NoiseProof, |seed, case| {
        let (noisy, names) = with_noise(seed, case);
        let without = mode::answer(case)?.by_time();
        let with = renamed(mode::answer(&noisy)?, &names).by_time();
        if with == without { Ok(()) } else { Err(format!("with noise {with:?}\nwithout {without:?}")) }
    });
}

#[test]
fn in_how_many_steps_time_moves_changes_nothing() {
    holds(Flavour::Full, |seed, case| {
        let complaints = mode::time_in_steps_differs(case, seed);
        if complaints.is_empty() { Ok(()) } else { Err(complaints.join("; ")) }
    });
}

#[test]
fn a_match_comes_once_per_step() {
    holds(Flavour::Full, |_, case| {
        let answer = mode::answer(case)?;
        // A partial match is due at several times where one step of several is bound, and comes once for each.
        let matches = answer.matches.iter().map(|g| (false, g.step, None, &g.bindings));
        let timeouts = answer.timeouts.iter().map(|g| (true, g.step, Some(g.at), &g.bindings));
        let mut all: Vec<_> = matches.chain(timeouts).collect();
        all.sort();
        all.windows(2).find(|w| w[0] == w[1]).map_or(Ok(()), |w| Err(format!("twice at one step: {:?}", w[0])))
    });
}
