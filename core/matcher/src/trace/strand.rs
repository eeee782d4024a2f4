//! One strand: a run that is followed by itself.

use ensue_rule::Timestamp;
use smallvec::SmallVec;

use super::blame::blame;
use super::near::note;
use super::path::StepId;
use super::{Ending, NearMiss, Tracer};
use crate::Position;
use crate::expr::View;
use crate::program::{PositionId, Program, StageId, Target, Wait, WaitId};
use crate::registers::{Registers, Taken};
use crate::runs::class::hash;
use crate::runs::fate::Seen;

/// One run.
#[derive(Clone, Debug)]
pub(super) struct Strand {
    pub(super) at: PositionId,
    pub(super) waits: SmallVec<[WaitId; 4]>,
    /// What it waited for when it last waited for anything.
    pub(super) was: SmallVec<[WaitId; 4]>,
    pub(super) registers: Registers,
    pub(super) session: Option<u64>,
    pub(super) start: Position,
    pub(super) last: Position,
    pub(super) events: u32,
    pub(super) lacks: u32,
    pub(super) stage: StageId,
    pub(super) path: StepId,
    pub(super) near: Vec<NearMiss>,
    /// Of what no future event tells apart, but for the waits: where they agree, it is worth comparing.
    class: u64,
    /// Predicates that concern one of its waits; all, where any event does.
    concerns: u64,
    /// It took an event and goes on as another, or is complete.
    pub(super) went_on: bool,
    pub(super) complete: bool,
    /// Why the last of its waits ended.
    pub(super) blame: Option<Ending>,
}

impl Strand {
    /// A run that begins with the event.
    pub(super) fn begin(
        tracer: &Tracer,
        seen: Seen<'_>,
        (wait, to): (WaitId, PositionId),
        session: Option<u64>,
    ) -> Self {
        let place = seen.observation.arrival.position;
        let none = Self {
            at: to,
            waits: SmallVec::new(),
            was: SmallVec::new(),
            registers: Registers::default(),
            session,
            start: place,
            last: place,
            events: 0,
            lacks: 0,
            stage: tracer.program.positions[to].stage,
            path: StepId::NONE,
            near: Vec::new(),
            class: 0,
            concerns: 0,
            went_on: false,
            complete: false,
            blame: None,
        };
        none.take(tracer, seen, &tracer.program.waits[wait], to)
    }

    /// The run with the event besides.
    pub(super) fn take(&self, tracer: &Tracer, seen: Seen<'_>, wait: &Wait, to: PositionId) -> Self {
        let (program, place) = (seen.program, seen.observation.arrival.position);
        let position = &program.positions[to];
        let taken = Taken { stage: position.stage, slots: &seen.observation.content.slots };
        let definitions = &program.registers;
        let registers = self.registers.restart(definitions, &wait.turns).take(definitions, taken, position.live);
        let ends = !position.complete.is_empty();
        let complete = ends && seen.completes(&position.complete, &self.registers, &registers);
        let mut near = Vec::new();
        if ends && !complete {
            let view = View { slots: &seen.observation.content.slots, registers: &registers, definitions };
            let failed = tracer.not_complete(&position.complete, view);
            let stage = program.stages[position.stage].name.clone();
            if !failed.is_empty() {
                note(&mut near, NearMiss { stage, event: place, failed });
            }
        }
        let timed = position.waits.iter().any(|w| program.waits[*w].timed).then_some(place.ts);
        let waits: SmallVec<[WaitId; 4]> = position.waits.iter().copied().collect();
        Self {
            at: to,
            class: hash(&(to, &registers, self.session, timed)),
            concerns: concerns(program, &waits),
            was: waits.clone(),
            waits,
            registers,
            session: self.session,
            start: self.start,
            last: place,
            events: self.events.saturating_add(1),
            lacks: tracer.lacks[to],
            stage: position.stage.max(if self.events == 0 { position.stage } else { self.stage }),
            path: self.path,
            near,
            went_on: false,
            complete,
            blame: None,
        }
    }

    /// What the event means for it; the runs that it goes on as. How many are complete with it.
    pub(super) fn meet(&mut self, tracer: &Tracer, seen: Seen<'_>, near: bool, born: &mut Vec<Self>) -> u64 {
        let (mut stay, mut complete) = (SmallVec::new(), 0);
        if self.concerns & seen.bits == 0 && self.concerns < u64::MAX && !(near && tracer.nearly(&self.waits)) {
            return 0;
        }
        let passes_by = |id: &WaitId| seen.program.waits[*id].bits.is_some_and(|bits| bits & seen.bits == 0);
        for id in self.waits.clone() {
            let wait = &seen.program.waits[id];
            if passes_by(&id) {
                stay.push(id);
                if near {
                    self.miss(tracer, seen, wait);
                }
                continue;
            }
            let last = wait.timed.then_some(self.last.ts);
            let fate = seen.fate(id, &self.registers, last);
            if let (true, Target::Take(to)) = (fate.takes, wait.target) {
                born.push(self.take(tracer, seen, wait, to));
                self.went_on = true;
            } else if fate.completes {
                (self.complete, complete) = (true, 1);
            } else if near {
                self.miss(tracer, seen, wait);
            }
            match fate.stays {
                Some(on) => stay.push(on),
                None if fate.takes || fate.completes => {}
                None => self.blame = Some(blame(seen, id, &self.registers, last)),
            }
        }
        if self.waits != stay {
            self.concerns = concerns(seen.program, &stay);
            self.waits = stay;
        }
        complete
    }

    /// Notes the event, if a wait nearly wanted it.
    pub(super) fn miss(&mut self, tracer: &Tracer, seen: Seen<'_>, wait: &Wait) {
        let miss = tracer.near(seen, wait, &self.registers);
        if let Some(miss) = miss.filter(|m| !self.near.iter().any(|n| n.event == m.event && n.stage == m.stage)) {
            note(&mut self.near, miss);
        }
    }

    /// Time comes to `due`: the waits that end then. How many are complete with it.
    pub(super) fn pass(&mut self, tracer: &Tracer, due: Timestamp) -> u64 {
        if self.due(&tracer.program) > due {
            return 0;
        }
        let (mut stay, mut complete) = (SmallVec::new(), 0);
        for id in self.waits.clone() {
            let wait = &tracer.program.waits[id];
            let (ends, by_bound) = self.due_of(&tracer.program, wait);
            if ends > due {
                stay.push(id);
                continue;
            }
            let absent = wait.is_absence();
            if absent && self.may_end(tracer, wait) {
                (self.complete, complete) = (true, 1);
                continue;
            }
            let view = View { slots: &[], registers: &self.registers, definitions: &tracer.program.registers };
            let left = if absent { tracer.left(&wait.leaves, view) } else { Vec::new() };
            self.blame = Some(match (left.is_empty(), by_bound) {
                (false, _) => Ending::Left(left, ends),
                (true, true) => Ending::Late(ends),
                (true, false) => Ending::Window(ends),
            });
        }
        self.waits = stay;
        complete
    }

    /// Whether the stages that completing leaves may be left.
    pub(super) fn may_end(&self, tracer: &Tracer, wait: &Wait) -> bool {
        let view = View { slots: &[], registers: &self.registers, definitions: &tracer.program.registers };
        wait.leaves.iter().flat_map(|s| &tracer.program.stages[*s].leave).all(|code| code.holds(view))
    }

    /// When the first of its waits ends.
    pub(super) fn due(&self, program: &Program) -> Timestamp {
        let dues = self.waits.iter().map(|w| self.due_of(program, &program.waits[*w]).0);
        dues.min().unwrap_or(Timestamp::MAX)
    }

    /// When a wait ends, and whether by the bound on its step.
    pub(super) fn due_of(&self, program: &Program, wait: &Wait) -> (Timestamp, bool) {
        let window = self.start.ts.plus(program.window);
        let bound = wait.bound.map(|b| self.last.ts.plus(b.violated_at()));
        bound.filter(|b| *b < window).map_or((window, false), |b| (b, true))
    }

    /// Whether no future event tells them apart.
    pub(super) fn is_like(&self, other: &Self, program: &Program, exact: bool) -> bool {
        let timed = || self.waits.iter().any(|w| program.waits[*w].timed);
        self.class == other.class
            && self.at == other.at
            && self.waits == other.waits
            && self.session == other.session
            && self.registers == other.registers
            && (!exact || self.start == other.start)
            && (self.last.ts == other.last.ts || !timed())
    }

    /// How far it came.
    pub(super) fn progress(&self) -> (std::cmp::Reverse<u32>, StageId) {
        (std::cmp::Reverse(self.lacks), self.stage)
    }

    /// Which of two tells more.
    pub(super) fn rank(&self) -> ((std::cmp::Reverse<u32>, StageId), u32, usize, Position) {
        (self.progress(), self.events, self.near.len(), self.last)
    }
}

/// The predicates that concern some of these waits; all, where any event does.
fn concerns(program: &Program, waits: &[WaitId]) -> u64 {
    waits.iter().fold(0, |all, w| all | program.waits[*w].bits.unwrap_or(u64::MAX))
}
