//! Paths of names: stages, attributes, values.

use std::sync::Arc;

use ensue_rule::{Attr, Expr, ExprKind, Span};

use super::expr::{Lowering, Place};
use super::names::span_of;
use crate::ast::Name;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::format;
use crate::suggest;
use crate::token::shorten;

/// The first words of attributes.
const FIRST_WORDS: [&str; 7] = ["actionType", "scene", "source", "ts", "userId", "args", "extra_info"];

impl Lowering<'_, '_> {
    pub(super) fn path(&mut self, names: &[Name]) -> Option<Expr> {
        let span = span_of(names);
        let (first, rest) = names.split_first()?;
        if self.place == Place::When {
            return self.value(first, rest, span);
        }
        if let Some(stage) = self.names.find(&first.text) {
            return self.of_stage(stage, first, rest, span);
        }
        if FIRST_WORDS.contains(&first.text.as_str()) {
            let attr = self.attr(names)?;
            return self.bare(attr, span);
        }
        if rest.is_empty() || self.place == Place::Partition {
            return self.unknown_word(names, span);
        }
        self.sink.add(|| self.names.unknown(first));
        None
    }

    /// A value of RETURN; whether there is one of that name is asked where the rule is known.
    fn value(&mut self, first: &Name, rest: &[Name], span: Span) -> Option<Expr> {
        if rest.is_empty() {
            return Some(Expr::from(ExprKind::Value(first.text.as_str().into())).at(span));
        }
        let d = Diagnostic::error(codes::UNKNOWN_VALUE, "`when` looks at returned values, not at events").at(span);
        self.refuse(d.hint("RETURN it AS a name, and write the name here"))
    }

    fn of_stage(&mut self, stage: usize, name: &Name, rest: &[Name], span: Span) -> Option<Expr> {
        if rest.is_empty() {
            let message = format!("`{}` is a stage, not a value", shorten(&name.text));
            let d = Diagnostic::error(codes::NOT_A_VALUE, message).at(span);
            let n = format::name(&name.text);
            return self
                .refuse(d.hint(format!("`{n}.args.x` is an attribute of its event, COUNT({n}) how many it has")));
        }
        let attr = self.attr(rest)?;
        self.may_look_at(stage, name)?;
        Some(ExprKind::Attr { stage: Some(name.text.as_str().into()), attr }.into()).map(|e: Expr| e.at(span))
    }

    /// Whether the place may look at that stage; reports if not.
    pub(super) fn may_look_at(&mut self, stage: usize, name: &Name) -> Option<()> {
        let n = shorten(&name.text);
        let d = match self.place {
            Place::Partition => {
                Diagnostic::error(codes::BARE_ONLY, "PARTITION BY is asked of every event, of no stage")
                    .hint("write the attribute bare, as in `PARTITION BY args.item`")
            }
            Place::Until { stages } if stage >= stages => {
                Diagnostic::error(codes::LATER_STAGE, format!("`{n}` comes after this loop"))
                    .hint("UNTIL may look at its own loop and at stages before it")
            }
            Place::Until { .. } | Place::Return | Place::OnTimeout if self.names.is_forbidden(stage) => {
                Diagnostic::error(codes::FORBIDDEN_VALUE, format!("`{n}` is forbidden: a match has no event of it"))
                    .hint("name a stage that takes events")
            }
            _ => return Some(()),
        };
        self.refuse(d.at(name.span))
    }

    fn bare(&mut self, attr: Attr, span: Span) -> Option<Expr> {
        if self.place.takes_bare() {
            return Some(Expr::from(ExprKind::Attr { stage: None, attr }).at(span));
        }
        let message = format!("`{}` of which stage?", shorten(&attr.to_string()));
        let hint = format!("write `{}.{attr}`", self.names.example());
        self.refuse(Diagnostic::error(codes::WHICH_STAGE, message).at(span).hint(hint))
    }

    /// A word that is neither a stage nor an attribute.
    fn unknown_word(&mut self, names: &[Name], span: Span) -> Option<Expr> {
        let path = names.iter().map(|n| n.text.as_str()).collect::<Vec<_>>().join(".");
        let word = shorten(&path).into_owned();
        let attr = written(names);
        let stage = if self.place.takes_bare() { String::new() } else { format!("{}.", self.names.example()) };
        let hint = match suggest::nearest(&word, FIRST_WORDS) {
            Some(near) if names.len() == 1 && near != "args" => format!("did you mean `{stage}{near}`?"),
            _ if is_nan(&word) => "there is no NaN: what can't be computed is null; ask `x IS NULL`".to_owned(),
            _ if self.place.takes_bare() => format!("did you mean `args.{attr}`?"),
            _ => format!("did you mean `{stage}args.{attr}`, or the text '{word}'?"),
        };
        self.refuse(
            Diagnostic::error(codes::UNKNOWN_ATTRIBUTE, format!("`{word}` is not an attribute")).at(span).hint(hint),
        )
    }

    /// The attribute that a path says.
    pub(super) fn attr(&mut self, path: &[Name]) -> Option<Attr> {
        let (first, rest) = path.split_first()?;
        let names = |rest: &[Name]| rest.iter().map(|n| Arc::from(n.text.as_str())).collect();
        if let Some(attr) = Attr::built_in(&first.text) {
            return self.nothing_inside(attr, first, rest);
        }
        match (first.text.as_str(), rest.split_first()) {
            ("args", Some(_)) => Some(Attr::Arg(names(rest))),
            ("extra_info", Some((name, inside))) => match Attr::built_in(&name.text) {
                Some(attr) => self.nothing_inside(attr, name, inside),
                None => Some(Attr::Arg(names(rest))),
            },
            ("args" | "extra_info", None) => {
                let d = Diagnostic::error(codes::NOT_A_VALUE, format!("`{}` alone is not a value", first.text));
                self.refuse(d.at(first.span).hint(format!("name one of them: `{}.x`", first.text)))
            }
            _ => self.unknown_attr(path),
        }
    }

    fn nothing_inside(&mut self, attr: Attr, name: &Name, inside: &[Name]) -> Option<Attr> {
        let Some(first) = inside.first() else { return Some(attr) };
        let message = format!("`{}` has nothing inside", name.text);
        let d = Diagnostic::error(codes::UNKNOWN_ATTRIBUTE, message).at(first.span);
        self.refuse(d.hint("only `args.` goes into maps"))
    }

    fn unknown_attr(&mut self, path: &[Name]) -> Option<Attr> {
        let first = path.first()?;
        let word = shorten(&first.text);
        let near = suggest::nearest(&word, FIRST_WORDS).filter(|n| !n.contains("args") || path.len() > 1);
        let hint =
            near.map_or_else(|| format!("did you mean `args.{}`?", written(path)), |n| format!("did you mean `{n}`?"));
        let message = format!("no attribute begins with `{word}`");
        self.refuse(Diagnostic::error(codes::UNKNOWN_ATTRIBUTE, message).at(first.span).hint(hint))
    }
}

/// Names inside `args`, as they are written there.
fn written(names: &[Name]) -> String {
    let names: Vec<String> = names.iter().map(|n| format::any_name(&n.text)).collect();
    let all = names.join(".");
    shorten(&all).into_owned()
}

fn is_nan(word: &str) -> bool {
    ["nan", "inf", "infinity"].iter().any(|n| word.eq_ignore_ascii_case(n))
}
