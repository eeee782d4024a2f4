//! Comments, put back between the lines of canonical text.

use std::fmt::Write as _;

use ensue_rule::Span;

use super::Line;

/// The lines as one text, each comment before the line that it stood before or in, or at the end of the line that it
/// followed.
pub(super) fn weave(lines: Vec<Line>, text: &str, comments: &[Span]) -> String {
    let mut out = String::new();
    let mut left = comments.iter().copied().peekable();
    for line in lines {
        let indent: String = line.text.chars().take_while(|c| *c == ' ').collect();
        while let Some(comment) = left.next_if(|c| c.start < line.span.end) {
            let _ = writeln!(out, "{indent}{}", read(text, comment));
        }
        out.push_str(&line.text);
        while let Some(comment) = left.next_if(|c| follows(text, line.span, *c)) {
            let _ = write!(out, "  {}", read(text, comment));
        }
        out.push('\n');
    }
    for comment in left {
        let _ = writeln!(out, "{}", read(text, comment));
    }
    out
}

fn read(text: &str, comment: Span) -> &str {
    text.get(comment.start as usize..comment.end as usize).unwrap_or("").trim_end()
}

/// Whether a comment stands behind `line`, on the same line of the text, with nothing of another part between.
fn follows(text: &str, line: Span, comment: Span) -> bool {
    let between = text.get(line.end as usize..comment.start as usize);
    between.is_some_and(|b| matches!(b.trim(), "" | "AND" | "and" | "And" | ")") && !b.contains('\n'))
}
