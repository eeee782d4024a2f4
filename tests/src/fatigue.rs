//! Users who like touches and users who hate them, simulated: what caps and the adaptive gap make of their clicks and
//! dismissals.
//!
//! Each user opens the app every hour of the day, for a month; a touch may go out each time. Who likes touches clicks
//! half of them and dismisses a tenth; who hates them clicks one in fifty and dismisses seven in ten; all the less fresh
//! a touch is, the less it is clicked, and the more it is dismissed. What a user would do at which moment is drawn once for
//! all policies. The engine decides, and is told of it as any host would tell it.

use ensue_dsl::{ReadOptions, read_documents};
use ensue_engine::replay::{Item, Replay};
use ensue_engine::{Config, Outcome};
use serde_json::{Value, json};

use crate::random::Random;

/// The time of the first day's midnight: a Monday.
const BEGIN: i64 = 1_709_510_400_000;

const HOUR: i64 = 3_600_000;

const USERS: u64 = 60;

const DAYS: i64 = 28;

/// What became of touches, by what users think of them: those who like them, those who hate them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Touches that went out.
    pub touches: [u32; 2],
    /// Clicked.
    pub clicks: [u32; 2],
    /// Dismissed.
    pub dismissals: [u32; 2],
}

impl Tally {
    /// Of all users.
    pub fn total(of: [u32; 2]) -> u32 {
        of[0] + of[1]
    }
}

/// The policies that are compared: at most so many touches a day, and the adaptive gap.
pub fn policies() -> Vec<(String, Value)> {
    let cap = |limit: u32| (format!("{limit} a day"), json!({"caps": [{"limit": limit, "per": "day"}]}));
    let adaptive = ("adaptive".to_owned(), json!({"backoff": {"adaptive": true}}));
    [1, 2, 3, 4, 6, 8].into_iter().map(cap).chain([adaptive]).collect()
}

/// A month under a policy.
///
/// # Panics
/// Where the engine fails.
#[allow(clippy::expect_used, reason = "a simulation in memory")]
pub fn simulate(policy: &Value) -> Tally {
    let rule = "EVENT: o WHERE o.actionType = 'open' WITHIN 1 MIN";
    let output = json!({"type": "touch", "touch": "offer"});
    let tasks = json!({"taskArray": [{"id": "offer", "rule": rule, "output": output, "policy": policy}]});
    let (mut replay, _) = Replay::open(Config::in_memory()).expect("a store in memory opens");
    let sets = read_documents(tasks.to_string().as_bytes(), &ReadOptions::default()).expect("the document is good");
    replay.apply(sets).expect("it applies");
    let (mut tally, mut last) = (Tally::default(), vec![None; usize::try_from(USERS).unwrap_or(0)]);
    for day in 0..DAYS {
        for hour in 8..23 {
            let at = BEGIN + (day * 24 + hour) * HOUR;
            for user in 0..USERS {
                replay.line(&line(&json!({"ts": at, "actionType": "open", "userId": user})));
            }
            for (user, decision) in decided(&replay.settle().expect("it settles")) {
                for kind in reaction(user, at, &mut last, &mut tally) {
                    replay.line(&line(&json!({"ts": at + 1_000, "feedback": kind, "decision": decision})));
                }
            }
        }
    }
    replay.finish().expect("it ends");
    tally
}

fn line(json: &Value) -> Vec<u8> {
    json.to_string().into_bytes()
}

fn decided(items: &[Item]) -> Vec<(u64, String)> {
    let decision = |item: &Item| match item {
        Item::Outcome(Outcome::Decision(d)) => Some((d.user.as_ref()?.parse().ok()?, d.id.to_string())),
        _ => None,
    };
    items.iter().filter_map(decision).collect()
}

/// What a user does with a touch.
fn reaction(user: u64, at: i64, last: &mut [Option<i64>], tally: &mut Tally) -> Vec<&'static str> {
    let hates = usize::from(user % 2 == 1);
    let Some(before) = usize::try_from(user).ok().and_then(|user| last.get_mut(user)) else { return Vec::new() };
    let rested = before.map_or(24 * HOUR, |before| at - before);
    *before = Some(at);
    // From 0, right after the last, towards 1.
    let fresh = rested * 1_000 / (rested + 4 * HOUR);
    let (clicks, dismisses) = [(500, 100), (20, 700)][hates];
    let (click, dismiss) = (clicks * fresh / 1_000, dismisses + (1_000 - fresh) * 200 / 1_000);
    let drawn = Random::new(user.wrapping_mul(0x9E37_79B9).wrapping_add(at.unsigned_abs())).range(0, 999);
    tally.touches[hates] += 1;
    if drawn < click {
        tally.clicks[hates] += 1;
        vec!["shown", "clicked"]
    } else if drawn >= 1_000 - dismiss {
        tally.dismissals[hates] += 1;
        vec!["shown", "dismissed"]
    } else {
        vec!["shown"]
    }
}
