//! Runs: the partial matches of one program for one key.
//!
//! Partial matches that no future condition can tell apart are one *run class*: they wait at the same place with the
//! same registers. A class holds its members by start, oldest first; all partial matches of one member are one node
//! of the shared buffer. So the work of an event depends on classes and live starts, not on partial matches.
//!
//! The steps of an event are one file each: [`step`] takes it, [`after`] chooses what comes out, [`time`] ends what is
//! due, [`paths`] reads matches from the buffer.

mod after;
mod best;
mod body;
mod cells;
pub(crate) mod class;
mod classes;
pub(crate) mod fate;
mod moves;
mod paths;
mod planned;
mod step;
mod sums;
mod tally;
mod time;

use ensue_rule::Timestamp;

use crate::buffer::{SharedBuffer, Tick};
use crate::observation::Position;
use crate::output::Found;
use crate::program::{Program, Target};
use after::{Finished, Waiting};
use cells::Cells;
use class::{Class, Over};
use classes::Classes;
use tally::Tally;

/// The partial matches of one program for one key.
#[derive(Debug)]
pub struct Runs {
    /// Of a planned program, its partial matches, or under RETURN TRENDS what they add up to.
    cells: Cells,
    tally: Option<Box<Tally>>,
    /// Of another program.
    classes: Classes,
    buffer: SharedBuffer,
    /// What started with this event or before is over.
    floor: Tick,
    /// Until then no window ends.
    ends: Timestamp,
    /// The newest start.
    newest: Tick,
    /// Time has come so far.
    now: Timestamp,
    aside: Option<Box<Aside>>,
}

/// What runs have only of some programs, or once they have matched.
#[derive(Debug)]
struct Aside {
    /// Where the last event fed stood, where the program asks.
    position: Position,
    /// Nothing is due before this, where time alone can let something out.
    due: Timestamp,
    /// What [`Runs::skip_bound`] says: events at or before it begin nothing.
    bound: Position,
    /// Matches that wait under a skip strategy.
    finished: Waiting,
    /// Run classes and starts that a limit dropped.
    dropped: u32,
}

impl Aside {
    const fn new() -> Self {
        let position = Position { ts: Timestamp(0), seq: 0 };
        Self { position, due: Timestamp::MAX, bound: UNBOUNDED, finished: Waiting::new(), dropped: 0 }
    }
}

/// A skip bound that there is not.
const UNBOUNDED: Position = Position { ts: Timestamp::MIN, seq: 0 };

impl Default for Runs {
    fn default() -> Self {
        Self::new(None)
    }
}

impl Runs {
    /// No runs; nothing may start at or before `bound` (what [`Runs::skip_bound`] said before a restart).
    pub fn new(bound: Option<Position>) -> Self {
        let aside = bound.filter(|bound| *bound != UNBOUNDED);
        Self {
            cells: Cells::default(),
            tally: None,
            classes: Classes::default(),
            buffer: SharedBuffer::default(),
            floor: Tick::default(),
            ends: Timestamp::MAX,
            newest: Tick::default(),
            now: Timestamp::MIN,
            aside: aside.map(|bound| Box::new(Aside { bound, ..Aside::new() })),
        }
    }

    /// When time alone next lets something out; `None`: never as things are.
    pub fn next_wakeup(&self, program: &Program) -> Option<Timestamp> {
        if !program.has_timers() {
            return None;
        }
        let waiting = !self.finished().is_empty();
        let speaks = |wait| waiting || program.on_timeout.is_some() || program.waits[wait].target == Target::Absence;
        let speaking = self.classes.iter().filter(|c| speaks(c.key.wait));
        speaking.filter_map(|c| c.due(program, self.floor, &self.buffer)).min()
    }

    /// No match may start at or before this: what a host keeps, with the retained events, to build these runs again.
    pub fn skip_bound(&self) -> Option<Position> {
        Some(self.aside().bound).filter(|bound| *bound != UNBOUNDED)
    }

    /// Whether nothing is alive: the host may drop the value, if it keeps the skip bound.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.cells.is_empty()
            && self.tally.as_ref().is_none_or(|t| t.is_empty())
            && self.classes.is_empty()
            && self.finished().is_empty()
    }

    /// Drops every partial match (a gap in the history); the skip bound stays. Returns whether there was one.
    pub fn clear(&mut self, program: &Program) -> bool {
        let lives = |c: &Class| c.lives(program, self.over());
        let kept = self.cells.iter().any(|root| root.newest > self.floor);
        let counted = self.tally.iter().any(|t| t.oldest_after(self.floor).is_some());
        let alive = kept || counted || self.classes.iter().any(lives) || !self.finished().is_empty();
        self.drop_all();
        self.retain_finished(|_| false);
        self.tidy();
        alive
    }

    /// Ends all runs that started at or before `upto`, because the host no longer keeps their events; what waited for them
    /// comes out. Returns whether there was one.
    pub fn truncate(&mut self, program: &Program, upto: Position, out: &mut Vec<Found>) -> bool {
        let oldest = self.oldest(program);
        let Some(tick) = self.buffer.tick_at(upto).filter(|tick| oldest.is_some_and(|oldest| oldest <= *tick)) else {
            return false;
        };
        self.raise(tick);
        self.drop_over(program);
        self.retain_finished(|f| f.start > tick);
        self.let_out(program, false, out);
        self.tidy();
        true
    }

    /// Whether a live run waits for an absence (`!n`), so that a gap in the history would make its answer wrong.
    pub fn waits_for_absence(&self, program: &Program) -> bool {
        let waits = |wait| {
            let w = &program.waits[wait];
            !(w.forbids.is_empty() && w.watch.is_empty() && w.next_forbids.is_empty()) || w.target == Target::Absence
        };
        self.classes.iter().any(|c| waits(c.key.wait) && c.lives(program, self.over()))
    }

    /// How many run classes and buffer nodes are alive, and how many starts a limit dropped.
    pub fn size(&self) -> (usize, usize, u64) {
        (self.live(), self.buffer.len(), self.aside().dropped.into())
    }

    /// The oldest start of a live run.
    fn oldest(&mut self, program: &Program) -> Option<Tick> {
        let (over, buffer) = (self.over(), &mut self.buffer);
        let mut oldest = None;
        for root in self.cells.iter() {
            oldest = oldest.into_iter().chain(buffer.oldest(root.node, over.floor)).min();
        }
        oldest = oldest.into_iter().chain(self.tally.as_ref().and_then(|t| t.oldest_after(over.floor))).min();
        for c in self.classes.iter() {
            if c.lives(program, over) {
                oldest = oldest.into_iter().chain(c.body.oldest(over.floor, buffer)).min();
            }
        }
        oldest
    }

    /// How many run classes there are.
    fn live(&self) -> usize {
        self.cells.len() + self.tally.as_ref().map_or(0, |t| t.len()) + self.classes.len()
    }

    /// Drops every partial match.
    fn drop_all(&mut self) {
        self.cells.clear();
        if let Some(tally) = &mut self.tally {
            tally.clear();
        }
        self.classes.clear();
    }

    /// Whether the skip bound lets a run begin here.
    #[inline]
    fn may_begin(&self, place: Position) -> bool {
        self.aside.as_ref().is_none_or(|aside| aside.bound == UNBOUNDED || place > aside.bound)
    }

    fn aside(&self) -> &Aside {
        static NOTHING: Aside = Aside::new();
        self.aside.as_deref().unwrap_or(&NOTHING)
    }

    fn aside_mut(&mut self) -> &mut Aside {
        self.aside.get_or_insert_with(|| Box::new(Aside::new()))
    }

    /// Matches that wait under a skip strategy.
    fn finished(&self) -> &[Finished] {
        &self.aside().finished
    }

    fn retain_finished(&mut self, keep: impl FnMut(&Finished) -> bool) {
        if let Some(aside) = &mut self.aside {
            aside.finished.retain(keep);
        }
    }

    /// A limit has dropped so many.
    fn count_dropped(&mut self, n: u32) {
        let aside = self.aside_mut();
        aside.dropped = aside.dropped.saturating_add(n);
    }

    /// Something is due then, if time comes so far.
    fn wake_at(&mut self, due: Timestamp) {
        if due < self.aside().due {
            self.aside_mut().due = due;
        }
    }

    fn over(&self) -> Over {
        Over { floor: self.floor, now: self.now }
    }

    /// Ends all runs that started at or before `tick`, and lets nothing start there after a restart either.
    fn bar(&mut self, tick: Tick, bound: Position) {
        self.raise(tick);
        let aside = self.aside_mut();
        aside.finished.retain(|f| f.start > tick);
        aside.bound = aside.bound.max(bound);
    }

    /// Ends all runs that started at or before `tick`.
    fn raise(&mut self, tick: Tick) {
        if tick > self.floor {
            self.floor = tick;
            // Which window ends next is asked anew.
            self.ends = Timestamp::MIN;
        }
    }

    /// Forgets what is over.
    #[inline(always)]
    #[allow(clippy::inline_always, reason = "of every event that a run may take")]
    fn tidy(&mut self) {
        if self.newest <= self.floor || self.is_idle() {
            self.rest();
        } else if self.buffer.is_full() {
            self.forget();
        }
    }

    #[inline(never)]
    fn forget(&mut self) {
        self.buffer.forget(self.kept_from());
    }

    /// Nothing is alive, matches that wait apart.
    #[inline(never)]
    fn rest(&mut self) {
        self.drop_all();
        if self.finished().is_empty() {
            self.buffer.clear();
            self.floor = self.buffer.last_tick();
            self.ends = Timestamp::MAX;
        } else if self.buffer.is_full() {
            self.forget();
        }
    }

    /// What started after this is still of use.
    fn kept_from(&self) -> Tick {
        self.finished().first().map_or(self.floor, |f| self.floor.min(f.start.previous()))
    }
}
