//! JSON values with the path that leads to them, and what is said where they are of the wrong type.

use ensue_rule::Span;
use serde_json::Value as Json;

use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::sink::Sink;
use crate::suggest;

/// The deepest nesting that is read; the reader is recursive, this bounds its stack. A compiled rule of the deepest
/// legal nesting stays below.
const DEEPEST: usize = 384;

/// A value of a document and its path.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) json: &'a Json,
    pub(crate) path: String,
}

/// An object of a document and its path.
#[derive(Clone, Debug)]
pub(crate) struct Object<'a> {
    map: &'a serde_json::Map<String, Json>,
    pub(crate) path: String,
}

/// Parses a whole document.
pub(crate) fn parse(bytes: &[u8]) -> Result<Json, Diagnostic> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    if let Some(at) = too_deep(bytes) {
        return Err(Diagnostic::error(codes::JSON, format!("nested more than {DEEPEST} levels deep at byte {at}")));
    }
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    reader.disable_recursion_limit();
    let read = serde::Deserialize::deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
    read.map_err(|e: serde_json::Error| not_json(&e, bytes))
}

fn not_json(e: &serde_json::Error, bytes: &[u8]) -> Diagnostic {
    let place = format!(" at line {} column {}", e.line(), e.column());
    let what = e.to_string();
    let what =
        if bytes.trim_ascii().is_empty() { "the text is empty" } else { what.strip_suffix(&place).unwrap_or(&what) };
    let not_json = |place: &str| Diagnostic::error(codes::JSON, format!("not JSON: {what}{place}"));
    let Ok(text) = std::str::from_utf8(bytes) else {
        return not_json(&format!(", at line {}, column {}", e.line(), e.column()));
    };
    let before: usize = text.split_inclusive('\n').take(e.line().saturating_sub(1)).map(str::len).sum();
    let at = u32::try_from(before + e.column().saturating_sub(1)).unwrap_or(u32::MAX);
    not_json("").at(Span { start: at, end: at }).text(text.into())
}

/// Where a document goes deeper than is read.
fn too_deep(bytes: &[u8]) -> Option<usize> {
    let (mut depth, mut in_text, mut escaped) = (0_usize, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > DEEPEST {
            return Some(at);
        }
    }
    None
}

impl<'a> Node<'a> {
    /// That something else was expected here.
    pub(crate) fn wrong(&self, expected: &str) -> Diagnostic {
        let message = format!("expected {expected}, found {}", describe(self.json));
        Diagnostic::error(codes::JSON_TYPE, message).path(self.path.as_str())
    }

    /// An error about this value.
    pub(crate) fn error(&self, code: &'static str, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(code, message).path(self.path.as_str())
    }

    pub(crate) fn object(&self) -> Result<Object<'a>, Diagnostic> {
        let map = self.json.as_object().ok_or_else(|| self.wrong("an object"))?;
        Ok(Object { map, path: self.path.clone() })
    }

    pub(crate) fn list(&self) -> Result<Vec<Node<'a>>, Diagnostic> {
        let items = self.json.as_array().ok_or_else(|| self.wrong("a list"))?;
        Ok(items.iter().enumerate().map(|(n, json)| Node { json, path: format!("{}[{n}]", self.path) }).collect())
    }

    /// A list, or one value as a list of one.
    pub(crate) fn one_or_more(&self) -> Vec<Node<'a>> {
        self.list().unwrap_or_else(|_| vec![self.clone()])
    }

    pub(crate) fn text(&self) -> Result<&'a str, Diagnostic> {
        self.json.as_str().ok_or_else(|| self.wrong("a string"))
    }

    /// A text that is not empty.
    pub(crate) fn name(&self) -> Result<&'a str, Diagnostic> {
        let text = self.text()?;
        if text.is_empty() { Err(self.error(codes::JSON_VALUE, "this must not be empty")) } else { Ok(text) }
    }

    pub(crate) fn integer(&self) -> Result<i64, Diagnostic> {
        match self.json {
            Json::Number(n) if n.is_u64() || n.is_i64() => n
                .as_i64()
                .ok_or_else(|| self.error(codes::JSON_VALUE, format!("{n} is outside the range of a whole number"))),
            _ => Err(self.wrong("a whole number")),
        }
    }

    pub(crate) fn number(&self) -> Result<f64, Diagnostic> {
        self.json.as_f64().ok_or_else(|| self.wrong("a number"))
    }

    pub(crate) fn boolean(&self) -> Result<bool, Diagnostic> {
        self.json.as_bool().ok_or_else(|| self.wrong("true or false"))
    }

    /// One of a few words.
    pub(crate) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Diagnostic> {
        let text = self.text()?;
        choices.iter().find(|(word, _)| *word == text).map(|(_, value)| *value).ok_or_else(|| {
            let words: Vec<_> = choices.iter().map(|(word, _)| format!("`{word}`")).collect();
            let message = format!("`{}` is not one of {}", crate::token::shorten(text), words.join(", "));
            let d = self.error(codes::JSON_VALUE, message);
            match suggest::nearest(text, choices.iter().map(|(word, _)| *word)) {
                Some(near) => d.hint(format!("did you mean `{near}`?")),
                None => d,
            }
        })
    }
}

impl<'a> Object<'a> {
    /// The value of a key; null is the same as no key.
    pub(crate) fn get(&self, key: &str) -> Option<Node<'a>> {
        let json = self.map.get(key).filter(|v| !v.is_null())?;
        Some(Node { json, path: self.path_of(key) })
    }

    /// The value of a key that must be there.
    pub(crate) fn require(&self, key: &str) -> Result<Node<'a>, Diagnostic> {
        self.get(key).ok_or_else(|| {
            let place = if self.path.is_empty() { key } else { &self.path };
            Diagnostic::error(codes::MISSING_KEY, format!("the key `{key}` is missing")).path(place)
        })
    }

    /// The path of a key, whether it is there or not.
    pub(crate) fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// All keys that are there.
    pub(crate) fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.map.iter().filter(|(_, v)| !v.is_null()).map(|(k, _)| k.as_str())
    }

    /// Warns of each key that is not known.
    pub(crate) fn warn_unknown(&self, known: &[&str], sink: &mut Sink) {
        for key in self.keys().filter(|k| !known.contains(k)) {
            let message = format!("unknown key `{}`: it is passed over", crate::token::shorten(key));
            let d = Diagnostic::warning(codes::UNKNOWN_KEY, message).path(self.path_of(key));
            sink.push(with_hint(d, key, known));
        }
    }

    /// Refuses each key that is neither known nor among those not built yet, and those by their names.
    pub(crate) fn refuse_unknown(&self, known: &[&str], not_built: &[&str], sink: &mut Sink) {
        for key in self.keys().filter(|k| !known.contains(k)) {
            let path = self.path_of(key);
            if not_built.contains(&key) {
                sink.push(self::not_built(key, path));
                continue;
            }
            let d = Diagnostic::error(codes::UNKNOWN_CONTROL, format!("unknown key `{}`", crate::token::shorten(key)));
            sink.push(with_hint(d.path(path), key, known));
        }
    }
}

/// That this version can't do what is asked at `path`.
pub(crate) fn not_built(what: &str, path: impl Into<String>) -> Diagnostic {
    Diagnostic::error(codes::NOT_BUILT, format!("`{what}` is not built into this version"))
        .path(path)
        .hint("a task is refused rather than run without it")
}

fn with_hint(d: Diagnostic, key: &str, known: &[&str]) -> Diagnostic {
    match suggest::nearest(key, known.iter().copied()) {
        Some(near) => d.hint(format!("did you mean `{near}`?")),
        None => d,
    }
}

fn describe(json: &Json) -> String {
    const SHOWN: usize = 24;
    match json {
        Json::Null => "null".to_owned(),
        Json::Bool(b) => b.to_string(),
        Json::Number(n) => n.to_string(),
        Json::String(s) if s.chars().count() <= SHOWN => format!("{s:?}"),
        Json::String(_) => "a string".to_owned(),
        Json::Array(_) => "a list".to_owned(),
        Json::Object(_) => "an object".to_owned(),
    }
}
