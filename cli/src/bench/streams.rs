//! The event streams of the benchmark, as the published generator of the peers defines them: splitmix64 from state 1, four
//! draws an event (type, user, v, p), so that the counts of matches are known exactly.
//!
//! Depends on nothing, so that the benches of the matcher read the same file.

/// One event of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    /// Milliseconds.
    pub(crate) ts: i64,
    /// Below 1,000.
    pub(crate) user: u32,
    /// Below the stream's bound.
    pub(crate) v: u32,
    /// Thousandths, below 100,000.
    #[allow(dead_code, reason = "drawn for its place in the sequence, and for the JSON form")]
    pub(crate) p: u32,
    /// 0 is `A`, below 10.
    pub(crate) kind: u8,
}

/// The names of the ten types.
pub(crate) const KINDS: [&str; 10] = ["A", "B", "C", "D", "E", "F", "G", "H", "I", "J"];

/// Users in a stream.
#[allow(dead_code, reason = "not every bench is per user")]
pub(crate) const USERS: usize = 1_000;

/// Random numbers: splitmix64.
#[derive(Debug)]
pub(crate) struct SplitMix(pub(crate) u64);

impl SplitMix {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// Below `m`.
    #[allow(clippy::cast_possible_truncation, reason = "below m, which is a u32")]
    pub(crate) fn below(&mut self, m: u32) -> u32 {
        (((self.next() >> 32) * u64::from(m)) >> 32) as u32
    }
}

/// Ten types alike, a millisecond apart, `v` below `v_max`: W1 and W3.
pub(crate) fn uniform(v_max: u32, events: usize) -> Vec<Record> {
    let mut r = SplitMix(1);
    let event = |i| {
        let (kind, user, v, p) = (r.below(10), r.below(1_000), r.below(v_max), r.below(100_000));
        Record { ts: 1_700_000_000_000 + i, user, v, p, kind: low(kind) }
    };
    (0_i64..).take(events).map(event).collect()
}

/// A and C 2 % each, B `k` %, the others in turn; `ts` is the index: W2.
pub(crate) fn kleene(k: u32, events: usize) -> Vec<Record> {
    let mut r = SplitMix(1);
    let event = |i| {
        let (t, user, v, p) = (r.below(100), r.below(1_000), r.below(1_000), r.below(100_000));
        let kind = match t {
            0..=1 => 0,
            2..=3 => 2,
            _ if t < 4 + k => 1,
            _ => 3 + (t - 4 - k) % 7,
        };
        Record { ts: i, user, v, p, kind: low(kind) }
    };
    (0_i64..).take(events).map(event).collect()
}

fn low(kind: u32) -> u8 {
    u8::try_from(kind).unwrap_or(u8::MAX)
}
