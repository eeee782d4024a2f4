//! The last good task sets, compiled: after a restart they run on before anyone applies anything.

use std::sync::Arc;

use ensue_rule::{Task, Timestamp, TouchPolicy};
use rusqlite::params;

use super::{Doing, Store, signed, torn, unsigned};
use crate::error::Error;

/// A set in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct StoredSet {
    /// Whose.
    pub(crate) source: Arc<str>,
    /// Its place among the sources.
    pub(crate) place: u32,
    /// Its version.
    pub(crate) version: Option<i64>,
    /// What its documents ask of all touches.
    pub(crate) policies: Vec<TouchPolicy>,
}

/// A task in force.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct StoredTask {
    /// The task's source.
    pub(crate) source: Arc<str>,
    /// Its place in the document.
    pub(crate) place: u32,
    /// The version of the set it came in.
    pub(crate) version: Option<i64>,
    /// From which arrival number on what it demands was kept.
    pub(crate) since_seq: u64,
    /// After which event time what it demands was kept.
    pub(crate) since_ts: Timestamp,
    /// The task.
    pub(crate) task: Arc<Task>,
}

impl Store {
    /// The sets in force by place.
    pub(crate) fn sets(&mut self) -> Result<Vec<StoredSet>, Error> {
        let doing = "reading the task sets";
        let sql = "SELECT source, place, version, policy FROM sets ORDER BY place";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        let mut sets = Vec::new();
        while let Some(r) = rows.next().doing(doing)? {
            let json = r.get_ref(3).doing(doing)?.as_str().map_err(|_| torn(doing))?;
            sets.push(StoredSet {
                source: r.get::<_, String>(0).doing(doing)?.into(),
                place: r.get(1).doing(doing)?,
                version: r.get(2).doing(doing)?,
                policies: serde_json::from_str(json).map_err(|_| torn(doing))?,
            });
        }
        Ok(sets)
    }

    /// The tasks in force by source and place.
    pub(crate) fn tasks(&mut self) -> Result<Vec<StoredTask>, Error> {
        let doing = "reading the tasks";
        let sql = "SELECT source, place, version, since_seq, since_ts, task FROM tasks ORDER BY source, place";
        let mut statement = self.db.tables()?.prepare_cached(sql).doing(doing)?;
        let mut rows = statement.query([]).doing(doing)?;
        let mut tasks = Vec::new();
        while let Some(r) = rows.next().doing(doing)? {
            let json = r.get_ref(5).doing(doing)?.as_str().map_err(|_| torn(doing))?;
            tasks.push(StoredTask {
                source: r.get::<_, String>(0).doing(doing)?.into(),
                place: r.get(1).doing(doing)?,
                version: r.get(2).doing(doing)?,
                since_seq: unsigned(r.get(3).doing(doing)?),
                since_ts: Timestamp(r.get(4).doing(doing)?),
                task: serde_json::from_str(json).map_err(|_| torn(doing))?,
            });
        }
        Ok(tasks)
    }

    /// Puts these in place of all sets and tasks, and forgets the skip bounds of tasks that are gone.
    pub(crate) fn replace_tasks(&mut self, sets: &[StoredSet], tasks: &[StoredTask]) -> Result<(), Error> {
        let doing = "writing the task sets";
        self.sum_up()?;
        self.db.writable()?.execute_batch("DELETE FROM sets; DELETE FROM tasks").doing(doing)?;
        for set in sets {
            let policies = serde_json::to_string(&set.policies).map_err(|_| torn(doing))?;
            let row = params![&*set.source, set.place, set.version, policies];
            let sql = "INSERT INTO sets (source, place, version, policy) VALUES (?1, ?2, ?3, ?4)";
            self.db.writable()?.execute(sql, row).doing(doing)?;
        }
        for task in tasks {
            self.put_task(task)?;
        }
        let orphans = "DELETE FROM bounds WHERE NOT EXISTS
          (SELECT 1 FROM tasks WHERE tasks.source = bounds.source AND tasks.id = bounds.task)";
        self.db.writable()?.execute_batch(orphans).doing(doing)
    }

    fn put_task(&mut self, t: &StoredTask) -> Result<(), Error> {
        let doing = "writing a task";
        let json = serde_json::to_string(&t.task).map_err(|_| torn(doing))?;
        let sql = "INSERT INTO tasks (source, id, place, version, since_seq, since_ts, task)
          VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        let (seq, ts) = (signed(t.since_seq), t.since_ts.0);
        let row = params![&*t.source, &*t.task.id, t.place, t.version, seq, ts, json];
        self.db.writable()?.prepare_cached(sql).doing(doing)?.execute(row).doing(doing)?;
        Ok(())
    }
}
