//! Events from Python.

use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_rule::Value;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

/// Values nested deeper are refused; the engine's own limit is below.
const DEEPEST: usize = 64;

/// Why a Python object is no value of an event, for a person.
pub(crate) type Unfit = String;

/// Names and values of an event, the names still Python's.
pub(crate) struct Args {
    names: Vec<PyBackedStr>,
    values: Vec<Value>,
}

impl Args {
    pub(crate) fn of(args: Option<&Bound<'_, PyDict>>) -> Result<Self, Unfit> {
        let Some(args) = args else { return Ok(Self { names: Vec::new(), values: Vec::new() }) };
        let (mut names, mut values) = (Vec::with_capacity(args.len()), Vec::with_capacity(args.len()));
        for (name, given) in args {
            let name = text(&name)?;
            values.push(value(&given).map_err(|unfit| format!("`args.{name}`: {unfit}"))?);
            names.push(name);
        }
        Ok(Self { names, values })
    }

    /// As the engine takes them.
    pub(crate) fn lend(&mut self) -> Vec<(&str, Value)> {
        self.names.iter().map(|name| &**name).zip(self.values.drain(..)).collect()
    }
}

/// A text of Python.
pub(crate) fn text(given: &Bound<'_, PyAny>) -> Result<PyBackedStr, Unfit> {
    let text = given.cast::<PyString>().map_err(|_| format!("a str is needed, not {}", type_name(given)))?;
    PyBackedStr::try_from(text.clone()).map_err(|_| "the text is not valid Unicode".to_owned())
}

/// A value of Python. Whole numbers beyond 64 bits become floats, as in JSON.
pub(crate) fn value(given: &Bound<'_, PyAny>) -> Result<Value, Unfit> {
    nested(given, DEEPEST)
}

fn nested(given: &Bound<'_, PyAny>, depth: usize) -> Result<Value, Unfit> {
    if let Ok(text) = given.cast::<PyString>() {
        let text = PyBackedStr::try_from(text.clone()).map_err(|_| "the text is not valid Unicode".to_owned())?;
        return Ok(Value::from(&*text));
    }
    if given.is_none() {
        return Ok(Value::Null);
    }
    if let Ok(truth) = given.cast::<PyBool>() {
        return Ok(Value::Bool(truth.is_true()));
    }
    if let Ok(float) = given.cast::<PyFloat>() {
        return Ok(Value::Float(float.value()));
    }
    if given.is_instance_of::<PyInt>() {
        return number(given);
    }
    inside(given, depth)
}

/// Lists and maps, and what is a number by its methods only (numpy's).
fn inside(given: &Bound<'_, PyAny>, depth: usize) -> Result<Value, Unfit> {
    let depth = depth.checked_sub(1).ok_or("nested too deeply")?;
    if let Ok(map) = given.cast::<PyDict>() {
        let entry = |(name, item): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
            let name = text(&name)?;
            Ok((Arc::from(&*name), nested(&item, depth)?))
        };
        let map: Result<BTreeMap<_, _>, Unfit> = map.iter().map(entry).collect();
        return Ok(Value::Map(Arc::new(map?)));
    }
    let items: Result<Vec<Value>, Unfit> = if let Ok(list) = given.cast::<PyList>() {
        list.iter().map(|item| nested(&item, depth)).collect()
    } else if let Ok(tuple) = given.cast::<PyTuple>() {
        tuple.iter().map(|item| nested(&item, depth)).collect()
    } else {
        return number(given);
    };
    Ok(Value::List(items?.into()))
}

fn number(given: &Bound<'_, PyAny>) -> Result<Value, Unfit> {
    let whole = given.extract::<i64>().map(Value::Int);
    let number = whole.or_else(|_| given.extract::<f64>().map(Value::Float));
    number.map_err(|_| format!("{} is no value of an event", type_name(given)))
}

fn type_name(given: &Bound<'_, PyAny>) -> String {
    given.get_type().name().map_or_else(|_| "this".to_owned(), |name| name.to_string())
}
