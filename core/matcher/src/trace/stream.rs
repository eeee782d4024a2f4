//! One key's stream: its runs followed one by one, beside the shipping runs that say what matches there are.

use std::sync::Arc;

use ensue_rule::Timestamp;
use smallvec::SmallVec;

use super::near::note;
use super::path::Paths;
use super::strand::Strand;
use super::{Ending, Furthest, NearMiss, Tracer};
use crate::observation::Extent;
use crate::output::Found;
use crate::program::{After, Program, Target, WaitId};
use crate::registers::Registers;
use crate::runs::fate::Seen;
use crate::table::Id;
use crate::{Position, Runs};

/// Strands followed at once.
const STRANDS: usize = 32;

/// One key's stream, looked at run by run.
#[derive(Debug)]
pub struct Trace {
    runs: Runs,
    /// What was over before this is no part of the story.
    since: Timestamp,
    strands: Vec<Strand>,
    pub(super) paths: Paths,
    /// What the nearest so far lacks: only for such are near misses noted.
    best: u32,
    /// The best of those that ended.
    ended: Option<(Strand, Ending)>,
    /// Near misses of beginning, while nothing has begun.
    pub(super) unbegun: Vec<NearMiss>,
    /// The first strand to be due.
    due: Timestamp,
    /// Strands that start at or before this are over.
    bound: Option<Position>,
    completed: u64,
    matches: u64,
    last_match: Option<Timestamp>,
    capped: bool,
    /// How many events each stage took, from an arrival number on.
    taken: Vec<u64>,
    counts_from: u64,
    /// The story has begun: `since` has come.
    told: bool,
}

impl Trace {
    /// Nothing seen yet; what is over before `since` is left out of the story. No match may start at or before `bound`.
    pub fn new(since: Timestamp, bound: Option<Position>) -> Self {
        Self {
            runs: Runs::new(bound),
            since,
            strands: Vec::new(),
            paths: Paths::default(),
            best: u32::MAX,
            ended: None,
            unbegun: Vec::new(),
            due: Timestamp::MAX,
            bound,
            completed: 0,
            matches: 0,
            last_match: None,
            capped: false,
            taken: Vec::new(),
            counts_from: u64::MAX,
            told: false,
        }
    }

    /// Nothing seen yet; of events with this arrival number and later ones it is counted how many each stage takes.
    pub fn counting(from: u64) -> Self {
        Self { counts_from: from, ..Self::new(Timestamp::MAX, None) }
    }

    /// How many events each stage took, in pattern order; forbidden stages take none and are left out.
    pub fn taken(&self, tracer: &Tracer) -> Vec<(Arc<str>, u64)> {
        let stages = tracer.program.stages.iter().filter(|(_, s)| !s.forbidden);
        stages.map(|(id, s)| (s.name.clone(), self.taken.get(id.index()).copied().unwrap_or(0))).collect()
    }

    /// Takes the event that the tracer looks at.
    pub fn step(&mut self, tracer: &Tracer, out: &mut Vec<Found>) {
        let place = tracer.observation.arrival.position;
        self.pass_time(tracer, place.ts, out);
        let told = place.ts >= self.since;
        if told && !self.told {
            self.told = true;
            self.find_best();
        }
        let Some(hit) = tracer.hit else {
            self.pass_by(tracer, told);
            return;
        };
        let from = out.len();
        self.runs.step(&tracer.program, &tracer.observation, hit, out);
        self.meet(tracer, told);
        self.heed(out.get(from..).unwrap_or_default());
    }

    /// Moves time.
    pub fn advance_to(&mut self, tracer: &Tracer, t: Timestamp, out: &mut Vec<Found>) {
        self.pass_time(tracer, t, out);
    }

    /// Judges trailing absences now, at a trigger: the last call of a look-back.
    pub fn judge_at(&mut self, tracer: &Tracer, t: Timestamp, out: &mut Vec<Found>) {
        self.pass_time(tracer, t, out);
        let from = out.len();
        self.runs.judge_at(&tracer.program, t, out);
        for s in &mut self.strands {
            let ends = |w: &&WaitId| !matches!(tracer.program.waits[**w].target, Target::Take(_));
            if s.waits.iter().filter(ends).any(|w| s.may_end(tracer, &tracer.program.waits[*w])) {
                s.complete = true;
                self.completed += 1;
            }
        }
        self.heed(out.get(from..).unwrap_or_default());
    }

    /// Events were lost before this place: runs that wait for an absence end.
    pub fn lose(&mut self, tracer: &Tracer, place: Position) {
        if self.runs.waits_for_absence(&tracer.program) && self.runs.clear(&tracer.program) {
            for strand in std::mem::take(&mut self.strands) {
                self.end(strand, Ending::Gap(place), place.ts);
            }
        }
    }

    /// How many matches came out, and when the last.
    pub fn matches(&self) -> (u64, Option<Timestamp>) {
        (self.matches, self.last_match)
    }

    /// How many of the followed runs were complete, whatever AFTER MATCH let out of them, since it was last asked.
    pub fn take_completed(&mut self) -> u64 {
        std::mem::take(&mut self.completed)
    }

    /// Whether there were more runs than are followed.
    pub fn is_capped(&self) -> bool {
        self.capped
    }

    /// The event does nothing; whether somebody nearly wanted it.
    fn pass_by(&mut self, tracer: &Tracer, told: bool) {
        if !told || tracer.observation.extent == Extent::Nothing {
            return;
        }
        let (seen, best) = (tracer.seen(), self.best);
        for strand in self.strands.iter_mut().filter(|s| s.lacks <= best && tracer.nearly(&s.waits)) {
            for id in strand.waits.clone() {
                strand.miss(tracer, seen, &tracer.program.waits[id]);
            }
        }
        self.nearly_begins(tracer, seen);
    }

    /// Lets every strand meet the event, and begins new ones.
    fn meet(&mut self, tracer: &Tracer, told: bool) {
        let (seen, program) = (tracer.seen(), &*tracer.program);
        let arrival = seen.observation.arrival;
        let session = program.session.then_some(arrival.session);
        let mut born = Vec::new();
        for strand in &mut self.strands {
            if strand.session != session {
                strand.blame = Some(Ending::Session(arrival.position));
                continue;
            }
            let near = told && strand.lacks <= self.best;
            self.completed += strand.meet(tracer, seen, near, &mut born);
        }
        if self.bound.is_none_or(|bound| arrival.position > bound) {
            for id in &program.starts {
                let Target::Take(to) = program.waits[*id].target else { continue };
                if seen.fate(*id, Registers::EMPTY, None).takes {
                    born.push(Strand::begin(tracer, seen, (*id, to), session));
                }
            }
        }
        self.retire(program, arrival.position.ts);
        if told && born.is_empty() {
            self.nearly_begins(tracer, seen);
        }
        if arrival.position.seq >= self.counts_from {
            self.count(program, &born);
        }
        for mut strand in born {
            strand.path = self.paths.push(arrival.position, strand.stage, strand.path);
            self.completed += u64::from(strand.complete);
            if told {
                self.best = self.best.min(strand.lacks);
            }
            self.add(program, strand);
        }
        self.tidy();
    }

    /// Counts an event once for each stage that takes it.
    fn count(&mut self, program: &Program, born: &[Strand]) {
        self.taken.resize(program.stages.len(), 0);
        let stage = |s: &Strand| program.positions[s.at].stage;
        for (i, strand) in born.iter().enumerate() {
            let counted = born.iter().take(i).any(|s| stage(s) == stage(strand));
            if let Some(n) = self.taken.get_mut(stage(strand).index()).filter(|_| !counted) {
                *n += 1;
            }
        }
    }

    fn nearly_begins(&mut self, tracer: &Tracer, seen: Seen<'_>) {
        if self.best < u32::MAX {
            return;
        }
        for id in &tracer.program.starts {
            if let Some(miss) = tracer.near(seen, &tracer.program.waits[*id], Registers::EMPTY) {
                note(&mut self.unbegun, miss);
            }
        }
    }

    /// Follows a new strand: of those that nothing tells apart the newest and the fullest, and of all those that lack
    /// least.
    fn add(&mut self, program: &Program, strand: Strand) {
        self.due = self.due.min(strand.due(program));
        let exact = program.may_end_in_absence();
        let all = self.strands.iter().enumerate();
        let same: SmallVec<[usize; 2]> =
            all.filter(|(_, s)| s.is_like(&strand, program, exact)).map(|(i, _)| i).collect();
        if same.len() < if exact { 1 } else { 2 } {
            self.follow(strand);
            return;
        }
        // One of the three goes: neither the newest nor the fullest, else the less full.
        let of = |i: &usize| self.strands.get(*i).map_or((&strand, None), |s| (s, Some(*i)));
        let three = || same.iter().map(of).chain([(&strand, None)]);
        let newest = three().max_by_key(|(s, _)| (s.start, s.events)).map(|(_, i)| i);
        let fullest = three().max_by_key(|(s, _)| (s.events, s.near.len(), s.start)).map(|(_, i)| i);
        let kept = |i: Option<usize>| newest == Some(i) || fullest == Some(i);
        let goes = three().filter(|(_, i)| !kept(*i)).min_by_key(|(s, _)| (s.events, s.start)).and_then(|(_, i)| i);
        if let Some(old) = goes.and_then(|i| self.strands.get_mut(i)) {
            *old = strand;
        }
    }

    /// Follows one more; where there are too many, one that lacks most is followed no more.
    fn follow(&mut self, strand: Strand) {
        if self.strands.len() < STRANDS {
            self.strands.push(strand);
            return;
        }
        self.capped = true;
        let worst = |s: &&mut Strand| (s.lacks, std::cmp::Reverse(s.start));
        if let Some(old) = self.strands.iter_mut().max_by_key(worst).filter(|old| old.lacks >= strand.lacks) {
            *old = strand;
        }
    }

    /// Time passes: what is due ends, in order.
    fn pass_time(&mut self, tracer: &Tracer, t: Timestamp, out: &mut Vec<Found>) {
        let program = &*tracer.program;
        while self.due <= t && self.due < Timestamp::MAX {
            let due = self.strands.iter().map(|s| s.due(program)).min().unwrap_or(Timestamp::MAX);
            self.due = due;
            if due > t || due == Timestamp::MAX {
                break;
            }
            let from = out.len();
            self.runs.advance_to(program, due, out);
            for strand in &mut self.strands {
                self.completed += strand.pass(tracer, due);
            }
            self.retire(program, due);
            self.heed(out.get(from..).unwrap_or_default());
            self.due = self.strands.iter().map(|s| s.due(program)).min().unwrap_or(Timestamp::MAX);
        }
        let from = out.len();
        self.runs.advance_to(program, t, out);
        self.heed(out.get(from..).unwrap_or_default());
    }

    /// What the shipping runs let out ends strands too.
    fn heed(&mut self, found: &[Found]) {
        for f in found {
            match f {
                Found::Match(m) if m.at >= self.since => {
                    self.matches += 1;
                    self.last_match = self.last_match.max(Some(m.at));
                    self.ended = None;
                    self.unbegun.clear();
                    self.find_best();
                }
                Found::SkipError(_) => self.strands.clear(),
                Found::Match(_) | Found::Timeout(_) | Found::Capped(_) => {}
            }
        }
        let bound = self.runs.skip_bound();
        if let Some(bound) = bound.filter(|_| bound > self.bound) {
            self.bound = Some(bound);
            self.strands.retain(|s| s.start > bound);
            self.find_best();
        }
    }

    /// Finds again what the nearest lacks; [`u32::MAX`]: nothing has begun.
    fn find_best(&mut self) {
        self.best = self.strands.iter().filter(|s| !s.complete).map(|s| s.lacks).min().unwrap_or(u32::MAX);
    }

    /// Takes out those that wait for nothing any more.
    fn retire(&mut self, program: &Program, at: Timestamp) {
        while let Some(i) = self.strands.iter().position(|s| s.waits.is_empty()) {
            let mut strand = self.strands.swap_remove(i);
            let ending = strand.blame.take();
            if strand.complete {
                // Only a match that waits for an earlier run is still to come.
                if may_wait(program) {
                    self.end(strand, Ending::Complete, at);
                }
            } else if let Some(ending) = ending.filter(|_| !strand.went_on) {
                self.end(strand, ending, at);
            }
        }
    }

    fn end(&mut self, strand: Strand, ending: Ending, at: Timestamp) {
        if at >= self.since && self.ended.as_ref().is_none_or(|(old, _)| old.rank() <= strand.rank()) {
            self.ended = Some((strand, ending));
        }
    }

    fn tidy(&mut self) {
        if self.paths.is_large() {
            let ended = self.ended.iter_mut().map(|(s, _)| &mut s.path);
            self.paths.compact(self.strands.iter_mut().map(|s| &mut s.path).chain(ended));
        }
    }

    /// The run that came furthest.
    pub fn furthest(&self, tracer: &Tracer) -> Furthest {
        let waiting = self.matches == 0 && may_wait(&tracer.program);
        let live = self.strands.iter().filter(|s| !s.complete || waiting);
        let nearest = live.max_by_key(|s| s.rank());
        let ended = self.ended.as_ref().filter(|(old, _)| nearest.is_none_or(|live| old.progress() > live.progress()));
        match (ended, nearest) {
            (Some((strand, ending)), _) => self.tell(tracer, strand, ending.clone()),
            (None, Some(strand)) => {
                let ending = match &strand.blame {
                    _ if strand.complete => Ending::Complete,
                    Some(over @ Ending::Session(_)) => over.clone(),
                    _ => Ending::Lives,
                };
                self.tell(tracer, strand, ending)
            }
            (None, None) => self.not_begun(tracer),
        }
    }
}

/// Whether what is complete may have to wait for an earlier run.
fn may_wait(program: &Program) -> bool {
    !matches!(program.after, After::Consume | After::NoSkip { .. })
}
