//! Examples that name a case of `cases/flink/differences.json`: the page has its stream, our answer and flink-cep's.

use std::collections::{BTreeMap, BTreeSet};

use ensue_tests::case::{Bindings, Case};
use ensue_tests::{load, translate};
use serde_json::Value;

use crate::by_oracle::in_order;
use crate::example::{Example, Subject};

/// In what the example differs from the case that it names.
pub(crate) fn differs(example: &Example) -> Result<(), String> {
    let name = example.setting("case").unwrap_or_default();
    let problem = |what: String| format!("line {}, case {name}: {what}", example.line);
    let subject = Subject::new(example).map_err(problem)?;
    let (case, flink) = recorded(name).ok_or_else(|| problem("there is no such case".into()))?;
    let letter = |v: Option<&ensue_rule::Value>| v.and_then(|v| v.as_str()).map(str::to_uppercase).unwrap_or_default();
    let recorded: Vec<(i64, String)> = case.events.iter().map(|e| (e.ts, letter(e.fields.get("name")))).collect();
    let written: Vec<(i64, String)> = subject.events.iter().map(|e| (e.ts, e.event.action_type.to_string())).collect();
    if recorded != written {
        return Err(problem(format!("its stream is {recorded:?}")));
    }
    if case.advance_to != example.number("advance") {
        return Err(problem(format!("time goes on to {:?}", case.advance_to)));
    }
    let names = same_places(&subject, &case);
    let ours = lines(&subject, &names, case.matches.as_deref().unwrap_or_default());
    let page = example.expected.iter().filter_map(|l| l.strip_prefix("match: "));
    let page: BTreeSet<String> = page.map(|l| l.split(" @").next().unwrap_or_default().to_owned()).collect();
    if ours != page {
        return Err(problem(format!("ours is {ours:#?}")));
    }
    let flink = lines(&subject, &names, &flink);
    let page = example.setting("flink").unwrap_or_default().lines().filter(|l| *l != "none");
    let page: BTreeSet<String> = page.map(str::to_owned).collect();
    if flink == page { Ok(()) } else { Err(problem(format!("flink-cep gave {flink:#?}"))) }
}

fn recorded(name: &str) -> Option<(Case, Vec<Bindings>)> {
    let path = load::own_cases().join("flink/differences.json");
    let text = std::fs::read_to_string(path).expect("the cases are there");
    let cases: Vec<Value> = serde_json::from_str(&text).expect("they are cases");
    let case = cases.into_iter().find(|case| case["name"] == name)?;
    let flink = serde_json::from_value(case["flink"].clone()).expect("bindings");
    Some((serde_json::from_value(case).expect("a case"), flink))
}

/// What the page calls each stage of the case: the one at the same place.
fn same_places(subject: &Subject<'_>, case: &Case) -> BTreeMap<String, String> {
    let rule = translate::rule(case);
    let (of_case, of_page) = (rule.pattern.stages(), subject.rule.pattern.stages());
    assert_eq!(of_case.len(), of_page.len(), "the pattern is another");
    of_case.iter().zip(&of_page).map(|(a, b)| (a.name.to_string(), b.name.to_string())).collect()
}

/// Bindings as the page writes them.
fn lines(subject: &Subject<'_>, names: &BTreeMap<String, String>, matches: &[Bindings]) -> BTreeSet<String> {
    let line = |b: &Bindings| {
        let renamed = b.iter().map(|(stage, ids)| (names[stage].clone(), ids.clone())).collect();
        let bound = in_order(subject, &renamed).into_iter().map(|(stage, ids)| format!("{stage}={}", ids.join(",")));
        bound.collect::<Vec<_>>().join(" ")
    };
    matches.iter().map(line).collect()
}
