//! One event whose moves were planned at compile time ([`crate::program::Plan`]): the same as a step, without asking.

use smallvec::SmallVec;

use super::Runs;
use super::body::Body;
use super::classes::ClassId;
use super::step::{Arrival, Bodies};
use crate::observation::Observation;
use crate::program::{Plan, Planned, Program};

impl Runs {
    /// Makes the moves of a plan.
    pub(super) fn follow(&mut self, program: &Program, plan: &Plan, event: &Observation, complete: &mut Bodies) {
        let may_begin = self.bound.is_none_or(|bound| event.arrival.position > bound);
        if let [planned] = plan.moves.as_slice() {
            if let Some(body) = self.ready(program, planned, may_begin) {
                self.bind(program, event);
                self.land(program, event, (planned, body, may_begin), complete);
            }
            return;
        }
        let mut moved = SmallVec::<[(&Planned, Body); 2]>::new();
        for planned in &plan.moves {
            moved.extend(self.ready(program, planned, may_begin).map(|body| (planned, body)));
        }
        if !moved.is_empty() {
            self.bind(program, event);
        }
        for (planned, body) in moved {
            self.land(program, event, (planned, body, may_begin), complete);
        }
    }

    /// All that takes the event at one position, with what begins there.
    fn ready(&mut self, program: &Program, planned: &Planned, may_begin: bool) -> Option<Body> {
        let mut body = self.gather(planned);
        if planned.begins && may_begin {
            self.newest = self.buffer.next_tick();
            body.get_or_insert_with(|| Body::none(program)).begin(self.newest, program);
        }
        body
    }

    /// Lets it take the event.
    fn land(
        &mut self,
        program: &Program,
        event: &Observation,
        (planned, body, may_begin): (&Planned, Body, bool),
        complete: &mut Bodies,
    ) {
        let mut places = SmallVec::<[ClassId; 4]>::new();
        for wait in &program.positions[planned.to].waits {
            places.push(self.classes.place_plain(*wait, program));
        }
        let (tick, begins) = (self.buffer.last_tick(), planned.begins && may_begin);
        let arrival = Arrival { tick, to: planned.to, begins, complete: planned.complete, body };
        self.settle(program, event, arrival, (&places, complete));
    }

    /// All that takes the event at one position.
    fn gather(&mut self, planned: &Planned) -> Option<Body> {
        let mut all: Option<Body> = None;
        for source in &planned.sources {
            let Some(at) = self.classes.find_plain(source.wait) else { continue };
            let Some(class) = self.classes.get_mut(at) else { continue };
            if class.body.cut(self.floor) {
                match (&mut all, source.leaves) {
                    (None, true) => all = Some(class.body.take()),
                    (None, false) => all = Some(class.body.copy(self.spare.take())),
                    (Some(all), _) => all.merge(&class.body, &mut self.buffer),
                }
            }
            if source.leaves {
                self.classes.remove_plain(at);
            }
        }
        all
    }
}
