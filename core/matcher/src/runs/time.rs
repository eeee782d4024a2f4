//! Time: absences complete, partial matches time out, windows end.

use ensue_rule::Timestamp;

use super::Runs;
use super::after::bindings;
use super::class::{Class, Member, Members, merge};
use super::paths::{self, Completed, Path, to_match};
use crate::output::{Cause, Found};
use crate::program::{After, Program, Target};

impl Runs {
    /// Moves time: absences complete and partial matches time out whose deadline is at or before `t`.
    pub fn advance_to(&mut self, program: &Program, t: Timestamp, out: &mut Vec<Found>) {
        while self.due <= t && self.due < Timestamp::MAX {
            self.due = self.classes.iter().filter_map(|c| c.due(program)).min().unwrap_or(Timestamp::MAX);
            if self.due > t || self.due == Timestamp::MAX {
                return;
            }
            // Where nothing can come out, everything that is due ends at once.
            let at = if program.has_timers() || !self.finished.is_empty() { self.due } else { t };
            self.expire(program, at, out);
        }
    }

    /// Judges a trailing absence now, at a trigger: every run that lacks nothing else is a match at `t` by an event.
    /// The last call of a look-back.
    pub fn judge_at(&mut self, program: &Program, t: Timestamp, out: &mut Vec<Found>) {
        let mut complete = Members::new();
        let mut classes = std::mem::take(&mut self.classes);
        for c in &classes {
            if matches!(program.waits[c.wait].target, Target::Absence | Target::Next) && Self::may_end(program, c) {
                merge(&mut complete, &c.members, program, &mut self.buffer);
            }
        }
        classes.clear();
        self.complete(program, &complete, Completed { at: t, by: Cause::Event }, out);
        self.let_out(program, true, out);
    }

    /// Ends what is due at or before `due`.
    fn expire(&mut self, program: &Program, due: Timestamp, out: &mut Vec<Found>) {
        let (mut complete, mut partial) = (Members::new(), Vec::new());
        let mut classes = std::mem::take(&mut self.classes);
        classes.retain_mut(|c| {
            let bound = c.bound_due(program).is_some_and(|d| d <= due);
            let old = c.members.iter().take_while(|m| m.at.plus(program.window) <= due).count();
            let ends: Members = if bound { std::mem::take(&mut c.members) } else { c.members.drain(..old).collect() };
            let wait = &program.waits[c.wait];
            // Where `=> !n` stands too, the very next event must have come.
            let absent = wait.target == Target::Absence && wait.next_forbids.is_empty();
            if absent && Self::may_end(program, c) {
                merge(&mut complete, &ends, program, &mut self.buffer);
            } else if program.on_timeout.is_some() {
                // A loop that has its minimum takes no more after its gap, and that is all.
                let silent = if bound && !wait.bound_times_out { old } else { ends.len() };
                partial.extend(ends.iter().take(silent).copied());
            }
            !c.members.is_empty()
        });
        self.classes = classes;
        self.time_out(program, (&partial, &complete), due, out);
        self.complete(program, &complete, Completed { at: due, by: Cause::Time }, out);
        self.release();
    }

    /// Whether the stages that completing leaves may be left.
    fn may_end(program: &Program, c: &Class) -> bool {
        let view = crate::expr::View { slots: &[], registers: &c.registers, definitions: &program.registers };
        program.waits[c.wait].leaves.iter().flat_map(|s| &program.stages[*s].leave).all(|code| code.holds(view))
    }

    /// Reports partial matches that ended, each once; what completes at this moment is none.
    fn time_out(
        &mut self,
        program: &Program,
        (partial, complete): (&[Member], &[Member]),
        due: Timestamp,
        out: &mut Vec<Found>,
    ) {
        let Some(yields) = &program.on_timeout else { return };
        let limit = match program.after {
            After::NoSkip { limit } => limit.min(program.limits.matches),
            _ => program.limits.matches,
        };
        let (done, _) = self.paths(program, complete, program.limits.matches);
        let mut seen: std::collections::HashSet<_> = done.iter().map(bindings).collect();
        let mut members = partial.to_vec();
        members.sort_by_key(|m| m.start);
        let (mut paths, mut capped) = self.paths(program, &members, program.limits.matches);
        paths.retain(|p| seen.insert(bindings(p)));
        if program.after == After::Consume {
            let starts: Vec<_> = complete.iter().map(|m| m.start).collect();
            paths.retain(|p| p.first().is_none_or(|(tick, _)| !starts.contains(tick)));
            paths = furthest_of_each_start(paths, program);
        } else {
            capped += u64::try_from(paths.len().saturating_sub(limit)).unwrap_or(u64::MAX);
            paths.truncate(limit);
        }
        let when = Completed { at: due, by: Cause::Time };
        out.extend(paths.iter().map(|p| Found::Timeout(to_match(p, &self.buffer, program, yields, when))));
        if capped > 0 {
            out.push(Found::Capped(capped));
        }
    }
}

/// Under CONSUME one partial match for each start: the one that reached the latest stage, then the better one.
fn furthest_of_each_start(paths: Vec<Path>, program: &Program) -> Vec<Path> {
    let start = |p: &Path| p.first().map(|(tick, _)| *tick);
    let mut best: Vec<Path> = Vec::new();
    for p in paths {
        match best.last_mut().filter(|b| start(b) == start(&p)) {
            Some(b) => {
                let (x, y) = (paths::furthest(&p), paths::furthest(b));
                if x > y || (x == y && paths::preference(&p, b, program).is_lt()) {
                    *b = p;
                }
            }
            None => best.push(p),
        }
    }
    best
}
