//! Every case that this crate carries, through every mode of the shipping matcher.
#![allow(clippy::panic, reason = "test code")]

use std::fmt::Write as _;

use ensue_tests::load;
use ensue_tests::mode::Mode;

fn all_pass(mode: Mode) {
    one_in_so_many_passes(mode, 1);
}

/// Some modes open files for every event: of these a part is enough here, and the binary runs all.
fn one_in_so_many_passes(mode: Mode, so_many: usize) {
    let cases = load::cases(&load::own_cases()).unwrap_or_else(|e| panic!("{e}"));
    assert!(cases.len() > 1_300, "only {} cases found", cases.len());
    let (mut failed, mut report) = (0, String::new());
    for (path, case) in cases.iter().step_by(so_many).filter(|(_, case)| mode.takes(case)) {
        let complaints = mode.check(case, 1);
        if !complaints.is_empty() {
            failed += 1;
            if failed <= 10 {
                let _ = writeln!(report, "{} {}: {}", path.display(), case.name, complaints.join("; "));
            }
        }
    }
    assert!(failed == 0, "{failed} cases fail in mode {}, the first of them:\n{report}", mode.name());
}

#[test]
fn every_case_passes_event_by_event() {
    all_pass(Mode::Step);
}

#[test]
fn every_case_passes_however_time_moves() {
    all_pass(Mode::Time);
}

#[test]
fn every_case_passes_with_runs_rebuilt_after_every_event() {
    all_pass(Mode::Snapshot);
}

#[test]
fn every_case_passes_run_by_run() {
    all_pass(Mode::Trace);
}

#[test]
fn every_case_passes_with_events_noted_and_caught_up_on() {
    all_pass(Mode::Noted);
}

#[test]
fn every_case_passes_in_the_engine_in_batches() {
    all_pass(Mode::Batch);
    all_pass(Mode::NotedBatch);
}

#[test]
fn cases_pass_in_an_engine_that_is_opened_anew_after_every_event() {
    one_in_so_many_passes(Mode::Restart, 25);
    one_in_so_many_passes(Mode::NotedRestart, 25);
}
