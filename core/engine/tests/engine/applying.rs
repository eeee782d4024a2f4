//! Task sets coming and going over a running engine.

use std::sync::Arc;

use ensue_engine::{Config, Engine, Status};
use ensue_rule::{Duration, Expr, ExprKind, Output, Remark, Task, TaskEntry, TaskScope, TaskSet};

use crate::support::{Site, at, count, derives, file, returning, rule, set, task, touch};

fn apply(engine: &Engine, set: TaskSet) -> Vec<(String, &'static str)> {
    let report = engine.apply(vec![set]).unwrap().sets.remove(0);
    report.tasks.iter().map(|t| (t.id.to_string(), t.status.as_str())).collect()
}

fn pairs(list: &[(&str, &'static str)]) -> Vec<(String, &'static str)> {
    list.iter().map(|(id, status)| ((*id).to_owned(), *status)).collect()
}

#[test]
fn every_task_is_told_what_became_of_it() {
    let site = Site::of(Vec::new());
    let (a, b) = (task("a", rule("a b", 10_000)), task("b", rule("b c", 10_000)));
    assert_eq!(apply(&site.engine, set(vec![a.clone(), b.clone()])), pairs(&[("a", "added"), ("b", "added")]));
    let other = Task { outputs: vec![touch("x")], ..a.clone() };
    assert_eq!(apply(&site.engine, set(vec![b.clone(), other])), pairs(&[("b", "unchanged"), ("a", "updated")]));
    let mut bad = set(vec![a.clone(), b.clone(), task("c", rule("c", 1))]);
    for entry in &mut bad.tasks[1..] {
        entry.task = Err(Remark { path: "x".into(), code: "E1".into(), message: "bad".into() });
    }
    let report = apply(&site.engine, bad);
    assert_eq!(report, pairs(&[("a", "updated"), ("b", "kept"), ("c", "refused")]));
    assert_eq!(apply(&site.engine, set(vec![b])), pairs(&[("b", "unchanged"), ("a", "removed")]));
}

#[test]
fn an_older_version_changes_nothing() {
    let site = Site::of(Vec::new());
    let versioned = |version, tasks| TaskSet { version, ..set(tasks) };
    let t = task("t", rule("a", 10_000));
    apply(&site.engine, versioned(Some(7), vec![t.clone()]));
    let report = site.engine.apply(vec![versioned(Some(6), Vec::new())]).unwrap();
    let refused = report.sets[0].refused.as_ref().unwrap();
    assert_eq!(refused.message, "version 6 is below version 7, which is in force");
    assert!(report.sets[0].tasks.is_empty());
    assert_eq!(apply(&site.engine, versioned(Some(7), vec![t.clone()])), pairs(&[("t", "unchanged")]));
    assert_eq!(apply(&site.engine, versioned(None, vec![t])), pairs(&[("t", "unchanged")]));
    let report = site.engine.apply(vec![versioned(Some(6), Vec::new())]).unwrap();
    assert!(report.sets[0].refused.is_some(), "a set without a version does not lower the bar");
}

#[test]
fn what_decides_matches_unchanged_keeps_half_finished_matches() {
    let site = Site::of(vec![task("t", rule("a b c", 10_000))]);
    site.record(&at(1_000, "a"));
    site.apply(vec![Task { outputs: vec![touch("x")], ..task("t", rule("a b c", 10_000)) }]);
    site.record(&at(2_000, "b"));
    // Now it also returns something: another program, the same state.
    site.apply(vec![task("t", returning(rule("a b c", 10_000), "n", count("b")))]);
    site.record(&at(3_000, "c"));
    assert_eq!(site.lines(), ["match t u @3000 a=1000 b=2000 c=3000"]);
}

#[test]
fn a_changed_task_reads_the_history_from_its_old_skip_bound() {
    let site = Site::of(vec![task("t", rule("a b", 10_000))]);
    for e in [at(1_000, "a"), at(2_000, "b"), at(3_000, "a")] {
        site.record(&e);
    }
    assert_eq!(site.lines(), ["match t u @2000 a=1000 b=2000"]);
    site.apply(vec![task("t", rule("a b", 9_000))]);
    site.record(&at(4_000, "b"));
    assert_eq!(site.lines(), ["match t u @4000 a=3000 b=4000"]);
}

#[test]
fn runs_of_a_task_that_went_are_not_those_of_the_one_that_came_in_its_place() {
    // Whatever gets the number of the program that went: as many runs as wait, of one partition or of many users.
    let site = Site::of(vec![task("old", rule("a b", 10_000)), task("stays", rule("a c", 10_000))]);
    site.record(&at(1_000, "a"));
    for round in 0..3 {
        site.apply(vec![task("stays", rule("a c", 10_000))]);
        site.apply(vec![task("stays", rule("a c", 10_000)), task("new", rule("x b", 10_000))]);
        site.record(&at(2_000 + round, "b"));
        assert_eq!(site.lines(), [""; 0], "the a of the task that went begins no run of the new one");
    }
    site.record(&at(3_000, "x"));
    site.record(&at(3_500, "b"));
    site.record(&at(4_000, "c"));
    assert_eq!(site.lines(), ["match new u @3500 x=3000 b=3500", "match stays u @4000 a=1000 c=4000"]);
}

#[test]
fn a_new_task_reads_only_history_that_has_all_it_needs_and_decides_nothing_of_it() {
    let site = Site::of(vec![task("old", rule("a b", 10_000))]);
    for e in [at(1_000, "a"), at(2_000, "b"), at(3_000, "a"), at(3_500, "c")] {
        site.record(&e);
    }
    site.lines();
    let (same, more) = (task("same", rule("a b", 10_000)), task("more", rule("a c", 10_000)));
    site.apply(vec![task("old", rule("a b", 10_000)), same, more]);
    assert_eq!(site.engine.stats().before, 1);
    // `more` needs c, which nobody kept before: the a of before is not half of a match.
    for e in [at(4_000, "b"), at(5_000, "c")] {
        site.record(&e);
    }
    assert_eq!(site.lines(), ["match old u @4000 a=3000 b=4000", "match same u @4000 a=3000 b=4000"]);
}

#[test]
fn circles_of_derived_events_are_refused() {
    let deriving = |id: &str, from: &str, to: &str| Task { outputs: vec![derives(to)], ..task(id, rule(from, 10_000)) };
    let site = Site::of(vec![deriving("one", "a", "x")]);
    let round = set(vec![deriving("one", "a", "x"), deriving("two", "x", "y"), deriving("three", "y", "x")]);
    let report = site.engine.apply(vec![round]).unwrap().sets.remove(0);
    assert_eq!(report.tasks[2].status, Status::Refused);
    let error = report.tasks[2].error.clone().unwrap();
    assert_eq!(error.path, "taskArray[2]");
    assert!(error.message.starts_with("derived events would go in a circle: "), "{}", error.message);
    // Across sources too, and with itself.
    let other = |t| TaskSet { source: "other".into(), ..set(vec![t]) };
    assert_eq!(apply(&site.engine, other(deriving("back", "y", "a"))), pairs(&[("back", "refused")]));
    assert_eq!(apply(&site.engine, other(deriving("self", "z", "z"))), pairs(&[("self", "refused")]));
    assert_eq!(apply(&site.engine, other(deriving("fine", "y", "z"))), pairs(&[("fine", "added")]));
}

#[test]
fn chains_of_derived_events_end_after_eight() {
    let site = Site::of(Vec::new());
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j"];
    let tasks = names.windows(2).map(|w| Task { outputs: vec![derives(w[1])], ..task(w[0], rule(w[0], 10_000)) });
    let report = site.engine.apply(vec![set(tasks.collect())]).unwrap().sets.remove(0);
    let refused: Vec<&str> = report.tasks.iter().filter(|t| t.error.is_some()).map(|t| &*t.id).collect();
    assert_eq!(refused, ["i"]);
}

#[test]
fn sets_of_several_sources_live_side_by_side_and_are_there_again_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    let source = |name: &str, t: Task| TaskSet { source: name.into(), version: Some(3), ..set(vec![t]) };
    let second = source("b", task("t", rule("a", 10_000)));
    site.engine.apply(vec![source("z", task("t", rule("a", 10_000))), second]).unwrap();
    site.engine.shutdown();
    let again = Site::open(file(&dir));
    assert_eq!(again.engine.ready().unwrap().tasks, 2);
    again.record(&at(1_000, "a"));
    again.engine.flush().unwrap();
    let sources: Vec<String> = again.take().iter().filter_map(source_of).collect();
    assert_eq!(sources, ["z 3", "b 3"], "in the order in which they first came");
    let older = TaskSet { version: Some(2), ..source("z", task("t", rule("b", 10_000))) };
    assert!(again.engine.apply(vec![older]).unwrap().sets[0].refused.is_some());
}

fn source_of(outcome: &ensue_engine::Outcome) -> Option<String> {
    match outcome {
        ensue_engine::Outcome::Match(m) => Some(format!("{} {}", m.source, m.version?)),
        _ => None,
    }
}

#[test]
fn a_rule_that_the_matcher_refuses_is_refused_by_its_reason() {
    let site = Site::of(Vec::new());
    let entry = |t: Task| TaskEntry { id: t.id.clone(), task: Ok(Arc::new(t)), warnings: Vec::new() };
    let huge = task("huge", rule("a{5000,5000}", 10_000));
    let mut both = set(vec![task("fine", rule("a", 10_000))]);
    both.tasks.push(entry(huge));
    let report = site.engine.apply(vec![both]).unwrap().sets.remove(0);
    assert_eq!(report.tasks[0].status, Status::Added);
    assert_eq!(report.tasks[1].status, Status::Refused);
    assert_eq!(report.tasks[1].error.as_ref().unwrap().code, "E0902");
}

#[test]
fn a_when_that_cannot_be_computed_refuses_its_task_also_where_the_rule_stays() {
    let when = |regex: &str| {
        let said = ExprKind::Matches(Box::new(Expr::literal("abc")), regex.into());
        let output = Output { when: Some(said.into()), ..touch("t") };
        Task { outputs: vec![output], ..task("t", rule("a", 10_000)) }
    };
    let site = Site::of(vec![when("b")]);
    let report = site.engine.apply(vec![set(vec![when("(?=b)")])]).unwrap().sets.remove(0);
    assert_eq!(report.tasks[0].status, Status::Kept);
    let error = report.tasks[0].error.as_ref().unwrap();
    assert_eq!((error.code.as_str(), error.path.as_str()), ("E0902", "taskArray[0].output.when"));
}

#[test]
fn the_report_says_whose_state_begins_anew_and_what_it_found() {
    let site = Site::of(vec![task("t", rule("a b", 10_000)), task("same", rule("a b", 10_000))]);
    for e in [at(1_000, "a"), at(2_000, "b"), at(3_000, "a"), at(4_000, "b"), at(5_000, "a")] {
        site.record(&e);
    }
    assert_eq!(site.lines().len(), 4);
    let changed = task("t", rule("a b", 9_000));
    let same = task("same", returning(rule("a b", 10_000), "n", count("b")));
    let (found, nothing) = (task("found", rule("a b", 9_500)), task("nothing", rule("b a b2", 1)));
    let report = site.engine.apply(vec![set(vec![changed, same, found, nothing])]).unwrap();
    let told: Vec<_> = report.sets[0].tasks.iter().map(|t| (&*t.id, t.status, t.warnings.clone())).collect();
    let remark = |message: &str| vec![Remark { path: "rule".into(), code: "W0901".into(), message: message.into() }];
    let anew = "the kept events are matched anew; ";
    let expected = [
        // From the old skip bound: the matches before it are not found again.
        (
            "t",
            Status::Updated,
            remark(&format!(
                "the rule has changed: half-finished matches are given up, and {anew}0 matches in them are counted, not decided"
            )),
        ),
        ("same", Status::Updated, Vec::new()),
        ("found", Status::Added, remark(&format!("{anew}2 matches in them are counted, not decided"))),
        ("nothing", Status::Added, Vec::new()),
    ];
    assert_eq!(told, expected);
    assert_eq!(site.engine.stats().before, 2);
    site.record(&at(6_000, "b"));
    let told = site.lines();
    assert_eq!(told.len(), 3, "each goes on with the a of before: {told:?}");
}

#[test]
fn the_last_good_version_of_a_task_outlives_a_restart_and_its_state_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let site = Site::open(file(&dir));
    let good = || Task { outputs: vec![touch("good")], ..task("t", rule("a b", 10_000)) };
    let bad = || {
        let mut bad = TaskSet { version: Some(2), ..set(vec![good(), task("u", rule("a", 10_000))]) };
        bad.tasks[0].task = Err(Remark { path: "x".into(), code: "E1".into(), message: "bad".into() });
        bad
    };
    site.engine.apply(vec![TaskSet { version: Some(1), ..set(vec![good()]) }]).unwrap();
    site.record(&at(1_000, "a"));
    assert_eq!(apply(&site.engine, bad()), pairs(&[("t", "kept"), ("u", "added")]));
    site.engine.shutdown();
    let again = Site::open(file(&dir));
    assert_eq!(again.engine.ready().unwrap().tasks, 2);
    again.record(&at(2_000, "b"));
    assert_eq!(again.lines(), ["match t u @2000 a=1000 b=2000", "decision t good"]);
    assert_eq!(apply(&again.engine, bad()), pairs(&[("t", "kept"), ("u", "unchanged")]));
    // The version of the set in which it was refused is in force all the same.
    let older = again.engine.apply(vec![TaskSet { version: Some(1), ..set(vec![good()]) }]).unwrap();
    assert!(older.sets[0].refused.is_some());
}

#[test]
fn sets_of_one_apply_are_in_force_together_and_a_refused_one_stops_no_other() {
    let site = Site::of(Vec::new());
    let of = |source: &str, version, tasks| TaskSet { source: source.into(), version: Some(version), ..set(tasks) };
    site.engine.apply(vec![of("x", 5, vec![task("t", rule("a", 1_000))])]).unwrap();
    let sets = vec![of("x", 4, Vec::new()), of("y", 1, vec![task("t", rule("b", 1_000))])];
    let report = site.engine.apply(sets).unwrap();
    assert!(report.sets[0].refused.is_some() && report.sets[1].refused.is_none());
    site.record(&at(1_000, "a"));
    site.record(&at(2_000, "b"));
    assert_eq!(site.lines(), ["match t u @1000 a=1000", "match t u @2000 b=2000"]);
}

#[test]
fn a_new_task_over_the_device_sees_what_waits_for_its_time() {
    let site = Site::open(Config { lateness: Duration(5_000), ..Config::in_memory().replay() });
    let over = |id: &str, scope| Task { scope, ..task(id, rule("a b", 10_000)) };
    site.apply(vec![over("user", TaskScope::User)]);
    site.record(&at(1_000, "a"));
    site.record(&at(2_000, "b"));
    site.apply(vec![over("user", TaskScope::User), over("device", TaskScope::Device)]);
    site.record(&at(20_000, "a"));
    assert_eq!(site.lines(), ["match device - @2000 a=1000 b=2000", "match user u @2000 a=1000 b=2000"]);
}
