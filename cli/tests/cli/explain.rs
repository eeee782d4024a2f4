//! `ensue explain`: what a rule author is told.

use crate::shell::{Shell, repository};

const RULE: &str = "EVENT: v{3,} -> !s -> l WHERE v.actionType = 'pv' AND v.scene = 'item' AND s.actionType = 'save' \
                    AND l.actionType = 'leave' AND l.args.item = v.args.item WITHIN 10 MIN PARTITION BY args.city \
                    RETURN COUNT(v) AS views\n";

#[test]
fn a_rule_in_words() {
    let ended = Shell::new().file("hesitation.txt", RULE).ensue("explain hesitation.txt");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    let lines = [
        "task         hesitation (source default)",
        "runs         continuously, over the events of each user",
        "stages       v: 3 or more events",
        "                 where v.actionType = 'pv'",
        "                 where v.scene = 'item'",
        "             !s: forbidden until the next stage takes an event, or the window ends",
        "                 if s.actionType = 'save'",
        "             l: one event, later",
        "                 where l.args.item = v.args.item",
        "window       less than 10 MIN from first event to last",
        "partition    args.city",
        "after match  CONSUME: no later match starts at or before the last event of this one",
        "returns      COUNT(v) AS views",
        "keeps        actionType pv, scene item: args.city, args.item",
        "             actionType save: args.city",
        "             actionType leave: args.city, args.item",
        "in words     waits for 3 or more v (pv in item), then one l (leave)",
        "             forbids s (save) between v and l",
        "             all in less than 10 MIN",
        "             gives views",
        "             cost tier 2 of 4: partial matches are held apart by a value that is looked up",
        "             keeps leave(args.city, args.item), pv(args.city, args.item) in item, save(args.city) for 10 MIN",
        "cost         l.args.item = v.args.item: runs are held apart by the value compared with",
        "             events are kept for 10 MIN",
    ];
    for line in lines {
        assert!(ended.stdout.contains(&format!("{line}\n")), "{line:?} in\n{}", ended.stdout);
    }
    let automaton = ended.stdout.split("\nautomaton").nth(1).unwrap_or_default();
    assert!(automaton.lines().count() > 2, "{}", ended.stdout);
}

#[test]
fn the_automaton_for_graphviz() {
    let ended = Shell::new().file("r.txt", RULE).ensue("explain --dot r.txt");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    assert!(ended.stdout.starts_with("digraph") && ended.stdout.trim_end().ends_with('}'), "{}", ended.stdout);
    let object = Shell::new().file("r.txt", RULE).ensue("explain --dot r.txt --json").of_kind("automaton");
    assert_eq!((&object[0]["task"], object[0]["dot"].as_str()), (&"r".into(), Some(&*ended.stdout)));
}

#[test]
fn as_an_object() {
    let ended = Shell::new().file("r.txt", RULE).ensue("explain --json r.txt");
    let found = ended.of_kind("explanation");
    assert_eq!(found[0]["stages"][1]["name"], "!s");
    assert_eq!((&found[0]["tier"], &found[0]["words"][2]), (&2.into(), &"all in less than 10 MIN".into()));
    assert_eq!(found[0]["demands"][0]["action_types"][0], "pv");
    assert!(ended.stdout.starts_with(r#"{"kind":"explanation","source":"default","task":"r","#), "{}", ended.stdout);
}

#[test]
fn each_task_of_a_document() {
    let tasks = std::fs::read(repository("examples/rental/tasks.json")).unwrap();
    let ended = Shell::new().file("tasks.json", tasks).ensue("explain tasks.json");
    assert_eq!((ended.code, ended.stderr.as_str()), (0, ""));
    for task in
        ["test_cep_rent_rule2", "hesitation", "hesitated-again", "saved-not-asked", "price-drop", "failed-search"]
    {
        assert!(ended.stdout.contains(&format!("task         {task} (source ")), "{}", ended.stdout);
    }
    let trigger = "looks back over the events of each user at every leave of scene https://market.m.taobao.com/";
    assert!(ended.stdout.contains(trigger), "{}", ended.stdout);
}

#[test]
fn what_can_not_be_explained_says_why() {
    let sh = Shell::new();
    let ended = sh.file("bad.txt", "EVENT: a -> a").ensue("explain bad.txt");
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("error[E0201]"), "{}", ended.stdout);
    let tasks = r#"{"taskArray":[{"id":"x","taskType":"cep"},{"id":"y","taskType":"cep","rule":"EVENT: a"}]}"#;
    let ended = sh.file("t.json", tasks).ensue("explain t.json");
    assert_eq!(ended.code, 1);
    assert!(ended.stdout.contains("error[E0508]: task x is refused"), "{}", ended.stdout);
    assert!(ended.stdout.contains("task         y (source default)"), "{}", ended.stdout);
}

#[test]
fn groups_alternatives_and_any_order_are_said() {
    let rule = "EVENT: a -> (b+ -> c?){2,3} -> (d | e) -> f & g{2} WHERE a.actionType = 'a' WITHIN 1 H";
    let ended = Shell::new().file("r.txt", rule).ensue("explain r.txt");
    let expected =
        "groups       (b, c): 2 to 3 turns\n             d | e: either\n             f & g: all, in any order\n";
    assert!(ended.stdout.contains(expected), "{}", ended.stdout);
}

#[test]
fn what_is_forbidden_where_and_how_steps_follow_is_said() {
    let rule = "EVENT: a{2,} [< 5 S] ->[<= 5 MIN] (b -> !n -> c){2} => (d | e) ->> f & g -> !h
                WHERE a.args.x > PREV(a.args.x) AND h.actionType IN ('x', 'y') WITHIN 1 D OF SESSION";
    let ended = Shell::new().file("r.txt", rule).ensue("explain r.txt --json");
    let words = ended.of_kind("explanation")[0]["words"].clone();
    let expected = [
        "waits for 2 or more a, each within 5 S of the one before, then exactly 2 turns of (one b, then one c) at most 5 MIN later, at \
         once (either one d or one e), then any later one f and one g in any order",
        "forbids n between b and c",
        "forbids h (x or y) after f and g until the window ends",
        "all in less than 1 D and one session",
        "cost tier 3 of 4: runs are held apart by what the event before in a loop was; their number is limited",
        "keeps every event(args.x), x or y for 1 D",
    ];
    assert_eq!(words, serde_json::json!(expected));
}
