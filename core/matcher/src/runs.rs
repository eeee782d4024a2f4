//! Runs: the partial matches of one program for one key.
//!
//! Partial matches that no future condition can tell apart are one *run class*: they wait at the same place with the
//! same registers. A class holds its members by start, oldest first; all partial matches of one member are one node
//! of the shared buffer. So the work of an event depends on classes and live starts, not on partial matches.
//!
//! The steps of an event are one file each: [`step`] takes it, [`after`] chooses what comes out, [`time`] ends what is
//! due, [`paths`] reads matches from the buffer.

mod after;
mod class;
mod paths;
mod step;
mod time;

use ensue_rule::Timestamp;

use crate::buffer::{SharedBuffer, Tick};
use crate::observation::Position;
use crate::output::Found;
use crate::program::{Program, Target};
use after::Finished;
use class::Class;

/// The partial matches of one program for one key.
#[derive(Debug)]
pub struct Runs {
    classes: Vec<Class>,
    buffer: SharedBuffer,
    /// The last event fed.
    tick: Tick,
    /// Where the last event fed stood.
    position: Option<Position>,
    /// Nothing is due before this.
    due: Timestamp,
    /// What [`Runs::skip_bound`] says.
    bound: Option<Position>,
    /// The skip bound of before a restart: events at or before it begin nothing.
    restored: Option<Position>,
    /// Matches that wait under a skip strategy, by start.
    finished: Vec<Finished>,
    /// Run classes and members that a limit dropped.
    dropped: u64,
}

impl Default for Runs {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Runs {
    /// No runs; nothing may start at or before `bound` (what [`Runs::skip_bound`] said before a restart).
    pub fn new(bound: Option<Position>) -> Self {
        Self {
            classes: Vec::new(),
            buffer: SharedBuffer::default(),
            tick: 0,
            position: None,
            due: Timestamp::MAX,
            bound,
            restored: bound,
            finished: Vec::new(),
            dropped: 0,
        }
    }

    /// When time alone next lets something out; `None`: never as things are.
    pub fn next_wakeup(&self, program: &Program) -> Option<Timestamp> {
        if !program.has_timers() {
            return None;
        }
        let waiting = !self.finished.is_empty();
        let speaks =
            |c: &&Class| waiting || program.on_timeout.is_some() || program.waits[c.wait].target == Target::Absence;
        self.classes.iter().filter(speaks).filter_map(|c| c.due(program)).min()
    }

    /// No match may start at or before this: what a host keeps, with the retained events, to build these runs again.
    pub fn skip_bound(&self) -> Option<Position> {
        self.bound
    }

    /// Whether nothing is alive: the host may drop the value, if it keeps the skip bound.
    pub fn is_idle(&self) -> bool {
        self.classes.is_empty() && self.finished.is_empty()
    }

    /// Drops every partial match (a gap in the history); the skip bound stays. Returns whether there was one.
    pub fn clear(&mut self) -> bool {
        let alive = !self.is_idle();
        self.classes.clear();
        self.finished.clear();
        self.release();
        alive
    }

    /// Ends all runs that started at or before `upto`, because the host no longer keeps their events; what waited for them
    /// comes out. Returns whether there was one.
    pub fn truncate(&mut self, program: &Program, upto: Position, out: &mut Vec<Found>) -> bool {
        let Some(tick) = self.buffer.tick_at(upto).filter(|tick| self.oldest().is_some_and(|o| o <= *tick)) else {
            return false;
        };
        self.classes.retain_mut(|c| c.cut(tick));
        self.finished.retain(|f| f.start > tick);
        self.let_out(program, false, out);
        self.release();
        true
    }

    /// Whether a live run waits for an absence (`!n`), so that a gap in the history would make its answer wrong.
    pub fn waits_for_absence(&self, program: &Program) -> bool {
        self.classes.iter().any(|c| {
            let w = &program.waits[c.wait];
            !(w.forbids.is_empty() && w.watch.is_empty() && w.next_forbids.is_empty()) || w.target == Target::Absence
        })
    }

    /// How many run classes and buffer nodes are alive, and how many classes a limit dropped.
    pub fn size(&self) -> (usize, usize, u64) {
        (self.classes.len(), self.buffer.len(), self.dropped)
    }

    /// The oldest start of a live run or of a waiting match.
    fn oldest(&self) -> Option<Tick> {
        let classes = self.classes.iter().filter_map(Class::oldest);
        classes.chain(self.finished.iter().map(|f| f.start)).min()
    }

    /// Lets the buffer forget what nothing alive can reach.
    fn release(&mut self) {
        let oldest = self.oldest();
        self.buffer.release(oldest);
    }

    /// Ends all runs that started at or before `tick`, and lets nothing start there after a restart either.
    fn bar(&mut self, tick: Tick, bound: Position) {
        self.classes.retain_mut(|c| c.cut(tick));
        self.finished.retain(|f| f.start > tick);
        self.bound = self.bound.max(Some(bound));
    }
}
