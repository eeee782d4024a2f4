//! One event whose moves were planned at compile time ([`crate::program::Plans`]): the same as a step, without asking.
//!
//! Planned programs have no timers, so that starts are nowhere noted and nothing waits to come out.

use smallvec::SmallVec;

use super::Runs;
use super::body::{Body, Paths};
use super::step::Bodies;
use super::sums::Sums;
use crate::buffer::{Binding, Root, Tick};
use crate::observation::Observation;
use crate::program::{CellId, Planned, Plans, Program};
use crate::trends::Trends;

/// What takes the event: the move, what it makes longer, and whether runs begin with it too.
type Moved<'p> = SmallVec<[(&'p Planned, Option<Root>, bool); 2]>;

/// An event as a planned program sees it.
#[derive(Clone, Copy, Debug)]
struct Step<'a> {
    program: &'a Program,
    plans: &'a Plans,
    event: &'a Observation,
    /// Whether runs may begin with it.
    may_begin: bool,
}

impl Runs {
    /// Makes the moves of an event for which these predicates hold.
    #[inline]
    pub(super) fn follow(
        &mut self,
        (program, plans): (&Program, &Plans),
        (event, bits): (&Observation, u64),
        complete: &mut Bodies,
    ) {
        let may_begin = self.may_begin(event.arrival.position);
        let step = Step { program, plans, event, may_begin };
        match &program.trends {
            None => self.extend(step, bits, complete),
            Some(trends) => self.add(step, (trends, bits), complete),
        }
    }

    /// Where what was bound is kept: one node for each move. All that takes the event leaves before any of it arrives.
    #[inline]
    fn extend(&mut self, step: Step<'_>, bits: u64, complete: &mut Bodies) {
        if let Some(planned) = step.plans.single(bits) {
            if let Some((root, begins)) = self.gather(step, planned) {
                self.bind(step.program, step.event);
                self.arrive_at(step, (planned, root, begins), complete);
            }
            return;
        }
        let mut moved = Moved::new();
        for planned in step.plans.moves(bits) {
            moved.extend(self.gather(step, planned).map(|(root, begins)| (planned, root, begins)));
        }
        if !moved.is_empty() {
            self.bind(step.program, step.event);
        }
        moved.into_iter().for_each(|one| self.arrive_at(step, one, complete));
    }

    /// All that takes the event by a move, and whether runs begin with it; `None`: nothing does.
    #[inline]
    fn gather(&mut self, step: Step<'_>, planned: &Planned) -> Option<(Option<Root>, bool)> {
        let mut all: Option<Root> = None;
        for source in &planned.sources {
            let Some(held) = self.graph.live(source.cell, self.floor) else { continue };
            let root = if source.leaves { held.take() } else { *held };
            if source.leaves {
                self.graph.emptied();
            }
            all = match (all, root) {
                (Some(a), Some(b)) => Some(self.buffer.either(a, b)),
                (a, b) => a.or(b),
            };
        }
        let begins = planned.begins && step.may_begin;
        (all.is_some() || begins).then_some((all, begins))
    }

    /// Lets it take the event and wait for what comes next.
    #[inline]
    fn arrive_at(
        &mut self,
        step: Step<'_>,
        (planned, prev, begins): (&Planned, Option<Root>, bool),
        complete: &mut Bodies,
    ) {
        let event = self.buffer.last_tick();
        // Where all wait beside the same others already, one node says what they and these bound; but what is complete
        // is these alone.
        let (joins, alt) = if planned.complete { (false, None) } else { self.beside(&planned.into) };
        let root = self.buffer.take(Binding { event, stage: planned.stage, begins, prev, alt });
        if begins {
            self.newest = event;
        }
        for cell in &planned.into {
            let Some(held) = self.graph.fill(*cell, step.plans.cells) else { continue };
            *held = match *held {
                Some(old) if !joins && old.newest > self.floor => Some(self.buffer.either(old, root)),
                _ => Some(root),
            };
        }
        if planned.complete {
            complete.push(Body::Paths(Paths { root: Some(root), starts: None }));
        }
    }

    /// Whether all of these cells stand at one node (or are empty), and at which.
    #[inline]
    fn beside(&mut self, cells: &[CellId]) -> (bool, Option<Root>) {
        let Some((first, others)) = cells.split_first() else { return (false, None) };
        let first = self.graph.live(*first, self.floor).copied().flatten();
        for cell in others {
            if self.graph.live(*cell, self.floor).copied().flatten() != first {
                return (false, None);
            }
        }
        (true, first)
    }

    /// Where only sums are kept.
    #[inline]
    fn add(&mut self, step: Step<'_>, (trends, bits): (&Trends, u64), complete: &mut Bodies) {
        if let Some(planned) = step.plans.single(bits) {
            let next = self.buffer.next_tick();
            if let Some(sums) = self.sum(step, (planned, trends)) {
                self.begin_at(step, next);
                self.add_to(step, (planned, trends, sums), complete);
            }
            return;
        }
        let (mut moved, next) = (SmallVec::<[(&Planned, Box<Sums>); 2]>::new(), self.buffer.next_tick());
        for planned in step.plans.moves(bits) {
            moved.extend(self.sum(step, (planned, trends)).map(|sums| (planned, sums)));
        }
        self.begin_at(step, next);
        moved.into_iter().for_each(|(planned, sums)| self.add_to(step, (planned, trends, sums), complete));
    }

    /// Keeps the event where runs began with it: of the others nothing is asked again.
    #[inline]
    fn begin_at(&mut self, step: Step<'_>, next: Tick) {
        if self.newest == next {
            self.bind(step.program, step.event);
        }
    }

    /// The sum of all that takes the event by a move; `None`: nothing does.
    #[inline]
    fn sum(&mut self, step: Step<'_>, (planned, trends): (&Planned, &Trends)) -> Option<Box<Sums>> {
        let adding = self.sums.get_or_insert_default();
        let mut all = adding.spare.take().unwrap_or_default();
        all.clear();
        for source in &planned.sources {
            let Some(held) = adding.cells.live(source.cell, self.floor) else { continue };
            if !source.leaves {
                all.merge(held);
                continue;
            }
            if all.is_empty() {
                std::mem::swap(&mut *all, held);
            } else {
                all.merge(held);
                held.clear();
            }
            adding.cells.emptied();
        }
        if planned.begins && step.may_begin {
            self.newest = self.buffer.next_tick();
            all.begin(self.newest, trends);
        }
        if all.is_empty() {
            adding.spare = Some(all);
            return None;
        }
        Some(all)
    }

    /// Lets it take the event and wait for what comes next.
    #[inline]
    fn add_to(
        &mut self,
        step: Step<'_>,
        (planned, trends, mut sums): (&Planned, &Trends, Box<Sums>),
        complete: &mut Bodies,
    ) {
        sums.take(trends, planned.stage, &step.event.slots);
        let adding = self.sums.get_or_insert_default();
        for cell in &planned.into {
            // What is over goes now and then, so that it does not add up.
            adding.cells.live(*cell, self.floor);
            if let Some(held) = adding.cells.fill(*cell, step.plans.cells) {
                held.merge(&sums);
            }
        }
        if planned.complete {
            complete.push(Body::Sums(sums));
        } else {
            adding.spare = Some(sums);
        }
    }
}
