//! Quantifiers and their suffixes.

use ensue_rule::{Contiguity, Quantifier, Span};

use super::Lowering;
use crate::ast::{Count, Suffix, SuffixKind, Term};
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::lower;

impl Lowering<'_, '_> {
    /// The quantifier of a term, or none; `a?` is `{1,1}` optional, `a*` is `{1,}` optional.
    pub(super) fn quantifier(&mut self, t: &Term) -> Option<Quantifier> {
        let Some(count) = t.counts.first() else {
            self.suffix_alone(t);
            return None;
        };
        if let Some(second) = t.counts.get(1) {
            let d = Diagnostic::error(codes::TWO_QUANTIFIERS, "a second quantifier").at(second.span);
            self.sink.push(d.hint("keep one; for a loop of loops put the first into a group: `(a{2}){3}`"));
        }
        self.check_range(count);
        let mut q = Quantifier::times(count.min.max(1), count.max);
        q.optional = count.min == 0;
        q.span = t.suffixes.iter().map(|s| s.span).fold(count.span, Span::to);
        self.suffixes(t, &mut q);
        Some(q)
    }

    fn check_range(&mut self, count: &Count) {
        let d = match (count.min, count.max) {
            (_, Some(0)) => Diagnostic::error(codes::ZERO_TIMES, "no event at all")
                .hint("leave the stage out; to forbid it write `-> !b`; for maybe one write `b?`"),
            (min, Some(max)) if max < min => {
                Diagnostic::error(codes::MIN_MAX, format!("at least {min} and at most {max} is never"))
                    .hint(format!("write {{{max},{min}}}"))
            }
            _ => return,
        };
        self.sink.push(d.at(count.span));
    }

    fn suffix_alone(&mut self, t: &Term) {
        let Some(suffix) = t.suffixes.first() else { return };
        let (what, hint) = match suffix.kind {
            SuffixKind::Inner(_) => {
                ("STRICT and ANY say how repetitions follow", "as in `a+ STRICT`; before a stage write `=>` or `->>`")
            }
            SuffixKind::Gap(_) => {
                ("this gap has no repetition", "as in `a+ [< 30 S]`; to bound a step write `->[< 30 S] a`")
            }
            SuffixKind::Until(_) => ("UNTIL closes a loop", "as in `a+ UNTIL (actionType = 'leave')`"),
            SuffixKind::Optional => ("OPTIONAL stands behind a quantifier", "write `a?`"),
            SuffixKind::Greedy => ("GREEDY stands behind a quantifier", "as in `a+ GREEDY`"),
        };
        self.sink.push(Diagnostic::error(codes::SUFFIX_ALONE, what).at(suffix.span).hint(hint));
    }

    fn suffixes(&mut self, t: &Term, q: &mut Quantifier) {
        let mut inner = None;
        for suffix in &t.suffixes {
            let twice = match &suffix.kind {
                SuffixKind::Inner(c) => inner.replace(*c).is_some(),
                SuffixKind::Gap(gap) => q.gap.replace(*gap).is_some(),
                SuffixKind::Until(condition) => self.until(condition, q),
                SuffixKind::Greedy => std::mem::replace(&mut q.greedy, true),
                SuffixKind::Optional => self.optional(suffix, q),
            };
            if twice {
                let d =
                    Diagnostic::error(codes::SUFFIX_TWICE, "a suffix of this kind was there already").at(suffix.span);
                self.sink.push(d.hint("each comes once, and of STRICT and ANY only one"));
            }
            if matches!(suffix.kind, SuffixKind::Inner(Contiguity::Strict)) && q.repeats() {
                self.strict = self.strict.or(Some(suffix.span));
            }
        }
        q.inner = inner.unwrap_or_default();
    }

    /// Whether OPTIONAL was there already; on what is optional by its quantifier it is refused.
    fn optional(&mut self, suffix: &Suffix, q: &mut Quantifier) -> bool {
        if std::mem::replace(&mut q.optional, true) {
            let d = Diagnostic::error(codes::OPTIONAL_TWICE, "it is optional already").at(suffix.span);
            self.sink.push(d.hint("`a?`, `a*` and `a{0,n}` may be empty without OPTIONAL: leave it out"));
        }
        false
    }

    fn until(&mut self, condition: &crate::ast::Expr, q: &mut Quantifier) -> bool {
        let place = lower::Place::Until { stages: self.stages };
        let lowered = lower::Lowering::new(place, self.names, self.sink).condition(condition);
        let before = q.until.take();
        let twice = before.is_some();
        q.until = before.or(lowered);
        twice
    }
}
