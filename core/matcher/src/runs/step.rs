//! One event: what each class makes of it, and what moves where.

use ensue_rule::{Bound, Contiguity, Timestamp, Value};

use smallvec::SmallVec;

use super::Runs;
use super::class::{Class, Key, Member, Members, merge};
use super::paths::Completed;
use crate::buffer::{NodeId, NodeKind};
use crate::expr::View;
use crate::observation::{Hit, Observation, Position};
use crate::output::{Cause, Found};
use crate::program::{Completion, Held, NextForbid, PositionId, Program, StageId, Target, TestId, Wait, WaitId};
use crate::registers::{Registers, Taken};
use crate::trends::Trends;

/// The event as the classes see it.
#[derive(Clone, Copy, Debug)]
struct Seen<'a> {
    program: &'a Program,
    observation: &'a Observation,
    bits: u64,
}

/// What an event means for a wait.
#[derive(Clone, Copy, Debug, Default)]
struct Fate {
    /// The target takes it.
    takes: bool,
    /// The pattern is complete with it, though it is not part of it (`=> !n` at the end).
    completes: bool,
    /// Where the runs wait on; `None`: not at all.
    stays: Option<WaitId>,
}

/// Runs that take the event at a position.
#[derive(Debug)]
struct Move {
    to: PositionId,
    /// As they are after the event.
    registers: Registers,
    session: Option<u64>,
    reached: Option<StageId>,
    complete: bool,
    members: Members,
}

/// Those that one event makes; seldom more than two.
type Moves = SmallVec<[Move; 2]>;

/// Members that leave a wait, because its target takes the event.
#[derive(Debug)]
struct Leaving<'a> {
    wait: &'a Wait,
    to: PositionId,
    registers: &'a Registers,
    session: Option<u64>,
    reached: Option<StageId>,
    members: Members,
}

impl<'a> Seen<'a> {
    /// Whether the event passes a test, for runs with these registers.
    fn passes(self, test: TestId, registers: &Registers) -> bool {
        let test = &self.program.tests[test];
        test.bit.is_none_or(|bit| self.bits & (1 << bit) != 0)
            && test.conditions.iter().all(|c| c.holds(self.with(registers)))
    }

    fn with<'b>(self, registers: &'b Registers) -> View<'b>
    where
        'a: 'b,
    {
        View { slots: &self.observation.slots, registers, definitions: &self.program.registers }
    }

    fn any(self, tests: &[TestId], registers: &Registers) -> bool {
        tests.iter().any(|t| self.passes(*t, registers))
    }

    fn all(self, tests: &[TestId], registers: &Registers) -> bool {
        tests.iter().all(|t| self.passes(*t, registers))
    }

    /// Whether stages may be left as things are.
    fn may_leave(self, stages: &[StageId], registers: &Registers) -> bool {
        stages.iter().flat_map(|s| &self.program.stages[*s].leave).all(|c| c.holds(self.with(registers)))
    }

    /// What the event means for runs at a wait.
    fn fate(self, id: WaitId, registers: &Registers, last: Option<Timestamp>) -> Fate {
        let wait = &self.program.waits[id];
        for held in &wait.held {
            if held.until.is_some_and(|u| self.passes(u, registers)) {
                // The loop holds nothing back any more, this event included.
                return held.then.map_or(Fate::default(), |then| self.fate(then, registers, last));
            }
            if self.would_take(held, registers, last) {
                return Fate::default();
            }
        }
        let judged = |n: &&NextForbid| !n.unless.iter().any(|held| self.would_take(held, registers, last));
        let next = wait.next_forbids.iter().filter(judged).any(|n| self.passes(n.test, registers));
        if next || self.any(&wait.untils, registers) || self.any(&wait.watch, registers) {
            return Fate::default();
        }
        let wanted = !wait.takes.is_empty() && self.wants(wait, registers);
        let takes = wanted && !self.any(&wait.begun, registers);
        let stays = !self.any(&wait.forbids, registers) && self.passes_over(wait, wanted, registers);
        let on = wait.then.unwrap_or(id);
        let completes = wait.target == Target::Next && self.may_leave(&wait.leaves, registers);
        Fate { takes, completes, stays: stays.then_some(on) }
    }

    /// Whether a greedy loop would take the event.
    fn would_take(self, held: &Held, registers: &Registers, last: Option<Timestamp>) -> bool {
        !held.until.is_some_and(|u| self.passes(u, registers))
            && !self.is_past(held.gap, last)
            && self.passes(held.test, registers)
    }

    /// Whether more time has passed since the run's last event than a gap allows.
    fn is_past(self, gap: Option<Bound>, last: Option<Timestamp>) -> bool {
        let now = self.observation.arrival.position.ts;
        gap.zip(last).is_some_and(|(gap, last)| now >= last.plus(gap.violated_at()))
    }

    /// Whether the event passes the condition of the target's stage.
    fn wants(self, wait: &Wait, registers: &Registers) -> bool {
        let passes = if wait.turns.is_empty() {
            self.all(&wait.takes, registers)
        } else {
            self.all(&wait.takes, &registers.restart(&self.program.registers, &wait.turns))
        };
        passes && self.may_leave(&wait.leaves, registers)
    }

    /// Whether the event may be passed over on the way to the target.
    fn passes_over(self, wait: &Wait, wanted: bool, registers: &Registers) -> bool {
        match (wait.target, wait.arrow) {
            (Target::Next, _) | (Target::Take(_), Contiguity::Strict) => false,
            (Target::Absence, _) | (_, Contiguity::Any) => true,
            (_, Contiguity::Relaxed) => !wanted && !self.is_blocked(wait, registers),
        }
    }

    /// Whether a member of `&` that is not finished would take the event.
    fn is_blocked(self, wait: &Wait, registers: &Registers) -> bool {
        wait.blockers.iter().any(|b| self.all(b, registers)) && self.may_leave(&wait.leaves, registers)
    }

    /// Whether the pattern is complete with the event just taken. `before`: the registers before it.
    fn completes(self, complete: &[Completion], before: &Registers, after: &Registers) -> bool {
        complete.iter().any(|c| self.may_leave(&c.leaves, after) && !c.held.iter().any(|h| self.passes(h.test, before)))
    }
}

impl Runs {
    /// Takes one event of the key's stream: first time moves to it, then it is matched. Events come in the order of
    /// their positions.
    pub fn step(&mut self, program: &Program, event: &Observation, hit: Hit, out: &mut Vec<Found>) {
        let position = event.arrival.position;
        self.advance_to(program, position.ts, out);
        self.tick += 1;
        self.position = Some(position);
        let seen = Seen { program, observation: event, bits: hit.bits };
        let (mut moves, mut complete) = (Moves::new(), Members::new());
        let ended = self.meet(seen, &mut moves, &mut complete);
        self.begin(seen, &mut moves);
        if !moves.is_empty() {
            self.buffer.bind(self.tick, position, || {
                program.kept.iter().map(|s| event.slots.get(s.index()).cloned().unwrap_or_default()).collect()
            });
        }
        for m in moves {
            self.arrive(seen, m, &mut complete);
        }
        self.limit(program);
        self.complete(program, &complete, Completed { at: position.ts, by: Cause::Event }, out);
        if ended {
            self.release();
        }
    }

    /// Lets every class meet the event; whether one ended.
    fn meet(&mut self, seen: Seen<'_>, moves: &mut Moves, complete: &mut Members) -> bool {
        let session = seen.program.session.then_some(seen.observation.arrival.session);
        let (mut moved_on, mut ended) = (SmallVec::<[(Key, Members); 2]>::new(), false);
        let mut classes = std::mem::take(&mut self.classes);
        classes.retain_mut(|c| {
            let wait = &seen.program.waits[c.wait];
            if wait.bits.is_some_and(|b| b & seen.bits == 0) || c.session != session {
                return true;
            }
            let fate = seen.fate(c.wait, &c.registers, c.last);
            if let (true, Target::Take(to)) = (fate.takes, wait.target) {
                let members = if fate.stays.is_some() { c.members.clone() } else { std::mem::take(&mut c.members) };
                self.depart(
                    seen,
                    Leaving { wait, to, registers: &c.registers, session: c.session, reached: c.reached, members },
                    moves,
                );
            } else if fate.completes {
                merge(complete, &c.members, seen.program, &mut self.buffer);
            }
            match fate.stays {
                Some(on) if on == c.wait => return true,
                Some(on) => {
                    let key = Key {
                        wait: on,
                        registers: c.registers.clone(),
                        last: c.last,
                        session: c.session,
                        reached: c.reached,
                    };
                    moved_on.push((key, std::mem::take(&mut c.members)));
                }
                None => ended = true,
            }
            false
        });
        self.classes = classes;
        for (key, members) in moved_on {
            self.insert(seen.program, key, &members);
        }
        ended
    }

    /// Notes that runs take the event, together with those that arrive at the same place with the same registers.
    fn depart(&mut self, seen: Seen<'_>, leaving: Leaving<'_>, moves: &mut Moves) {
        let Leaving { wait, to, registers, session, reached, members } = leaving;
        let (definitions, position) = (&seen.program.registers, &seen.program.positions[to]);
        let restarted = registers.restart(definitions, &wait.turns);
        let taken = Taken { stage: position.stage, slots: &seen.observation.slots };
        let after = restarted.take(definitions, taken, position.live);
        let reached = seen.program.tells_reached().then_some(position.stage).max(reached);
        let complete = !position.complete.is_empty() && seen.completes(&position.complete, registers, &after);
        let same = |m: &&mut Move| {
            m.to == to && m.complete == complete && m.session == session && m.reached == reached && m.registers == after
        };
        match moves.iter_mut().find(same) {
            Some(m) => merge(&mut m.members, &members, seen.program, &mut self.buffer),
            None => moves.push(Move { to, registers: after, session, reached, complete, members }),
        }
    }

    /// Lets the event begin runs.
    fn begin(&mut self, seen: Seen<'_>, moves: &mut Moves) {
        let arrival = seen.observation.arrival;
        if seen.program.start_bits.is_some_and(|b| b & seen.bits == 0)
            || self.restored.is_some_and(|bound| arrival.position <= bound)
        {
            return;
        }
        let start = Member { start: self.tick, at: arrival.position.ts, node: None };
        let session = seen.program.session.then_some(arrival.session);
        for id in &seen.program.starts {
            let wait = &seen.program.waits[*id];
            let Target::Take(to) = wait.target else { continue };
            if seen.fate(*id, Registers::EMPTY, None).takes {
                let members = Members::from_elem(start, 1);
                self.depart(
                    seen,
                    Leaving { wait, to, registers: Registers::EMPTY, session, reached: None, members },
                    moves,
                );
            }
        }
    }

    /// Binds the event for runs that took it, and lets them wait for what comes next.
    fn arrive(&mut self, seen: Seen<'_>, mut m: Move, complete: &mut Members) {
        let position = &seen.program.positions[m.to];
        for member in &mut m.members {
            let kind = match &seen.program.trends {
                Some(trends) => self.grown(trends, member.node, position.stage, &seen.observation.slots),
                None => NodeKind::Event { event: self.tick, stage: position.stage, prev: member.node },
            };
            member.node = Some(self.buffer.push(member.start, kind));
        }
        if m.complete {
            merge(complete, &m.members, seen.program, &mut self.buffer);
        }
        let ts = seen.observation.arrival.position.ts;
        for id in &position.waits {
            let wait = &seen.program.waits[*id];
            let key = Key {
                wait: *id,
                registers: m.registers.keep(wait.live),
                last: wait.timed.then_some(ts),
                session: m.session,
                reached: m.reached,
            };
            self.insert(seen.program, key, &m.members);
        }
    }

    /// What the partial matches at a node add up to after each has taken the event.
    fn grown(&self, trends: &Trends, node: Option<NodeId>, stage: StageId, slots: &[Value]) -> NodeKind {
        let grown = match node.and_then(|id| self.buffer.node(id)).map(|n| &n.kind) {
            Some(NodeKind::Trend(before)) => trends.take(before, stage, slots),
            _ => trends.take(&trends.one(), stage, slots),
        };
        NodeKind::Trend(grown)
    }

    /// Adds members to the class of that key.
    fn insert(&mut self, program: &Program, key: Key, members: &Members) {
        let at = self.classes.iter().position(|c| c.is(&key)).unwrap_or_else(|| {
            self.classes.push(Class::new(key, Members::new()));
            self.classes.len() - 1
        });
        let Some(class) = self.classes.get_mut(at) else { return };
        merge(&mut class.members, members, program, &mut self.buffer);
        self.due = self.due.min(class.due(program).unwrap_or(Timestamp::MAX));
    }

    /// Drops the classes with the oldest starts above the limit.
    fn limit(&mut self, program: &Program) {
        while self.classes.len() > program.limits.classes || self.buffer.len() > program.limits.nodes {
            let Some(oldest) = self.classes.iter().filter_map(Class::oldest).min() else { return };
            self.classes.retain_mut(|c| c.cut(oldest));
            self.dropped += 1;
            self.release();
        }
    }

    /// The place of the last event fed.
    pub(super) fn last_position(&self) -> Position {
        self.position.unwrap_or_default()
    }
}
