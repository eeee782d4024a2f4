//! Numbers that somebody may have seen: given one after the other, and never again, whatever is deleted since.
//!
//! What `AUTOINCREMENT` is for; that writes a page more with each commit, this one only before rows are deleted.

use super::{Doing, Store};
use crate::error::Error;

/// What is numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Series {
    /// Decisions: a host fetches them up to one.
    Decisions,
    /// Feedback, as well.
    Feedback,
    /// Changes of counters, as well.
    Changes,
}

/// The last number of each series, as far as it is known.
#[derive(Debug, Default)]
pub(super) struct Last([Option<i64>; 3]);

impl Series {
    pub(super) const ALL: [Self; 3] = [Self::Decisions, Self::Feedback, Self::Changes];

    fn largest(self) -> &'static str {
        match self {
            Self::Decisions => "SELECT max(n) FROM decisions",
            Self::Feedback => "SELECT max(n) FROM feedback",
            Self::Changes => "SELECT max(changed) FROM counts",
        }
    }

    /// The name in `numbers` of the last one, where the rows do not say it.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Decisions => "decisions_numbered",
            Self::Feedback => "feedback_numbered",
            Self::Changes => "counts_changed",
        }
    }
}

impl Last {
    fn of(&mut self, series: Series) -> Option<&mut Option<i64>> {
        self.0.get_mut(series as usize)
    }

    /// To be read again: a transaction was given up.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }
}

impl Store {
    /// The number that was given last; 0: none was.
    pub(super) fn last_number(&mut self, series: Series) -> Result<i64, Error> {
        if let Some(Some(last)) = self.last.of(series) {
            return Ok(*last);
        }
        let largest: Option<i64> =
            self.db.tables()?.query_row(series.largest(), [], |r| r.get(0)).doing("reading the last number")?;
        let last = largest.max(self.number(series.mark())?).unwrap_or(0);
        self.gave(series, last);
        Ok(last)
    }

    /// Remembers which number was given last.
    pub(super) fn gave(&mut self, series: Series, number: i64) {
        if let Some(last) = self.last.of(series) {
            *last = Some(number);
        }
    }

    /// Writes down the numbers given last: rows are about to be deleted, and with them what says so.
    pub(super) fn mark_numbers(&mut self) -> Result<(), Error> {
        for series in Series::ALL {
            let last = self.last_number(series)?;
            if last > self.number(series.mark())?.unwrap_or(0) {
                self.put_number(series.mark(), last)?;
            }
        }
        Ok(())
    }
}
