//! `ensue format`: rule texts in their canonical form. Prints; never writes into a file.

use std::path::PathBuf;
use std::sync::Arc;

use serde::Serialize;

use crate::diagnostics;
use crate::failure::{Failure, Outcome};
use crate::input;
use crate::output::Output;
use crate::subject::Subject;

/// Print rule texts in their canonical form
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print only the files that are not in it; exit code 1 if there is one
    #[arg(long)]
    check: bool,
    /// Rule texts; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
#[serde(tag = "kind", rename = "formatted")]
struct Formatted<'a> {
    file: &'a str,
    changed: bool,
    text: &'a str,
}

pub(crate) fn run(args: &Args, out: &mut Output) -> Result<Outcome, Failure> {
    let mut refused = false;
    for path in &args.files {
        let file = input::name(path);
        let Subject::Text(text) = Subject::of(input::read(path)?, &file)? else {
            return Err(Failure::new(format!("{file} is JSON; format takes rule texts")));
        };
        match ensue_dsl::format_text(&text) {
            Ok(canonical) => refused |= print(args, out, &file, &text, &canonical)?,
            Err(found) => {
                diagnostics::print(out, &file, &found)?;
                refused = true;
            }
        }
    }
    Ok(Outcome::refused(refused))
}

/// Returns whether the file fails `--check`.
fn print(args: &Args, out: &mut Output, file: &str, text: &Arc<str>, canonical: &str) -> Result<bool, Failure> {
    let changed = **text != *canonical;
    if out.is_json() {
        out.object(&Formatted { file, changed, text: canonical })?;
    } else if !args.check {
        if args.files.len() > 1 {
            out.line(&format!("-- {file}"))?;
        }
        out.text(canonical)?;
        if !canonical.ends_with('\n') {
            out.text("\n")?;
        }
    } else if changed {
        out.line(file)?;
    }
    Ok(args.check && changed)
}
