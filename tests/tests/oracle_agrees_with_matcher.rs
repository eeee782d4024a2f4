//! The matcher against the brute-force oracle on random cases. The binary `oracle` asks for more of them, and for
//! those that SEMANTICS does not settle, too.
#![allow(clippy::panic, reason = "test code")]

use ensue_tests::check::{self, Verdict};
use ensue_tests::generate::{self, Flavour};
use ensue_tests::oracle;
use ensue_tests::random::Random;

#[test]
fn matcher_and_oracle_agree_on_random_cases() {
    let mut agreed = 0;
    for seed in 0..2_000 {
        let case = generate::case(&mut Random::new(seed), Flavour::Full).named(format!("random.{seed}"));
        if !generate::is_settled(&case) || oracle::answer_case(&case, oracle::FEW).is_err() {
            continue;
        }
        match check::smallest(&case, seed) {
            Verdict::Agree => agreed += 1,
            Verdict::NotBuilt => {}
            Verdict::Differ(d) => {
                let json = serde_json::to_string(&[&d.case]).unwrap_or_default();
                panic!("{}\n{json}", d.complaints.join("\n"));
            }
        }
    }
    assert!(agreed > 500, "only {agreed} cases were checked");
}
