//! What may leave the device, and what leaves it: decisions, feedback and counters, each only with consent, in batches
//! that the host fetches and sends. The engine opens no socket, and nothing else is ever put into a batch.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Kind};

/// What may leave the device. Nothing, if nobody says so.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// Decisions made from now on, with the values of RETURN and the user's name.
    pub decisions: bool,
    /// Feedback told from now on.
    pub feedback: bool,
    /// Counters of tasks, begun anew with the consent.
    pub counters: bool,
}

impl Consent {
    /// All of it.
    pub const ALL: Self = Self { decisions: true, feedback: true, counters: true };
}

/// What left with one call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// A JSON object: `cursor`, `more`, and the lists `decisions`, `feedback` and `counters`.
    pub json: String,
    /// From where the next batch goes on, once this one has arrived. As long as it is not given back, this one comes again.
    pub cursor: String,
    /// Whether there is more at once.
    pub more: bool,
    /// How many items it has.
    pub items: u64,
}

/// How far it was drained: numbers of rows, and of the last change of counters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cursor {
    pub(crate) decisions: i64,
    pub(crate) feedback: i64,
    pub(crate) counters: i64,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "d{}f{}c{}", self.decisions, self.feedback, self.counters)
    }
}

impl FromStr for Cursor {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let number = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
            text.parse().ok().filter(|_| digits)
        };
        let parts = || {
            let (decisions, rest) = text.strip_prefix('d')?.split_once('f')?;
            let (feedback, counters) = rest.split_once('c')?;
            Some(Self { decisions: number(decisions)?, feedback: number(feedback)?, counters: number(counters)? })
        };
        let shown: String = text.chars().take(80).collect();
        parts().ok_or_else(|| Error::new(Kind::BadCursor { cursor: shown }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_are_written() {
        let cursor = Cursor { decisions: 12, feedback: 0, counters: 7 };
        assert_eq!(cursor.to_string().parse::<Cursor>().unwrap(), cursor);
        for bad in ["", "d1", "d1f2", "d1f2c", "d-1f2c3", "d1f2c3 ", "d1f2c99999999999999999999", "x"] {
            assert!(bad.parse::<Cursor>().unwrap_err().is_bad_cursor(), "{bad}");
        }
    }
}
