//! Task documents to tasks.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail so")]

use std::sync::Arc;

use ensue_dsl::{ReadOptions, Script, Scripts, check_documents, codes, compile, read_documents, single_task};
use ensue_rule::{
    AfterMatch, Attr, Backoff, Cap, Counted, Dialect, Duration, Expr, ExprKind, On, OutputKind, Per, QuietHours,
    QuietMode, SdkVersion, Share, Task, TaskEntry, TaskKind, TaskScope, TaskSet, Timestamp, TouchPolicy, Value,
};
use serde_json::json;

/// The published task document, word for word.
const PUBLISHED: &str = r#"{ "actionTypeIn": ["leave"],
  "sceneIn": ["https://market.m.taobao.com/app/idleFish-F2e/idlefish-renting/home",
              "https://market.wapa.taobao.com/app/idleFish-F2e/idlefish-renting/home"],
  "taskArray": [ { "taskType": "py_backtrace", "pythonName": "test_cep_rent_rule2",
                   "filter": [ {"alias": "e1", "actionType": "leave"}, {"alias": "e2", "actionType": "pv"} ] } ] }"#;

/// The published rule text, word for word.
const RULE: &str = "EVENT: e1->e2 WHERE e1.extra_info.actionType = 'pv' AND e1.extra_info.scene = 'item_detail' AND \
                    e2.extra_info.actionType = 'leave' AND e2.extra_info.scene = 'item_detail'";

fn sets(json: &str) -> Vec<TaskSet> {
    read_documents(json.as_bytes(), &ReadOptions::default()).unwrap_or_else(|d| panic!("{}", d.render("doc")))
}

/// The entries of a document of one set.
fn entries(json: &serde_json::Value) -> Vec<TaskEntry> {
    let mut sets = sets(&json.to_string());
    assert_eq!(sets.len(), 1);
    sets.remove(0).tasks
}

/// The one task of a document with these keys and a plain rule.
fn task(keys: &serde_json::Value) -> Arc<Task> {
    let mut task = json!({"rule": "EVENT: a WHERE a.actionType = 'pv' WITHIN 5 MIN RETURN COUNT(a) AS n"});
    task.as_object_mut().unwrap().extend(keys.as_object().unwrap().clone());
    let mut entries = entries(&json!({"taskArray": [task]}));
    entries.remove(0).task.unwrap_or_else(|r| panic!("{r:?}"))
}

fn refusals(json: &serde_json::Value) -> Vec<(String, String, String)> {
    let refused = |e: TaskEntry| e.task.err().map(|r| (e.id.to_string(), r.code, r.path));
    entries(json).into_iter().filter_map(refused).collect()
}

#[test]
fn the_published_document_with_a_rule_beside_the_script() {
    let json = PUBLISHED.replace("\"filter\"", &format!("\"rule\": {}, \"filter\"", json!(RULE)));
    let set = &sets(&json)[0];
    assert_eq!((&*set.source, set.version, set.warnings.len()), ("default", None, 0));
    let task = set.tasks[0].task.as_ref().unwrap();
    assert_eq!(&*task.id, "test_cep_rent_rule2");
    assert_eq!(task.kind, TaskKind::PyBacktrace { python_name: "test_cep_rent_rule2".into(), hash: None });
    let trigger = task.trigger.as_ref().unwrap();
    assert_eq!((trigger.action_types.len(), trigger.scenes.len()), (1, 2));
    let aliases: Vec<_> = task.filter.entries.iter().map(|e| e.alias.as_deref().unwrap()).collect();
    assert_eq!(aliases, ["e1", "e2"]);
    assert_eq!(task.filter.entries[1].tests[0].values, [Value::from("pv")]);
    assert_eq!(task.rule, compile(RULE, Dialect::Ensue).rule.unwrap());
    assert_eq!(set.tasks[0].warnings.len(), 1, "no WITHIN");
}

#[test]
fn the_published_document_needs_a_rule_where_no_python_runs() {
    let set = &sets(PUBLISHED)[0];
    let refused = set.tasks[0].task.as_ref().unwrap_err();
    assert_eq!((&*refused.code, &*refused.path), (codes::NO_PYTHON, "taskArray[0].pythonName"));
    assert!(refused.message.contains("test_cep_rent_rule2"), "{refused:?}");

    let options = ReadOptions { default_rule: compile(RULE, Dialect::Ensue).rule, ..ReadOptions::default() };
    let sets = read_documents(PUBLISHED.as_bytes(), &options).unwrap();
    assert_eq!(sets[0].tasks[0].task.as_ref().unwrap().rule, options.default_rule.unwrap());
}

#[test]
fn a_script_beside_a_rule_is_warned_of_where_python_runs() {
    for (script, hash) in [(sound(), Some("abc".into())), (Script::Missing, None)] {
        let options = ReadOptions { default_rule: compile(RULE, Dialect::Ensue).rule, ..with(script) };
        let sets = read_documents(PUBLISHED.as_bytes(), &options).unwrap();
        assert_eq!(sets[0].tasks[0].warnings[0].code, codes::SCRIPT_AND_RULE);
        let task = sets[0].tasks[0].task.as_ref().unwrap();
        assert_eq!(task.kind, TaskKind::PyBacktrace { python_name: "test_cep_rent_rule2".into(), hash });
    }
}

/// Scripts of which each has the same to say.
#[derive(Debug)]
struct Shelf(Script);

impl Scripts for Shelf {
    fn find(&self, _: &str) -> Script {
        self.0.clone()
    }
}

fn sound() -> Script {
    Script::Sound("abc".into())
}

fn with(script: Script) -> ReadOptions {
    ReadOptions { scripts: Some(Arc::new(Shelf(script))), ..ReadOptions::default() }
}

#[test]
fn the_published_document_is_taken_where_its_script_is() {
    let task = read_documents(PUBLISHED.as_bytes(), &with(sound())).unwrap()[0].tasks[0].clone();
    assert_eq!((task.task.as_ref().unwrap().script().unwrap().1.as_ref(), task.warnings.len()), ("abc", 0));
    let checked = check_documents(PUBLISHED.as_bytes(), &with(sound()));
    assert_eq!((checked.diagnostics.len(), checked.tasks.len()), (0, 1), "{:?}", checked.diagnostics);
}

#[test]
fn a_script_that_cannot_run_is_refused_by_name() {
    let broken = || Script::Broken("line 3: SyntaxError: invalid syntax".to_owned());
    let untriggered = json!({ "taskArray": [{ "taskType": "py_backtrace", "pythonName": "s" }] }).to_string();
    let beside = json!({ "actionTypeIn": ["x"], "taskArray": [
        { "taskType": "py_backtrace", "pythonName": "s", "rule": "EVENT: a WITHIN 1 H" }] });
    let timing = json!({ "actionTypeIn": ["x"], "taskArray": [{ "taskType": "py_backtrace", "pythonName": "s",
        "output": { "type": "touch", "touch": "t", "on": "timeout" } }] });
    for (document, script, code, path, says) in [
        (PUBLISHED, Script::Missing, codes::NO_SCRIPT, "taskArray[0].pythonName", "`test_cep_rent_rule2`"),
        (PUBLISHED, broken(), codes::SCRIPT_IMPORT, "taskArray[0].pythonName", "line 3: SyntaxError"),
        (&untriggered, sound(), codes::SCRIPT_TRIGGER, "taskArray[0].pythonName", "trigger"),
        (&beside.to_string(), broken(), codes::SCRIPT_IMPORT, "taskArray[0].pythonName", "`s`"),
        (&timing.to_string(), sound(), codes::NO_ON_TIMEOUT, "taskArray[0].output", "timeouts"),
    ] {
        let set = &read_documents(document.as_bytes(), &with(script)).unwrap()[0];
        let refused = set.tasks[0].task.as_ref().unwrap_err();
        assert_eq!((&*refused.code, &*refused.path), (code, path), "{refused:?}");
        assert!(refused.message.contains(says), "{refused:?}");
    }
}

#[test]
fn a_full_task() {
    let task = task(&json!({
        "id": "rent-hesitation", "taskType": "cep", "scope": "device", "expires": "2027-01-01T00:00:00Z",
        "filter": [{"actionType": ["pv", "leave"], "args.item": 42, "args.a.b": [true, "x"], "source": "page"}],
        "output": [{"type": "touch", "touch": "coupon_popup", "when": "n < 10", "payload": {"from": "rent"}},
                   {"type": "event", "actionType": "hesitated", "scene": "item_detail"}],
        "policy": {"priority": 10, "cooldown": "30m", "ttl": "5m",
                   "caps": [{"limit": 1, "per": "day", "count": "decided", "scope": "user"}, {"limit": 3, "per": "7d", "shared": "promo"}]},
        "tests": [{"name": "passed over here"}],
    }));
    assert_eq!(
        (&*task.id, task.scope, task.expires),
        ("rent-hesitation", TaskScope::Device, Some(Timestamp(1_798_761_600_000)))
    );
    let tests = &task.filter.entries[0].tests;
    let by_attr = |a: &Attr| tests.iter().find(|t| t.attr == *a).unwrap().values.clone();
    assert_eq!(by_attr(&Attr::ActionType), [Value::from("pv"), Value::from("leave")]);
    assert_eq!(by_attr(&Attr::arg("item")), [Value::Int(42)]);
    assert_eq!(by_attr(&Attr::Arg(vec!["a".into(), "b".into()])), [Value::Bool(true), Value::from("x")]);
    let [touch, event] = task.outputs.as_slice() else { panic!("{:?}", task.outputs) };
    let n = Expr::from(ExprKind::Value("n".into()));
    assert_eq!(touch.when, Some(Expr::binary(ensue_rule::BinaryOp::Lt, n, Expr::literal(10))));
    assert!(
        matches!(&touch.kind, OutputKind::Touch { touch, payload } if &**touch == "coupon_popup" && payload.to_string() == r#"{"from":"rent"}"#)
    );
    assert_eq!(
        (event.on, &event.kind),
        (On::Match, &OutputKind::Event { action_type: "hesitated".into(), scene: Some("item_detail".into()) })
    );
    assert_eq!(
        (task.policy.priority, task.policy.cooldown, task.policy.ttl),
        (10, Some(Duration(1_800_000)), Some(Duration(300_000)))
    );
    let day = Cap::of(1, Per::Day);
    let week = Cap::of(3, Per::Span(Duration(604_800_000))).shared("promo");
    assert_eq!(task.policy.caps, [day, week]);
}

#[test]
fn what_is_absent_or_null_has_its_default() {
    let task =
        task(&json!({"id": null, "policy": null, "output": null, "filter": null, "expires": null, "rollout": {}}));
    assert_eq!(&*task.id, "default/0");
    assert_eq!((task.kind.clone(), task.scope, task.outputs.len()), (TaskKind::Cep, TaskScope::User, 0));
    assert!(task.trigger.is_none() && task.filter.entries.is_empty() && task.expires.is_none());
}

#[test]
fn one_output_needs_no_list_and_timeouts_have_their_own_values() {
    let rule = "EVENT: a -> b WITHIN 5 MIN RETURN COUNT(a) AS n ON TIMEOUT RETURN LAST(a.ts) AS seen";
    let timeout = |when: &str| json!({"type": "touch", "touch": "x", "on": "timeout", "when": when});
    assert_eq!(task(&json!({"rule": rule, "output": timeout("seen > 3")})).outputs[0].on, On::Timeout);
    let refused = refusals(&json!({"taskArray": [{"id": "t", "rule": rule, "output": timeout("n > 3")}]}));
    assert_eq!(refused, [("t".into(), codes::UNKNOWN_VALUE.into(), "taskArray[0].output.when".into())]);
}

#[test]
fn ids_come_from_the_id_the_script_the_rule_or_the_place() {
    let rule = |name: &str| format!("{name} EVENT: a WITHIN 5 MIN");
    let found = entries(&json!({"source": "growth", "taskArray": [
        {"id": "one", "pythonName": "script", "rule": rule("RULE named")},
        {"pythonName": "script", "rule": rule("RULE named")},
        {"rule": rule("RULE named")},
        {"rule": rule("")},
        {"rule": "RULE broken EVENT: a -> "},
        {"id": "one", "rule": rule("")},
    ]}));
    let ids: Vec<_> = found.iter().map(|e| &*e.id).collect();
    assert_eq!(ids, ["one", "script", "named", "growth/3", "broken", "growth/5"]);
    assert_eq!(found[5].task.as_ref().unwrap_err().code, codes::DUPLICATE_ID);
}

#[test]
fn a_bad_task_is_refused_alone_and_says_where() {
    let found = entries(&json!({"taskArray": [
        {"id": "good", "rule": "EVENT: a WITHIN 5 MIN"},
        {"id": "bad", "rule": "EVENT: a\nWHERE c.ts = 1 AND d.ts = 2 WITHIN 5 MIN", "policy": {"quiet": ["x"]}},
        5,
        {"id": "also good", "rule": "EVENT: a WITHIN 5 MIN"},
    ]}));
    assert!(found[0].task.is_ok() && found[3].task.is_ok());
    let refused = found[1].task.as_ref().unwrap_err();
    assert_eq!((&*refused.path, &*refused.code), ("taskArray[1].rule", codes::UNKNOWN_STAGE));
    assert_eq!(refused.message, "line 2, column 7: no stage is called `c` (the stages are `a`); and 2 more");
    assert_eq!((&*found[2].id, &*found[2].task.as_ref().unwrap_err().code), ("default/2", codes::JSON_TYPE));
}

#[test]
fn documents_of_one_source_form_one_set() {
    let rule = "EVENT: a WITHIN 5 MIN";
    let doc = |source: &str, version, id| json!({"source": source, "version": version, "taskArray": [{"id": id, "rule": rule}]});
    let sets = sets(&json!([doc("x", 3, "a"), doc("y", 1, "b"), doc("x", 5, "c"), doc("x", 4, "a")]).to_string());
    let ids = |s: &TaskSet| s.tasks.iter().map(|e| e.id.to_string()).collect::<Vec<_>>();
    assert_eq!(
        (&*sets[0].source, sets[0].version, ids(&sets[0])),
        ("x", Some(5), vec!["a".into(), "c".into(), "x/2".into()])
    );
    assert_eq!((&*sets[1].source, sets[1].version, ids(&sets[1])), ("y", Some(1), vec!["b".into()]));
    assert!(sets[0].tasks[2].task.is_err());
    assert_eq!(sets[0].warnings[0].code, codes::VERSIONS_DIFFER);
}

#[test]
fn a_document_malformed_anywhere_changes_nothing() {
    for json in
        ["[{\"taskArray\": []}, {\"version\": \"x\"}]", "{", "7", "{\"policy\": {\"caps\": 1}}", "{\"source\": \"\"}"]
    {
        let d = read_documents(json.as_bytes(), &ReadOptions::default()).unwrap_err();
        assert!(d.is_error(), "{json}");
    }
    let d = read_documents(b"{\n  \"taskArray\": [}\n}", &ReadOptions::default()).unwrap_err();
    assert_eq!(d.line_column(), (2, 17), "{d}");
}

#[test]
fn a_compiled_rule_is_read_by_its_format() {
    let rule = compile("RULE r EVENT: a -> !b WHERE b.args.x = a.args.x WITHIN 5 MIN", Dialect::Flink).rule.unwrap();
    let found = entries(&json!({"taskArray": [{"rule": rule}]}));
    assert_eq!(found[0].task.as_ref().unwrap().rule, rule);
    assert_eq!(&*found[0].id, "r");
}

#[test]
fn the_dialect_of_a_task_is_that_of_its_text() {
    let flink = task(&json!({"dialect": "flink"}));
    assert_eq!(flink.rule.after_match, AfterMatch::NoSkip { limit: None });
}

#[test]
fn an_absence_at_the_end_needs_a_window_or_a_trigger() {
    let rule = "EVENT: a -> !b WHERE a.actionType = 'x'";
    let refused = refusals(&json!({"taskArray": [{"id": "t", "rule": rule}]}));
    assert_eq!(refused[0].1, codes::ABSENCE_WITHOUT_WITHIN);
    assert!(refusals(&json!({"sceneIn": ["s"], "taskArray": [{"id": "t", "rule": rule}]})).is_empty());
    assert!(refusals(&json!({"taskArray": [{"id": "t", "rule": format!("{rule} WITHIN 1 H")}]})).is_empty());
    assert!(
        refusals(&json!({"taskArray": [{"id": "t", "rule": "EVENT: a => !b"}]})).is_empty(),
        "the next event decides"
    );
    assert!(refusals(&json!({"taskArray": [{"id": "t", "rule": "EVENT: (a -> !b) -> c"}]})).is_empty(), "c ends it");
}

#[test]
fn a_rule_alone() {
    let rule = compile("EVENT: a -> b", Dialect::Ensue).rule.unwrap();
    let set = single_task(rule.clone(), "stem");
    let task = set.tasks[0].task.as_ref().unwrap();
    assert_eq!((&*set.source, &*task.id, &task.rule, &task.trigger), ("default", "stem", &rule, &None));
    let absence = compile("EVENT: a -> !b", Dialect::Ensue).rule.unwrap();
    assert_eq!(single_task(absence, "x").tasks[0].task.as_ref().unwrap_err().code, codes::ABSENCE_WITHOUT_WITHIN);
}

#[test]
fn events_that_come_back_are_refused_with_their_way() {
    let task = |id: &str, from: &str, to: &str| json!({"id": id, "rule": format!("EVENT: a WHERE a.actionType = '{from}' WITHIN 1 H"), "output": {"type": "event", "actionType": to}});
    let refused = refusals(
        &json!({"taskArray": [task("a", "x", "y"), task("b", "y", "z"), task("c", "z", "x"), task("d", "z", "w")]}),
    );
    assert_eq!(refused, [("c".into(), codes::EVENT_CYCLE.into(), "taskArray[2].output".into())]);
    let any = json!({"id": "any", "rule": "EVENT: a WITHIN 1 H", "output": {"type": "event", "actionType": "x"}});
    assert!(refusals(&json!({"taskArray": [any]})).is_empty(), "derived events join only streams that name them");
}

/// A control over all touches with which something is wrong holds back the tasks that have touches, whichever document of
/// the apply asks for it; what never reaches the user runs.
#[test]
fn a_bad_policy_across_tasks_refuses_touches_only() {
    let task = |id: &str, output: serde_json::Value| json!({"id": id, "rule": RULE, "output": output});
    let touch = json!({"type": "touch", "touch": "x"});
    let documents = json!([
        {"source": "one", "taskArray": [task("touches", touch.clone()), task("derives", json!({"type": "event", "actionType": "y"}))]},
        {"source": "two", "policy": {"minGap": "-5m"}, "taskArray": [task("emits", json!(null)), task("too", touch)]},
    ]);
    let sets = read_documents(documents.to_string().as_bytes(), &ReadOptions::default()).unwrap();
    let entries: Vec<_> = sets.iter().flat_map(|s| &s.tasks).map(|t| (&*t.id, t.task.as_ref().err())).collect();
    let refused: Vec<_> = entries.iter().filter_map(|(id, e)| e.map(|e| (*id, &*e.code, &*e.path))).collect();
    assert_eq!(refused, [("touches", "E0503", "[1].policy.minGap"), ("too", "E0503", "[1].policy.minGap")]);
    assert_eq!(entries.len(), 4);
    let alone = read_documents(br#"{"policy": {"minGap": "-5m"}}"#, &ReadOptions::default());
    assert_eq!(alone.unwrap_err().code, ensue_dsl::codes::JSON_VALUE, "it would seem to be in force");
}

#[test]
fn a_policy_across_tasks_is_of_its_set() {
    let policy = json!({"caps": [{"limit": 3, "per": "week", "count": "shown"}], "minGap": "5m", "quiet": "22:00-08:00",
        "onePerMoment": true});
    let sets =
        sets(&json!([{"policy": policy}, {"source": "x", "policy": {"minGap": "1h"}}, {"policy": {}}]).to_string());
    let week = Cap { count: Counted::Shown, ..Cap::of(3, Per::Week) };
    let night = QuietHours { from: 22 * 60, to: 8 * 60 };
    let full =
        TouchPolicy { caps: vec![week], min_gap: Some(Duration(300_000)), quiet: vec![night], one_per_moment: true };
    assert_eq!(sets[0].policies, [full, TouchPolicy::default()]);
    assert_eq!(sets[1].policies, [TouchPolicy { min_gap: Some(Duration(3_600_000)), ..TouchPolicy::default() }]);
}

#[test]
fn every_control_of_a_task() {
    let task = task(&json!({
        "policy": {"caps": [{"limit": 0, "per": "session"}, {"limit": 2, "per": "hour", "count": "shown", "scope": "device"}],
            "exclusive": "promo", "ttl": "3h", "quiet": ["22:00-24:00", "00:00-08:00"], "quietMode": "defer",
            "holdout": 0.1, "salt": "s", "delay": "10m", "cancelOn": {"actionType": "buy"},
            "backoff": [{"dismissed": 3, "for": "7d"}, {"minClickRate": 0.02, "trials": 20, "for": "7d"}, {"adaptive": true},
                {"adaptive": false}]},
        "rollout": {"percent": 12.5, "salt": "r", "minSdk": "0.1", "maxSdk": "2.0.0", "starts": "2027-01-01T00:00:00Z"},
    }));
    let p = &task.policy;
    let device = Cap { count: Counted::Shown, scope: TaskScope::Device, ..Cap::of(2, Per::Hour) };
    assert_eq!(p.caps, [Cap::of(0, Per::Session), device]);
    assert_eq!((p.exclusive.as_deref(), p.salt.as_deref(), p.holdout), (Some("promo"), Some("s"), Share(100_000)));
    assert_eq!(p.quiet, [QuietHours { from: 1_320, to: 0 }, QuietHours { from: 0, to: 480 }]);
    assert_eq!((p.quiet_mode, p.delay), (QuietMode::Defer, Some(Duration(600_000))));
    let buys = p.cancel_on.as_ref().unwrap();
    assert!(buys.passes(|attr| if *attr == Attr::ActionType { "buy".into() } else { Value::Null }));
    let wait = Duration(604_800_000);
    let click_rate = Backoff::ClickRate { floor: Share(20_000), trials: 20, wait };
    assert_eq!(p.backoff, [Backoff::Dismissed { times: 3, wait }, click_rate, Backoff::Adaptive]);
    let r = &p.rollout;
    assert_eq!((r.share, r.salt.as_deref(), r.min_sdk), (Some(Share(125_000)), Some("r"), Some(SdkVersion(0, 1, 0))));
    assert_eq!((r.max_sdk, r.starts), (Some(SdkVersion(2, 0, 0)), Some(Timestamp(1_798_761_600_000))));
}

/// A schema that travels with the tasks warns where they are loaded, and refuses nothing.
#[test]
fn a_schema_beside_tasks_warns_where_they_are_loaded() {
    let rule = "EVENT: v WHERE v.actionType = 'pv' AND v.args.itme = 1 WITHIN 1 H";
    let document = json!({"schema": {"pv": {"item": "string"}}, "taskArray": [{"id": "t", "rule": rule, "tests": 7}]});
    let sets = read_documents(document.to_string().as_bytes(), &ReadOptions::default()).unwrap();
    let entry = &sets[0].tasks[0];
    assert!(entry.task.is_ok());
    let codes: Vec<_> = entry.warnings.iter().map(|w| (&*w.code, &*w.path)).collect();
    assert_eq!(codes, [("W0602", "taskArray[0].rule")]);
}
