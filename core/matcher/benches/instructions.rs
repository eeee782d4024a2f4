//! Instructions per event of the hot paths, counted by valgrind: the same on a busy machine as on an idle one.
//!
//! `cargo bench -p ensue-matcher --bench instructions` runs each scenario twice under `valgrind --tool=callgrind`, over
//! 30,000 and 50,000 events; the difference is without what comes before the events, and without most of what a user's first
//! runs make room for. It fails where a count is more than
//! 5 % above the one in `instructions.txt`; `-- --write` writes that file anew.
//!
//! Of W2 it says besides what an event of each kind costs: of A what a stream of As alone costs above one that concerns
//! nobody, of B what one of As and Bs costs above that, and so on; no match is let out there. It fails where one of A, B
//! and C costs at k = 25 more than 1.3 times what it costs at k = 5, over all of them together; and where a rule that every
//! event concerns costs more than 1.2 times among 10,000 rules what it costs alone. `-- --promises` looks at these two only,
//! which hold on every machine and for every compiler: that is what `./test.sh` runs.
#![allow(
    missing_docs,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    clippy::format_push_string,
    clippy::print_stdout,
    reason = "a bench"
)]

use ensue_matcher::Limits;
use ensue_rule::Contiguity;

#[path = "support/counted.rs"]
mod counted;
#[path = "support/workloads.rs"]
mod support;

use counted::{FEW, MANY, count, each};
use support::streams::{Record, kleene, uniform};
use support::{abc, feed, matched, observe, one_match, programs, trend, w2, w3};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

const SCENARIOS: [&str; 11] = [
    "w1 interned",
    "w1any interned",
    "w1 read and look up",
    "w2 trends k=5",
    "w2 trends k=25",
    "w2 graph k=5",
    "w2 graph k=25",
    "w3 1 rule",
    "w3 1,000 rules",
    "one rule, hit",
    "one rule of 10,000, hit",
];

/// How much more an event of W2 may cost where there are 2^20 times the matches.
const FLAT: f64 = 1.3;
/// How much more a rule may cost among 10,000.
const AMONG_MANY: f64 = 1.2;
/// The kinds of W2 that concern the rule, each beside those before it.
const KINDS: [&str; 4] = ["", "A", "AB", "ABC"];

/// W2 with the events of these kinds, the others in their places of a kind that concerns nobody; no match is let out.
fn kinds(form: &str, k: u32, kinds: &str, n: usize) -> i64 {
    let mut records = kleene(k, MANY);
    records.iter_mut().for_each(|r| {
        if r.kind >= 3 || !kinds.contains(char::from(b'A' + r.kind)) {
            r.kind = 3;
        }
    });
    let limits = ensue_matcher::Limits { matches: 0, ..Limits::default() };
    feed(&programs([w2(form == "trends")], limits), &records[..n], 1, |_| 1)
}

/// Runs a scenario over so many events.
fn scenario(name: &str, n: usize) -> i64 {
    if let [form, k, "kinds", letters] = name.split(' ').collect::<Vec<_>>()[..] {
        return kinds(form, k.parse().expect("a number"), letters, n);
    }
    // Of streams that are made whole, so that making them is not counted.
    let uniform = || uniform(1_000, MANY);
    let w1 = |arrow| feed(&programs([abc(arrow)], Limits::default()), &uniform()[..n], 1_000, matched);
    let w2 = |trends, k, count: fn(&ensue_matcher::Found) -> i64| {
        feed(&programs([w2(trends)], one_match()), &kleene(k, MANY)[..n], 1, count)
    };
    let rules = |rules, records: &[Record]| feed(&programs((0..rules).map(w3), Limits::default()), records, 1, matched);
    // Every event concerns rule 0: A and B in turn.
    let hit = || {
        let turn = |(i, r): (usize, Record)| Record { v: 0, kind: u8::from(i % 2 == 1), ..r };
        uniform().into_iter().enumerate().map(turn).collect::<Vec<_>>()
    };
    match name {
        "w1 interned" => w1(Contiguity::Relaxed),
        "w1any interned" => w1(Contiguity::Any),
        "w1 read and look up" => {
            observe(&programs([abc(Contiguity::Relaxed)], Limits::default()), &uniform(), n) as i64
        }
        "w2 trends k=5" => w2(true, 5, trend),
        "w2 trends k=25" => w2(true, 25, trend),
        "w2 graph k=5" => w2(false, 5, matched),
        "w2 graph k=25" => w2(false, 25, matched),
        "w3 1 rule" => rules(1, &uniform()[..n]),
        "w3 1,000 rules" => rules(1_000, &uniform()[..n]),
        "one rule, hit" => rules(1, &hit()[..n]),
        "one rule of 10,000, hit" => rules(10_000, &hit()[..n]),
        other => panic!("there is no scenario {other}"),
    }
}

/// What an event of W2 costs that concerns the rule, above one that concerns nobody.
fn of_w2(form: &str, k: u32) -> Option<f64> {
    let among = kleene(k, MANY).iter().skip(FEW).filter(|r| r.kind < 3).count() as f64;
    let total = |letters| each(&format!("{form} {k} kinds {letters}"));
    Some((total("ABC")? - total("")?) * (MANY - FEW) as f64 / among)
}

/// What is promised of every machine: what it is, how many times as much it costs, and how many it may at most.
fn promises() -> Option<Vec<(String, f64, f64)>> {
    let (alone, among) = (each("one rule, hit")?, each("one rule of 10,000, hit")?);
    let mut all = vec![("one rule among 10,000, to the same alone".to_owned(), among / alone, AMONG_MANY)];
    for form in ["trends", "graph"] {
        let times = of_w2(form, 25)? / of_w2(form, 5)?;
        all.push((format!("w2 {form}: an A, B or C at k = 25, to one at k = 5"), times, FLAT));
    }
    Some(all)
}

/// Prints what is promised, and what does not hold.
fn broken() -> Vec<String> {
    let promises = promises().unwrap_or_else(|| counted::cannot_count());
    let mut broken = Vec::new();
    for (what, times, most) in promises {
        println!("{what}: {times:.2} times the instructions, at most {most}");
        broken.extend((times > most).then_some(what));
    }
    broken
}

/// What an event of each kind of W2 costs, and all of them together.
fn by_kind(form: &str, k: u32) -> Option<[(&'static str, f64); 4]> {
    let among = |kind: u8| kleene(k, MANY).iter().skip(FEW).filter(|r| r.kind == kind).count() as f64;
    let total = |letters: &&str| {
        let name = format!("{form} {k} kinds {letters}");
        Some((count(&name, MANY)? - count(&name, FEW)?) as f64)
    };
    let totals = KINDS.iter().map(total).collect::<Option<Vec<_>>>()?;
    let (a, b, c) = (among(0), among(1), among(2));
    Some([
        ("A", (totals[1] - totals[0]) / a),
        ("B", (totals[2] - totals[1]) / b),
        ("C", (totals[3] - totals[2]) / c),
        ("A, B or C", (totals[3] - totals[0]) / (a + b + c)),
    ])
}

fn main() {
    if let Some((name, n)) = counted::asked() {
        println!("{}", scenario(&name, n));
        return;
    }
    let mut worse = broken();
    if std::env::args().any(|a| a == "--promises") {
        counted::end(&worse);
    }
    let mut rows: Vec<(String, f64)> = Vec::new();
    rows.extend(SCENARIOS.iter().filter_map(|name| Some(((*name).to_owned(), each(name)?))));
    for (form, k) in [("trends", 5), ("trends", 25), ("graph", 5), ("graph", 25)] {
        let kinds = by_kind(form, k).into_iter().flatten();
        rows.extend(kinds.map(|(kind, n)| (format!("w2 {form} k={k} {kind}"), n)));
    }
    worse.extend(counted::compare(rows, FILE));
    counted::end(&worse);
}
