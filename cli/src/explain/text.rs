//! An explanation drawn for a person.

use std::collections::BTreeSet;
use std::slice;
use std::sync::Arc;

use super::{Explanation, demand, stages};

/// Width of the column of headings.
const MARGIN: usize = 13;

pub(super) fn draw(e: &Explanation) -> String {
    let mut out = String::new();
    section(&mut out, "task", &[format!("{} (source {})", e.task, e.source)]);
    section(&mut out, "rule", &lines(&e.rule));
    section(&mut out, "in words", &e.words);
    section(&mut out, "runs", slice::from_ref(&e.runs));
    section(&mut out, "stream", &or(&e.stream, "every event"));
    section(&mut out, "stages", &e.stages.iter().flat_map(stage).collect::<Vec<_>>());
    section(&mut out, "groups", &e.groups);
    section(&mut out, "window", slice::from_ref(&e.window));
    section(&mut out, "partition", &or(&e.partition, "none"));
    section(&mut out, "after match", slice::from_ref(&e.after_match));
    section(&mut out, "returns", &or(&e.returns, "nothing"));
    if let Some(values) = &e.on_timeout {
        section(&mut out, "on timeout", values);
    }
    section(&mut out, "keeps", &e.demands.iter().map(kept).collect::<Vec<_>>());
    section(&mut out, "cost", &e.notes);
    section(&mut out, "automaton", &lines(&e.automaton));
    out.push('\n');
    out
}

/// A heading, and its lines beside it.
fn section(out: &mut String, heading: &str, lines: &[String]) {
    for (i, line) in lines.iter().enumerate() {
        let text = format!("{:<MARGIN$}{line}", if i == 0 { heading } else { "" });
        out.push_str(text.trim_end());
        out.push('\n');
    }
}

fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::to_owned).collect()
}

fn or(lines: &[String], nothing: &str) -> Vec<String> {
    if lines.is_empty() { vec![nothing.to_owned()] } else { lines.to_vec() }
}

fn stage(s: &stages::Explained) -> Vec<String> {
    let mut out = vec![format!("{}: {}", s.name, s.takes)];
    let verb = if s.name.starts_with('!') { "if" } else { "where" };
    out.extend(s.conditions.iter().map(|c| format!("    {verb} {c}")));
    out.extend(s.on_leaving.iter().map(|c| format!("    left only where {c}")));
    out
}

fn kept(d: &demand::Explained) -> String {
    let names = |what: &str, names: &Option<BTreeSet<Arc<str>>>| {
        let names = names.as_ref()?.iter().map(|n| &**n).collect::<Vec<_>>().join(" or ");
        Some(format!("{what} {names}"))
    };
    let kinds: Vec<_> =
        [names("actionType", &d.action_types), names("scene", &d.scenes)].into_iter().flatten().collect();
    let kind = if kinds.is_empty() { "every event".to_owned() } else { kinds.join(", ") };
    let fields: Vec<_> = d.fields.iter().map(String::as_str).collect();
    if fields.is_empty() { kind } else { format!("{kind}: {}", fields.join(", ")) }
}
