//! What the engine says: a task with the rule, the events as lines of a recording.

use std::sync::Arc;

use ensue_dsl::single_task;
use ensue_engine::replay::Item;
use ensue_engine::{Config, MatchRecord, Outcome, Reason, Replay};
use ensue_rule::task::{EntryTest, FilterEntry};
use ensue_rule::{Attr, Duration, Event, Filter, TaskSet, Trigger, Value};
use serde_json::json;

use crate::example::{Example, Happened, Subject};
use crate::show::{Shown, without_out};

/// The answer.
pub(crate) fn answer(subject: &Subject<'_>) -> Vec<String> {
    let number = |key| Duration(subject.example.number(key).unwrap_or(0));
    let mut config = Config { lateness: number("lateness"), ..Config::in_memory() };
    if subject.example.setting("session gap").is_some() {
        config.session_gap = number("session gap");
    }
    let (mut replay, _) = Replay::open(config).expect("a store in memory");
    let reports = replay.apply(vec![task_set(subject)]).expect("the engine runs");
    if let Some(refused) = reports.iter().find_map(|r| r.error.as_ref()) {
        // What the matcher refuses has a code of the engine's there.
        return vec![format!("refused: {}", refused.code.replace("E0902", "E0602"))];
    }
    for event in &subject.events {
        replay.line(line(event).as_bytes());
    }
    let mut items = replay.settle().expect("the engine runs");
    if let Some(t) = subject.advance_to() {
        items.extend(replay.advance_to(t).expect("the engine runs"));
    }
    let mut out: Vec<String> = items.iter().filter_map(|item| shown(subject, item)).collect();
    let summary = replay.finish().expect("the engine runs");
    for (what, n) in [("late", summary.late), ("no key", summary.null_key), ("capped", summary.capped)] {
        out.extend((n > 0).then(|| format!("{what}: {n}")));
    }
    out
}

/// What the page says, without where a match came out, which the engine does not tell.
pub(crate) fn expected(example: &Example) -> Vec<String> {
    example.expected.iter().map(|line| without_out(line)).collect()
}

fn task_set(subject: &Subject<'_>) -> TaskSet {
    let triggered = subject.example.setting("trigger").map(words);
    let mut set = single_task(subject.rule.clone(), "example");
    if triggered.is_some() && set.tasks[0].task.is_err() {
        // Fine for a trigger, which says when an absence is judged.
        let mut rule = subject.rule.clone();
        rule.within = Some(ensue_rule::Within { duration: Duration::DAY, kind: ensue_rule::WithinKind::Match });
        set = single_task(rule, "example");
    }
    let Ok(task) = &mut set.tasks[0].task else { return set };
    let task = Arc::make_mut(task);
    task.rule.within = subject.rule.within;
    task.trigger = triggered.map(|action_types| Trigger { action_types, scenes: Vec::new() });
    if let Some(types) = subject.example.setting("filter").map(words) {
        let values = types.into_iter().map(Value::Str).collect();
        let tests = vec![EntryTest { attr: Attr::ActionType, values }];
        task.filter = Filter { entries: vec![FilterEntry { alias: None, tests }] };
    }
    set
}

fn words(list: &str) -> Vec<Arc<str>> {
    list.split(',').map(|w| w.trim().into()).collect()
}

fn line(happened: &Happened) -> String {
    let Event { ts, source, action_type, scene, user_id, utc_offset_min, args, .. } = &happened.event;
    let line = json!({
        "id": happened.name, "ts": ts, "source": source, "actionType": action_type, "scene": scene,
        "userId": user_id, "utcOffsetMin": utc_offset_min, "args": args,
    });
    let serde_json::Value::Object(mut keys) = line else { return String::new() };
    keys.retain(|_, value| !value.is_null());
    serde_json::Value::Object(keys).to_string()
}

fn shown(subject: &Subject<'_>, item: &Item) -> Option<String> {
    match item {
        Item::Outcome(Outcome::Match(m)) => Some(of_record(subject, "match", m)),
        Item::Outcome(Outcome::Timeout(m)) => Some(of_record(subject, "timeout", m)),
        Item::Outcome(Outcome::Refusal(r)) if r.reason == Reason::Error => Some("error".into()),
        Item::Outcome(Outcome::Refusal(r)) => Some(format!("refusal: {}", r.reason.as_str())),
        Item::Rejected(r) => Some(format!("rejected: {}", r.reason)),
        _ => None,
    }
}

fn of_record(subject: &Subject<'_>, what: &'static str, m: &MatchRecord) -> String {
    let name = |id: &Value| id.as_str().map_or_else(|| id.to_string(), str::to_owned);
    let bindings = m.bindings.0.iter().map(|(s, ids)| (s.to_string(), ids.iter().map(name).collect())).collect();
    let values = m.values.0.iter().map(|(name, value)| (&**name, value.clone())).collect();
    Shown { what, bindings, at: m.at, by_time: m.by == "time", step: None, values }.line(subject)
}
