//! Bindings of `judgefast_core::texts`. Texts are read in place, a few microseconds at a time, so
//! that the interpreter lock is kept.

use judgefast_core::{hashes, texts};
use numpy::{IntoPyArray, PyArray1};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyString};

/// UTF-8 of a text. Asked for that of one that is not ASCII, Python keeps it beside the text for
/// good, and texts may be the caller's: theirs is made anew.
pub(crate) enum Utf8<'py> {
    Ascii(Bound<'py, PyString>),
    Other(Bound<'py, PyBytes>),
}

impl<'py> Utf8<'py> {
    pub(crate) fn of(text: Bound<'py, PyString>) -> PyResult<Self> {
        if text.call_method0(intern!(text.py(), "isascii"))?.is_truthy()? {
            return Ok(Self::Ascii(text));
        }
        let raw = text.call_method0(intern!(text.py(), "encode"))?;
        Ok(Self::Other(raw.cast_into::<PyBytes>()?))
    }

    pub(crate) fn bytes(&self) -> PyResult<&[u8]> {
        match self {
            Self::Ascii(text) => Ok(text.to_str()?.as_bytes()),
            Self::Other(raw) => Ok(raw.as_bytes()),
        }
    }
}

/// Identity of a plain text: 32 bytes.
#[pyfunction]
#[pyo3(signature = (text, /))]
pub(crate) fn text_hash(text: Bound<'_, PyString>) -> PyResult<Bound<'_, PyBytes>> {
    let py = text.py();
    Ok(PyBytes::new(py, &texts::text_hash(Utf8::of(text)?.bytes()?)))
}

/// Offsets, bytes and which are there.
type TextArrays<'py> =
    (Bound<'py, PyArray1<i32>>, Bound<'py, PyArray1<u8>>, Option<Bound<'py, PyArray1<u8>>>);

/// Texts as a column of Arrow: offsets, UTF-8, and a bitmap where some are None. None for more
/// than offsets of 32 bits can reach.
#[pyfunction]
#[pyo3(signature = (values, /))]
pub(crate) fn text_column<'py>(
    py: Python<'py>,
    values: Vec<Option<Bound<'py, PyString>>>,
) -> PyResult<Option<TextArrays<'py>>> {
    let held = values
        .into_iter()
        .map(|value| value.map(Utf8::of).transpose())
        .collect::<PyResult<Vec<_>>>()?;
    let column = held
        .iter()
        .map(|value| value.as_ref().map(Utf8::bytes).transpose())
        .collect::<PyResult<Vec<_>>>()?;
    Ok(texts::text_column(&column).map(|(offsets, bytes, present)| {
        let present = present.map(|bitmap| Vec::into_pyarray(bitmap, py));
        (Vec::into_pyarray(offsets, py), Vec::into_pyarray(bytes, py), present)
    }))
}

/// Sampling seeds of requests, by their keys of 16 bytes one after the other.
#[pyfunction]
#[pyo3(signature = (keys, /))]
pub(crate) fn sampling_seeds(keys: &[u8]) -> Vec<u64> {
    keys.chunks_exact(16).map(hashes::sampling_seed).collect()
}
