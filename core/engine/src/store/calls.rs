//! Calls of scripts: asked after the commit of the trigger that made them, and their answers, which are read again instead
//! of asking.
//!
//! Answers are part of the log, but no rows of `events`: they are no events, and every reader of events would have to pass
//! them over. Their place among the events is that of their trigger.

use std::sync::Arc;

use ensue_matcher::Position;
use ensue_rule::Timestamp;
use rusqlite::params;

use super::journal::{Cell, Statement};
use super::{Doing, Store, signed, torn, unsigned};
use crate::error::Error;
use crate::fold::CallRecord;
use crate::log::{Entry, LogEvent};

/// Answers kept; the oldest go first.
const ANSWERS: i64 = 10_000;

const WAITING: &str = "SELECT id, source, task, rule, user, ts, seq FROM calls WHERE answer IS NULL ORDER BY n";

/// A call with its trigger.
type Triggered = (CallRecord, Option<Arc<LogEvent>>);

/// Id, source, task and rule; user, time and arrival number of the trigger.
type Row = ([String; 4], i64, i64, i64);

impl Store {
    /// Keeps a call, or its answer.
    pub(crate) fn put_call(&mut self, call: &CallRecord) -> Result<(), Error> {
        let doing = "writing a call of a script";
        let answer = call.answer.as_ref().map(serde_json::to_string).transpose().map_err(|_| torn(doing))?;
        let user = self.stream_id(&call.stream)?;
        let (id, source, task, rule) = (&*call.id, &*call.source, &*call.task, &*call.rule);
        let [id, source, task, rule] = [id, source, task, rule].map(Cell::Text);
        let [user, ts, seq] = [user, call.trigger.ts.0, signed(call.trigger.seq)].map(Cell::Int);
        self.db.write(Statement::Call, &[id, source, task, rule, user, ts, seq, answer.as_deref().into()])
    }

    /// The calls without an answer, with their triggers, in their order; without one where it is no longer
    /// kept.
    pub(crate) fn waiting_calls(&mut self) -> Result<Vec<Triggered>, Error> {
        let doing = "reading calls of scripts";
        let mut statement = self.db.tables()?.prepare_cached(WAITING).doing(doing)?;
        let row = |r: &rusqlite::Row<'_>| -> rusqlite::Result<Row> {
            Ok(([r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?], r.get(4)?, r.get(5)?, r.get(6)?))
        };
        let rows: Vec<Row> =
            statement.query_map([], row).doing(doing)?.collect::<rusqlite::Result<_>>().doing(doing)?;
        drop(statement);
        let mut calls = Vec::with_capacity(rows.len());
        for ([id, source, task, rule], user, ts, seq) in rows {
            let (stream, trigger) = (self.stream(user)?, Position { ts: Timestamp(ts), seq: unsigned(seq) });
            let event = self.event(trigger.seq)?;
            let (id, source, task) = (id.into(), source.into(), task.into());
            calls.push((CallRecord { id, source, task, rule, stream, trigger, answer: None }, event));
        }
        Ok(calls)
    }

    /// Forgets a call that nobody waits for any more.
    pub(crate) fn drop_call(&mut self, id: &str) -> Result<(), Error> {
        let doing = "forgetting a call of a script";
        self.db
            .writable()?
            .prepare_cached("DELETE FROM calls WHERE id = ?1")
            .doing(doing)?
            .execute([id])
            .doing(doing)?;
        Ok(())
    }

    /// Forgets answers to triggers before what `before` says of their streams, and what is over the limit.
    pub(crate) fn trim_calls(&mut self, before: super::state::Before<'_>) -> Result<(), Error> {
        let doing = "forgetting old answers";
        for (id, stream, oldest) in self.oldest_of_each("SELECT user, min(ts) FROM calls GROUP BY user")? {
            let before = before(&stream, self.folded(id)?);
            if oldest < before {
                let old = "DELETE FROM calls WHERE user = ?1 AND answer IS NOT NULL AND ts < ?2";
                self.db.writable()?.execute(old, params![id, before.0]).doing(doing)?;
            }
        }
        let over = "DELETE FROM calls WHERE answer IS NOT NULL AND n <= (SELECT max(n) FROM calls) - ?1";
        self.db.writable()?.execute(over, [ANSWERS]).doing(doing)?;
        Ok(())
    }

    /// One event of the log, if it is still there.
    fn event(&mut self, seq: u64) -> Result<Option<Arc<LogEvent>>, Error> {
        Ok(match self.entry_at(seq)? {
            Some(Entry::Event(event)) => Some(event),
            Some(Entry::Gap(_)) | None => None,
        })
    }
}
