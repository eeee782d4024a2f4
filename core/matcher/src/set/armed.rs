//! Which programs have live runs in a stream: beside starts, the index looks at no other.

use smallvec::SmallVec;

use super::ProgramId;

/// Above so many programs a table by number is smaller and quicker than a list.
const FEW: usize = 32;

/// The programs with live runs in a stream (a user, the device), each with how many keys have some. The host keeps it:
/// [`Armed::add`] when runs come alive, [`Armed::remove`] when they are idle.
#[derive(Clone, Debug)]
pub struct Armed(Programs);

#[derive(Clone, Debug)]
enum Programs {
    /// Sorted.
    Few(SmallVec<[(ProgramId, u32); 2]>),
    /// By number, and how many are not 0.
    Many(Vec<u32>, usize),
}

impl Default for Armed {
    fn default() -> Self {
        Self(Programs::Few(SmallVec::new()))
    }
}

impl Armed {
    /// Runs of this program came alive in a key.
    pub fn add(&mut self, program: ProgramId) {
        match &mut self.0 {
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
        match &mut self.0 {
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
                    *self = Self::default();
                }
            }
        }
    }

    /// Whether the program has live runs.
    #[inline]
    pub fn has(&self, program: ProgramId) -> bool {
        match &self.0 {
            Programs::Few(list) => list.iter().any(|(id, _)| *id == program),
            Programs::Many(counts, _) => counts.get(super::row(program)).is_some_and(|n| *n > 0),
        }
    }

    /// How many programs have live runs.
    pub fn len(&self) -> usize {
        match &self.0 {
            Programs::Few(list) => list.len(),
            Programs::Many(_, armed) => *armed,
        }
    }

    /// Whether none has.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The programs in order, where they are few.
    pub(super) fn few(&self) -> Option<impl Iterator<Item = ProgramId> + '_> {
        match &self.0 {
            Programs::Few(list) => Some(list.iter().map(|(id, _)| *id)),
            Programs::Many(..) => None,
        }
    }

    fn widen(&mut self) {
        let Programs::Few(list) = &self.0 else { return };
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
        self.0 = Programs::Many(counts, list.len());
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
            assert!(armed.is_empty() && armed.few().is_some());
        }
    }
}
