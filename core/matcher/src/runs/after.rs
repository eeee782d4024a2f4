//! After a match: which of the matches that one moment completes come out, and which runs they end.

use std::collections::HashSet;
use std::ops::{ControlFlow, Deref};

use ensue_rule::Value;
use smallvec::SmallVec;

use super::Runs;
use super::best::best;
use super::body::Body;
use super::paths::{self, Below, Completed, Path, to_match};
use super::tally::Total;
use crate::buffer::Tick;
use crate::output::{Cause, Found, Match};
use crate::program::{After, Program, StageId};
use crate::trends::Trends;

/// What comes out of one moment: seldom more than one.
pub(super) type Paths = SmallVec<[Path; 1]>;

/// Out of so many at least a LIMIT chooses.
const CHOICE: usize = 1_000;

/// A match that waits under a skip strategy for runs with an earlier start to end.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) start: Tick,
    path: Path,
    when: Completed,
}

/// Matches that wait, by start.
#[derive(Debug, Default)]
pub(super) struct Waiting(Vec<Finished>);

impl Deref for Waiting {
    type Target = [Finished];

    fn deref(&self) -> &[Finished] {
        &self.0
    }
}

impl Waiting {
    /// None.
    pub(super) const fn new() -> Self {
        Self(Vec::new())
    }

    /// Keeps those of which `keep` says so.
    pub(super) fn retain(&mut self, keep: impl FnMut(&Finished) -> bool) {
        self.0.retain(keep);
    }

    fn add(&mut self, more: impl Iterator<Item = Finished>) -> &mut [Finished] {
        self.0.extend(more);
        &mut self.0
    }

    /// Takes out the first.
    fn take_first(&mut self) -> Option<Finished> {
        (!self.0.is_empty()).then(|| self.0.remove(0))
    }
}

impl Runs {
    /// Matches that one moment completed: lets out what AFTER MATCH gives.
    pub(super) fn complete(&mut self, program: &Program, bodies: &[Body], when: Completed, out: &mut Vec<Found>) {
        if let Some(trends) = &program.trends {
            self.add_up(trends, bodies, when, out);
            return;
        }
        match program.after {
            After::Consume => self.consume(program, bodies, when, out),
            After::NoSkip { limit } => self.no_skip(program, bodies, (when, limit), out),
            _ => self.finish(program, bodies, when, out),
        }
    }

    /// The earliest start wins; no other match may start at or before its last event, or, where time completed it,
    /// before that moment. Then again, as long as there is one.
    fn consume(&mut self, program: &Program, bodies: &[Body], when: Completed, out: &mut Vec<Found>) {
        let mut barred = self.floor;
        while let Some(start) = bodies.iter().filter_map(|b| b.oldest(barred, &mut self.buffer)).min() {
            barred = start;
            let Some(path) = self.best(program, bodies, start) else { continue };
            out.push(Found::Match(to_match(&path, &self.buffer, program, &program.returns, when)));
            let last = paths::last(&path);
            let place = self.buffer.position(last).unwrap_or_default();
            let (tick, bound) = match when.by {
                Cause::Event => (last, place),
                Cause::Time => (self.buffer.last_tick(), self.aside().position),
            };
            barred = barred.max(tick);
            self.bar(barred, bound);
        }
    }

    /// What CONSUME prefers of all that starts with one event.
    pub(super) fn best(&self, program: &Program, bodies: &[Body], start: Tick) -> Option<Path> {
        let roots = bodies.iter().filter_map(Body::root);
        let paths = roots.filter_map(|root| best(&self.buffer, root, start, program));
        paths.min_by(|a, b| paths::preference(a, b, program))
    }

    /// One row over all matches of the moment.
    fn add_up(&mut self, trends: &Trends, bodies: &[Body], when: Completed, out: &mut Vec<Found>) {
        let (mut total, mut sums) = (Total::default(), Vec::new());
        for body in bodies {
            if let Body::Sums(each) = body {
                each.total(&mut total.count, &mut sums);
            }
        }
        total.start = bodies.iter().filter_map(|b| b.oldest_noted(self.floor)).min();
        if total.count > 0 {
            self.report(trends, (total, &sums), when, out);
        }
    }

    /// What all matches of the moment add up to.
    pub(super) fn report(
        &mut self,
        trends: &Trends,
        (total, sums): (Total, &[Value]),
        when: Completed,
        out: &mut Vec<Found>,
    ) {
        let start = total.start.and_then(|s| self.buffer.position(s)).unwrap_or_default();
        let (bindings, values) = (Vec::new(), trends.values(total.count, sums));
        out.push(Found::Match(Match { bindings, start, end: self.aside().position, at: when.at, by: when.by, values }));
    }

    fn no_skip(&mut self, program: &Program, bodies: &[Body], (when, limit): (Completed, usize), out: &mut Vec<Found>) {
        let (mut paths, mut capped) = self.paths(program, bodies, limit.max(CHOICE).min(program.limits.matches));
        let start = |p: &Path| p.first().map(|(tick, _)| *tick);
        if paths.len() > 1 {
            paths.sort_by(|a, b| start(a).cmp(&start(b)).then_with(|| paths::preference(a, b, program)));
        }
        capped = capped.saturating_add(u64::try_from(paths.len().saturating_sub(limit)).unwrap_or(u64::MAX));
        paths.truncate(limit);
        out.extend(paths.iter().map(|p| Found::Match(to_match(p, &self.buffer, program, &program.returns, when))));
        if capped > 0 {
            out.push(Found::Capped(capped));
        }
    }

    /// The first `limit` paths of bodies, none twice; and how many more there are (where one match can be
    /// reached in two ways, how many ways).
    pub(super) fn paths(&mut self, program: &Program, bodies: &[Body], limit: usize) -> (Paths, u64) {
        /// Where one match can be reached in many ways, so many are looked at for each that may come out.
        const WAYS: usize = 64;
        let most = u64::try_from(limit.saturating_mul(WAYS)).unwrap_or(u64::MAX);
        let (mut paths, mut seen, mut ways) = (Paths::new(), None::<HashSet<_>>, 0_u64);
        for below in bodies.iter().filter_map(|b| Below::of(b, &self.buffer, self.floor)) {
            if bodies.len() == 1
                && limit > 0
                && let Some(only) = below.only(&self.buffer)
            {
                paths.push(only);
                return (paths, 0);
            }
            if paths.len() >= limit || ways >= most {
                break;
            }
            let _ = below.each(&self.buffer, |p| {
                ways += 1;
                if !program.ambiguous || seen.get_or_insert_default().insert(bindings(&p)) {
                    paths.push(p);
                }
                if paths.len() >= limit || ways >= most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            });
        }
        if paths.len() < limit && ways < most {
            return (paths, 0);
        }
        let mut all = 0_u64;
        for body in bodies {
            if let Some(below) = Below::of(body, &self.buffer, self.floor) {
                all = all.saturating_add(below.len(&mut self.buffer));
            }
        }
        (paths, all.saturating_sub(ways))
    }

    /// Of each start the path that goes first, for the first `room` starts; and how many more starts there are. Where
    /// the first prunes all others of its start, these are all that can come out, however many there are besides.
    fn firsts(&mut self, program: &Program, bodies: &[Body], room: usize) -> (Paths, u64) {
        let (mut paths, mut more, mut done) = (Paths::new(), 0_u64, self.floor);
        while let Some(start) = bodies.iter().filter_map(|b| b.oldest(done, &mut self.buffer)).min() {
            done = start;
            if paths.len() < room {
                paths.extend(self.best(program, bodies, start));
            } else {
                more = more.saturating_add(1);
            }
        }
        (paths, more)
    }

    /// Under a skip strategy a match first waits.
    fn finish(&mut self, program: &Program, bodies: &[Body], when: Completed, out: &mut Vec<Found>) {
        if !bodies.is_empty() {
            // Waiting matches are kept event by event.
            let held: usize = self.finished().iter().map(|f| f.path.len()).sum();
            let room = program.limits.matches.saturating_sub(self.finished().len());
            let room = if held > program.limits.nodes { 0 } else { room };
            let (mut paths, mut capped) = self.paths(program, bodies, room);
            if capped > 0 && matches!(program.after, After::PastLast | After::ToNext) {
                (paths, capped) = self.firsts(program, bodies, room);
            }
            let finished = paths.into_iter().map(|path| {
                let start = path.first().map(|(tick, _)| *tick).unwrap_or_default();
                Finished { start, path, when }
            });
            // Of one start the one that CONSUME would choose goes first, and may prune the others.
            let all = self.aside_mut().finished.add(finished);
            all.sort_by(|a, b| a.start.cmp(&b.start).then_with(|| paths::preference(&a.path, &b.path, program)));
            if capped > 0 {
                out.push(Found::Capped(capped));
            }
        }
        self.let_out(program, false, out);
    }

    /// Lets out the finished matches before which no run lives (`all`: every one); each prunes what comes after it.
    pub(super) fn let_out(&mut self, program: &Program, all: bool, out: &mut Vec<Found>) {
        let from = out.len();
        while let Some(start) = self.finished().first().map(|f| f.start) {
            if !all && self.oldest(program).is_some_and(|run| run < start) {
                break;
            }
            let Some(f) = self.aside_mut().finished.take_first() else { break };
            out.push(Found::Match(to_match(&f.path, &self.buffer, program, &program.returns, f.when)));
            match self.prune_to(program, &f.path) {
                Ok(Some((tick, bound))) => self.bar(tick, bound),
                Ok(None) => {}
                Err(stage) => {
                    out.truncate(from);
                    out.push(Found::SkipError(program.stages[stage].name.clone()));
                    self.clear(program);
                    return;
                }
            }
        }
    }

    /// Up to which start a match prunes, with its place in the stream; the stage where `OR ERROR` finds none.
    fn prune_to(&self, program: &Program, path: &Path) -> Result<Option<(Tick, super::Position)>, StageId> {
        let start = path.first().map(|(tick, _)| *tick).unwrap_or_default();
        let place = |tick: Tick| self.buffer.position(tick).unwrap_or_default();
        let upto = |tick: Tick| Ok(Some((tick, place(tick))));
        let before = |tick: Tick| Ok(Some((tick.previous(), paths::just_before(place(tick)))));
        let first_of = |stage: StageId| path.iter().find(|(_, s)| *s == stage).map(|(tick, _)| *tick);
        let last_of = |stage: StageId| path.iter().rfind(|(_, s)| *s == stage).map(|(tick, _)| *tick);
        match program.after {
            After::PastLast => upto(paths::last(path)),
            After::ToNext => upto(start),
            After::ToFirst { stage, or_error } => to_stage(first_of(stage), (stage, or_error, start), before),
            After::ToLast { stage, or_error } => to_stage(last_of(stage), (stage, or_error, start), before),
            After::Consume | After::NoSkip { .. } => Ok(None),
        }
    }
}

/// SKIP TO a stage: an unbound one prunes nothing, or is an error; so is, with OR ERROR, skipping to the match's own
/// first event, from which it would match again.
fn to_stage(
    found: Option<Tick>,
    (stage, or_error, start): (StageId, bool, Tick),
    before: impl Fn(Tick) -> Result<Option<(Tick, super::Position)>, StageId>,
) -> Result<Option<(Tick, super::Position)>, StageId> {
    match found {
        None if or_error => Err(stage),
        None => Ok(None),
        Some(tick) if or_error && tick == start => Err(stage),
        Some(tick) => before(tick),
    }
}

/// What makes two paths one match.
pub(super) fn bindings(path: &Path) -> Vec<(StageId, Tick)> {
    let mut all: Vec<(StageId, Tick)> = path.iter().map(|(tick, stage)| (*stage, *tick)).collect();
    all.sort_unstable();
    all
}
