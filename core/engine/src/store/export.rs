//! All that the store holds of one user, as one JSON object for them to read. `docs/storage.md` has its keys.

use std::sync::Arc;

use ensue_rule::Timestamp;
use serde_json::{Map, Value, json};

use super::{Bound, Doing, Store, schema, torn};
use crate::error::Error;
use crate::event_json;
use crate::feedback::FeedbackKind;
use crate::log::Entry;

impl Store {
    /// All that there is of a user.
    pub(crate) fn export(&mut self, user: Option<&Arc<str>>) -> Result<Value, Error> {
        let id = match user {
            None => Some(schema::ANONYMOUS),
            Some(name) => self.users.find(self.db.names(), name)?,
        };
        let mut all = Map::new();
        all.insert("user".to_owned(), json!(user));
        let Some(id) = id else { return Ok(Value::Object(all)) };
        all.extend(self.export_state(id)?);
        all.insert("events".to_owned(), self.export_events(id)?);
        let sql = "SELECT decision, acked FROM decisions WHERE user = ?1 ORDER BY n";
        all.insert("decisions".to_owned(), self.export_outcomes(id, sql)?);
        let sql = "SELECT refusal, NULL FROM refusals WHERE user = ?1 ORDER BY n";
        all.insert("refusals".to_owned(), self.export_outcomes(id, sql)?);
        all.insert("feedback".to_owned(), self.export_feedback(id)?);
        let sql = "SELECT decision, NULL FROM held WHERE user = ?1 ORDER BY n";
        all.insert("held".to_owned(), self.export_outcomes(id, sql)?);
        all.insert("answers".to_owned(), self.export_answers(id)?);
        all.insert("origins".to_owned(), self.export_origins(id)?);
        all.insert("skipBounds".to_owned(), self.export_bounds(id)?);
        Ok(Value::Object(all))
    }

    fn export_state(&mut self, id: i64) -> Result<Map<String, Value>, Error> {
        let mut state = Map::new();
        if let Some(at) = self.state_by(id)? {
            state.insert("lastSeen".to_owned(), at.frontier.0.into());
            state.insert("sessions".to_owned(), at.session.into());
            state.insert("utcOffsetMin".to_owned(), at.utc_offset_min.into());
        }
        Ok(state)
    }

    fn export_events(&mut self, id: i64) -> Result<Value, Error> {
        let mut events = Vec::new();
        self.scan_user((id, Timestamp::MIN), &mut |entry| {
            if let Entry::Event(e) = entry {
                let mut event = event_json::to_json(&e.event);
                if let (true, Value::Object(event)) = (e.late, &mut event) {
                    event.insert("late".to_owned(), true.into());
                }
                events.push(event);
            }
            Ok(())
        })?;
        Ok(Value::Array(events))
    }

    /// Decisions with whether they are acknowledged, or refusals.
    fn export_outcomes(&mut self, id: i64, sql: &str) -> Result<Value, Error> {
        let doing = "exporting what was decided";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query([id]).doing(doing)?;
        let mut outcomes = Vec::new();
        while let Some(r) = rows.next().doing(doing)? {
            let text = r.get_ref(0).doing(doing)?.as_str().map_err(|_| torn(doing))?;
            if text.is_empty() {
                continue;
            }
            let mut outcome: Value = serde_json::from_str(text).map_err(|_| torn(doing))?;
            if let (Some(acked), Value::Object(outcome)) = (r.get::<_, Option<bool>>(1).doing(doing)?, &mut outcome) {
                outcome.insert("acknowledged".to_owned(), acked.into());
            }
            outcomes.push(outcome);
        }
        Ok(Value::Array(outcomes))
    }

    fn export_feedback(&mut self, id: i64) -> Result<Value, Error> {
        let doing = "exporting feedback";
        let sql = "SELECT decision, kind, at FROM feedback WHERE user = ?1 ORDER BY n";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query([id]).doing(doing)?;
        let mut feedback = Vec::new();
        while let Some(r) = rows.next().doing(doing)? {
            let (decision, at): (String, i64) = (r.get(0).doing(doing)?, r.get(2).doing(doing)?);
            let kind = FeedbackKind::of_code(r.get(1).doing(doing)?).ok_or_else(|| torn(doing))?;
            feedback.push(json!({ "decision": decision, "feedback": kind.as_str(), "ts": at }));
        }
        Ok(Value::Array(feedback))
    }

    /// What scripts answered, by the task and the time of their trigger.
    fn export_answers(&mut self, id: i64) -> Result<Value, Error> {
        let doing = "exporting what scripts answered";
        let sql = "SELECT task, ts, answer FROM calls WHERE user = ?1 AND answer IS NOT NULL ORDER BY n";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query([id]).doing(doing)?;
        let mut answers = Vec::new();
        while let Some(r) = rows.next().doing(doing)? {
            let (task, ts): (String, i64) = (r.get(0).doing(doing)?, r.get(1).doing(doing)?);
            let text = r.get_ref(2).doing(doing)?.as_str().map_err(|_| torn(doing))?;
            let answer: Value = serde_json::from_str(text).map_err(|_| torn(doing))?;
            answers.push(json!({ "task": task, "ts": ts, "answer": answer }));
        }
        Ok(Value::Array(answers))
    }

    /// Where decisions and refusals came from.
    fn export_origins(&mut self, id: i64) -> Result<Value, Error> {
        let doing = "exporting where outcomes came from";
        let sql = "SELECT id, bound, checks, 0, n FROM decisions WHERE user = ?1 AND decision <> ''
          UNION ALL SELECT id, bound, checks, 1, n FROM refusals WHERE user = ?1
          UNION ALL SELECT id, bound, '[]', 2, n FROM held WHERE user = ?1 ORDER BY 4, 5";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query([id]).doing(doing)?;
        let mut origins = Vec::new();
        while let Some(r) = rows.next().doing(doing)? {
            let json = |at| -> Result<Value, Error> {
                let text: Option<String> = r.get(at).doing(doing)?;
                text.map_or(Ok(Value::Null), |t| serde_json::from_str(&t).map_err(|_| torn(doing)))
            };
            let of: String = r.get(0).doing(doing)?;
            origins.push(json!({ "id": of, "match": json(1)?, "checks": json(2)? }));
        }
        Ok(Value::Array(origins))
    }

    fn export_bounds(&mut self, id: i64) -> Result<Value, Error> {
        let json = |bound: Bound| {
            let Bound { source, task, key, at, .. } = bound;
            json!({ "source": *source, "task": *task, "partition": key, "ts": at.ts.0, "seq": at.seq })
        };
        Ok(self.bounds(Some(id))?.into_iter().map(json).collect())
    }
}
