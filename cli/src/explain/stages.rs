//! The parts of a task in words: how it runs, its stages with their conditions, its window, what a match discards.

use std::sync::Arc;

use ensue_rule::{
    AfterMatch, Contiguity, Element, FilterEntry, Moment, Pattern, Quantifier, Rule, StageRef, Task, TaskScope,
    Trigger, WithinKind,
};
use serde::Serialize;

use super::fragment;

/// A stage.
#[derive(Debug, Serialize)]
pub(super) struct Explained {
    /// As it is written, `!` included.
    pub(super) name: String,
    /// How many events it takes, and how they follow what is before them.
    pub(super) takes: String,
    /// What an event must be to be taken.
    pub(super) conditions: Vec<String>,
    /// What must hold when it is left.
    pub(super) on_leaving: Vec<String>,
}

pub(super) fn explain(rule: &Rule) -> Vec<Explained> {
    let arrows = arrows(&rule.pattern);
    let stages = rule.pattern.stages();
    stages.iter().map(|stage| explain_stage(rule, stage, arrow_of(&arrows, stage.name))).collect()
}

fn explain_stage(rule: &Rule, stage: &StageRef<'_>, arrow: Option<Contiguity>) -> Explained {
    let conditions = |moment| {
        let own = rule.conditions.iter().filter(|c| c.stage == *stage.name && c.moment == moment);
        own.map(|c| fragment::expr(&c.expr)).collect()
    };
    let (name, takes) = if stage.forbidden {
        (format!("!{}", stage.name), forbids(arrow))
    } else {
        (stage.name.to_string(), follows(stage.quantifier, arrow))
    };
    Explained { name, takes, conditions: conditions(Moment::Take), on_leaving: conditions(Moment::Leave) }
}

fn forbids(arrow: Option<Contiguity>) -> String {
    match arrow {
        Some(Contiguity::Strict) => "forbidden as the very next event".to_owned(),
        _ => "forbidden until the next stage takes an event, or the window ends".to_owned(),
    }
}

fn follows(quantifier: Option<&Quantifier>, arrow: Option<Contiguity>) -> String {
    let times = quantifier.map_or_else(|| "one event".to_owned(), |q| times(q, "event", "events"));
    let how = match arrow {
        None => return times,
        Some(Contiguity::Strict) => "the very next event",
        Some(Contiguity::Relaxed) => "later",
        Some(Contiguity::Any) => "any later",
    };
    format!("{times}, {how}")
}

/// `3 or more events` and the like, with the suffixes.
pub(super) fn times(q: &Quantifier, one: &str, many: &str) -> String {
    let mut text = match (q.min, q.max) {
        (1, Some(1)) => format!("one {one}"),
        (1, None) => format!("one or more {many}"),
        (min, None) => format!("{min} or more {many}"),
        (min, Some(max)) if min == max => format!("exactly {min} {many}"),
        (min, Some(max)) => format!("{min} to {max} {many}"),
    };
    let mut add = |what: &str| text.push_str(what);
    if q.optional {
        add(", or none");
    }
    match q.inner {
        Contiguity::Strict if q.repeats() => add(", each right after the one before"),
        Contiguity::Any if q.repeats() => add(", any later ones"),
        _ => {}
    }
    if q.greedy {
        add(", greedy");
    }
    if let Some(gap) = q.gap {
        add(&format!(", each within {} of the one before", fragment::duration(gap.limit)));
    }
    if let Some(until) = &q.until {
        add(&format!(", until {}", fragment::expr(until)));
    }
    text
}

/// The arrow before each element that begins with a stage, by the stage's name.
fn arrows(pattern: &Pattern) -> Vec<(Arc<str>, Contiguity)> {
    let mut out = Vec::new();
    inside(&pattern.first, &mut out);
    for step in &pattern.then {
        for name in heads(&step.element) {
            out.push((name, step.arrow));
        }
        inside(&step.element, &mut out);
    }
    out
}

fn arrow_of(arrows: &[(Arc<str>, Contiguity)], stage: &str) -> Option<Contiguity> {
    arrows.iter().find(|(name, _)| **name == *stage).map(|(_, arrow)| *arrow)
}

/// The stages that may take an element's first event.
fn heads(element: &Element) -> Vec<Arc<str>> {
    match element {
        Element::Stage(s) => vec![s.name.clone()],
        Element::Not(n) => vec![n.name.clone()],
        Element::AllOf(members) => members.iter().map(|s| s.name.clone()).collect(),
        Element::AnyOf(branches) => branches.iter().flat_map(heads).collect(),
        Element::Group(g) => heads(&g.pattern.first),
    }
}

fn inside(element: &Element, out: &mut Vec<(Arc<str>, Contiguity)>) {
    match element {
        Element::Group(g) => out.append(&mut arrows(&g.pattern)),
        Element::AnyOf(branches) => branches.iter().for_each(|b| inside(b, out)),
        Element::Stage(_) | Element::Not(_) | Element::AllOf(_) => {}
    }
}

/// When the task looks at its stream, and whose.
pub(super) fn runs(task: &Task) -> String {
    let whose = match task.scope {
        TaskScope::User => "of each user",
        TaskScope::Device => "of all users together",
    };
    match &task.trigger {
        None => format!("continuously, over the events {whose}"),
        Some(trigger) => format!("looks back over the events {whose} at {}", trigger_text(trigger)),
    }
}

fn trigger_text(trigger: &Trigger) -> String {
    let list = |names: &[Arc<str>]| names.join(" or ");
    match (trigger.action_types.is_empty(), trigger.scenes.is_empty()) {
        (true, true) => "every event".to_owned(),
        (false, true) => format!("every {}", list(&trigger.action_types)),
        (true, false) => format!("every event of scene {}", list(&trigger.scenes)),
        (false, false) => format!("every {} of scene {}", list(&trigger.action_types), list(&trigger.scenes)),
    }
}

/// `actionType pv, scene a or b`.
pub(super) fn filter_entry(entry: &FilterEntry) -> String {
    let values = |values: &[ensue_rule::Value]| {
        let text = |v: &ensue_rule::Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
        values.iter().map(text).collect::<Vec<_>>().join(" or ")
    };
    let tests: Vec<_> = entry.tests.iter().map(|t| format!("{} {}", t.attr, values(&t.values))).collect();
    let text = if tests.is_empty() { "every event".to_owned() } else { tests.join(", ") };
    entry.alias.as_ref().map_or_else(|| text.clone(), |alias| format!("{text} (as {alias})"))
}

pub(super) fn window(rule: &Rule) -> String {
    let Some(within) = rule.within else {
        return "no WITHIN: less than the engine's default window (24 H) from first event to last".to_owned();
    };
    let length = fragment::duration(within.duration);
    match within.kind {
        WithinKind::Match => format!("less than {length} from first event to last"),
        WithinKind::Session => format!("less than {length} from first event to last, all in one session"),
        WithinKind::Previous => format!("less than {length} for the step to the last stage"),
    }
}

pub(super) fn after_match(after: &AfterMatch) -> String {
    let or = |or_error: bool| if or_error { ", an error where it is not bound" } else { "" };
    match after {
        AfterMatch::Consume => "CONSUME: no later match starts at or before the last event of this one".to_owned(),
        AfterMatch::NoSkip { limit: Some(n) } => format!("NO SKIP: every match, at most {n} an event"),
        AfterMatch::NoSkip { limit: None } => "NO SKIP: every match, up to the engine's limit an event".to_owned(),
        AfterMatch::SkipPastLastEvent => "SKIP PAST LAST EVENT: discards what starts within the match".to_owned(),
        AfterMatch::SkipToNextEvent => "SKIP TO NEXT EVENT: discards what starts with the same event".to_owned(),
        AfterMatch::SkipToFirst { stage, or_error } => {
            format!("SKIP TO FIRST {stage}: discards what starts before its first event{}", or(*or_error))
        }
        AfterMatch::SkipToLast { stage, or_error } => {
            format!("SKIP TO LAST {stage}: discards what starts before its last event{}", or(*or_error))
        }
    }
}
