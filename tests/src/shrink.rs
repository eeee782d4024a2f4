//! Makes a failing case as small as it can be while it still fails.

use std::collections::HashSet;

use crate::case::{Case, Cond, Contiguity, Element, Quant, Skip, Strategy, WithinType};

/// The smallest case found by leaving things out one at a time, for which `fails` still holds.
pub fn shrink(case: &Case, fails: impl Fn(&Case) -> bool) -> Case {
    let mut best = case.clone();
    // Leaving things out one way and another may lead to the same case: none is tried twice.
    let mut tried = HashSet::from([format!("{best:?}")]);
    while let Some(smaller) = smaller(&best).into_iter().find(|c| tried.insert(format!("{c:?}")) && fails(c)) {
        best = smaller;
    }
    best
}

fn smaller(case: &Case) -> Vec<Case> {
    let mut out = Vec::new();
    let with = |change: &dyn Fn(&mut Case)| {
        let mut c = case.clone();
        change(&mut c);
        c
    };
    for i in 0..case.events.len() {
        out.push(with(&|c| {
            c.events.remove(i);
            for (id, e) in (0..).zip(&mut c.events) {
                e.id = id;
            }
        }));
    }
    out.extend(lists(&case.pattern).into_iter().map(|pattern| Case { pattern, ..case.clone() }));
    if case.skip.strategy != Strategy::NoSkip {
        out.push(with(&|c| c.skip = Skip { strategy: Strategy::NoSkip, to: None, limit: None, throw_on_miss: false }));
    }
    if case.skip.limit.is_some() {
        out.push(with(&|c| c.skip.limit = None));
    }
    if case.skip.throw_on_miss {
        out.push(with(&|c| c.skip.throw_on_miss = false));
    }
    if case.timeouts.is_some() {
        out.push(with(&|c| c.timeouts = None));
    }
    if case.within_type != WithinType::FirstAndLast {
        out.push(with(&|c| c.within_type = WithinType::FirstAndLast));
    }
    if case.within_ms.is_some() {
        out.push(with(&|c| c.within_ms = None));
    }
    if case.advance_to.is_some() {
        out.push(with(&|c| c.advance_to = None));
    }
    for i in 1..case.events.len() {
        let gap = case.events[i].ts - case.events[i - 1].ts;
        if gap > 1 {
            out.push(with(&|c| c.events[i..].iter_mut().for_each(|e| e.ts -= gap - 1)));
        }
    }
    out
}

/// A list with one thing less.
fn lists(list: &[Element]) -> Vec<Vec<Element>> {
    let mut out = Vec::new();
    for (i, e) in list.iter().enumerate() {
        let mut put = |instead: &[Element]| {
            let mut l = list.to_vec();
            l.splice(i..=i, instead.iter().cloned());
            if let Some(first) = l.first_mut() {
                let absent = matches!(first.contiguity, Contiguity::NotNext | Contiguity::NotFollowedBy);
                if absent {
                    return;
                }
                first.contiguity = Contiguity::Begin;
                first.bound_ms = None;
                out.push(l);
            }
        };
        put(&[]);
        for inside in [&e.group, &e.any_of, &e.all_of].into_iter().flatten() {
            let mut inside = inside.clone();
            if e.group.is_some() {
                inside[0].contiguity = e.contiguity;
                put(&inside);
            } else {
                for mut one in inside {
                    one.contiguity = e.contiguity;
                    put(&[one]);
                }
            }
        }
        elements(e).iter().for_each(|e| put(std::slice::from_ref(e)));
    }
    out
}

/// An element with one thing less.
fn elements(e: &Element) -> Vec<Element> {
    let mut out = Vec::new();
    let q = e.quant;
    for quant in [
        Quant::default(),
        Quant { optional: false, ..q },
        Quant { greedy: false, ..q },
        Quant { inner: crate::case::Inner::Relaxed, ..q },
        Quant { min: q.min.min(1), ..q },
        Quant { max: q.max.filter(|m| *m == 1), ..q },
    ] {
        out.push(Element { quant, ..e.clone() });
    }
    out.push(Element { until: None, ..e.clone() });
    out.push(Element { window_ms: None, window_inclusive: false, ..e.clone() });
    out.push(Element { bound_ms: None, bound_inclusive: false, ..e.clone() });
    out.push(Element { window_inclusive: false, ..e.clone() });
    out.push(Element { bound_inclusive: false, ..e.clone() });
    out.push(Element { leave: None, ..e.clone() });
    for contiguity in [Contiguity::FollowedBy, Contiguity::NotFollowedBy] {
        if (contiguity == Contiguity::NotFollowedBy) == (e.contiguity == Contiguity::NotNext) {
            out.push(Element { contiguity, ..e.clone() });
        }
    }
    let part = |c: &Option<Cond>| c.as_ref().map(conditions).unwrap_or_default();
    out.extend(part(&e.condition).into_iter().map(|c| Element { condition: Some(c), ..e.clone() }));
    out.extend(part(&e.until).into_iter().map(|c| Element { until: Some(c), ..e.clone() }));
    let nested = |list: &Option<Vec<Element>>| list.as_deref().map(lists).unwrap_or_default();
    out.extend(nested(&e.group).into_iter().map(|l| Element { group: Some(l), ..e.clone() }));
    let several = |l: &Vec<Element>| l.len() > 1;
    let of = nested(&e.any_of).into_iter().filter(several);
    out.extend(of.map(|l| Element { any_of: Some(unarrowed(l)), ..e.clone() }));
    let of = nested(&e.all_of).into_iter().filter(several);
    out.extend(of.map(|l| Element { all_of: Some(unarrowed(l)), ..e.clone() }));
    out.retain(|smaller| smaller != e);
    out
}

/// Members and branches carry no arrows.
fn unarrowed(mut list: Vec<Element>) -> Vec<Element> {
    list.iter_mut().for_each(|e| e.contiguity = Contiguity::Begin);
    list
}

fn conditions(c: &Cond) -> Vec<Cond> {
    match c {
        Cond::And { args } | Cond::Or { args } => args.clone(),
        _ => Vec::new(),
    }
}
