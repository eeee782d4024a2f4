//! Through the engine on a file, closed and opened again after every event.

use ensue_engine::Place;

use super::hosted::Hosted;
use super::{Subject, whole};
use crate::answer::{Answer, differences};
use crate::case::Case;
use crate::random::Random;

pub(super) fn check(case: &Case, subject: &Subject, seed: u64) -> Vec<String> {
    run(case, subject, seed).map_or_else(|error| vec![error], |answer| differences(case, &answer))
}

fn run(case: &Case, subject: &Subject, seed: u64) -> Result<Answer, String> {
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let place = Place::File(folder.path().join("case.db"));
    let mut hosted = Hosted::open(place.clone(), Answer::default())?;
    hosted.apply(&subject.rule)?;
    for (k, fed) in case.events.iter().enumerate() {
        hosted.advance(subject.ts(k), whole(k) - 1)?;
        if random.chance(30) {
            hosted = Hosted::open(place.clone(), hosted.close())?;
        }
        hosted.record(fed);
        hosted.take(whole(k))?;
        hosted = Hosted::open(place.clone(), hosted.close())?;
    }
    if let Some(t) = subject.advance_to {
        hosted.advance(t, subject.last_step())?;
    }
    Ok(hosted.close())
}
