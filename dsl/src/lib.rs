//! Rule text and task JSON to rules, with diagnostics that point at the spot.
//!
//! A text goes through three stages: `lexer` makes tokens, `parser` (nom) a tree that still has every span and every
//! mistake, `lower` an [`ensue_rule::Rule`] in which every default is spelled out. Each stage reports what it finds and
//! goes on. [`format`](fn@format) is the way back; [`read_documents`] reads the JSON around the rules.
//!
//! Invariants: no input panics, overflows the stack or takes more than linear time but for hints; nothing here knows
//! the matcher or the engine; nom appears in no signature.
//!
//! ```
//! let compiled = ensue_dsl::compile("EVENT: a -> b WHERE a.actionType = 'pv' WITHIN 5 MIN", Default::default());
//! assert!(compiled.rule.is_some());
//!
//! let wrong = ensue_dsl::compile("EVENT: a -> b WHERE c.actionType = 'pv' WITHIN 5 MIN", Default::default());
//! assert_eq!(wrong.diagnostics[0].code, ensue_dsl::codes::UNKNOWN_STAGE);
//! ```

mod ast;
pub mod codes;
mod compiled;
mod diagnostic;
mod format;
mod lexer;
mod lint;
mod lower;
mod parser;
mod schema;
mod sink;
mod suggest;
mod tasks;
mod text;
mod token;
mod types;

pub use compiled::read_compiled;
pub use diagnostic::{Diagnostic, Severity};
pub use format::{format, format_expr, format_text};
pub use lint::{Asked, asked};
pub use schema::Schema;
pub use suggest::nearest;
pub use tasks::{
    Checked, CheckedTask, Expected, ReadOptions, Script, Scripts, TaskTest, check_documents, read_documents,
    refused_when_continuous, single_task,
};
pub use text::{Compiled, check, compile, compile_expr};
