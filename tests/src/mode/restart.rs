//! Through the engine on a file, closed and opened again after every event; or, as often, as if the process had been killed then:
//! over a copy of the files as they stood.

use std::path::Path;

use ensue_engine::Place;
use ensue_matcher::Limits;

use super::hosted::Hosted;
use super::{Subject, whole};
use crate::answer::{Answer, differences};
use crate::case::Case;
use crate::random::Random;

pub(super) fn check(case: &Case, (subject, limits): (&Subject, Limits), seed: u64) -> Vec<String> {
    run(case, (subject, &limits), seed).map_or_else(|error| vec![error], |answer| differences(case, &answer))
}

fn run(case: &Case, (subject, limits): (&Subject, &Limits), seed: u64) -> Result<Answer, String> {
    let mut random = Random::new(seed);
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let mut hosted = Hosted::open(Place::File(folder.path().join("case.db")), limits.clone(), Answer::default())?;
    hosted.apply(&subject.rule)?;
    for (k, fed) in case.events.iter().enumerate() {
        hosted.advance(subject.ts(k), whole(k) - 1)?;
        if random.chance(30) {
            hosted = again(hosted, (folder.path(), limits), random.chance(50))?;
        }
        hosted.record(fed);
        hosted.take(whole(k))?;
        hosted = again(hosted, (folder.path(), limits), random.chance(50))?;
    }
    if let Some(t) = subject.advance_to {
        hosted.advance(t, subject.last_step())?;
    }
    Ok(hosted.close())
}

/// Opens the store of an engine again, which was closed or killed.
fn again(hosted: Hosted, (folder, limits): (&Path, &Limits), killed: bool) -> Result<Hosted, String> {
    let (path, aside) = (folder.join("case.db"), folder.join("killed.db"));
    let of = |path: &Path| ["db", "db-wal", "db-entries"].map(|end| path.with_extension(end));
    let copied = |from: &Path, to: &Path| {
        of(from).iter().zip(of(to)).try_for_each(|(from, to)| std::fs::copy(from, to).map(drop))
    };
    if killed {
        // All is committed: whoever is asked has answered.
        copied(&path, &aside).map_err(|e| e.to_string())?;
    }
    let answer = hosted.close();
    if killed {
        copied(&aside, &path).map_err(|e| e.to_string())?;
    }
    Hosted::open(Place::File(path), limits.clone(), answer)
}
