//! Diagnostics as they are printed: drawn with a caret for a person, or one object a line.

use ensue_dsl::Diagnostic;
use serde::Serialize;

use crate::failure::Failure;
use crate::output::Output;

/// The object of a diagnostic (`docs/cli.md`).
#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "diagnostic")]
struct Printed<'a> {
    #[serde(flatten)]
    diagnostic: &'a Diagnostic,
    file: &'a str,
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
            out.object(&Printed { diagnostic: d, file })?;
        } else {
            out.line(&d.render(file))?;
        }
    }
    let errors = diagnostics.iter().filter(|d| d.is_error()).count();
    Ok(Tally { errors, warnings: diagnostics.len() - errors })
}
