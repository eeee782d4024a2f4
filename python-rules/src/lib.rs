//! Ensue for Python: conversions and nothing else.
use pyo3::prelude::*;

/// The native half.
#[pymodule]
mod _ensue {
    use super::*;

    /// A class.
    #[pyclass(frozen, subclass)]
    #[derive(Debug)]
    struct Thing;

    #[pymethods]
    impl Thing {
        #[new]
        fn new() -> Self {
            Self
        }
        #[pyo3(signature = (action_type, scene=None, **args))]
        fn record(
            &self,
            action_type: &str,
            scene: Option<&str>,
            args: Option<&Bound<'_, pyo3::types::PyDict>>,
        ) -> usize {
            action_type.len() + scene.map_or(0, str::len) + args.map_or(0, |a| a.len())
        }
    }
}
