//! Random cases: a pattern of every construct and a short stream that meets it often.

mod condition;

use std::collections::BTreeMap;

use ensue_rule::Value;

use crate::case::{Case, Contiguity, Element, Fed, Inner, Quant, Skip, Strategy, WithinType};
use crate::random::Random;

/// What a random case may contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Everything.
    Full,
    /// No strict contiguity, and only conditions that an event without fields does not meet: such an event is noise.
    NoiseProof,
}

/// A random case, unanswered.
pub fn case(random: &mut Random, flavour: Flavour) -> Case {
    let mut maker = Maker { random, flavour, names: 0, known: Vec::new(), budget: 5 };
    let mut pattern = maker.sequence(0);
    maker.trailing(&mut pattern);
    let (mut within_ms, within_type) = maker.window();
    if may_end_in_absence(&pattern) {
        within_ms = within_ms.or(Some(maker.random.range(2, 12)));
    }
    let skip = maker.skip(&pattern);
    let asks_timeouts = maker.random.chance(35);
    let events = maker.events(within_type == WithinType::Session);
    let advance_to = events.last().map(|e| e.ts + maker.random.range(0, 20));
    Case {
        name: String::new(),
        pattern,
        within_ms,
        within_type,
        skip,
        events,
        advance_to: advance_to.filter(|_| maker.random.chance(85)),
        matches: None,
        emitted: None,
        timeouts: asks_timeouts.then(Vec::new),
        timeout_ts: None,
        timeouts_emitted: None,
        error: None,
        why: None,
    }
}

/// The names of the stages that take events.
fn stages(list: &[Element], into: &mut Vec<String>) {
    for e in list.iter().filter(|e| !is_not(e)) {
        if inside(e).next().is_none() {
            into.push(e.name.clone());
        }
        inside(e).for_each(|list| stages(list, into));
    }
}

fn inside(e: &Element) -> impl Iterator<Item = &[Element]> {
    [&e.group, &e.any_of, &e.all_of].into_iter().flatten().map(Vec::as_slice)
}

/// Whether an element may take no event at all.
pub fn may_be_empty(e: &Element) -> bool {
    let within = match (&e.group, &e.any_of, &e.all_of) {
        (Some(list), ..) | (_, _, Some(list)) => list.iter().all(|e| is_not(e) || may_be_empty(e)),
        (_, Some(list), _) => list.iter().any(may_be_empty),
        _ => false,
    };
    e.quant.optional || within
}

fn is_not(e: &Element) -> bool {
    matches!(e.contiguity, Contiguity::NotNext | Contiguity::NotFollowedBy)
}

/// Whether a match may end with `-> !n`.
pub fn may_end_in_absence(list: &[Element]) -> bool {
    for e in list.iter().rev() {
        if e.contiguity == Contiguity::NotFollowedBy || inside(e).any(may_end_in_absence) {
            return true;
        }
        if !is_not(e) && !may_be_empty(e) {
            return false;
        }
    }
    false
}

struct Maker<'r> {
    random: &'r mut Random,
    flavour: Flavour,
    names: usize,
    /// Stages that a condition may look at.
    known: Vec<String>,
    /// Stages that may still be made.
    budget: i32,
}

fn element(name: String, contiguity: Contiguity) -> Element {
    Element {
        name,
        contiguity,
        condition: None,
        leave: None,
        quant: Quant::default(),
        until: None,
        window_ms: None,
        window_inclusive: false,
        bound_ms: None,
        bound_inclusive: false,
        group: None,
        any_of: None,
        all_of: None,
    }
}

impl Maker<'_> {
    fn strict_is_allowed(&self) -> bool {
        self.flavour == Flavour::Full
    }

    fn sequence(&mut self, depth: u32) -> Vec<Element> {
        let count = if depth == 0 { self.random.range(1, 4) } else { self.random.range(1, 3) };
        let mut out: Vec<Element> = Vec::new();
        for i in 0..count {
            let contiguity = if i == 0 { Contiguity::Begin } else { self.arrow() };
            let absent = i > 0 && self.random.chance(18) && (depth == 0 || self.random.chance(50));
            let mut e = if absent { self.forbidden() } else { self.positive(depth, contiguity) };
            if i > 0 && !absent && self.random.chance(8) && !may_be_empty(&e) {
                e.bound_ms = Some(self.random.range(1, 5));
                e.bound_inclusive = self.random.chance(40);
            }
            out.push(e);
        }
        out
    }

    /// Now and then an absence at the end.
    fn trailing(&mut self, pattern: &mut Vec<Element>) {
        if self.random.chance(12) {
            let e = self.forbidden();
            pattern.push(e);
        }
    }

    fn arrow(&mut self) -> Contiguity {
        match self.random.below(10) {
            0..=1 if self.strict_is_allowed() => Contiguity::Next,
            2..=3 => Contiguity::FollowedByAny,
            _ => Contiguity::FollowedBy,
        }
    }

    fn name(&mut self) -> String {
        self.names += 1;
        self.budget -= 1;
        format!("s{}", self.names - 1)
    }

    fn forbidden(&mut self) -> Element {
        let strict = self.strict_is_allowed() && self.random.chance(25);
        let contiguity = if strict { Contiguity::NotNext } else { Contiguity::NotFollowedBy };
        let mut e = element(self.name(), contiguity);
        e.condition = Some(self.condition(None));
        e
    }

    fn positive(&mut self, depth: u32, contiguity: Contiguity) -> Element {
        let room = self.budget > 1 && depth < 2;
        match self.random.below(100) {
            0..=13 if room => {
                let mut e = element(format!("g{}", self.names), contiguity);
                e.group = Some(self.sequence(depth + 1));
                if self.random.chance(60) {
                    // Optional and empty inside as well would be two ways of taking nothing.
                    let optional = !may_be_empty(&e);
                    e.quant = self.quant(false);
                    e.quant.optional &= optional;
                    self.closing(&mut e, 10);
                }
                e
            }
            14..=19 if room => self.alternatives(depth, contiguity),
            20..=25 if room => self.conjunction(contiguity),
            _ => self.stage(contiguity, true),
        }
    }

    fn alternatives(&mut self, depth: u32, contiguity: Contiguity) -> Element {
        let mut e = element(String::new(), contiguity);
        let before = self.known.clone();
        let mut branches = Vec::new();
        for _ in 0..2 {
            let known_before = self.known.len();
            let branch = if self.random.chance(25) {
                self.positive(depth + 1, Contiguity::Begin)
            } else {
                self.stage(Contiguity::Begin, true)
            };
            branches.push(branch);
            self.known.truncate(known_before);
        }
        self.known = before;
        e.any_of = Some(branches);
        e
    }

    fn conjunction(&mut self, contiguity: Contiguity) -> Element {
        let mut e = element(String::new(), contiguity);
        let count = self.random.range(2, 3);
        let members = (0..count).map(|_| {
            let mut member = self.stage(Contiguity::Begin, false);
            if self.random.chance(35) {
                member.quant = self.quant(false);
                member.quant.inner = Inner::Relaxed;
            }
            member
        });
        e.all_of = Some(members.collect());
        e
    }

    fn stage(&mut self, contiguity: Contiguity, quantified: bool) -> Element {
        let mut e = element(self.name(), contiguity);
        let me = e.name.clone();
        if quantified && self.random.chance(45) {
            e.quant = self.quant(true);
            self.closing(&mut e, 12);
        }
        e.condition = Some(self.condition(Some(&me)));
        if self.random.chance(8) {
            e.leave = Some(self.leave(&me));
        }
        self.known.push(me);
        e
    }

    /// Now and then a gap and an UNTIL.
    fn closing(&mut self, e: &mut Element, percent: u64) {
        let repeats = e.quant.max != Some(1);
        if repeats && self.random.chance(percent) {
            e.window_ms = Some(self.random.range(1, 5));
            e.window_inclusive = self.random.chance(30);
        }
        if repeats && self.random.chance(percent) {
            // A group is no stage that a condition could look at.
            let me = e.group.is_none().then(|| e.name.clone());
            e.until = Some(self.until(me));
        }
    }

    fn quant(&mut self, of_stage: bool) -> Quant {
        let (min, max) = match self.random.below(7) {
            0 => (1, Some(1)),
            1..=2 => (1, None),
            3 => (2, None),
            4 => (2, Some(2)),
            5 => (1, Some(2)),
            _ => (2, Some(3)),
        };
        let inner = match self.random.below(10) {
            0..=1 if self.strict_is_allowed() => Inner::Strict,
            2..=3 => Inner::RelaxedAny,
            _ => Inner::Relaxed,
        };
        let optional = (min, max) == (1, Some(1)) || self.random.chance(25);
        Quant { min, max, optional, greedy: of_stage && self.random.chance(15), inner }
    }

    fn window(&mut self) -> (Option<i64>, WithinType) {
        match self.random.below(20) {
            0..=6 => (None, WithinType::FirstAndLast),
            7..=17 => (Some(self.random.range(2, 14)), WithinType::FirstAndLast),
            18 => (Some(self.random.range(6, 20)), WithinType::Session),
            _ => (Some(self.random.range(2, 8)), WithinType::PreviousAndCurrent),
        }
    }

    fn skip(&mut self, pattern: &[Element]) -> Skip {
        let strategy = match self.random.below(20) {
            0..=7 => Strategy::NoSkip,
            8..=13 => Strategy::Consume,
            14..=15 => Strategy::SkipPastLastEvent,
            16 => Strategy::SkipToNext,
            17..=18 => Strategy::SkipToFirst,
            _ => Strategy::SkipToLast,
        };
        let mut targets = Vec::new();
        stages(pattern, &mut targets);
        let needs_target = matches!(strategy, Strategy::SkipToFirst | Strategy::SkipToLast);
        if needs_target && targets.is_empty() {
            return Skip { strategy: Strategy::SkipToNext, to: None, limit: None, throw_on_miss: false };
        }
        let to = needs_target.then(|| self.random.pick(&targets).clone());
        let limited = strategy == Strategy::NoSkip && self.random.chance(15);
        let limit = limited.then(|| u32::try_from(self.random.range(1, 3)).unwrap_or(1));
        Skip { strategy, to, limit, throw_on_miss: needs_target && self.random.chance(10) }
    }

    fn events(&mut self, of_sessions: bool) -> Vec<Fed> {
        let mut session = 0;
        let count = self.random.range(4, 13);
        let mut ts = self.random.range(0, 3);
        let mut out = Vec::new();
        for id in 0..count {
            ts += match self.random.below(20) {
                0..=3 => 0,
                4..=18 => self.random.range(1, 3),
                _ => self.random.range(4, 12),
            };
            session += u64::from(of_sessions && self.random.chance(15));
            let mut fields = BTreeMap::new();
            fields.insert("name".to_owned(), Value::from(*self.random.pick(&["a", "a", "b", "b", "c"])));
            if !self.random.chance(3) {
                fields.insert("price".to_owned(), Value::Int(self.random.range(1, 5)));
            }
            out.push(Fed { id: u64::try_from(id).unwrap_or(0), ts, session, fields });
        }
        out
    }
}
