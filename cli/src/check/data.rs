//! Rules held against recorded events: which of the attributes and values that they ask for never occur.
//!
//! The events are read once, line by line; of them only what some rule asks for is remembered, and of values that could
//! be meant instead a bounded number.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use ensue_dsl::{Asked, CheckedTask, Diagnostic, asked, codes, nearest};
use ensue_rule::{Attr, Event, On, OutputKind, Task, Timestamp, Value};

use crate::failure::Failure;
use crate::recording::lines::{Lines, note_rejected};

/// How many different values of one attribute are remembered.
const MOST_VALUES: usize = 10_000;

/// What occurs in recorded events.
pub(super) struct Data {
    /// By action type the names of its `args`, with a dot before what is inside a map.
    types: BTreeMap<Arc<str>, BTreeSet<String>>,
    /// By attribute and action type the values, of what rules compare.
    values: BTreeMap<Attr, BTreeMap<Arc<str>, BTreeSet<Value>>>,
    /// What the tasks derive: no recording has it, and its values nobody knows.
    derived: BTreeSet<Arc<str>>,
}

impl Data {
    /// Reads recorded events for what these tasks ask.
    pub(super) fn read<'t>(path: &Path, tasks: impl Iterator<Item = &'t CheckedTask>) -> Result<Self, Failure> {
        let mut out = Self { types: BTreeMap::new(), values: BTreeMap::new(), derived: BTreeSet::new() };
        for task in tasks {
            let attrs = asked(&task.task.rule).into_iter().filter(|a| a.value.is_some()).map(|a| a.attr);
            let filtered = task.task.filter.entries.iter().flat_map(|e| &e.tests).map(|t| t.attr.clone());
            out.values.extend(attrs.chain(filtered).chain([Attr::ActionType]).map(|attr| (attr, BTreeMap::new())));
            out.derive(&task.task);
        }
        let (mut lines, mut bad) = (Lines::open(path)?, 0);
        while let Some(line) = lines.next()? {
            match ensue_engine::parse_event(line.trim_ascii()) {
                _ if line.iter().all(u8::is_ascii_whitespace) => {}
                Ok(event) => out.add(&event),
                Err(_) => bad += 1,
            }
        }
        note_rejected(path, bad);
        Ok(out)
    }

    /// The events that a task makes of its matches.
    fn derive(&mut self, task: &Task) {
        for output in &task.outputs {
            let OutputKind::Event { action_type, .. } = &output.kind else { continue };
            let values = match output.on {
                On::Match => &task.rule.returns[..],
                On::Timeout => task.rule.on_timeout.as_deref().unwrap_or_default(),
            };
            self.derived.insert(action_type.clone());
            let names = self.types.entry(action_type.clone()).or_default();
            names.extend(values.iter().map(|r| r.name.to_string()));
        }
    }

    fn add(&mut self, event: &Event) {
        let names = self.types.entry(event.action_type.clone()).or_default();
        for (name, value) in &event.args {
            flatten(name, value, names);
        }
        for (attr, by_type) in &mut self.values {
            let value = value_of(event, attr);
            let values = by_type.entry(event.action_type.clone()).or_default();
            if !value.is_null() && values.len() < MOST_VALUES {
                values.insert(value);
            }
        }
    }

    /// What a task asks for and the data never has.
    pub(super) fn never(&self, task: &CheckedTask) -> Vec<Diagnostic> {
        let of_rule = asked(&task.task.rule).into_iter().filter_map(|a| self.never_asked(&a));
        let entries = task.task.filter.entries.iter().enumerate();
        let tests = entries.flat_map(|(n, e)| e.tests.iter().map(move |t| (n, t)));
        let of_filter = tests.flat_map(|(n, t)| {
            let missing = t.values.iter().filter_map(|v| self.no_value(&[], &t.attr, v));
            missing.map(move |d| d.path(format!("filter[{n}].{}", t.attr)))
        });
        let trigger = task.task.trigger.iter().flat_map(|t| &t.action_types);
        let of_trigger = trigger.filter_map(|name| {
            let d = self.no_value(&[], &Attr::ActionType, &Value::Str(name.clone()))?;
            Some(d.path("/actionTypeIn"))
        });
        of_rule.chain(of_filter).chain(of_trigger).map(|d| task.place(d)).collect()
    }

    fn never_asked(&self, asked: &Asked) -> Option<Diagnostic> {
        // Of action types that never occur that has been said, and nothing is known.
        if !asked.action_types.is_empty() && self.present(&asked.action_types).is_empty() {
            return None;
        }
        let d = match (&asked.value, &asked.attr) {
            (Some(value), attr) => self.no_value(&asked.action_types, attr, value),
            (None, Attr::Arg(path)) => self.no_attribute(&asked.action_types, path),
            (None, _) => None,
        };
        d.map(|d| d.at(asked.span))
    }

    /// Those of the action types that occur; with none named all that do.
    fn present(&self, action_types: &[Arc<str>]) -> Vec<&Arc<str>> {
        self.types.keys().filter(|t| action_types.is_empty() || action_types.contains(t)).collect()
    }

    fn no_attribute(&self, action_types: &[Arc<str>], path: &[Arc<str>]) -> Option<Diagnostic> {
        let word = path.iter().map(|n| &**n).collect::<Vec<_>>().join(".");
        let present = self.present(action_types);
        let names: BTreeSet<&str> =
            present.iter().filter_map(|t| self.types.get(*t)).flatten().map(String::as_str).collect();
        if names.contains(&*word) {
            return None;
        }
        let message = format!("in the data no {} has `args.{word}`", events_of(action_types));
        let d = Diagnostic::warning(codes::DATA_ATTRIBUTE, message);
        Some(match nearest(&word, names.iter().copied()) {
            Some(near) => d.hint(format!("did you mean `args.{near}`?")),
            None => d.hint(format!("there are {}", listed(names.iter().map(|n| format!("`args.{n}`"))))),
        })
    }

    fn no_value(&self, action_types: &[Arc<str>], attr: &Attr, value: &Value) -> Option<Diagnostic> {
        let by_type = self.values.get(attr)?;
        let present = self.present(action_types);
        let derived = match (attr, value) {
            (Attr::ActionType, Value::Str(name)) => self.derived.contains(name),
            _ => present.iter().any(|t| self.derived.contains(*t)),
        };
        if derived {
            return None;
        }
        let values: BTreeSet<&Value> = present.iter().filter_map(|t| by_type.get(*t)).flatten().collect();
        // An attribute that never occurs is said as such; of very many values some are forgotten.
        let unknown = values.is_empty() && matches!(attr, Attr::Arg(_));
        if values.iter().any(|v| v.equals(value)) || values.len() >= MOST_VALUES || unknown {
            return None;
        }
        let message = format!("in the data no {} has the `{attr}` {}", events_of(action_types), quoted(value));
        let d = Diagnostic::warning(codes::DATA_VALUE, message);
        let texts: Vec<&str> = values.iter().filter_map(|v| v.as_str()).collect();
        Some(match value.as_str().and_then(|word| nearest(word, texts.iter().copied())) {
            Some(near) => d.hint(format!("did you mean '{near}'?")),
            None if values.is_empty() => d.hint("the data has no events"),
            None => d.hint(format!("there are {}", listed(values.iter().map(|v| quoted(v))))),
        })
    }
}

/// `event`, `pv event`, `pv or leave event`.
fn events_of(action_types: &[Arc<str>]) -> String {
    let names = action_types.iter().map(|t| &**t).collect::<Vec<_>>().join(" or ");
    if names.is_empty() { "event".to_owned() } else { format!("{names} event") }
}

fn quoted(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), |text| format!("'{text}'"))
}

fn listed(all: impl Iterator<Item = String>) -> String {
    const SHOWN: usize = 8;
    let mut all = all;
    let mut shown: Vec<String> = all.by_ref().take(SHOWN).collect();
    if all.next().is_some() {
        shown.push("...".to_owned());
    }
    if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
}

fn flatten(name: &str, value: &Value, into: &mut BTreeSet<String>) {
    if value.is_null() || into.len() >= MOST_VALUES {
        return;
    }
    if let Value::Map(inside) = value {
        inside.iter().for_each(|(n, v)| flatten(&format!("{name}.{n}"), v, into));
    }
    into.insert(name.to_owned());
}

fn value_of(event: &Event, attr: &Attr) -> Value {
    let text = |t: &Option<Arc<str>>| t.clone().map_or(Value::Null, Value::Str);
    match attr {
        Attr::ActionType => Value::Str(event.action_type.clone()),
        Attr::Scene => text(&event.scene),
        Attr::Source => event.source.as_str().into(),
        Attr::Ts => event.ts.map_or(Value::Null, |Timestamp(ms)| ms.into()),
        Attr::UserId => text(&event.user_id),
        Attr::Arg(path) => Attr::lookup(&event.args, path),
    }
}
