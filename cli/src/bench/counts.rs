//! How many matches a stream has: counted from the definition, without the matcher, for any number of events.

use std::collections::HashMap;
use std::ops::Range;

use super::streams::Record;

/// Window of W1 and W3, exclusive.
const WINDOW: i64 = 10_000;
/// Window of W2, exclusive.
const KLEENE_WINDOW: i64 = 100;

/// A -> B -> C of one user, relaxed, each A: its next B, and that B's next C.
pub(super) fn w1(records: &[Record]) -> i64 {
    // From the end: of each user the next C, and the C that follows the next B.
    let mut ahead: HashMap<u32, (Option<i64>, Option<i64>)> = HashMap::new();
    let mut found = 0;
    for r in records.iter().rev() {
        let (next_c, after_b) = ahead.entry(r.user).or_default();
        match r.kind {
            0 => found += i64::from(after_b.is_some_and(|c| c - r.ts < WINDOW)),
            1 => *after_b = *next_c,
            2 => *next_c = Some(r.ts),
            _ => {}
        }
    }
    found
}

/// Every A, B, C of one user in this order.
pub(super) fn w1_any(records: &[Record]) -> i64 {
    // Of each user the live As, each with the Bs since.
    let mut live: HashMap<u32, Vec<(i64, i64)>> = HashMap::new();
    let mut found = 0;
    for r in records {
        let of_user = live.entry(r.user).or_default();
        of_user.retain(|(ts, _)| r.ts - ts < WINDOW);
        match r.kind {
            0 => of_user.push((r.ts, 0)),
            1 => of_user.iter_mut().for_each(|(_, bs)| *bs += 1),
            2 => found += of_user.iter().map(|(_, bs)| bs).sum::<i64>(),
            _ => {}
        }
    }
    found
}

/// Every non-empty set of Bs between an A and a C; and the Cs that end at least one.
pub(super) fn w2(records: &[Record]) -> (i64, i64) {
    let (mut live, mut found, mut ends): (Vec<(i64, i64)>, _, _) = (Vec::new(), 0_i64, 0);
    for r in records {
        live.retain(|(ts, _)| r.ts - ts < KLEENE_WINDOW);
        match r.kind {
            0 => live.push((r.ts, 0)),
            // Sets without this B, with it, and it alone.
            1 => live.iter_mut().for_each(|(_, sets)| *sets = sets.saturating_mul(2).saturating_add(1)),
            2 => {
                found = live.iter().fold(found, |all, (_, sets)| all.saturating_add(*sets));
                ends += i64::from(live.iter().any(|(_, sets)| *sets > 0));
            }
            _ => {}
        }
    }
    (found, ends)
}

/// A -> B with the same v, for v below `rules`.
pub(super) fn w3(records: &[Record], rules: u32) -> i64 {
    let (mut next_b, mut found): (HashMap<u32, i64>, _) = (HashMap::new(), 0);
    for r in records.iter().rev().filter(|r| r.v < rules) {
        match r.kind {
            0 => found += i64::from(next_b.get(&r.v).is_some_and(|b| b - r.ts < WINDOW)),
            1 => drop(next_b.insert(r.v, r.ts)),
            _ => {}
        }
    }
    found
}

/// A -> B with v = i, relaxed, each A: its next B of each `wanted` v.
pub(super) fn alike(records: &[Record], wanted: Range<u32>) -> i64 {
    // The As so far, and how many of them had come when the last B of a v came.
    let (mut all, mut met, mut found): (Vec<i64>, HashMap<u32, usize>, _) = (Vec::new(), HashMap::new(), 0);
    for r in records {
        match r.kind {
            0 => all.push(r.ts),
            1 if wanted.contains(&r.v) => {
                let over = all.partition_point(|a| r.ts - a >= WINDOW);
                let waiting = all.len() - over.max(met.insert(r.v, all.len()).unwrap_or(0));
                found += i64::try_from(waiting).unwrap_or(i64::MAX);
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::streams::{kleene, uniform};
    use super::*;

    #[test]
    fn the_counts_are_those_that_are_published() {
        let records = uniform(1_000, 1_000_000);
        assert_eq!((w1(&records), w1_any(&records)), (26_338, 49_997));
        assert_eq!([1, 100, 1_000].map(|n| w3(&records, n)), [44, 6_091, 62_942]);
        assert_eq!(w3(&uniform(10_000, 1_000_000), 10_000), 9_262);
        assert_eq!([1, 100, 1_000].map(|n| alike(&uniform(1_000, 50_000), 0..n)), [3_326, 281_288, 2_897_607]);
        let published = [
            (5, 975_060, 15_537),
            (10, 44_917_047, 16_618),
            (15, 2_305_733_212, 16_878),
            (25, 3_029_586_120_039, 17_073),
        ];
        for (k, matches, ends) in published {
            assert_eq!(w2(&kleene(k, 1_000_000)), (matches, ends), "k = {k}");
        }
    }
}
