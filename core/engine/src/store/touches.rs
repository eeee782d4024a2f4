//! What became of decisions, and the touches that are held.

use std::sync::Arc;

use ensue_rule::Timestamp;
use rusqlite::params;

use super::journal::Statement;
use super::numbering::Series;
use super::origins::Bound;
use super::{Doing, Store, torn};
use crate::error::Error;
use crate::feedback::FeedbackKind;
use crate::fold::Held;
use crate::log::StreamKey;

/// A touch that waits for its time, as the store remembers it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct HeldRow {
    /// The stream of its match.
    pub(crate) stream: StreamKey,
    /// When it is judged.
    pub(crate) due: Timestamp,
    /// What waits.
    pub(crate) held: Held,
}

impl Store {
    /// Keeps feedback; what came before stays as it is.
    pub(crate) fn put_feedback(
        &mut self,
        stream: &StreamKey,
        decision: &str,
        kind: FeedbackKind,
        at: Timestamp,
    ) -> Result<(), Error> {
        let doing = "writing feedback";
        let sql = "INSERT OR IGNORE INTO feedback (n, decision, kind, user, at) VALUES (?1, ?2, ?3, ?4, ?5)";
        let (n, user) = (self.last_number(Series::Feedback)? + 1, self.stream_id(stream)?);
        let row = params![n, decision, kind as i64, user, at.0];
        if self.db.writable()?.prepare_cached(sql).doing(doing)?.execute(row).doing(doing)? > 0 {
            self.gave(Series::Feedback, n);
        }
        Ok(())
    }

    /// Keeps a touch that waits, or when it waits until now.
    pub(crate) fn put_held(&mut self, row: &HeldRow) -> Result<(), Error> {
        let doing = "writing a touch that waits";
        let HeldRow { stream, due, held } = row;
        let Held { source, decision, bound } = held;
        let text = serde_json::to_string(decision).map_err(|_| torn(doing))?;
        let bound = bound.as_deref().map(serde_json::to_string).transpose().map_err(|_| torn(doing))?;
        let user = self.stream_id(stream)?;
        let (id, source, task) = ((&*decision.id).into(), (&**source).into(), (&*decision.task).into());
        let (at, due, bound) = (decision.at.0.into(), due.0.into(), bound.as_deref().into());
        self.db.write(Statement::Held, &[id, source, task, user.into(), at, due, (&*text).into(), bound])
    }

    /// A touch waits no more.
    pub(crate) fn drop_held(&mut self, id: &str) -> Result<(), Error> {
        self.db.write(Statement::Unheld, &[id.into()])
    }

    /// The touches that wait, in the order in which they began to.
    pub(crate) fn held_touches(&mut self) -> Result<Vec<HeldRow>, Error> {
        let doing = "reading the touches that wait";
        let sql = "SELECT source, user, due, decision, bound FROM held ORDER BY n";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing(doing)?;
        let rows = statement
            .query_map([], |r| Ok((r.get::<_, String>(0)?, r.get(1)?, r.get(2)?, r.get::<_, String>(3)?, r.get(4)?)));
        let rows: Vec<_> = rows.doing(doing)?.collect::<rusqlite::Result<_>>().doing(doing)?;
        drop(statement);
        let row = |(source, user, due, text, bound): (String, i64, i64, String, Option<String>)| {
            let decision = serde_json::from_str(&text).map_err(|_| torn(doing))?;
            let bound = Bound::of_json(bound.as_deref(), doing)?.map(Arc::new);
            let held = Held { source: source.into(), decision, bound };
            Ok(HeldRow { stream: self.stream(user)?, due: Timestamp(due), held })
        };
        rows.into_iter().map(row).collect()
    }
}
