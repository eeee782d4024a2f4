//! Recorded events through tasks: the objects of `ensue run --json`.

use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ensue_dsl::{Diagnostic, ReadOptions};
use ensue_engine::replay::{Item, Report};
use ensue_engine::{Error, OpenReport, Outcome};
use ensue_rule::{Remark, Rule, TaskSet, Timestamp};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::engine::{Opened, config};
use crate::error::{self, guarded};
use crate::json;
use crate::rules;

/// Recorded events on their way through an engine.
#[pyclass(frozen, module = "ensue._ensue")]
#[derive(Debug)]
pub(crate) struct Replay {
    state: Mutex<State>,
    opened: OpenReport,
}

#[derive(Debug)]
struct State {
    /// `None` once it is finished.
    replay: Option<ensue_engine::Replay>,
    /// Decisions given to Python and not yet acknowledged.
    given: Vec<Item>,
}

#[pymethods]
impl Replay {
    #[new]
    #[pyo3(signature = (path=None, *, lateness_ms=None, session_gap_ms=None))]
    fn new(
        py: Python<'_>,
        path: Option<PathBuf>,
        lateness_ms: Option<i64>,
        session_gap_ms: Option<i64>,
    ) -> PyResult<Self> {
        guarded(py, || {
            let config = config(path, lateness_ms, session_gap_ms);
            let opened = py.detach(|| ensue_engine::Replay::open(config));
            let (replay, opened) = opened.map_err(|e| error::engine(py, &e))?;
            Ok(Self { state: Mutex::new(State { replay: Some(replay), given: Vec::new() }), opened })
        })
    }

    /// How opening went.
    #[getter]
    fn opened<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(py, || json::object(py, &Opened::of(&self.opened)))
    }

    /// Applies task documents, or a rule alone; beside documents the rule serves the tasks without one. Gives the reports,
    /// and whether there is any task to run.
    fn apply<'py>(
        &self,
        py: Python<'py>,
        tasks: Option<&str>,
        rule: Option<GivenRule>,
    ) -> PyResult<(Bound<'py, PyAny>, bool)> {
        guarded(py, || {
            let mut loaded = Loaded::default();
            let rule = rule.and_then(|rule| loaded.read_rule(rule));
            loaded.read(tasks, rule);
            let Loaded { sets, refused: mut reports } = loaded;
            let idle = sets.is_empty() && self.opened.tasks == 0;
            reports.extend(self.with(py, move |replay| replay.apply(sets))?);
            let reports: Vec<_> = reports.into_iter().map(Item::Report).collect();
            Ok((json::object(py, &reports)?, !idle))
        })
    }

    /// Decisions of an earlier run over the same store that nobody acknowledged.
    fn left_over<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.items(py, |replay| Ok(replay.left_over()))
    }

    /// Takes the next lines: what came of them.
    fn lines<'py>(&self, py: Python<'py>, lines: Vec<PyBackedBytes>) -> PyResult<Bound<'py, PyAny>> {
        self.items(py, move |replay| {
            lines.iter().for_each(|line| replay.line(line));
            replay.settle()
        })
    }

    /// Moves the time of all users to `ms`.
    fn advance_to<'py>(&self, py: Python<'py>, ms: i64) -> PyResult<Bound<'py, PyAny>> {
        self.items(py, |replay| replay.advance_to(Timestamp(ms)))
    }

    /// Moves time from timer to timer until none is left.
    fn drain<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.items(py, ensue_engine::Replay::drain)
    }

    /// Acknowledges the decisions that were given.
    fn acknowledge(&self, py: Python<'_>) -> PyResult<()> {
        guarded(py, || {
            let done = py.detach(|| {
                let mut state = self.lock();
                let given = std::mem::take(&mut state.given);
                state.replay.as_ref().map(|replay| replay.acknowledge(&given)).transpose()
            });
            done.map(drop).map_err(|e| error::engine(py, &e))
        })
    }

    /// Closes the engine: the counters of the whole run.
    fn finish<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(py, || {
            let summary = py.detach(|| self.lock().replay.take().map(ensue_engine::Replay::finish));
            let summary = summary.transpose().map_err(|e| error::engine(py, &e))?;
            json::object(py, &summary)
        })
    }
}

impl Replay {
    fn items<'py>(
        &self,
        py: Python<'py>,
        ask: impl FnOnce(&mut ensue_engine::Replay) -> Result<Vec<Item>, Error> + Send,
    ) -> PyResult<Bound<'py, PyAny>> {
        guarded(py, || {
            let items = py.detach(|| {
                let mut state = self.lock();
                let items = state.replay.as_mut().map(ask).transpose()?.unwrap_or_default();
                state.given.extend(items.iter().filter(|item| is_decision(item)).cloned());
                Ok(items)
            });
            json::object(py, &items.map_err(|e| error::engine(py, &e))?)
        })
    }

    /// Asks the replay, without the interpreter; one that is finished has nothing to say.
    fn with<T: Default + Send>(
        &self,
        py: Python<'_>,
        ask: impl FnOnce(&mut ensue_engine::Replay) -> Result<T, Error> + Send,
    ) -> PyResult<T> {
        let answer = py.detach(|| self.lock().replay.as_mut().map(ask));
        answer.transpose().map(Option::unwrap_or_default).map_err(|e| error::engine(py, &e))
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn is_decision(item: &Item) -> bool {
    matches!(item, Item::Outcome(Outcome::Decision(_)))
}

/// A rule, whether it is text (else compiled JSON), and the id under which it runs.
type GivenRule = (String, bool, Option<String>);

/// What could be read, and what could not: the same reports as those of `ensue run`.
#[derive(Debug, Default)]
struct Loaded {
    sets: Vec<TaskSet>,
    refused: Vec<Report>,
}

/// A rule that was read, with what its author should know.
struct Ready {
    id: String,
    rule: Rule,
    warnings: Vec<Remark>,
}

impl Loaded {
    /// Reads the rule, or reports why it is refused.
    fn read_rule(&mut self, (rule, is_text, id): GivenRule) -> Option<Ready> {
        let read = if is_text {
            rules::read_text(&rule, "ensue")
        } else {
            rules::read_rule(&rule).map(|rule| (rule, Vec::new()))
        };
        match read {
            Ok((rule, warnings)) => {
                let id = id.or_else(|| rule.name.as_deref().map(str::to_owned));
                let warnings = warnings.iter().map(Diagnostic::to_remark).collect();
                Some(Ready { id: id.unwrap_or_else(|| "rule".to_owned()), rule, warnings })
            }
            Err(found) => {
                let error = found.iter().find(|d| d.is_error()).map(Diagnostic::to_remark);
                self.refused.push(Report::unread(Some(id.as_deref().unwrap_or("rule")), error));
                None
            }
        }
    }

    fn read(&mut self, tasks: Option<&str>, rule: Option<Ready>) {
        let Some(tasks) = tasks else {
            self.sets.extend(rule.map(alone));
            return;
        };
        let options = ReadOptions { default_rule: rule.map(|r| r.rule), ..ReadOptions::default() };
        match ensue_dsl::read_documents(tasks.as_bytes(), &options) {
            Ok(sets) => self.sets.extend(sets),
            Err(malformed) => self.refused.push(Report::unread(None, Some(malformed.to_remark()))),
        }
    }
}

/// The set of a rule alone.
fn alone(ready: Ready) -> TaskSet {
    let mut set = ensue_dsl::single_task(ready.rule, &ready.id);
    if let Some(entry) = set.tasks.first_mut() {
        entry.warnings.extend(ready.warnings);
    }
    set
}
