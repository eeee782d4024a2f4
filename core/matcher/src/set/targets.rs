//! Targets: whom a predicate concerns.

use super::commons::{CommonId, Commons};
use super::{Armed, Entry, ProgramId};
use crate::Hit;
use crate::observation::Hits;

/// Lists up to so many targets are walked rather than met with the armed programs.
const SHORT: usize = 4;

/// A program that a predicate concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// Only where it has live runs.
    pub(super) goes_on: bool,
    pub(super) program: ProgramId,
    /// The program's predicate; `None`: the event is in its stream, which is all it must know.
    pub(super) bit: Option<u8>,
    /// Whether an event that passes this and nothing else can let nothing out.
    pub(super) inert: bool,
}

impl Target {
    #[inline]
    pub(super) fn hit(self) -> Hit {
        Hit { program: self.program, bits: self.bits() }
    }

    #[inline]
    pub(super) fn bits(self) -> u64 {
        self.bit.map_or(0, |bit| 1 << bit)
    }

    /// First those that need no live run, then by program.
    fn order(self) -> (bool, ProgramId, Option<u8>) {
        (self.goes_on, self.program, self.bit)
    }
}

/// Those of a predicate.
#[derive(Clone, Debug, Default)]
pub(super) enum Targets {
    #[default]
    Nobody,
    One(Target),
    Several(Box<Several>),
}

/// More than one, or some that are told together.
#[derive(Clone, Debug, Default)]
pub(super) struct Several {
    /// In their order.
    own: Vec<Target>,
    /// Those for which it is inert, where they are many: the event is noted for all of them.
    common: Option<CommonId>,
    /// Whether some of those need no live run.
    begins: bool,
}

/// What a change of targets needs to know: which are noted together, and the programs.
#[derive(Debug)]
pub(super) struct Sharing<'a> {
    pub(super) commons: &'a mut Commons,
    pub(super) programs: &'a [Option<Entry>],
}

impl Targets {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        matches!(self, Self::Nobody)
    }

    /// Adds one; where many are inert then, these are noted together from now on.
    pub(super) fn add(&mut self, target: Target, sharing: &mut Sharing<'_>) {
        if let (Self::Nobody, true) = (&*self, !target.inert || sharing.commons.from() > 1) {
            *self = Self::One(target);
            return;
        }
        if let Some(several) = self.several() {
            several.add(target, sharing);
        }
    }

    /// Takes a program's predicate out, wherever it stands; where few are inert then, each is told for itself again.
    pub(super) fn remove(&mut self, (program, bit): (ProgramId, Option<u8>), sharing: &mut Sharing<'_>) {
        let Some(several) = self.several() else { return };
        several.remove((program, bit), sharing);
        match (several.common, several.own.as_slice()) {
            (None, []) => *self = Self::Nobody,
            (None, [last]) => *self = Self::One(*last),
            _ => {}
        }
    }

    /// These, with room for more: there always are some then.
    fn several(&mut self) -> Option<&mut Several> {
        if let Self::Nobody | Self::One(_) = self {
            let own = if let Self::One(target) = self { vec![*target] } else { Vec::new() };
            *self = Self::Several(Box::new(Several { own, ..Several::default() }));
        }
        if let Self::Several(several) = self { Some(several) } else { None }
    }

    /// Whether it matters to anyone that the predicate holds.
    #[inline]
    pub(super) fn matter(&self, armed: Option<&Armed>) -> bool {
        match self {
            Self::Nobody => false,
            Self::One(target) => !target.goes_on || armed.is_none_or(|armed| armed.has(target.program)),
            Self::Several(several) => several.matter(armed),
        }
    }

    /// The programs that are concerned where it does.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "of every event that concerns anyone")]
    pub(super) fn hit(&self, armed: Option<&Armed>, hits: &mut Hits) {
        match self {
            Self::Nobody => {}
            Self::One(target) => {
                if !target.goes_on || armed.is_none_or(|armed| armed.has(target.program)) {
                    hits.own.push(target.hit());
                }
            }
            Self::Several(several) => several.hit(armed, hits),
        }
    }
}

impl Several {
    fn add(&mut self, target: Target, sharing: &mut Sharing<'_>) {
        if let Some(common) = self.common.filter(|_| target.inert) {
            sharing.commons.join(common, target, sharing.programs);
            self.begins |= !target.goes_on;
            return;
        }
        let at = self.own.partition_point(|t| t.order() < target.order());
        self.own.insert(at, target);
        let inert = self.own.iter().filter(|t| t.inert).count();
        if target.inert && inert >= sharing.commons.from() {
            let common = sharing.commons.found();
            for target in self.own.extract_if(.., |t| t.inert) {
                sharing.commons.join(common, target, sharing.programs);
                self.begins |= !target.goes_on;
            }
            self.common = Some(common);
        }
    }

    fn remove(&mut self, (program, bit): (ProgramId, Option<u8>), sharing: &mut Sharing<'_>) {
        for goes_on in [false, true] {
            if let Ok(at) = self.own.binary_search_by_key(&(goes_on, program, bit), |t| t.order()) {
                self.own.remove(at);
                return;
            }
        }
        let Some(common) = self.common else { return };
        sharing.commons.leave(common, (program, bit), sharing.programs);
        if sharing.commons.len(common) < sharing.commons.from().max(1) {
            self.own.extend(sharing.commons.dissolve(common, sharing.programs));
            self.own.sort_unstable_by_key(|t| t.order());
            (self.common, self.begins) = (None, false);
        } else {
            self.begins = sharing.commons.begins(common);
        }
    }

    #[inline(never)]
    fn matter(&self, armed: Option<&Armed>) -> bool {
        let Some(armed) = armed else { return true };
        if self.begins || self.own.first().is_some_and(|first| !first.goes_on) {
            return true;
        }
        if armed.is_empty() {
            return false;
        }
        let mut any = self.common.is_some();
        each_alive(&self.own, armed, |_| any = true);
        any
    }

    #[inline(never)]
    fn hit(&self, armed: Option<&Armed>, hits: &mut Hits) {
        let (starts, goes_on) = self.own.split_at(self.own.partition_point(|t| !t.goes_on));
        hits.own.extend(starts.iter().map(|t| t.hit()));
        match armed {
            Some(armed) => each_alive(goes_on, armed, |t| hits.own.push(t.hit())),
            None => hits.own.extend(goes_on.iter().map(|t| t.hit())),
        }
        hits.noted.extend(self.common);
    }
}

/// Calls `visit` with the targets, in the order of their programs, that have live runs or may have begun some, at the cost
/// of the shorter list; with some twice.
pub(super) fn each_alive(targets: &[Target], armed: &Armed, mut visit: impl FnMut(&Target)) {
    let short = targets.len() <= SHORT;
    let Some(alive) = Some(armed).filter(|_| !short).and_then(|armed| armed.fewer(targets.len())) else {
        targets.iter().filter(|t| armed.has(t.program)).for_each(visit);
        return;
    };
    for program in alive {
        let from = targets.partition_point(|t| t.program < program);
        targets.iter().skip(from).take_while(|t| t.program == program && armed.has(program)).for_each(&mut visit);
    }
}
