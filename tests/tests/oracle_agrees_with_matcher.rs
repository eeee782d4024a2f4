//! The matcher against the brute-force oracle on random cases. The binary `oracle` asks for more of them.
#![allow(clippy::panic, reason = "test code")]

use ensue_tests::check::{self, Verdict};

#[test]
fn matcher_and_oracle_agree_on_random_cases() {
    for seed in 0..2_000 {
        if let Verdict::Differ(d) = check::random_case(seed) {
            let json = serde_json::to_string(&[&d.case]).unwrap_or_default();
            panic!("{}\n{json}", d.complaints.join("\n"));
        }
    }
}
