//! Targets: whom a predicate concerns.

use smallvec::SmallVec;

use super::{Armed, ProgramId};
use crate::Hit;

/// Lists up to so many targets are walked rather than met with the armed programs.
const SHORT: usize = 4;

/// A program that a predicate concerns.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    /// Only where it has live runs.
    pub(super) goes_on: bool,
    pub(super) program: ProgramId,
    /// The program's predicate; `None`: the event is in its stream, which is all it must know.
    pub(super) bit: Option<u8>,
    /// Whether steps of the program read values of events.
    pub(super) reads: bool,
}

impl Target {
    #[inline]
    fn hit(self) -> Hit {
        Hit { program: self.program, bits: self.bit.map_or(0, |bit| 1 << bit) }
    }
}

/// Sorted: first those that need no live run, then by program.
#[derive(Clone, Debug, Default)]
pub(super) struct Targets(SmallVec<[Target; 1]>);

impl Targets {
    #[inline]
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn add(&mut self, target: Target) {
        let at = self.0.partition_point(|t| *t < target);
        self.0.insert(at, target);
    }

    /// Takes a program's predicate out, wherever it stands.
    pub(super) fn remove(&mut self, target: Target) {
        for goes_on in [false, true] {
            if let Ok(at) = self.0.binary_search(&Target { goes_on, ..target }) {
                self.0.remove(at);
                return;
            }
        }
    }

    /// Whether it matters to anyone that the predicate holds.
    #[inline]
    pub(super) fn matter(&self, armed: Option<&Armed>) -> bool {
        match self.0.first() {
            None => false,
            Some(first) if !first.goes_on => true,
            Some(_) => armed.is_none_or(|armed| self.wait(armed)),
        }
    }

    /// Whether one of them, of which each needs live runs, has some.
    fn wait(&self, armed: &Armed) -> bool {
        if self.0.len() <= SHORT {
            return self.0.iter().any(|t| armed.has(t.program));
        }
        let mut any = false;
        each_armed(&self.0, armed, |_| any = true);
        any
    }

    /// The programs that are concerned where it does.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "of every event that concerns anyone")]
    pub(super) fn hit(&self, armed: Option<&Armed>, hits: &mut Vec<Hit>) {
        match self.0.as_slice() {
            [target] => {
                if !target.goes_on || armed.is_none_or(|armed| armed.has(target.program)) {
                    hits.push(target.hit());
                }
            }
            several => hit_several(several, armed, hits),
        }
    }
}

#[inline(never)]
fn hit_several(all: &[Target], armed: Option<&Armed>, hits: &mut Vec<Hit>) {
    let (starts, goes_on) = all.split_at(all.partition_point(|t| !t.goes_on));
    hits.extend(starts.iter().map(|t| t.hit()));
    match armed {
        Some(armed) if goes_on.len() <= SHORT => {
            hits.extend(goes_on.iter().filter(|t| armed.has(t.program)).map(|t| t.hit()));
        }
        Some(armed) => each_armed(goes_on, armed, |t| hits.push(t.hit())),
        None => hits.extend(goes_on.iter().map(|t| t.hit())),
    }
}

/// Calls `visit` with the targets whose programs have live runs, at the cost of the shorter list.
fn each_armed(targets: &[Target], armed: &Armed, mut visit: impl FnMut(&Target)) {
    let Some(few) = armed.few() else {
        targets.iter().filter(|t| armed.has(t.program)).for_each(visit);
        return;
    };
    for program in few {
        let from = targets.partition_point(|t| t.program < program);
        targets.iter().skip(from).take_while(|t| t.program == program).for_each(&mut visit);
    }
}
