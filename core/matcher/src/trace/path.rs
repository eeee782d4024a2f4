//! Paths: what strands bound, shared by those that go on from one another.

use crate::Position;
use crate::program::StageId;

/// The last event of a path.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct StepId(usize);

impl StepId {
    /// Nothing is bound.
    pub(super) const NONE: Self = Self(usize::MAX);
}

/// All paths.
#[derive(Debug, Default)]
pub(super) struct Paths {
    steps: Vec<(Position, StageId, StepId)>,
    /// How many were in use when it was last looked.
    used: usize,
}

impl Paths {
    /// A path with one event more.
    pub(super) fn push(&mut self, at: Position, stage: StageId, before: StepId) -> StepId {
        self.steps.push((at, stage, before));
        StepId(self.steps.len() - 1)
    }

    /// The events of a path, the last first.
    pub(super) fn events(&self, last: StepId) -> impl Iterator<Item = (Position, StageId)> + '_ {
        let mut at = last;
        std::iter::from_fn(move || {
            let (position, stage, before) = *self.steps.get(at.0)?;
            at = before;
            Some((position, stage))
        })
    }

    /// Whether it is time to look what is still in use.
    pub(super) fn is_large(&self) -> bool {
        self.steps.len() > 2 * self.used + 4_096
    }

    /// Keeps only these paths.
    pub(super) fn compact<'s>(&mut self, paths: impl Iterator<Item = &'s mut StepId>) {
        let mut paths: Vec<_> = paths.collect();
        let mut used = vec![false; self.steps.len()];
        for path in &paths {
            let mut at = path.0;
            while let Some(mark) = used.get_mut(at).filter(|mark| !**mark) {
                *mark = true;
                at = self.steps.get(at).map_or(usize::MAX, |(_, _, before)| before.0);
            }
        }
        let (mut moved, mut kept) = (vec![StepId::NONE; self.steps.len()], Vec::new());
        let of = |moved: &[StepId], id: StepId| moved.get(id.0).copied().unwrap_or(StepId::NONE);
        for (i, (position, stage, before)) in self.steps.iter().enumerate() {
            if used.get(i) == Some(&true) {
                kept.push((*position, *stage, of(&moved, *before)));
                if let Some(place) = moved.get_mut(i) {
                    *place = StepId(kept.len() - 1);
                }
            }
        }
        paths.iter_mut().for_each(|p| **p = of(&moved, **p));
        (self.used, self.steps) = (kept.len(), kept);
    }
}
