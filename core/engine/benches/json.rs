//! Instructions per line of JSON: read, recorded, and on its way to a match.
//!
//! `cargo bench -p ensue-engine --bench json` counts them with valgrind and fails where a count is more than 5 % above the one in
//! `json.txt`; `-- --write` writes that file anew. The lines are those of `ensue bench --only json` (`w1`), and what an app records of a
//! page (`page`): a URL, an id, five attributes.
#![allow(
    missing_docs,
    dead_code,
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::format_push_string,
    clippy::print_stdout,
    reason = "a bench"
)]

use std::collections::HashMap;

use ensue_engine::{Config, Engine, Recorded, parse_event, read_event};
use ensue_matcher::{Arguments, Arrival, Limits, Observation, Position, ProgramId, ProgramSet, Runs};
use ensue_rule::{Contiguity, Task, TaskSet, Timestamp};

#[path = "../../matcher/benches/support/counted.rs"]
mod counted;
#[path = "../../matcher/benches/support/workloads.rs"]
mod workloads;

use counted::MANY;
use workloads::streams::{KINDS, Record, uniform};
use workloads::{abc, matched, programs};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/json.txt");

const SCENARIOS: [&str; 6] =
    ["w1, read", "w1, to matches", "page, read", "page, owned", "w1, recorded, unwanted", "page, recorded, unwanted"];

/// As the published generator writes them.
fn w1(r: &Record) -> String {
    let kind = KINDS[usize::from(r.kind)];
    let (ts, user, v, whole, part) = (r.ts, r.user, r.v, r.p / 1_000, r.p % 1_000);
    format!(r#"{{"ts":{ts},"actionType":"{kind}","userId":{user},"args":{{"v":{v},"p":{whole}.{part:03}}}}}"#)
}

fn page(r: &Record) -> String {
    let (ts, user, v, p) = (r.ts, r.user, r.v, f64::from(r.p) / 1_000.0);
    format!(
        r#"{{"ts":{ts},"id":"e{v}","source":"page","actionType":"pv","scene":"https://market.example.com/app/renting/home?from=feed&page={v}","userId":"user-{user}","utcOffsetMin":480,"args":{{"item":"{v}","price":{p},"title":"两室一厅 \"安静\"","new":true,"tags":["a","b"]}}}}"#
    )
}

/// Looks at every line with `each`, which says whether it counts.
fn lines(lines: &[String], mut each: impl FnMut(&[u8]) -> bool) -> i64 {
    lines.iter().map(|line| i64::from(each(line.as_bytes()))).sum()
}

/// To the matches of W1, as `ensue bench --only json` goes.
fn to_matches(texts: &[String]) -> i64 {
    let set: ProgramSet = programs([abc(Contiguity::Relaxed)], Limits::default());
    let program = set.program(ProgramId(0)).expect("there is one");
    let mut users: HashMap<String, Runs, std::hash::BuildHasherDefault<rustc_hash::FxHasher>> = HashMap::default();
    let (mut seen, mut out, mut found, mut seq) = (Observation::default(), Vec::new(), 0, 0);
    for line in texts {
        let taken = read_event(line.as_bytes(), |event| {
            let head = event.head();
            let arguments = |arguments: &mut Arguments<'_, '_>| {
                event.each_argument(|name, value| {
                    if arguments.wants(name) {
                        arguments.take(name, &value.read());
                    }
                });
            };
            set.read_reading(&head, arguments, &mut seen);
            let position = Position { ts: head.ts.unwrap_or(Timestamp(0)), seq };
            set.look_up(Arrival { position, ..Arrival::default() }, None, &mut seen);
            let Some(hit) = seen.hits().first() else { return };
            let user = head.user_id.unwrap_or_default();
            let runs = match users.get_mut(user) {
                Some(runs) => runs,
                None => users.entry(user.to_owned()).or_default(),
            };
            if !runs.is_idle() || program.may_begin(*hit) {
                runs.step(program, &seen, *hit, &mut out);
            }
        });
        taken.expect("a good line");
        found += out.drain(..).map(|f| matched(&f)).sum::<i64>();
        seq += 1;
    }
    found
}

/// Recorded by an engine whose task, on A, B and C, wants none of them.
fn recorded(texts: &[String]) -> i64 {
    let engine = Engine::open(Config::in_memory().replay()).expect("it opens");
    engine.apply(vec![TaskSet::of("s", [Task::of("t", abc(Contiguity::Relaxed))])]).expect("it applies");
    lines(texts, |line| engine.record_json(line) == Ok(Recorded::Unwanted))
}

fn scenario(name: &str, n: usize) -> i64 {
    let (of, what) = name.split_once(", ").expect("a name of two parts");
    let text = if of == "page" { page } else { w1 };
    // All of them are made, so that making them is not counted.
    let mut records = uniform(1_000, MANY);
    if what == "recorded, unwanted" {
        records.iter_mut().for_each(|r| r.kind = 3);
    }
    let texts: Vec<String> = records.iter().map(text).collect();
    let texts = &texts[..n];
    match what {
        "read" => lines(texts, |line| read_event(line, |event| event.head().ts.is_some()).expect("a good line")),
        "owned" => lines(texts, |line| parse_event(line).expect("a good line").ts.is_some()),
        "to matches" => to_matches(texts),
        "recorded, unwanted" => recorded(texts),
        other => panic!("there is no scenario {other}"),
    }
}

fn main() {
    if let Some((name, n)) = counted::asked() {
        println!("{}", scenario(&name, n));
        return;
    }
    let each = |name: &&str| ((*name).to_owned(), counted::each(name).unwrap_or_else(|| counted::cannot_count()));
    counted::end(&counted::compare(SCENARIOS.iter().map(each).collect(), FILE));
}
