//! Events from Python.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use ensue_engine::Attributes;
use ensue_engine::event_json::{Draft, Scalar};
use ensue_rule::Value;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyMapping, PyString, PyTuple};

/// Values nested deeper are refused; the engine's own limit is below.
const DEEPEST: usize = 64;

/// Why a Python object is no value of an event, for a person.
pub(crate) type Unfit = String;

/// A dict, or whatever else is a mapping, as one.
pub(crate) fn object<'py>(given: &Bound<'py, PyAny>) -> Option<Bound<'py, PyDict>> {
    if let Ok(dict) = given.cast::<PyDict>() {
        return Some(dict.clone());
    }
    let items = given.cast::<PyMapping>().ok()?.items().ok()?;
    PyDict::from_sequence(&items).ok()
}

/// An event by the keys of its JSON form, and its attributes, unread.
pub(crate) fn draft<'a, 'py>(
    keys: &'a [(Bound<'py, PyAny>, Bound<'py, PyAny>)],
) -> (Draft<'a>, Option<Bound<'py, PyDict>>) {
    let (mut draft, mut args) = (Draft::default(), None);
    for (name, given) in keys {
        // What is no text is none of the keys that are known.
        match text(name) {
            Ok("args") => {
                args = object(given);
                draft.put("args", if args.is_some() { Scalar::Object } else { scalar(given) });
            }
            Ok(name) => draft.put(name, scalar(given)),
            Err(_) => {}
        }
    }
    (draft, args)
}

/// A value of Python as JSON would have it, as far as a key of an event may.
fn scalar<'a>(given: &'a Bound<'_, PyAny>) -> Scalar<'a> {
    if given.is_instance_of::<PyString>() {
        return text(given).map_or_else(|unfit| Scalar::Foreign(Cow::Owned(unfit)), |t| Scalar::Text(Cow::Borrowed(t)));
    }
    if given.is_none() {
        return Scalar::Null;
    }
    if given.is_instance_of::<PyBool>() {
        return Scalar::Bool;
    }
    if given.is_instance_of::<PyFloat>() {
        return Scalar::Number;
    }
    if let Ok(whole) = given.extract::<i64>() {
        return Scalar::Int(whole);
    }
    if given.is_instance_of::<PyInt>() {
        return Scalar::Number;
    }
    if given.is_instance_of::<PyList>() || given.is_instance_of::<PyTuple>() {
        return Scalar::List;
    }
    if given.is_instance_of::<PyDict>() { Scalar::Object } else { Scalar::Foreign(Cow::Owned(type_name(given))) }
}

/// Hands over the attributes of an event. What no task reads is not converted, but refused all the same where it is no value
/// of an event: a mistake shows as soon as the event is wanted, not only once a task reads that attribute.
pub(crate) fn read(args: Option<&Bound<'_, PyDict>>, into: &mut Attributes<'_>) -> Result<(), Unfit> {
    for (name, given) in args.into_iter().flatten() {
        let name = text(&name)?;
        match plain_size(&given) {
            Some(size) if !into.wants(name) => into.pass(name.len() + size),
            _ => into.take(name, value(&given).map_err(|unfit| format!("`args.{name}`: {unfit}"))?),
        }
    }
    Ok(())
}

/// The size of a value that needs no conversion to be known.
fn plain_size(given: &Bound<'_, PyAny>) -> Option<usize> {
    if let Ok(text) = given.cast_exact::<PyString>() {
        return text.to_str().ok().map(|text| 1 + text.len());
    }
    if given.is_none() || given.is_exact_instance_of::<PyBool>() {
        return Some(1);
    }
    (given.is_exact_instance_of::<PyFloat>() || given.is_exact_instance_of::<PyInt>()).then_some(8)
}

/// All attributes of an event, for whoever lets go of the interpreter.
pub(crate) fn all(args: Option<&Bound<'_, PyDict>>) -> Result<Vec<(String, Value)>, Unfit> {
    let one = |(name, given): (Bound<'_, PyAny>, Bound<'_, PyAny>)| {
        let name = text(&name)?;
        Ok((name.to_owned(), value(&given).map_err(|unfit| format!("`args.{name}`: {unfit}"))?))
    };
    args.into_iter().flatten().map(one).collect()
}

/// A text of Python, where it lies.
pub(crate) fn text<'a>(given: &'a Bound<'_, PyAny>) -> Result<&'a str, Unfit> {
    let text = given.cast::<PyString>().map_err(|_| format!("a str is needed, not {}", type_name(given)))?;
    text.to_str().map_err(|_| "a text that is not valid Unicode".to_owned())
}

/// A value of Python. Whole numbers beyond 64 bits become floats, as in JSON.
pub(crate) fn value(given: &Bound<'_, PyAny>) -> Result<Value, Unfit> {
    nested(given, DEEPEST)
}

fn nested(given: &Bound<'_, PyAny>, depth: usize) -> Result<Value, Unfit> {
    if given.is_instance_of::<PyString>() {
        return text(given).map(Value::from);
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
            Ok((Arc::from(name), nested(&item, depth)?))
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

/// What it is, for a message.
pub(crate) fn type_name(given: &Bound<'_, PyAny>) -> String {
    given.get_type().name().map_or_else(|_| "this".to_owned(), |name| name.to_string())
}
