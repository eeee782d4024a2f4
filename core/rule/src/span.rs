//! Where a node stood in the text it was read from.

use std::hash::{Hash, Hasher};

/// A byte range of the source text; `0..0` where a node was not read from text.
///
/// A span says where something was written, not what it means: two nodes that differ only in their spans are equal,
/// hash alike and serialise alike. Keep `#[serde(skip)]` on every field of this type.
#[derive(Clone, Copy, Debug, Default)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span of `start..end`, saturating at 4 GiB (texts are refused long before that).
    pub fn new(start: usize, end: usize) -> Self {
        let clamp = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { start: clamp(start), end: clamp(end) }
    }

    /// The smallest span that covers both.
    pub fn to(self, other: Self) -> Self {
        Self { start: self.start.min(other.start), end: self.end.max(other.end) }
    }

    /// Whether the node was read from text at all.
    pub fn is_known(self) -> bool {
        self.end > 0
    }
}

impl PartialEq for Span {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Span {}

impl Hash for Span {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}
