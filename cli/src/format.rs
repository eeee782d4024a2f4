//! `ensue format`: rule texts in their canonical form, in place. What is canonical already is not written.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::diagnostics;
use crate::failure::{Failure, Outcome};
use crate::input;
use crate::output::Output;
use crate::subject::Subject;

/// Bring rule texts into their canonical form, in place
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Write nothing, print the files that are not in it; exit code 1 if there is one
    #[arg(long)]
    check: bool,
    /// Write nothing, print the canonical texts
    #[arg(long, conflicts_with = "check")]
    print: bool,
    /// Rule texts; `-` is standard input, whose canonical text is printed
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
            Ok(canonical) => refused |= settle(args, out, path, &text, &canonical)?,
            Err(found) => {
                diagnostics::print(out, &file, &found)?;
                refused = true;
            }
        }
    }
    Ok(Outcome::refused(refused))
}

/// Writes or prints; returns whether the file fails `--check`.
fn settle(args: &Args, out: &mut Output, path: &Path, text: &str, canonical: &str) -> Result<bool, Failure> {
    let (file, changed) = (input::name(path), *text != *canonical);
    let printed = args.print || input::is_stdin(path);
    if changed && !args.check && !printed {
        std::fs::write(path, canonical).map_err(|e| Failure::io("write", &file, &e))?;
    }
    if out.is_json() {
        out.object(&Formatted { file: &file, changed, text: canonical })?;
    } else if printed && !args.check {
        if args.files.len() > 1 {
            out.line(&format!("-- {file}"))?;
        }
        out.text(canonical)?;
    } else if changed {
        out.line(&file)?;
    }
    Ok(args.check && changed)
}
