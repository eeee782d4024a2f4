//! One event whose moves were planned at compile time ([`crate::program::Plans`]): the same as a step, without asking.
//!
//! Planned programs have no timers, so that starts are nowhere noted and nothing waits to come out.

use smallvec::SmallVec;

use super::Runs;
use super::body::{Body, Paths};
use super::paths::Completed;
use super::step::Bodies;
use super::tally::{Taken, Tally};
use crate::buffer::{Binding, Root, Tick};
use crate::observation::Observation;
use crate::output::{Cause, Found};
use crate::program::{Planned, Plans, Program};
use crate::trends::Trends;

/// Partial matches that take the event by a move, and whether runs begin with it too.
#[derive(Clone, Copy, Debug)]
struct Moved {
    prev: Option<Root>,
    begins: bool,
}

impl Runs {
    /// Makes the moves of an event for which these predicates hold.
    #[inline]
    pub(super) fn follow(
        &mut self,
        (program, plans): (&Program, &Plans),
        (event, bits): (&Observation, u64),
        out: &mut Vec<Found>,
    ) {
        if let Some(trends) = &program.trends {
            self.add((program, plans, trends), (event, bits), out);
            return;
        }
        let Some(planned) = plans.single(bits) else {
            self.follow_all((program, plans), (event, bits), out);
            return;
        };
        let Some(moved) = self.gather(planned, event) else { return };
        let tick = self.bind(program, event);
        let root = self.arrive_at(tick, (planned, plans.cells), moved);
        if planned.complete {
            self.complete_with(program, root, event, out);
        }
    }

    #[inline(never)]
    fn complete_with(&mut self, program: &Program, root: Root, event: &Observation, out: &mut Vec<Found>) {
        self.complete(program, &[whole(root)], completed(event), out);
    }

    /// The same by any number of moves: all that takes the event leaves before any of it arrives.
    #[inline(never)]
    fn follow_all(
        &mut self,
        (program, plans): (&Program, &Plans),
        (event, bits): (&Observation, u64),
        out: &mut Vec<Found>,
    ) {
        let mut moves = SmallVec::<[(&Planned, Moved); 2]>::new();
        for planned in plans.moves(bits) {
            moves.extend(self.gather(planned, event).map(|moved| (planned, moved)));
        }
        if moves.is_empty() {
            return;
        }
        let (tick, mut complete) = (self.bind(program, event), Bodies::new());
        for (planned, moved) in moves {
            let root = self.arrive_at(tick, (planned, plans.cells), moved);
            if planned.complete {
                complete.push(whole(root));
            }
        }
        if !complete.is_empty() {
            self.complete(program, &complete, completed(event), out);
        }
    }

    /// All that takes the event by a move; `None`: nothing does.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "of every event that a run takes")]
    fn gather(&mut self, planned: &Planned, event: &Observation) -> Option<Moved> {
        let (mut prev, mut any): (Option<Root>, _) = (None, false);
        for source in &planned.sources {
            let Some(root) = self.cells.live(source.cell, source.leaves, self.floor) else { continue };
            any = true;
            // What waits there before and after is told by the node itself.
            if planned.again != Some(source.cell) {
                prev = match prev {
                    Some(other) => Some(self.buffer.either(other, root)),
                    None => Some(root),
                };
            }
        }
        let begins = planned.begins && self.may_begin(event.arrival.position);
        (any || begins).then_some(Moved { prev, begins })
    }

    /// Lets it take the event and wait for what comes next.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "of every event that a run takes")]
    fn arrive_at(&mut self, event: Tick, (planned, cells): (&Planned, usize), moved: Moved) -> Root {
        // Where all wait beside the same others already, one node says what they and these bound; but what is complete
        // is these alone.
        let (joins, alt) = if planned.complete { (false, None) } else { self.cells.common(&planned.into, self.floor) };
        let Moved { prev, begins } = moved;
        let again = planned.again.is_some();
        let root = self.buffer.take(Binding { event, stage: planned.stage, begins, prev, alt, again });
        if begins {
            self.newest = event;
        }
        for cell in &planned.into {
            let before = if joins { None } else { self.cells.live(*cell, false, self.floor) };
            let after = before.map_or(root, |before| self.buffer.either(before, root));
            self.cells.put(*cell, cells, after);
        }
        root
    }

    /// Where only sums are kept: of an event with which no run begins nothing is asked again.
    #[inline(never)]
    fn add(
        &mut self,
        (program, plans, trends): (&Program, &Plans, &Trends),
        (event, bits): (&Observation, u64),
        out: &mut Vec<Found>,
    ) {
        let (may_begin, tick) = (self.may_begin(event.arrival.position), self.buffer.next_tick());
        let taken = Taken { trends, slots: &event.content.slots, begins: may_begin, tick };
        let tally = self.tally.get_or_insert_with(|| Box::new(Tally::new(plans.cells, trends)));
        tally.cut(self.floor);
        let (total, begins) = if let Some(planned) = plans.single(bits) {
            (tally.take(planned, taken), planned.begins)
        } else {
            let moves: SmallVec<[&Planned; 2]> = plans.moves(bits).collect();
            (tally.take_all(&moves, taken), moves.iter().any(|planned| planned.begins))
        };
        if begins && may_begin {
            self.newest = self.bind(program, event);
        }
        if total.count > 0 {
            let sums = self.tally.as_mut().map(|tally| tally.complete()).unwrap_or_default();
            self.report(trends, (total, &sums), completed(event), out);
        }
    }
}

/// What is complete with an event.
fn whole(root: Root) -> Body {
    Body::Paths(Paths { root: Some(root), starts: None })
}

fn completed(event: &Observation) -> Completed {
    Completed { at: event.arrival.position.ts, by: Cause::Event }
}
