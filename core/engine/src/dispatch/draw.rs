//! Drawing lots that never change: where a user stands between 0 and 1, for one purpose of one task.
//!
//! SHA-256 over the salt, a zero byte, the purpose, a zero byte and the user's name; the first eight bytes, big-endian, are
//! the numerator over 2^64, cut to millionths. Without a salt it is the source, `/` and the task's id. The anonymous user is
//! not the same on every device: in place of a name there are a zero byte and the device's own number, drawn with its store.

use std::borrow::Cow;

use ensue_rule::Share;
use sha2::{Digest, Sha256};

use super::Candidate;

/// The purpose of a holdout.
pub(super) const HOLDOUT: &str = "holdout";

/// The purpose of a rollout.
pub(super) const ROLLOUT: &str = "rollout";

/// Where the candidate's user stands.
pub(super) fn of(c: &Candidate<'_>, purpose: &str, salt: Option<&str>) -> Share {
    let salt = salt.map_or_else(|| Cow::Owned(format!("{}/{}", c.source, c.task.id)), Cow::Borrowed);
    match c.user {
        Some(user) => lot(&salt, purpose, user.as_bytes()),
        None => lot(&salt, purpose, &[&[0][..], c.install.to_string().as_bytes()].concat()),
    }
}

fn lot(salt: &str, purpose: &str, user: &[u8]) -> Share {
    let mut hash = Sha256::new();
    for part in [salt.as_bytes(), &[0], purpose.as_bytes(), &[0], user] {
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let numerator = digest.iter().take(8).fold(0_u64, |n, byte| n << 8 | u64::from(*byte));
    let millionths = (u128::from(numerator) * u128::from(Share::ALL.0)) >> 64;
    Share(u32::try_from(millionths).unwrap_or(Share::ALL.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USERS: u32 = 100_000;

    fn lots(salt: &str, purpose: &str) -> Vec<u32> {
        (0..USERS).map(|n| lot(salt, purpose, format!("user-{n}").as_bytes()).0).collect()
    }

    #[test]
    fn lots_never_change() {
        assert_eq!(lot("growth/rent", HOLDOUT, b"u1"), Share(KNOWN[0]));
        assert_eq!(lot("growth/rent", ROLLOUT, b"u1"), Share(KNOWN[1]));
        assert_eq!(lot("", HOLDOUT, b""), Share(KNOWN[2]));
    }

    /// Computed apart: `printf 'growth/rent\0holdout\0u1' | sha256sum`, the first 16 digits over 16^16.
    const KNOWN: [u32; 3] = [140_594, 331_428, 190_065];

    #[test]
    fn lots_are_uniform() {
        // Pearson's chi-squared over 100 cells: with 99 degrees of freedom 148.2 is passed once in a thousand times.
        for salt in ["growth/rent", "growth/rent2", "promo", ""] {
            let mut cells = [0_f64; 100];
            for lot in lots(salt, HOLDOUT) {
                cells[lot as usize / 10_000] += 1.0;
            }
            let expected = f64::from(USERS) / 100.0;
            let chi: f64 = cells.iter().map(|n| (n - expected).powi(2) / expected).sum();
            assert!(chi < 148.2, "{salt}: {chi}");
        }
    }

    #[test]
    fn arms_of_different_tasks_and_purposes_are_independent() {
        // Of the users in one arm of a tenth, a tenth is in the other: within five standard deviations.
        let pairs = [
            (lots("growth/a", HOLDOUT), lots("growth/b", HOLDOUT)),
            (lots("growth/a", HOLDOUT), lots("growth/a", ROLLOUT)),
        ];
        for (one, other) in pairs {
            let both = one.iter().zip(&other).filter(|(a, b)| **a < 100_000 && **b < 100_000).count();
            let (mean, deviation) = (f64::from(USERS) * 0.01, (f64::from(USERS) * 0.01 * 0.99).sqrt());
            #[allow(clippy::cast_precision_loss, reason = "a count of a hundred thousand")]
            let off = (both as f64 - mean).abs() / deviation;
            assert!(off < 5.0, "{both} of {mean}");
        }
        assert_eq!(lots("promo", HOLDOUT), lots("promo", HOLDOUT), "who shares a salt shares the arms");
    }
}
