//! The host of scripts: `ensue.scripts.Scripts`, as the engine and the reader of documents see it.

use std::sync::Arc;

use ensue_dsl::Script;
use ensue_engine::pending::{Answer, Call};
use pyo3::prelude::*;

use super::answer;
use super::context::{Context, Rules};
use super::watch::Watch;

/// Runs the scripts of a `Scripts` of Python.
#[derive(Debug)]
pub(crate) struct Host {
    scripts: Py<PyAny>,
    watch: Py<Watch>,
    rules: Arc<Rules>,
}

impl Host {
    pub(crate) fn new(scripts: &Bound<'_, PyAny>) -> PyResult<Arc<Self>> {
        let watch = scripts.getattr("_watch")?.cast_into::<Watch>().map_err(PyErr::from)?.unbind();
        Ok(Arc::new(Self { scripts: scripts.clone().unbind(), watch, rules: Arc::default() }))
    }

    fn call(&self, py: Python<'_>, call: &Arc<Call>) -> PyResult<Answer> {
        let scripts = self.scripts.bind(py);
        let (name, hash) = (&*call.script, &*call.hash);
        let found = scripts.call_method1("_function", (name, hash))?;
        let (function, why): (Option<Bound<'_, PyAny>>, String) = found.extract()?;
        let Some(function) = function else { return Ok(Answer::Failed(why)) };
        let context = Bound::new(py, Context::new(py, call.clone(), self.rules.clone()))?;
        let begun = scripts.call_method0("_begin")?;
        let (n, _, _): (u64, Bound<'_, PyAny>, Bound<'_, PyAny>) = begun.extract()?;
        let returned = function.call1((&context,));
        let interrupted = self.watch.get().end(py, n);
        let answer = match returned {
            Ok(returned) => answer::read(call, &returned, &context.get().values(py)),
            Err(raised) => {
                let told = scripts.call_method1("_told", (name, raised.into_value(py), interrupted))?;
                Answer::Failed(told.extract()?)
            }
        };
        let failed = matches!(answer, Answer::Failed(_));
        scripts.call_method1("_ended", (name, begun, failed))?;
        Ok(answer)
    }
}

impl ensue_engine::Scripts for Host {
    fn run(&self, call: &Arc<Call>) -> Answer {
        let answer = Python::try_attach(|py| {
            self.call(py, call).unwrap_or_else(|error| Answer::Failed(format!("the script could not be run: {error}")))
        });
        answer.unwrap_or_else(|| Answer::Failed("the interpreter is gone".to_owned()))
    }
}

impl ensue_dsl::Scripts for Host {
    fn find(&self, name: &str) -> Script {
        let found = Python::try_attach(|py| {
            let found = self.scripts.call_method1(py, "_find", (name,))?;
            let (state, says): (String, String) = found.extract(py)?;
            Ok::<_, PyErr>(match state.as_str() {
                "missing" => Script::Missing,
                "sound" => Script::Sound(says.into()),
                _ => Script::Broken(says),
            })
        });
        match found {
            Some(Ok(script)) => script,
            Some(Err(error)) => Script::Broken(error.to_string()),
            None => Script::Broken("the interpreter is gone".to_owned()),
        }
    }
}
