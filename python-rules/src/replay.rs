//! Recorded events through tasks: the objects of `ensue run --json`.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use ensue_dsl::{Diagnostic, ReadOptions};
use ensue_engine::replay::{Item, Report};
use ensue_engine::{Error, OpenReport, Outcome};
use ensue_rule::{Remark, Rule, TaskSet, Timestamp};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyList;

use crate::engine::{config, options};
use crate::error::{self, guarded};
use crate::json;
use crate::report::Opened;
use crate::rules;
use crate::script::Host;

/// Recorded events on their way through an engine.
#[pyclass(frozen, module = "ensue._ensue")]
#[derive(Debug)]
pub(crate) struct Replay {
    state: Mutex<State>,
    opened: OpenReport,
    form: Form,
    /// The scripts that tasks may name.
    host: Option<Arc<Host>>,
}

/// In which form items are given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    /// Objects.
    Objects,
    /// Their JSON, as `ensue run --json` prints it.
    Json,
    /// Lines for a person, as `ensue run` prints them.
    Text,
}

impl Form {
    fn named(name: &str) -> PyResult<Self> {
        match name {
            "objects" => Ok(Self::Objects),
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            other => Err(PyValueError::new_err(format!("no such form: {other}"))),
        }
    }

    fn give<'py>(self, py: Python<'py>, items: &[Item]) -> PyResult<Bound<'py, PyAny>> {
        let text = |item: &Item| match self {
            Self::Text => Ok(item.to_text()),
            _ => serde_json::to_string(item).map_err(|e| PyValueError::new_err(e.to_string())),
        };
        match self {
            Self::Objects => json::object(py, &items),
            Self::Json | Self::Text => {
                let lines: PyResult<Vec<String>> = items.iter().map(text).collect();
                Ok(PyList::new(py, lines?)?.into_any())
            }
        }
    }
}

#[derive(Debug)]
struct State {
    /// `None` once it is finished.
    replay: Option<ensue_engine::Replay>,
    /// Decisions given to Python and not yet acknowledged.
    given: Vec<Item>,
    /// Something was refused.
    refused: bool,
}

#[pymethods]
impl Replay {
    #[new]
    #[pyo3(signature = (path=None, *, lateness_ms=None, session_gap_ms=None, scripts=None, form="objects"))]
    #[allow(clippy::too_many_arguments, reason = "they are named in Python")]
    fn new(
        py: Python<'_>,
        path: Option<PathBuf>,
        lateness_ms: Option<i64>,
        session_gap_ms: Option<i64>,
        scripts: Option<&Bound<'_, PyAny>>,
        form: &str,
    ) -> PyResult<Self> {
        guarded(py, || {
            let (form, host) = (Form::named(form)?, scripts.map(Host::new).transpose()?);
            let mut config = config(path, lateness_ms, session_gap_ms);
            config.scripts = host.clone().map(|host| host as Arc<dyn ensue_engine::Scripts>);
            let opened = py.detach(|| ensue_engine::Replay::open(config));
            let (replay, opened) = opened.map_err(|e| error::engine(py, &e))?;
            let refused = opened.set_aside.is_some();
            let state = Mutex::new(State { replay: Some(replay), given: Vec::new(), refused });
            Ok(Self { state, opened, form, host })
        })
    }

    /// How opening went.
    #[getter]
    fn opened<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        guarded(py, || json::object(py, &Opened::of(&self.opened)))
    }

    /// Whether a task or a rule was refused, or the store was set aside.
    #[getter]
    fn refused(&self) -> bool {
        self.lock().refused
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
            let mut loaded = Loaded { host: self.host.clone(), ..Loaded::default() };
            let rule = rule.and_then(|rule| loaded.read_rule(rule));
            loaded.read(tasks, rule);
            let Loaded { sets, refused: mut reports, .. } = loaded;
            let idle = sets.is_empty() && self.opened.tasks == 0;
            reports.extend(self.with(py, move |replay| replay.apply(sets))?);
            self.lock().refused |= reports.iter().any(Report::is_refusal);
            let reports: Vec<_> = reports.into_iter().map(Item::Report).collect();
            Ok((self.form.give(py, &reports)?, !idle))
        })
    }

    /// Decisions of an earlier run over the same store that nobody acknowledged.
    fn left_over<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.items(py, |replay| replay.left_over())
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
            match summary {
                Some(summary) => self.form.give(py, &[Item::Summary(summary)])?.get_item(0),
                None => Ok(py.None().into_bound(py)),
            }
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
            self.form.give(py, &items.map_err(|e| error::engine(py, &e))?)
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

impl Drop for Replay {
    fn drop(&mut self) {
        // The worker may wait for a script, and that for the interpreter.
        let mut replay = self.lock().replay.take();
        if Python::try_attach(|py| py.detach(|| drop(replay.take()))).is_none() {
            drop(replay);
        }
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
    host: Option<Arc<Host>>,
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
        let options = ReadOptions { default_rule: rule.map(|r| r.rule), ..options(self.host.as_ref()) };
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
