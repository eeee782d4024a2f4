//! Values as Python objects.

use ensue_rule::Value;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

/// A value as Python has it.
pub(crate) fn object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value {
        Value::Null => Ok(py.None().into_bound(py)),
        Value::Bool(truth) => truth.into_bound_py_any(py),
        Value::Int(whole) => whole.into_bound_py_any(py),
        Value::Float(number) => number.into_bound_py_any(py),
        Value::Str(text) => text.into_bound_py_any(py),
        Value::List(items) => {
            let items: PyResult<Vec<_>> = items.iter().map(|item| object(py, item)).collect();
            Ok(PyList::new(py, items?)?.into_any())
        }
        Value::Map(map) => {
            let dict = PyDict::new(py);
            for (name, item) in map.iter() {
                dict.set_item(&**name, object(py, item)?)?;
            }
            Ok(dict.into_any())
        }
    }
}

/// Named values as a dict, in their order.
pub(crate) fn dict<'py>(py: Python<'py>, values: &[(std::sync::Arc<str>, Value)]) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    for (name, value) in values {
        dict.set_item(&**name, object(py, value)?)?;
    }
    Ok(dict)
}
