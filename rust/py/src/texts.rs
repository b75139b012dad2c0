//! Bindings of `judgefast_core::texts`. Texts are read in place, a few microseconds at a time, so
//! that the interpreter lock is kept.

use judgefast_core::{hashes, texts};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// Identity of a plain text: 32 bytes.
#[pyfunction]
#[pyo3(signature = (text, /))]
pub(crate) fn text_hash<'py>(text: &Bound<'py, PyString>) -> PyResult<Bound<'py, PyBytes>> {
    Ok(PyBytes::new(text.py(), &texts::text_hash(text.to_str()?)))
}

/// Sampling seeds of requests, by their keys of 16 bytes one after the other.
#[pyfunction]
#[pyo3(signature = (keys, /))]
pub(crate) fn sampling_seeds(keys: &[u8]) -> Vec<u64> {
    keys.chunks_exact(16).map(hashes::sampling_seed).collect()
}

/// A segment of a prompt: attributes of a Python object.
#[derive(FromPyObject)]
pub(crate) struct SegmentArg<'py> {
    text: Bound<'py, PyString>,
    trusted: bool,
}

/// The hash of a prompt's segments.
#[pyclass(frozen, module = "judgefast._native")]
pub(crate) struct SegmentsHash(texts::SegmentsHash);

#[pymethods]
impl SegmentsHash {
    /// The hash of the segments that all prompts of an item begin with.
    #[new]
    #[pyo3(signature = (segments, /))]
    #[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
    fn new(segments: Vec<SegmentArg<'_>>) -> PyResult<Self> {
        let mut state = texts::SegmentsHash::new();
        push(&mut state, &segments)?;
        Ok(Self(state))
    }

    /// Hash of the prompt that goes on with `segments`: 16 bytes.
    #[pyo3(signature = (segments, /))]
    #[allow(clippy::needless_pass_by_value, reason = "PyO3 hands arguments over by value")]
    fn with_rest<'py>(
        &self,
        py: Python<'py>,
        segments: Vec<SegmentArg<'py>>,
    ) -> PyResult<Bound<'py, PyBytes>> {
        let mut state = self.0.clone();
        push(&mut state, &segments)?;
        Ok(PyBytes::new(py, &state.key()))
    }
}

fn push(state: &mut texts::SegmentsHash, segments: &[SegmentArg<'_>]) -> PyResult<()> {
    for SegmentArg { text, trusted } in segments {
        match text.to_str() {
            Ok(utf8) => state.push(utf8.as_bytes(), *trusted),
            Err(_) => {
                // A lone surrogate has no UTF-8; Python writes it as if it had.
                let raw = text.call_method1("encode", ("utf-8", "surrogatepass"))?;
                state.push(raw.cast::<PyBytes>()?.as_bytes(), *trusted);
            }
        }
    }
    Ok(())
}
