//! Holds the matcher's answer to a random case against the oracle's.

use std::time::Duration;

use crate::case::Case;
use crate::generate::{self, Flavour};
use crate::mode::{self, Mode, Subject};
use crate::oracle;
use crate::random::Random;
use crate::shrink::shrink;
use crate::watch::{self, Ended};

/// What came of a random case.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Matcher and oracle say the same in every mode.
    Agree,
    /// The matcher says that it cannot run such a rule yet.
    NotBuilt,
    /// They differ.
    Differ(Box<Disagreement>),
}

/// A case on which matcher and oracle differ, made small, with the oracle's answer in it.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// The case.
    pub case: Case,
    /// In what the matcher's answer differs.
    pub complaints: Vec<String>,
}

/// The random case that `seed` names, with the oracle's answer.
pub fn make(seed: u64) -> Case {
    let mut random = Random::new(seed);
    loop {
        let case = generate::case(&mut random, Flavour::Full).named(format!("oracle.{seed}"));
        if let Ok(answer) = oracle::answer_case(&case, oracle::FEW) {
            return answer.expected_by(case);
        }
    }
}

/// Makes the random case that `seed` names and checks it in every mode of the matcher.
pub fn random_case(seed: u64) -> Verdict {
    smallest(&make(seed), seed)
}

/// Checks a case in every mode of the matcher; one on which matcher and oracle differ is made small.
pub fn smallest(case: &Case, seed: u64) -> Verdict {
    let first = match check(case, seed) {
        Verdict::Differ(first) => first,
        other => return other,
    };
    let refused = first.refusal().map(str::to_owned);
    let same = |v| matches!(v, Verdict::Differ(d) if d.refusal() == refused.as_deref());
    let small = shrink(case, |c| same(check(c, seed)));
    match check(&small, seed) {
        Verdict::Differ(small) => Verdict::Differ(small),
        _ => Verdict::Differ(first),
    }
}

impl Disagreement {
    /// Why the rule is refused, if it is: that is another failure than a wrong answer.
    fn refusal(&self) -> Option<&str> {
        self.complaints.iter().find(|c| c.starts_with("refused: ")).map(String::as_str)
    }
}

/// Checks a case in every mode of the matcher.
pub fn check(case: &Case, seed: u64) -> Verdict {
    let Ok(reading) = oracle::read_case(case, oracle::FEW) else { return Verdict::Agree };
    let case = reading.answer.expected_by(case.clone());
    let owned = case.clone();
    let work = move || {
        if let Err(refused) = Subject::new(&owned) {
            return vec![refused];
        }
        let modes = Mode::OF_MATCHER.into_iter().filter(|m| m.takes(&owned));
        let said = modes.flat_map(|m| m.check(&owned, seed).into_iter().map(move |c| format!("{}: {c}", m.name())));
        said.chain(mode::trends_differ(&owned, &reading)).collect()
    };
    let complaints = match watch::within(Duration::from_secs(20), work) {
        Ended::With(complaints) => complaints,
        Ended::Panicked(message) => vec![format!("panicked: {message}")],
        Ended::NotYet => vec!["did not end within 20 s".into()],
    };
    if complaints.is_empty() {
        Verdict::Agree
    } else if complaints.iter().any(|c| c.contains("not built yet")) {
        Verdict::NotBuilt
    } else {
        Verdict::Differ(Box::new(Disagreement { case, complaints }))
    }
}
