//! Bindings of `judgefast_core::engines`. Ids are read in place and written where Python reads
//! them, some microseconds for each prompt, so that the interpreter lock is kept.

use judgefast_core::engines;
use numpy::PyReadonlyArray1;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::boundary::to_python;

/// Prompts as a JSON list of lists of ids, between what goes before and what comes after.
#[pyfunction]
#[pyo3(signature = (prompts, vocabulary, before, after, /))]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
pub(crate) fn prompts_json<'py>(
    py: Python<'py>,
    prompts: Vec<PyReadonlyArray1<'py, i32>>,
    vocabulary: i32,
    before: &[u8],
    after: &[u8],
) -> PyResult<Bound<'py, PyBytes>> {
    let ids = prompts.iter().map(|prompt| prompt.as_slice()).collect::<Result<Vec<_>, _>>()?;
    let size = engines::json_size(&ids, vocabulary).map_err(to_python)?;
    PyBytes::new_with(py, before.len() + size + after.len(), |body| {
        let (head, rest) = body.split_at_mut(before.len());
        let (json, tail) = rest.split_at_mut(size);
        head.copy_from_slice(before);
        engines::write_json(&ids, json);
        tail.copy_from_slice(after);
        Ok(())
    })
}
