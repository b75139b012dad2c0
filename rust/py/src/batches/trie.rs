//! Bindings of `judgefast_core::batches::{trie, measure}`.

use judgefast_core::batches::{self, Segments};
use numpy::{IntoPyArray, PyArray1, PyReadonlyArray1};
use pyo3::prelude::*;

use crate::boundary::{detached, to_python};

/// A set of prompts: attributes of one Python object.
#[derive(FromPyObject)]
pub(crate) struct SegmentsArg<'py> {
    segments: PyReadonlyArray1<'py, u32>,
    segment_offsets: PyReadonlyArray1<'py, i64>,
    ids: PyReadonlyArray1<'py, i32>,
    id_offsets: PyReadonlyArray1<'py, i64>,
}

impl SegmentsArg<'_> {
    /// The columns as they lie in Python's memory, checked.
    pub(crate) fn columns(&self) -> PyResult<Segments<'_>> {
        let (segments, offsets) = (self.segments.as_slice()?, self.segment_offsets.as_slice()?);
        Segments::new(segments, offsets, self.ids.as_slice()?, self.id_offsets.as_slice()?)
            .map_err(to_python)
    }
}

/// `ids_hash, prompt_tokens`.
type MeasureArrays<'py> = (Bound<'py, PyArray1<u8>>, Bound<'py, PyArray1<i32>>);

/// Rows of a set of prompts in the order of sending.
#[pyfunction]
#[pyo3(signature = (segments, /))]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
pub(crate) fn order_prompts<'py>(
    py: Python<'py>,
    segments: SegmentsArg<'py>,
) -> PyResult<Bound<'py, PyArray1<u32>>> {
    let columns = segments.columns()?;
    Ok(detached(py, || Ok(batches::order(&columns)))?.into_pyarray(py))
}

/// Tokens of a set of prompts, each shared prefix counted once.
#[pyfunction]
#[pyo3(signature = (segments, /))]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
pub(crate) fn ideal_tokens(py: Python<'_>, segments: SegmentsArg<'_>) -> PyResult<u64> {
    let columns = segments.columns()?;
    detached(py, || batches::ideal(&columns))
}

/// Hashes, 16 bytes a prompt, and tokens of a set of prompts.
#[pyfunction]
#[pyo3(signature = (segments, /))]
#[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
pub(crate) fn measure_prompts<'py>(
    py: Python<'py>,
    segments: SegmentsArg<'py>,
) -> PyResult<MeasureArrays<'py>> {
    let columns = segments.columns()?;
    let found = detached(py, || batches::measure(&columns))?;
    Ok((found.ids_hash.into_pyarray(py), found.prompt_tokens.into_pyarray(py)))
}
