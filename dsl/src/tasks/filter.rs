//! Filters: which events form a task's stream.

use std::sync::Arc;

use ensue_rule::{Attr, EntryTest, Filter, FilterEntry, Value, event::Source};
use serde::Deserialize;

use super::json::Node;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;
use crate::suggest;

const ALIAS: &str = "alias";

const KEYS: [&str; 4] = [ALIAS, "actionType", "scene", "source"];

/// Reads `filter`; `None` where something is wrong with it.
pub(super) fn read(node: &Node<'_>, sink: &mut Sink) -> Option<Filter> {
    let entries = match node.list() {
        Ok(list) => list,
        Err(d) => {
            sink.push(d);
            return None;
        }
    };
    let entries: Vec<_> = entries.iter().map(|n| entry(n, sink)).collect();
    entries.into_iter().collect::<Option<_>>().map(|entries| Filter { entries })
}

/// Reads an entry that is a control: an unknown key is refused, and one that every event passes. `None` where something is
/// wrong with it.
pub(super) fn control(node: &Node<'_>, sink: &mut Sink) -> Option<FilterEntry> {
    let object = node.object().map_err(|d| sink.push(d)).ok()?;
    let unknown: Vec<&str> = object.keys().filter(|key| *key != ALIAS && attr(key).is_none()).collect();
    if !unknown.is_empty() {
        let known: Vec<&str> = object.keys().filter(|key| !unknown.contains(key)).chain(KEYS).collect();
        object.refuse_unknown(&known, &[], sink);
        return None;
    }
    let entry = entry(node, sink)?;
    if entry.tests.is_empty() {
        let d = node.error(codes::JSON_VALUE, "every event passes this");
        sink.push(d.hint("say which: by `actionType`, `scene`, `source` or `args.NAME`"));
        return None;
    }
    Some(entry)
}

/// Reads one entry; `None` where something is wrong with it.
fn entry(node: &Node<'_>, sink: &mut Sink) -> Option<FilterEntry> {
    let object = node.object().map_err(|d| sink.push(d)).ok()?;
    let mut out = FilterEntry::default();
    let mut good = true;
    for key in object.keys() {
        let Some(value) = object.get(key) else { continue };
        let read = match key {
            ALIAS => value.text().map(|a| out.alias = Some(a.into())),
            _ => {
                if let Some(attr) = attr(key) {
                    values(&value, &attr).map(|values| out.tests.push(EntryTest { attr, values }))
                } else {
                    sink.push(unknown(key, value.path));
                    Ok(())
                }
            }
        };
        good &= read.map_err(|d| sink.push(d)).is_ok();
    }
    good.then_some(out)
}

/// The attribute that a key of an entry tests.
fn attr(key: &str) -> Option<Attr> {
    match key {
        "actionType" | "scene" | "source" => Attr::built_in(key),
        _ if key.starts_with("args.") => Attr::try_from(key.to_owned()).ok(),
        _ => None,
    }
}

fn unknown(key: &str, path: String) -> Diagnostic {
    let message = format!("unknown key `{}`: it narrows nothing", crate::token::shorten(key));
    let hint = suggest::hint(key, KEYS, "an entry has `alias`, `actionType`, `scene`, `source` and `args.NAME`");
    Diagnostic::warning(codes::UNKNOWN_KEY, message).path(path).hint(hint)
}

/// A value or a list of them.
fn values(node: &Node<'_>, attr: &Attr) -> Result<Vec<Value>, Diagnostic> {
    let list = node.one_or_more();
    if list.is_empty() {
        let d = node.error(codes::JSON_VALUE, "no event equals one of no values");
        return Err(d.hint("leave the key out to let every value pass"));
    }
    list.iter().map(|n| value(n, attr)).collect()
}

fn value(node: &Node<'_>, attr: &Attr) -> Result<Value, Diagnostic> {
    if let Attr::Arg(_) = attr {
        let scalar = !(node.json.is_null() || node.json.is_array() || node.json.is_object());
        let read = Value::deserialize(node.json).ok().filter(|_| scalar);
        return read.ok_or_else(|| node.wrong("a string, a number or a bool"));
    }
    let text = node.text()?;
    if *attr == Attr::Source && Source::from_name(text).is_none() {
        let known = ["page", "network", "storage", "derived", "custom"];
        let d = node.error(codes::JSON_VALUE, format!("`{}` is not a source", crate::token::shorten(text)));
        return Err(d.hint(suggest::hint(text, known, "the sources are page, network, storage, derived and custom")));
    }
    Ok(Value::Str(Arc::from(text)))
}
