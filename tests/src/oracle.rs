//! A second reading of docs/semantics.md, for answers that do not come from the matcher: no automaton, no classes, no sharing;
//! every run is followed by itself, and every question is answered by looking at the events again. Exponential, and
//! meant to be: streams here are short.
//!
//! The definition it follows:
//!
//! - A run is the list of events it took, each with the stage that took it, and its place in the pattern (`place`).
//!   From a place some ways lead on, each to the next stage to take an event or to the end, over stages that may be
//!   empty, over negations, out of loops and into new turns.
//! - A run takes event j by a way if that way let every event since the last taken one pass, and its stage takes j. What
//!   a way lets pass depends on its contiguity alone: strict nothing, relaxed what its stage would not take, any
//!   everything; UNTIL closes a repetition, a greedy loop holds the ways out of it (`run`).
//! - A negation judges events from the outside: what it forbids ends the whole run, whichever way would go on.
//! - A way ends when its time is up, and that is a timeout: each way is waited on by itself.
//! - What comes out, and what a match discards, is decided over lists of whole runs (`after`).

mod after;
mod eval;
mod place;
mod run;
mod way;

use ensue_rule::{Duration, Event, Rule, Timestamp};

use crate::answer::Answer;
use crate::case::Case;
use crate::translate;
use after::Judge;
use run::{Known, Run};

/// An event as the oracle sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Its name in bindings.
    pub id: u64,
    /// When it happened.
    pub ts: Timestamp,
    /// Its session.
    pub session: u64,
    /// What it says.
    pub event: Event,
}

/// Longer than any stream: the window of a rule without WITHIN.
const NO_WINDOW: Duration = Duration(i64::MAX / 4);

/// Runs that the oracle follows of a random case before it gives up.
pub const FEW: usize = 3_000;

/// Runs that it follows of a case somebody wrote down.
pub const MANY: usize = 300_000;

/// What a case has to answer.
///
/// # Errors
/// As [`answer`].
pub fn answer_case(case: &Case, most: usize) -> Result<Answer, String> {
    read_case(case, most).map(|reading| reading.answer)
}

/// The same, with what else is known of it.
///
/// # Errors
/// As [`answer`].
pub fn read_case(case: &Case, most: usize) -> Result<Reading, String> {
    let rule = translate::rule(case);
    let seen =
        |f: &crate::case::Fed| Seen { id: f.id, ts: Timestamp(f.ts), session: f.session, event: translate::event(f) };
    let events: Vec<Seen> = case.events.iter().map(seen).collect();
    read(&rule, &events, case.advance_to.map(Timestamp), most)
}

/// What `rule` finds in `events`, with time moved to `advance_to` after the last.
///
/// # Errors
/// It needs more runs at once than `most`, or the definition leaves the answer open.
pub fn answer(rule: &Rule, events: &[Seen], advance_to: Option<Timestamp>, most: usize) -> Result<Answer, String> {
    read(rule, events, advance_to, most).map(|reading| reading.answer)
}

/// What a stream says, and whether it says something in two ways.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What comes out.
    pub answer: Answer,
    /// Some match can be reached in two ways.
    pub repeats: bool,
}

fn read(rule: &Rule, events: &[Seen], advance_to: Option<Timestamp>, most: usize) -> Result<Reading, String> {
    let known = Known::new(rule, events, NO_WINDOW);
    let (mut runs, mut judge): (Vec<Run<'_>>, _) = (Vec::new(), Judge::new(rule));
    for (k, event) in events.iter().enumerate() {
        let step = 2 * i64::try_from(k).unwrap_or(0);
        advance(&known, &mut runs, &mut judge, (event.ts, step - 1, k));
        let after = known.process(runs, k);
        runs = after.runs;
        judge.event(&mut runs, after.found, (event.ts, step, k));
        if judge.answer.error.is_some() {
            return Ok(judge.reading());
        }
        if runs.len() > most {
            return Err(format!("more than {most} runs"));
        }
    }
    if let Some(t) = advance_to {
        let step = 2 * i64::try_from(events.len()).unwrap_or(0) - 1;
        advance(&known, &mut runs, &mut judge, (t, step, events.len()));
    }
    if judge.is_open {
        return Err("a LIMIT chose among more matches than the definition orders".into());
    }
    Ok(judge.reading())
}

/// What a look back finds.
#[derive(Clone, Debug)]
pub struct Look {
    /// What comes out.
    pub answer: Answer,
    /// An absence was judged, and is in it.
    pub judged: bool,
}

/// What `rule` finds in the events that a trigger at `t` looks back at: a trailing absence is judged there.
///
/// # Errors
/// As [`answer`].
pub fn look_back(rule: &Rule, events: &[Seen], t: Timestamp, most: usize) -> Result<Look, String> {
    let known = Known::new(rule, events, NO_WINDOW);
    let (mut runs, mut judge): (Vec<Run<'_>>, _) = (Vec::new(), Judge::new(rule));
    for (k, event) in events.iter().enumerate() {
        let after = known.process(runs, k);
        runs = after.runs;
        judge.event(&mut runs, after.found, (event.ts, 0, k));
        if runs.len() > most {
            return Err(format!("more than {most} runs"));
        }
    }
    let found = runs.iter().filter_map(|run| known.lacks_nothing(run, t)).collect();
    runs.clear();
    let before = judge.answer.matches.len();
    judge.trigger(found, (t, 0, events.len()));
    let judged = judge.answer.matches.len() > before;
    if judge.is_open {
        return Err("a LIMIT chose among more matches than the definition orders".into());
    }
    Ok(Look { answer: judge.answer, judged })
}

/// Moves time: what is due first comes first, so that it does not matter in how many steps time moves.
fn advance<'a>(
    known: &Known<'a>,
    runs: &mut Vec<Run<'a>>,
    judge: &mut Judge<'a>,
    (t, step, fed): (Timestamp, i64, usize),
) {
    while let Some(due) = runs.iter().filter_map(Run::due).min().filter(|due| *due <= t) {
        let (mut found, mut timeouts) = (Vec::new(), Vec::new());
        runs.retain_mut(|run| known.expire(run, due, &mut found, &mut timeouts));
        judge.time(runs, (found, timeouts), (due, step, fed));
    }
}
