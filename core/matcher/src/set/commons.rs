//! Commons: predicates that many programs have in common where they let nothing out, so that a host may note their events
//! once for all of these instead of stepping each.
//!
//! Says who has what in common; what was noted in a stream is with the stream ([`noted`](super::noted)). Changes only with
//! the programs of a set.

use std::collections::BTreeMap;

use ensue_rule::Duration;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::slots::SlotId;
use super::targets::Target;
use super::{Entry, ProgramId, row};

/// Names a predicate that is common to many programs, or a place in the index where several are filed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct CommonId(u32);

/// All that programs of a set have in common.
#[derive(Clone, Debug, Default)]
pub(super) struct Commons {
    /// As many programs are many.
    from: usize,
    rows: Vec<Option<Common>>,
    free: Vec<CommonId>,
    of: FxHashMap<ProgramId, SmallVec<[CommonId; 2]>>,
}

/// What some programs have in common.
#[derive(Clone, Debug, Default)]
struct Common {
    /// By program.
    members: Vec<Target>,
    /// How many of them need no live run.
    begins: usize,
    /// How many have which window.
    windows: BTreeMap<Duration, u32>,
    /// What their steps read, and of how many.
    reads: BTreeMap<SlotId, u32>,
}

impl Commons {
    pub(super) fn new(from: usize) -> Self {
        Self { from, ..Self::default() }
    }

    /// From so many programs on an event is noted for all of them.
    pub(super) fn from(&self) -> usize {
        self.from
    }

    /// Something new in common, to be joined.
    pub(super) fn found(&mut self) -> CommonId {
        let id = self.free.pop().unwrap_or_else(|| {
            self.rows.push(None);
            CommonId(u32::try_from(self.rows.len() - 1).unwrap_or(u32::MAX))
        });
        if let Some(common) = self.rows.get_mut(at(id)) {
            *common = Some(Common::default());
        }
        id
    }

    /// A program has it in common with the others.
    pub(super) fn join(&mut self, id: CommonId, target: Target, programs: &[Option<Entry>]) {
        let Some(common) = self.rows.get_mut(at(id)).and_then(Option::as_mut) else { return };
        let place = common.members.partition_point(|t| (t.program, t.bit) < (target.program, target.bit));
        common.members.insert(place, target);
        common.begins += usize::from(!target.goes_on);
        if let Some(entry) = entry(programs, target.program) {
            *common.windows.entry(entry.program.window).or_default() += 1;
            entry.reads.iter().for_each(|slot| *common.reads.entry(*slot).or_default() += 1);
        }
        let of = self.of.entry(target.program).or_default();
        if !of.contains(&id) {
            of.push(id);
        }
    }

    /// A program has it no more.
    pub(super) fn leave(&mut self, id: CommonId, (program, bit): (ProgramId, Option<u8>), programs: &[Option<Entry>]) {
        let Some(common) = self.rows.get_mut(at(id)).and_then(Option::as_mut) else { return };
        let Ok(place) = common.members.binary_search_by_key(&(program, bit), |t| (t.program, t.bit)) else { return };
        let target = common.members.remove(place);
        common.begins -= usize::from(!target.goes_on);
        if let Some(entry) = entry(programs, program) {
            count_down(&mut common.windows, &entry.program.window);
            entry.reads.iter().for_each(|slot| count_down(&mut common.reads, slot));
        }
        if self.members(id, program).is_empty()
            && let Some(of) = self.of.get_mut(&program)
        {
            of.retain(|other| *other != id);
            if of.is_empty() {
                self.of.remove(&program);
            }
        }
    }

    /// Nobody has it in common any more; who had.
    pub(super) fn dissolve(&mut self, id: CommonId, programs: &[Option<Entry>]) -> Vec<Target> {
        let members = self.all(id).to_vec();
        members.iter().for_each(|t| self.leave(id, (t.program, t.bit), programs));
        if self.rows.get_mut(at(id)).and_then(Option::take).is_some() {
            self.free.push(id);
        }
        members
    }

    fn row(&self, id: CommonId) -> Option<&Common> {
        self.rows.get(at(id))?.as_ref()
    }

    /// Who has it, by program; a program as often as it has predicates of this kind.
    pub(super) fn all(&self, id: CommonId) -> &[Target] {
        self.row(id).map(|common| &*common.members).unwrap_or_default()
    }

    pub(super) fn len(&self, id: CommonId) -> usize {
        self.all(id).len()
    }

    /// The same of one program.
    fn members(&self, id: CommonId, program: ProgramId) -> &[Target] {
        let all = self.all(id);
        let from = all.partition_point(|t| t.program < program);
        let of = all.get(from..).unwrap_or_default();
        of.split_at(of.iter().take_while(|t| t.program == program).count()).0
    }

    /// Which predicates of a program hold where this does.
    pub(super) fn bits(&self, id: CommonId, program: ProgramId) -> u64 {
        self.members(id, program).iter().fold(0, |bits, t| bits | t.bits())
    }

    /// Whether some of its events may begin a run.
    pub(super) fn begins(&self, id: CommonId) -> bool {
        self.row(id).is_some_and(|common| common.begins > 0)
    }

    /// The same of runs of one program.
    pub(super) fn begins_with(&self, id: CommonId, program: ProgramId) -> bool {
        self.members(id, program).iter().any(|t| !t.goes_on)
    }

    /// How long an event matters to anyone who has it.
    pub(super) fn window(&self, id: CommonId) -> Duration {
        self.row(id).and_then(|common| common.windows.keys().next_back()).copied().unwrap_or_default()
    }

    /// Whether a step of someone who has it reads this.
    pub(super) fn reads(&self, id: CommonId, slot: SlotId) -> bool {
        self.row(id).is_some_and(|common| common.reads.contains_key(&slot))
    }

    /// What a program has in common with others.
    pub(super) fn of(&self, program: ProgramId) -> &[CommonId] {
        self.of.get(&program).map(|of| &**of).unwrap_or_default()
    }
}

fn count_down<K: Ord>(counts: &mut BTreeMap<K, u32>, key: &K) {
    if let Some(n) = counts.get_mut(key) {
        *n -= 1;
        if *n == 0 {
            counts.remove(key);
        }
    }
}

fn entry(programs: &[Option<Entry>], id: ProgramId) -> Option<&Entry> {
    programs.get(row(id))?.as_ref()
}

fn at(id: CommonId) -> usize {
    usize::try_from(id.0).unwrap_or(usize::MAX)
}
