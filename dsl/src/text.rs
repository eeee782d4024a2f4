//! Texts to rules and expressions: the stages in their order.

use std::sync::Arc;

use ensue_rule::{Dialect, Expr, Rule, Span};

use crate::ast::RuleText;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lexer::{self, Lexed};
use crate::lint;
use crate::lower::{self, Lowering, Place};
use crate::parser;
use crate::schema::Schema;
use crate::sink::Sink;
use crate::token::Tokens;

/// What became of a rule text.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The rule; `None` exactly where some diagnostic is an error.
    pub rule: Option<Rule>,
    /// What there is to say about the text, in its order.
    pub diagnostics: Vec<Diagnostic>,
}

/// Reads a rule text. A text without AFTER MATCH gets the default of the dialect.
pub fn compile(text: &str, dialect: Dialect) -> Compiled {
    read(text, dialect).compiled
}

/// [`compile`], saying also what works and is probably not meant, and what a schema does not know.
pub fn check(text: &str, dialect: Dialect, schema: Option<&Schema>) -> Compiled {
    let mut compiled = compile(text, dialect);
    if let Some(rule) = &compiled.rule {
        let shared: Arc<str> = text.into();
        let drawn = |d: Diagnostic| Diagnostic { text: Some(shared.clone()).filter(|_| d.span.is_known()), ..d };
        compiled.diagnostics.extend(lint::rule(rule, text, schema).into_iter().map(drawn));
        compiled.diagnostics.sort_by_key(|d| (d.span.start, d.span.end));
    }
    compiled
}

/// A text with everything that was read from it.
pub(crate) struct Read {
    pub(crate) compiled: Compiled,
    /// `None` where the text was not read at all.
    pub(crate) tree: Option<RuleText>,
    pub(crate) comments: Vec<Span>,
}

/// [`compile`], keeping what other readers than the matcher want.
pub(crate) fn read(text: &str, dialect: Dialect) -> Read {
    let mut sink = Sink::default();
    let lexed = lex(text, &mut sink);
    let tree = lexed.as_ref().map(|lexed| parser::sections::rule(&lexed.tokens, &mut sink));
    let rule = tree.as_ref().and_then(|tree| lower::rule(tree, dialect, &mut sink)).filter(|_| !sink.has_errors());
    let comments = lexed.map(|l| l.comments).unwrap_or_default();
    Read { compiled: Compiled { rule, diagnostics: drawn(sink, text) }, tree, comments }
}

/// Reads the `when` of an output: bare names are values of RETURN ([`ensue_rule::ExprKind::Value`]).
///
/// # Errors
/// What is wrong with the text.
pub fn compile_expr(text: &str) -> Result<Expr, Vec<Diagnostic>> {
    let mut sink = Sink::default();
    let expr = lex(text, &mut sink).and_then(|lexed| {
        let tokens = Tokens::new(&lexed.tokens, Span::default());
        let read = parser::whole(parser::expr::expr, tokens, "an operator or the end");
        let tree = read.map_err(|d| sink.push(d)).ok()?;
        Lowering::new(Place::When, &lower::Names::none(), &mut sink).condition(&tree)
    });
    expr.filter(|_| !sink.has_errors()).ok_or_else(|| drawn(sink, text))
}

/// The tokens; `None` where the text is not read at all.
fn lex<'t>(text: &'t str, sink: &mut Sink) -> Option<Lexed<'t>> {
    let mut lexed = lexer::lex(text);
    let refused = text.len() > lexer::LONGEST_TEXT;
    std::mem::take(&mut lexed.diagnostics).into_iter().for_each(|d| sink.push(d));
    (!refused).then_some(lexed)
}

/// The diagnostics in the order of the text, each with the text.
fn drawn(sink: Sink, text: &str) -> Vec<Diagnostic> {
    let mut diagnostics = sink.into_sorted();
    let bad: Vec<Span> = diagnostics.iter().filter(|d| d.code == codes::BAD_CHARACTER).map(|d| d.span).collect();
    diagnostics.retain(|d| d.code != codes::SYNTAX || !bad.iter().any(|b| follows(text, *b, d.span)));
    if !diagnostics.is_empty() {
        let text: Arc<str> = text.into();
        diagnostics.iter_mut().for_each(|d| d.text = Some(text.clone()));
    }
    diagnostics
}

/// Whether nothing but space stands between: then the character that could not be read is why something else was
/// expected.
fn follows(text: &str, bad: Span, syntax: Span) -> bool {
    let between = text.get(bad.end as usize..syntax.start as usize);
    between.is_some_and(|b| b.trim().is_empty())
}
