//! What was decided lately, on its way into the [`Ledger`].
//!
//! To put a decision under all the names it is counted under takes longer than all controls of a task that has none, and
//! somebody waits for it. So it is noted here, and posted when that one has been told, or when the ledger is asked.

use super::{Ledger, LedgerEntry};

/// A ledger, and what is not in it yet.
#[derive(Debug, Default)]
pub(crate) struct Daybook {
    ledger: Ledger,
    fresh: Vec<LedgerEntry>,
}

impl Daybook {
    /// Remembers what was decided.
    pub(crate) fn note(&mut self, entry: LedgerEntry) {
        self.fresh.push(entry);
    }

    /// Puts into the ledger what was noted.
    pub(crate) fn post(&mut self) {
        for entry in self.fresh.drain(..) {
            self.ledger.note(entry);
        }
    }

    /// The ledger, with all that was noted.
    pub(crate) fn ledger(&mut self) -> &mut Ledger {
        self.post();
        &mut self.ledger
    }

    /// Whether the ledger took over what the store remembers.
    pub(crate) fn is_whole(&self) -> bool {
        self.ledger.is_whole()
    }
}
