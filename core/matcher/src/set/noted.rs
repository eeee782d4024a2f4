//! What was noted in a stream: events of [commons](super::commons) that nobody was stepped with yet, once for all who have
//! them in common.
//!
//! The state of a program's runs is a function of the events that they were stepped with, in their order. One that can let
//! nothing out need not be stepped when it comes: whoever has missed some catches up, in order, before the next step of
//! its own. An event whose window is over is dropped without a step: all runs that it could have begun or changed began with
//! it or before, so that they are over too.

use std::collections::VecDeque;
use std::sync::Arc;

use ensue_rule::{Timestamp, Value};
use rustc_hash::FxHashMap;

use super::ProgramId;
use super::commons::{CommonId, Commons};
use super::slots::SlotId;
use crate::observation::Extent;
use crate::{Arrival, Hit, Observation, Position, Program, Runs};

/// Runs that are to catch up, and with what.
#[derive(Debug)]
pub struct Late<'a> {
    /// Their program.
    pub program: &'a Program,
    /// The runs.
    pub runs: &'a mut Runs,
    /// The event that they are to be stepped with next is here; `None`: there is none yet.
    pub before: Option<Position>,
    /// Of events that are gone; reused.
    pub recalled: &'a mut Observation,
}

/// The notes of one stream.
#[derive(Clone, Debug)]
pub(super) struct Noted {
    commons: Arc<Commons>,
    /// The number of the first event that is kept.
    first: u64,
    events: VecDeque<Note>,
    /// The numbers of the events of each common; by it, none without.
    lists: Vec<(CommonId, VecDeque<u64>)>,
    /// Programs that have missed nothing before an event of that number.
    caught_up: FxHashMap<ProgramId, u64>,
}

/// An event as a later step needs it.
#[derive(Clone, Debug)]
struct Note {
    arrival: Arrival,
    /// What steps read.
    values: Option<Box<[(SlotId, Value)]>>,
}

/// After so many dropped events it is looked who need not be remembered.
const FORGET: u64 = 64;

impl Noted {
    pub(super) fn new(commons: &Arc<Commons>) -> Self {
        let (events, lists) = (VecDeque::new(), Vec::new());
        Self { commons: commons.clone(), first: 0, events, lists, caught_up: FxHashMap::default() }
    }

    /// Whether it was made with what programs have in common now.
    pub(super) fn is_of(&self, commons: &Arc<Commons>) -> bool {
        Arc::ptr_eq(&self.commons, commons)
    }

    /// How many events there are.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// Notes an event for all who have these in common; those whose window is over by it go.
    pub(super) fn note(&mut self, commons: &[CommonId], event: &Observation) {
        let (number, arrival) = (self.next(), event.arrival());
        for id in commons {
            let at = self.lists.binary_search_by_key(id, |(id, _)| *id).unwrap_or_else(|at| {
                self.lists.insert(at, (*id, VecDeque::new()));
                at
            });
            if let Some((_, list)) = self.lists.get_mut(at) {
                list.push_back(number);
            }
        }
        let read = |slot: SlotId| commons.iter().any(|id| self.commons.reads(*id, slot));
        let values: Vec<(SlotId, Value)> = match event.extent {
            Extent::Whole => event.content.values().filter(|(slot, _)| read(*slot)).collect(),
            Extent::ActionType(_) | Extent::Nothing => Vec::new(),
        };
        let values = if values.is_empty() { None } else { Some(values.into()) };
        self.events.push_back(Note { arrival, values });
        self.drop_over(arrival.position.ts);
    }

    /// The number of the next event.
    fn next(&self) -> u64 {
        self.first + self.events.len() as u64
    }

    fn event(&self, number: u64) -> Option<&Note> {
        self.events.get(usize::try_from(number.checked_sub(self.first)?).ok()?)
    }

    /// Drops the events whose window is over for everyone.
    pub(super) fn drop_over(&mut self, now: Timestamp) {
        let Self { commons, lists, events, first, .. } = self;
        let is_over = |id, number: u64| {
            let event = number.checked_sub(*first).and_then(|at| events.get(usize::try_from(at).ok()?));
            event.is_none_or(|e| e.arrival.position.ts.plus(commons.window(id)) <= now)
        };
        lists.retain_mut(|(id, list)| {
            while list.front().is_some_and(|number| is_over(*id, *number)) {
                list.pop_front();
            }
            !list.is_empty()
        });
        let needed = self.lists.iter().filter_map(|(_, list)| list.front()).min().copied().unwrap_or(self.next());
        let before = self.first;
        while self.first < needed && self.events.pop_front().is_some() {
            self.first += 1;
        }
        if before / FORGET != self.first / FORGET {
            let first = self.first;
            self.caught_up.retain(|_, number| *number > first);
        }
    }

    /// From which number on a program has missed what was noted.
    fn from(&self, program: ProgramId) -> u64 {
        self.caught_up.get(&program).copied().unwrap_or(0)
    }

    fn list(&self, id: CommonId) -> Option<&VecDeque<u64>> {
        let at = self.lists.binary_search_by_key(&id, |(id, _)| *id).ok()?;
        self.lists.get(at).map(|(_, list)| list)
    }

    /// Whether a program has missed something.
    pub(super) fn has_missed(&self, program: ProgramId) -> bool {
        let from = self.from(program);
        let mut last = self.commons.of(program).iter().filter_map(|id| self.list(*id)?.back());
        last.any(|number| *number >= from)
    }

    /// Whether a program has missed something with which runs of it may begin.
    pub(super) fn may_have_begun(&self, program: ProgramId) -> bool {
        let from = self.from(program);
        self.commons.of(program).iter().any(|id| {
            let last = self.list(*id).and_then(VecDeque::back);
            last.is_some_and(|number| *number >= from) && self.commons.begins_with(*id, program)
        })
    }

    /// Whether something is noted with which runs may begin.
    pub(super) fn begins(&self) -> bool {
        self.lists.iter().any(|(id, _)| self.commons.begins(*id))
    }

    /// At most how many programs have missed something.
    pub(super) fn late(&self) -> usize {
        self.lists.iter().map(|(id, _)| self.commons.len(*id)).sum()
    }

    /// Those that may have missed something; some twice.
    pub(super) fn each_late(&self) -> impl Iterator<Item = ProgramId> + '_ {
        self.lists.iter().flat_map(|(id, _)| self.commons.all(*id)).map(|t| t.program)
    }

    /// Those that have missed something, in order.
    pub(super) fn missed(&self) -> Vec<ProgramId> {
        let mut programs: Vec<ProgramId> = self.each_late().collect();
        programs.sort_unstable();
        programs.dedup();
        programs.retain(|program| self.has_missed(*program));
        programs
    }

    /// Steps runs with what their program has missed, if `reads` says so of its place; the time of the last of it.
    pub(super) fn catch_up(
        &mut self,
        id: ProgramId,
        late: Late<'_>,
        reads: impl Fn(Position) -> bool,
    ) -> Option<Timestamp> {
        if !self.has_missed(id) {
            return None;
        }
        let Late { program, runs, before, recalled } = late;
        let now = before.or_else(|| self.events.back().map(|e| e.arrival.position))?.ts;
        let (mut last, mut found) = (None, Vec::new());
        for (number, bits) in self.missed_by(id) {
            let Some(note) = self.event(number) else { continue };
            let place = note.arrival.position;
            let over = place.ts.plus(program.window) <= now || before.is_some_and(|before| place >= before);
            let hit = Hit { program: id, bits };
            if over || !reads(place) || runs.is_idle() && !program.may_begin(hit) {
                continue;
            }
            note.recall(recalled);
            runs.step(program, recalled, hit, &mut found);
            last = Some(place.ts);
        }
        // INVARIANT (inert): what is noted lets nothing out.
        debug_assert!(found.is_empty(), "{found:?}");
        let next = self.next();
        self.caught_up.insert(id, next);
        last
    }

    /// What a program has missed, in order, with its predicates that held.
    fn missed_by(&self, program: ProgramId) -> Vec<(u64, u64)> {
        let from = self.from(program);
        let mut missed = Vec::new();
        let mut lists = 0;
        for id in self.commons.of(program) {
            let (Some(list), bits) = (self.list(*id), self.commons.bits(*id, program)) else { continue };
            let at = list.partition_point(|number| *number < from);
            missed.extend(list.range(at..).map(|number| (*number, bits)));
            lists += 1;
        }
        if lists > 1 {
            missed.sort_unstable();
            missed.dedup_by(|next, kept| {
                let same = next.0 == kept.0;
                if same {
                    kept.1 |= next.1;
                }
                same
            });
        }
        missed
    }
}

impl Note {
    /// Makes an observation of it again, as far as steps read it.
    fn recall(&self, into: &mut Observation) {
        into.arrival = self.arrival;
        let values = self.values.as_deref().unwrap_or_default();
        into.content.recall(values);
    }
}

/// What of the commons that an event hits is noted: those that may begin a run, and those that someone alive has.
pub(super) fn select(commons: &Commons, armed: &super::Armed, noted: &mut Vec<CommonId>) {
    noted.sort_unstable();
    noted.dedup();
    noted.retain(|id| commons.begins(*id) || armed.has_any(commons.all(*id)));
}

/// What a program has of the commons that an event hits.
pub(super) fn bits(commons: &Commons, noted: &[CommonId], program: ProgramId) -> u64 {
    noted.iter().fold(0, |all, id| all | commons.bits(*id, program))
}
