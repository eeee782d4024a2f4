//! After a match: which of the matches that one moment completes come out, and which runs they end.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::Runs;
use super::class::Member;
use super::paths::{self, Completed, Path, to_match};
use crate::buffer::{NodeKind, Tick};
use crate::output::{Cause, Found, Match};
use crate::program::{After, Program, StageId};
use crate::trends::Trends;

/// Out of so many at least a LIMIT chooses.
const CHOICE: usize = 1_000;

/// A match that waits under a skip strategy for runs with an earlier start to end.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) start: Tick,
    path: Path,
    when: Completed,
}

impl Runs {
    /// Matches that one moment completed: lets out what AFTER MATCH gives.
    pub(super) fn complete(&mut self, program: &Program, members: &[Member], when: Completed, out: &mut Vec<Found>) {
        if let Some(trends) = &program.trends {
            self.add_up(trends, members, when, out);
            return;
        }
        match program.after {
            After::Consume => self.consume(program, members, when, out),
            After::NoSkip { limit } => self.no_skip(program, members, (when, limit), out),
            _ => self.finish(program, members, when, out),
        }
    }

    /// The earliest start wins; no other match may start at or before its last event, or, where time completed it,
    /// before that moment. Then again, as long as there is one.
    fn consume(&mut self, program: &Program, members: &[Member], when: Completed, out: &mut Vec<Found>) {
        let mut barred = 0;
        for member in members {
            // Members are by start, and of one start only the best is kept.
            let Some(node) = member.node.filter(|_| member.start > barred) else { continue };
            let path = paths::only(&self.buffer, node);
            out.push(Found::Match(to_match(&path, &self.buffer, program, &program.returns, when)));
            let last = paths::last(&path);
            let place = self.buffer.event(last).map(|e| e.position).unwrap_or_default();
            let (tick, bound) = match when.by {
                Cause::Event => (last, place),
                Cause::Time => (self.tick, self.last_position()),
            };
            barred = tick;
            self.bar(tick, bound);
        }
        self.release();
    }

    /// One row over all matches of the moment.
    fn add_up(&mut self, trends: &Trends, members: &[Member], when: Completed, out: &mut Vec<Found>) {
        let each = members.iter().filter_map(|m| self.buffer.node(m.node?)).filter_map(|n| match &n.kind {
            NodeKind::Trend(t) => Some(t.clone()),
            _ => None,
        });
        let Some(total) = each.reduce(|a, b| a.and(&b)) else { return };
        let start = members.first().and_then(|m| self.buffer.event(m.start)).map(|e| e.position);
        let end = self.last_position();
        let (bindings, values) = (Vec::new(), trends.values(&total));
        let start = start.unwrap_or_default();
        out.push(Found::Match(Match { bindings, start, end, at: when.at, by: when.by, values }));
        self.release();
    }

    fn no_skip(
        &mut self,
        program: &Program,
        members: &[Member],
        (when, limit): (Completed, usize),
        out: &mut Vec<Found>,
    ) {
        if members.is_empty() {
            return;
        }
        let (mut paths, mut capped) = self.paths(program, members, limit.max(CHOICE).min(program.limits.matches));
        let start = |p: &Path| p.first().map(|(tick, _)| *tick);
        paths.sort_by(|a, b| start(a).cmp(&start(b)).then_with(|| paths::preference(a, b, program)));
        capped = capped.saturating_add(u64::try_from(paths.len().saturating_sub(limit)).unwrap_or(u64::MAX));
        paths.truncate(limit);
        out.extend(paths.iter().map(|p| Found::Match(to_match(p, &self.buffer, program, &program.returns, when))));
        if capped > 0 {
            out.push(Found::Capped(capped));
        }
        self.release();
    }

    /// The first `limit` paths of members, by start, none twice; and how many more there are (where one match can be
    /// reached in two ways, how many ways).
    pub(super) fn paths(&self, program: &Program, members: &[Member], limit: usize) -> (Vec<Path>, u64) {
        /// Where one match can be reached in many ways, so many are looked at for each that may come out.
        const WAYS: usize = 64;
        let most = u64::try_from(limit.saturating_mul(WAYS)).unwrap_or(u64::MAX);
        let (mut paths, mut seen, mut ways) = (Vec::new(), HashSet::new(), 0_u64);
        for node in members.iter().filter_map(|m| m.node) {
            let _ = paths::each(&self.buffer, node, |p| {
                if paths.len() >= limit || ways >= most {
                    return ControlFlow::Break(());
                }
                ways += 1;
                if !program.ambiguous || seen.insert(bindings(&p)) {
                    paths.push(p);
                }
                ControlFlow::Continue(())
            });
        }
        let all =
            members.iter().filter_map(|m| self.buffer.node(m.node?)).fold(0_u64, |n, x| n.saturating_add(x.paths));
        (paths, all.saturating_sub(ways))
    }

    /// Under a skip strategy a match first waits.
    fn finish(&mut self, program: &Program, members: &[Member], when: Completed, out: &mut Vec<Found>) {
        if !members.is_empty() {
            let room = program.limits.matches.saturating_sub(self.finished.len());
            let (paths, capped) = self.paths(program, members, room);
            let finished = paths.into_iter().map(|path| {
                let start = path.first().map(|(tick, _)| *tick).unwrap_or_default();
                Finished { start, path, when }
            });
            self.finished.extend(finished);
            // Of one start the one that CONSUME would choose goes first, and may prune the others.
            self.finished
                .sort_by(|a, b| a.start.cmp(&b.start).then_with(|| paths::preference(&a.path, &b.path, program)));
            if capped > 0 {
                out.push(Found::Capped(capped));
            }
        }
        self.let_out(program, false, out);
    }

    /// Lets out the finished matches before which no run lives (`all`: every one); each prunes what comes after it.
    pub(super) fn let_out(&mut self, program: &Program, all: bool, out: &mut Vec<Found>) {
        let from = out.len();
        while let Some(first) = self.finished.first() {
            let earliest = self.classes.iter().filter_map(super::Class::oldest).min();
            if !all && earliest.is_some_and(|run| run < first.start) {
                break;
            }
            let f = self.finished.remove(0);
            out.push(Found::Match(to_match(&f.path, &self.buffer, program, &program.returns, f.when)));
            match self.prune_to(program, &f.path) {
                Ok(Some((tick, bound))) => self.bar(tick, bound),
                Ok(None) => {}
                Err(stage) => {
                    out.truncate(from);
                    out.push(Found::SkipError(program.stages[stage].name.clone()));
                    self.clear();
                    return;
                }
            }
        }
        self.release();
    }

    /// Up to which start a match prunes, with its place in the stream; the stage where `OR ERROR` finds none.
    fn prune_to(&self, program: &Program, path: &Path) -> Result<Option<(Tick, super::Position)>, StageId> {
        let start = path.first().map(|(tick, _)| *tick).unwrap_or_default();
        let place = |tick: Tick| self.buffer.event(tick).map(|e| e.position).unwrap_or_default();
        let upto = |tick: Tick| Ok(Some((tick, place(tick))));
        let before = |tick: Tick| Ok(Some((tick.saturating_sub(1), paths::just_before(place(tick)))));
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
