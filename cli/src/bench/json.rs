//! JSON lines to the matches of W1: reading the file and the lines is inside the clock, the file in the page cache.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

use ensue_engine::read_event;
use ensue_matcher::{Arguments, Arrival, Found, Limits, Observation, Position, ProgramId, ProgramSet, Runs};
use ensue_rule::Timestamp;

use super::figure::Figure;
use super::machine::{self, Watch};
use super::scratch::Scratch;
use super::streams::{KINDS, Record};
use super::{counts, rules};
use crate::failure::Failure;
use crate::recording::lines::Lines;

type Users = HashMap<String, Runs, std::hash::BuildHasherDefault<rustc_hash::FxHasher>>;

pub(super) fn w1(records: &[Record]) -> Result<Figure, Failure> {
    let scratch = Scratch::new("json")?;
    let path = scratch.path("w1.jsonl");
    write(&path, records).map_err(|e| Scratch::failure("write", &path, &e))?;
    let set = rules::programs([rules::W1.to_owned()], Limits::default())?;
    let watch = Watch::start();
    let mut failed = None;
    let passes = machine::repeat(|| {
        machine::time(|| {
            pass(&set, &path).unwrap_or_else(|failure| {
                failed = Some(failure);
                0
            })
        })
    });
    if let Some(failure) = failed {
        return Err(failure);
    }
    let figure = Figure::new("json", None, records.len()).timed(passes.seconds);
    let figure = figure.counted(passes.result, counts::w1(records)).watched(&watch.end());
    Ok(Figure { noisy: figure.noisy || passes.noisy, ..figure })
}

/// As the published generator writes them.
fn write(path: &Path, records: &[Record]) -> std::io::Result<()> {
    let mut out = BufWriter::new(File::create(path)?);
    for r in records {
        let kind = KINDS.get(usize::from(r.kind)).copied().unwrap_or_default();
        let (ts, user, v, whole, part) = (r.ts, r.user, r.v, r.p / 1_000, r.p % 1_000);
        writeln!(
            out,
            r#"{{"ts":{ts},"actionType":"{kind}","userId":{user},"args":{{"v":{v},"p":{whole}.{part:03}}}}}"#
        )?;
    }
    out.flush()
}

fn pass(set: &ProgramSet, path: &Path) -> Result<i64, Failure> {
    let Some(program) = set.program(ProgramId(0)) else { return Ok(0) };
    let mut lines = Lines::open(path)?;
    let (mut users, mut seen, mut out) = (Users::default(), Observation::default(), Vec::new());
    let (mut found, mut seq) = (0, 0);
    while let Some(line) = lines.next()? {
        let taken = read_event(line.trim_ascii(), |event| {
            let head = event.head();
            let arguments = |arguments: &mut Arguments<'_, '_>| {
                event.each_argument(|name, value| {
                    if arguments.wants(name) {
                        arguments.take(name, &value.read());
                    }
                });
            };
            set.read_reading(&head, arguments, &mut seen);
            let position = Position { ts: head.ts.unwrap_or(Timestamp(0)), seq };
            set.look_up(Arrival { position, ..Arrival::default() }, None, &mut seen);
            let Some(hit) = seen.hits().first() else { return };
            let user = head.user_id.unwrap_or_default();
            let runs = match users.get_mut(user) {
                Some(runs) => runs,
                None => users.entry(user.to_owned()).or_default(),
            };
            if !runs.is_idle() || program.may_begin(*hit) {
                runs.step(program, &seen, *hit, &mut out);
            }
        });
        taken.map_err(|bad| Failure::new(bad.to_string()))?;
        found += out.drain(..).filter(|f| matches!(f, Found::Match(_))).count();
        seq += 1;
    }
    Ok(i64::try_from(found).unwrap_or(i64::MAX))
}
