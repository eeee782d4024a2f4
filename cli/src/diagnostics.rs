//! Diagnostics as they are printed: drawn with a caret for a person, or one object a line.

use ensue_dsl::Diagnostic;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::Output;

/// The object of a diagnostic (`docs/cli.md`).
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "diagnostic")]
struct Printed<'a> {
    code: &'a str,
    severity: String,
    message: &'a str,
    hint: Option<&'a str>,
    file: &'a str,
    path: Option<&'a str>,
    start: Option<u32>,
    end: Option<u32>,
    line: Option<usize>,
    column: Option<usize>,
}

/// How many of what kind were printed.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Tally {
    pub(crate) errors: usize,
    pub(crate) warnings: usize,
}

impl Tally {
    /// Counts in what was printed elsewhere.
    pub(crate) fn add(&mut self, other: Self) {
        self.errors += other.errors;
        self.warnings += other.warnings;
    }
}

/// Prints the diagnostics of a file.
pub(crate) fn print(out: &mut Output, file: &str, diagnostics: &[Diagnostic]) -> Result<Tally, Failure> {
    for d in diagnostics {
        if out.is_json() {
            out.object(&printed(file, d))?;
        } else {
            out.line(&d.render(file))?;
        }
    }
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    Ok(Tally { errors, warnings: diagnostics.len() - errors })
}

fn printed<'a>(file: &'a str, d: &'a Diagnostic) -> Printed<'a> {
    let placed = d.text.is_some();
    let (line, column) = d.line_column();
    Printed {
        code: d.code,
        severity: d.severity.to_string(),
        message: &d.message,
        hint: d.hint.as_deref(),
        file,
        path: d.path.as_deref(),
        start: placed.then_some(d.span.start),
        end: placed.then_some(d.span.end),
        line: placed.then_some(line),
        column: placed.then_some(column),
    }
}
