//! Through the engine, in random batches: where a batch ends never changes what is decided.

use ensue_engine::Place;
use ensue_matcher::Limits;

use super::hosted::Hosted;
use super::{Subject, step};
use crate::answer::Answer;
use crate::case::Case;
use crate::random::Random;

/// Runs the case and compares it with the plain run: steps are not to be seen in a batch, times are.
pub(super) fn check(case: &Case, (subject, limits): (&Subject, Limits), seed: u64) -> Vec<String> {
    let plain = step::run(subject);
    match run(case, (subject, limits), seed) {
        Err(error) => vec![error],
        Ok(answer) if case.error.is_some() && answer.error.is_some() => Vec::new(),
        Ok(answer) if answer.by_time() == plain.by_time() && answer.error.is_some() == plain.error.is_some() => {
            Vec::new()
        }
        Ok(answer) => {
            let error = answer.error.as_deref().unwrap_or_default();
            vec![format!("in batches {:?} {error}, event by event {:?}", answer.by_time(), plain.by_time())]
        }
    }
}

fn run(case: &Case, (subject, limits): (&Subject, Limits), seed: u64) -> Result<Answer, String> {
    let mut random = Random::new(seed);
    let mut hosted = Hosted::open(Place::Memory, limits, Answer::default())?;
    hosted.apply(&subject.rule)?;
    for fed in &case.events {
        hosted.record(fed);
        if random.chance(30) {
            hosted.take(0)?;
        }
    }
    hosted.take(0)?;
    if let Some(t) = subject.advance_to {
        hosted.advance(t, 0)?;
    }
    Ok(hosted.close())
}
