//! Ranges of numbers by sorted thresholds: which of them a number is in, at the cost of those.

use super::key::{Key, Range};

/// Ranges with two ends stand in blocks of at most so many.
const BLOCK: usize = 128;

/// Ranges, each of a predicate.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    /// Without a high end, by the low one.
    above: Vec<(Range, u32)>,
    /// Without a low end, by the high one.
    below: Vec<(Range, u32)>,
    /// With both, by the low end.
    between: Vec<Block>,
}

/// Ranges by their low end, and the highest number that any of them reaches.
#[derive(Debug)]
struct Block {
    top: Key,
    rows: Vec<(Range, u32)>,
}

/// By an end that is there, inclusive before exclusive at a low end, behind it at a high one: so that a number that is
/// not in one range is in none further on.
type End = Option<(Key, bool)>;

fn is_before(a: End, b: End, included_first: bool) -> bool {
    // No end at all is before every end.
    let (Some((x, xi)), Some((y, yi))) = (a, b) else { return a.is_none() && b.is_some() };
    match x.order(y) {
        Some(std::cmp::Ordering::Equal) => xi != yi && xi == included_first,
        o => o == Some(std::cmp::Ordering::Less),
    }
}

impl Ranges {
    pub(super) fn add(&mut self, range: Range, predicate: u32) {
        match (range.low, range.high) {
            (_, None) => {
                let at = self.above.partition_point(|(r, _)| is_before(r.low, range.low, true));
                self.above.insert(at, (range, predicate));
            }
            (None, Some(_)) => {
                let at = self.below.partition_point(|(r, _)| is_before(r.high, range.high, false));
                self.below.insert(at, (range, predicate));
            }
            (Some(_), Some((high, _))) => self.add_between(range, high, predicate),
        }
    }

    fn add_between(&mut self, range: Range, high: Key, predicate: u32) {
        let starts_before = |b: &Block| b.rows.first().is_some_and(|(r, _)| is_before(r.low, range.low, true));
        let at = self.between.partition_point(starts_before).saturating_sub(1);
        if self.between.is_empty() {
            self.between.push(Block { top: high, rows: Vec::new() });
        }
        let Some(block) = self.between.get_mut(at) else { return };
        let place = block.rows.partition_point(|(r, _)| is_before(r.low, range.low, true));
        block.rows.insert(place, (range, predicate));
        if high.order(block.top) == Some(std::cmp::Ordering::Greater) {
            block.top = high;
        }
        if block.rows.len() > BLOCK {
            let rest = block.rows.split_off(BLOCK / 2);
            block.top = top(&block.rows);
            self.between.insert(at + 1, Block { top: top(&rest), rows: rest });
        }
    }

    pub(super) fn remove(&mut self, range: Range, predicate: u32) {
        let this = (range, predicate);
        match (range.low, range.high) {
            (_, None) => self.above.retain(|r| *r != this),
            (None, Some(_)) => self.below.retain(|r| *r != this),
            _ => {
                if let Some(block) = self.between.iter_mut().find(|b| b.rows.contains(&this)) {
                    block.rows.retain(|r| *r != this);
                    block.top = top(&block.rows);
                }
                self.between.retain(|b| !b.rows.is_empty());
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.above.is_empty() && self.below.is_empty() && self.between.is_empty()
    }

    /// Adds the predicate of every range that the number is in.
    pub(super) fn collect(&self, key: Key, found: &mut Vec<u32>) {
        found.extend(self.above.iter().take_while(|(r, _)| r.is_reached(key)).map(|(_, p)| *p));
        found.extend(self.below.iter().rev().take_while(|(r, _)| r.is_not_passed(key)).map(|(_, p)| *p));
        for block in &self.between {
            if !block.rows.first().is_some_and(|(r, _)| r.is_reached(key)) {
                return;
            }
            if key.order(block.top).is_some_and(std::cmp::Ordering::is_le) {
                let reached = block.rows.iter().take_while(|(r, _)| r.is_reached(key));
                found.extend(reached.filter(|(r, _)| r.is_not_passed(key)).map(|(_, p)| *p));
            }
        }
    }
}

fn top(rows: &[(Range, u32)]) -> Key {
    let highs = rows.iter().filter_map(|(r, _)| r.high).map(|(key, _)| key);
    let higher = |a: Key, b: Key| if a.order(b) == Some(std::cmp::Ordering::Less) { b } else { a };
    highs.reduce(higher).unwrap_or(Key::Int(i64::MIN))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every range over a few numbers, added in a mixed order, some taken out again.
    #[test]
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    fn a_number_finds_the_ranges_that_it_is_in() {
        let end = |n: i64| match n % 5 {
            0 => None,
            m => Some((if n % 3 == 0 { Key::of_float(n as f64 / 2.0) } else { Key::Int(n) }, m % 2 == 0)),
        };
        let range = |i: i64| Range { low: end(i * 37 % 101), high: end(i * 53 % 211) };
        let mut ranges = Ranges::default();
        (0..3_000).for_each(|i| ranges.add(range(i), u32::try_from(i).unwrap()));
        (0..3_000).filter(|i| i % 7 == 0).for_each(|i| ranges.remove(range(i), u32::try_from(i).unwrap()));
        for key in (-1..220).map(Key::Int).chain((0..200).map(|n| Key::of_float(f64::from(n) + 0.5))) {
            let mut found = Vec::new();
            ranges.collect(key, &mut found);
            found.sort_unstable();
            let expected: Vec<u32> = (0..3_000).filter(|i| i % 7 != 0 && range(i64::from(*i)).has(key)).collect();
            assert_eq!(found, expected, "{key:?}");
        }
        let mut found = Vec::new();
        [Key::Null, Key::Other, Key::Bool(true)].iter().for_each(|k| ranges.collect(*k, &mut found));
        assert_eq!(found, [], "what is no number is in no range");
        (0..3_000).for_each(|i| ranges.remove(range(i), u32::try_from(i).unwrap()));
        assert!(ranges.is_empty());
    }
}
