//! The one way from Python into a kernel and back.

use judgefast_core::Error;
use pyo3::import_exception;
use pyo3::prelude::*;

import_exception!(judgefast.errors, ColumnError);
import_exception!(judgefast.errors, RubricError);

/// Run `kernel` with the interpreter lock released and map its error to the Python tree.
///
/// `kernel` may hold borrowed columns; it cannot touch a Python object, the bound `Send` sees to it.
pub(crate) fn detached<T, F>(py: Python<'_>, kernel: F) -> PyResult<T>
where
    F: Send + FnOnce() -> Result<T, Error>,
    T: Send,
{
    py.detach(kernel).map_err(to_python)
}

/// The Python exception of a kernel's error.
pub(crate) fn to_python(error: Error) -> PyErr {
    let message = error.to_string();
    match error {
        Error::LengthMismatch { .. }
        | Error::UnknownCode { .. }
        | Error::OutOfRange { .. }
        | Error::SeedMismatch { .. }
        | Error::Overflow { .. } => ColumnError::new_err(message),
        Error::UnknownName { .. } | Error::BadFormat { .. } => RubricError::new_err(message),
        other => pyo3::exceptions::PyRuntimeError::new_err(other.to_string()),
    }
}
