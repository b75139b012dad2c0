//! Bindings of `judgefast_core::engines`. Ids are read in place and written where Python reads
//! them, some microseconds for each prompt, so that the interpreter lock is kept.

use judgefast_core::engines;
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::boundary::to_python;

/// Prompts as a JSON list of lists of ids.
#[pyfunction]
#[pyo3(signature = (prompts, vocabulary, /))]
pub(crate) fn prompts_json<'py>(
    py: Python<'py>,
    prompts: Vec<PyReadonlyArray1<'py, i32>>,
    vocabulary: i32,
) -> PyResult<Bound<'py, PyBytes>> {
    let ids = prompts.iter().map(|prompt| prompt.as_slice()).collect::<Result<Vec<_>, _>>()?;
    let size = engines::json_size(&ids, vocabulary).map_err(to_python)?;
    PyBytes::new_with(py, size, |json| {
        engines::write_json(&ids, json);
        Ok(())
    })
}
