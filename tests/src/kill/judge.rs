//! What must be true of a store after its process was ended, and when its life is over.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use ensue_engine::{Engine, ManualClock, Outcome};
use serde_json::Value;

use super::life::Life;
use super::look::Look;
use crate::told::Told;

/// Events younger than this before the newest are in the store, whichever task wants them, and forgotten by none.
const KEPT_MS: i64 = 10_000;

/// What the processes of one life said.
#[derive(Debug, Default)]
pub struct Said {
    /// All up to this event was acknowledged.
    pub acknowledged: u64,
    /// The decisions that were delivered.
    pub told: BTreeSet<String>,
}

/// What is wrong with a store that was left behind.
pub fn left_behind(life: Life, look: &Look, said: &Said) -> Vec<String> {
    let mut wrong: Vec<String> = look.complaints.iter().map(|c| format!("integrity: {c}")).collect();
    let last = look.last();
    let acknowledged = (1..=said.acknowledged).rev().find(|n| life.event(*n).is_always_wanted()).unwrap_or(0);
    if last < acknowledged {
        wrong.push(format!("event {acknowledged} was acknowledged, and the last in the store is {last}"));
    }
    if look.events.iter().zip(look.events.iter().skip(1)).any(|(a, b)| a >= b) {
        wrong.push("events are not in the order in which they were recorded, or twice".to_owned());
    }
    let have: BTreeSet<u64> = look.events.iter().copied().collect();
    let newest = (1..=last).map(|n| life.event(n).ts).max().unwrap_or(0);
    let must = (1..=last).map(|n| life.event(n)).filter(|e| e.is_always_wanted() && e.ts > newest - KEPT_MS);
    wrong.extend(must.filter(|e| !have.contains(&e.n)).map(|e| format!("event {} is not in the store", e.n)));
    // Events that no task wants may have come after the last that is there.
    let next = (last + 1..last + 100).find(|n| life.event(*n).is_always_wanted()).unwrap_or(last);
    let (due, latest) = (Life::version_after(last), Life::version_after(next));
    if look.version > latest || look.version < due - 1 {
        let version = look.version;
        wrong.push(format!("task sets are of version {version} after event {last}, and {due} is due"));
    }
    wrong
}

/// What a life decides that nobody interrupts: decisions, and refusals.
fn uninterrupted(life: Life, upto: u64) -> Result<(Vec<Value>, Vec<Value>), String> {
    let clock = Arc::new(ManualClock::new(Life::now(0)));
    let engine = Engine::open(life.config_in_memory(&clock)).map_err(|e| e.to_string())?;
    let told = Arc::new(Told::default());
    engine.set_listener(Some(told.clone()));
    let mut version = 0;
    life.after(&engine, &mut version, 0)?;
    for n in 1..=upto {
        clock.set(Life::now(n));
        life.event(n).record(&engine);
        life.after(&engine, &mut version, n)?;
    }
    engine.flush().map_err(|e| e.to_string())?;
    engine.close();
    let (mut decisions, mut refusals) = (Vec::new(), Vec::new());
    for outcome in &told.take() {
        match outcome {
            Outcome::Decision(d) => decisions.push(serde_json::to_value(d).map_err(|e| e.to_string())?),
            Outcome::Refusal(r) => refusals.push(serde_json::to_value(r).map_err(|e| e.to_string())?),
            _ => {}
        }
    }
    Ok((decisions, refusals))
}

/// What is wrong at the end of a life. Every match of it is a decision or a refusal, so that these say whether the matches
/// are those of an uninterrupted run, caps and cooldowns included.
pub fn whole_life(life: Life, look: &Look, said: &Said, upto: u64) -> Result<Vec<String>, String> {
    let (decisions, refusals) = uninterrupted(life, upto)?;
    let mut wrong = compare("decision", &look.decisions, &decisions)?;
    wrong.extend(compare("refusal", &look.refusals, &refusals)?);
    let expected: BTreeSet<String> = decisions.iter().filter_map(|d| d["id"].as_str()).map(str::to_owned).collect();
    let never: Vec<&String> = expected.difference(&said.told).collect();
    if let Some(first) = never.first() {
        wrong.push(format!("{} decisions were never delivered, the first {first}", never.len()));
    }
    let invented: Vec<&String> = said.told.difference(&expected).collect();
    if let Some(first) = invented.first() {
        wrong.push(format!("{} decisions were delivered that nobody made, the first {first}", invented.len()));
    }
    if decisions.len() < 20 || refusals.is_empty() {
        wrong.push(format!("a life of {upto} events decides too little to show anything: {}", decisions.len()));
    }
    Ok(wrong)
}

/// What is wrong on the way: a store has decided all that events before its last one decide, and nothing that later ones do
/// not. `upto`: the last event that may have been recorded.
pub fn so_far(life: Life, look: &Look, upto: u64) -> Result<Vec<String>, String> {
    let at_least = uninterrupted(life, look.last().saturating_sub(1))?;
    let at_most = uninterrupted(life, upto.max(look.last()))?;
    let mut wrong = Vec::new();
    for (what, have, must, may) in
        [("decision", &look.decisions, at_least.0, at_most.0), ("refusal", &look.refusals, at_least.1, at_most.1)]
    {
        wrong.extend(compare(what, have, &must)?.into_iter().filter(|w| w.contains("missing")));
        wrong.extend(compare(what, have, &may)?.into_iter().filter(|w| w.contains("too often")));
    }
    Ok(wrong)
}

/// Compares what is in the store with what should be, as bags: once each, with all that they say.
fn compare(what: &str, have: &[String], expected: &[Value]) -> Result<Vec<String>, String> {
    let mut bag: BTreeMap<String, i64> = BTreeMap::new();
    for text in have {
        let value: Value = serde_json::from_str(text).map_err(|e| e.to_string())?;
        *bag.entry(value.to_string()).or_default() += 1;
    }
    for value in expected {
        *bag.entry(value.to_string()).or_default() -= 1;
    }
    let odd = |(text, n): (String, i64)| match n {
        0 => None,
        1.. => Some(format!("{what} too often ({n}): {text}")),
        _ => Some(format!("{what} missing ({n}): {text}")),
    };
    Ok(bag.into_iter().filter_map(odd).collect())
}
