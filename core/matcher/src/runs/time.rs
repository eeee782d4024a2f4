//! Time: absences complete, partial matches time out, windows end.

use ensue_rule::Timestamp;

use super::Runs;
use super::after::{Paths, bindings};
use super::best::best;
use super::body::Body;
use super::class::{Class, ends};
use super::paths::{self, Completed, Path, to_match};
use super::step::Bodies;
use crate::buffer::Tick;
use crate::output::{Cause, Found};
use crate::program::{After, Program, Target};

impl Runs {
    /// Moves time: absences complete and partial matches time out whose deadline is at or before `t`.
    pub fn advance_to(&mut self, program: &Program, t: Timestamp, out: &mut Vec<Found>) {
        self.pass_time(program, t, out);
        self.tidy();
    }

    /// The same, but what is over is not forgotten yet.
    #[inline]
    pub(super) fn pass_time(&mut self, program: &Program, t: Timestamp, out: &mut Vec<Found>) {
        if program.timers {
            self.fire(program, t, out);
        }
        self.now = self.now.max(t);
        if self.now >= self.ends {
            self.end_windows(program);
        }
    }

    /// Lets out what is due.
    #[inline(never)]
    fn fire(&mut self, program: &Program, t: Timestamp, out: &mut Vec<Found>) {
        let is_due = |due: Timestamp| due <= t && due < Timestamp::MAX;
        while is_due(self.aside().due) {
            let dues = self.classes.iter().filter_map(|c| c.due(program, self.floor, &self.buffer));
            let due = dues.min().unwrap_or(Timestamp::MAX);
            self.aside_mut().due = due;
            if is_due(due) {
                self.expire(program, due, out);
                self.tidy();
            }
        }
    }

    /// Ends the windows that are over.
    fn end_windows(&mut self, program: &Program) {
        self.floor = self.over_at(program, self.now);
        self.ends = ends(self.floor.next(), program, &self.buffer).unwrap_or(Timestamp::MAX);
    }

    /// The last event whose window is over at `t`: they end in the order in which their events came, so nothing is
    /// searched.
    fn over_at(&self, program: &Program, t: Timestamp) -> Tick {
        let mut over = self.floor;
        while ends(over.next(), program, &self.buffer).is_some_and(|end| end <= t) {
            over = over.next();
        }
        over
    }

    /// Judges a trailing absence now, at a trigger: every run that lacks nothing else is a match at `t` by an event, and
    /// consumes as one at its deadline does. The last call of a look-back.
    pub fn judge_at(&mut self, program: &Program, t: Timestamp, out: &mut Vec<Found>) {
        let mut complete = Bodies::new();
        let over = self.over();
        self.cells.clear();
        self.tally = None;
        self.classes.retain(
            |c| {
                let ends = matches!(program.waits[c.key.wait].target, Target::Absence | Target::Next);
                if ends && c.cut(program, over) && may_end(program, c) {
                    complete.push(c.body.clone());
                }
                false
            },
            program,
        );
        let from = out.len();
        self.complete(program, &complete, Completed { at: t, by: Cause::Time }, out);
        self.let_out(program, true, out);
        for found in out.iter_mut().skip(from) {
            if let Found::Match(m) = found {
                m.by = Cause::Event;
            }
        }
        self.tidy();
    }

    /// Ends what is due at or before `due`.
    fn expire(&mut self, program: &Program, due: Timestamp, out: &mut Vec<Found>) {
        let (mut complete, mut partial) = (Bodies::new(), Vec::new());
        let (over, newest) = (self.over_at(program, due), self.buffer.next_tick());
        let floor = self.floor;
        self.classes.retain(
            |c| {
                if !c.body.cut(floor) {
                    return false;
                }
                let bound = c.key.bound_due(program).is_some_and(|d| d <= due);
                let last = if bound { newest } else { over };
                if c.body.oldest_noted(floor).is_none_or(|oldest| oldest > last) {
                    return true;
                }
                let (mut ended, wait) = (c.body.split(last), &program.waits[c.key.wait]);
                if wait.is_absence() && may_end(program, c) {
                    complete.push(ended);
                } else if program.on_timeout.is_some() {
                    // A loop that has its minimum takes no more after its gap, and that is all.
                    let silent = bound && !wait.bound_times_out;
                    partial.push(if silent { ended.split(over) } else { ended });
                }
                !c.body.is_empty()
            },
            program,
        );
        self.time_out(program, (&partial, &complete), due, out);
        if complete.is_empty() {
            self.let_out(program, false, out);
        } else {
            self.complete(program, &complete, Completed { at: due, by: Cause::Time }, out);
        }
        self.now = self.now.max(due);
        self.end_windows(program);
    }

    /// Reports partial matches that ended, each once; what completes at this moment is none.
    fn time_out(
        &mut self,
        program: &Program,
        (partial, complete): (&[Body], &[Body]),
        due: Timestamp,
        out: &mut Vec<Found>,
    ) {
        let Some(yields) = &program.on_timeout else { return };
        let (paths, capped) = match program.after {
            After::Consume => (self.furthest_of_each_start(program, partial, complete), 0),
            _ => self.partial_matches(program, partial, complete),
        };
        let when = Completed { at: due, by: Cause::Time };
        out.extend(paths.iter().map(|p| Found::Timeout(to_match(p, &self.buffer, program, yields, when))));
        if capped > 0 {
            out.push(Found::Capped(capped));
        }
    }

    /// Each distinct partial match once, by start, up to the limit; and how many more there are.
    fn partial_matches(&mut self, program: &Program, partial: &[Body], complete: &[Body]) -> (Paths, u64) {
        let limit = match program.after {
            After::NoSkip { limit } => limit.min(program.limits.matches),
            _ => program.limits.matches,
        };
        let (done, _) = self.paths(program, complete, program.limits.matches);
        let mut seen: std::collections::HashSet<_> = done.iter().map(bindings).collect();
        let (mut paths, mut capped) = self.paths(program, partial, program.limits.matches);
        let start = |p: &Path| p.first().map(|(tick, _)| *tick);
        paths.sort_by(|a, b| start(a).cmp(&start(b)).then_with(|| paths::preference(a, b, program)));
        paths.retain(|p| seen.insert(bindings(p)));
        capped += u64::try_from(paths.len().saturating_sub(limit)).unwrap_or(u64::MAX);
        paths.truncate(limit);
        (paths, capped)
    }

    /// Under CONSUME one partial match for each start: the one that reached the latest stage, then the better one.
    fn furthest_of_each_start(&self, program: &Program, partial: &[Body], complete: &[Body]) -> Paths {
        let mut starts: Vec<Tick> = partial.iter().flat_map(Body::starts).copied().collect();
        starts.sort_unstable();
        starts.dedup();
        starts.retain(|s| !complete.iter().any(|b| b.has(*s)));
        let furthest = |start: Tick| {
            let of = partial.iter().filter(|b| b.has(start)).filter_map(Body::root);
            let paths = of.filter_map(|root| best(&self.buffer, root, start, program));
            let further = |a: &Path, b: &Path| paths::furthest(b).cmp(&paths::furthest(a));
            paths.min_by(|a, b| further(a, b).then_with(|| paths::preference(a, b, program)))
        };
        starts.into_iter().filter_map(furthest).collect()
    }
}

/// Whether the stages that completing leaves may be left.
fn may_end(program: &Program, c: &Class) -> bool {
    let view = crate::expr::View { slots: &[], registers: &c.key.registers, definitions: &program.registers };
    program.waits[c.key.wait].leaves.iter().flat_map(|s| &program.stages[*s].leave).all(|code| code.holds(view))
}
