//! Where the stages put what they have to say.

use ensue_rule::Span;

use crate::diagnostic::Diagnostic;

/// Diagnostics of one text. A person reads the first few; the rest of a hopeless text is counted by nobody.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    diagnostics: Vec<Diagnostic>,
}

impl Sink {
    /// How many are kept.
    const MOST: usize = 40;

    /// Adds what `say` says. It is not asked once there is enough: finding a hint costs time.
    pub(crate) fn add(&mut self, say: impl FnOnce() -> Diagnostic) {
        if self.diagnostics.len() < Self::MOST {
            self.diagnostics.push(say());
        }
    }

    /// Adds a diagnostic at hand.
    pub(crate) fn push(&mut self, d: Diagnostic) {
        self.add(|| d);
    }

    /// Whether something is wrong.
    pub(crate) fn has_errors(&self) -> bool {
        self.diagnostics.iter().any(Diagnostic::is_error)
    }

    /// Takes back what was said of this code.
    pub(crate) fn forget(&mut self, code: &str) {
        self.diagnostics.retain(|d| d.code != code);
    }

    /// Whether something of this code was said about a part of `span`.
    pub(crate) fn has_inside(&self, code: &str, span: Span) -> bool {
        let inside = |d: &Diagnostic| d.span.start >= span.start && d.span.end <= span.end;
        self.diagnostics.iter().any(|d| d.code == code && inside(d))
    }

    /// All, in the order in which they were added.
    pub(crate) fn into_vec(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    /// All, in the order of the text.
    pub(crate) fn into_sorted(mut self) -> Vec<Diagnostic> {
        self.diagnostics.sort_by_key(|d| (d.span.start, d.span.end));
        self.diagnostics
    }
}
