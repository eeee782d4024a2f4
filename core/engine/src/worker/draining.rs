//! Batches for the host to send, and who may see what.

use serde_json::json;

use super::Worker;
use crate::counts::{Counts, CountsOf};
use crate::error::Error;
use crate::uplink::{Batch, Consent, Cursor};

/// Rows looked at for one batch.
const ROWS: i64 = 10_000;

/// A batch as it fills.
struct Filling {
    cursor: Cursor,
    left: usize,
    items: u64,
    more: bool,
}

impl Filling {
    /// Takes as many as there is room for; at least one in a batch, or nothing would ever go on.
    fn take(&mut self, rows: Vec<(i64, String)>, cursor: fn(&mut Cursor) -> &mut i64) -> Vec<String> {
        let mut taken = Vec::new();
        for (n, text) in rows {
            let fits = text.len() < self.left || self.items == 0;
            if self.more || !fits {
                self.more = true;
                break;
            }
            self.left = self.left.saturating_sub(text.len() + 1);
            self.items += 1;
            *cursor(&mut self.cursor) = n;
            taken.push(text);
        }
        taken
    }
}

impl Worker {
    /// What may leave that is after the cursor, up to so many bytes.
    pub(super) fn drain(&mut self, since: Cursor, max_bytes: usize) -> Result<Batch, Error> {
        // A cursor beyond what there ever was here is of a store that was set aside.
        let last = self.store.last_numbers()?;
        let here = |n: i64, last: i64| if n > last { 0 } else { n };
        let since = Cursor {
            decisions: here(since.decisions, last.decisions),
            feedback: here(since.feedback, last.feedback),
            counters: here(since.counters, last.counters),
        };
        self.in_transaction(|w| w.store.put_drained(since))?;
        let (decisions, feedback) = self.store.may_leave()?;
        let mut filling = Filling { cursor: since, left: max_bytes, items: 0, more: false };
        let rows = match decisions {
            Some(from) => self.store.decisions_after(from.max(since.decisions), ROWS)?,
            None => Vec::new(),
        };
        let decisions = filling.take(rows, |c| &mut c.decisions);
        let rows = match feedback {
            Some(from) => self.store.feedback_after(from.max(since.feedback), ROWS)?,
            None => Vec::new(),
        };
        let feedback = filling.take(rows, |c| &mut c.feedback);
        let rows = if self.store.consent()?.counters { self.store.counts(since.counters)? } else { Vec::new() };
        let rows = rows.iter().map(|(n, of, counts)| (*n, counts_json(of, counts).to_string())).collect();
        let counters = filling.take(rows, |c| &mut c.counters);
        let cursor = filling.cursor.to_string();
        let json = format!(
            r#"{{"cursor":"{cursor}","more":{},"decisions":[{}],"feedback":[{}],"counters":[{}]}}"#,
            filling.more,
            decisions.join(","),
            feedback.join(","),
            counters.join(",")
        );
        Ok(Batch { json, cursor, more: filling.more, items: filling.items })
    }

    /// Changes what may leave.
    pub(super) fn set_consent(&mut self, consent: Consent) -> Result<(), Error> {
        if self.store.consent()? == consent {
            return Ok(());
        }
        self.in_transaction(|w| w.store.put_consent(consent))
    }

    /// Begins all counters of tasks anew.
    pub(super) fn reset_stats(&mut self) -> Result<(), Error> {
        self.in_transaction(|w| w.store.reset_counts())
    }
}

/// The counters of a version of a task as an object.
pub(super) fn counts_json(of: &CountsOf, counts: &Counts) -> serde_json::Value {
    let mut all = json!({"source": of.source, "task": of.task, "version": of.version});
    if let (Some(all), Ok(serde_json::Value::Object(counts))) = (all.as_object_mut(), serde_json::to_value(counts)) {
        all.extend(counts);
    }
    all
}
