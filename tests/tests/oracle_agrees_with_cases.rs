//! The oracle is right about every conformance case; only then is it worth asking about others.
#![allow(clippy::panic, reason = "test code")]

use std::fmt::Write as _;

use ensue_tests::answer::differences;
use ensue_tests::{load, oracle};

#[test]
fn the_oracle_gives_every_case_its_answer() {
    let cases = load::cases(&load::own_cases()).unwrap_or_else(|e| panic!("{e}"));
    let (mut failed, mut report) = (0, String::new());
    for (path, case) in cases.iter().filter(|(_, case)| !case.is_unanswered()) {
        let complaints = match oracle::answer_case(case, oracle::MANY) {
            Ok(answer) => differences(case, &answer),
            Err(error) => vec![error],
        };
        if !complaints.is_empty() {
            failed += 1;
            if failed <= 400 {
                let file = path.file_name().unwrap_or_default().to_string_lossy();
                let _ = writeln!(report, "{file} {}: {}", case.name, complaints.join("; "));
            }
        }
    }
    assert!(failed == 0, "the oracle is wrong about {failed} cases:\n{report}");
}
