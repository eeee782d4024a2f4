//! Events: what the app says happened, and the attributes by which rules look at it.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::time::Timestamp;
use crate::value::Value;

/// Where an event comes from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A page was opened, left, clicked.
    Page,
    /// A network request or its answer.
    Network,
    /// A key was read or written.
    Storage,
    /// Made by a task out of a match; never accepted from outside.
    Derived,
    /// Anything else.
    #[default]
    Custom,
}

impl Source {
    /// The name in JSON and in rules.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Page => "page",
            Self::Network => "network",
            Self::Storage => "storage",
            Self::Derived => "derived",
            Self::Custom => "custom",
        }
    }

    /// The source of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Page, Self::Network, Self::Storage, Self::Derived, Self::Custom].into_iter().find(|s| s.as_str() == name)
    }
}

/// What an [`Event::utc_offset_min`] may be: a day either way. A recorded event with another is refused, whatever form it has.
pub const UTC_OFFSETS: RangeInclusive<i32> = -1_440..=1_440;

/// One thing that happened, owned.
///
/// Its place in a stream is `(ts, arrival)`; the arrival number is the store's, not the event's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// When it happened; `None` asks the engine to stamp it.
    pub ts: Option<Timestamp>,
    /// The label the host gave it: shown in bindings, never used to remove duplicates.
    pub id: Option<Value>,
    /// Where it comes from.
    pub source: Source,
    /// What was done; never empty.
    pub action_type: Arc<str>,
    /// Where: page URL or name, host and path, store key.
    pub scene: Option<Arc<str>>,
    /// Whose event it is; `None` is the user last identified, or the one anonymous user.
    pub user_id: Option<Arc<str>>,
    /// Offset of the local time from UTC in minutes, where known; one of [`UTC_OFFSETS`].
    pub utc_offset_min: Option<i32>,
    /// Everything else, by name.
    pub args: BTreeMap<Arc<str>, Value>,
}

/// One thing that happened, borrowed from the caller: what `record` takes, so that an event nobody wants costs no
/// allocation.
#[derive(Clone, Copy, Debug, Default)]
pub struct EventRef<'a> {
    /// See [`Event::ts`].
    pub ts: Option<Timestamp>,
    /// See [`Event::id`].
    pub id: Option<&'a Value>,
    /// See [`Event::source`].
    pub source: Source,
    /// See [`Event::action_type`].
    pub action_type: &'a str,
    /// See [`Event::scene`].
    pub scene: Option<&'a str>,
    /// See [`Event::user_id`].
    pub user_id: Option<&'a str>,
    /// See [`Event::utc_offset_min`].
    pub utc_offset_min: Option<i32>,
    /// Names and values; a name that comes twice keeps its last value.
    pub args: &'a [(&'a str, Value)],
}

impl Event {
    /// What a condition or filter sees of it.
    pub fn value(&self, attr: &Attr) -> Value {
        let text = |text: &Option<Arc<str>>| text.clone().map_or(Value::Null, Value::Str);
        match attr {
            Attr::ActionType => Value::Str(self.action_type.clone()),
            Attr::Scene => text(&self.scene),
            Attr::Source => self.source.as_str().into(),
            Attr::Ts => self.ts.map_or(Value::Null, |ts| Value::Int(ts.0)),
            Attr::UserId => text(&self.user_id),
            Attr::Arg(path) => Attr::lookup(&self.args, path),
        }
    }
}

impl EventRef<'_> {
    /// An owned copy.
    pub fn to_event(&self) -> Event {
        Event {
            ts: self.ts,
            id: self.id.cloned(),
            source: self.source,
            action_type: self.action_type.into(),
            scene: self.scene.map(Into::into),
            user_id: self.user_id.map(Into::into),
            utc_offset_min: self.utc_offset_min,
            args: self.args.iter().map(|(k, v)| (Arc::from(*k), v.clone())).collect(),
        }
    }
}

/// What of an event a condition looks at.
///
/// Serialised as its text form: `actionType`, `args.price`, `args.a.b`; a name that is not plain stands in backticks,
/// as in rule text.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum Attr {
    /// What was done.
    ActionType,
    /// Where.
    Scene,
    /// `page`, `network`, `storage`, `derived` or `custom`.
    Source,
    /// Milliseconds since the Unix epoch.
    Ts,
    /// The user, null if anonymous.
    UserId,
    /// `args.name`, and further names into maps. Never empty.
    Arg(Vec<Arc<str>>),
}

impl Attr {
    /// The built-in attribute of that name; exact case.
    pub fn built_in(name: &str) -> Option<Self> {
        Some(match name {
            "actionType" => Self::ActionType,
            "scene" => Self::Scene,
            "source" => Self::Source,
            "ts" => Self::Ts,
            "userId" => Self::UserId,
            _ => return None,
        })
    }

    /// `args.name`.
    pub fn arg(name: &str) -> Self {
        Self::Arg(vec![name.into()])
    }

    /// The value in `args` that a path names; null where anything on the way is missing.
    pub fn lookup(args: &BTreeMap<Arc<str>, Value>, path: &[Arc<str>]) -> Value {
        let Some((first, rest)) = path.split_first() else { return Value::Null };
        let mut at = args.get(first);
        for name in rest {
            at = match at {
                Some(Value::Map(m)) => m.get(name),
                _ => None,
            };
        }
        at.cloned().unwrap_or_default()
    }
}

/// Whether a name can stand in rule text without backticks (reserved words apart).
pub fn is_plain_name(name: &str) -> bool {
    let mut chars = name.chars();
    chars.next().is_some_and(|c| c.is_alphabetic() || c == '_') && chars.all(|c| c.is_alphanumeric() || c == '_')
}

impl fmt::Display for Attr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ActionType => f.write_str("actionType"),
            Self::Scene => f.write_str("scene"),
            Self::Source => f.write_str("source"),
            Self::Ts => f.write_str("ts"),
            Self::UserId => f.write_str("userId"),
            Self::Arg(path) => {
                f.write_str("args")?;
                path.iter().try_for_each(|name| {
                    if is_plain_name(name) { write!(f, ".{name}") } else { write!(f, ".`{}`", name.replace('`', "``")) }
                })
            }
        }
    }
}

impl From<Attr> for String {
    fn from(attr: Attr) -> Self {
        attr.to_string()
    }
}

impl TryFrom<String> for Attr {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if let Some(attr) = Self::built_in(&text) {
            return Ok(attr);
        }
        let bad =
            || format!("`{text}` is not an attribute: expected actionType, scene, source, ts, userId or args.NAME");
        let mut rest = text.strip_prefix("args").ok_or_else(bad)?;
        let mut path = Vec::new();
        while let Some(after) = rest.strip_prefix('.') {
            let (name, left) = split_name(after).ok_or_else(bad)?;
            path.push(Arc::from(name));
            rest = left;
        }
        if path.is_empty() || !rest.is_empty() { Err(bad()) } else { Ok(Self::Arg(path)) }
    }
}

/// One name, plain or in backticks, and what follows it.
fn split_name(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('`') else {
        let (name, rest) = text.split_once('.').map_or((text, None), |(n, _)| (n, text.get(n.len()..)));
        return is_plain_name(name).then(|| (name.to_owned(), rest.unwrap_or("")));
    };
    let (mut name, mut chars) = (String::new(), quoted.char_indices().peekable());
    while let Some((i, c)) = chars.next() {
        if c != '`' {
            name.push(c);
        } else if chars.peek().is_some_and(|(_, next)| *next == '`') {
            name.push('`');
            chars.next();
        } else {
            return quoted.get(i + 1..).map(|rest| (name, rest));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_round_trip_through_their_text() {
        for attr in [Attr::ActionType, Attr::arg("price"), Attr::Arg(vec!["a".into(), "b-c".into(), "d`e".into()])] {
            assert_eq!(Attr::try_from(attr.to_string()), Ok(attr));
        }
        for text in ["", "args", "args.", "x", "args.a-b", "args.`a", "args.a..b"] {
            assert!(Attr::try_from(text.to_owned()).is_err(), "{text}");
        }
    }
}
