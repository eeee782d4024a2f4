//! What is wrong with a text, where, and what to write instead.

use std::fmt::{self, Write as _};
use std::sync::Arc;

use ensue_rule::{Remark, Span};
use serde::ser::{Serialize, SerializeStruct, Serializer};

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// It works, but its author should know.
    Warning,
    /// It does not work.
    Error,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One thing to say about a rule text or a task document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable: `E` or `W` and four digits; [`crate::codes`] lists them, `docs/errors.md` explains them.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// One sentence without a full stop.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
    /// The JSON path, where it was found in a document: `taskArray[0].policy.caps[1].per`.
    pub path: Option<String>,
    /// The bytes of the rule text that it is about; unknown where there is no text.
    pub span: Span,
    /// The rule text that `span` is in.
    pub text: Option<Arc<str>>,
}

/// As `ensue check --json` has it, without kind and file: where there is no text, its places are null.
impl Serialize for Diagnostic {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let placed = self.text.is_some();
        let (line, column) = self.line_column();
        let mut object = s.serialize_struct("Diagnostic", 9)?;
        object.serialize_field("code", self.code)?;
        object.serialize_field("severity", &self.severity.to_string())?;
        object.serialize_field("message", &self.message)?;
        object.serialize_field("hint", &self.hint)?;
        object.serialize_field("path", &self.path)?;
        object.serialize_field("start", &placed.then_some(self.span.start))?;
        object.serialize_field("end", &placed.then_some(self.span.end))?;
        object.serialize_field("line", &placed.then_some(line))?;
        object.serialize_field("column", &placed.then_some(column))?;
        object.end()
    }
}

impl Diagnostic {
    /// An error, so far without place or hint.
    pub fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Error, message.into())
    }

    /// A warning, so far without place or hint.
    pub fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(code, Severity::Warning, message.into())
    }

    fn new(code: &'static str, severity: Severity, message: String) -> Self {
        Self { code, severity, message, hint: None, path: None, span: Span::default(), text: None }
    }

    /// The same, about these bytes of the rule text.
    pub fn at(mut self, span: Span) -> Self {
        self.span = span;
        self
    }

    /// The same, with a hint.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, found at this JSON path.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// The same, its span being in this text.
    pub fn text(mut self, text: Arc<str>) -> Self {
        self.text = Some(text);
        self
    }

    /// Whether it is an error.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }

    /// Where the span begins: line and column, both from 1, the column in characters. `(1, 1)` without a text.
    pub fn line_column(&self) -> (usize, usize) {
        let spot = Spot::of(self.text.as_deref().unwrap_or(""), self.span);
        (spot.line, spot.column)
    }

    /// As one sentence at a JSON path: position, message and hint together.
    pub fn to_remark(&self) -> Remark {
        let mut message = String::new();
        if self.text.is_some() {
            let (line, column) = self.line_column();
            let _ = write!(message, "line {line}, column {column}: ");
        }
        message.push_str(&self.message);
        if let Some(hint) = &self.hint {
            let _ = write!(message, " ({hint})");
        }
        Remark { path: self.path.clone().unwrap_or_default(), code: self.code.to_owned(), message }
    }

    /// The diagnostic drawn for a person: place, source line, a caret under the spot, and the hint.
    pub fn render(&self, file: &str) -> String {
        let mut out = format!("{}[{}]: {}\n", self.severity, self.code, self.message);
        let path = self.path.as_ref().map(|p| format!(": {p}")).unwrap_or_default();
        let Some(text) = &self.text else {
            let _ = writeln!(out, " --> {file}{path}");
            self.render_hint(&mut out, "");
            return out;
        };
        let spot = Spot::of(text, self.span);
        let number = spot.line.to_string();
        let margin = " ".repeat(number.len());
        let _ = writeln!(out, "{margin}--> {file}{path}:{}:{}", spot.line, spot.column);
        let _ = writeln!(out, "{margin} |\n{number} | {}", spot.source);
        let _ = writeln!(out, "{margin} | {}{}", " ".repeat(spot.indent), "^".repeat(spot.width));
        self.render_hint(&mut out, &margin);
        out
    }

    fn render_hint(&self, out: &mut String, margin: &str) {
        if let Some(hint) = &self.hint {
            let _ = writeln!(out, "{margin} = hint: {hint}");
        }
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}[{}]: {}", self.severity, self.code, self.message)
    }
}

impl std::error::Error for Diagnostic {}

/// How many characters of a source line are drawn.
const LINE_WIDTH: usize = 120;
/// How many of them stand before the caret at most, where the line does not fit.
const LINE_LEAD: usize = 40;

/// A span as it is drawn: its line, and where in it the caret goes, in characters.
struct Spot {
    line: usize,
    column: usize,
    source: String,
    indent: usize,
    width: usize,
}

impl Spot {
    fn of(text: &str, span: Span) -> Self {
        let start = floor_char(text, span.start as usize);
        let before = text.get(..start).unwrap_or("");
        let begin = before.rfind('\n').map_or(0, |i| i + 1);
        let line = text.get(begin..).and_then(|t| t.split('\n').next()).unwrap_or("").trim_end_matches('\r');
        let lead = before.get(begin..).unwrap_or("").chars().count();
        let end = floor_char(text, span.end as usize).clamp(start, (begin + line.len()).max(start));
        let width = text.get(start..end).map_or(0, |t| t.chars().count());
        let cut = if line.chars().count() > LINE_WIDTH { lead.saturating_sub(LINE_LEAD) } else { 0 };
        let source: String = line.chars().skip(cut).take(LINE_WIDTH).map(drawable).collect();
        let indent = lead - cut;
        let width = width.clamp(1, LINE_WIDTH.saturating_sub(indent).max(1));
        Self {
            line: before.matches('\n').count() + 1,
            column: lead + 1,
            source: source.trim_end().into(),
            indent,
            width,
        }
    }
}

/// The greatest character boundary that is not after `at`.
fn floor_char(text: &str, at: usize) -> usize {
    (0..=at.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

/// One column for each character: tabs become a space, and what would move the cursor or turn the direction of
/// writing is replaced, so that a hostile text can't redraw the message.
fn drawable(c: char) -> char {
    let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
    match c {
        '\t' => ' ',
        c if c.is_control() || turns => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}
