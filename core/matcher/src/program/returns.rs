//! RETURN and ON TIMEOUT RETURN: values over the events of a whole match, or over all matches of one moment.

use std::sync::Arc;

use ensue_rule::{AfterMatch, ExprKind, Return, Rule, Scope, Span};

use super::conditions::{intern, unknown};
use super::{StageId, StageInfo, Yield};
use crate::Error;
use crate::expr::{Names, Resolve, TrendOf, compile};
use crate::registers::{Fold, Register, RegisterId};
use crate::set::{SlotId, SlotKey, Slots};
use crate::table::Table;
use crate::trends::{Summed, Trends};

/// RETURN: values over the events of a whole match. Their attributes become the kept ones.
pub(super) fn yields(
    returns: &[Return],
    stages: &Table<StageId, StageInfo>,
    slots: &mut Slots,
    kept: &mut Vec<SlotId>,
) -> Result<Yield, Error> {
    let mut names = Whole { stages, slots, kept, registers: Table::default() };
    let value = |r: &Return| Ok((r.name.clone(), compile(&r.expr, &mut names)?));
    let values = returns.iter().map(value).collect::<Result<_, Error>>()?;
    Ok(Yield { registers: names.registers, values })
}

/// Names over a whole match: everything is bound.
struct Whole<'a> {
    stages: &'a Table<StageId, StageInfo>,
    slots: &'a mut Slots,
    kept: &'a mut Vec<SlotId>,
    registers: Table<RegisterId, Register>,
}

impl Whole<'_> {
    fn stage(&self, name: &str, span: Span) -> Result<StageId, Error> {
        let found = self.stages.iter().find(|(_, s)| &*s.name == name);
        let (id, info) = found.ok_or_else(|| unknown(name, span))?;
        if info.forbidden {
            let what = format!("`{name}` is forbidden, so a match has no event of it");
            return Err(Error::refused(what, "return a stage that takes events", span));
        }
        Ok(id)
    }
}

impl Names for Whole<'_> {
    fn resolve(&self, stage: Option<&Arc<str>>, span: Span) -> Result<Resolve, Error> {
        stage.map(|_| Resolve::Bound).ok_or_else(|| {
            Error::refused("a bare attribute means nothing in RETURN", "name the stage: STAGE.args.NAME", span)
        })
    }

    /// Unused: in RETURN every attribute is of a bound event.
    fn slot(&mut self, key: SlotKey) -> SlotId {
        self.slots.slot(key)
    }

    fn register(
        &mut self,
        stage: &Arc<str>,
        fold: Fold,
        key: Option<SlotKey>,
        span: Span,
    ) -> Result<RegisterId, Error> {
        let id = self.stage(stage, span)?;
        let slot = key.map(|k| {
            let slot = self.slots.slot(k);
            let at = self.kept.iter().position(|s| *s == slot).unwrap_or_else(|| {
                self.kept.push(slot);
                self.kept.len() - 1
            });
            SlotId(u32::try_from(at).unwrap_or(u32::MAX))
        });
        intern(&mut self.registers, Register { stage: id, fold, slot, turn: None }, span)
    }
}

/// TRENDS, if the rule asks for it: then for nothing else.
pub(super) fn trends(
    rule: &Rule,
    stages: &Table<StageId, StageInfo>,
    slots: &mut Slots,
) -> Result<Option<Trends>, Error> {
    let (mut trends, mut plain) = (None, None);
    for r in &rule.returns {
        r.expr.walk(|e| match &e.kind {
            ExprKind::Aggregate { scope: Scope::Trends, .. } => trends = Some(e.span),
            ExprKind::Aggregate { .. } | ExprKind::Attr { .. } => plain = Some(e.span),
            _ => {}
        });
    }
    let Some(span) = trends else { return Ok(None) };
    if let Some(span) = plain {
        let hint = "write TRENDS before every aggregate, or before none";
        return Err(Error::refused("RETURN mixes values of one match with TRENDS over all", hint, span));
    }
    if !matches!(rule.after_match, AfterMatch::NoSkip { .. }) {
        let hint = "write AFTER MATCH NO SKIP, or leave the clause out";
        return Err(Error::refused("TRENDS is over all matches, which CONSUME and SKIP do not give", hint, span));
    }
    if rule.on_timeout.is_some() {
        let hint = "leave ON TIMEOUT out, or make it a rule of its own";
        return Err(Error::refused("TRENDS keeps no partial matches that could time out", hint, span));
    }
    let mut names =
        Added { whole: Whole { stages, slots, kept: &mut Vec::new(), registers: Table::default() }, sums: Vec::new() };
    intern(&mut names.whole.registers, matches_register(), span)?;
    let value = |r: &Return| Ok((r.name.clone(), compile(&r.expr, &mut names)?));
    let values = rule.returns.iter().map(value).collect::<Result<_, Error>>()?;
    Ok(Some(Trends { sums: names.sums, registers: names.whole.registers, values }))
}

/// The register for the number of matches; what it folds is never computed.
fn matches_register() -> Register {
    Register { stage: StageId(u16::MAX), fold: Fold::Count, slot: None, turn: None }
}

/// Names over all matches of one moment.
struct Added<'a> {
    whole: Whole<'a>,
    sums: Vec<Summed>,
}

impl Names for Added<'_> {
    fn resolve(&self, stage: Option<&Arc<str>>, span: Span) -> Result<Resolve, Error> {
        self.whole.resolve(stage, span)
    }

    fn slot(&mut self, key: SlotKey) -> SlotId {
        self.whole.slot(key)
    }

    fn register(
        &mut self,
        stage: &Arc<str>,
        fold: Fold,
        key: Option<SlotKey>,
        span: Span,
    ) -> Result<RegisterId, Error> {
        self.whole.register(stage, fold, key, span)
    }

    fn trend(&mut self, of: TrendOf<'_>, span: Span) -> Result<RegisterId, Error> {
        let (stage, attr, fold) = match of {
            TrendOf::Matches => return intern(&mut self.whole.registers, matches_register(), span),
            TrendOf::Count(stage, attr) => (stage, attr, Fold::Count),
            TrendOf::Sum(stage, attr) => (stage, Some(attr), Fold::Sum),
        };
        let stage = self.whole.stage(stage, span)?;
        let slot = attr.map(|a| self.whole.slots.slot(SlotKey::Attr(a.clone())));
        let summed = Summed { stage, slot, counted: fold == Fold::Count && slot.is_some() };
        if !self.sums.contains(&summed) {
            self.sums.push(summed);
        }
        // INVARIANT (trends): register i + 1 is sum i.
        intern(&mut self.whole.registers, Register { stage, fold, slot, turn: None }, span)
    }
}
