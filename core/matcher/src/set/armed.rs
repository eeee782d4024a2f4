//! Which programs have live runs in a stream, or may have begun some with what was noted for them: beside starts, the
//! index looks at no other.

use ensue_rule::Timestamp;
use smallvec::SmallVec;

use super::noted::{Late, Noted};
use super::targets::{Target, each_alive};
use super::{ProgramId, ProgramSet};
use crate::{Observation, Position};

/// Above so many programs a table by number is smaller and quicker than a list.
const FEW: usize = 32;

/// The programs with live runs in a stream (a user, the device), each with how many keys have some. The host keeps it:
/// [`Armed::add`] when runs come alive, [`Armed::remove`] when they are idle.
///
/// A host that looks events up with [`ProgramSet::look_up_noting`] keeps here besides what was noted in the stream
/// ([`Armed::note`]). It lets a program [catch up](Armed::catch_up) before its runs are stepped or looked at, all that
/// [missed](Armed::missed) something where there are too many notes ([`Armed::is_full`]), and all that have in every
/// stream before a program is added to the set or removed.
#[derive(Clone, Debug, Default)]
pub struct Armed {
    programs: Programs,
    noted: Option<Box<Noted>>,
}

#[derive(Clone, Debug)]
enum Programs {
    /// Sorted.
    Few(SmallVec<[(ProgramId, u32); 2]>),
    /// By number, and how many are not 0.
    Many(Vec<u32>, usize),
}

impl Default for Programs {
    fn default() -> Self {
        Self::Few(SmallVec::new())
    }
}

impl Armed {
    /// Runs of this program came alive in a key.
    pub fn add(&mut self, program: ProgramId) {
        match &mut self.programs {
            Programs::Few(list) => match list.binary_search_by_key(&program, |(id, _)| *id) {
                Ok(at) => list.iter_mut().skip(at).take(1).for_each(|(_, n)| *n += 1),
                Err(at) => {
                    list.insert(at, (program, 1));
                    self.widen();
                }
            },
            Programs::Many(counts, armed) => {
                let row = super::row(program);
                if counts.len() <= row {
                    counts.resize(row + 1, 0);
                }
                if let Some(n) = counts.get_mut(row) {
                    *armed += usize::from(*n == 0);
                    *n += 1;
                }
            }
        }
    }

    /// The runs of this program in a key are idle, or gone.
    pub fn remove(&mut self, program: ProgramId) {
        match &mut self.programs {
            Programs::Few(list) => {
                let Ok(at) = list.binary_search_by_key(&program, |(id, _)| *id) else { return };
                if let Some((_, n)) = list.get_mut(at) {
                    *n -= 1;
                    if *n == 0 {
                        list.remove(at);
                    }
                }
            }
            Programs::Many(counts, armed) => {
                if let Some(n) = counts.get_mut(super::row(program)).filter(|n| **n > 0) {
                    *n -= 1;
                    *armed -= usize::from(*n == 0);
                }
                if *armed == 0 {
                    self.programs = Programs::default();
                }
            }
        }
    }

    /// Whether the program has live runs, or may have begun some with what was noted for it.
    #[inline]
    pub fn has(&self, program: ProgramId) -> bool {
        let alive = match &self.programs {
            Programs::Few(list) => list.iter().any(|(id, _)| *id == program),
            Programs::Many(counts, _) => counts.get(super::row(program)).is_some_and(|n| *n > 0),
        };
        alive || self.noted.as_ref().is_some_and(|noted| noted.may_have_begun(program))
    }

    /// How many programs have live runs.
    pub fn len(&self) -> usize {
        match &self.programs {
            Programs::Few(list) => list.len(),
            Programs::Many(_, armed) => *armed,
        }
    }

    /// Whether none has, and nothing is noted.
    pub fn is_empty(&self) -> bool {
        self.len() == 0 && self.noted.is_none()
    }

    /// Whether one of these has.
    pub(super) fn has_any(&self, targets: &[Target]) -> bool {
        if self.noted.as_ref().is_some_and(|noted| noted.begins()) {
            // One of these, or of others that begin alike; to ask each is dearer than a note too many.
            return true;
        }
        let mut any = false;
        each_alive(targets, self, |_| any = true);
        any
    }

    /// The programs that may have some, where these are fewer than `limit`; some twice.
    pub(super) fn fewer(&self, limit: usize) -> Option<impl Iterator<Item = ProgramId> + '_> {
        let Programs::Few(list) = &self.programs else { return None };
        let noted = self.noted.as_deref();
        let late = noted.map_or(0, Noted::late);
        let late = (list.len() + late < limit).then(|| noted.into_iter().flat_map(Noted::each_late))?;
        Some(list.iter().map(|(id, _)| *id).chain(late))
    }

    /// Notes an event for all who share what it hits, if [`ProgramSet::look_up_noting`] has said so.
    pub fn note(&mut self, set: &ProgramSet, event: &Observation) {
        if !event.hits.noted.is_empty() {
            let noted = self.noted.get_or_insert_with(|| Box::new(Noted::new(set.commons())));
            // INVARIANT (settled): nothing is noted while programs come or go.
            debug_assert!(noted.is_of(set.commons()), "programs changed before all had caught up");
            noted.note(&event.hits.noted, event);
        }
    }

    /// How many events are noted.
    pub fn notes(&self) -> usize {
        self.noted.as_ref().map_or(0, |noted| noted.len())
    }

    /// Whether there are as many as there may be: then all who have missed something are to catch up.
    pub fn is_full(&self, set: &ProgramSet) -> bool {
        self.notes() >= set.limits.notes
    }

    /// Whether a program has missed events that were noted.
    #[inline]
    pub fn has_missed(&self, program: ProgramId) -> bool {
        self.noted.as_ref().is_some_and(|noted| noted.has_missed(program))
    }

    /// The programs that have missed events that were noted, in order.
    pub fn missed(&self) -> Vec<ProgramId> {
        self.noted.as_ref().map(|noted| noted.missed()).unwrap_or_default()
    }

    /// Steps the runs of a program with what it has missed, so far as `reads` says that it reads at that place; the time
    /// of the last of it. Nothing comes out.
    pub fn catch_up(
        &mut self,
        program: ProgramId,
        late: Late<'_>,
        reads: impl Fn(Position) -> bool,
    ) -> Option<Timestamp> {
        self.noted.as_mut()?.catch_up(program, late, reads)
    }

    /// Drops the notes that are over by `now`.
    pub fn drop_notes_until(&mut self, now: Timestamp) {
        if let Some(noted) = &mut self.noted {
            noted.drop_over(now);
        }
        self.noted.take_if(|noted| noted.len() == 0);
    }

    /// Drops all notes, once nobody has missed anything.
    pub fn drop_notes(&mut self) {
        self.noted = None;
    }

    fn widen(&mut self) {
        let Programs::Few(list) = &self.programs else { return };
        if list.len() <= FEW {
            return;
        }
        let rows = list.last().map_or(0, |(id, _)| super::row(*id) + 1);
        let mut counts = vec![0; rows];
        for (id, n) in list {
            if let Some(count) = counts.get_mut(super::row(*id)) {
                *count = *n;
            }
        }
        self.programs = Programs::Many(counts, list.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_armed_as_often_as_keys_have_runs() {
        for n in [3_u32, 100] {
            let mut armed = Armed::default();
            for id in (0..n).rev() {
                armed.add(ProgramId(id * 7));
                armed.add(ProgramId(id * 7));
            }
            assert_eq!(armed.len(), n as usize);
            for id in 0..n {
                armed.remove(ProgramId(id * 7));
                assert!(armed.has(ProgramId(id * 7)) && !armed.has(ProgramId(id * 7 + 1)));
                armed.remove(ProgramId(id * 7));
                assert!(!armed.has(ProgramId(id * 7)));
            }
            armed.remove(ProgramId(0));
            assert!(armed.is_empty() && armed.fewer(1).is_some());
        }
    }
}
