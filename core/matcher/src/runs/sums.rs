//! Sums: what the partial matches of one class add up to, start by start, under RETURN TRENDS.

use ensue_rule::Value;

use crate::aged::Aged;
use crate::buffer::Tick;
use crate::program::StageId;
use crate::trends::{Trends, add_all};

/// For each start, oldest first.
#[derive(Debug, Default)]
pub(super) struct Sums {
    each: Aged<Counted>,
    /// What the rule asks to be added up, `width` values for each start.
    values: Vec<Value>,
    width: usize,
}

/// The partial matches of one start.
#[derive(Clone, Copy, Debug)]
struct Counted {
    start: Tick,
    /// How many there are; saturating.
    count: i64,
}

impl Clone for Sums {
    fn clone(&self) -> Self {
        Self { each: self.each.clone(), values: self.values.clone(), width: self.width }
    }

    fn clone_from(&mut self, other: &Self) {
        self.each.clone_from(&other.each);
        self.width = other.width;
        if self.width > 0 {
            self.values.clone_from(&other.values);
        }
    }
}

impl Sums {
    pub(super) fn is_empty(&self) -> bool {
        self.each.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.each.clear();
        self.values.clear();
    }

    pub(super) fn oldest(&self) -> Option<Tick> {
        self.each.as_slice().first().map(|c| c.start)
    }

    pub(super) fn starts(&self) -> impl Iterator<Item = Tick> {
        self.each.as_slice().iter().map(|c| c.start)
    }

    pub(super) fn newest(&self) -> Option<Tick> {
        self.each.as_slice().last().map(|c| c.start)
    }

    /// A partial match without events is added; its start is newer than the others.
    pub(super) fn begin(&mut self, start: Tick, trends: &Trends) {
        self.each.push(Counted { start, count: 1 });
        self.width = trends.sums.len();
        self.values.resize(self.values.len() + self.width, Value::Int(0));
    }

    /// Lets all partial matches take an event.
    pub(super) fn take(&mut self, trends: &Trends, stage: StageId, slots: &[Value]) {
        if self.width > 0 {
            for (of, sums) in self.each.as_slice().iter().zip(self.values.chunks_exact_mut(self.width)) {
                trends.take(of.count, sums, stage, slots);
            }
        }
    }

    /// Takes out those that started at or before `last`.
    pub(super) fn split(&mut self, last: Tick) -> Self {
        let n = self.each.as_slice().partition_point(|c| c.start <= last);
        let each = Aged::of(self.each.as_slice().get(..n).unwrap_or_default());
        let values = self.values.get(..n * self.width).unwrap_or_default().to_vec();
        self.cut(last);
        Self { each, values, width: self.width }
    }

    /// Drops those that started at or before `floor`.
    #[inline]
    pub(super) fn cut(&mut self, floor: Tick) {
        if self.oldest().is_some_and(|oldest| oldest <= floor) {
            self.drop_until(floor);
        }
    }

    fn drop_until(&mut self, floor: Tick) {
        let n = self.each.as_slice().partition_point(|c| c.start <= floor);
        self.each.cut(n);
        self.values.drain(..(n * self.width).min(self.values.len()));
    }

    /// Adds those of other partial matches.
    #[inline]
    pub(super) fn merge(&mut self, more: &Self) {
        let (mine, theirs) = (self.each.as_mut_slice(), more.each.as_slice());
        let mut same = 0;
        for (mine, theirs) in mine.iter_mut().zip(theirs) {
            if mine.start != theirs.start {
                break;
            }
            mine.count = mine.count.saturating_add(theirs.count);
            same += 1;
        }
        let all_mine = same == mine.len();
        if more.width > 0 {
            let (both, rest) = more.values.split_at_checked(same * more.width).unwrap_or_default();
            add_all(&mut self.values, both);
            if all_mine {
                self.values.extend_from_slice(rest);
            }
        }
        match theirs.get(same..) {
            None | Some([]) => {}
            // What is left is newer.
            Some(rest) if all_mine => {
                self.width = more.width;
                self.each.extend(rest);
            }
            Some(_) => self.interleave(same, more),
        }
    }

    /// Adds those of others from the start at which they begin to differ.
    fn interleave(&mut self, from: usize, more: &Self) {
        let mut merged = Self { width: self.width, ..Self::default() };
        let (mut i, mut j) = (0, from);
        loop {
            let (x, y) = (self.each.as_slice().get(i), more.each.as_slice().get(j));
            let starts = (x.map(|x| x.start), y.map(|y| y.start));
            let mine = x.filter(|x| y.is_none_or(|y| x.start <= y.start));
            let theirs = y.filter(|y| x.is_none_or(|x| y.start <= x.start));
            let Some(start) = mine.or(theirs).map(|c| c.start) else { break };
            let count = mine.map_or(0, |c| c.count).saturating_add(theirs.map_or(0, |c| c.count));
            merged.each.push(Counted { start, count });
            let end = merged.values.len();
            merged.values.extend_from_slice(if mine.is_some() { self.values_at(i) } else { more.values_at(j) });
            if starts.0 == starts.1 {
                add_all(merged.values.get_mut(end..).unwrap_or_default(), more.values_at(j));
            }
            i += usize::from(mine.is_some());
            j += usize::from(theirs.is_some());
        }
        *self = merged;
    }

    /// Over all starts: how many, and the sums.
    pub(super) fn total(&self, count: &mut i64, sums: &mut Vec<Value>) {
        *count = self.each.as_slice().iter().fold(*count, |n, c| n.saturating_add(c.count));
        if self.width > 0 {
            sums.resize(self.width, Value::Int(0));
            self.values.chunks_exact(self.width).for_each(|each| add_all(sums, each));
        }
    }

    fn values_at(&self, at: usize) -> &[Value] {
        self.values.get(at * self.width..(at + 1) * self.width).unwrap_or_default()
    }
}
