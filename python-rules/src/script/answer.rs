//! What a script returned, as an answer.

use std::sync::Arc;

use ensue_engine::pending::{Answer, Answered, Call};
use ensue_rule::Value;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyList, PyTuple};

use super::matched::Match;
use crate::event::{self, Unfit};

/// What a return of `run` means; `values` are those of its context.
pub(super) fn read(call: &Arc<Call>, returned: &Bound<'_, PyAny>, values: &Bound<'_, PyDict>) -> Answer {
    let found = if returned.is_none() {
        Ok(Vec::new())
    } else if let Ok(truth) = returned.cast::<PyBool>() {
        if truth.is_true() { named(values).map(|v| vec![Answered::at(&call.trigger, v)]) } else { Ok(Vec::new()) }
    } else if let Ok(list) = returned.cast::<PyList>() {
        list.iter().map(|item| one(call, &item)).collect()
    } else if let Ok(tuple) = returned.cast::<PyTuple>() {
        tuple.iter().map(|item| one(call, &item)).collect()
    } else {
        one(call, returned).map(|answered| vec![answered])
    };
    found.map_or_else(|unfit| Answer::Failed(format!("run returned what is no answer: {unfit}")), Answer::Matches)
}

/// One match.
fn one(call: &Arc<Call>, returned: &Bound<'_, PyAny>) -> Result<Answered, Unfit> {
    if let Ok(matched) = returned.cast::<Match>() {
        let matched = matched.get();
        if !matched.is_of(call) {
            return Err("a match of another call".to_owned());
        }
        return Ok(matched.answered(named(&matched.values(returned.py()))?));
    }
    let Ok(values) = returned.cast::<PyDict>() else {
        let kind = returned.get_type().name().map_or_else(|_| "this".to_owned(), |name| name.to_string());
        return Err(format!("{kind}; it is None, True, a dict of values, a match, or a list of dicts and matches"));
    };
    Ok(Answered::at(&call.trigger, named(values)?))
}

fn named(values: &Bound<'_, PyDict>) -> Result<Vec<(Arc<str>, Value)>, Unfit> {
    let pair = |(name, given): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let name = event::text(&name)?;
        let value = event::value(&given).map_err(|unfit| format!("`{name}`: {unfit}"))?;
        Ok((Arc::from(name), value))
    };
    values.iter().map(pair).collect()
}
